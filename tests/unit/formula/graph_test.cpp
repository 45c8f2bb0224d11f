// A formula's graph has each distinct node once, children first, and knows where it is used.
#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/graph.hpp>
#include <kernfold/formula/print.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto p = kf::Pm<2, 400>;

/// "0: x0 | 1: y1 | 2: |x0 - y1|^2 (0, 1) | ..."
template <class Graph, int... Ks> std::string text_of(std::integer_sequence<int, Ks...>) {
  std::string text;
  const auto add = [&]<int K>(std::integral_constant<int, K>) {
    text += (K == 0 ? "" : " | ") + std::to_string(K) + ": " + to_string(kf::detail::node_of_graph<Graph, K>{}).c_str();
    const char* separator = " (";
    for (const int from : Graph::node(K).arguments.at)
      if (from >= 0) text += separator + std::to_string(from), separator = ", ";
    if (*separator == ',') text += ")";
  };
  (add(std::integral_constant<int, Ks>{}), ...);
  return text;
}
template <class... Fs> std::string graph_of(Fs...) {
  using graph = kf::detail::graph<Fs...>;
  return text_of<graph>(std::make_integer_sequence<int, graph::count>{});
}

template <int... Ks> constexpr auto sum_of_components(std::integer_sequence<int, Ks...>) {
  return (... + square(kf::elem<Ks>(p)));
}

}  // namespace

TEST(graph, has_each_node_once_after_its_arguments) {
  constexpr auto d = sqdist(x, y);
  EXPECT_EQ(graph_of(exp(d) * d),
            "0: x0 | 1: y1 | 2: |x0 - y1|^2 (0, 1) | 3: exp(|x0 - y1|^2) (2) | "
            "4: exp(|x0 - y1|^2) |x0 - y1|^2 (3, 2)");
  EXPECT_EQ(graph_of(d, x | y), "0: x0 | 1: y1 | 2: |x0 - y1|^2 (0, 1) | 3: (x0 | y1) (0, 1)");
  EXPECT_EQ(graph_of(d, d, y), "0: x0 | 1: y1 | 2: |x0 - y1|^2 (0, 1)");
  EXPECT_EQ(graph_of(x), "0: x0");
  using three = kf::detail::graph<decltype(x | y), std::remove_const_t<decltype(x)>, std::remove_const_t<decltype(y)>>;
  EXPECT_EQ(three::root(0), 2);
  EXPECT_EQ(three::root(1), 0);
  EXPECT_EQ(three::root(2), 1);
}

TEST(graph, tells_apart_what_differs_in_a_number_only) {
  constexpr auto label = kf::Vi<0, 1, std::int32_t>;
  EXPECT_EQ(kf::detail::graph<decltype(kf::elem<0>(x) + kf::elem<1>(x) + kf::elem<2>(x))>::count, 6);
  EXPECT_EQ((kf::nodes_of<std::remove_const_t<decltype(label)>, kf::variable<kf::role::i, 0, 1>>::size), 2);
  EXPECT_EQ((kf::nodes_of<kf::variable<kf::role::j, 0, 1>, kf::variable<kf::role::i, 0, 1>,
                          kf::variable<kf::role::parameter, 0, 1>, kf::variable<kf::role::i, 0, 2>,
                          kf::variable<kf::role::i, 1, 1>>::size),
            5);
  EXPECT_EQ((kf::nodes_of<kf::Constant<1>, kf::Constant<2>, kf::Constant<1, 2>, kf::Zero<1>, kf::Zero<2>>::size), 5);
}

TEST(graph, reductions_as_symbols_differ_by_what_they_reduce) {
  constexpr auto d = sqdist(x, y);
  using F = std::remove_const_t<decltype(d)>;
  using G = decltype(exp(d));
  using kf::folded;
  EXPECT_EQ((kf::nodes_of<folded<kf::sum_spec<F>, kf::axis::j>, folded<kf::sum_spec<G>, kf::axis::j>,
                          folded<kf::sum_spec<F>, kf::axis::i>, folded<kf::logsumexp_spec<F>, kf::axis::j>,
                          folded<kf::kmin_spec<F, 3>, kf::axis::j>, folded<kf::kmin_spec<F, 4>, kf::axis::j>,
                          folded<kf::sum_spec<F>, kf::axis::j>>::size),
            6);
}

TEST(graph, grows_with_the_formula) {
  const auto count = []<int N>(std::integral_constant<int, N>) {
    using F = decltype(sum_of_components(std::make_integer_sequence<int, N>{}));
    using graph = kf::detail::graph<F>;
    using last = kf::detail::node_of_graph<graph, graph::root(0)>;
    static_assert(std::is_same_v<last, F>);
    return graph::count;
  };
  EXPECT_EQ(count(std::integral_constant<int, 10>{}), 30);  // p, elements, squares, sums
  EXPECT_EQ(count(std::integral_constant<int, 11>{}), 33);
  EXPECT_EQ(count(std::integral_constant<int, 100>{}), 300);
}

TEST(graph, edges_lead_from_arguments_to_consumers) {
  constexpr auto d = sqdist(x, y);
  using graph = kf::detail::graph<decltype(exp(d) * d + d)>;  // x y d exp product sum
  using edges = kf::detail::graph_edges<graph>;
  ASSERT_EQ(edges::count_from(2), 3);
  const int consumers[] = {3, 4, 5}, places[] = {0, 1, 1};
  for (int e = 0; e < 3; ++e) {
    EXPECT_EQ(edges::table.edge[edges::table.first[2] + e].consumer, consumers[e]);
    EXPECT_EQ(edges::table.edge[edges::table.first[2] + e].place, places[e]);
  }
  EXPECT_EQ(edges::count_from(graph::root(0)), 0);
  // One argument in two places has two edges.
  using twice = kf::detail::graph<kf::node<kf::Div, decltype(exp(d)), decltype(exp(d))>>;
  EXPECT_EQ(kf::detail::graph_edges<twice>::count_from(3), 2);
}
