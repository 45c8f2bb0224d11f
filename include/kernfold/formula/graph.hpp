// kernfold/formula/graph.hpp: the distinct nodes of formulas. Equal sub-formulas are equal types, so a formula is a
// graph, and everything that walks it visits each node once.
#pragma once

#include "../core/type_list.hpp"
#include "node.hpp"

namespace kernfold::detail {

template <class Seen, class F, bool IsSeen>
struct visited;

template <class Seen, class... Fs>
struct collected {
  using type = Seen;
};
template <class Seen, class F, class... Rest>
struct collected<Seen, F, Rest...>
    : collected<typename visited<Seen, F, contains<F>(Seen{})>::type, Rest...> {};

template <class Seen, class F>
struct visited<Seen, F, true> {
  using type = Seen;
};
template <class... Seen, class F>
struct visited<type_list<Seen...>, F, false> {
  using type = type_list<Seen..., F>;
};
template <class... Seen, class Op, class... Args>
struct visited<type_list<Seen...>, node<Op, Args...>, false> {
  using type = join<typename collected<type_list<Seen...>, Args...>::type, type_list<node<Op, Args...>>>;
};

}  // namespace kernfold::detail

namespace kernfold {

/// The distinct nodes and leaves of formulas, children before parents.
template <class... Roots>
using nodes_of = typename detail::collected<type_list<>, Roots...>::type;

inline constexpr int max_arguments = 4;

namespace detail {

/// The numbers of a node's arguments within a list, -1 where there is none.
struct argument_numbers {
  int at[max_arguments];
};
consteval argument_numbers arguments_in(const type_id*, int, const void*) { return {{-1, -1, -1, -1}}; }
template <class Op, class... Args>
consteval argument_numbers arguments_in(const type_id* list, int count, const node<Op, Args...>*) {
  static_assert(sizeof...(Args) <= max_arguments, "kernfold: an operation takes at most four arguments");
  const type_id wanted[] = {id_of<Args>...};
  argument_numbers numbers{{-1, -1, -1, -1}};
  for (int k = 0; k < int(sizeof...(Args)); ++k)
    for (int n = 0; n < count && numbers.at[k] < 0; ++n)
      if (list[n] == wanted[k]) numbers.at[k] = n;
  return numbers;
}

template <int N>
struct argument_table {
  argument_numbers row[N > 0 ? N : 1];
};
template <class... Fs>
consteval auto make_argument_table(type_list<Fs...>) {
  constexpr int count = sizeof...(Fs);
  constexpr type_id list[] = {id_of<Fs>..., nullptr};
  return argument_table<count>{{arguments_in(list, count, static_cast<const Fs*>(nullptr))...}};
}

}  // namespace detail
}  // namespace kernfold
