// kernfold/interop/torch_cuda.cuh: reductions of PyTorch's tensors on their device, in the order of its current stream.
#pragma once

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "../kernfold.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

struct torch_device {
  using runner = batch_runner_of<cuda, space_kind::all>;

  template <class Reduction, class Real> static consteval const recipe* recipe_for() {
    return &recipe_of<Reduction, runner::type, Real>;
  }
  static void compute(const recipe& r, const c10::Device& device, const leaf_array* arrays, domain counts,
                      const output_array* outputs) {
    const c10::cuda::CUDAGuard guard(device);
    const cuda where{c10::cuda::getCurrentCUDAStream(device.index()).stream()};
    const auto& there = runner::from(where);
    r.compute(&there, arrays, counts, outputs);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
