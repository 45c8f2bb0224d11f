// kernfold/formula/gradient.hpp: differentiation by rewriting types.
//
// Reverse mode over the graph of distinct nodes: with E the adjoint of the root F, the adjoint of a node is
//   adjoint(n) = sum over the consumers c of n of  (d c / d n)^T adjoint(c),
// one term per edge, so shared sub-formulas cost once, and the result shares what F shares. It is an ordinary formula:
// grad again gives any order. (Griewank and Walther, Evaluating Derivatives, 2nd ed., section 3.2.)
#pragma once

#include "graph.hpp"
#include "simplify.hpp"
#include "support.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// Within a derivation no variable needs to be kept.
template <class F> constexpr bare<F> bare_of(F) { return {}; }

/// R, the adjoint that Op makes of an adjoint G: 0 where G is, whatever Op multiplies it by.
template <int Place, class Op, class... Args, class G, class R> constexpr auto keep_zeros(node<Op, Args...>, G g, R r) {
  using s = support<G>;
  if constexpr (is_everywhere<s> || Op::moves_components || is_zero<R>) return r;
  else if constexpr (s::dim != 1 && requires { Op::template masked_gradient<Place>(s{}, Args{}..., g); })
    return Op::template masked_gradient<Place>(s{}, Args{}..., g);
  else if constexpr (is_masked<R> && std::is_same_v<support<R>, s>) return r;
  else if constexpr (__is_base_of(elementwise<Op>, Op)) return where(s{}, r, zero<1>);
  else return where(any_component(s{}), r, zero<1>);  // which components meet which is not known
}

/// (d c / d argument Place)^T g for c = Op(args...)
template <int Place, class Op, class... Args, class G> constexpr auto pulled_back(node<Op, Args...> c, G g) {
  using target = typename argument_of<node<Op, Args...>, Place>::type;
  if constexpr (is_zero<G> || target::result == kind::index) return Zero<target::dim>{};
  else if constexpr (sizeof...(Args) == 1)
    return fit_dim<target::dim>(bare_of(keep_zeros<Place>(c, g, bare_of(Op::gradient(Args{}..., g)))));
  else
    return fit_dim<target::dim>(bare_of(keep_zeros<Place>(c, g, bare_of(Op::template gradient<Place>(Args{}..., g)))));
}

/// The adjoints of the nodes of a graph with one root, E that of the root.
template <class Graph, class E> struct reverse_sweep {
  template <int K> using node = node_of_graph<Graph, K>;
  using edges = graph_edges<Graph>;

  template <int K, bool IsRoot> struct adjoint;
  template <int K> using adjoint_of = typename adjoint<K, K == Graph::root(0)>::type;
  template <int K, int Edge> static constexpr auto contribution() {
    constexpr graph_edge e = edges::from(K, Edge);
    static_assert(identity_check<typename argument_of<node<e.consumer>, e.place>::type, node<K>>::value);
    return pulled_back<e.place>(node<e.consumer>{}, adjoint_of<e.consumer>{});
  }
  template <int K, int... Edges> static constexpr auto total(std::integer_sequence<int, Edges...>) {
    return bare_of((Zero<Graph::node(K).dim>{} + ... + contribution<K, Edges>()));
  }
  template <int K, bool IsRoot> struct adjoint {
    using type = decltype(total<K>(std::make_integer_sequence<int, edges::count_from(K)>{}));
  };
  template <int K> struct adjoint<K, true> {
    using type = decltype(spread<Graph::node(K).dim>(E{}));
  };
};

template <class F, class V, class E> constexpr auto gradient_of() {
  constexpr int place = graph<F>::template number_of<V>();
  if constexpr (place < 0 || is_zero<E> || F::result == kind::index) {
    return Zero<V::dim>{};
  } else {
    static_assert(identity_check<V, node_of_graph<graph<F>, place>>::value);
    return typename reverse_sweep<graph<F>, E>::template adjoint_of<place>{};
  }
}

/// A symbol that no formula of a user contains: a direction, introduced and eliminated within one derivation.
template <class F> using fresh_direction = variable<role::parameter, 1 << 20, F::dim>;

}  // namespace detail

/// (dF/dV)^T E, with E of F's dimension (or a scalar): a formula of V's dimension.
template <formula F, formula V, formula E>
  requires(!requires { F::is_reduction; } &&
           !(detail::carries_arrays<F> || detail::carries_arrays<V> || detail::carries_arrays<E>))
constexpr auto grad(F, V, E) {
  static_assert(E::dim == F::dim || E::dim == 1, "kernfold: grad(f, v, e) needs e of the dimension of f");
  return detail::keep_variables<decltype(detail::gradient_of<detail::bare<F>, V, detail::bare<E>>()), F, V, E>({});
}
/// The gradient of a scalar formula.
template <formula F, formula V>
  requires(!detail::carries_arrays<F>)
constexpr auto grad(F, V) {
  static_assert(F::dim == 1, "kernfold: grad(f, v) needs a scalar f; give the adjoint, as in grad(f, v, e)");
  return grad(F{}, V{}, Constant<1>{});
}

/// (dF/dV) U: forward mode by double transposition. (dF/dV)^T E is linear in E, and the transpose of that map at U is
/// the directional derivative, so forward mode needs no rules of its own.
template <formula F, formula V, formula U>
  requires(!(detail::carries_arrays<F> || detail::carries_arrays<V> || detail::carries_arrays<U>))
constexpr auto diff(F, V, U) {
  static_assert(U::dim == V::dim || U::dim == 1, "kernfold: diff(f, v, u) needs u of the dimension of v");
  using E = detail::fresh_direction<F>;
  using transposed = decltype(detail::gradient_of<detail::bare<F>, V, E>());
  using derivative = decltype(detail::gradient_of<transposed, E, decltype(detail::spread<V::dim>(U{}))>());
  return detail::keep_variables<derivative, F, V, U>({});
}

}  // namespace kernfold
KERNFOLD_STRICT_END
