// kernfold/formula/program.hpp: what the engine sees: a flat list of distinct nodes, children first, and for each of
// them, as constexpr data, its stage, where its value lives, and the numbers of its arguments.
#pragma once

#include "../core/vec.hpp"
#include "lower.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Where a node's value is found.
enum class home : unsigned char {
  immediate,  // a constant: no storage
  number,     // a row's or a column's number
  array,      // a leaf read from its array where it is used, by nodes of its own stage only
  kept,       // evaluated once in its stage and kept for later ones
  local,      // evaluated once, in registers of its stage
  streamed    // a long vector, evaluated component by component where it is consumed
};

struct instruction {
  stage at = stage::parameter;
  home where = home::immediate;
  kind result = kind::real;
  int dim = 0;
  int offset = 0;         // within the values of its stage, home and kind
  bool is_chain = false;  // takes many instructions, each of which waits for the one before
};

/// How many values of each kind a stage keeps for later ones, and holds while it runs.
struct stage_size {
  int kept_reals = 0, kept_indices = 0, local_reals = 0, local_indices = 0;
};

namespace detail {
template <class F> struct is_array_leaf {
  static constexpr bool value = !is_node<F> && !is_constant<F> && !is_zero<F> && !is_index_variable<F>;
};

template <int N> struct instruction_table {
  instruction row[N > 0 ? N : 1];
  stage_size sizes[4];
};

/// Everything about a list of nodes but the rules for their place: what a consteval function can loop over.
struct node_facts {
  stage at;
  kind result;
  int dim;
  bool constant, number, leaf, chain;
};

template <class F> inline constexpr bool is_chain = false;
template <class Op, class... Args> inline constexpr bool is_chain<node<Op, Args...>> = Op::is_chain;

/// Some of the nodes of a program, in order.
template <int N> struct node_selection {
  int count = 0;
  int number[N > 0 ? N : 1]{};
  constexpr void add(int node) { number[count++] = node; }
  constexpr node_selection without(const node_selection& others) const {
    node_selection rest;
    for (int k = 0; k < count; ++k) {
      bool is_other = false;
      for (int o = 0; o < others.count; ++o) is_other = is_other || others.number[o] == number[k];
      if (!is_other) rest.add(number[k]);
    }
    return rest;
  }
};

/// The pair stage in two passes; nothing is carried from the first to the second where one is better.
template <int N> struct pair_passes {
  node_selection<N> first, second;
  int carried_reals = 0;
  static constexpr int most_carried = 2;  // more are not worth the memory traffic
  int carried_offset[most_carried]{};     // where in a frame each of them is
};
}  // namespace detail

/// The formulas Roots, lowered, as one program; Rows is the role of the output side.
template <role Rows, class... Roots> struct program {
  using nodes = nodes_of<Roots...>;
  using roots = type_list<Roots...>;
  /// the leaves that are read from arrays, in the order the engine numbers them
  using leaves = typename filtered<detail::is_array_leaf, nodes>::type;
  static constexpr int count = nodes::size;
  static constexpr int root_count = sizeof...(Roots);
  static constexpr role rows = Rows;

  /// whether row_index or column_index occurs, whichever is the rows'
  static constexpr bool reads_row_number = contains<index_variable<Rows>>(nodes{});

  static consteval int root(int r) {
    const int numbers[] = {index_of<Roots>(nodes{})..., -1};
    return numbers[r];
  }
  static consteval int argument(int node, int place) { return arguments.row[node].at[place]; }
  static consteval instruction at(int node) { return table.row[node]; }
  static consteval stage_size size(stage s) { return table.sizes[static_cast<int>(s)]; }
  template <int Node> using node_at = type_at<nodes, Node>;

  /// Whether a stage has to evaluate a node once, before the nodes that use it.
  static consteval bool is_scheduled(int node, stage s) {
    const instruction n = table.row[node];
    return n.at == s && (n.where == home::kept || n.where == home::local);
  }
  static consteval int scheduled_count(stage s) { return scheduled(s).count; }
  static consteval detail::node_selection<count> scheduled(stage s) {
    detail::node_selection<count> nodes;
    for (int k = 0; k < count; ++k)
      if (is_scheduled(k, s)) nodes.add(k);
    return nodes;
  }

  /// What the pair stage has to evaluate for some of the roots.
  static consteval detail::node_selection<count> scheduled_for(const bool (&is_wanted)[root_count + 1]) {
    bool is_needed[count + 1]{};
    for (int r = 0; r < root_count; ++r)
      if (is_wanted[r]) is_needed[root(r)] = true;
    for (int k = count - 1; k >= 0; --k)
      for (int a = 0; a < max_arguments && is_needed[k]; ++a)
        if (const int from = arguments.row[k].at[a]; from >= 0) is_needed[from] = true;
    detail::node_selection<count> nodes;
    for (int k = 0; k < count; ++k)
      if (is_needed[k] && is_scheduled(k, stage::pair)) nodes.add(k);
    return nodes;
  }

  /// The pair stage cut in two before its first chains: processors overlap the pairs of two short loops better than
  /// those of a long one. What a chain starts from is carried from the first pass to the second; so is all else that
  /// the second needs, but for what one operation gives again. `folds_are_chains`: the roots are where the second pass
  /// starts.
  static consteval detail::pair_passes<count> cut_pair_stage(bool folds_are_chains) {
    bool is_second[count + 1]{}, is_needed[count + 1]{}, starts_chain[count + 1]{};
    for (int k = 0; k < count; ++k) {
      if (!is_scheduled(k, stage::pair)) continue;
      for (int a = 0; a < max_arguments; ++a) {
        const int from = arguments.row[k].at[a];
        if (from < 0 || table.row[from].at != stage::pair) continue;
        const bool starts = table.row[k].is_chain && !folds_are_chains && !is_second[from];
        is_second[k] = is_second[k] || is_second[from] || starts;
        starts_chain[from] = starts_chain[from] || starts;
      }
    }
    for (int k = 0; k < count; ++k)
      for (int a = 0; a < max_arguments && is_second[k]; ++a)
        if (const int from = arguments.row[k].at[a]; from >= 0) is_needed[from] = true;
    for (int r = 0; r < root_count; ++r) {
      is_needed[root(r)] = true;
      starts_chain[root(r)] = starts_chain[root(r)] || folds_are_chains;
    }

    detail::pair_passes<count> passes;
    for (int k = 0; k < count; ++k) {
      if (table.row[k].at == stage::pair && table.row[k].where == home::streamed) return {};
      if (!is_scheduled(k, stage::pair)) continue;
      if (is_second[k]) {
        passes.second.add(k);
        continue;
      }
      passes.first.add(k);
      if (!is_needed[k]) continue;
      if (!starts_chain[k] && is_one_operation(k)) {
        passes.second.add(k);
      } else {
        if (table.row[k].result != kind::real || passes.carried_reals + table.row[k].dim > passes.most_carried)
          return {};
        for (int d = 0; d < table.row[k].dim; ++d)
          passes.carried_offset[passes.carried_reals++] = table.row[k].offset + d;
      }
    }
    bool is_cut = false;
    for (int k = 0; k < count; ++k) is_cut = is_cut || (starts_chain[k] && is_scheduled(k, stage::pair));
    return is_cut ? passes : detail::pair_passes<count>{};
  }

 private:
  /// Whether a node takes one operation per component, on values of earlier stages.
  static consteval bool is_one_operation(int node) {
    bool is = !table.row[node].is_chain;
    for (int a = 0; a < max_arguments; ++a)
      if (const int from = arguments.row[node].at[a]; from >= 0)
        is = is && table.row[from].at != stage::pair && table.row[from].dim <= table.row[node].dim;
    return is;
  }

  static constexpr auto arguments = detail::make_argument_table(nodes{});

  template <class... Fs> static consteval auto make_table(type_list<Fs...>) {
    const detail::node_facts facts[] = {{detail::stage_of(Fs::depends, Rows), Fs::result, Fs::dim,
                                         is_constant<Fs> || is_zero<Fs>, is_index_variable<Fs>, !is_node<Fs>,
                                         detail::is_chain<Fs>}...};
    const int root_numbers[] = {index_of<Roots>(nodes{})..., -1};
    detail::instruction_table<count> t{};
    for (int k = 0; k < count; ++k) {
      const detail::node_facts& f = facts[k];
      int uses = 0;
      bool used_later = false;
      for (int r = 0; r < root_count; ++r)
        if (root_numbers[r] == k) {
          ++uses;
          used_later = true;
        }
      for (int c = k + 1; c < count; ++c)
        for (int a = 0; a < max_arguments; ++a)
          if (arguments.row[c].at[a] == k) {
            ++uses;
            used_later = used_later || facts[c].at != f.at;
          }
      instruction& n = t.row[k];
      n.at = f.at;
      n.result = f.result;
      n.dim = f.dim;
      n.is_chain = f.chain;
      n.where = f.constant                          ? home::immediate
                : f.number                          ? home::number
                : f.at != stage::pair && used_later ? home::kept
                : f.leaf                            ? home::array
                : f.dim <= unrolled_dim || uses > 1 ? home::local
                                                    : home::streamed;
      if (n.where != home::kept && n.where != home::local) continue;
      stage_size& s = t.sizes[static_cast<int>(f.at)];
      int& next = n.where == home::kept ? (f.result == kind::real ? s.kept_reals : s.kept_indices)
                                        : (f.result == kind::real ? s.local_reals : s.local_indices);
      n.offset = next;
      next += f.dim;
    }
    // A column begins with what was made last of it, so that all of a distance's bound is read at once, and the vector
    // that the distance itself needs lies behind.
    for (instruction& n : t.row)
      if (n.at == stage::column && n.where == home::kept && n.result == kind::real)
        n.offset = t.sizes[static_cast<int>(stage::column)].kept_reals - n.offset - n.dim;
    return t;
  }
  static constexpr auto table = make_table(nodes{});
};

namespace detail {
template <role Rows, class Roots> struct program_with_roots;
template <role Rows, class... Roots> struct program_with_roots<Rows, type_list<Roots...>> {
  using type = program<Rows, Roots...>;
};
template <role Rows, class Roots> using program_with = typename program_with_roots<Rows, Roots>::type;
}  // namespace detail

}  // namespace kernfold
KERNFOLD_STRICT_END
