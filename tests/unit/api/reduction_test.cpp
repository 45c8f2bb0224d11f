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
  constexpr auto S = sum_reduction(exp(kf::Vj<0, 1> * kf::Pm<1, 1> * kf::Vi<2, 1>));
  const double u = std::pow(2.0, -24);
  // Factors whose product is exact: the exponential is then all that rounds.
  for (const float factor : {1.f, 0.5f, 2.f}) {
    double greatest_accurate = 0, greatest_fast = 0;
    for (int n = 0; n < 64; ++n) {
      const float z = 27 + float(n) / 16;
      const double exact = std::exp(double(z) * double(factor));
      const auto error = [&](auto r) {
        return std::fabs(double(r(std::vector<float>{z}, factor, std::vector<float>{1.f})(0, 0)) / exact - 1) / u;
      };
      greatest_accurate = std::fmax(greatest_accurate, error(S.with(kf::accurate_exp)));
      greatest_fast = std::fmax(greatest_fast, error(S));
    }
    EXPECT_LE(greatest_accurate, 4);
    EXPECT_LE(greatest_fast, 4 + 2 * 31 * double(factor));
    EXPECT_GT(greatest_fast, 8) << "with the option or without, it is the same";
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

TEST(reduction, extents_that_no_array_gives) {
  constexpr auto p = kf::Pm<0, 1>;
  constexpr auto S = sum_reduction(where(kf::row_index == kf::column_index, p, kf::zero<1>) + kf::column_index);
  const auto a = S.rows(3).columns(4)(2.0);
  EXPECT_EQ(a.rows(), 3);
  EXPECT_EQ(a(2, 0), 8);
  const auto sentence = [](auto call) -> std::string {
    try {
      call();
    } catch (const kf::shape_error& e) {
      return e.what();
    }
    return "";
  };
  const std::string what =
      " of Sum(where([row_index == column_index], p0, 0) + column_index) has no extent: no array has a row for each ";
  EXPECT_EQ(sentence([&] { S(2.0); }), "row_index" + what + "i; give it by .rows(count) before the call");
  EXPECT_EQ(sentence([&] { S.rows(3)(2.0); }), "column_index" + what + "j; give it by .columns(count) before the call");
  EXPECT_EQ(sentence([&] { S.rows(-3).columns(1)(2.0); }),
            ".rows(-3) of Sum(where([row_index == column_index], p0, 0) + column_index): a count is 0 or more");
  EXPECT_EQ(sentence([&] { R.rows(7)(X, Y, B); }),
            "argument 0 (x0, Vi<0, 2>) of Sum(exp(-|x0 - y1|^2) y2): 5 rows were given, .rows says 7");
  EXPECT_EQ(R.rows(M).columns(N)(X, Y, B), R(X, Y, B));
  // In any order with the rest, and wherever a reduction is called.
  EXPECT_EQ(S.on(kf::cpu{.threads = 1}).rows(3).with(kf::compensated).columns(4)(2.0), a);
  EXPECT_EQ(S.with(kf::in_double).columns(4).on(kf::cpu{}).rows(3)(2.0), a);
  EXPECT_EQ(S.rows(0).columns(4)(2.0).rows(), 0);
  EXPECT_EQ(S.rows(2).columns(0)(2.0)[1], 0);
  std::vector<double> out(3);
  S.rows(3).columns(4).into(out, 2.0);
  EXPECT_EQ(out[2], 8);
  S.rows(3).columns(4).add_to(out, 2.0);
  EXPECT_EQ(out[2], 16);
  EXPECT_EQ(grad(S, p).rows(3).columns(4)(2.0, std::vector<double>{1, 1, 1})[0], 3);
  const kf::any_reduction<double> any = S;
  EXPECT_EQ(any.rows(3).columns(4)(2.0), a);
  EXPECT_THROW(any(2.0), kf::shape_error);
  auto state = sum_reduction(kf::row_index + b).rows(2).start();
  state.absorb(b = std::vector<double>{1, 2});
  EXPECT_EQ(state.finish().rows(), 2);
}
TEST(reduction, a_matrix_checks_its_indices_in_debug_builds) {
#if !defined(NDEBUG)
  kf::matrix<float> a(3, 2);
  a[5] = 1;
  a(2, 1) = 1;
  for (const auto& wrong : {std::pair{3, 0}, {0, 2}, {-1, 0}, {0, -1}})
    EXPECT_THROW(a(wrong.first, wrong.second) = 1, kf::index_error);
  EXPECT_THROW(static_cast<void>(a[6]), kf::index_error);
  try {
    a(3, 0) = 1;
  } catch (const kf::error& e) {
    EXPECT_STREQ(e.what(), "element (3, 0) of a matrix of 3 x 2");
  }
#endif
}

// Labels from 2^63 on are negative as indices, and still equal to what they are equal to.
TEST(reduction, labels_of_64_bits_without_sign) {
  constexpr std::uint64_t large = std::uint64_t(1) << 63;
  const std::vector<std::uint64_t> rows{large + 5, 5, ~std::uint64_t(0), large}, columns{5, large + 5, large + 5, 0};
  const std::vector<double> weights{1, 2, 4, 8};
  constexpr auto label = kf::Vi<0, 1, std::uint64_t>;
  constexpr auto other = kf::Vj<1, 1, std::uint64_t>;
  constexpr auto w = kf::Vj<2, 1>;
  const auto equal = kf::sum_reduction(where(label == other, w, kf::zero<1>))(rows, columns, weights);
  const auto different = kf::sum_reduction((label != other) * w)(rows, columns, weights);
  const double expected[] = {6, 1, 0, 0};
  for (std::int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(equal(i, 0), expected[i]);
    EXPECT_EQ(different(i, 0), 15 - expected[i]);
  }
  const auto fives = kf::sum_reduction(where(other == kf::constant<5>, w, kf::zero<1>))(other = columns, w = weights);
  EXPECT_EQ(fives(0, 0), 1);
}
