// kernfold/reduction/folded.hpp: reductions as symbols, and their derivatives.
//
// A reduction is described by a *spec*, an empty type:
//   formulas                  what it reduces, as written
//   dim, result               its output
//   name()                    for messages
//   plan<L, Both, A>          lowered roots, the fold that absorbs them, and what leaves the sum
//   adjoint<Axis>(v, e)       the formula whose sum over the pairs is (d/dv)^T e
// so the gradient of any reduction is again a Sum, of an ordinary formula. Where a derivative needs a reduction's value
// (the softmax weights exp(F - L_i) of L = logsumexp F), it is a leaf folded<Spec, Axis>: one row per output row, which
// the call computes first.
#pragma once

#include "../formula/gradient.hpp"
#include "concepts.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// The index that a reduction folds. axis::j (the default) leaves one row per i, axis::i one row per j, axis::both one
/// row in all, axis::none one row per pair of a list.
enum class axis : unsigned char { j, i, both, none };

/// The role of a reduction's output rows.
constexpr role output_role(axis a) {
  return a == axis::j ? role::i : a == axis::i ? role::j : a == axis::both ? role::parameter : role::edge;
}
/// The role of the rows of a sweep along an axis; over both axes, rows i are folded in the end.
constexpr role row_role(axis a) { return a == axis::i ? role::j : a == axis::none ? role::edge : role::i; }
/// The axis that leaves one row per index of a role.
constexpr axis axis_leaving(role r) {
  return r == role::i ? axis::j : r == role::j ? axis::i : r == role::parameter ? axis::both : axis::none;
}

/// The value of a reduction as a symbol: row i of its output (row j, or its only row).
template <class Spec, axis Axis> struct folded : formula_base {
  static constexpr role symbol_role = output_role(Axis);
  static constexpr int dim = Spec::dim;
  static constexpr role_set depends = role_bit(symbol_role);
  static constexpr kind result = Spec::result;
  static constexpr std::uint64_t positions = 0;
  static constexpr axis folds = Axis;
  using spec = Spec;
  using element = std::conditional_t<Spec::result == kind::index, std::int64_t, default_real>;
};

template <class F> inline constexpr bool is_folded = false;
template <class S, axis A> inline constexpr bool is_folded<folded<S, A>> = true;

template <class F> struct sum_spec;

namespace detail {

template <class F> struct is_folded_leaf {
  static constexpr bool value = is_folded<F> && F::result == kind::real;
};

template <class F, class V, class E, class... Leaves>
constexpr auto chained_gradient(F, [[maybe_unused]] V v, E, type_list<Leaves...>) {
  // dF/dv at fixed leaves, plus what flows through each of them: the adjoint of a leaf's row is itself a sum.
  return (gradient_of<F, V, E>() + ... +
          Leaves::spec::template adjoint<Leaves::folds>(
              v, folded<sum_spec<decltype(gradient_of<F, Leaves, E>())>, Leaves::folds>{}));
}

/// (dF/dV)^T E for a formula that may contain reductions as symbols.
template <class F, class V, class E> constexpr auto total_gradient(F f, V v, E e) {
  return chained_gradient(f, v, e, typename filtered<is_folded_leaf, leaves_of<F>>::type{});
}

/// The index that an axis folds, as a formula.
template <axis A> constexpr auto folded_index() {
  static_assert(
      A != axis::both,
      "kernfold: the gradient of an extremum over both axes is not available: reduce over one axis, then the other");
  static_assert(A != axis::none,
                "kernfold: a value for each edge is a sum of one term; there is nothing to choose from");
  if constexpr (A == axis::i) return row_index;
  else return column_index;
}

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
