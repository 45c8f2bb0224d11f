// kernfold/api/gradient.hpp: derivatives of reductions, and several reductions in one call.
#pragma once

#include "reduction.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// The reduction that computes (d/dV sum over the output's rows of e . R)
template <class Signature, class Options, axis A, class Spec, class V, class E>
constexpr auto gradient_of_reduction(V v, E) {
  static_assert(E::dim == Spec::dim, "kernfold: the incoming gradient has the dimension of the reduction's result");
  static_assert(E::depends == role_bit(output_role(A)) || E::depends == no_roles,
                "kernfold: the incoming gradient has one row per row of the reduction's result: Vi for axis::j, Vj for "
                "axis::i, Pm for axis::both");
  static_assert(Spec::result == kind::real, "kernfold: an index has no gradient");
  static_assert(contains<V>(Signature{}),
                "kernfold: the gradient is asked for with respect to a variable that the reduction lacks");
  using gradient = bare<decltype(Spec::template adjoint<A>(v, bare<E>{}))>;
  using all = unite<unite<Signature, typename variables_of<bare<E>>::type>, declared_among<E>>;
  return reduction<all, Options, item<axis_leaving(V::symbol_role), sum_spec<gradient>>>{};
}

/// The incoming gradient at the next free position of a call.
template <class Signature, axis A, int Dim>
using next_gradient = variable<output_role(A), next_position(Signature{}), Dim>;

}  // namespace detail

/// The gradient of a reduction R with respect to V, for the incoming gradient e of R's result: a Sum over the axis that
/// leaves one row per index of V; for a parameter the complete double sum.
///   (sum_i e_i . dR_i / dv)
template <class Signature, class Options, axis A, class Spec, formula V, formula E>
constexpr auto grad(reduction<Signature, Options, item<A, Spec>>, V v, E e) {
  return detail::gradient_of_reduction<Signature, Options, A, Spec>(v, e);
}
/// The same, the incoming gradient being one more argument of the call, at the next free position.
template <class Signature, class Options, axis A, class Spec, formula V>
constexpr auto grad(reduction<Signature, Options, item<A, Spec>> r, V v) {
  return grad(r, v, detail::next_gradient<Signature, A, Spec::dim>{});
}

/// Several gradients of one reduction: backward(R, x, b)(args..., e) gives one matrix for each variable, and variables
/// of the same role share a sweep. The incoming gradient is the last argument.
template <class Signature, class Options, axis A, class Spec, formula... Vs>
constexpr auto backward(reduction<Signature, Options, item<A, Spec>>, Vs...) {
  using E = detail::next_gradient<Signature, A, Spec::dim>;
  static_assert((contains<Vs>(Signature{}) && ...),
                "kernfold: the gradient is asked for with respect to a variable that the reduction lacks");
  return reduction<
      unite<Signature, type_list<E>>, Options,
      item<axis_leaving(Vs::symbol_role), sum_spec<detail::bare<decltype(Spec::template adjoint<A>(Vs{}, E{}))>>>...>{};
}

namespace detail {
template <class A, class B> struct combined;
template <class S, class O, class... Is, class T, class P, class... Js>
struct combined<reduction<S, O, Is...>, reduction<T, P, Js...>> {
  using type = reduction<unite<S, T>, unite<O, P>, Is..., Js...>;
};
}  // namespace detail

/// Several reductions in one call, those along the same axis in one sweep: auto [v, n] = fold_all(R, S)(args...).
template <reduction_like R> constexpr auto fold_all(R r) { return r; }
template <reduction_like R, reduction_like S, reduction_like... Rest> constexpr auto fold_all(R, S, Rest... rest) {
  return fold_all(typename detail::combined<R, S>::type{}, rest...);
}

/// The directional derivative (dR/dv) u of a reduction R, by forward mode: as for formulas, the transpose of the
/// gradient, sum_pairs G(e), which is linear in e. So it is a sum along the same axis.
template <class Signature, class Options, axis A, class Spec, formula V, formula U>
constexpr auto diff(reduction<Signature, Options, item<A, Spec>>, V v, U) {
  static_assert(U::dim == V::dim || U::dim == 1, "kernfold: diff(reduction, v, u) needs u of the dimension of v");
  static_assert(Spec::result == kind::real, "kernfold: an index has no derivative");
  static_assert(contains<V>(Signature{}),
                "kernfold: the derivative is asked for with respect to a variable that the reduction lacks");
  using E = variable<output_role(A), 1 << 20, Spec::dim>;
  using gradient = detail::bare<decltype(Spec::template adjoint<A>(v, E{}))>;
  using derivative = decltype(detail::gradient_of<gradient, E, decltype(detail::spread<V::dim>(detail::bare<U>{}))>());
  using all = unite<unite<Signature, typename detail::variables_of<detail::bare<U>>::type>, detail::declared_among<U>>;
  return reduction<all, Options, item<A, sum_spec<derivative>>>{};
}

}  // namespace kernfold

template <class... Ts> struct std::tuple_size<kernfold::results<Ts...>> {
  static constexpr std::size_t value = sizeof...(Ts);
};
template <std::size_t At, class... Ts> struct std::tuple_element<At, kernfold::results<Ts...>> {
  using type = kernfold::type_at<kernfold::type_list<Ts...>, At>;
};
KERNFOLD_STRICT_END
