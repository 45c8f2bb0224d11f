// kernfold/formula/patterns.hpp: what the rules of simplify.hpp look for in a formula.
#pragma once

#include <cstdint>
#include <type_traits>

#include "ops/arithmetic.hpp"
#include "ops/elementary.hpp"
#include "ops/select.hpp"
#include "ops/vector.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

/// f = coefficient * rest, with a constant coefficient
template <class F> struct term {
  using coefficient = Constant<1>;
  using rest = F;
};
template <std::int64_t N, std::int64_t D, class G> struct term<node<Mul, Constant<N, D>, G>> {
  using coefficient = Constant<N, D>;
  using rest = G;
};
template <class F> using coefficient_t = typename term<F>::coefficient;
template <class F> using rest_t = typename term<F>::rest;
/// Whether f has a coefficient, and whether one that may be moved out of products.
template <class F> inline constexpr bool is_scaled = !is_integer<coefficient_t<F>, 1>;
template <class F> inline constexpr bool is_movable = is_scaled<F> && is_moderate(number_of<coefficient_t<F>>);
template <class F>
inline constexpr bool squares_out = is_scaled<F> && coefficient_t<F>::value >= -16 && coefficient_t<F>::value <= 16 &&
                                    (coefficient_t<F>::value >= 0.0625 || coefficient_t<F>::value <= -0.0625);
template <class F> inline constexpr bool is_negative = coefficient_t<F>::value < 0;
/// Whether the constants C and D may become their product, or their sum.
template <class C, class D>
inline constexpr bool may_multiply = may_become(number_of<C>, number_of<D>, times(number_of<C>, number_of<D>));
template <class C, class D>
inline constexpr bool may_add = number_of<C>.value() == -number_of<D>.value() ||
                                may_become(number_of<C>, number_of<D>, plus(number_of<C>, number_of<D>));
template <class C> inline constexpr bool may_invert = may_become(number_of<C>, number_of<C>, inverse(number_of<C>));

template <class F> inline constexpr bool is_spread = false;
template <int D, class F> inline constexpr bool is_spread<node<SumT<D>, F>> = true;
template <class F> struct spread_scalar {
  using type = F;
};
template <int D, class F> struct spread_scalar<node<SumT<D>, F>> {
  using type = F;
};
/// the scalar behind (s, ..., s)
template <class F> using unspread = typename spread_scalar<F>::type;

/// F = G^value for a positive integer; 0 where it is none
template <class F, class G> struct exponent_over {
  static constexpr std::int64_t value = std::is_same_v<F, G> ? 1 : 0;
};
template <class F> struct exponent_over<node<Square, F>, F> {
  static constexpr std::int64_t value = 2;
};
template <class F, std::int64_t N>
  requires(N > 0)
struct exponent_over<node<Pow<N, 1>, F>, F> {
  static constexpr std::int64_t value = N;
};
/// what F is a power of
template <class F> struct power_base {
  using type = F;
};
template <class F> struct power_base<node<Square, F>> {
  using type = F;
};
template <std::int64_t N, class F> struct power_base<node<Pow<N, 1>, F>> {
  using type = F;
};
/// n for F G = base^n; 0 where they are no powers of the same
template <class F, class G> consteval std::int64_t joint_exponent() {
  using base = typename power_base<F>::type;
  constexpr std::int64_t m = exponent_over<F, base>::value, n = exponent_over<G, base>::value;
  return m > 0 && n > 0 ? m + n : 0;
}

/// u where a condition holds (or where it does not), else 0. Such a mask moves to the outside of products: what is not
/// chosen is then an exact zero, also where its factor is infinite or NaN.
template <class F> inline constexpr bool is_masked = false;
template <class C, class U, int D>
  requires(!is_zero<U>)
inline constexpr bool is_masked<node<Where, C, U, Zero<D>>> = true;
template <class C, class U, int D>
  requires(!is_zero<U>)
inline constexpr bool is_masked<node<Where, C, Zero<D>, U>> = true;
template <class C, class U, int D>
  requires(!is_zero<U>)
inline constexpr bool is_masked<node<IfElse, C, U, Zero<D>>> = true;
template <class C, class U, int D>
  requires(!is_zero<U>)
inline constexpr bool is_masked<node<IfElse, C, Zero<D>, U>> = true;

/// f = scalar factor * vector, for f = s v or v s with a scalar s
template <class F> struct scalar_factor {
  using scalar = Constant<1>;
  using vector = F;
};
template <class A, class B>
  requires(!is_constant<A> || is_movable<node<Mul, A, B>>)
struct scalar_factor<node<Mul, A, B>> {
  using scalar = std::conditional_t<A::dim == 1, A, std::conditional_t<B::dim == 1, B, Constant<1>>>;
  using vector = std::conditional_t<A::dim == 1, B, std::conditional_t<B::dim == 1, A, node<Mul, A, B>>>;
};

}  // namespace kernfold::detail
KERNFOLD_STRICT_END
