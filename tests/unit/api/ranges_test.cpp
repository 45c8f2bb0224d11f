// Reductions over block-sparse spaces, beside dense ones of each row's own columns.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
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
constexpr auto g = kf::Pm<2, 1>;
const double inf = std::numeric_limits<double>::infinity();

using intervals = std::vector<std::array<std::int64_t, 2>>;
struct space {
  std::int64_t M, N;
  intervals rows;
  std::vector<std::int64_t> ends;
  intervals columns;
  kf::ranges ranges() const { return {rows, ends, columns}; }
  /// The columns of row i, ascending.
  std::vector<std::int64_t> columns_of(std::int64_t i) const {
    std::vector<std::int64_t> found;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (i < rows[k][0] || i >= rows[k][1]) continue;
      for (std::int64_t j = 0; j < N; ++j)
        for (std::int64_t l = k > 0 ? ends[k - 1] : 0; l < ends[k]; ++l)
          if (const auto& c = columns[std::size_t(l)]; j >= c[0] && j < c[1]) {
            found.push_back(j);
            break;
          }
    }
    return found;
  }
  std::vector<std::int64_t> rows_of(std::int64_t j) const {
    std::vector<std::int64_t> found;
    for (std::int64_t i = 0; i < M; ++i)
      for (const std::int64_t c : columns_of(i))
        if (c == j) found.push_back(i);
    return found;
  }
};
/// Intervals of any length in any order, some without columns, columns that overlap, rows that nobody has.
space random_space(std::uint32_t seed, std::int64_t M, std::int64_t N, std::int64_t longest) {
  std::mt19937 random(seed);
  const auto below = [&](std::int64_t n) { return std::int64_t(random() % std::uint64_t(n)); };
  space s{M, N, {}, {}, {}};
  for (std::int64_t i = below(3); i < M;) {
    const std::int64_t end = std::min(M, i + 1 + below(longest));
    s.rows.push_back({i, end});
    i = end + (below(3) == 0 ? below(40) : 0);
  }
  std::shuffle(s.rows.begin(), s.rows.end(), random);
  for (std::size_t k = 0; k < s.rows.size(); ++k) {
    for (std::int64_t l = below(5); l-- > 0;) {
      const std::int64_t first = below(N);
      s.columns.push_back({first, std::min(N, first + below(longest))});
    }
    s.ends.push_back(std::int64_t(s.columns.size()));
  }
  return s;
}
std::vector<space> spaces() {
  return {random_space(1, 200, 150, 30), random_space(2, 700, 1300, 260), random_space(3, 40, 2000, 3),
          random_space(4, 1500, 300, 1500)};
}

template <class Real, class R> void check_rows(R r) {
  for (const space& s : spaces())
    reference::expect_rows<Real>(r, s.ranges(), s.M, s.N, [&](std::int64_t i) { return s.columns_of(i); });
}
constexpr auto kernel = exp(-sqdist(x, y));

}  // namespace

TEST(ranges, sums) {
  check_rows<float>(kf::sum_reduction(kernel * b));
  check_rows<double>(kf::sum_reduction(kernel * b));
  check_rows<float>(kf::sum_reduction(kernel * b).with(kf::in_double));
  check_rows<float>(kf::sum_reduction(kernel * b).with(kf::compensated));
}
TEST(ranges, other_reductions) {
  check_rows<float>(kf::min_reduction(sqdist(x, y) * b));
  check_rows<float>(kf::argmin_reduction(sqdist(x, y) * b));
  check_rows<double>(kf::argkmin_reduction<3>(sqdist(x, y) + sum(b)));
  check_rows<double>(kf::logsumexp_reduction(-sqdist(x, y), b * b));
  check_rows<double>(kf::softmax_reduction(-sqdist(x, y), b).with(kf::empty_is_zero));
}
// A factor that leaves its sum multiplies what there is, and nothing where there are no columns.
TEST(ranges, rows_without_columns) {
  const space s{6, 4, {{1, 2}, {3, 5}}, {1, 1}, {{1, 3}}};
  arrays<double> a(s.M, s.N);
  for (double& v : a.X) v = inf;
  const auto sums = kf::sum_reduction(sum(x) * sum(abs(y) + abs(sum(b)))).over(s.ranges())(a.X, a.Y, a.B);
  EXPECT_EQ(sums(1, 0), inf);
  for (const std::int64_t i : {0, 2, 3, 4, 5}) EXPECT_EQ(sums(i, 0), 0) << i;
  const auto [least, where, total] =
      kf::fold_all(kf::min_reduction(sum(y) + sum(x) * 0_c), kf::argmin_reduction(sum(y)),
                   kf::logsumexp_reduction(sum(y) + sum(b) + sum(x) * 0_c))
          .over(s.ranges())(a.X, a.Y, a.B);
  EXPECT_EQ(least(0, 0), inf);
  EXPECT_EQ(where(0, 0), -1);
  EXPECT_EQ(total(0, 0), -inf);
}
TEST(ranges, over_the_other_axis) {
  constexpr auto r = kf::sum_reduction<kf::axis::i>(kernel * e);
  constexpr auto nearest = kf::argmin_reduction<kf::axis::i>(sqdist(x, y) + sum(e));
  for (const space& s : spaces()) {
    const arrays<double> a(s.M, s.N);
    const auto found = r.over(s.ranges())(x = a.X, y = a.Y, e = a.E);
    const auto indices = nearest.over(s.ranges())(x = a.X, y = a.Y, e = a.E);
    for (std::int64_t j = 0; j < s.N; ++j) {
      const auto rows = s.rows_of(j);
      const auto X = gather(a.X, rows), Y = gather(a.Y, {j}), E = gather(a.E, rows);
      expect_close(found, j, r(x = X, y = Y, e = E), rows);
      expect_close(indices, j, nearest(x = X, y = Y, e = E), rows);
    }
  }
}
TEST(ranges, over_both_axes) {
  for (const space& s : spaces()) {
    const arrays<double> a(s.M, s.N);
    const auto rows = kf::sum_reduction(kernel * b).over(s.ranges())(a.X, a.Y, a.B);
    const auto all = kf::sum_reduction<kf::axis::both>(kernel * b).over(s.ranges())(a.X, a.Y, a.B);
    const auto least = kf::min_reduction(sqdist(x, y) + sum(b)).over(s.ranges())(a.X, a.Y, a.B);
    const auto places = kf::argmin_reduction(sqdist(x, y) + sum(b)).over(s.ranges())(a.X, a.Y, a.B);
    const auto place = kf::argmin_reduction<kf::axis::both>(sqdist(x, y) + sum(b)).over(s.ranges())(a.X, a.Y, a.B);
    double total[2] = {0, 0};
    std::int64_t best = 0;
    for (std::int64_t i = 0; i < s.M; ++i) {
      for (int k = 0; k < 2; ++k) total[k] += rows(i, k);
      if (least(i, 0) < least(best, 0)) best = i;
    }
    for (int k = 0; k < 2; ++k) EXPECT_NEAR(all(0, k), total[k], 1e-10 * double(s.M));
    EXPECT_EQ(place(0, 0), best * s.N + places(best, 0));
  }
}
TEST(ranges, gradients) {
  constexpr auto sums = kf::sum_reduction(exp(-g * sqdist(x, y)));
  constexpr auto u = kf::Vi<3, 1>;
  for (const space& s : spaces()) {
    const arrays<double> a(s.M, s.N);
    const auto E = numbers<double>(15, s.M, 1);
    const double scale = 0.7;
    const auto gx = kf::grad(sums, x, u).over(s.ranges())(a.X, a.Y, scale, E);
    const auto gy = kf::grad(sums, y, u).over(s.ranges())(a.X, a.Y, scale, E);
    const auto gp = kf::grad(sums, g, u).over(s.ranges())(a.X, a.Y, scale, E);
    double total = 0;
    kf::matrix<double> wx = kf::matrix<double>::zeros(s.M, 3), wy = kf::matrix<double>::zeros(s.N, 3);
    // log-sum-exp: its value per row is a symbol of its derivatives, over the same pairs
    constexpr auto logsumexp = kf::logsumexp_reduction(-sqdist(x, y));
    constexpr auto v = kf::Vi<2, 1>;
    const auto lse = logsumexp.over(s.ranges())(a.X, a.Y);
    const auto ly = kf::grad(logsumexp, y, v).over(s.ranges())(a.X, a.Y, E);
    kf::matrix<double> wl = kf::matrix<double>::zeros(s.N, 3);
    for (std::int64_t i = 0; i < s.M; ++i)
      for (const std::int64_t j : s.columns_of(i)) {
        double d = 0;
        for (int k = 0; k < 3; ++k) d += (a.X(i, k) - a.Y(j, k)) * (a.X(i, k) - a.Y(j, k));
        const double w = std::exp(-scale * d) * E(i, 0);
        total -= d * w;
        for (int k = 0; k < 3; ++k) {
          const double slope = 2 * (a.X(i, k) - a.Y(j, k));
          wx(i, k) -= scale * w * slope;
          wy(j, k) += scale * w * slope;
          wl(j, k) += std::exp(-d - lse(i, 0)) * E(i, 0) * slope;
        }
      }
    EXPECT_NEAR(gp(0, 0), total, 1e-11 * double(s.M));
    for (std::int64_t n = 0; n < wx.size(); ++n) EXPECT_NEAR(gx[n], wx[n], 1e-11);
    for (std::int64_t n = 0; n < wy.size(); ++n) EXPECT_NEAR(gy[n], wy[n], 1e-11);
    for (std::int64_t n = 0; n < wl.size(); ++n) EXPECT_NEAR(ly[n], wl[n], 1e-11);
  }
}
TEST(ranges, same_bits_on_every_instruction_set_and_thread_count) {
  const space s = random_space(2, 700, 1300, 260);
  const arrays<float> a(s.M, s.N);
  const auto check = [&](auto r) {
    reference::expect_same_bits([&](const kf::cpu& where) { return r.over(s.ranges()).on(where)(a.X, a.Y, a.B); });
  };
  check(kf::sum_reduction(kernel * b));
  check(kf::sum_reduction<kf::axis::i>(kernel + sum(b)));
  check(kf::sum_reduction<kf::axis::both>(kernel * b));
}
// One interval of all rows that meets all columns: the bits of a dense reduction of few columns.
TEST(ranges, of_all_pairs) {
  const space s{300, 500, {{0, 300}}, {1}, {{0, 500}}};
  const arrays<float> a(s.M, s.N);
  constexpr auto r = kf::sum_reduction(kernel * b);
  const auto wanted = r(a.X, a.Y, a.B), found = r.over(s.ranges())(a.X, a.Y, a.B);
  for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_EQ(found[n], wanted[n]);
}
TEST(ranges, of_nothing) {
  const kf::ranges nothing{intervals{}, std::vector<int>{}, intervals{}};
  const auto X = numbers<float>(1, 5, 3), Y = numbers<float>(2, 7, 3);
  const auto sums = kf::sum_reduction(kernel).over(nothing)(X, Y);
  EXPECT_EQ(sums.rows(), 5);
  for (const float v : sums) EXPECT_EQ(v, 0);
  EXPECT_EQ(kf::sum_reduction<kf::axis::i>(kernel).over(nothing)(X, Y).rows(), 7);
  EXPECT_EQ(kf::sum_reduction<kf::axis::both>(kernel).over(nothing)(X, Y)(0, 0), 0);
  EXPECT_EQ(kf::sum_reduction(kernel).over(nothing)(kf::matrix<float>(0, 3), Y).rows(), 0);
  const kf::ranges empty{intervals{{0, 0}, {2, 2}, {0, 5}}, std::vector<int>{0, 0, 1}, intervals{{3, 3}}};
  for (const float v : kf::sum_reduction(kernel).over(empty)(X, Y)) EXPECT_EQ(v, 0);
}
TEST(ranges, other_ways_to_call) {
  const space s = random_space(5, 100, 80, 20);
  const arrays<double> a(s.M, s.N);
  constexpr auto r = kf::sum_reduction(kernel * b);
  const auto wanted = r.over(s.ranges())(a.X, a.Y, a.B);
  double last = 0;
  kf::matrix<double> out(s.M, 2);
  r.with(kf::plain_sum)
      .over(s.ranges())
      .on(kf::cpu{.progress = [&](double done) { last = done; }})
      .rows(s.M)
      .into(out, a.X, a.Y, a.B);
  EXPECT_EQ(last, 1);
  r.over(s.ranges()).add_to(out, a.X, a.Y, a.B);
  for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_NEAR(out[n], 2 * wanted[n], 1e-13);
  const auto transposed =
      kf::sum_reduction<kf::axis::i>(exp(-sqdist(kf::Vi<0, 3>, kf::Vj<1, 3>))).over(s.ranges().transposed())(a.Y, a.X);
  const auto plain = kf::sum_reduction(kernel).over(s.ranges())(a.X, a.Y);
  for (std::int64_t n = 0; n < plain.size(); ++n) EXPECT_NEAR(transposed[n], plain[n], 1e-13);
}
TEST(ranges, builders) {
  const intervals rows{{0, 4}, {4, 9}, {9, 10}}, columns{{0, 5}, {5, 6}, {6, 12}};
  const kf::matrix<double> X = numbers<double>(1, 10, 3), Y = numbers<double>(2, 12, 3);
  constexpr auto r = kf::sum_reduction(kernel);
  const auto expect_same = [&](const kf::ranges& one, const kf::ranges& other) {
    const auto wanted = r.over(one)(X, Y), found = r.over(other)(X, Y);
    for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_EQ(found[n], wanted[n]);
  };
  const std::vector<std::int64_t> ends{1, 2, 3};
  expect_same(kf::ranges{rows, ends, columns}, kf::block_diagonal(rows, columns));
  expect_same(kf::ranges{rows, ends, columns},
              kf::from_matrix(rows, columns, [](std::int64_t k, std::int64_t l) { return k == l; }));
  kf::matrix<std::int64_t> keep = kf::matrix<std::int64_t>::zeros(3, 3);
  keep(0, 2) = keep(2, 0) = keep(2, 1) = 1;
  expect_same(kf::from_matrix(rows, columns, keep), kf::blocks(rows, columns, intervals{{2, 1}, {0, 2}, {2, 0}}));
  expect_same(kf::from_matrix(rows, columns, keep),
              kf::ranges{intervals{{0, 4}, {9, 10}}, std::vector<int>{1, 2}, intervals{{6, 12}, {0, 6}}});
}

TEST(ranges, what_does_not_fit_is_said) {
  const auto X = numbers<double>(1, 10, 3), Y = numbers<double>(2, 12, 3);
  constexpr auto r = kf::sum_reduction(kernel);
  const auto call = [&](intervals rows, std::vector<std::int64_t> ends, intervals columns) {
    return sentence_of([&] { r.over(kf::ranges{rows, ends, columns})(X, Y); });
  };
  EXPECT_EQ(call({{0, 4}}, {1, 2}, {{0, 1}, {1, 2}}),
            "kf::ranges: 1 row intervals and 2 ends of their lists were given: there is one for each");
  EXPECT_EQ(call({{0, 4}, {4, 8}}, {2, 1}, {{0, 1}, {1, 2}}),
            "kf::ranges: the list of row interval 1 ends at 1, after one that ends at 2, of 2 column intervals: ends "
            "ascend, up to that number");
  EXPECT_EQ(call({{0, 4}}, {3}, {{0, 1}, {1, 2}}),
            "kf::ranges: the list of row interval 0 ends at 3, after one that ends at 0, of 2 column intervals: ends "
            "ascend, up to that number");
  EXPECT_EQ(sentence_of([] {
              kf::ranges(std::vector<int>{0, 1, 2}, std::vector<int>{1}, std::vector<int>{0, 1});
            }),
            "kf::ranges: row intervals: 3 numbers are no whole number of rows of dimension 2");
  EXPECT_EQ(sentence_of([] {
              kf::block_diagonal(std::vector<int>{0, 1}, std::vector<int>{0});
            }),
            "kf::block_diagonal: column intervals: 1 number is no whole number of rows of dimension 2");
  EXPECT_EQ(call({{4, 2}}, {1}, {{0, 1}}),
            "kf::ranges: row interval 0 is [4, 2): intervals begin at 0 or later, and do not end before they begin");
  EXPECT_EQ(
      call({{0, 4}}, {1}, {{-1, 1}}),
      "kf::ranges: column interval 0 is [-1, 1): intervals begin at 0 or later, and do not end before they begin");
  EXPECT_EQ(call({{0, 4}, {8, 11}}, {1, 1}, {{0, 1}}),
            "the ranges of Sum(exp(-|x0 - y1|^2)): row interval 1 is [8, 11), and there are 10 rows");
  EXPECT_EQ(call({{0, 4}}, {1}, {{0, 13}}),
            "the ranges of Sum(exp(-|x0 - y1|^2)): column interval 0 is [0, 13), and there are 12 columns");
  EXPECT_EQ(call({{3, 8}, {9, 10}, {0, 4}}, {1, 1, 1}, {{0, 1}}),
            "the ranges of Sum(exp(-|x0 - y1|^2)): row intervals 0 and 2 overlap");
  EXPECT_EQ(sentence_of([] {
              kf::block_diagonal(intervals{{0, 1}}, intervals{{0, 1}, {1, 2}});
            }),
            "kf::block_diagonal: 1 row intervals and 2 column intervals were given: there is one for each");
  EXPECT_EQ(sentence_of([] {
              kf::blocks(intervals{{0, 1}}, intervals{{0, 1}}, intervals{{0, 0}, {0, 1}});
            }),
            "kf::blocks: pair 1 is (0, 1), of 1 row intervals and 1 column intervals");
}
