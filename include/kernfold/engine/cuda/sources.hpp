// kernfold/engine/cuda/sources.hpp: how the row stage of a block reads its arrays.
#pragma once

#include "../sources.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Rows first, first + stride, ... Rows past the last one repeat it: they compute what nobody reads.
template <class Real> struct block_row_source {
  const leaf_array* leaves;
  std::int64_t first, stride, count;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int number, int k) const {
    T value;
    KERNFOLD_UNROLL
    for (int l = 0; l < math::lane_count<T>; ++l)
      math::set(value, l, Real(read_element<Leaf, Real>(leaves[number], row(l), k)));
    return value;
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER math::index_t<T> load_index(int number, int k) const {
    math::index_t<T> value;
    KERNFOLD_UNROLL
    for (int l = 0; l < math::lane_count<T>; ++l)
      math::set(value, l, std::int64_t(read_element<Leaf, Real>(leaves[number], row(l), k)));
    return value;
  }

 private:
  KERNFOLD_HD_LAYER std::int64_t row(int l) const {
    const std::int64_t r = first + l * stride;
    return r < count ? r : count - 1;
  }
};

/// The same where rows are edges: a variable of i or j is read at an edge's end.
template <class Real> struct block_end_source {
  const leaf_array* leaves;
  edge_ends ends;
  std::int64_t first, stride, count;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int number, int k) const {
    T value;
    KERNFOLD_UNROLL
    for (int l = 0; l < math::lane_count<T>; ++l) math::set(value, l, at(l).template load<Real, Leaf>(number, k));
    return value;
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER math::index_t<T> load_index(int number, int k) const {
    math::index_t<T> value;
    KERNFOLD_UNROLL
    for (int l = 0; l < math::lane_count<T>; ++l) math::set(value, l, at(l).template load_index<Real, Leaf>(number, k));
    return value;
  }
  /// Lets a frame of the row stage see the numbers of the ends.
  template <class Frame> KERNFOLD_HD_LAYER void number_ends(Frame& f) const {
    KERNFOLD_UNROLL
    for (int l = 0; l < math::lane_count<typename Frame::lanes>; ++l) {
      math::set(f.row_number, l, at(l).i);
      math::set(f.column_number, l, at(l).j);
    }
  }

 private:
  KERNFOLD_HD_LAYER end_source<Real> at(int l) const {
    const std::int64_t r = first + l * stride, edge = r < count ? r : count - 1;
    return {leaves, ends.i[edge], ends.j[edge], edge};
  }
};

/// The edge that each row of a thread follows, for what the pair stage reads of it.
template <class Real> struct edge_value_source {
  const leaf_array* leaves;
  std::int64_t edge;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int number, int k) const {
    return T(Real(read_element<Leaf, Real>(leaves[number], edge, k)));
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER math::index_t<T> load_index(int number, int k) const {
    return math::index_t<T>(std::int64_t(read_element<Leaf, Real>(leaves[number], edge, k)));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
