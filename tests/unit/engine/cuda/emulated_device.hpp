// A device of threads of this machine: what block_sweep.hpp asks of a block, so that its scheme (tiles, barriers,
// tails, split columns, merged states) is tested, and watched by the sanitizers, where there is no GPU.
#pragma once

#include <kernfold/engine/cpu/pack.hpp>
#include <kernfold/engine/cuda/block_sweep.hpp>

#include <barrier>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace emulated {

/// r.on(emulated::device{...}) computes with blocks of `threads`, the columns split into `stretches` of any length.
struct device {
  int threads = 32;
  int stretches = 1;
  bool backwards = false;  // the last block first
};

/// Memory of exactly so many bytes, so that the address sanitizer sees what lies beyond; filled with what would be
/// noticed.
class memory {
 public:
  explicit memory(std::int64_t bytes)
      : bytes_(static_cast<std::size_t>(bytes)), at_(static_cast<char*>(::operator new(bytes_, alignment))) {
    std::memset(at_, 0xff, bytes_);
  }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  ~memory() { ::operator delete(at_, alignment); }
  char* get() const { return at_; }

 private:
  static constexpr std::align_val_t alignment{64};
  std::size_t bytes_;
  char* at_;
};

struct block {
  int thread_, threads_;
  std::int64_t group_;
  int stretch_;
  char* shared_;
  std::barrier<>* barrier_;

  int thread() const { return thread_; }
  int threads() const { return threads_; }
  std::int64_t group() const { return group_; }
  int stretch() const { return stretch_; }
  char* shared() const { return shared_; }
  void barrier() const { barrier_->arrive_and_wait(); }
};

/// body(block) by all threads of all blocks, one block after the other.
template <class Body>
void launch(const device& where, std::int64_t groups, int stretches, int shared_bytes, const Body& body) {
  const int threads = where.threads;
  std::barrier<> barrier(threads);
  const memory shared(shared_bytes);
  const auto run_thread = [&](int thread) {
    const kernfold::flush_subnormals guard;
    for (std::int64_t n = 0; n < groups * stretches; ++n) {
      const std::int64_t number = where.backwards ? groups * stretches - 1 - n : n;
      body(block{thread, threads, number / stretches, int(number % stretches), shared.get(), &barrier});
      barrier.arrive_and_wait();  // blocks do not share memory: here the next one gets that of the last
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(run_thread, thread);
  run_thread(0);
  for (std::thread& other : others) other.join();
}

/// As cuda_sweep::launch, but for the split, which is the device's.
template <class Plan>
void sweep(const device& where, const kernfold::leaf_array* leaves, const kernfold::output_array* outputs,
           std::int64_t rows, std::int64_t columns) {
  namespace detail = kernfold::detail;
  using plan = detail::block_layout<Plan>;
  detail::block_task<Plan> task{};
  for (int n = 0; n < Plan::program_type::leaves::size; ++n) task.leaves[n] = leaves[n];
  for (int n = 0; n < Plan::output_count; ++n) task.outputs[n] = outputs[n];
  const std::int64_t group_rows = std::int64_t(where.threads) * plan::policy.lanes;
  task.rows = rows;
  task.columns = columns;
  task.groups = (rows + group_rows - 1) / group_rows;
  task.columns_each = (columns + where.stretches - 1) / where.stretches;
  task.stretches = where.stretches;
  task.begins = task.ends = true;
  const memory states(task.stretches * task.groups * where.threads * std::int64_t(sizeof(typename plan::states)));
  const memory blocks((task.groups + 1) * std::int64_t(sizeof(typename plan::block_states)));
  task.states = reinterpret_cast<typename plan::states*>(states.get());
  task.blocks = reinterpret_cast<typename plan::block_states*>(blocks.get());

  const auto run = [&](detail::block_work pass, int stretches) {
    task.work = pass;
    launch(where, task.groups, stretches, plan::policy.shared_bytes, [&](const block& b) {
      detail::block_sweep<Plan, block>{task, b}.run();
    });
  };
  if (task.stretches == 1) {
    run(detail::block_work::whole, 1);
  } else {
    run(detail::block_work::stretch, task.stretches);
    task.apart = 1;
    for (int left = task.stretches; left > kernfold::merged_at_once; task.apart *= kernfold::merged_at_once) {
      left = (left + kernfold::merged_at_once - 1) / kernfold::merged_at_once;
      run(detail::block_work::combine, left);
    }
    run(detail::block_work::merge, 1);
  }
  if constexpr (Plan::folds_rows)
    launch(where, 1, 1, plan::policy.shared_bytes, [&](const block& b) { detail::finish_blocks(task, b); });
}

}  // namespace emulated

namespace kernfold {
inline namespace KERNFOLD_ABI {
template <> struct executor_traits<emulated::device> {
  static constexpr bool is_device = false;
  static constexpr lowering lowers{.bounds_distances = true};
  template <class T> using memory = matrix<T>;
  template <class T>
  static matrix<T> allocate(const emulated::device&, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return matrix<T>(batch, rows, cols);
  }
  template <class T> static T* data_of(matrix<T>& m) { return m.data(); }
  template <class Plan>
  static void run(const emulated::device& where, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape) {
    emulated::sweep<Plan>(where, leaves, outputs, shape.rows, shape.columns);
  }
  static bool may_end_early(const void*) { return false; }
};
}  // namespace KERNFOLD_ABI
}  // namespace kernfold
