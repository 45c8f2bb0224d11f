// kernfold/engine/sources.hpp: how the stages read their arrays, with any strides and element types.
#pragma once

#include "plan.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class Leaf, class Real>
using element_in = std::conditional_t<std::is_same_v<typename Leaf::element, default_real>, Real, typename Leaf::element>;

/// Rows first, first + 1, ... along the lanes. Lanes past the last row repeat it: they compute what nobody reads.
template <class P, class Real>
struct row_source {
  const leaf_array* leaves;
  std::int64_t first, count;

  template <class T, class Leaf>
  KERNFOLD_HD T load(int k) const {
    T value;
    for (int l = 0; l < math::lane_count<T>; ++l) math::set(value, l, Real(element<Leaf>(l, k)));
    return value;
  }
  template <class T, class Leaf>
  KERNFOLD_HD math::index_t<T> load_index(int k) const {
    math::index_t<T> value;
    for (int l = 0; l < math::lane_count<T>; ++l) math::set(value, l, std::int64_t(element<Leaf>(l, k)));
    return value;
  }

 private:
  template <class Leaf>
  KERNFOLD_HD auto element(int l, int k) const {
    constexpr int number = index_of<Leaf>(typename P::leaves{});
    const leaf_array& a = leaves[number];
    const std::int64_t row = first + l < count ? first + l : count - 1;
    return static_cast<const element_in<Leaf, Real>*>(a.data)[row * a.row_stride + k * a.col_stride];
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
