// kernfold/engine/cuda/launch.cuh: one sweep on a device: how much memory it needs, and its launch.
#pragma once

#include "kernel.cuh"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// The limits of a device, which a program reads once and keeps.
inline cudaError_t read_limits(device_limits& limits, int device) {
  const struct {
    int* to;
    cudaDeviceAttr what;
  } wanted[] = {{&limits.multiprocessors, cudaDevAttrMultiProcessorCount},
                {&limits.registers, cudaDevAttrMaxRegistersPerMultiprocessor},
                {&limits.threads, cudaDevAttrMaxThreadsPerMultiProcessor},
                {&limits.blocks, cudaDevAttrMaxBlocksPerMultiprocessor},
                {&limits.shared_bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor},
                {&limits.shared_bytes_of_block, cudaDevAttrMaxSharedMemoryPerBlockOptin}};
  for (const auto& w : wanted)
    if (const cudaError_t e = cudaDeviceGetAttribute(w.to, w.what, device); e != cudaSuccess) return e;
  return cudaSuccess;
}

/// Which part of a reduction a launch is: all of it, or one of several that hand the rows' states on.
struct block_part {
  void* kept = nullptr;  // states_bytes(rows), or nowhere: the launch is all of it
  bool begins = true, ends = true;
  std::int64_t first_column = 0;
};

/// A plan on a device. Leaves are numbered as Plan::program_type::leaves; an origin_of<V> is given the array of V.
/// Plain numbers are the host's. Arrays, results and workspace are memory of the current device, whose limits these
/// are. Nothing here allocates or waits. IsBatch: for several problems, the places of whose parts are memory of the
/// device, too.
template <class Plan, bool IsBatch = false> struct cuda_sweep {
  using block_layout = detail::block_layout<Plan>;
  using task = detail::block_task<Plan>;
  static constexpr block_policy policy = block_layout::policy;

  /// What the states of all rows take where columns come in pieces.
  static std::int64_t states_bytes(std::int64_t rows) {
    return (rows + group_rows - 1) / group_rows * policy.threads * std::int64_t(sizeof(typename block_layout::states));
  }
  /// For `columns` columns at a time.
  static std::int64_t workspace_bytes(std::int64_t rows, std::int64_t columns, const device_limits& limits) {
    return workspace_bytes(sweep_shape{rows, columns}, limits);
  }
  static std::int64_t workspace_bytes(const sweep_shape& shape, const device_limits& limits) {
    const block_grid grid = split_blocks(policy, limits, shape.rows, shape.columns, shape.problems);
    return state_bytes(grid, shape.problems) + block_bytes(grid.groups * shape.problems);
  }

  /// Enqueues the sweep. The workspace, of at least workspace_bytes(...), is aligned as cudaMalloc does, and free when
  /// the stream gets past the sweep.
  static cudaError_t launch(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                            std::int64_t rows, std::int64_t columns, void* workspace, const device_limits& limits,
                            const block_part& part) {
    return launch(stream, leaves, outputs, sweep_shape{rows, columns}, workspace, limits, part);
  }
  static cudaError_t launch(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                            const sweep_shape& shape, void* workspace, const device_limits& limits,
                            const block_part& part) {
    task t = task_for(leaves, outputs, shape, part);
    return launch_split<space_kind::all>(stream, t, shape, workspace, limits);
  }
  /// The same for the columns near the diagonal.
  static cudaError_t launch_over_band(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                      const sweep_shape& shape, void* workspace, const device_limits& limits,
                                      const diagonals& band) {
    task t = task_for(leaves, outputs, shape, {});
    t.band = band;
    return launch_split<space_kind::band>(stream, t, shape, workspace, limits);
  }
  /// The same over a space, whose rows are listed for `groups` blocks of group_rows at most, in memory of the device.
  static constexpr std::int64_t group_rows = std::int64_t(policy.threads) * policy.lanes;
  static std::int64_t listed_workspace_bytes(std::int64_t groups, std::int64_t problems) {
    return block_bytes(groups * problems);
  }
  static cudaError_t launch_listed(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                   const sweep_shape& shape, void* workspace, std::int64_t groups,
                                   const detail::listed_rows* listed, const interval* intervals) {
    task t = task_for(leaves, outputs, shape, {});
    t.groups = groups;
    t.listed = listed;
    t.intervals = intervals;
    return launch_whole<space_kind::intervals>(stream, t, shape.problems, workspace);
  }
  /// The same over edges, in memory of the device; where rows are edges, their ends are, and nothing is folded.
  static constexpr bool rows_are_edges = Plan::program_type::rows == role::edge;
  static std::int64_t groups_over_edges(std::int64_t rows) {
    return rows_are_edges ? groups_of(rows) : (rows + policy.threads - 1) / policy.threads;
  }
  static std::int64_t edge_workspace_bytes(const sweep_shape& shape) {
    return block_bytes(groups_over_edges(shape.rows) * shape.problems);
  }
  static cudaError_t launch_over_edges(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                       const sweep_shape& shape, void* workspace, const edge_rows& edges,
                                       const edge_ends& ends) {
    task t = task_for(leaves, outputs, shape, {});
    t.groups = groups_over_edges(shape.rows);
    t.columns_each = shape.columns;
    t.edges = edges;
    t.edge_ends_of_rows = ends;
    constexpr space_kind kind = rows_are_edges ? space_kind::all : space_kind::edges;
    return launch_whole<kind>(stream, t, shape.problems, workspace);
  }
  /// Enqueues the merge of the states `later` into those of `part`, whose columns come before.
  static cudaError_t merge(cudaStream_t stream, const leaf_array* leaves, std::int64_t rows, void* later,
                           const block_part& part) {
    task t = task_for(leaves, nullptr, {rows, 0}, part);
    const int threads = block_threads(policy, rows), of_group = threads * policy.lanes;
    t.groups = (rows + of_group - 1) / of_group;
    t.stretches = t.apart = 1;
    t.states = static_cast<typename block_layout::states*>(later);
    t.work = detail::block_work::merge;
    return starter{stream, 1, threads}.sweep(t, 1);
  }

 private:
  /// Starts kernels for all problems, in blocks of so many threads.
  struct starter {
    cudaStream_t stream;
    std::int64_t problems;
    int threads;

    template <space_kind Kind = space_kind::all> cudaError_t sweep(task& t, int stretches) const {
      constexpr auto kernel = [] {
        if constexpr (IsBatch) return &detail::batch_kernel<Plan, Kind>;
        else return &detail::sweep_kernel<Plan, Kind>;
      }();
      return run(kernel, t, t.groups * problems, stretches, threads, policy.shared_bytes);
    }
    /// axis::both: of the states of all groups.
    cudaError_t finish(task& t) const {
      constexpr auto kernel = [] {
        if constexpr (IsBatch) return &detail::finish_batch_kernel<Plan>;
        else return &detail::finish_kernel<Plan>;
      }();
      return run(kernel, t, problems, 1, policy.threads, finish_bytes());
    }

   private:
    cudaError_t run(void (*kernel)(task), task& t, std::int64_t blocks, int stretches, int block_threads,
                    int shared_bytes) const {
      if (blocks == 0) return cudaSuccess;
      constexpr int without_asking = 49152;  // a kernel that wants more says so first
      if (shared_bytes > without_asking)
        if (const cudaError_t e = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                                       cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes))
          return e;
      void* arguments[] = {&t};
      return cudaLaunchKernel(kernel, dim3(unsigned(blocks), unsigned(stretches)), dim3(unsigned(block_threads)),
                              arguments, std::size_t(shared_bytes), stream);
    }
  };

  /// Folds the columns in stretches, and merges those.
  template <space_kind Kind>
  static cudaError_t launch_split(cudaStream_t stream, task& t, const sweep_shape& shape, void* workspace,
                                  const device_limits& limits) {
    const block_grid grid = split_blocks(policy, limits, shape.rows, shape.columns - t.first_column, shape.problems);
    t.columns_each = grid.columns_each;
    t.groups = grid.groups;
    t.stretches = grid.stretches;
    t.states = static_cast<typename block_layout::states*>(workspace);
    t.states_each = grid.stretches * grid.groups * grid.threads;
    t.blocks = reinterpret_cast<typename block_layout::block_states*>(static_cast<char*>(workspace) +
                                                                      state_bytes(grid, shape.problems));
    t.work = grid.stretches > 1 ? detail::block_work::stretch : detail::block_work::whole;
    const starter start{stream, shape.problems, grid.threads};
    if (const cudaError_t e = start.template sweep<Kind>(t, grid.stretches)) return e;
    if (grid.stretches > 1)
      if (const cudaError_t e = merge_stretches<Kind>(t, start)) return e;
    return Plan::folds_rows && t.ends ? start.finish(t) : cudaSuccess;
  }
  static std::int64_t groups_of(std::int64_t rows) { return (rows + group_rows - 1) / group_rows; }
  /// Merges the states of all stretches in their order, so many at a time.
  template <space_kind Kind> static cudaError_t merge_stretches(task& t, const starter& start) {
    t.work = detail::block_work::combine;
    t.apart = 1;
    int left = t.stretches;
    for (; left > merged_at_once; t.apart *= merged_at_once) {
      left = (left + merged_at_once - 1) / merged_at_once;
      if (const cudaError_t e = start.template sweep<Kind>(t, left)) return e;
    }
    t.work = detail::block_work::merge;
    return start.template sweep<Kind>(t, 1);
  }
  /// One launch folds all columns of the task's groups.
  template <space_kind Kind>
  static cudaError_t launch_whole(cudaStream_t stream, task& t, std::int64_t problems, void* workspace) {
    t.stretches = 1;
    t.blocks = static_cast<typename block_layout::block_states*>(workspace);
    t.work = detail::block_work::whole;
    const starter start{stream, problems, policy.threads};
    if (const cudaError_t e = start.template sweep<Kind>(t, 1)) return e;
    return Plan::folds_rows ? start.finish(t) : cudaSuccess;
  }
  static task task_for(const leaf_array* leaves, const output_array* outputs, const sweep_shape& shape,
                       const block_part& part) {
    task t{};
    for (int n = 0; n < Plan::program_type::leaves::size; ++n) {
      t.leaves[n] = leaves[n];
      if (!leaves[n].is_number) continue;
      __builtin_memcpy(t.leaves[n].number, leaves[n].data, sizeof t.leaves[n].number);
      t.leaves[n].data = nullptr;
    }
    for (int n = 0; n < Plan::output_count && outputs != nullptr; ++n) t.outputs[n] = outputs[n];
    t.rows = shape.rows;
    t.columns = shape.columns;
    t.first_column = part.first_column;
    t.kept = static_cast<typename block_layout::states*>(part.kept);
    t.begins = part.begins;
    t.ends = part.ends;
    return t;
  }
  static std::int64_t state_bytes(const block_grid& grid, std::int64_t problems) {
    if (grid.stretches <= 1) return 0;
    const std::int64_t bytes =
        problems * grid.stretches * grid.groups * grid.threads * std::int64_t(sizeof(typename block_layout::states));
    return (bytes + 255) / 256 * 256;
  }
  static std::int64_t block_bytes(std::int64_t groups) {
    return Plan::folds_rows ? groups * std::int64_t(sizeof(typename block_layout::block_states)) : 0;
  }
  /// The shared memory of the block that merges the states of all groups.
  static constexpr int finish_bytes() {
    return Plan::folds_rows ? policy.fold_width * int(sizeof(typename block_layout::block_states)) : 0;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
