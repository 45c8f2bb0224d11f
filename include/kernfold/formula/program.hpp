// kernfold/formula/program.hpp: what the engine sees: a flat list of distinct nodes, children first, and for each of
// them, as constexpr data, its stage, where its value lives, and the numbers of its arguments.
#pragma once

#include "../core/vec.hpp"
#include "scale.hpp"

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
  int offset = 0;  // within the values of its stage, home and kind
};

/// How many values of each kind a stage keeps for later ones, and holds while it runs.
struct stage_size {
  int kept_reals = 0, kept_indices = 0, local_reals = 0, local_indices = 0;
};

namespace detail {
template <class F>
struct is_array_leaf {
  static constexpr bool value = !is_node<F> && !is_constant<F> && !is_zero<F> && !is_index_variable<F>;
};

template <int N>
struct instruction_table {
  instruction row[N > 0 ? N : 1];
  stage_size sizes[4];
};

/// Everything about a list of nodes but the rules for their place: what a consteval function can loop over.
struct node_facts {
  stage at;
  kind result;
  int dim;
  bool constant, number, leaf;
};
}  // namespace detail

/// The formulas Roots, lowered, as one program; Rows is the role bit of the output side.
template <role_set Rows, class... Roots>
struct program {
  using nodes = nodes_of<Roots...>;
  using roots = type_list<Roots...>;
  /// the leaves that are read from arrays, in the order the engine numbers them
  using leaves = typename filtered<detail::is_array_leaf, nodes>::type;
  static constexpr int count = nodes::size;
  static constexpr int root_count = sizeof...(Roots);
  static constexpr role_set rows = Rows;

  /// whether row_index or column_index occurs, whichever is the rows'
  static constexpr bool reads_row_number =
      contains<index_variable<(Rows & depends_on_i) != 0 ? role::i : role::j>>(nodes{});

  static consteval int root(int r) {
    const int numbers[] = {index_of<Roots>(nodes{})..., -1};
    return numbers[r];
  }
  static consteval int argument(int node, int place) { return arguments.row[node].at[place]; }
  static consteval instruction at(int node) { return table.row[node]; }
  static consteval stage_size size(stage s) { return table.sizes[static_cast<int>(s)]; }
  template <int Node>
  using node_at = type_at<nodes, Node>;

  /// Whether a stage has to evaluate a node once, before the nodes that use it.
  static consteval bool is_scheduled(int node, stage s) {
    const instruction n = table.row[node];
    return n.at == s && (n.where == home::kept || n.where == home::local);
  }
  static consteval int scheduled_count(stage s) {
    int n = 0;
    for (int k = 0; k < count; ++k) n += is_scheduled(k, s);
    return n;
  }
  static consteval int scheduled(stage s, int place) {
    for (int k = 0; k < count; ++k)
      if (is_scheduled(k, s) && place-- == 0) return k;
    return -1;
  }

 private:
  static constexpr auto arguments = detail::make_argument_table(nodes{});

  template <class... Fs>
  static consteval auto make_table(type_list<Fs...>) {
    const detail::node_facts facts[] = {{detail::stage_in<Fs, Rows>, Fs::result, Fs::dim, is_constant<Fs> || is_zero<Fs>,
                                         is_index_variable<Fs>, !is_node<Fs>}...};
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
      n.where = f.constant                                    ? home::immediate
                : f.number                                    ? home::number
                : f.at != stage::pair && used_later           ? home::kept
                : f.leaf                                      ? home::array
                : f.dim <= unrolled_dim || uses > 1           ? home::local
                                                              : home::streamed;
      if (n.where != home::kept && n.where != home::local) continue;
      stage_size& s = t.sizes[static_cast<int>(f.at)];
      int& next = n.where == home::kept ? (f.result == kind::real ? s.kept_reals : s.kept_indices)
                                        : (f.result == kind::real ? s.local_reals : s.local_indices);
      n.offset = next;
      next += f.dim;
    }
    return t;
  }
  static constexpr auto table = make_table(nodes{});
};

namespace detail {
template <role_set Rows, class Roots>
struct program_with_roots;
template <role_set Rows, class... Roots>
struct program_with_roots<Rows, type_list<Roots...>> {
  using type = program<Rows, Roots...>;
};
template <role_set Rows, class Roots>
using program_with = typename program_with_roots<Rows, Roots>::type;
}  // namespace detail

}  // namespace kernfold
