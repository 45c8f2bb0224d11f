// kernfold/api/no_cuda.hpp: what a unit that is not compiled by nvcc is told where it names kf::cuda.
#pragma once

#include "../engine/cpu/launch.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// The executor of a device's stream exists in units that nvcc compiles. A kf::any_reduction that a .cu has made runs
/// on a device from any unit.
struct cuda : cpu {
  template <class... Args> explicit constexpr cuda(Args...) {
    static_assert(sizeof...(Args) > 1024,
                  "kernfold: kf::cuda runs on a device, which only nvcc compiles for: compile this unit as a .cu with "
                  "nvcc, or call a "
                  "kf::any_reduction that such a unit has made with kf::cuda_host");
  }
};
template <> struct executor_traits<cuda> : executor_traits<cpu> {};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
