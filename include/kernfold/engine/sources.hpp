// kernfold/engine/sources.hpp: how the stages read their arrays, with any strides and element types.
#pragma once

#include "plan.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class Leaf, class Real>
using element_in = std::conditional_t<std::is_same_v<typename Leaf::element, default_real>, Real, typename Leaf::element>;

/// Numbers `stride` apart, from row `first` on, `lanes` of them; rows past the last one repeat it. Called once per row and
/// component, so it stays a function of its own: inlined, it would only make every formula slower to compile.
template <class Element, class Real>
[[gnu::noinline]] void gather_rows(Real* to, const Element* from, std::int64_t stride, std::int64_t first,
                                   std::int64_t count, int lanes) {
  for (int l = 0; l < lanes; ++l) to[l] = static_cast<Real>(from[(first + l < count ? first + l : count - 1) * stride]);
}
/// Writes or adds numbers to places `stride` apart.
template <class Element>
[[gnu::noinline]] void scatter_rows(Element* to, const Element* from, std::int64_t stride, int lanes, bool add) {
  for (int l = 0; l < lanes; ++l) to[l * stride] = add ? static_cast<Element>(to[l * stride] + from[l]) : from[l];
}

/// Rows first, first + 1, ... along the lanes. Lanes past the last row repeat it: they compute what nobody reads.
template <class P, class Real>
struct row_source {
  const leaf_array* leaves;
  std::int64_t first, count;

  template <class T, class Leaf>
  KERNFOLD_INLINE T load(int k) const {
    if constexpr (math::lane_count<T> == 1) {
      return T(Real(*place<Leaf>(k, first)));
    } else {
      Real lanes[math::lane_count<T>];
      gather_rows(lanes, place<Leaf>(k, 0), array<Leaf>().row_stride, first, count, math::lane_count<T>);
      return math::load<T>(lanes);
    }
  }
  template <class T, class Leaf>
  KERNFOLD_HD math::index_t<T> load_index(int k) const {
    math::index_t<T> value;
    KERNFOLD_NO_UNROLL
    for (int l = 0; l < math::lane_count<T>; ++l)
      math::set(value, l, std::int64_t(*place<Leaf>(k, first + l < count ? first + l : count - 1)));
    return value;
  }

 private:
  template <class Leaf>
  KERNFOLD_HD const leaf_array& array() const {
    constexpr int number = index_of<Leaf>(typename P::leaves{});
    return leaves[number];
  }
  template <class Leaf>
  KERNFOLD_HD auto place(int k, std::int64_t row) const {
    const leaf_array& a = array<Leaf>();
    return static_cast<const element_in<Leaf, Real>*>(a.data) + (row * a.row_stride + k * a.col_stride);
  }
};

/// One row: a column of the pairs, or a parameter (row 0).
template <class P, class Real>
struct single_source {
  const leaf_array* leaves;
  std::int64_t row;

  template <class T, class Leaf>
  KERNFOLD_HD T load(int k) const { return T(Real(element<Leaf>(k))); }
  template <class T, class Leaf>
  KERNFOLD_HD std::int64_t load_index(int k) const { return std::int64_t(element<Leaf>(k)); }

 private:
  template <class Leaf>
  KERNFOLD_HD auto element(int k) const {
    constexpr int number = index_of<Leaf>(typename P::leaves{});
    const leaf_array& a = leaves[number];
    return static_cast<const element_in<Leaf, Real>*>(a.data)[row * a.row_stride + k * a.col_stride];
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
