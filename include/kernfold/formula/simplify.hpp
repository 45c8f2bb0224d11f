// kernfold/formula/simplify.hpp: rewriting at construction. Each rule is one line with its mathematics; a rule never
// changes a value except by rounding, nor a formula's dimension.
#pragma once

#include "ops/arithmetic.hpp"
#include "ops/elementary.hpp"
#include "ops/matrix.hpp"
#include "ops/norms.hpp"
#include "ops/select.hpp"
#include "ops/vector.hpp"
#include "patterns.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

template <class... Fs> constexpr int widest = 1;
template <class F, class... Fs> constexpr int widest<F, Fs...> = F::dim > widest<Fs...> ? F::dim : widest<Fs...>;

/// f with D components: spread when it is a scalar. (Within a derivation or a rule: variables are kept outside.)
template <int D, formula G> constexpr auto spread(G) {
  using F = bare<G>;
  static_assert(F::dim == D || F::dim == 1, "kernfold: a vector cannot be spread to another dimension");
  if constexpr (F::dim == D) return F{};
  else if constexpr (is_zero<F>) return Zero<D>{};
  else return node<SumT<D>, F>{};
}

/// f with D components: summed when D is 1, spread when f is a scalar. What a broadcast needs on the way back.
template <int D, formula F> constexpr auto fit_dim(F f) {
  if constexpr (D == 1 && F::dim != 1) return make<Sum>(f);
  else return spread<D>(f);
}

template <class A, class B> constexpr auto constant_product(A, B) {
  constexpr number n = times(number_of<A>, number_of<B>);
  return typename constant_type<n.num, n.den>::type{};
}
template <class A, class B> constexpr auto constant_sum(A, B) {
  constexpr number n = plus(number_of<A>, number_of<B>);
  return typename constant_type<n.num, n.den>::type{};
}
template <class A> constexpr auto constant_inverse(A) {
  constexpr number n = inverse(number_of<A>);
  return typename constant_type<n.num, n.den>::type{};
}

template <class F, class G> constexpr auto sum_rules(F f, G g) {
  constexpr int dim = widest<F, G>;
  if constexpr (is_zero<F>) return spread<dim>(g);                                                  // 0 + g = g
  else if constexpr (is_zero<G>) return spread<dim>(f);                                             // f + 0 = f
  else if constexpr (is_constant<F> && is_constant<G> && may_add<F, G>) return constant_sum(f, g);  // constants fold
  else if constexpr (std::is_same_v<rest_t<F>, rest_t<G>> &&
                     may_add<coefficient_t<F>, coefficient_t<G>>)  // a f + b f = (a + b) f
    return spread<dim>(constant_sum(coefficient_t<F>{}, coefficient_t<G>{}) * rest_t<F>{});
  else if constexpr (is_constant<G>) return node<Add, G, F>{};         // f + c = c + f
  else if constexpr (is_scaled<G> && is_negative<G>) return f - (-g);  // f + (-c g) = f - c g
  else if constexpr (is_scaled<F> && is_negative<F>) return g - (-f);  // (-c f) + g = g - c f
  else return node<Add, F, G>{};
}

template <class F, class G> constexpr auto difference_rules(F f, G g) {
  constexpr int dim = widest<F, G>;
  if constexpr (is_zero<G>) return spread<dim>(f);                                    // f - 0 = f
  else if constexpr (is_zero<F>) return spread<dim>(-g);                              // 0 - g = -g
  else if constexpr (is_constant<G>) return constant_product(Constant<-1>{}, g) + f;  // f - c = -c + f
  else if constexpr (std::is_same_v<rest_t<F>, rest_t<G>> &&
                     may_add<coefficient_t<F>,
                             decltype(constant_product(Constant<-1>{}, coefficient_t<G>{}))>)  // a f - b f = (a - b) f
    return spread<dim>(constant_sum(coefficient_t<F>{}, constant_product(Constant<-1>{}, coefficient_t<G>{})) *
                       rest_t<F>{});
  else if constexpr (is_scaled<G> && is_negative<G>) return f + (-g);  // f - (-c g) = f + c g
  else return node<Sub, F, G>{};
}

template <class Op, class C, class U, class V, class Map> constexpr auto map_masked(node<Op, C, U, V>, Map map) {
  if constexpr (is_zero<V>) return make<Op>(C{}, map(U{}), Zero<1>{});
  else return make<Op>(C{}, Zero<1>{}, map(V{}));
}

template <class F, class G> constexpr auto product_rules(F f, G g) {
  constexpr int dim = widest<F, G>;
  if constexpr (is_zero<F> || is_zero<G>) return Zero<dim>{};  // 0 g = 0
  else if constexpr (is_constant<F> && is_constant<G> && may_multiply<F, G>)
    return constant_product(f, g);                                                         // constants fold
  else if constexpr (is_integer<F, 1>) return spread<dim>(g);                              // 1 g = g
  else if constexpr (is_constant<F> && is_scaled<G> && may_multiply<F, coefficient_t<G>>)  // a (b g) = (a b) g
    return constant_product(f, coefficient_t<G>{}) * rest_t<G>{};
  else if constexpr (is_constant<F>) return node<Mul, F, G>{};
  else if constexpr (is_constant<G>) return g * f;                                  // f c = c f
  else if constexpr (is_movable<F>) return coefficient_t<F>{} * (rest_t<F>{} * g);  // (c f) g = c (f g)
  else if constexpr (is_movable<G>) return coefficient_t<G>{} * (f * rest_t<G>{});  // f (c g) = c (f g)
  else if constexpr (is_masked<F>)                                                  // [c] u g = [c] (u g)
    return spread<dim>(map_masked(f, [](auto u) { return u * G{}; }));
  else if constexpr (is_masked<G>)  // f [c] u = [c] (f u)
    return spread<dim>(map_masked(g, [](auto u) { return F{} * u; }));
  else if constexpr (is_spread<F> && G::dim == dim) return unspread<F>{} * g;  // (s, ..., s) g = s g
  else if constexpr (is_spread<G> && F::dim == dim) return f * unspread<G>{};  // f (s, ..., s) = f s
  else if constexpr (joint_exponent<F, G>() > 0 && F::result == kind::real)    // f^m f^n = f^(m+n)
    return make<Pow<joint_exponent<F, G>(), 1>>(typename power_base<F>::type{});
  else return node<Mul, F, G>{};
}

template <class F, class G> constexpr auto quotient_rules(F f, G g) {
  static_assert(!is_zero<G>, "kernfold: division by the constant zero");
  constexpr int dim = widest<F, G>;
  if constexpr (is_zero<F>) return Zero<dim>{};                                             // 0 / g = 0
  else if constexpr (is_constant<G> && may_invert<G>) return constant_inverse(g) * f;       // f / c = (1/c) f
  else if constexpr (is_constant<F> && is_moderate(number_of<F>)) return f * make<Inv>(g);  // c / g = c (1/g)
  else if constexpr (is_movable<F>) return coefficient_t<F>{} * (rest_t<F>{} / g);          // (c f) / g = c (f / g)
  else if constexpr (is_masked<F>)                                                          // [c] u / g = [c] (u / g)
    return spread<dim>(map_masked(f, [](auto u) { return u / G{}; }));
  else if constexpr (is_movable<G>)  // f / (c g) = (1/c) (f / g)
    return constant_inverse(coefficient_t<G>{}) * (f / rest_t<G>{});
  else return node<Div, F, G>{};
}

template <class F> constexpr auto sum_of_components_rules(F f) {
  if constexpr (F::dim == 1) return f;              // one component
  else if constexpr (is_zero<F>) return Zero<1>{};  // sum of zeros
  else return node<Sum, F>{};
}
template <class A, class B> constexpr auto sum_of_components_rules(node<Mul, A, B>) {
  if constexpr (A::dim == 1 && B::dim == 1) return node<Mul, A, B>{};
  else if constexpr (is_constant<A> && !is_moderate(number_of<A>)) return node<Sum, node<Mul, A, B>>{};
  else if constexpr (A::dim == 1) return A{} * make<Sum>(B{});  // sum_k s g_k = s sum_k g_k
  else if constexpr (B::dim == 1) return make<Sum>(A{}) * B{};
  else return make<Scalprod>(A{}, B{});  // sum_k f_k g_k = f | g
}
template <int D, class F> constexpr auto sum_of_components_rules(node<SumT<D>, F>) {
  if constexpr (D == dynamic) return node<Sum, node<SumT<D>, F>>{};  // whose D is not known yet
  else return Constant<D>{} * F{};                                   // s + ... + s = D s
}
template <int M, int D, class F> constexpr auto sum_of_components_rules(node<ElemT<M, D>, F>) {
  if constexpr (D > 1) return F{};  // sum of f e_M = f
  else return node<ElemT<M, D>, F>{};
}

template <class F, class G> constexpr auto scalar_product_rules(F f, G g) {
  using left = scalar_factor<F>;
  using right = scalar_factor<G>;
  if constexpr (is_zero<F> || is_zero<G>) return Zero<1>{};  // 0 | g = 0
  else if constexpr (F::dim == 1) return f * g;              // one component
  else if constexpr (!is_integer<typename left::scalar, 1>)  // (s f) | g = s (f | g)
    return typename left::scalar{} * make<Scalprod>(typename left::vector{}, g);
  else if constexpr (!is_integer<typename right::scalar, 1>)  // f | (s g) = s (f | g)
    return typename right::scalar{} * make<Scalprod>(f, typename right::vector{});
  else if constexpr (is_spread<F>) return unspread<F>{} * make<Sum>(g);  // (s, ..., s) | g = s sum g
  else if constexpr (is_spread<G>) return make<Sum>(f) * unspread<G>{};  // f | (s, ..., s) = s sum f
  else if constexpr (std::is_same_v<F, G>) return make<SqNorm2>(f);      // f | f = |f|^2
  else return node<Scalprod, F, G>{};
}
/// f e_M: zeros but for one component
template <class F> inline constexpr bool is_placed = false;
template <int M, int D, class F> inline constexpr bool is_placed<node<ElemT<M, D>, F>> = true;
template <class F, int M, int D, class G>
  requires(D > 1 && !is_zero<F>)
constexpr auto scalar_product_rules(F f, node<ElemT<M, D>, G>) {
  return make<Elem<M>>(f) * G{};  // f | (g e_M) = f_M g
}
template <class F, int M, int D, class G>
  requires(D > 1 && !is_zero<F> && !is_placed<F>)
constexpr auto scalar_product_rules(node<ElemT<M, D>, G>, F f) {
  return G{} * make<Elem<M>>(f);  // (g e_M) | f = g f_M
}

template <class F> constexpr auto squared_norm_rules(F f) {
  if constexpr (is_zero<F>) return Zero<1>{};        // |0|^2 = 0
  else if constexpr (F::dim == 1) return square(f);  // one component
  else if constexpr (squares_out<F>)                 // |c f|^2 = c^2 |f|^2
    return constant_product(coefficient_t<F>{}, coefficient_t<F>{}) * make<SqNorm2>(rest_t<F>{});
  else return node<SqNorm2, F>{};
}
template <class F, class G> constexpr auto squared_norm_rules(node<Sub, F, G>) {
  return make<SqDist>(F{}, G{});  // |f - g|^2
}

template <class F> constexpr auto square_rules(F f) {
  if constexpr (is_zero<F>) return f;  // 0^2 = 0
  else if constexpr (is_constant<F> && may_multiply<F, F>) return constant_product(f, f);
  else if constexpr (squares_out<F>)  // (c f)^2 = c^2 f^2
    return constant_product(coefficient_t<F>{}, coefficient_t<F>{}) * make<Square>(rest_t<F>{});
  else return node<Square, F>{};
}
template <std::int64_t N, class F> constexpr auto square_rules(node<Pow<N, 1>, F>) {
  return make<Pow<2 * N, 1>>(F{});  // (f^n)^2 = f^(2n)
}

template <std::int64_t N, std::int64_t D, class F> constexpr auto power_rules(F f) {
  if constexpr (N == 0) return spread<F::dim>(Constant<1>{});   // f^0 = 1
  else if constexpr (N == 1 && D == 1) return f;                // f^1 = f
  else if constexpr (N == 2 && D == 1) return make<Square>(f);  // f^2
  else if constexpr (N == -1 && D == 1) return make<Inv>(f);    // f^-1 = 1 / f
  else if constexpr (N == 1 && D == 2) return make<Sqrt>(f);    // f^(1/2)
  else if constexpr (is_zero<F> && N > 0) return f;             // 0^n = 0
  else return node<Pow<N, D>, F>{};
}

template <int M, class F> constexpr auto component_rules(F f) {
  if constexpr (F::dim == 1) return f;                    // one component
  else if constexpr (is_zero<F>) return Zero<1>{};        // 0_M = 0
  else if constexpr (is_spread<F>) return unspread<F>{};  // (s, ..., s)_M = s
  else return node<Elem<M>, F>{};
}
template <int M, int N, int D, class F> constexpr auto component_rules(node<ElemT<N, D>, F>) {
  if constexpr (M == N) return F{};  // (f e_M)_M = f
  else return Zero<1>{};             // (f e_N)_M = 0
}
template <int M, class F, class G> constexpr auto component_rules(node<Concat, F, G>) {
  if constexpr (M < F::dim) return make<Elem<M>>(F{});  // (f, g)_M = f_M
  else return make<Elem<M - F::dim>>(G{});              // (f, g)_M = g_(M - dim f)
}

template <int S, int L, class F> constexpr auto extract_rules(F f) {
  if constexpr (S == 0 && L == F::dim) return f;    // all of f
  else if constexpr (is_zero<F>) return Zero<L>{};  // zeros
  else if constexpr (L == 1) return make<Elem<S>>(f);
  else return node<Extract<S, L>, F>{};
}
template <int S, int L, class F, class G> constexpr auto extract_rules(node<Concat, F, G>) {
  if constexpr (S == 0 && L == F::dim + G::dim) return node<Concat, F, G>{};
  else if constexpr (S + L <= F::dim) return make<Extract<S, L>>(F{});       // lies within f
  else if constexpr (S >= F::dim) return make<Extract<S - F::dim, L>>(G{});  // lies within g
  else return node<Extract<S, L>, node<Concat, F, G>>{};
}

// Where the rules meet the operations.
template <class F, class G> struct simplified<Add, F, G> {
  using type = decltype(sum_rules(F{}, G{}));
};
template <class F, class G> struct simplified<Sub, F, G> {
  using type = decltype(difference_rules(F{}, G{}));
};
template <class F, class G> struct simplified<Mul, F, G> {
  using type = decltype(product_rules(F{}, G{}));
};
template <class F, class G> struct simplified<Div, F, G> {
  using type = decltype(quotient_rules(F{}, G{}));
};
template <class F> struct simplified<Sum, F> {
  using type = decltype(sum_of_components_rules(F{}));
};
template <class F, class G> struct simplified<Scalprod, F, G> {
  using type = decltype(scalar_product_rules(F{}, G{}));
};
template <class F> struct simplified<SqNorm2, F> {
  using type = decltype(squared_norm_rules(F{}));
};
template <class F> struct simplified<SqDist, F, F> {
  using type = Zero<1>;  // |f - f|^2 = 0
};
template <class F, int D>
  requires(!is_zero<F>)
struct simplified<SqDist, F, Zero<D>> {
  using type = decltype(squared_norm_rules(spread<widest<F, Zero<D>>>(F{})));  // |f - 0|^2 = |f|^2
};
template <class F> struct simplified<Square, F> {
  using type = decltype(square_rules(F{}));
};
template <std::int64_t N, std::int64_t D, class F> struct simplified<Pow<N, D>, F> {
  using type = decltype(power_rules<N, D>(F{}));
};
template <class F, std::int64_t N, std::int64_t D>
  requires(D != 0)
struct simplified<Powf, F, Constant<N, D>> {
  using type = decltype(power_rules<N, D>(F{}));  // f^(n/d)
};
template <class F> struct simplified<Inv, F> {
  using type = node<Inv, F>;
};
template <std::int64_t N, std::int64_t D>
  requires may_invert<Constant<N, D>>
struct simplified<Inv, Constant<N, D>> {
  using type = decltype(constant_inverse(Constant<N, D>{}));
};
template <int D, class F> struct simplified<SumT<D>, F> {
  using type = decltype(spread<D>(F{}));
};
template <int M, class F> struct simplified<Elem<M>, F> {
  using type = decltype(component_rules<M>(F{}));
};
template <int M, int D> struct simplified<ElemT<M, D>, Zero<1>> {
  using type = Zero<D>;
};
template <int S, int L, class F> struct simplified<Extract<S, L>, F> {
  using type = decltype(extract_rules<S, L>(F{}));
};
template <int S, int D, int E> struct simplified<ExtractT<S, D>, Zero<E>> {
  using type = Zero<D>;
};
template <int D, int E> struct simplified<Concat, Zero<D>, Zero<E>> {
  using type = Zero<D + E>;
};
template <class A, int D> struct simplified<TensorProd, A, Zero<D>> {
  using type = Zero<A::dim * D>;
};
template <int D, class B>
  requires(!is_zero<B>)
struct simplified<TensorProd, Zero<D>, B> {
  using type = Zero<D * B::dim>;
};
template <class C, int D, int E> struct simplified<Where, C, Zero<D>, Zero<E>> {
  using type = Zero<widest<C, Zero<D>, Zero<E>>>;  // 0 wherever
};
template <class C, int D, int E> struct simplified<IfElse, C, Zero<D>, Zero<E>> {
  using type = Zero<widest<C, Zero<D>, Zero<E>>>;
};
template <class C, class U, int D, int E>
  requires(!is_zero<U> && U::dim >= D && U::dim >= E)
struct simplified<Where, C, node<Where, C, U, Zero<D>>, Zero<E>> {
  using type = node<Where, C, U, Zero<1>>;  // [c] [c] u = [c] u
};
/// An element-wise operation with a known value at zero.
template <class Op, int D>
  requires requires { Op::at_zero; }
struct simplified<Op, Zero<D>> {
  using type = decltype(spread<D>(constant_t<Op::at_zero>{}));
};

}  // namespace kernfold::detail
KERNFOLD_STRICT_END
