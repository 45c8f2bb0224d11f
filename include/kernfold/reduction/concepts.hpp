// kernfold/reduction/concepts.hpp: how values are folded.
//
// A fold is what the loop nest runs, for any type of lanes T (a scalar, or a pack of rows):
//   state<T>                      what is known of the columns so far
//   accumulator<T>                what one tile adds to it
//   identity(state)               nothing yet
//   open(accumulator, state, first)     a tile begins, at column `first`
//   absorb<B>(accumulator, values, c)   B columns from column c of the tile on; values(r, b) is root r of column b
//   close(state, accumulator, first)    it ends
//   merge(state, other)           the columns of `other` come after those of `state`
//   finish(state, k)              component k of the result
//   extract(state<Real>, state<T>, l, first)   the state of lane l alone, its columns numbered from `first`
//   absent<T>()                                a value of root 0 that changes nothing where all other roots are 0
// and, for sums, scale(state, factor). `column_block` is the B that it is fastest with, and most takes;
// long_column_block, where its components are so many that they stay in memory, is another; register_reals, where its
// states mostly stay in memory, what a lane's take in registers; late_roots, how many of the first roots it seldom asks
// for, by values.late_root<R>(b). A fold that most columns do not change says so:
//   wants<B>(accumulator, values)       whether any of B columns may change it
//   skips_from                          from which column on it is worth asking
// merge is what lets tiles, threads, splits of the columns and several machines share one reduction.
#pragma once

#include <cstdint>

#include "../core/math.hpp"
#include "../core/vec.hpp"
#include "../formula/evaluate.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// How sums are accumulated. U is the unit roundoff, N the number of columns, L the length of a tile.
enum class accumulation : unsigned char {
  plain,        // one running sum: error bound N U
  block,        // one sum per tile, added to the total: (L + N / L) U; the default
  compensated,  // Kahan and Babuska's compensation of every addition: 2 U (Neumaier, ZAMM 54, 1974)
  in_double     // added in double precision
};

namespace detail {

/// A reduction that a fold implements, and where its first root stands in the program.
template <class Fold, int FirstRoot, int OuterRoot> struct fold_at {
  using fold = Fold;
  static constexpr int first_root = FirstRoot;
  static constexpr int outer_root = OuterRoot;  // a factor of rows and parameters that left the sum, or -1
};

/// A place in a list, as the argument of a function.
template <int At> struct place {};

/// One object per fold of a list; found by overload resolution, as in a tuple.
template <int At, class S> struct slot {
  S value;
};
template <class Sequence, class... Ss> struct slot_list;
template <int... Is, class... Ss> struct slot_list<std::integer_sequence<int, Is...>, Ss...> : slot<Is, Ss>... {};
template <class... Ss> using slot_list_of = slot_list<std::make_integer_sequence<int, sizeof...(Ss)>, Ss...>;
template <int At, class S> KERNFOLD_HD_LAYER S& get(slot<At, S>& s) { return s.value; }
template <int At, class S> KERNFOLD_HD_LAYER const S& get(const slot<At, S>& s) { return s.value; }

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
