// Reductions over the pairs near the diagonal, beside dense ones of each row's own columns.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/space.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::arrays;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 2>;
constexpr auto e = kf::Vi<3, 2>;
constexpr auto kernel = exp(-sqdist(x, y));
constexpr std::int64_t farthest = std::numeric_limits<std::int64_t>::max();

struct shape {
  std::int64_t M, N, below, above;
  kf::diagonal_band band() const { return kf::band(below, above); }
  std::vector<std::int64_t> columns_of(std::int64_t i) const {
    std::vector<std::int64_t> found;
    for (std::int64_t j = 0; j < N; ++j)
      if ((below >= farthest || j >= i - below) && (above >= farthest || j <= i + above)) found.push_back(j);
    return found;
  }
};
/// Narrow, wide, beside the diagonal, one-sided, outside, empty; tall and wide ones.
std::vector<shape> shapes() {
  return {{70, 70, farthest, 0},  {1300, 1300, 40, 40}, {300, 900, -3, 700}, {900, 200, 300, -20},
          {40, 30, 0, 0},         {100, 90, -200, 300}, {50, 60, 4, -5},     {1200, 700, farthest, farthest},
          {64, 80, -2, farthest}, {600, 1400, 5, 600},  {33, 2000, 1, 1200}, {20, 20, farthest, -farthest}};
}
template <class Real, class R> void check_rows(R r) {
  for (const shape& s : shapes())
    reference::expect_rows<Real>(r, s.band(), s.M, s.N, [&](std::int64_t i) { return s.columns_of(i); });
}

}  // namespace

TEST(band, reductions) {
  check_rows<float>(kf::sum_reduction(kernel * b));
  check_rows<double>(kf::sum_reduction((kernel + x * y) * sum(b)));
  check_rows<float>(kf::sum_reduction(kernel * b).with(kf::compensated));
  check_rows<float>(kf::argmin_reduction(sqdist(x, y) * b));
  check_rows<double>(kf::argkmin_reduction<3>(sqdist(x, y) + sum(b)));
  check_rows<double>(kf::logsumexp_reduction(-sqdist(x, y), b * b));
  check_rows<double>(kf::softmax_reduction(-sqdist(x, y), b).with(kf::empty_is_zero));
}
TEST(band, rows_without_columns) {
  arrays<double> a(30, 10);
  for (double& n : a.X) n = std::numeric_limits<double>::infinity();
  const auto sums = kf::sum_reduction(sum(x) * sum(abs(y) + abs(sum(b)))).over(kf::band(5, -2))(a.X, a.Y, a.B);
  for (std::int64_t i = 0; i < 30; ++i)
    EXPECT_EQ(sums(i, 0), i >= 2 && i < 15 ? std::numeric_limits<double>::infinity() : 0) << i;
}
// The space and the mask as a formula, in both directions and in all.
TEST(band, as_a_mask) {
  constexpr auto is_past = kf::column_index <= kf::row_index;
  const arrays<double> a(700, 650);
  const auto expect_same = [&](const kf::matrix<double>& found, const kf::matrix<double>& wanted) {
    ASSERT_EQ(found.size(), wanted.size());
    for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_NEAR(found[n], wanted[n], 1e-13 * double(a.X.rows()));
  };
  const auto causal = kf::causal();
  expect_same(kf::sum_reduction(kernel * b).over(causal)(a.X, a.Y, a.B),
              kf::sum_reduction(where(is_past, kernel * b, kf::zero<1>))(a.X, a.Y, a.B));
  expect_same(kf::sum_reduction<kf::axis::i>(kernel * e).over(causal)(x = a.X, y = a.Y, e = a.E),
              kf::sum_reduction<kf::axis::i>(where(is_past, kernel * e, kf::zero<1>))(x = a.X, y = a.Y, e = a.E));
  expect_same(kf::sum_reduction<kf::axis::both>(kernel * b).over(causal)(a.X, a.Y, a.B),
              kf::sum_reduction<kf::axis::both>(where(is_past, kernel * b, kf::zero<1>))(a.X, a.Y, a.B));
  constexpr auto attention = kf::softmax_reduction(dot(x, y), b);
  constexpr auto u = kf::Vi<3, 2>;
  expect_same(kf::grad(attention, y, u).over(causal)(a.X, a.Y, a.B, a.E),
              kf::grad(kf::softmax_reduction(dot(x, y) + where(is_past, kf::zero<1>, kf::constant<-1> * 1e300_c), b), y,
                       u)(a.X, a.Y, a.B, a.E));
  constexpr auto other = kf::sum_reduction<kf::axis::i>(exp(-sqdist(x, y)));
  expect_same(other.over(kf::band(3, 90).transposed())(a.Y, a.X),
              kf::sum_reduction(kernel).over(kf::band(3, 90))(a.X, a.Y));
}
TEST(band, same_bits_on_every_instruction_set_and_thread_count) {
  const arrays<float> a(900, 1500);
  for (const kf::diagonal_band near : {kf::causal(), kf::band(21, 700), kf::band(-300, 1000)}) {
    const auto check = [&](auto r) {
      reference::expect_same_bits([&](const kf::cpu& where) { return r.over(near).on(where)(a.X, a.Y, a.B); });
    };
    check(kf::sum_reduction(kernel * b));
    check(kf::sum_reduction<kf::axis::i>(kernel + sum(b)));
    check(kf::sum_reduction<kf::axis::both>(kernel * b));
    check(kf::logsumexp_reduction(-sqdist(x, y), b * b));
  }
}
TEST(band, counts_its_pairs) {
  double last = 0;
  for (const shape& s : shapes()) {
    std::int64_t pairs = 0, some = 0;
    const kf::interval rows{s.M / 5, s.M / 2}, columns{s.N / 3, s.N - 2};
    for (std::int64_t i = 0; i < s.M; ++i)
      for (const std::int64_t j : s.columns_of(i)) {
        ++pairs;
        some += i >= rows.first && i < rows.end && j >= columns.first && j < columns.end;
      }
    EXPECT_EQ(s.band().limits().pairs({0, s.M}, {0, s.N}), pairs);
    EXPECT_EQ(s.band().limits().pairs(rows, columns), some);
    const arrays<float> a(s.M, s.N);
    double most = 0;
    kf::sum_reduction(kernel * b).over(s.band()).on(kf::cpu{.progress = [&](double done) {
      most = done > most ? done : most;
      last = done;
    }})(a.X, a.Y, a.B);
    EXPECT_EQ(last, 1);
    EXPECT_LE(most, 1);
  }
}
