// kernfold/formula/ops/arithmetic.hpp: sums, products, quotients and powers.
#pragma once

#include "../../core/math.hpp"
#include "../support.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// f + g
struct Add : index_elementwise<Add> {
  static constexpr notation written{.strength = binding_strength::sum, .signs = sign_rule::sum};
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f, auto g) { return detail::either(f, g); }
  static consteval int result_sign(int f, int g) { return f == g ? f : 0; }
  static consteval bool result_is_rounded(bool f, bool g) { return f && g; }
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return a + b; }
  template <int Place> static constexpr auto gradient(auto, auto, auto g) { return g; }
};

/// f - g
struct Sub : index_elementwise<Sub> {
  static constexpr notation written{.strength = binding_strength::sum, .signs = sign_rule::difference};
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f, auto g) { return detail::either(f, g); }
  static consteval int result_sign(int f, int g) { return f == -g ? f : 0; }
  static consteval bool result_is_rounded(bool f, bool g) { return f && g; }
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return a - b; }
  template <int Place> static constexpr auto gradient(auto, auto, auto g) {
    if constexpr (Place == 0) return g;
    else return -g;
  }
};

/// f g, component by component
struct Mul : index_elementwise<Mul> {
  static constexpr notation written{.strength = binding_strength::product, .signs = sign_rule::product};
  static constexpr bool knows_support = true;
  static constexpr auto result_support(auto, auto f, auto g) { return detail::both(f, g); }
  static consteval int result_sign(int f, int g) { return f * g; }
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return math::product(a, b); }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    if constexpr (Place == 0) return g * h;
    else return g * f;
  }
};

/// f / g
struct Div : elementwise<Div> {
  static constexpr notation written{.strength = binding_strength::quotient, .signs = sign_rule::quotient};
  static constexpr bool knows_support = true;
  static constexpr auto result_support(auto, auto f, auto) { return f; }
  static consteval int result_sign(int f, int g) { return f * g; }
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return a / b; }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    if constexpr (Place == 0) return g / h;
    else return -(g * ((f / h) / h));
  }
};

/// f g + h in one rounding. Made by lowering, never by a user.
struct FusedMultiplyAdd : elementwise<FusedMultiplyAdd> {
  static constexpr notation written{
      .pattern = "A B + C",
      .strength = binding_strength::sum,
      .argument = {binding_strength::product, binding_strength::product, binding_strength::quotient}};
  static consteval int result_sign(int f, int g, int h) { return f * g == h ? h : 0; }
  template <class T> KERNFOLD_HD static T eval(T a, T b, T c) { return math::fma(a, b, c); }
};

/// f, which nothing around it is regrouped with: see lower.hpp
struct Grouped : elementwise<Grouped> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f) { return f; }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  template <class T> KERNFOLD_HD static T eval(T a) { return a; }
  static constexpr auto gradient(auto, auto g) { return g; }
};

/// f^2
struct Square : elementwise<Square> {
  static constexpr notation written{
      .pattern = "A^2", .strength = binding_strength::power, .argument = {binding_strength::atom}};
  static consteval int result_sign(auto...) { return 1; }
  template <class T> KERNFOLD_HD static T eval(T a) { return math::product(a, a); }
  static constexpr auto gradient(auto f, auto g) { return constant<2> * (g * f); }
};

/// f^(Num/Den). Integer powers are products, also for negative f; half powers go through the square root.
/// pow(f, 0) = 1 everywhere, as std::pow. At f = 0 a derivative that is infinite there, of an exponent that is no
/// integer, is continued by 0, to any order: so a power of a distance has gradient 0 where points coincide.
template <std::int64_t Num, std::int64_t Den = 1> struct Pow : elementwise<Pow<Num, Den>> {
  static constexpr notation written{.pattern = Num >= 0 && Den == 1 ? "A^#" : "A^(#)",
                                    .strength = binding_strength::power,
                                    .argument = {binding_strength::atom},
                                    .number = {Num, Den}};
  static constexpr bool is_chain = Den > 2 || (Den == 2 && Num < 0);
  static consteval int result_sign(int f) { return Den != 1 || Num % 2 == 0 ? 1 : f; }
  template <class T> KERNFOLD_HD static T eval(T a) {
    if constexpr (Den == 1) return integer_power<(Num < 0 ? -Num : Num)>(Num < 0 ? T(1) / a : a);
    else if constexpr (Den == 2) return integer_power<(Num < 0 ? -Num : Num)>(Num < 0 ? math::rsqrt(a) : math::sqrt(a));
    else return math::pow(a, T(static_cast<math::real_of<T>>(double(Num) / double(Den))));
  }
  static constexpr auto gradient(auto f, auto g) {
    const auto slope = constant<Num, Den> * (g * make<Pow<Num - Den, Den>>(f));
    if constexpr (Den > 1 && Num < Den) return where(f, slope, zero<1>);
    else return slope;
  }

 private:
  template <std::int64_t N, class T> KERNFOLD_HD static T integer_power(T a) {
    if constexpr (N == 0) return T(1);
    else if constexpr (N == 1) return a;
    else if constexpr (N % 2 == 0) return integer_power<N / 2>(math::product(a, a));
    else return math::product(a, integer_power<N / 2>(math::product(a, a)));
  }
};

/// f^g for formulas f >= 0 and g
struct Powf : elementwise<Powf> {
  static constexpr bool is_chain = true;
  static consteval int result_sign(int f, int) { return f == 1 ? 1 : 0; }
  template <class T> KERNFOLD_HD static T eval(T a, T b) { return math::pow(a, b); }
  /// d/df f^g = g f^(g-1), continued by 0 where it is infinite, at f = 0 with g < 1, as for rational powers.
  /// d/dg f^g = log(f) f^g; at f = 0 its limit 0 where g >= 0, and -inf where g < 0.
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    if constexpr (Place == 0)
      return where(where(f, constant<1>, constant<1> <= h), g * (h * powf(f, h - constant<1>)), zero<1>);
    else return where(where(f, constant<1>, h < zero<1>), g * (log(f) * powf(f, h)), zero<1>);
  }
};

/// 1 / f
struct Inv : elementwise<Inv> {
  static consteval int result_sign(int f) { return f; }
  template <class T> KERNFOLD_HD static T eval(T a) { return T(1) / a; }
  static constexpr auto gradient(auto f, auto g) { return -(g * square(inv(f))); }
};

/// sqrt(f); its gradient at 0 is 0, through rsqrt(0) = 0.
struct Sqrt : elementwise<Sqrt> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::sqrt(a); }
  static constexpr auto gradient(auto f, auto g) { return constant<1, 2> * (g * rsqrt(f)); }
};

/// 1 / sqrt(f), and 0 where f = 0: so that norms and distances have a zero gradient at zero.
struct Rsqrt : elementwise<Rsqrt> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) {
    const auto at_zero = a == T(0);  // where nothing is divided by it
    return math::select(at_zero, T(0), math::rsqrt(math::select(at_zero, T(1), a)));
  }
  static constexpr auto gradient(auto f, auto g) { return constant<-1, 2> * (g * pow<3>(rsqrt(f))); }
};

template <formula F, formula G> constexpr auto operator+(F f, G g) { return make<Add>(f, g); }
template <formula F, formula G> constexpr auto operator-(F f, G g) { return make<Sub>(f, g); }
template <formula F, formula G> constexpr auto operator*(F f, G g) { return make<Mul>(f, g); }
template <formula F, formula G> constexpr auto operator/(F f, G g) { return make<Div>(f, g); }
template <formula F> constexpr auto operator+(F f) { return f; }
template <formula F> constexpr auto operator-(F f) { return make<Mul>(constant<-1>, f); }

/// f, evaluated as it stands: no product or quotient around it is regrouped with its factors. For factors so large or
/// so small that their order matters.
template <formula F> constexpr auto grouped(F f) { return make<Grouped>(f); }
template <formula F> constexpr auto square(F f) { return make<Square>(f); }
template <formula F> constexpr auto inv(F f) { return make<Inv>(f); }
template <formula F> constexpr auto sqrt(F f) { return make<Sqrt>(f); }
template <formula F> constexpr auto rsqrt(F f) { return make<Rsqrt>(f); }
/// f^(Num/Den): pow<3>(f), pow<-1>(f), pow<3, 2>(f).
template <std::int64_t Num, std::int64_t Den = 1, formula F> constexpr auto pow(F f) {
  static_assert(Den != 0, "kernfold: the denominator of a power must not be 0");
  return make<Pow<detail::reduced(Num, Den).num, detail::reduced(Num, Den).den>>(f);
}
/// f^g. With a constant g it is the rational power.
template <formula F, formula G> constexpr auto powf(F f, G g) { return make<Powf>(f, g); }
template <formula F, formula G> constexpr auto pow(F f, G g) { return make<Powf>(f, g); }

namespace detail {
template <class N>
concept run_time_number = std::is_arithmetic_v<std::remove_cvref_t<N>>;

// A number known only at run time cannot be part of a type; say so instead of "no match for operator*".
template <class F, bool Never = false> constexpr F refuse_number(F f) {
  static_assert(
      Never || !carries_arrays<F>,
      "kernfold: a number beside a lazy matrix is one of its parameters: kf::lazy_p<1>(number), or "
      "kf::lazy_p<1, Slot>(number) where there are several; one known at compile time is written 2_c or 0.5_c");
  static_assert(
      Never || carries_arrays<F>,
      "kernfold: a number inside a formula must be known at compile time: write 2_c or 0.5_c (using namespace "
      "kernfold::literals), kf::constant<2>, or make it a parameter kf::Pm<k, 1>");
  return f;
}
}  // namespace detail

template <detail::run_time_number N, formula F> constexpr auto operator+(N, F f) { return detail::refuse_number(f); }
template <formula F, detail::run_time_number N> constexpr auto operator+(F f, N) { return detail::refuse_number(f); }
template <detail::run_time_number N, formula F> constexpr auto operator-(N, F f) { return detail::refuse_number(f); }
template <formula F, detail::run_time_number N> constexpr auto operator-(F f, N) { return detail::refuse_number(f); }
template <detail::run_time_number N, formula F> constexpr auto operator*(N, F f) { return detail::refuse_number(f); }
template <formula F, detail::run_time_number N> constexpr auto operator*(F f, N) { return detail::refuse_number(f); }
template <detail::run_time_number N, formula F> constexpr auto operator/(N, F f) { return detail::refuse_number(f); }
template <formula F, detail::run_time_number N> constexpr auto operator/(F f, N) { return detail::refuse_number(f); }

}  // namespace kernfold
KERNFOLD_STRICT_END
