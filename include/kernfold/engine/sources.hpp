// kernfold/engine/sources.hpp: how the stages read their arrays, with any strides and element types.
#pragma once

#include "origin.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class Leaf, class Real>
using element_in =
    std::conditional_t<std::is_same_v<typename Leaf::element, default_real>, Real, typename Leaf::element>;

/// Writes or adds numbers to places `stride` apart.
template <class Element>
KERNFOLD_ONCE void scatter_rows(Element* to, const Element* from, std::int64_t stride, int lanes, bool add) {
  for (int l = 0; l < lanes; ++l) to[l * stride] = add ? static_cast<Element>(to[l * stride] + from[l]) : from[l];
}

/// The elements of a leaf's array. Those of a parameter may be a number that came with it; others are always in memory
/// of the device, which is what a compiler has to see to load them as such, several at a time.
template <class Leaf, class Real> KERNFOLD_HD_LAYER const element_in<Leaf, Real>* elements_of(const leaf_array& a) {
  if constexpr (Leaf::depends == no_roles)
    return static_cast<const element_in<Leaf, Real>*>(a.data != nullptr ? a.data : a.number);
  else return static_cast<const element_in<Leaf, Real>*>(a.data);
}
/// Component k of row `row` of an array.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Leaf, class Real> KERNFOLD_HD_LAYER auto read_element(const leaf_array& a, std::int64_t row, int k) {
  return widened_element(elements_of<Leaf, Real>(a)[row * a.row_stride + k * a.col_stride]);
}

/// One row, one column of the pairs, or a parameter (row 0).
template <class Real> struct single_source {
  const leaf_array* leaves;
  std::int64_t row;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int number, int k) const {
    if constexpr (is_origin<Leaf>)
      return T(origin_component<element_in<typename Leaf::variable, Real>, Real>(leaves[number], k));
    else return T(Real(read_element<Leaf, Real>(leaves[number], row, k)));
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER std::int64_t load_index(int number, int k) const {
    return std::int64_t(read_element<Leaf, Real>(leaves[number], row, k));
  }
};

/// An edge, row `edge` of the edges' arrays, with the rows i and j that are its ends.
template <class Real> struct end_source {
  const leaf_array* leaves;
  std::int64_t i, j, edge;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int number, int k) const {
    return at<Leaf>().template load<T, Leaf>(number, k);
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER std::int64_t load_index(int number, int k) const {
    return at<Leaf>().template load_index<T, Leaf>(number, k);
  }

 private:
  template <class Leaf> KERNFOLD_HD_LAYER single_source<Real> at() const {
    return {leaves, Leaf::depends == depends_on_i ? i : Leaf::depends == depends_on_j ? j : edge};
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
