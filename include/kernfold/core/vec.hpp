// kernfold/core/vec.hpp: a fixed number of values of one type, on the host and on the device.
#pragma once

#include <utility>

#include "config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// (v_0, ..., v_{N-1}): an aggregate, for the values of a formula and for what a reduction keeps per component.
template <class T, int N> struct vec {
  T data[N > 0 ? N : 1];
  static constexpr int size = N;
  KERNFOLD_HD T& operator[](int k) { return data[k]; }
  KERNFOLD_HD const T& operator[](int k) const { return data[k]; }
};

namespace detail {
KERNFOLD_EXEC_CHECK_DISABLE
template <class F, int... Ks> KERNFOLD_HD void unrolled(F& f, std::integer_sequence<int, Ks...>) { (f(Ks), ...); }
}  // namespace detail

/// Up to this many components are kept in registers and their loops unrolled; longer vectors live in memory.
inline constexpr int unrolled_dim = 16;

/// f(0), ..., f(N-1). Short loops are unrolled by the compiler's front end, so that every index is a constant before
/// the first optimisation and arrays become registers; long ones stay loops. (Every layer of inlined functions costs
/// time to compile, so the shortest go without.)
KERNFOLD_EXEC_CHECK_DISABLE
template <int N, class F> KERNFOLD_HD void for_each_component(F&& f) {
  if constexpr (N <= 3) {
    if constexpr (N > 0) f(0);
    if constexpr (N > 1) f(1);
    if constexpr (N > 2) f(2);
  } else if constexpr (N <= unrolled_dim) {
    detail::unrolled(f, std::make_integer_sequence<int, N>{});
  } else {
    for (int k = 0; k < N; ++k) f(k);
  }
}

}  // namespace kernfold
KERNFOLD_STRICT_END
