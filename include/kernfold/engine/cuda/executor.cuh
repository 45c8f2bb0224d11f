// kernfold/engine/cuda/executor.cuh: kf::cuda, where a reduction runs on the device of a stream.
#pragma once

#include "../../core/matrix.hpp"
#include "launch.cuh"
#include "memory.cuh"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Runs on the current device, on a stream: arguments are device arrays (and plain numbers), nothing waits. Temporary
/// memory is allocated and released in the order of the stream; .plan(shape) does without.
struct cuda {
  cudaStream_t stream = nullptr;
};

namespace detail {
inline namespace KERNFOLD_ABI {

/// The limits of a device. The driver keeps them: asking costs less than a microsecond.
inline device_limits limits_of(int device) {
  device_limits limits;
  check_cuda(read_limits(limits, device), "cudaDeviceGetAttribute");
  return limits;
}

/// Groups of `most` rows at most, each of one interval, for the blocks of a device.
inline std::int64_t group_count(const interval_rows& over, std::int64_t most) {
  std::int64_t groups = 0;
  for (std::int64_t b = 0; b < over.count; ++b) groups += (over.rows[b].end - over.rows[b].first + most - 1) / most;
  return groups;
}
inline matrix<listed_rows> list_groups(const interval_rows& over, std::int64_t most, std::int64_t groups) {
  matrix<listed_rows> lists(groups, 1);
  listed_rows* next = lists.data();
  for (std::int64_t b = 0; b < over.count; ++b)
    for (std::int64_t first = over.rows[b].first; first < over.rows[b].end; first += most) {
      const std::int64_t end = first + most < over.rows[b].end ? first + most : over.rows[b].end;
      *next++ = {{first, end}, over.starts[b], over.starts[b + 1]};
    }
  return lists;
}

/// An attempt at what a call computes on a device: with memory, it launches; without, it only finds out how much it
/// takes.
struct cuda_attempt {
  cudaStream_t stream = nullptr;
  int device = 0;
  char* memory = nullptr;
  device_limits limits;
  message (*text)() = nullptr;
  bool measures = false;
  mutable std::int64_t used = 0;

  char* take(std::int64_t bytes) const {
    constexpr std::int64_t alignment = 256;
    char* const piece = memory + used;
    used += (bytes + alignment - 1) / alignment * alignment;
    return piece;
  }
  void check(cudaError_t e, const char* what) const {
    if (e != cudaSuccess) refuse_cuda(e, message() << what << " for " << text());
  }
  /// To the device. The host's memory is free again at the return, unless it is page-locked.
  void copy(char* to, const void* from, std::int64_t bytes) const {
    if (bytes > 0)
      check(cudaMemcpyAsync(to, from, std::size_t(bytes), cudaMemcpyHostToDevice, stream), "copying a space");
  }
};

/// The states of a reduction's rows between two pieces of its columns, on a device.
class cuda_states {
 public:
  template <class Sweep>
  cuda_states(type_identity_of<Sweep>, const cuda& where, const leaf_array* leaves, std::int64_t rows)
      : stream_(where.stream),
        device_(device_of(where.stream)),
        rows_(rows),
        memory_(where.stream, Sweep::states_bytes(rows), 1),
        workspace_bytes_(&Sweep::workspace_bytes),
        launch_(&Sweep::launch),
        merge_(&Sweep::merge) {
    run(leaves, nullptr, 0, 0, true, false);
  }
  void run(const leaf_array* leaves, const output_array* outputs, std::int64_t first, std::int64_t end, bool begins,
           bool ends) {
    const device_guard guard(device_);
    const device_limits limits = limits_of(device_);
    const temporary_memory workspace(stream_, device_, workspace_bytes_(rows_, end - first, limits));
    check_cuda(launch_(stream_, leaves, outputs, rows_, end, workspace.data(), limits,
                       {memory_.device_data(), begins, ends, first}),
               "a kernel's launch");
  }
  /// The states of another stream are read when that is done with them, and may be written again when this stream has
  /// read them.
  void merge(const cuda_states& later, const leaf_array* leaves) {
    const device_guard guard(device_);
    wait_for(stream_, later.stream_);
    check_cuda(merge_(stream_, leaves, rows_, const_cast<char*>(later.memory_.device_data()),
                      {memory_.device_data(), false, false, 0}),
               "a kernel's launch");
    wait_for(later.stream_, stream_);
  }
  bool has_shape_of(const cuda_states& other) const { return rows_ == other.rows_ && device_ == other.device_; }

 private:
  cudaStream_t stream_;
  int device_;
  std::int64_t rows_;
  device_matrix<char> memory_;
  std::int64_t (*workspace_bytes_)(std::int64_t, std::int64_t, const device_limits&);
  cudaError_t (*launch_)(cudaStream_t, const leaf_array*, const output_array*, std::int64_t, std::int64_t, void*,
                         const device_limits&, const block_part&);
  cudaError_t (*merge_)(cudaStream_t, const leaf_array*, std::int64_t, void*, const block_part&);
};

/// An attempt over a space: with kernels of its own, which no other call need compile.
struct listing_attempt {
  const cuda_attempt& attempt;
};
/// kf::cuda, for calls over spaces.
struct listing_cuda {
  cuda where;
};

/// The same for calls over edges.
struct edge_attempt {
  const cuda_attempt& attempt;
};
struct edge_cuda {
  cuda where;
};

/// Memory of an attempt: released with all of it.
template <class T> struct attempt_memory {
  T* data = nullptr;
  std::int64_t row_count = 0, col_count = 0;
  std::int64_t rows() const { return row_count; }
  std::int64_t cols() const { return col_count; }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <> struct executor_traits<detail::cuda_attempt> {
  static constexpr bool is_device = true;
  static constexpr lowering lowers{.bounds_distances = true};
  template <class T> using memory = detail::attempt_memory<T>;
  template <class T>
  static memory<T> allocate(const detail::cuda_attempt& attempt, std::int64_t rows, std::int64_t cols) {
    return {reinterpret_cast<T*>(attempt.take(rows * cols * std::int64_t(sizeof(T)))), rows, cols};
  }
  template <class T> static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const detail::cuda_attempt& attempt, const leaf_array* leaves, const output_array* outputs,
                  std::int64_t rows, std::int64_t columns) {
    char* const workspace = attempt.take(cuda_sweep<Plan>::workspace_bytes(rows, columns, attempt.limits));
    if (attempt.measures) return;
    const detail::device_guard guard(attempt.device);
    attempt.check(
        cuda_sweep<Plan>::launch(attempt.stream, leaves, outputs, rows, columns, workspace, attempt.limits, {}),
        "a kernel's launch");
  }
};

template <> struct executor_traits<detail::listing_attempt> {
  using everything = executor_traits<detail::cuda_attempt>;
  static constexpr bool is_device = true, takes_spaces = true;
  static constexpr lowering lowers = everything::lowers;
  template <class T> using memory = detail::attempt_memory<T>;
  template <class T>
  static memory<T> allocate(const detail::listing_attempt& listing, std::int64_t rows, std::int64_t cols) {
    return everything::template allocate<T>(listing.attempt, rows, cols);
  }
  template <class T> static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const detail::listing_attempt& listing, const leaf_array* leaves, const output_array* outputs,
                  std::int64_t rows, std::int64_t columns, const pair_set* pairs) {
    const detail::cuda_attempt& attempt = listing.attempt;
    const interval_rows& over = interval_rows_of<Plan>(*pairs);
    using sweep = cuda_sweep<Plan>;
    const std::int64_t groups = detail::group_count(over, sweep::group_rows);
    const std::int64_t listed_bytes = groups * std::int64_t(sizeof(detail::listed_rows)),
                       interval_bytes = over.starts[over.count] * std::int64_t(sizeof(interval));
    char* const listed = attempt.take(listed_bytes);
    char* const intervals = attempt.take(interval_bytes);
    char* const workspace = attempt.take(sweep::listed_workspace_bytes(groups));
    if (attempt.measures) return;
    const detail::device_guard guard(attempt.device);
    const matrix<detail::listed_rows> lists = detail::list_groups(over, sweep::group_rows, groups);
    attempt.copy(listed, lists.data(), listed_bytes);
    attempt.copy(intervals, over.columns, interval_bytes);
    attempt.check(sweep::launch_listed(attempt.stream, leaves, outputs, rows, columns, workspace, groups,
                                       reinterpret_cast<const detail::listed_rows*>(listed),
                                       reinterpret_cast<const interval*>(intervals)),
                  "a kernel's launch");
  }
};

template <> struct executor_traits<detail::edge_attempt> {
  using everything = executor_traits<detail::cuda_attempt>;
  static constexpr bool is_device = true, takes_spaces = true;
  static constexpr lowering lowers{};  // rows meet too few columns for bounds to pay
  template <class T> using memory = detail::attempt_memory<T>;
  template <class T> static memory<T> allocate(const detail::edge_attempt& over, std::int64_t rows, std::int64_t cols) {
    return everything::template allocate<T>(over.attempt, rows, cols);
  }
  template <class T> static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const detail::edge_attempt& over, const leaf_array* leaves, const output_array* outputs,
                  std::int64_t rows, std::int64_t columns, const pair_set* pairs) {
    const detail::cuda_attempt& attempt = over.attempt;
    using sweep = cuda_sweep<Plan>;
    edge_rows edges;
    edge_ends ends;
    if constexpr (sweep::rows_are_edges) {
      ends = {copied(attempt, pairs->ends.i, rows), copied(attempt, pairs->ends.j, rows)};
    } else {
      const edge_rows& on_host = edge_rows_of<Plan>(*pairs);
      edges = {copied(attempt, on_host.starts, rows + 1), copied(attempt, on_host.columns, on_host.count),
               on_host.numbers ? copied(attempt, on_host.numbers, on_host.count) : nullptr, on_host.count};
    }
    char* const workspace = attempt.take(sweep::edge_workspace_bytes(rows));
    if (attempt.measures) return;
    const detail::device_guard guard(attempt.device);
    attempt.check(sweep::launch_over_edges(attempt.stream, leaves, outputs, rows, columns, workspace, edges, ends),
                  "a kernel's launch");
  }

 private:
  static const std::int64_t* copied(const detail::cuda_attempt& attempt, const std::int64_t* numbers,
                                    std::int64_t count) {
    const std::int64_t bytes = count * std::int64_t(sizeof(std::int64_t));
    char* const there = attempt.take(bytes);
    if (!attempt.measures) {
      const detail::device_guard guard(attempt.device);
      attempt.copy(there, numbers, bytes);
    }
    return reinterpret_cast<const std::int64_t*>(there);
  }
};

template <> struct executor_traits<cuda> {
  static constexpr bool is_device = true;
  static constexpr lowering lowers{.bounds_distances = true};
  template <class T> using memory = device_matrix<T>;
  template <class T> static memory<T> allocate(const cuda& where, std::int64_t rows, std::int64_t cols) {
    return device_matrix<T>(where.stream, rows, cols);
  }
  template <class T> static T* data_of(memory<T>& m) { return m.device_data(); }
  static bool may_end_early(const void*) { return false; }

  using attempt = detail::cuda_attempt;
  static attempt measuring_attempt(const cuda& where, message (*text)()) {
    const int device = detail::device_of(where.stream);
    return {where.stream, device, nullptr, detail::limits_of(device), text, true};
  }
  /// Computes in `memory`, which a measuring attempt has found enough.
  static attempt computing_attempt(const attempt& measured, const cuda& where, void* memory) {
    return {where.stream, measured.device, static_cast<char*>(memory), measured.limits, measured.text};
  }
  /// f(attempt) twice: to measure, and to compute.
  template <class F> static void attempt_twice(const cuda& where, message (*text)(), F&& f) {
    const attempt measured = measuring_attempt(where, text);
    f(measured);
    const detail::device_guard guard(measured.device);
    const detail::temporary_memory memory(where.stream, measured.device, measured.used);
    f(computing_attempt(measured, where, memory.data()));
  }

  using states = detail::cuda_states;
  template <class Plan> static states begin(const cuda& where, const leaf_array* leaves, std::int64_t rows) {
    return states(type_identity_of<cuda_sweep<Plan>>{}, where, leaves, rows);
  }
  static void absorb(const cuda&, states& to, const leaf_array* leaves, std::int64_t, std::int64_t first,
                     std::int64_t end) {
    to.run(leaves, nullptr, first, end, false, false);
  }
  static void merge(states& to, const states& later, const leaf_array* leaves) { to.merge(later, leaves); }
  static void finish(const cuda&, states& from, const leaf_array* leaves, const output_array* outputs, std::int64_t,
                     std::int64_t columns) {
    from.run(leaves, outputs, columns, columns, false, true);
  }
};

template <> struct runner_of<cuda, space_kind::intervals> {
  using type = detail::listing_cuda;
  static type from(const cuda& where) { return {where}; }
};
template <> struct executor_traits<detail::listing_cuda> {
  static constexpr bool is_device = true;
  template <class T> using memory = device_matrix<T>;
  static bool may_end_early(const void*) { return false; }

  using attempt = detail::listing_attempt;
  template <class F> static void attempt_twice(const detail::listing_cuda& executor, message (*text)(), F&& f) {
    executor_traits<cuda>::attempt_twice(executor.where, text, [&](const detail::cuda_attempt& a) { f(attempt{a}); });
  }
};

template <> struct runner_of<cuda, space_kind::edges> {
  using type = detail::edge_cuda;
  static type from(const cuda& where) { return {where}; }
};
template <> struct executor_traits<detail::edge_cuda> {
  static constexpr bool is_device = true;
  template <class T> using memory = device_matrix<T>;
  static bool may_end_early(const void*) { return false; }

  using attempt = detail::edge_attempt;
  template <class F> static void attempt_twice(const detail::edge_cuda& executor, message (*text)(), F&& f) {
    executor_traits<cuda>::attempt_twice(executor.where, text, [&](const detail::cuda_attempt& a) { f(attempt{a}); });
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
