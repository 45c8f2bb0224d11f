// Reductions over pairs that are listed one by one, beside dense ones of each row's own columns.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::arrays;
using reference::expect_close;
using reference::gather;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 2>;
constexpr auto e = kf::Vi<3, 2>;
constexpr auto v = kf::Ve<4, 2>;
constexpr auto kernel = exp(-sqdist(x, y));
const double inf = std::numeric_limits<double>::infinity();

struct graph {
  std::int64_t M, N;
  std::vector<std::int64_t> i, j;
  kf::edges edges() const { return kf::edges::coo(i, j); }
  std::int64_t size() const { return std::int64_t(i.size()); }
  /// The edges of a row, in their order; and of a column.
  std::vector<std::int64_t> edges_of(std::int64_t row) const { return places_of(i, row); }
  std::vector<std::int64_t> edges_to(std::int64_t column) const { return places_of(j, column); }
  static std::vector<std::int64_t> places_of(const std::vector<std::int64_t>& all, std::int64_t wanted) {
    std::vector<std::int64_t> found;
    for (std::size_t n = 0; n < all.size(); ++n)
      if (all[n] == wanted) found.push_back(std::int64_t(n));
    return found;
  }
  static std::vector<std::int64_t> at(const std::vector<std::int64_t>& all, const std::vector<std::int64_t>& places) {
    std::vector<std::int64_t> found;
    for (const std::int64_t n : places) found.push_back(all[std::size_t(n)]);
    return found;
  }
};
/// Edges in any order, none twice; rows without edges; `hubs` rows that meet all columns.
graph random_graph(std::uint32_t seed, std::int64_t M, std::int64_t N, double density, int hubs = 0) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  graph g{M, N, {}, {}};
  std::vector<std::int64_t> pairs;
  for (std::int64_t i = 0; i < M; ++i) {
    const double wanted = i % 7 == 3 ? 0 : i % 11 < hubs ? 1 : density * (1 + double(i % 5));
    for (std::int64_t j = 0; j < N; ++j)
      if (uniform(random) < wanted) pairs.push_back(i * N + j);
  }
  std::shuffle(pairs.begin(), pairs.end(), random);
  for (const std::int64_t p : pairs) {
    g.i.push_back(p / N);
    g.j.push_back(p % N);
  }
  return g;
}
std::vector<graph> graphs() {
  return {random_graph(1, 61, 40, 0.05), random_graph(2, 300, 130, 0.01), random_graph(3, 23, 1700, 0.001, 2),
          random_graph(4, 5, 3, 0.4)};
}

template <class Real, class R> void check_rows(R r) {
  for (const graph& g : graphs())
    reference::expect_rows<Real>(r, g.edges(), g.M, g.N, [&](std::int64_t i) { return graph::at(g.j, g.edges_of(i)); });
}

}  // namespace

TEST(edges, sums) {
  check_rows<float>(kf::sum_reduction(kernel * b));
  check_rows<double>(kf::sum_reduction(kernel * b));
  check_rows<double>(kf::sum_reduction((kernel + x * y) * sum(b)));
  check_rows<float>(kf::sum_reduction(kernel * b).with(kf::in_double));
  check_rows<float>(kf::sum_reduction(kernel * b).with(kf::compensated));
  check_rows<double>(kf::sum_reduction(kernel * b).with(kf::plain_sum));
}
TEST(edges, other_reductions) {
  check_rows<float>(kf::min_reduction(sqdist(x, y) * b));
  check_rows<double>(kf::max_reduction(sqdist(x, y) * sum(b)));
  check_rows<float>(kf::argmin_reduction(sqdist(x, y) * b));
  check_rows<float>(kf::argmin_reduction(sqdist(x, y) + sum(b)));
  check_rows<double>(kf::argmax_reduction(sqdist(x, y) + sum(b)));
  check_rows<float>(kf::argkmin_reduction<3>(sqdist(x, y) + sum(b)));
  check_rows<double>(kf::argkmin_reduction<20>(sqdist(x, y) + sum(b)));
  check_rows<double>(kf::kmin_reduction<2>(sqdist(x, y) * b));
  check_rows<double>(kf::logsumexp_reduction(-sqdist(x, y) - sum(b)));
  check_rows<double>(kf::logsumexp_reduction(-sqdist(x, y), b * b));
  check_rows<float>(kf::softmax_reduction(-sqdist(x, y), b).with(kf::empty_is_zero));
}
// Numbers of rows and columns are those of the ends; labels stay integers.
TEST(edges, numbers_and_labels) {
  constexpr auto label = kf::Vj<2, 1, std::int64_t>;
  constexpr auto r = kf::sum_reduction((kf::row_index * 1000_c + kf::column_index) * (label == kf::row_index) +
                                       sum(x) * 0_c + sum(y) * 0_c);
  for (const graph& g : graphs()) {
    const arrays<double> a(g.M, g.N);
    std::vector<std::int64_t> labels;
    for (std::int64_t j = 0; j < g.N; ++j) labels.push_back(j % g.M);
    const auto found = r.over(g.edges())(a.X, a.Y, labels);
    std::vector<double> wanted(std::size_t(g.M), 0.0);
    for (std::int64_t n = 0; n < g.size(); ++n)
      if (const std::int64_t i = g.i[std::size_t(n)], j = g.j[std::size_t(n)]; j % g.M == i)
        wanted[std::size_t(i)] += double(i * 1000 + j);
    for (std::int64_t i = 0; i < g.M; ++i) EXPECT_EQ(found(i, 0), wanted[std::size_t(i)]);
  }
}
// A factor that leaves its sum multiplies what there is, and nothing where there are no columns.
TEST(edges, rows_without_edges) {
  const kf::edges one = kf::edges::csr(std::vector<int>{0, 0, 2, 2, 2}, std::vector<int>{1, 0});
  arrays<double> a(4, 2);
  for (double& n : a.X) n = inf;
  const auto sums = kf::sum_reduction(sum(x) * sum(abs(y) + abs(sum(b)))).over(one)(a.X, a.Y, a.B);
  EXPECT_EQ(sums(1, 0), inf);
  for (const std::int64_t i : {0, 2, 3}) EXPECT_EQ(sums(i, 0), 0) << i;
  const auto [least, where, total] =
      kf::fold_all(kf::min_reduction(sum(y) + sum(x) * 0_c), kf::argmin_reduction(sum(y)),
                   kf::logsumexp_reduction(sum(y) + sum(b) + sum(x) * 0_c))
          .over(one)(a.X, a.Y, a.B);
  EXPECT_EQ(least(0, 0), inf);
  EXPECT_EQ(where(0, 0), -1);
  EXPECT_EQ(total(0, 0), -inf);
}
TEST(edges, over_the_other_axis) {
  constexpr auto r = kf::sum_reduction<kf::axis::i>(kernel * e);
  constexpr auto nearest = kf::argmin_reduction<kf::axis::i>(sqdist(x, y) + sum(e));
  for (const graph& g : graphs()) {
    const arrays<double> a(g.M, g.N);
    const auto found = r.over(g.edges())(x = a.X, y = a.Y, e = a.E);
    const auto indices = nearest.over(g.edges())(x = a.X, y = a.Y, e = a.E);
    for (std::int64_t j = 0; j < g.N; ++j) {
      const auto rows = graph::at(g.i, g.edges_to(j));
      const auto X = gather(a.X, rows), Y = gather(a.Y, {j}), E = gather(a.E, rows);
      expect_close(found, j, r(x = X, y = Y, e = E), rows);
      expect_close(indices, j, nearest(x = X, y = Y, e = E), rows);
    }
  }
}
TEST(edges, over_both_axes) {
  for (const graph& g : graphs()) {
    const arrays<double> a(g.M, g.N);
    const auto rows = kf::sum_reduction(sum(x) * kernel * b).over(g.edges())(a.X, a.Y, a.B);
    const auto all = kf::sum_reduction<kf::axis::both>(sum(x) * kernel * b).over(g.edges())(a.X, a.Y, a.B);
    const auto least = kf::min_reduction(sqdist(x, y) + sum(b)).over(g.edges())(a.X, a.Y, a.B);
    const auto places = kf::argmin_reduction(sqdist(x, y) + sum(b)).over(g.edges())(a.X, a.Y, a.B);
    const auto place = kf::argmin_reduction<kf::axis::both>(sqdist(x, y) + sum(b)).over(g.edges())(a.X, a.Y, a.B);
    double total[2] = {0, 0};
    std::int64_t best = 0;
    for (std::int64_t i = 0; i < g.M; ++i) {
      for (int k = 0; k < 2; ++k) total[k] += rows(i, k);
      if (least(i, 0) < least(best, 0)) best = i;
    }
    for (int k = 0; k < 2; ++k) EXPECT_NEAR(all(0, k), total[k], 1e-11 * double(g.size()));
    EXPECT_EQ(place(0, 0), best * g.N + places(best, 0));
  }
}
// A value per edge, its gradient, and the gradient of that.
TEST(edges, values_of_their_own) {
  constexpr auto r = kf::sum_reduction(exp(-sqdist(x, y) * sum(v)) * v);
  constexpr auto u = kf::Vi<2, 2>;
  constexpr auto w = kf::Ve<3, 2>;
  constexpr auto by_v = kf::grad(r, v, u);
  for (const graph& g : graphs()) {
    const arrays<double> a(g.M, g.N);
    auto V = numbers<double>(21, g.size(), 2);
    for (double& n : V) n = std::abs(n);
    const auto W = numbers<double>(22, g.size(), 2);
    const auto found = r.over(g.edges())(x = a.X, y = a.Y, v = V);
    const auto of_edges = by_v.over(g.edges())(x = a.X, y = a.Y, v = V, u = a.E);
    const auto by_u = kf::grad(by_v, u, w).over(g.edges())(x = a.X, y = a.Y, v = V, w = W, u = a.E);
    const auto by_y = kf::grad(r, y, u).over(g.edges())(x = a.X, y = a.Y, v = V, u = a.E);
    ASSERT_EQ(of_edges.rows(), g.size());
    ASSERT_EQ(by_u.rows(), g.M);
    auto sums = kf::matrix<double>::zeros(g.M, 2), slopes = kf::matrix<double>::zeros(g.M, 2);
    auto columns = kf::matrix<double>::zeros(g.N, 3);
    for (std::int64_t n = 0; n < g.size(); ++n) {
      const std::int64_t i = g.i[std::size_t(n)], j = g.j[std::size_t(n)];
      double d = 0;
      for (int k = 0; k < 3; ++k) d += (a.X(i, k) - a.Y(j, k)) * (a.X(i, k) - a.Y(j, k));
      const double weight = V(n, 0) + V(n, 1), q = std::exp(-d * weight);
      const double along = V(n, 0) * a.E(i, 0) + V(n, 1) * a.E(i, 1);
      for (int k = 0; k < 2; ++k) {
        sums(i, k) += q * V(n, k);
        EXPECT_NEAR(of_edges(n, k), q * (a.E(i, k) - d * along), 1e-12);
        slopes(i, k) += q * (W(n, k) - d * V(n, k) * (W(n, 0) + W(n, 1)));
      }
      for (int k = 0; k < 3; ++k) columns(j, k) += q * along * weight * 2 * (a.X(i, k) - a.Y(j, k));
    }
    for (std::int64_t n = 0; n < sums.size(); ++n) {
      EXPECT_NEAR(found[n], sums[n], 1e-10);
      EXPECT_NEAR(by_u[n], slopes[n], 1e-10);
    }
    for (std::int64_t n = 0; n < columns.size(); ++n) EXPECT_NEAR(by_y[n], columns[n], 1e-10);
  }
}
// Derivatives that need the value of a row: attention over a graph, and a minimum.
TEST(edges, derivatives_with_the_values_of_rows) {
  constexpr auto score = kf::Ve<2, 1>;
  constexpr auto u = kf::Vi<3, 1>;
  constexpr auto logsumexp = kf::logsumexp_reduction(score - sqdist(x, y));
  constexpr auto least = kf::min_reduction(score * score + sqdist(x, y));
  for (const graph& g : graphs()) {
    const arrays<double> a(g.M, g.N);
    const auto S = numbers<double>(31, g.size(), 1), U = numbers<double>(32, g.M, 1);
    const auto lse = logsumexp.over(g.edges())(a.X, a.Y, S);
    const auto weights = kf::grad(logsumexp, score, u).over(g.edges())(a.X, a.Y, S, U);
    const auto first = kf::argmin_reduction(score * score + sqdist(x, y)).over(g.edges())(a.X, a.Y, S);
    const auto chosen = kf::grad(least, score, u).over(g.edges())(a.X, a.Y, S, U);
    for (std::int64_t n = 0; n < g.size(); ++n) {
      const std::int64_t i = g.i[std::size_t(n)], j = g.j[std::size_t(n)];
      double d = 0;
      for (int k = 0; k < 3; ++k) d += (a.X(i, k) - a.Y(j, k)) * (a.X(i, k) - a.Y(j, k));
      EXPECT_NEAR(weights(n, 0), U(i, 0) * std::exp(S[n] - d - lse(i, 0)), 1e-12);
      EXPECT_NEAR(chosen(n, 0), first(i, 0) == j ? 2 * S[n] * U(i, 0) : 0, 1e-12);
    }
  }
}
// The values of edges that are kept as they are, or read by their ends alone.
TEST(edges, one_row_for_each) {
  constexpr auto ends = kf::sum_reduction<kf::axis::none>(kf::row_index * 1000_c + kf::column_index + v * 0_c);
  constexpr auto distances = kf::sum_reduction<kf::axis::none>(sqdist(x, y));
  const graph g = random_graph(5, 40, 30, 0.05);
  const arrays<float> a(g.M, g.N);
  const auto V = numbers<float>(21, g.size(), 2);
  const auto numbered = ends.rows(g.M).columns(g.N).over(g.edges())(v = V);
  const auto found = distances.over(g.edges())(a.X, a.Y);
  ASSERT_EQ(numbered.rows(), g.size());
  for (std::int64_t n = 0; n < g.size(); ++n) {
    const std::int64_t i = g.i[std::size_t(n)], j = g.j[std::size_t(n)];
    EXPECT_EQ(numbered(n, 0), float(i * 1000 + j));
    EXPECT_EQ(found(n, 0), kf::sum_reduction(sqdist(x, y))(gather(a.X, {i}), gather(a.Y, {j}))(0, 0));
  }
}
TEST(edges, same_bits_on_every_instruction_set_and_thread_count) {
  const graph g = random_graph(6, 700, 300, 0.02, 1);
  const arrays<float> a(g.M, g.N);
  const auto V = numbers<float>(21, g.size(), 2);
  const auto check = [&](auto r) {
    reference::expect_same_bits(
        [&](const kf::cpu& where) { return r.on(where).over(g.edges())(x = a.X, y = a.Y, b = a.B, v = V); });
  };
  check(kf::sum_reduction(kernel * b * v));
  check(kf::sum_reduction<kf::axis::i>(kernel * sum(v) + sum(b)));
  check(kf::sum_reduction<kf::axis::both>(kernel * b + v));
  check(kf::argmin_reduction<kf::axis::both>(sqdist(x, y) * sum(b) + sum(v)));
}
// Offsets and columns, in any integer type; an edge as often as it is listed; copies share what they show.
TEST(edges, ways_to_list_them) {
  const arrays<double> a(3, 4);
  constexpr auto r = kf::sum_reduction(kernel * b);
  const auto rows = kf::edges::csr(std::vector<std::uint32_t>{0, 2, 2, 5}, std::vector<std::int16_t>{3, 1, 0, 0, 2});
  const auto pairs = kf::edges::coo(std::vector<std::int64_t>{2, 0, 2, 0, 2}, std::vector<int>{0, 3, 0, 1, 2});
  EXPECT_EQ(rows.size(), 5);
  const auto one = r.over(rows)(a.X, a.Y, a.B), other = r.over(pairs)(a.X, a.Y, a.B);
  for (std::int64_t n = 0; n < one.size(); ++n) EXPECT_EQ(one[n], other[n]);
  kf::edges copy = pairs;
  copy = kf::edges(copy).transposed();
  constexpr auto t = kf::sum_reduction<kf::axis::i>(exp(-sqdist(x, y)) * kf::Vi<2, 2>);
  const auto back = t.over(copy)(a.Y, a.X, a.B);
  for (std::int64_t n = 0; n < one.size(); ++n) EXPECT_NEAR(one[n], back[n], 1e-14);
}
TEST(edges, of_nothing) {
  const kf::edges none = kf::edges::coo(std::vector<int>{}, std::vector<int>{});
  const arrays<float> a(5, 7);
  for (const float n : kf::sum_reduction(kernel).over(none)(a.X, a.Y)) EXPECT_EQ(n, 0);
  EXPECT_EQ(kf::sum_reduction<kf::axis::i>(kernel).over(none)(a.X, a.Y).rows(), 7);
  EXPECT_EQ(kf::sum_reduction<kf::axis::both>(kernel).over(none)(a.X, a.Y)(0, 0), 0);
  EXPECT_EQ(kf::argmin_reduction<kf::axis::both>(sqdist(x, y)).over(none)(a.X, a.Y)(0, 0), -1);
  EXPECT_EQ(kf::sum_reduction<kf::axis::none>(kernel).over(none)(a.X, a.Y).rows(), 0);
  const auto no_rows = kf::edges::csr(std::vector<int>{0}, std::vector<int>{});
  EXPECT_EQ(kf::sum_reduction(kernel).over(no_rows)(kf::matrix<float>(0, 3), a.Y).rows(), 0);
}
TEST(edges, other_ways_to_call) {
  const graph g = random_graph(7, 100, 80, 0.05);
  const arrays<double> a(g.M, g.N);
  constexpr auto r = kf::sum_reduction(kernel * b);
  const auto wanted = r.over(g.edges())(a.X, a.Y, a.B);
  double last = 0;
  kf::matrix<double> out(g.M, 2);
  r.with(kf::plain_sum)
      .over(g.edges())
      .on(kf::cpu{.progress = [&](double done) { last = done; }})
      .rows(g.M)
      .into(out, a.X, a.Y, a.B);
  EXPECT_EQ(last, 1);
  r.over(g.edges()).add_to(out, a.X, a.Y, a.B);
  for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_NEAR(out[n], 2 * wanted[n], 1e-13);
  EXPECT_THROW(r.on(kf::cpu{.stop = [] { return true; }}).over(g.edges())(a.X, a.Y, a.B), kf::stopped);
}

TEST(edges, what_does_not_fit_is_said) {
  const arrays<double> a(4, 3);
  using list = std::vector<int>;
  constexpr auto r = kf::sum_reduction(kernel * b);
  const auto csr = [&](list offsets, list columns) {
    return sentence_of([&] { r.over(kf::edges::csr(offsets, columns))(a.X, a.Y, a.B); });
  };
  const auto coo = [&](list i, list j) { return sentence_of([&] { r.over(kf::edges::coo(i, j))(a.X, a.Y, a.B); }); };
  EXPECT_EQ(csr({}, {}), "kf::edges::csr: no offsets were given: there is one more than rows");
  EXPECT_EQ(csr({0, 2, 1, 2, 2}, {0, 1}), "kf::edges::csr: offsets(2) is 1, after 2: offsets ascend");
  EXPECT_EQ(csr({0, 1, 1, 1, 1}, {0, 1}),
            "kf::edges::csr: offsets run from 0 to 1, and there are 2 columns: they run from 0 to that number");
  EXPECT_EQ(csr({1, 1, 1, 1, 2}, {0, 1}),
            "kf::edges::csr: offsets run from 1 to 2, and there are 2 columns: they run from 0 to that number");
  EXPECT_EQ(csr({0, 1, 2, 2, 2}, {0, -1}), "kf::edges::csr: columns(1) is -1: rows and columns are numbered from 0");
  EXPECT_EQ(csr({0, 1, 2}, {0, 1}),
            "the edges of Sum(exp(-|x0 - y1|^2) y2): offsets for 2 rows were given, and there are 4");
  EXPECT_EQ(csr({0, 1, 1, 1, 2}, {0, 3}),
            "the edges of Sum(exp(-|x0 - y1|^2) y2): edge 1 is (3, 3), and there are 4 rows and 3 columns");
  EXPECT_EQ(coo({0, 1}, {0}), "kf::edges::coo: 2 numbers i and 1 numbers j were given: an edge has one of each");
  EXPECT_EQ(coo({-4}, {0}), "kf::edges::coo: i(0) is -4: rows and columns are numbered from 0");
  EXPECT_EQ(coo({0, 4, 5}, {0, 1, 1}),
            "the edges of Sum(exp(-|x0 - y1|^2) y2): edge 1 is (4, 1), and there are 4 rows and 3 columns");
  constexpr auto w = kf::sum_reduction(kernel * kf::Ve<2, 1>);
  const kf::edges two = kf::edges::coo(list{0, 1}, list{0, 0});
  EXPECT_EQ(sentence_of([&] { w.over(two)(a.X, a.Y, std::vector<double>(3)); }),
            "argument 2 (v2, Ve<2, 1>) of Sum(exp(-|x0 - y1|^2) v2): 3 rows were given, and 2 edges");
}
