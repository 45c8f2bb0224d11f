// kernfold/engine/cpu/vectors.hpp: vectors whose dimension is known at run time, on the processor: where each stage
// keeps those of its leaves.
#pragma once

#include "../sources.hpp"
#include "sweep.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Which leaves of a program are vectors of run-time dimension that a stage keeps.
template <class P, class Leaves = typename P::leaves> struct vector_leaves;
template <class P, class... Leaves> struct vector_leaves<P, type_list<Leaves...>> {
  static constexpr int count = sizeof...(Leaves);
  static_assert(!P::has_run_time_dims || count <= max_vector_leaves,
                "kernfold: a formula with vectors of run-time dimension has at most 32 variables");
  template <class Leaf> static consteval bool is_kept(stage s) {
    constexpr instruction n = P::at(P::graph::template number_of<Leaf>());
    return n.where == home::vector && n.at == s;
  }
  static void lay_out(const sweep_arrays& arrays, vector_layout& all) {
    int n = 0;
    const auto place = [&]<class Leaf>(type_identity_of<Leaf>) {
      int* const next = is_kept<Leaf>(stage::parameter) ? &all.parameters
                        : is_kept<Leaf>(stage::row)     ? &all.rows
                        : is_kept<Leaf>(stage::column)  ? &all.columns
                                                        : nullptr;
      if constexpr (Leaf::dim == dynamic) {
        all.places[n] = {int(arrays.leaves[n].dim), next != nullptr ? *next : 0};
        if (next != nullptr) *next += all.places[n].dim;
      }
      ++n;
    };
    (place(type_identity_of<Leaves>{}), ...);
  }
  /// write(component, value) for each component that the stage S keeps of a row, a column or the parameters.
  template <stage S, class Real, class Write>
  static KERNFOLD_LAYER void read(const sweep_arrays& arrays, const vector_layout& all, std::int64_t row, Write write) {
    [[maybe_unused]] int n = 0;
    const auto read_leaf = [&]<class Leaf>(type_identity_of<Leaf>) KERNFOLD_INLINE_LAMBDA {
      if constexpr (is_kept<Leaf>(S))
        for (int k = 0; k < all.places[n].dim; ++k)
          write(all.places[n].first + k, Real(read_element<Leaf, Real>(arrays.leaves[n], row, k)));
      ++n;
    };
    (read_leaf(type_identity_of<Leaves>{}), ...);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
