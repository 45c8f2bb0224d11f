// kernfold/formula/graph.hpp: the distinct nodes of formulas. Equal sub-formulas are equal types, so a formula is a
// graph, and everything that walks it visits each node once.
//
// The graph is data: one constant expression numbers the nodes, and what works on it loops over numbers. A compiler
// makes something of its own for each distinct node, and for no list of them: what a formula costs is proportional to
// its length.
#pragma once

#include "../core/type_list.hpp"
#include "node.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {

/// The numbers of a node's arguments, -1 where there is none.
struct argument_numbers {
  int at[max_arguments];
};

/// What a node is made of.
enum class node_form : unsigned char {
  operation,
  constant,
  number,  // a row's or a column's
  leaf     // any other symbol
};

/// A node as data.
struct graph_node {
  std::uint64_t identity = 0;
  role_set depends = no_roles;
  int dim = 0;
  kind result = kind::real;
  node_form form = node_form::operation;
  bool is_chain = false;  // takes many instructions, each of which waits for the one before
  argument_numbers arguments{{-1, -1, -1, -1}};
  int consumer = -1, place = 0;  // it is argument `place` of node `consumer`, or root `place` where that is -1
};

constexpr std::uint64_t mixed_hash(std::uint64_t hash, std::uint64_t next) {
  hash = (hash ^ next) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}
/// By Fowler, Noll and Vo's function.
consteval std::uint64_t text_hash(const char* text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (; *text != '\0'; ++text) hash = (hash ^ static_cast<unsigned char>(*text)) * 0x100000001b3u;
  return hash;
}
template <class T> consteval std::uint64_t make_name_hash() { return text_hash(__PRETTY_FUNCTION__); }
template <class T> struct name_hash {
  static constexpr std::uint64_t value = make_name_hash<T>();
};

/// What tells formulas apart in constant expressions: 64 bits that two different ones do not share, or else a
/// static_assert says so.
template <class F> struct identity_of;
template <class List> struct identity_of_list;
template <class... Fs> struct identity_of_list<type_list<Fs...>> {
  static consteval std::uint64_t from(std::uint64_t hash) {
    ((hash = mixed_hash(hash, identity_of<Fs>::value)), ...);
    return hash;
  }
};
template <class F> consteval std::uint64_t make_identity() {
  if constexpr (is_variable<F>) {
    const auto place = static_cast<std::uint64_t>(F::position) << 32 | static_cast<std::uint64_t>(F::dim) << 2;
    return mixed_hash(name_hash<typename F::element>::value, place | F::depends);
  } else if constexpr (requires { typename F::spec; }) {  // whose type's name may be long
    using spec = typename F::spec;
    const std::uint64_t shape = static_cast<std::uint64_t>(spec::dim) << 2 | F::depends;
    return identity_of_list<typename spec::formulas>::from(mixed_hash(text_hash(spec::name()), shape));
  } else {
    return name_hash<F>::value;
  }
}
template <class F> struct identity_of {
  static constexpr std::uint64_t value = make_identity<F>();
};
template <class Op, class... Args> struct identity_of<node<Op, Args...>> {
  static constexpr std::uint64_t value = identity_of_list<type_list<Args...>>::from(name_hash<Op>::value);
};
/// F and G, which have the same number, are the same.
template <class F, class G> struct identity_check {
  static_assert(std::is_same_v<F, G>,
                "kernfold: two operations cannot be told apart by their names: give each a name of its own, outside "
                "of functions");
  static constexpr bool value = true;
};

/// Numbers nodes, children before parents, within memory for so many. Where that is not enough, says so.
class graph_builder {
 public:
  /// buckets: 2 capacity zeros; capacity: a power of 2
  constexpr graph_builder(graph_node* nodes, int* buckets, int capacity)
      : nodes_(nodes), buckets_(buckets), capacity_(capacity) {}
  constexpr bool is_full() const { return count_ > capacity_; }
  constexpr int count() const { return count_; }

  /// The number of a formula, -1 for one that is new.
  constexpr int find(std::uint64_t identity) const { return buckets_[bucket_of(identity)] - 1; }
  constexpr int add(const graph_node& n) {
    if (count_ >= capacity_) {
      count_ = capacity_ + 1;
      return 0;
    }
    for (int a = 0; a < max_arguments; ++a)
      if (const int from = n.arguments.at[a]; from >= 0 && nodes_[from].consumer < 0) {
        nodes_[from].consumer = count_;
        nodes_[from].place = a;
      }
    nodes_[count_] = n;
    buckets_[bucket_of(n.identity)] = count_ + 1;
    return count_++;
  }

 private:
  graph_node* nodes_;
  int* buckets_;  // a node's number + 1; 0: free
  int capacity_, count_ = 0;

  constexpr int bucket_of(std::uint64_t identity) const {
    int b = static_cast<int>(identity % static_cast<unsigned>(2 * capacity_));
    while (buckets_[b] != 0 && nodes_[buckets_[b] - 1].identity != identity) b = (b + 1) % (2 * capacity_);
    return b;
  }
};

template <class F> struct graph_visit {
  static constexpr int run(graph_builder& g) {
    constexpr node_form form = is_constant<F> || is_zero<F> ? node_form::constant
                               : is_index_variable<F>       ? node_form::number
                                                            : node_form::leaf;
    const int found = g.find(identity_of<F>::value);
    return found >= 0 || g.is_full() ? found : g.add({identity_of<F>::value, F::depends, F::dim, F::result, form});
  }
};
template <class Op, class... Args> struct graph_visit<node<Op, Args...>> {
  static_assert(sizeof...(Args) <= max_arguments, "kernfold: an operation takes at most four arguments");
  static constexpr int run(graph_builder& g) {
    using F = node<Op, Args...>;
    const int found = g.find(identity_of<F>::value);
    if (found >= 0 || g.is_full()) return found;
    graph_node n{identity_of<F>::value, F::depends, F::dim, F::result, node_form::operation, Op::is_chain};
    int a = 0;
    ((n.arguments.at[a++] = graph_visit<Args>::run(g)), ...);
    return g.add(n);
  }
};

template <int Capacity, int Roots> struct graph_table {
  graph_node node[Capacity];
  int root[Roots + 1];
  int count;
};
template <int Capacity, class... Roots> consteval auto make_graph_table() {
  graph_table<Capacity, sizeof...(Roots)> t{};
  int buckets[2 * Capacity]{};
  graph_builder g(t.node, buckets, Capacity);
  int r = 0;
  ((t.root[r++] = graph_visit<Roots>::run(g)), ...);
  t.count = g.count();
  if (!g.is_full())
    for (r = 0; r < int(sizeof...(Roots)); ++r)
      if (t.node[t.root[r]].consumer < 0) t.node[t.root[r]].place = r;
  return t;
}
template <int Capacity, class... Roots> struct graph_of_capacity {
  static constexpr auto table = make_graph_table<Capacity, Roots...>();
};
/// The first capacity that is enough.
template <int Capacity, class... Roots> consteval auto enough_capacity() {
  if constexpr (graph_of_capacity<Capacity, Roots...>::table.count <= Capacity)
    return graph_of_capacity<Capacity, Roots...>{};
  else return enough_capacity<8 * Capacity, Roots...>();
}

template <class F, int Place> struct argument_of;
template <class Op, class A, class... Rest> struct argument_of<node<Op, A, Rest...>, 0> {
  using type = A;
};
template <class Op, class A, class B, class... Rest> struct argument_of<node<Op, A, B, Rest...>, 1> {
  using type = B;
};
template <class Op, class A, class B, class C, class... Rest> struct argument_of<node<Op, A, B, C, Rest...>, 2> {
  using type = C;
};
template <class Op, class A, class B, class C, class D> struct argument_of<node<Op, A, B, C, D>, 3> {
  using type = D;
};

/// The distinct nodes and leaves of formulas, children before parents.
template <class... Roots> struct graph {
  using roots = type_list<Roots...>;
  using made = decltype(enough_capacity<32, Roots...>());
  static constexpr int count = made::table.count;
  static constexpr const graph_node& node(int k) { return made::table.node[k]; }
  static constexpr int root(int r) { return made::table.root[r]; }

  /// The number of F, -1 where it is none of the nodes.
  template <class F> static consteval int number_of() {
    for (int k = 0; k < count; ++k)
      if (made::table.node[k].identity == identity_of<F>::value) return k;
    return -1;
  }
  /// Whether any vector has a dimension that is known at run time.
  static consteval bool has_run_time_dims() {
    for (int k = 0; k < count; ++k)
      if (node(k).dim == dynamic) return true;
    return false;
  }
  /// The roles whose rows' numbers are read.
  static consteval role_set numbers_read() {
    role_set read = no_roles;
    for (int k = 0; k < count; ++k)
      if (node(k).form == node_form::number) read |= node(k).depends;
    return read;
  }
};

/// The type of node K of a graph.
template <class Graph, int K, int Consumer = Graph::node(K).consumer> struct graph_node_type {
  using type = typename argument_of<typename graph_node_type<Graph, Consumer>::type, Graph::node(K).place>::type;
};
template <class Graph, int K> struct graph_node_type<Graph, K, -1> {
  using type = type_at<typename Graph::roots, Graph::node(K).place>;
};
template <class Graph, int K> using node_of_graph = typename graph_node_type<Graph, K>::type;

template <class Graph, class Numbers> struct all_nodes;
template <class Graph, int... Ks> struct all_nodes<Graph, std::integer_sequence<int, Ks...>> {
  using type = type_list<node_of_graph<Graph, Ks>...>;
};

/// The symbols of a graph but for numbers of rows and columns.
template <class Graph> struct graph_leaves {
  static consteval int count_them() {
    int n = 0;
    for (int k = 0; k < Graph::count; ++k) n += Graph::node(k).form == node_form::leaf;
    return n;
  }
  static consteval int number(int wanted) {
    for (int k = 0; k < Graph::count; ++k)
      if (Graph::node(k).form == node_form::leaf && wanted-- == 0) return k;
    return -1;
  }
  template <class Numbers> struct listed;
  template <int... Ns> struct listed<std::integer_sequence<int, Ns...>> {
    using type = type_list<node_of_graph<Graph, number(Ns)>...>;
  };
  using type = typename listed<std::make_integer_sequence<int, count_them()>>::type;
};
template <class... Roots> using leaves_of = typename graph_leaves<graph<Roots...>>::type;

/// Where a node is used.
struct graph_edge {
  int consumer, place;
};
template <class Graph> consteval int edge_count() {
  int edges = 0;
  for (int c = 0; c < Graph::count; ++c)
    for (const int from : Graph::node(c).arguments.at) edges += from >= 0;
  return edges;
}
template <int Nodes, int Edges> struct edge_table {
  int first[Nodes + 1];  // of node k: edges first[k] to first[k + 1] - 1
  graph_edge edge[Edges + 1];
};
template <class Graph> consteval auto make_edge_table() {
  edge_table<Graph::count, edge_count<Graph>()> t{};
  for (int c = 0; c < Graph::count; ++c)
    for (const int from : Graph::node(c).arguments.at)
      if (from >= 0) ++t.first[from + 1];
  int next[Graph::count + 1]{};
  for (int k = 0; k < Graph::count; ++k) next[k + 1] = t.first[k + 1] += t.first[k];
  for (int c = 0; c < Graph::count; ++c)
    for (int a = 0; a < max_arguments; ++a)
      if (const int from = Graph::node(c).arguments.at[a]; from >= 0) t.edge[next[from]++] = {c, a};
  return t;
}
/// The edges of a graph, by the node from which they come, and in the order of their consumers.
template <class Graph> struct graph_edges {
  static constexpr auto table = make_edge_table<Graph>();
  static consteval int count_from(int node) { return table.first[node + 1] - table.first[node]; }
  static consteval graph_edge from(int node, int e) { return table.edge[table.first[node] + e]; }
};

}  // namespace detail

/// The distinct nodes and leaves of formulas as a list, children before parents.
template <class... Roots>
using nodes_of = typename detail::all_nodes<detail::graph<Roots...>,
                                            std::make_integer_sequence<int, detail::graph<Roots...>::count>>::type;

namespace detail {
template <class F> struct is_any_variable {
  static constexpr bool value = is_variable<F>;
};
template <class... Fs> using variables_among = typename filtered<is_any_variable, leaves_of<Fs...>>::type;
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
}  // namespace kernfold
KERNFOLD_STRICT_END
