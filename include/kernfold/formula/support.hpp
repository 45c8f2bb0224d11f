// kernfold/formula/support.hpp: where a formula may differ from 0, as a condition that is read off its form.
//
// An adjoint is 0 where its consumers were not chosen, and there it stays 0 whatever it is multiplied by: a mask's zero
// is exact, also beside an infinity, and to any order of derivatives. So an adjoint carries the condition under which
// it is not zero. A condition is a formula, of dimension 1 or that of what it is for, that holds where it is not 0.
#pragma once

#include "node.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

inline constexpr Constant<1> everywhere{};
inline constexpr Zero<1> nowhere{};
template <class S> inline constexpr bool is_everywhere = is_integer<S, 1>;

/// Where both conditions hold.
template <class S, class T> constexpr auto both(S s, T t) {
  if constexpr (is_zero<S> || is_zero<T>) return nowhere;
  else if constexpr (is_everywhere<S> || std::is_same_v<S, T>) return t;
  else if constexpr (is_everywhere<T>) return s;
  else return where(s, t, nowhere);
}
/// Where at least one holds.
template <class S, class T> constexpr auto either(S s, T t) {
  if constexpr (is_everywhere<S> || is_everywhere<T>) return everywhere;
  else if constexpr (is_zero<S> || std::is_same_v<S, T>) return t;
  else if constexpr (is_zero<T>) return s;
  else return where(s, everywhere, t);
}
template <class S> constexpr auto negated(S s) {
  if constexpr (is_everywhere<S>) return nowhere;
  else if constexpr (is_zero<S>) return everywhere;
  else return where(s, nowhere, everywhere);
}
/// Where u or v is chosen and may differ from 0.
template <class C, class S, class T> constexpr auto chosen(C condition, S s, T t) {
  if constexpr (is_everywhere<S> && is_everywhere<T>) return everywhere;
  else return either(both(condition, s), both(negated(condition), t));
}
/// Where the condition of any component holds.
template <class S> constexpr auto any_component(S s) {
  if constexpr (S::dim == 1) return s;
  else return sum(s != nowhere);
}
/// What Op makes of the components' conditions; one condition for all of them stays.
template <class Op, class S> constexpr auto moved(S s) {
  if constexpr (S::dim == 1) return s;
  else return make<Op>(s);
}

/// A condition that holds wherever F may differ from 0; `everywhere` where nothing is known. An operation that
/// knows_support has
///   result_support(arguments, supports...)   with the arguments as a type_list
template <class F> struct support_of {
  using type = Constant<1>;
};
template <int D> struct support_of<Zero<D>> {
  using type = Zero<1>;
};
template <class Op, class... Args>
  requires Op::knows_support
struct support_of<node<Op, Args...>> {
  using type = decltype(Op::result_support(type_list<Args...>{}, typename support_of<Args>::type{}...));
};
template <class F> using support = typename support_of<F>::type;

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
