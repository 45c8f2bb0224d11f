// kernfold/engine/cuda/kernel.cuh: the kernels: a block of the device around block_sweep.
#pragma once

#include "block_sweep.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

struct cuda_block {
  __device__ static int thread() { return int(threadIdx.x); }
  __device__ static int threads() { return int(blockDim.x); }
  __device__ static std::int64_t group() { return blockIdx.x; }
  __device__ static int stretch() { return int(blockIdx.y); }
  __device__ static char* shared() {
    extern __shared__ __align__(16) char kernfold_shared[];
    return kernfold_shared;
  }
  __device__ static void barrier() { __syncthreads(); }
};

template <class Plan, space_kind Kind = space_kind::all>
__global__ void __launch_bounds__(block_layout<Plan>::policy.threads, block_layout<Plan>::policy.resident)
    sweep_kernel(const __grid_constant__ block_task<Plan> task) {
  const cuda_block block;
  block_sweep<Plan, cuda_block, Kind>{task, block}.run();
}

/// Of several problems: the groups of the first come before those of the second.
struct cuda_batch_block : cuda_block {
  std::int64_t group_number;
  __device__ std::int64_t group() const { return group_number; }
};
template <class Plan, space_kind Kind>
__global__ void __launch_bounds__(block_layout<Plan>::policy.threads, block_layout<Plan>::policy.resident)
    batch_kernel(const __grid_constant__ block_task<Plan> task) {
  const std::int64_t problem = blockIdx.x / task.groups;
  const cuda_batch_block block{{}, blockIdx.x - problem * task.groups};
  const block_task<Plan> mine = task_of_problem(task, problem);
  block_sweep<Plan, cuda_batch_block, Kind>{mine, block}.run();
}

template <class Plan>
__global__ void __launch_bounds__(block_layout<Plan>::policy.threads)
    finish_batch_kernel(const __grid_constant__ block_task<Plan> task) {
  const block_task<Plan> mine = task_of_problem(task, blockIdx.x);
  finish_blocks(mine, cuda_block{});
}

template <class Plan>
__global__ void __launch_bounds__(block_layout<Plan>::policy.threads)
    finish_kernel(const __grid_constant__ block_task<Plan> task) {
  finish_blocks(task, cuda_block{});
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
