// kernfold/reduction/bounded.hpp: what the folds of least distances share.
#pragma once

#include "../formula/distance_bound.hpp"
#include "folded.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Whether any lane has a value below its threshold; InStep: here, or in a thread in step with this one. NaN is below
/// nothing.
template <bool InStep, class T, int B> KERNFOLD_HD_LAYER bool is_any_below(const T& threshold, const T (&v)[B]) {
  T least = threshold;  // min() keeps its first argument where the other is NaN
  for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { least = math::min(least, v[b]); });
  if constexpr (InStep) return math::any_in_step(least < threshold);
  else return math::any(least < threshold);
}

/// What a row knows of its bound within a tile: the threshold of root 1.
template <class T, bool IsBounded> struct kept_bound {
  T bound;
  KERNFOLD_HD_LAYER void let_all_pass() { bound = T(math::infinity<math::real_of<T>>()); }
};
template <class T> struct kept_bound<T, false> {
  KERNFOLD_HD_LAYER void let_all_pass() {}
};

/// Absorbs B columns whose values are bounded by roots 1 and 2, the parts of a distance_bound: absorb_values(v), which
/// returns the threshold from then on, is called with the values only where a bound passes; InStep: in all threads that
/// run in step, where it passes in one.
template <bool InStep, int B, class T, class Values, class F>
KERNFOLD_HD_LAYER void absorb_bounded(kept_bound<T, true>& kept, const Values& values, F&& absorb_values) {
  T v[B];
  for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<1>(b)(0); });
  if (is_any_below<InStep>(kept.bound, v)) [[unlikely]] {
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template late_root<0>(b)(0); });
    kept.bound = absorb_values(v) - values.template root<2>(0)(0);
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
