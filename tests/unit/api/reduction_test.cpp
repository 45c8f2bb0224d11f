// What a reduction is to its users: a small value that is called, writes where it is told, and takes options; also with
// an operation of their own.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace kf = kernfold;

namespace {

/// 1 / (1 + |f|), an operation that the library does not have.
struct Lowered : kf::elementwise<Lowered> {
  template <class T> KERNFOLD_HD static T eval(T a) { return T(1) / (T(1) + kf::math::abs(a)); }
  static constexpr auto gradient(auto f, auto g) { return -g * sign(f) * square(kf::make<Lowered>(f)); }
};
template <kf::formula F> constexpr auto lowered(F f) { return kf::make<Lowered>(f); }

constexpr auto x = kf::Vi<0, 2>;
constexpr auto y = kf::Vj<1, 2>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto R = sum_reduction(exp(-sqdist(x, y)) * b);

template <class Real> std::vector<Real> numbers(std::int64_t count, double step) {
  std::vector<Real> v(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = Real(float(std::sin(step * double(n + 1))));
  return v;
}
constexpr std::int64_t M = 5, N = 9;
const auto X = numbers<float>(2 * M, 0.7), Y = numbers<float>(2 * N, 1.3), B = numbers<float>(N, 2.1);

}  // namespace

TEST(reduction, is_a_small_value) {
  static_assert(std::is_empty_v<decltype(R)> && std::is_trivially_copyable_v<decltype(R)>);
  static_assert(kf::reduction_like<decltype(R)> && !kf::reduction_like<decltype(x)>);
  EXPECT_EQ(std::string(to_string(R).c_str()), "Sum(exp(-|x0 - y1|^2) y2)");
  const auto S = R;
  EXPECT_TRUE(S(X, Y, B) == R(X, Y, B));
  const auto somewhere = R.on(kf::cpu{.threads = 2});
  EXPECT_TRUE(somewhere(X, Y, B) == R(X, Y, B));
  EXPECT_TRUE(somewhere(X, Y, B) == R(X, Y, B));
}

TEST(reduction, into_and_add_to) {
  const auto expected = R(X, Y, B);
  std::vector<float> flat(M, 42.f);
  R.into(flat, X, Y, B);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(flat[std::size_t(i)], expected(i, 0));
  R.add_to(flat, X, Y, B);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(flat[std::size_t(i)], expected(i, 0) + expected(i, 0));
  kf::matrix<float> owned(M, 1);
  R.into(owned, x = X, y = Y, b = B);
  EXPECT_TRUE(owned == expected);
  // One column of a wider array, and its rows upside down: nothing else is written.
  kf::matrix<float> wide = kf::matrix<float>::zeros(M, 3);
  R.into(kf::view{wide.data() + 1, M, 1, 3, 1}, X, Y, B);
  R.add_to(kf::view{wide.data() + 3 * (M - 1) + 2, M, 1, -3, 1}, X, Y, B);
  for (std::int64_t i = 0; i < M; ++i) {
    EXPECT_EQ(wide(i, 0), 0);
    EXPECT_EQ(wide(i, 1), expected(i, 0));
    EXPECT_EQ(wide(M - 1 - i, 2), expected(i, 0));
  }
}

TEST(reduction, into_indices_and_a_single_number) {
  constexpr auto nearest = argmin_reduction(sqdist(x, y));
  std::vector<std::int64_t> indices(M, -7);
  nearest.into(indices, X, Y);
  const auto expected = nearest(X, Y);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(indices[std::size_t(i)], expected(i, 0));
  float whole = 0;
  constexpr auto all = sum_reduction<kf::axis::both>(sqdist(x, y));
  all.into(whole, X, Y);
  EXPECT_EQ(whole, all(X, Y)(0, 0));
  all.add_to(whole, X, Y);
  EXPECT_EQ(whole, 2 * all(X, Y)(0, 0));
}

TEST(reduction, along_each_axis) {
  constexpr auto F = b * (x | y);
  const auto rows = sum_reduction(F)(X, Y, B), columns = sum_reduction<kf::axis::i>(F)(X, Y, B),
             whole = sum_reduction<kf::axis::both>(F)(X, Y, B);
  ASSERT_EQ(rows.rows(), M);
  ASSERT_EQ(columns.rows(), N);
  ASSERT_EQ(whole.rows(), 1);
  double total = 0, by_rows = 0, by_columns = 0;
  for (std::size_t i = 0; i < M; ++i)
    for (std::size_t j = 0; j < N; ++j)
      total += double(B[j]) * (double(X[2 * i]) * double(Y[2 * j]) + double(X[2 * i + 1]) * double(Y[2 * j + 1]));
  for (const float v : rows) by_rows += double(v);
  for (const float v : columns) by_columns += double(v);
  EXPECT_NEAR(by_rows, total, 1e-5);
  EXPECT_NEAR(by_columns, total, 1e-5);
  EXPECT_NEAR(double(whole(0, 0)), total, 1e-5);
}

TEST(reduction, sums_as_the_option_says) {
  // 2^24 + 1 + ... + 1 - 2^24: in float each 1 is lost, unless its rounding error is kept or the sum runs in double.
  constexpr auto S = sum_reduction(b);
  constexpr std::int64_t ones = 3000;
  std::vector<float> v(ones + 2, 1.f);
  v.front() = 16'777'216.f;
  v.back() = -16'777'216.f;
  const auto value = [&](auto r) {
    const auto a = r(b = v);
    EXPECT_EQ(a.rows(), 1);
    return a(0, 0);
  };
  EXPECT_EQ(value(S.with(kf::plain_sum)), 0);
  EXPECT_EQ(value(S.with(kf::compensated)), float(ones));
  EXPECT_EQ(value(S.with(kf::in_double)), float(ones));
  const float block = value(S);
  EXPECT_GT(block, 0);  // tiles without the large number keep their ones
  EXPECT_LT(block, float(ones));
  EXPECT_EQ(value(S.with(kf::block_sum)), block);
  EXPECT_EQ(value(S.with(kf::plain_sum).with(kf::compensated)), float(ones));  // the last one counts
  static_assert(std::is_same_v<decltype(S.with(kf::in_double)(b = v)), kf::matrix<float>>);
}

TEST(reduction, exponentials_as_the_option_says) {
  constexpr auto S = sum_reduction(exp(kf::Vj<0, 1> * kf::Pm<1, 1>));
  // Factors whose product is exact: the exponential is then all that rounds.
  for (const float factor : {1.f, 0.5f, 2.f}) {
    const std::vector<float> z{30.f};
    const double exact = std::exp(30 * double(factor));
    const double accurate = double(S.with(kf::accurate_exp)(z, factor)(0, 0)), fast = double(S(z, factor)(0, 0));
    const double u = std::pow(2.0, -24);
    EXPECT_LE(std::fabs(accurate - exact), 4 * u * exact);
    EXPECT_LE(std::fabs(fast - exact), (4 + 2 * 30 * double(factor)) * u * exact);
  }
}

TEST(reduction, with_an_operation_of_its_users) {
  constexpr auto z = kf::Vi<0, 1>;
  constexpr auto t = kf::Vj<1, 1>;
  constexpr auto S = sum_reduction(lowered(z - t));
  const auto Z = numbers<double>(M, 0.7), T = numbers<double>(N, 1.3);
  const auto a = S(Z, T), slope = grad(S, z)(Z, T, std::vector<double>(M, 1.0));
  for (std::size_t i = 0; i < M; ++i) {
    double sum = 0, derivative = 0;
    for (std::size_t j = 0; j < N; ++j) {
      const double d = Z[i] - T[j];
      sum += 1 / (1 + std::fabs(d));
      derivative -= (d > 0 ? 1 : -1) / ((1 + std::fabs(d)) * (1 + std::fabs(d)));
    }
    EXPECT_NEAR(a(std::int64_t(i), 0), sum, 1e-13);
    EXPECT_NEAR(slope(std::int64_t(i), 0), derivative, 1e-13);
  }
  EXPECT_NE(std::string(to_string(S).c_str()).find("Lowered"), std::string::npos) << to_string(S).c_str();
}
