// kernfold/engine/sources.hpp: how the stages read their arrays, with any strides and element types.
#pragma once

#include "plan.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class Leaf, class Real>
using element_in = std::conditional_t<std::is_same_v<typename Leaf::element, default_real>, Real, typename Leaf::element>;

/// Writes or adds numbers to places `stride` apart.
template <class Element>
[[gnu::noinline]] void scatter_rows(Element* to, const Element* from, std::int64_t stride, int lanes, bool add) {
  for (int l = 0; l < lanes; ++l) to[l * stride] = add ? static_cast<Element>(to[l * stride] + from[l]) : from[l];
}

/// Component k of an origin: the median of five rows spread over the array, which a few outliers do not move; 0 where that is
/// not finite, and for no rows.
template <class Real>
[[gnu::noinline]] KERNFOLD_HD_LAYER Real median_of_five(const leaf_array& array, int k) {
  constexpr int samples = 5;
  Real sorted[samples];
  for (int n = 0; n < samples; ++n) {
    const std::int64_t row = n * (array.rows - 1) / (samples - 1);
    const Real v = array.rows > 0 ? static_cast<const Real*>(array.data)[row * array.row_stride + k * array.col_stride] : Real(0);
    int place = n;
    for (; place > 0 && v < sorted[place - 1]; --place) sorted[place] = sorted[place - 1];
    sorted[place] = v;
  }
  const Real median = sorted[samples / 2];
  return median - median == Real(0) ? median : Real(0);
}

/// One row, one column of the pairs, or a parameter (row 0).
template <class P, class Real>
struct single_source {
  const leaf_array* leaves;
  std::int64_t row;

  template <class T, class Leaf>
  KERNFOLD_HD_LAYER T load(int k) const {
    if constexpr (is_origin<Leaf>)
      return T(Real(median_of_five<element_in<typename Leaf::variable, Real>>(array<Leaf>(), k)));
    else return T(Real(element<Leaf>(k)));
  }
  template <class T, class Leaf>
  KERNFOLD_HD_LAYER std::int64_t load_index(int k) const { return std::int64_t(element<Leaf>(k)); }

 private:
  template <class Leaf>
  KERNFOLD_HD_LAYER const leaf_array& array() const {
    constexpr int number = index_of<Leaf>(typename P::leaves{});
    return leaves[number];
  }
  template <class Leaf>
  KERNFOLD_HD_LAYER auto element(int k) const {
    const leaf_array& a = array<Leaf>();
    return static_cast<const element_in<Leaf, Real>*>(a.data)[row * a.row_stride + k * a.col_stride];
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
