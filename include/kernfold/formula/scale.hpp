// kernfold/formula/scale.hpp: the scale of a squared distance moves into its vectors.
//
// exp2(c |u - v|^2), with u known per row, v per column and c per call, costs a product per pair. It can do without:
//   c |u - v|^2 = +-|u' - v'|^2,   u' = s (u - o),  v' = s (v - o),  s = sqrt|c|.
// The sign costs nothing where the form of c shows it, else one exclusive or.
// u' and v' are rounded where u and v were exact, so what is lost grows with their size: the origin o, somewhere among
// the v, makes that the size of the cloud and not its distance from zero. Not done where the distance is needed
// elsewhere at a pair; where u - v is (as in gradients), only for an engine that computes differences anew in its
// second pass, else they would be computed twice. (u' - v' does not do for u - v: in a sum of differences much smaller
// than the cloud its rounding shows.)
#pragma once

#include "lower.hpp"

namespace kernfold {

/// A point among the rows of a variable's array, the same for all pairs; it is read from that array. Any finite one is
/// right, one within the cloud loses least.
template <class V> struct origin_of : formula_base {
  static constexpr int dim = V::dim;
  static constexpr role_set depends = no_roles;
  static constexpr kind result = kind::real;
  using element = default_real;
  using variable = V;
};
template <class F> inline constexpr bool is_origin = false;
template <class V> inline constexpr bool is_origin<origin_of<V>> = true;

/// sqrt|c|, bounded so that an infinite scale does not turn finite coordinates into NaN
struct DistanceScale : elementwise<DistanceScale> {
  template <class T> KERNFOLD_HD static T eval(T a) {
    using real = math::real_of<T>;
    return math::min(T(sizeof(real) == 4 ? real(0x1p60) : real(0x1p400)), math::sqrt(math::abs(a)));
  }
};

/// -|f - g|^2: the sign costs nothing
struct NegSqDist : operation<NegSqDist> {
  static consteval int dim(int a, int b) { return SqDist::dim(a, b); }
  template <class T, class A, class B> KERNFOLD_HD static T component(int, const A& a, const B& b) {
    T total = T(0);
    for_each_component<(A::dim > B::dim ? A::dim : B::dim)>([&](int k) KERNFOLD_INLINE_LAMBDA {
      const T d = a.broadcast(k) - b.broadcast(k);
      total = math::fnma(d, d, total);
    });
    return total;
  }
};

/// 0 with the sign of f
struct SignedZero : elementwise<SignedZero> {
  template <class T> KERNFOLD_HD static T eval(T a) { return math::copysign(T(0), a); }
};
/// f, and -f where g = -0; g is +0 or -0
struct FlipSign : elementwise<FlipSign> {
  static constexpr bool is_chain =
      true;  // one instruction, but it belongs into the pass of the exponential it leads to
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return math::flip_sign(a, b); }
};

/// 2^f where f <= 0 by its form: one bound less to check
struct Exp2Nonpositive : elementwise<Exp2Nonpositive> {
  static constexpr bool is_chain = true;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::exp2_nonpositive(a); }
};

namespace detail {

/// The sign that a formula has by its form: 1 for >= 0, -1 for <= 0, 0 where it is not known.
template <class F> inline constexpr int sign_of_form = 0;
template <std::int64_t N, std::int64_t D>
inline constexpr int sign_of_form<Constant<N, D>> = Constant<N, D>::value >= 0 ? 1 : -1;
template <class F, class G> inline constexpr int sign_of_form<node<Mul, F, G>> = sign_of_form<F> * sign_of_form<G>;
template <class F, class G> inline constexpr int sign_of_form<node<Div, F, G>> = sign_of_form<F> * sign_of_form<G>;
template <class F> inline constexpr int sign_of_form<node<Inv, F>> = sign_of_form<F>;
template <class F> inline constexpr int sign_of_form<node<Square, F>> = 1;
template <std::int64_t N, class F>
inline constexpr int sign_of_form<node<Pow<N, 1>, F>> = N % 2 == 0 ? 1 : sign_of_form<F>;
template <std::int64_t N, class F> inline constexpr int sign_of_form<node<Pow<N, 2>, F>> = 1;
template <class F> inline constexpr int sign_of_form<node<Exp, F>> = 1;
template <class F> inline constexpr int sign_of_form<node<Sqrt, F>> = 1;
template <class F> inline constexpr int sign_of_form<node<Rsqrt, F>> = 1;
template <class F> inline constexpr int sign_of_form<node<Abs, F>> = 1;
template <class F> inline constexpr int sign_of_form<node<SqNorm2, F>> = 1;
template <class F, class G> inline constexpr int sign_of_form<node<SqDist, F, G>> = 1;

template <class F, class G> inline constexpr int sign_of_form<node<NegSqDist, F, G>> = -1;

template <class F, class... Fs> consteval int uses_in(type_list<Fs...>) {
  int uses = 0;
  const auto count = [&]<class Op, class... Args>(type_identity_of<node<Op, Args...>>) {
    uses += (int(std::is_same_v<F, Args>) + ... + 0);
  };
  const auto visit = [&]<class G>(type_identity_of<G> g) {
    if constexpr (is_node<G>) count(g);
  };
  (visit(type_identity_of<Fs>{}), ...);
  return uses;
}

template <class F> inline constexpr bool is_real_variable = is_variable<F> && F::result == kind::real;

/// The vectors of a distance between rows and columns, where the columns are a variable; `possible` says whether they
/// may carry a scale: there is no other use of the distance, nor, unless it is computed anew there, of their
/// difference.
template <class Nodes, role_set Rows, class U, class V> struct scalable {
  static constexpr bool by_stage =
      stage_in<U, Rows> == stage::row && stage_in<V, Rows> == stage::column && is_real_variable<V> && U::dim == V::dim;
  static constexpr bool possible = by_stage && uses_in<node<SqDist, U, V>>(Nodes{}) == 1 &&
                                   ((Rows & computes_differences_twice) != 0 ||
                                    (!contains<node<Sub, U, V>>(Nodes{}) && !contains<node<Sub, V, U>>(Nodes{})));
  template <class Scale> using rows = node<Mul, node<DistanceScale, Scale>, node<Sub, U, origin_of<V>>>;
  template <class Scale> using columns = node<Mul, node<DistanceScale, Scale>, node<Sub, V, origin_of<V>>>;
};

/// A lowered formula with the scales of its distances moved; Nodes are the nodes of the whole program.
template <class F, class Nodes, role_set Rows> struct rescaled {
  using type = F;
};
template <class Op, class... Args, class Nodes, role_set Rows>
  requires at_pair_stage<node<Op, Args...>, Rows>
struct rescaled<node<Op, Args...>, Nodes, Rows> {
  using type = node<Op, typename rescaled<Args, Nodes, Rows>::type...>;
};

template <class F, class Nodes, role_set Rows>
  requires at_pair_stage<F, Rows>
struct rescaled<node<Exp2, F>, Nodes, Rows> {
  using exponent = typename rescaled<F, Nodes, Rows>::type;
  using type = node<std::conditional_t<(sign_of_form<exponent> < 0), Exp2Nonpositive, Exp2>, exponent>;
};

template <class Product, class Distance, class Scale, class Nodes, role_set Rows> struct rescaled_distance {
  using type = Product;
};
template <class Product, class U, class V, class Scale, class Nodes, role_set Rows>
  requires(scalable<Nodes, Rows, U, V>::possible || scalable<Nodes, Rows, V, U>::possible)
struct rescaled_distance<Product, node<SqDist, U, V>, Scale, Nodes, Rows> {
  using vectors = std::conditional_t<scalable<Nodes, Rows, U, V>::possible, scalable<Nodes, Rows, U, V>,
                                     scalable<Nodes, Rows, V, U>>;
  using u = typename vectors::template rows<Scale>;
  using v = typename vectors::template columns<Scale>;
  using type = std::conditional_t<(sign_of_form<Scale> > 0), node<SqDist, u, v>,
                                  std::conditional_t<(sign_of_form<Scale> < 0), node<NegSqDist, u, v>,
                                                     node<FlipSign, node<SqDist, u, v>, node<SignedZero, Scale>>>>;
};
template <class U, class V, class Scale, class Nodes, role_set Rows>
  requires(at_pair_stage<node<SqDist, U, V>, Rows> && Scale::depends == no_roles)
struct rescaled<node<Mul, node<SqDist, U, V>, Scale>, Nodes, Rows>
    : rescaled_distance<node<Mul, node<SqDist, U, V>, Scale>, node<SqDist, U, V>, Scale, Nodes, Rows> {};

template <role_set Rows, class... Roots> struct rescaled_program {
  using nodes = nodes_of<Roots...>;
  using roots = type_list<typename rescaled<Roots, nodes, Rows>::type...>;
};

}  // namespace detail
}  // namespace kernfold
