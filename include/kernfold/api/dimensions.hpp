// kernfold/api/dimensions.hpp: dimensions that are known at run time: which of a reduction's variables share one, and
// which tells that of a result.
#pragma once

#include "binding.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class... Fs> consteval bool has_run_time_dims(type_list<Fs...>) { return graph<Fs...>::has_run_time_dims(); }
/// Which dimensions of a reduction are the same where they are known at run time. The vectors that meet in an
/// operation have one dimension, and what is made of them component by component has it as well.
template <class Signature, class... Fs> struct dimension_classes;
template <class... Vs, class... Fs> struct dimension_classes<type_list<Vs...>, Fs...> {
  using all = graph<Fs...>;
  struct table {
    int symbols[sizeof...(Vs) + 1], formulas[sizeof...(Fs) + 1];
    bool are_told = true;  // whether a variable tells each of them
  };
  static constexpr table make() {
    int of[all::count + 1];  // the first node of the same dimension
    for (int k = 0; k < all::count; ++k) of[k] = k;
    const auto join = [&](int a, int b) {
      const int from = of[a] > of[b] ? of[a] : of[b], to = of[a] > of[b] ? of[b] : of[a];
      for (int k = 0; k < all::count; ++k) of[k] = of[k] == from ? to : of[k];
    };
    for (int c = 0; c < all::count; ++c) {
      int met = all::node(c).dim == dynamic ? c : -1;
      for (const int from : all::node(c).arguments.at) {
        if (from < 0 || all::node(from).dim != dynamic) continue;
        if (met >= 0) join(met, from);
        met = from;
      }
    }
    const int nodes[] = {all::template number_of<Vs>()..., -1};
    table t{};
    const auto symbol_of = [&](int node) {
      for (int s = 0; s < int(sizeof...(Vs)); ++s)
        if (node >= 0 && nodes[s] >= 0 && of[nodes[s]] == of[node] && all::node(nodes[s]).dim == dynamic) return s;
      return -1;
    };
    for (int s = 0; s < int(sizeof...(Vs)); ++s)
      t.symbols[s] = nodes[s] >= 0 && all::node(nodes[s]).dim == dynamic ? symbol_of(nodes[s]) : -1;
    for (int f = 0; f < int(sizeof...(Fs)); ++f)
      t.formulas[f] = all::node(all::root(f)).dim == dynamic ? symbol_of(all::root(f)) : -1;
    // Zeros have the dimension of what they meet, if that is anything.
    const auto is_told = [&](int k) { return all::node(k).dim != dynamic || symbol_of(k) >= 0; };
    for (int k = 0; k < all::count; ++k)
      if (all::node(k).form == node_form::operation) t.are_told = t.are_told && is_told(k);
    for (int f = 0; f < int(sizeof...(Fs)); ++f) t.are_told = t.are_told && is_told(all::root(f));
    return t;
  }
  static constexpr table made = make();
};
template <class Reduction, class Formulas = join<typename Reduction::formulas>> struct links_of;
template <class Reduction, class... Fs> struct links_of<Reduction, type_list<Fs...>> {
  using classes = dimension_classes<typename Reduction::signature, Fs...>;
  static_assert(classes::made.are_told,
                "kernfold: no array tells the dimension of a vector of this reduction, which is known at run time");
  static constexpr dimension_links value{classes::made.symbols, classes::made.formulas};
};
/// None, for a reduction whose dimensions are all known.
template <class Reduction> consteval const dimension_links* dimension_links_of() {
  if constexpr (has_run_time_dims(typename Reduction::formulas{})) return &links_of<Reduction>::value;
  else return nullptr;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
