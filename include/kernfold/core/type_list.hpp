// kernfold/core/type_list.hpp: lists of types, and of integers, with the few algorithms that the library needs.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace kernfold {

template <class T> struct type_identity_of {
  using type = T;
};

template <class... Ts> struct type_list {
  static constexpr int size = sizeof...(Ts);
};

namespace detail {

template <int At, class T> struct numbered_type {};

template <class Indices, class... Ts> struct numbered_types;
template <int... Is, class... Ts>
struct numbered_types<std::integer_sequence<int, Is...>, Ts...> : numbered_type<Is, Ts>... {};

// Overload resolution finds the base class of number At: one look-up, however long the list.
template <int At, class T> type_identity_of<T> type_numbered(const numbered_type<At, T>*);

template <class List> struct list_lookup;
template <class... Ts>
struct list_lookup<type_list<Ts...>> : numbered_types<std::make_integer_sequence<int, sizeof...(Ts)>, Ts...> {};

}  // namespace detail

/// The type at place At of a list.
template <class List, int At>
using type_at =
    typename decltype(detail::type_numbered<At>(static_cast<const detail::list_lookup<List>*>(nullptr)))::type;

/// The first place of T in a list, or -1. (__is_same: std::is_same_v would be an instantiation per pair of types.)
template <class T, class... Ts> consteval int index_of(type_list<Ts...>) {
  int place = -1, k = 0;
  ((__is_same(T, Ts) && place < 0 ? void(place = k++) : void(++k)), ...);
  return place;
}
template <class T, class... Ts> consteval bool contains(type_list<Ts...>) { return (__is_same(T, Ts) || ...); }

namespace detail {
template <class... Lists> struct joined;
template <> struct joined<> {
  using type = type_list<>;
};
template <class... As> struct joined<type_list<As...>> {
  using type = type_list<As...>;
};
template <class... As, class... Bs, class... Rest>
struct joined<type_list<As...>, type_list<Bs...>, Rest...> : joined<type_list<As..., Bs...>, Rest...> {};
template <class... As, class... Bs, class... Cs, class... Ds, class... Rest>
struct joined<type_list<As...>, type_list<Bs...>, type_list<Cs...>, type_list<Ds...>, Rest...>
    : joined<type_list<As..., Bs..., Cs..., Ds...>, Rest...> {};

template <class List, class... Ts> struct united {
  using type = List;
};
template <class... As, class T, class... Rest>
struct united<type_list<As...>, T, Rest...>
    : united<std::conditional_t<contains<T>(type_list<As...>{}), type_list<As...>, type_list<As..., T>>, Rest...> {};
template <class List, class Other> struct united_lists;
template <class List, class... Ts> struct united_lists<List, type_list<Ts...>> : united<List, Ts...> {};
}  // namespace detail

/// One list after the other.
template <class... Lists> using join = typename detail::joined<Lists...>::type;

/// A list with those types of another one appended that it lacks, in order.
template <class List, class Other> using unite = typename detail::united_lists<List, Other>::type;

/// The types for which Predicate<T>::value holds, in order.
template <template <class> class Predicate, class List> struct filtered;
template <template <class> class Predicate, class... Ts> struct filtered<Predicate, type_list<Ts...>> {
  using type = join<std::conditional_t<Predicate<Ts>::value, type_list<Ts>, type_list<>>...>;
};

}  // namespace kernfold
