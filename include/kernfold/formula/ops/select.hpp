// kernfold/formula/ops/select.hpp: comparisons and choices. Comparisons of indices are exact.
#pragma once

#include "../../core/math.hpp"
#include "../support.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Base of a comparison: 1 where it holds, else 0. Op::compare gives the lanes' mask; its gradient is zero.
template <class Op> struct comparison : elementwise<Op> {
  static constexpr bool accepts_index = true;
  static constexpr bool gives_mask = true;
  static consteval int result_sign(int, int) { return 1; }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto) {
    return zero<(Place == 0 ? decltype(f)::dim : decltype(h)::dim)>;
  }
};

struct Equal : comparison<Equal> {
  static constexpr notation written{.pattern = "[A == B]"};
  static constexpr bool compares_equality = true;
  template <class T> KERNFOLD_HD static auto compare(T a, T b) { return a == b; }
};
struct NotEqual : comparison<NotEqual> {
  static constexpr notation written{.pattern = "[A != B]"};
  static constexpr bool compares_equality = true;
  template <class T> KERNFOLD_HD static auto compare(T a, T b) { return a != b; }
};
struct LessThan : comparison<LessThan> {
  static constexpr notation written{.pattern = "[A < B]"};
  template <class T> KERNFOLD_HD static auto compare(T a, T b) { return a < b; }
};
struct LessOrEqual : comparison<LessOrEqual> {
  static constexpr notation written{.pattern = "[A <= B]"};
  template <class T> KERNFOLD_HD static auto compare(T a, T b) { return a <= b; }
};

/// a where f >= 0, else b (also where f is NaN). No gradient flows through f; the adjoint is masked before it descends,
/// so what is not chosen contributes an exact zero.
struct IfElse : elementwise<IfElse> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  template <class F, class A, class B> static constexpr auto result_support(type_list<F, A, B>, auto, auto a, auto b) {
    return detail::chosen(detail::nowhere <= F{}, a, b);
  }
  static consteval int result_sign(int, int a, int b) { return a == b ? a : 0; }
  static consteval bool result_is_rounded(bool, bool a, bool b) { return a && b; }
  template <class T> KERNFOLD_HD static T eval(T f, T a, T b) { return math::select(f >= T(0), a, b); }
  template <int Place> static constexpr auto gradient(auto f, auto, auto, auto g) {
    if constexpr (Place == 0) return zero<decltype(f)::dim>;
    else if constexpr (Place == 1) return if_else(f, g, zero<1>);
    else return if_else(f, zero<1>, g);
  }
};

/// a where the condition is not 0, else b: for comparisons, as in where(row_index == column_index, a, b).
struct Where : elementwise<Where> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  template <class C, class A, class B> static constexpr auto result_support(type_list<C, A, B>, auto, auto a, auto b) {
    return detail::chosen(C{}, a, b);
  }
  static consteval int result_sign(int, int a, int b) { return a == b ? a : 0; }
  static consteval bool result_is_rounded(bool, bool a, bool b) { return a && b; }
  template <class T> KERNFOLD_HD static T eval(T condition, T a, T b) { return math::select(condition != T(0), a, b); }
  template <int Place> static constexpr auto gradient(auto condition, auto, auto, auto g) {
    if constexpr (Place == 0) return zero<decltype(condition)::dim>;
    else if constexpr (Place == 1) return where(condition, g, zero<1>);
    else return where(condition, zero<1>, g);
  }
};

template <formula F, formula G> constexpr auto operator==(F f, G g) { return make<Equal>(f, g); }
template <formula F, formula G> constexpr auto operator!=(F f, G g) { return make<NotEqual>(f, g); }
template <formula F, formula G> constexpr auto operator<(F f, G g) { return make<LessThan>(f, g); }
template <formula F, formula G> constexpr auto operator<=(F f, G g) { return make<LessOrEqual>(f, g); }
template <formula F, formula G> constexpr auto operator>(F f, G g) { return make<LessThan>(g, f); }
template <formula F, formula G> constexpr auto operator>=(F f, G g) { return make<LessOrEqual>(g, f); }
template <formula F, formula A, formula B> constexpr auto if_else(F f, A a, B b) { return make<IfElse>(f, a, b); }
template <formula C, formula A, formula B> constexpr auto where(C condition, A a, B b) {
  return make<Where>(condition, a, b);
}

}  // namespace kernfold
KERNFOLD_STRICT_END
