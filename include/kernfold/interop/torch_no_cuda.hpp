// kernfold/interop/torch_no_cuda.hpp: what a unit has in the place of devices where it is not compiled by nvcc, or
// PyTorch has none.
#pragma once

#include "../kernfold.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

struct torch_device {
  template <class Reduction, class Real> static consteval const recipe* recipe_for() { return nullptr; }
  template <class Device>
  static void compute(const recipe&, const Device&, const leaf_array*, domain, const output_array*) {}
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
