// kernfold/api/retyped.hpp: formulas whose variables have the element types of a call's arrays: real numbers of 16 bits
// for real ones, narrower labels for integers. They are read as they are stored.
#pragma once

#include "../formula/roles.hpp"
#include "../reduction/extrema.hpp"
#include "computation.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// The variable V for an array of elements E.
template <class V, class E> struct retyped_variable {
  using type = V;
};
template <role R, int P, int D, class T, class E>
  requires((std::is_same_v<T, default_real> && is_narrow_real<E>) || is_narrower_integer<E, T>)
struct retyped_variable<variable<R, P, D, T>, E> {
  using type = variable<R, P, D, E>;
};

/// Vs become the Ws at their places.
template <class Vs, class Ws> struct retyping;
template <class... Vs, class... Ws> struct retyping<type_list<Vs...>, type_list<Ws...>> {
  static consteval role role_of(role r) { return r; }
  template <class V, int At = index_of<V>(type_list<Vs...>{})> struct found {
    using type = type_at<type_list<Ws...>, At>;
  };
  template <class V> using of = typename found<V>::type;
};
template <class Spec, class Map> struct retyped_spec;
template <template <class...> class Spec, class... Fs, class Map> struct retyped_spec<Spec<Fs...>, Map> {
  using type = Spec<typename renamed<Fs, Map>::type...>;
};
template <template <class, int> class Spec, class F, int K, class Map> struct retyped_spec<Spec<F, K>, Map> {
  using type = Spec<typename renamed<F, Map>::type, K>;
};
template <template <class, extreme> class Spec, class F, extreme E, class Map> struct retyped_spec<Spec<F, E>, Map> {
  using type = Spec<typename renamed<F, Map>::type, E>;
};
template <class Spec, axis A, class Vs, class Ws> struct renamed<folded<Spec, A>, retyping<Vs, Ws>> {
  using type = folded<typename retyped_spec<Spec, retyping<Vs, Ws>>::type, A>;
};

/// The variables of a signature, for the arrays of a call.
template <class Signature, class Args> struct retyped_signature;
template <class... Vs, class... Args> struct retyped_signature<type_list<Vs...>, type_list<Args...>> {
  template <class V>
  using array_of = typename argument<type_at<type_list<Args...>, place_of<V>(type_list<Args...>{})>>::array;
  template <class V> static constexpr auto of() {
    using array = array_of<V>;
    if constexpr (std::is_arithmetic_v<array> || !argument_of_variable<V, array>::is_array) return V{};
    else return typename retyped_variable<V, element_anywhere<array>>::type{};
  }
  using type = type_list<decltype(of<Vs>())...>;
};
/// A reduction whose variables are Ws, and the arguments of a call for them.
template <class Reduction, class Ws> struct retyped_reduction;
template <template <class, class, class...> class R, class Vs, class Options, class... Items, class Ws>
struct retyped_reduction<R<Vs, Options, Items...>, Ws> {
  using map = retyping<Vs, Ws>;
  template <class Item> struct item_of;
  template <axis A, class Spec> struct item_of<item<A, Spec>> {
    using type = item<A, typename retyped_spec<Spec, map>::type>;
  };
  using type = R<Ws, Options, typename item_of<Items>::type...>;
  /// An argument of the call, for the variable that its own becomes.
  template <class A> static const A& argument_of(const A& a) { return a; }
  template <class V, class A, bool IsTemporary>
  static binding<typename map::template of<V>, A, IsTemporary> argument_of(const binding<V, A, IsTemporary>& b) {
    return {b.array};
  }
};
template <class Reduction, class Args>
using retyped_for = retyped_reduction<Reduction, typename retyped_signature<typename Reduction::signature, Args>::type>;

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
