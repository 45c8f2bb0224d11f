// kernfold/formula/ops/elementary.hpp: elementary functions, component by component.
#pragma once

#include "../../core/math.hpp"
#include "../node.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
// The nearest doubles, as types.
consteval auto ln2() { return constant_type<real_number(0.693147180559945309417).num, 0>::type{}; }
consteval auto log2_of_e() { return constant_type<real_number(1.442695040888963407359).num, 0>::type{}; }
}  // namespace detail

/// exp(f)
struct Exp : elementwise<Exp> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 1;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::exp(a); }
  static constexpr auto gradient(auto f, auto g) { return g * exp(f); }
};

/// 2^f. Lowering turns the exponentials of the pair stage into it, with log2(e) folded into the argument's factors.
struct Exp2 : elementwise<Exp2> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 1;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::exp2(a); }
  static constexpr auto gradient(auto f, auto g) { return detail::ln2() * (g * make<Exp2>(f)); }
};

/// log(f): -inf at 0, NaN below
struct Log : elementwise<Log> {
  static constexpr bool is_chain = true;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::log(a); }
  static constexpr auto gradient(auto f, auto g) { return g / f; }
};

/// sin(f)
struct Sin : elementwise<Sin> {
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::sin(a); }
  static constexpr auto gradient(auto f, auto g) { return g * cos(f); }
};

/// cos(f)
struct Cos : elementwise<Cos> {
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 1;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::cos(a); }
  static constexpr auto gradient(auto f, auto g) { return -(g * sin(f)); }
};

struct SqSech;
/// tanh(f)
struct Tanh : elementwise<Tanh> {
  static consteval int result_sign(int f) { return f; }
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::tanh(a); }
  static constexpr auto gradient(auto f, auto g) { return g * make<SqSech>(f); }
};

/// 1 / cosh(f)^2, the derivative of tanh, which 1 - tanh(f)^2 would lose to cancellation
struct SqSech : elementwise<SqSech> {
  static constexpr bool is_chain = true;
  static constexpr int at_zero = 1;
  static consteval int result_sign(auto...) { return 1; }
  template <class T> KERNFOLD_HD static T eval(T a) {
    const T e = math::exp(T(-2) * math::abs(a)), sum = T(1) + e;
    return T(4) * e / math::product(sum, sum);
  }
  static constexpr auto gradient(auto f, auto g) { return constant<-2> * (g * (make<SqSech>(f) * tanh(f))); }
};

/// |f|; its gradient at 0 is 0.
struct Abs : index_elementwise<Abs> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) {
    if constexpr (math::detail::lanes<T>) return math::abs(a);
    else return math::select(a < T(0), T(0) - a, a);  // indices
  }
  static constexpr auto gradient(auto f, auto g) { return where(f, if_else(f, g, -g), zero<1>); }
};

/// -1, 0 or 1; NaN stays NaN
struct Sign : elementwise<Sign> {
  static consteval int result_sign(int f) { return f; }
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) {
    return math::select(a > T(0), T(1), math::select(a < T(0), T(-1), a));
  }
  static constexpr auto gradient(auto f, auto) { return zero<decltype(f)::dim>; }
};

/// 0 where f < 0, else 1: step(0) = 1
struct Step : elementwise<Step> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr int at_zero = 1;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::select(a < T(0), T(0), T(1)); }
  static constexpr auto gradient(auto f, auto) { return zero<decltype(f)::dim>; }
};

/// max(f, 0); its gradient at 0 is 1, that of step(0).
struct ReLU : elementwise<ReLU> {
  static consteval int result_sign(auto...) { return 1; }
  static constexpr int at_zero = 0;
  template <class T> KERNFOLD_HD static T eval(T a) { return math::select(a < T(0), T(0), a); }
  static constexpr auto gradient(auto f, auto g) { return where(step(f), g, zero<1>); }
};

template <formula F> constexpr auto exp(F f) { return make<Exp>(f); }
template <formula F> constexpr auto log(F f) { return make<Log>(f); }
template <formula F> constexpr auto sin(F f) { return make<Sin>(f); }
template <formula F> constexpr auto cos(F f) { return make<Cos>(f); }
template <formula F> constexpr auto tanh(F f) { return make<Tanh>(f); }
template <formula F> constexpr auto abs(F f) { return make<Abs>(f); }
template <formula F> constexpr auto sign(F f) { return make<Sign>(f); }
template <formula F> constexpr auto step(F f) { return make<Step>(f); }
template <formula F> constexpr auto relu(F f) { return make<ReLU>(f); }

}  // namespace kernfold
KERNFOLD_STRICT_END
