// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: accumulations, real types, and
// what lies at the edges: row numbers, infinite exponents, no columns, strides.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep, accumulations) {
  const cloud<float> c(65, 1100);
  constexpr auto sum = kf::sum_reduction(F);
  constexpr auto weighted = kf::logsumexp_reduction(-g * distance, b * b);
  for (const emulated::device d : {emulated::device{32, 1}, {32, 3}}) {
    check(d, sum.with(kf::plain_sum), c.X, c.Y, c.B, c.G);
    check(d, sum.with(kf::compensated), c.X, c.Y, c.B, c.G);
    check(d, weighted.with(kf::compensated), c.X, c.Y, c.B, c.G);
    check(d, weighted.with(kf::in_double), c.X, c.Y, c.B, c.G);
    check(d, sum.with(kf::accurate_exp), c.X, c.Y, c.B, c.G);
  }
  check({32, 2}, kf::sum_reduction<kf::axis::both>(F).with(kf::compensated), c.X, c.Y, c.B, c.G);
}

TEST(block_sweep, double_precision) {
  const cloud<double> c(65, 600);
  check({32, 2}, kf::sum_reduction(F), c.X, c.Y, c.B, c.G);
  check({32, 2}, kf::logsumexp_reduction<kf::axis::i>(-kf::Pm<2, 1> * distance), c.X, c.Y, c.G);
  check({32, 2}, kf::argkmin_reduction<10, kf::axis::both>(distance), c.X, c.Y);
}

TEST(block_sweep, row_and_column_numbers) {
  constexpr auto i = kf::row_index;
  constexpr auto j = kf::column_index;
  const cloud<float> c(70, 90);
  for (const emulated::device d : {emulated::device{32, 1}, {33, 2}}) {
    check(d, kf::sum_reduction(where(i == j, kf::constant<1>, distance)), c.X, c.Y);
    check(d, kf::argmin_reduction<kf::axis::both>(where(i == j, kf::constant<9>, distance)), c.X, c.Y);
  }
}

// The maximum of a log-sum-exp is raised only when terms grow out of range: exponents from -1e30 to 1e30, and infinite
// ones.
TEST(block_sweep, logsumexp_of_any_exponents) {
  constexpr auto s = kf::Vi<0, 1>;
  constexpr auto t = kf::Vj<1, 1>;
  constexpr auto r = fold_all(kf::logsumexp_reduction(s * t), kf::softmax_reduction(s * t, t));
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> S{1, -1, 1e-3f, 40};
  std::vector<float> up, wide, low(9, -inf), mixed{-inf, 3, -inf, 500, -1e38f};
  for (int n = 0; n < 700; ++n) up.push_back(0.25f * float(n));
  for (int n = 0; n < 77; ++n) wide.push_back((n % 2 ? 1.f : -1.f) * std::pow(10.f, float(n % 31)));
  for (const auto& T : {up, wide, mixed})
    for (const int stretches : {1, 2, 5}) check({32, stretches}, r, S, T);
  const std::vector<float> one{1};
  check({32, 2}, kf::logsumexp_reduction(s * t), one, low);
  low[4] = inf;
  check({32, 2}, kf::logsumexp_reduction(s * t), one, low);
}

// In several launches, each of which leaves the states of some stretches together; the last are fewer than the others.
TEST(block_sweep, many_stretches_are_merged_in_their_order) {
  constexpr auto s = kf::Vi<0, 1>;
  constexpr auto t = kf::Vj<1, 1>;
  constexpr auto r = fold_all(kf::sum_reduction(s * t), kf::argmin_reduction(abs(t)), kf::argkmin_reduction<4>(abs(t)));
  const std::vector<float> S{1, -1, 3};
  std::vector<float> T;
  for (int n = 0; n < 2500; ++n) T.push_back(float((n * 7) % 40) - 20);  // ties: the first of equal ones counts
  for (const int stretches : {32, 33, 70, 1030}) check({32, stretches}, r, S, T);
}

TEST(block_sweep, the_sum_of_no_columns_is_zero) {
  const std::vector<float> infinite(3, std::numeric_limits<float>::infinity()), none;
  check({32, 1}, kf::sum_reduction(kf::Vi<0, 1> * exp(kf::Vj<1, 1>)), infinite, none);
  check({32, 1}, kf::sum_reduction<kf::axis::both>(kf::Vi<0, 1> * exp(kf::Vj<1, 1>)), infinite, none);
}

TEST(block_sweep, results_are_added_with_any_strides) {
  const cloud<float> c(37, 20);
  constexpr auto r = kf::sum_reduction(F);
  const auto expected = r(c.X, c.Y, c.B, c.G);
  std::vector<float> out(2 * 37, 5.f);
  r.on(emulated::device{32, 2}).add_to(kf::view{out.data(), 37, 1, 2, 1}, c.X, c.Y, c.B, c.G);
  for (int i = 0; i < 37; ++i) {
    EXPECT_NEAR(out[std::size_t(2 * i)], 5 + expected(i, 0), 1e-5);
    EXPECT_EQ(out[std::size_t(2 * i + 1)], 5.f);
  }
}
