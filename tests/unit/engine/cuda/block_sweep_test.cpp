// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: every reduction, accumulation and axis,
// gradients, and sizes around blocks and tiles.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "emulated_device.hpp"

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto F = exp(-square(g) * sqdist(x, y)) * b;

template <class Real>
struct cloud {
  std::int64_t M, N;
  std::vector<Real> X, Y, B, G{Real(0.7)}, E, S;
  cloud(std::int64_t rows, std::int64_t columns, int dim = 3)
      : M(rows), N(columns), X(numbers(dim * M, 1)), Y(numbers(dim * N, 2)), B(numbers(N, 3)), E(numbers(M, 4)), S(numbers(1, 5)) {}

 private:
  static std::vector<Real> numbers(std::int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<Real> v(static_cast<std::size_t>(count));
    for (Real& n : v) n = uniform(engine);
    return v;
  }
};

void expect_near(const kf::matrix<std::int64_t>& found, const kf::matrix<std::int64_t>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::int64_t n = 0; n < found.size(); ++n) ASSERT_EQ(found.data()[n], expected.data()[n]) << what << ", number " << n;
}
/// The sums of both engines have the same terms, added in another order.
template <class Real>
void expect_near(const kf::matrix<Real>& found, const kf::matrix<Real>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 1;
  for (std::int64_t n = 0; n < found.size(); ++n)
    if (std::isfinite(expected.data()[n])) largest = std::fmax(largest, std::fabs(double(expected.data()[n])));
  for (std::int64_t n = 0; n < found.size(); ++n) {
    const double f = found.data()[n], e = expected.data()[n];
    if (std::isnan(e)) ASSERT_TRUE(std::isnan(f)) << what << ", number " << n << ": " << f;
    else if (std::isinf(e)) ASSERT_EQ(f, e) << what << ", number " << n;
    else ASSERT_NEAR(f, e, 32 * double(std::numeric_limits<Real>::epsilon()) * largest) << what << ", number " << n;
  }
}
template <class... Ms>
void expect_near(const kf::results<Ms...>& found, const kf::results<Ms...>& expected, const std::string& what) {
  [&]<int... Ns>(std::integer_sequence<int, Ns...>) {
    (expect_near(get<Ns>(found), get<Ns>(expected), what + ", result " + std::to_string(Ns)), ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
}

template <class R, class... Args>
void check(emulated::device d, R r, const Args&... args) {
  const std::string what =
      std::to_string(d.threads) + " threads, " + std::to_string(d.stretches) + " stretches, " + std::string(to_string(r).c_str());
  const auto found = r.on(d)(args...);
  expect_near(found, r.on(kf::cpu{})(args...), what);
}

constexpr auto distance = sqdist(x, y);
template <kf::axis A>
constexpr auto sums = fold_all(kf::sum_reduction<A>(F), kf::logsumexp_reduction<A>(-g * distance),
                               kf::logsumexp_reduction<A>(-g * distance, b* b), kf::softmax_reduction<A>(-g * distance, y - x));
template <kf::axis A>
constexpr auto choices = fold_all(kf::min_reduction<A>(distance), kf::max_reduction<A>(x - y), kf::argmin_reduction<A>(distance),
                                  kf::argmax_reduction<A>(x - y), kf::kmin_reduction<5, A>(distance),
                                  kf::argkmin_reduction<10, A>(distance));

struct shape {
  std::int64_t M, N;
};
// Around a thread's rows, a block of 32 or 33 threads, and a tile of 512 columns.
constexpr shape shapes[] = {{0, 5}, {5, 0}, {1, 1}, {1, 511}, {3, 512}, {2, 513}, {31, 7}, {128, 3}, {129, 64}, {133, 1030}};

template <kf::axis A>
void check_axis() {
  for (const shape s : shapes) {
    const bool swap = A == kf::axis::i;  // the rows are those of the output
    const cloud<float> c(swap ? s.N : s.M, swap ? s.M : s.N);
    for (const emulated::device d : {emulated::device{1, 1}, {32, 1}, {33, 2}, {32, 5}}) {
      SCOPED_TRACE(std::to_string(c.M) + " x " + std::to_string(c.N));
      check(d, sums<A>, c.X, c.Y, c.B, c.G);
      check(d, choices<A>, c.X, c.Y);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace

TEST(block_sweep, over_j) { check_axis<kf::axis::j>(); }
TEST(block_sweep, over_i) { check_axis<kf::axis::i>(); }
TEST(block_sweep, over_both) { check_axis<kf::axis::both>(); }

TEST(block_sweep, any_number_of_threads) {
  const cloud<float> c(700, 530);
  for (const int threads : {1, 32, 33, 128, 1024}) {
    check({threads, 2}, sums<kf::axis::j>, c.X, c.Y, c.B, c.G);
    check({threads, 2}, choices<kf::axis::both>, c.X, c.Y);
  }
}

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
  check({32, 2}, sums<kf::axis::j>, c.X, c.Y, c.B, c.G);
  check({32, 2}, choices<kf::axis::i>, c.X, c.Y);
}

TEST(block_sweep, gradients) {
  constexpr auto h = kf::Pm<2, 1>;
  constexpr auto of_sum = backward(kf::sum_reduction(F), x, y, b, g);
  constexpr auto of_logsumexp = backward(kf::logsumexp_reduction(-h * distance), x, y, h);
  for (const shape s : {shape{1, 1}, {65, 513}, {130, 64}, {3, 0}, {0, 3}}) {
    const cloud<float> c(s.M, s.N);
    for (const emulated::device d : {emulated::device{32, 1}, {33, 2}}) {
      check(d, of_sum, c.X, c.Y, c.B, c.G, c.E);
      check(d, kf::grad(kf::min_reduction(distance), y, kf::Vi<2, 1>), c.X, c.Y, c.E);
    }
    if (s.N > 0 && s.M > 0) check({32, 2}, of_logsumexp, c.X, c.Y, c.G, c.E);
  }
}

// More values than registers: columns read from shared memory, parameters shared by the block, long rows and states.
TEST(block_sweep, long_vectors) {
  constexpr auto X = kf::Vi<0, 40>;
  constexpr auto Y = kf::Vj<1, 40>;
  constexpr auto P = kf::Pm<2, 40>;
  const cloud<float> c(67, 300, 40);
  const std::vector<float> p(40, 0.25f);
  for (const emulated::device d : {emulated::device{32, 1}, {33, 3}}) {
    check(d, kf::sum_reduction(exp(-sqdist(X * P, Y)) * Y), c.X, c.Y, p);
    check(d, kf::sum_reduction<kf::axis::both>(exp(-sqdist(X * P, Y)) * Y), c.X, c.Y, p);
  }
}

// So long that not all threads of a block can fold their states at the same time.
TEST(block_sweep, long_states_over_both) {
  const cloud<float> c(150, 40);
  for (const emulated::device d : {emulated::device{32, 1}, {33, 2}})
    check(d, kf::kmin_reduction<100, kf::axis::both>(distance), c.X, c.Y);
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

// The maximum of a log-sum-exp is raised only when terms grow out of range: exponents from -1e30 to 1e30, and infinite ones.
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

// Equal values: the first column, in the order of rows and columns, whatever thread and stretch saw it.
TEST(block_sweep, ties_go_to_the_first) {
  std::vector<float> X(3 * 150, 1.f), Y(3 * 1030, 0.f);
  for (int n = 0; n < 3 * 20; ++n) X[std::size_t(n)] = 2;    // farther, so that the first is in no thread's
  for (int n = 0; n < 3 * 300; ++n) Y[std::size_t(n)] = -1;  // and no stretch's beginning
  constexpr auto r = fold_all(kf::argmin_reduction(distance), kf::argkmin_reduction<10>(distance),
                              kf::argmin_reduction<kf::axis::both>(distance), kf::argkmin_reduction<10, kf::axis::both>(distance));
  for (const emulated::device d : {emulated::device{32, 1}, {33, 2}, {32, 5}}) check(d, r, X, Y);
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

TEST(block_sweep, same_bits_whatever_the_order_of_blocks) {
  const cloud<float> c(300, 700);
  const auto first = sums<kf::axis::both>.on(emulated::device{33, 3})(c.X, c.Y, c.B, c.G);
  const auto again = sums<kf::axis::both>.on(emulated::device{33, 3, true})(c.X, c.Y, c.B, c.G);
  EXPECT_EQ(get<0>(first)(0, 0), get<0>(again)(0, 0));
  EXPECT_EQ(get<1>(first)(0, 0), get<1>(again)(0, 0));
  for (int k = 0; k < 3; ++k) EXPECT_EQ(get<3>(first)(0, k), get<3>(again)(0, k));
}
