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
/// are. Nothing here allocates or waits.
template <class Plan> struct cuda_sweep {
  using block_layout = detail::block_layout<Plan>;
  using task = detail::block_task<Plan>;
  static constexpr block_policy policy = block_layout::policy;

  /// What the states of all rows take where columns come in pieces.
  static std::int64_t states_bytes(std::int64_t rows) {
    return (rows + group_rows - 1) / group_rows * policy.threads * std::int64_t(sizeof(typename block_layout::states));
  }
  /// For `columns` columns at a time.
  static std::int64_t workspace_bytes(std::int64_t rows, std::int64_t columns, const device_limits& limits) {
    const block_grid grid = split_blocks(policy, limits, rows, columns);
    return state_bytes(grid) + block_bytes(grid);
  }

  /// Enqueues the sweep. The workspace, of at least workspace_bytes(...), is aligned as cudaMalloc does, and free when
  /// the stream gets past the sweep.
  static cudaError_t launch(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                            std::int64_t rows, std::int64_t columns, void* workspace, const device_limits& limits,
                            const block_part& part) {
    const block_grid grid = split_blocks(policy, limits, rows, columns - part.first_column);
    task t = task_for(leaves, outputs, rows, columns, part);
    t.columns_each = grid.columns_each;
    t.groups = grid.groups;
    t.stretches = grid.stretches;
    t.states = static_cast<typename block_layout::states*>(workspace);
    t.blocks =
        reinterpret_cast<typename block_layout::block_states*>(static_cast<char*>(workspace) + state_bytes(grid));
    if (grid.groups > 0) {
      t.work = grid.stretches > 1 ? detail::block_work::stretch : detail::block_work::whole;
      if (const cudaError_t e =
              start(&detail::sweep_kernel<Plan>, t, grid.groups, grid.stretches, policy.shared_bytes, stream))
        return e;
      t.work = detail::block_work::merge;
      if (grid.stretches > 1)
        if (const cudaError_t e = start(&detail::sweep_kernel<Plan>, t, grid.groups, 1, policy.shared_bytes, stream))
          return e;
    }
    if constexpr (Plan::folds_rows)
      if (part.ends) return start(&detail::finish_kernel<Plan>, t, 1, 1, finish_bytes(), stream);
    return cudaSuccess;
  }
  /// The same over a space, whose rows are listed for `groups` blocks of group_rows at most, in memory of the device.
  static constexpr std::int64_t group_rows = std::int64_t(policy.threads) * policy.lanes;
  static std::int64_t listed_workspace_bytes(std::int64_t groups) { return block_bytes({groups, 1, 0}); }
  static cudaError_t launch_listed(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                   std::int64_t rows, std::int64_t columns, void* workspace, std::int64_t groups,
                                   const detail::listed_rows* listed, const interval* intervals) {
    task t = task_for(leaves, outputs, rows, columns, {});
    t.groups = groups;
    t.listed = listed;
    t.intervals = intervals;
    return launch_whole<space_kind::intervals>(stream, t, workspace);
  }
  /// The same for the columns near the diagonal.
  static std::int64_t band_workspace_bytes(std::int64_t rows) {
    return block_bytes({(rows + group_rows - 1) / group_rows, 1, 0});
  }
  static cudaError_t launch_over_band(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                      std::int64_t rows, std::int64_t columns, void* workspace, const diagonals& band) {
    task t = task_for(leaves, outputs, rows, columns, {});
    t.groups = (rows + group_rows - 1) / group_rows;
    t.band = band;
    return launch_whole<space_kind::band>(stream, t, workspace);
  }
  /// The same over edges, in memory of the device; where rows are edges, their ends are, and nothing is folded.
  static constexpr bool rows_are_edges = Plan::program_type::rows == role::edge;
  static std::int64_t groups_over_edges(std::int64_t rows) {
    const std::int64_t at_once = rows_are_edges ? group_rows : policy.threads;
    return (rows + at_once - 1) / at_once;
  }
  static std::int64_t edge_workspace_bytes(std::int64_t rows) { return block_bytes({groups_over_edges(rows), 1, 0}); }
  static cudaError_t launch_over_edges(cudaStream_t stream, const leaf_array* leaves, const output_array* outputs,
                                       std::int64_t rows, std::int64_t columns, void* workspace, const edge_rows& edges,
                                       const edge_ends& ends) {
    task t = task_for(leaves, outputs, rows, columns, {});
    t.groups = groups_over_edges(rows);
    t.columns_each = columns;
    t.edges = edges;
    t.edge_ends_of_rows = ends;
    return launch_whole < rows_are_edges ? space_kind::all : space_kind::edges > (stream, t, workspace);
  }
  /// Enqueues the merge of the states `later` into those of `part`, whose columns come before.
  static cudaError_t merge(cudaStream_t stream, const leaf_array* leaves, std::int64_t rows, void* later,
                           const block_part& part) {
    task t = task_for(leaves, nullptr, rows, 0, part);
    t.groups = (rows + group_rows - 1) / group_rows;
    t.stretches = 1;
    t.states = static_cast<typename block_layout::states*>(later);
    t.work = detail::block_work::merge;
    return t.groups > 0 ? start(&detail::sweep_kernel<Plan>, t, t.groups, 1, policy.shared_bytes, stream) : cudaSuccess;
  }

 private:
  /// One launch folds all columns of the task's groups.
  template <space_kind Kind> static cudaError_t launch_whole(cudaStream_t stream, task& t, void* workspace) {
    t.stretches = 1;
    t.blocks = static_cast<typename block_layout::block_states*>(workspace);
    t.work = detail::block_work::whole;
    if (t.groups > 0)
      if (const cudaError_t e = start(&detail::sweep_kernel<Plan, Kind>, t, t.groups, 1, policy.shared_bytes, stream))
        return e;
    if constexpr (Plan::folds_rows) return start(&detail::finish_kernel<Plan>, t, 1, 1, finish_bytes(), stream);
    return cudaSuccess;
  }
  static task task_for(const leaf_array* leaves, const output_array* outputs, std::int64_t rows, std::int64_t columns,
                       const block_part& part) {
    task t{};
    for (int n = 0; n < Plan::program_type::leaves::size; ++n) {
      t.leaves[n] = leaves[n];
      if (!leaves[n].is_number) continue;
      __builtin_memcpy(t.leaves[n].number, leaves[n].data, sizeof t.leaves[n].number);
      t.leaves[n].data = nullptr;
    }
    for (int n = 0; n < Plan::output_count && outputs != nullptr; ++n) t.outputs[n] = outputs[n];
    t.rows = rows;
    t.columns = columns;
    t.first_column = part.first_column;
    t.kept = static_cast<typename block_layout::states*>(part.kept);
    t.begins = part.begins;
    t.ends = part.ends;
    return t;
  }
  static std::int64_t state_bytes(const block_grid& grid) {
    if (grid.stretches <= 1) return 0;
    const std::int64_t bytes =
        grid.stretches * grid.groups * policy.threads * std::int64_t(sizeof(typename block_layout::states));
    return (bytes + 255) / 256 * 256;
  }
  static std::int64_t block_bytes(const block_grid& grid) {
    return Plan::folds_rows ? grid.groups * std::int64_t(sizeof(typename block_layout::block_states)) : 0;
  }
  /// The shared memory of the block that merges the states of all groups.
  static constexpr int finish_bytes() {
    return Plan::folds_rows ? policy.fold_width * int(sizeof(typename block_layout::block_states)) : 0;
  }
  static cudaError_t start(void (*kernel)(task), task& t, std::int64_t groups, int stretches, int shared_bytes,
                           cudaStream_t stream) {
    constexpr int without_asking = 49152;  // a kernel that wants more says so first
    if (shared_bytes > without_asking)
      if (const cudaError_t e = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                                     cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes))
        return e;
    void* arguments[] = {&t};
    return cudaLaunchKernel(kernel, dim3(unsigned(groups), unsigned(stretches)), dim3(unsigned(policy.threads)),
                            arguments, std::size_t(shared_bytes), stream);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
