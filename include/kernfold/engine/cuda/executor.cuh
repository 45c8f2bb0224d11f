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

/// A list of the host, copied to memory of a device.
struct list_copy {
  const void* from;
  int device;
  void* memory;
  list_copy* next;

  static void release_all(void* first) {
    for (auto* copy = static_cast<list_copy*>(first); copy != nullptr;) {
      list_copy* const next = copy->next;
      cudaFree(copy->memory);  // waits for what still reads it
      delete copy;
      copy = next;
    }
  }
};
inline const void* find_copy(const kept_copies& copies, const void* from, int device) {
  const auto* copy = static_cast<const list_copy*>(__atomic_load_n(&copies.first, __ATOMIC_ACQUIRE));
  while (copy != nullptr && (copy->from != from || copy->device != device)) copy = copy->next;
  return copy != nullptr ? copy->memory : nullptr;
}
/// Copies that two threads make at the same time are both kept.
inline const void* keep_copy(kept_copies& copies, const cuda_attempt& attempt, const void* from, std::int64_t bytes) {
  void* memory = nullptr;
  attempt.check(cudaMalloc(&memory, std::size_t(bytes)), "cudaMalloc of a space");
  auto* const copy = new list_copy{from, attempt.device, memory, nullptr};
  const cudaError_t copied = cudaMemcpyAsync(memory, from, std::size_t(bytes), cudaMemcpyHostToDevice, attempt.stream);
  const cudaError_t waited = cudaStreamSynchronize(attempt.stream);  // other streams will read it, too
  if (copied != cudaSuccess || waited != cudaSuccess) {
    list_copy::release_all(copy);
    attempt.check(copied, "copying a space");
    attempt.check(waited, "waiting for the copy of a space");
  }
  __atomic_store_n(&copies.release, &list_copy::release_all, __ATOMIC_RELAXED);
  void* next = __atomic_load_n(&copies.first, __ATOMIC_RELAXED);
  do copy->next = static_cast<list_copy*>(next);
  while (!__atomic_compare_exchange_n(&copies.first, &next, static_cast<void*>(copy), false, __ATOMIC_RELEASE,
                                      __ATOMIC_RELAXED));
  return memory;
}

/// An attempt over a kind of space, or of several problems: with kernels of its own, which no other call need compile.
template <space_kind Kind, bool IsBatch> struct space_attempt {
  const cuda_attempt& attempt;
};
/// kf::cuda, for such calls.
template <space_kind Kind, bool IsBatch> struct cuda_over {
  cuda where;
};

/// The arrays of several problems, with the places of their parts in memory of the device.
template <class Array, int Count> struct placed_there {
  Array arrays[Count + 1];

  placed_there(const cuda_attempt& attempt, const Array* from, std::int64_t problems) {
    matrix<std::int64_t> places(Count, problems);
    std::int64_t count = 0;
    for (int n = 0; n < Count; ++n)
      if ((arrays[n] = from[n]).problems != nullptr)
        for (std::int64_t p = 0; p < problems; ++p) places.data()[count++] = from[n].problems[p];
    const std::int64_t bytes = count * std::int64_t(sizeof(std::int64_t));
    char* there = attempt.take(bytes);
    if (attempt.measures) return;
    attempt.copy(there, places.data(), bytes);
    for (int n = 0; n < Count; ++n) {
      if (arrays[n].problems == nullptr) continue;
      arrays[n].problems = reinterpret_cast<const std::int64_t*>(there);
      there += problems * std::int64_t(sizeof(std::int64_t));
    }
  }
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
  static memory<T> allocate(const detail::cuda_attempt& attempt, std::int64_t batch, std::int64_t rows,
                            std::int64_t cols) {
    return {reinterpret_cast<T*>(attempt.take(batch * rows * cols * std::int64_t(sizeof(T)))), rows, cols};
  }
  template <class T> static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const detail::cuda_attempt& attempt, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape) {
    const std::int64_t rows = shape.rows, columns = shape.columns;
    char* const workspace = attempt.take(cuda_sweep<Plan>::workspace_bytes(rows, columns, attempt.limits));
    if (attempt.measures) return;
    const detail::device_guard guard(attempt.device);
    attempt.check(
        cuda_sweep<Plan>::launch(attempt.stream, leaves, outputs, rows, columns, workspace, attempt.limits, {}),
        "a kernel's launch");
  }
};

template <space_kind Kind, bool IsBatch> struct executor_traits<detail::space_attempt<Kind, IsBatch>> {
  using everything = executor_traits<detail::cuda_attempt>;
  using attempt_over = detail::space_attempt<Kind, IsBatch>;
  static constexpr bool is_device = true, takes_spaces = true;
  /// What meets only some lanes, or few columns, is not bounded first.
  static constexpr lowering lowers{.bounds_distances = Kind == space_kind::all || Kind == space_kind::intervals};
  template <class T> using memory = detail::attempt_memory<T>;
  template <class T>
  static memory<T> allocate(const attempt_over& over, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return everything::template allocate<T>(over.attempt, batch, rows, cols);
  }
  template <class T> static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const attempt_over& over, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape, const pair_set* pairs) {
    if constexpr (IsBatch) {
      constexpr int leaf_count = Plan::program_type::leaves::size;
      const detail::placed_there<leaf_array, leaf_count> leaves_there(over.attempt, leaves, shape.problems);
      const detail::placed_there<output_array, Plan::output_count> outputs_there(over.attempt, outputs, shape.problems);
      run_call<Plan>({over.attempt, leaves_there.arrays, outputs_there.arrays, shape, pairs ? pairs->copies : nullptr},
                     pairs);
    } else {
      run_call<Plan>({over.attempt, leaves, outputs, shape, pairs->copies}, pairs);
    }
  }

 private:
  struct sweep_call {
    const detail::cuda_attempt& attempt;
    const leaf_array* leaves;
    const output_array* outputs;
    const sweep_shape& shape;
    kept_copies* copies;
  };
  template <class Plan> using sweep = cuda_sweep<Plan, IsBatch>;

  template <class Plan> static void run_call(const sweep_call& call, const pair_set* pairs) {
    const detail::device_guard guard(call.attempt.device);
    if constexpr (Kind == space_kind::all) run_over_all<Plan>(call);
    else if constexpr (Kind == space_kind::intervals) run_over<Plan>(call, interval_rows_of<Plan>(*pairs));
    else if constexpr (Kind == space_kind::band) run_over<Plan>(call, diagonals_of<Plan>(*pairs));
    else if constexpr (sweep<Plan>::rows_are_edges) run_over<Plan>(call, pairs->ends);
    else run_over<Plan>(call, edge_rows_of<Plan>(*pairs));
  }
  template <class Plan> static void run_over_all(const sweep_call& c) {
    char* const workspace = c.attempt.take(sweep<Plan>::workspace_bytes(c.shape, c.attempt.limits));
    if (!c.attempt.measures)
      check(c, sweep<Plan>::launch(c.attempt.stream, c.leaves, c.outputs, c.shape, workspace, c.attempt.limits, {}));
  }
  template <class Plan> static void run_over(const sweep_call& c, const interval_rows& over) {
    constexpr std::int64_t most = sweep<Plan>::group_rows;
    const std::int64_t groups = detail::group_count(over, most);
    const matrix<detail::listed_rows> lists =
        c.attempt.measures ? matrix<detail::listed_rows>() : detail::list_groups(over, most, groups);
    const auto* const listed = copied(c.attempt, lists.data(), groups);
    const auto* const intervals = copied(c.attempt, over.columns, over.starts[over.count]);
    char* const workspace = c.attempt.take(sweep<Plan>::listed_workspace_bytes(groups, c.shape.problems));
    if (!c.attempt.measures)
      check(c, sweep<Plan>::launch_listed(c.attempt.stream, c.leaves, c.outputs, c.shape, workspace, groups, listed,
                                          intervals));
  }
  template <class Plan> static void run_over(const sweep_call& c, const diagonals& band) {
    char* const workspace = c.attempt.take(sweep<Plan>::workspace_bytes(c.shape, c.attempt.limits));
    if (!c.attempt.measures)
      check(c, sweep<Plan>::launch_over_band(c.attempt.stream, c.leaves, c.outputs, c.shape, workspace,
                                             c.attempt.limits, band));
  }
  template <class Plan> static void run_over(const sweep_call& c, const edge_rows& edges) {
    const edge_rows there{edges.has_starts_of_call ? copied(c.attempt, edges.starts, c.shape.rows + 1)
                                                   : kept(c, edges.starts, c.shape.rows + 1),
                          kept(c, edges.columns, edges.count),
                          edges.numbers ? kept(c, edges.numbers, edges.count) : nullptr, edges.count};
    run_over_edges<Plan>(c, there, {});
  }
  template <class Plan> static void run_over(const sweep_call& c, const edge_ends& ends) {
    run_over_edges<Plan>(c, {}, {kept(c, ends.i, c.shape.rows), kept(c, ends.j, c.shape.rows)});
  }
  template <class Plan> static void run_over_edges(const sweep_call& c, const edge_rows& edges, const edge_ends& ends) {
    char* const workspace = c.attempt.take(sweep<Plan>::edge_workspace_bytes(c.shape));
    if (!c.attempt.measures)
      check(c, sweep<Plan>::launch_over_edges(c.attempt.stream, c.leaves, c.outputs, c.shape, workspace, edges, ends));
  }

  /// A list that the space keeps, in memory of the device that it keeps, too.
  static const std::int64_t* kept(const sweep_call& c, const std::int64_t* list, std::int64_t count) {
    if (count == 0 || c.attempt.measures) return nullptr;
    const void* there = detail::find_copy(*c.copies, list, c.attempt.device);
    if (there == nullptr)
      there = detail::keep_copy(*c.copies, c.attempt, list, count * std::int64_t(sizeof(std::int64_t)));
    return static_cast<const std::int64_t*>(there);
  }
  /// Numbers of the host, in memory of the attempt.
  template <class T> static const T* copied(const detail::cuda_attempt& attempt, const T* on_host, std::int64_t count) {
    const std::int64_t bytes = count * std::int64_t(sizeof(T));
    char* const there = attempt.take(bytes);
    if (!attempt.measures) attempt.copy(there, on_host, bytes);
    return reinterpret_cast<const T*>(there);
  }
  static void check(const sweep_call& c, cudaError_t e) { c.attempt.check(e, "a kernel's launch"); }
};

template <> struct executor_traits<cuda> {
  static constexpr bool is_device = true;
  static constexpr lowering lowers{.bounds_distances = true};
  template <class T> using memory = device_matrix<T>;
  template <class T>
  static memory<T> allocate(const cuda& where, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return device_matrix<T>(where.stream, batch, rows, cols);
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

template <space_kind Kind>
  requires(Kind != space_kind::all)
struct runner_of<cuda, Kind> {
  using type = detail::cuda_over<Kind, false>;
  static type from(const cuda& where) { return {where}; }
};
/// The problems of a batch share a launch.
template <space_kind Kind> struct batch_runner_of<cuda, Kind> {
  using type = detail::cuda_over<Kind, true>;
  static type from(const cuda& where) { return {where}; }
};
template <space_kind Kind, bool IsBatch> struct executor_traits<detail::cuda_over<Kind, IsBatch>> {
  static constexpr bool is_device = true, takes_problems = IsBatch;
  template <class T> using memory = device_matrix<T>;
  static bool may_end_early(const void*) { return false; }

  using attempt = detail::space_attempt<Kind, IsBatch>;
  template <class F> static void attempt_twice(const detail::cuda_over<Kind, IsBatch>& over, message (*text)(), F&& f) {
    executor_traits<cuda>::attempt_twice(over.where, text, [&](const detail::cuda_attempt& a) { f(attempt{a}); });
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
