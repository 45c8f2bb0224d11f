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
  vector,     // a leaf of run-time dimension, kept for later stages with the others of its stage
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
template <int N> struct instruction_table {
  instruction row[N > 0 ? N : 1];
  stage_size sizes[4];
};

/// A vector whose dimension is known at run time and that is computed from others is never stored: each component is
/// evaluated where it is consumed, and so belongs to the stage of its latest consumer.
template <class Graph> consteval void delay_run_time_vectors(instruction* row) {
  const auto is_computed_vector = [](int k) {
    return Graph::node(k).dim == dynamic && Graph::node(k).form == node_form::operation;
  };
  for (int r = 0; r < Graph::roots::size; ++r)
    if (is_computed_vector(Graph::root(r))) row[Graph::root(r)].at = stage::pair;
  for (int c = Graph::count - 1; c >= 0; --c)
    for (const int from : Graph::node(c).arguments.at)
      if (from >= 0 && is_computed_vector(from) && row[from].at < row[c].at) row[from].at = row[c].at;
}

/// The instructions that evaluate a graph.
template <role Rows, class Graph> consteval auto make_instructions() {
  constexpr int count = Graph::count;
  instruction_table<count> t{};
  constexpr bool has_numbers = Rows != role::edge;  // an edge reads those of its ends as it reads an array
  for (int k = 0; k < count; ++k) t.row[k].at = stage_of(Graph::node(k).depends, Rows);
  delay_run_time_vectors<Graph>(t.row);
  int uses[count + 1]{};
  bool used_later[count + 1]{};
  for (int r = 0; r < Graph::roots::size; ++r) {
    ++uses[Graph::root(r)];
    used_later[Graph::root(r)] = true;
  }
  for (int c = 0; c < count; ++c)
    for (const int from : Graph::node(c).arguments.at)
      if (from >= 0) {
        ++uses[from];
        used_later[from] = used_later[from] || t.row[c].at != t.row[from].at;
      }
  for (int k = 0; k < count; ++k) {
    const graph_node& f = Graph::node(k);
    instruction& n = t.row[k];
    n.result = f.result;
    n.dim = f.dim;
    n.is_chain = f.is_chain;
    n.where = f.form == node_form::constant                   ? home::immediate
              : f.form == node_form::number && has_numbers    ? home::number
              : f.dim == dynamic && f.form != node_form::leaf ? home::streamed
              : f.dim == dynamic && used_later[k]             ? home::vector
              : n.at != stage::pair && used_later[k]          ? home::kept
              : f.form == node_form::leaf                     ? (n.at == stage::pair ? home::local : home::array)
              : f.dim <= unrolled_dim || uses[k] > 1          ? home::local
                                                              : home::streamed;
    if (n.where != home::kept && n.where != home::local) continue;
    stage_size& s = t.sizes[static_cast<int>(n.at)];
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
}  // namespace detail

/// The formulas Roots, lowered, as one program; Rows is the role of the output side.
template <role Rows, class... Roots> struct program {
  using graph = detail::graph<Roots...>;
  using roots = type_list<Roots...>;
  /// the leaves that are read from arrays, in the order the engine numbers them
  using leaves = detail::leaves_of<Roots...>;
  static constexpr int count = graph::count;
  static constexpr int root_count = sizeof...(Roots);
  static constexpr role rows = Rows;

  /// whether row_index or column_index occurs, whichever is the rows'
  static constexpr bool reads_row_number = (graph::numbers_read() & role_bit(Rows)) != 0;

  /// whether any vector has a dimension that is known at run time
  static constexpr bool has_run_time_dims = graph::has_run_time_dims();

  static consteval int root(int r) { return graph::root(r); }
  static constexpr int argument(int node, int place) { return graph::node(node).arguments.at[place]; }
  static consteval instruction at(int node) { return table.row[node]; }
  static consteval stage_size size(stage s) { return table.sizes[static_cast<int>(s)]; }
  template <int Node> using node_at = detail::node_of_graph<graph, Node>;

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

  /// What a stage keeps as it is in an array, and what it has to compute.
  static consteval detail::node_selection<count> copied(stage s) {
    detail::node_selection<count> nodes;
    for (int k = 0; k < count; ++k)
      if (is_scheduled(k, s) && graph::node(k).form == detail::node_form::leaf) nodes.add(k);
    return nodes;
  }
  static consteval detail::node_selection<count> computed(stage s) { return scheduled(s).without(copied(s)); }

  /// What the pair stage has to evaluate for some of the roots.
  static consteval detail::node_selection<count> scheduled_for(const bool (&is_wanted)[root_count + 1]) {
    bool is_needed[count + 1]{};
    for (int r = 0; r < root_count; ++r)
      if (is_wanted[r]) is_needed[root(r)] = true;
    for (int k = count - 1; k >= 0; --k)
      for (int a = 0; a < max_arguments && is_needed[k]; ++a)
        if (const int from = argument(k, a); from >= 0) is_needed[from] = true;
    detail::node_selection<count> nodes;
    for (int k = 0; k < count; ++k)
      if (is_needed[k] && is_scheduled(k, stage::pair)) nodes.add(k);
    return nodes;
  }

 private:
  static constexpr auto table = detail::make_instructions<Rows, graph>();
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
