// kernfold/engine/origin.hpp: a point among the rows of an array, where the scale of a squared distance is centred.
#pragma once

#include "plan.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The elements of a leaf's array. A plain number goes with the array to a device.
template <class Element>
KERNFOLD_HD_LAYER const Element* elements_of(const leaf_array& a) {
#if KERNFOLD_DEVICE_PASS
  if (a.is_number) return reinterpret_cast<const Element*>(&a.number);
#endif
  return static_cast<const Element*>(a.data);
}

/// Component k of an origin: the median of five rows spread over the array, which a few outliers do not move; 0 where it is not
/// finite, and for no rows. The same bits on the host and on a device.
template <class Element>
KERNFOLD_HD_ONCE Element origin_component(const leaf_array& array, int k) {
  if (array.rows <= 0) return Element(0);
  const Element* const first = elements_of<Element>(array) + k * array.col_stride;
  const auto sample = [&](int n) KERNFOLD_INLINE_LAMBDA { return first[n * (array.rows - 1) / 4 * array.row_stride]; };
  // The two medians that four numbers leave possible, and the fifth.
  const Element a = sample(0), b = sample(1), c = sample(2), d = sample(3), e = sample(4);
  const Element low = math::max(math::min(a, b), math::min(c, d)), high = math::min(math::max(a, b), math::max(c, d));
  const Element median = math::max(math::min(e, low), math::min(math::max(e, low), high));
  return median - median == Element(0) ? median : Element(0);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
