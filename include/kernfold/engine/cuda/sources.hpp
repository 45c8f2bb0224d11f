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

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
