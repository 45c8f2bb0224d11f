// kernfold/formula/graph.hpp: the distinct nodes of formulas. Equal sub-formulas are equal types, so a formula is a
// graph, and everything that walks it visits each node once.
#pragma once

#include "../core/type_list.hpp"
#include "node.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

template <class Seen, class F, bool IsSeen> struct visited;

template <class Seen, class... Fs> struct collected {
  using type = Seen;
};
template <class Seen, class F, class... Rest>
struct collected<Seen, F, Rest...> : collected<typename visited<Seen, F, contains<F>(Seen{})>::type, Rest...> {};

template <class Seen, class F> struct visited<Seen, F, true> {
  using type = Seen;
};
template <class... Seen, class F> struct visited<type_list<Seen...>, F, false> {
  using type = type_list<Seen..., F>;
};
template <class... Seen, class Op, class... Args> struct visited<type_list<Seen...>, node<Op, Args...>, false> {
  using type = join<typename collected<type_list<Seen...>, Args...>::type, type_list<node<Op, Args...>>>;
};

}  // namespace kernfold::detail

namespace kernfold {

/// The distinct nodes and leaves of formulas, children before parents.
template <class... Roots> using nodes_of = typename detail::collected<type_list<>, Roots...>::type;

namespace detail {
template <class F> struct is_any_variable {
  static constexpr bool value = is_variable<F>;
};
template <class... Fs> using variables_among = typename filtered<is_any_variable, nodes_of<Fs...>>::type;
template <class F> struct declared_variables {
  using type = type_list<>;
};
template <class F, class... Vs> struct declared_variables<declared<F, Vs...>> {
  using type = type_list<Vs...>;
};
template <class Present, class List> struct without_present;
template <class Present, class... Vs> struct without_present<Present, type_list<Vs...>> {
  using type = join<std::conditional_t<contains<Vs>(Present{}), type_list<>, type_list<Vs>>...>;
};
template <class... Fs> using declared_among = join<type_list<>, typename declared_variables<Fs>::type...>;
template <class R, class... Fs> struct lost_variables {
  using all = unite<variables_among<bare<Fs>...>, declared_among<Fs...>>;
  using type = typename without_present<variables_among<R>, all>::type;
};
}  // namespace detail

inline constexpr int max_arguments = 4;

namespace detail {

/// The numbers of a node's arguments within a list, -1 where there is none.
struct argument_numbers {
  int at[max_arguments];
};
template <class List, class F> struct arguments_in {
  static consteval argument_numbers get() { return {{-1, -1, -1, -1}}; }
};
template <class List, class Op, class... Args> struct arguments_in<List, node<Op, Args...>> {
  static_assert(sizeof...(Args) <= max_arguments, "kernfold: an operation takes at most four arguments");
  static consteval argument_numbers get() {
    argument_numbers numbers{{-1, -1, -1, -1}};
    int k = 0;
    ((numbers.at[k++] = index_of<Args>(List{})), ...);
    return numbers;
  }
};

template <int N> struct argument_table {
  argument_numbers row[N > 0 ? N : 1];
};
template <class... Fs> consteval auto make_argument_table(type_list<Fs...>) {
  return argument_table<sizeof...(Fs)>{{arguments_in<type_list<Fs...>, Fs>::get()...}};
}

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
