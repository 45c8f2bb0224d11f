// kernfold/engine/origin.hpp: a point among the rows of an array, about which distances are bounded.
#pragma once

#include "../formula/distance_bound.hpp"
#include "plan.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The median of five rows spread over an array of so many, which a few outliers do not move; 0 where it is not finite,
/// and for no rows. The same bits on the host and on a device. sample(i) is the component in row i.
template <class Element, class Sample>
KERNFOLD_HD_LAYER Element median_of_five(std::int64_t rows, const Sample& sample) {
  if (rows <= 0) return Element(0);
  const auto at = [&](int n) KERNFOLD_INLINE_LAMBDA { return sample(n * (rows - 1) / 4); };
  // The two medians that four numbers leave possible, and the fifth.
  const Element a = at(0), b = at(1), c = at(2), d = at(3), e = at(4);
  const Element low = math::max(math::min(a, b), math::min(c, d)), high = math::min(math::max(a, b), math::max(c, d));
  const Element median = math::max(math::min(e, low), math::min(math::max(e, low), high));
  return median - median == Element(0) ? median : Element(0);
}

/// An element of an array as a number to compute with.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Element> KERNFOLD_HD_LAYER auto widened_element(const Element& e) {
  if constexpr (is_narrow_real<Element>) return static_cast<float>(e);
  else return e;
}

/// Component k of an origin.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Element, class Real> KERNFOLD_HD_ONCE Real origin_component(const leaf_array& array, int k) {
  const Element* const first = static_cast<const Element*>(array.data) + k * array.col_stride;
  return median_of_five<Real>(array.rows, [&](std::int64_t i) KERNFOLD_INLINE_LAMBDA {
    return Real(widened_element(first[i * array.row_stride]));
  });
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
