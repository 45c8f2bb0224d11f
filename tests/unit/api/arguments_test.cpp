// Every form in which an argument can come gives the same result, and what does not fit is refused in a sentence,
// before anything is written.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto R = sum_reduction(exp(-g * sqdist(x, y)) * b);
constexpr auto vectors = sum_reduction((y - x) * b);
const std::string text_of_vectors = to_string(vectors).c_str();
const std::string text = to_string(R).c_str();

constexpr std::int64_t M = 5, N = 7;
template <class Real> std::vector<Real> numbers(std::int64_t count, double step) {
  std::vector<Real> v(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = Real(float(std::sin(step * double(n + 1))));
  return v;
}
template <class Real> struct sample {
  std::vector<Real> X = numbers<Real>(3 * M, 0.7), Y = numbers<Real>(3 * N, 1.3), B = numbers<Real>(N, 2.1),
                    G{Real(0.75)};
};
const sample<float> f;
const sample<double> d;
const kf::matrix<float> expected = R(f.X, f.Y, f.B, f.G);

/// The rows of an array where their neighbours in memory are `row_stride` and `col_stride` apart.
template <class Real>
std::vector<Real> spread(const std::vector<Real>& rows, std::int64_t count, std::int64_t row_stride,
                         std::int64_t col_stride, std::int64_t first = 0) {
  std::vector<Real> all(200, Real(1e30));
  const std::int64_t dim = std::int64_t(rows.size()) / count;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t k = 0; k < dim; ++k)
      all[std::size_t(first + i * row_stride + k * col_stride)] = rows[std::size_t(i * dim + k)];
  return all;
}

/// The sentence of the exception that a call into `out` throws; the memory is then as it was.
template <class Exception, class Reduction, class... Args> std::string refusal(Reduction r, const Args&... args) {
  std::vector<float> out(std::size_t(M * 3), 42.f);
  const std::vector<float> before = out;
  std::string sentence = "not thrown";
  const kf::view rows{out.data(), M, kf::type_at<typename Reduction::items, 0>::spec::dim};
  for (const bool add : {false, true}) {
    try {
      if (add) r.add_to(rows, args...);
      else r.into(rows, args...);
    } catch (const Exception& e) {
      sentence = e.what();
    }
    EXPECT_EQ(out, before) << "the result was written";
  }
  try {
    r(args...);
    sentence += ", and not thrown by a plain call";
  } catch (const Exception& e) {
    EXPECT_EQ(sentence, e.what());
  }
  return sentence;
}
std::string argument(const char* name) { return std::string("argument ") + name + " of " + text + ": "; }

template <class Real> void judge(const kf::matrix<Real>& a, const sample<Real>& s) {
  ASSERT_EQ(a.rows(), M);
  ASSERT_EQ(a.cols(), 1);
  for (std::size_t i = 0; i < M; ++i) {
    double sum = 0, magnitude = 0;
    for (std::size_t j = 0; j < N; ++j) {
      double distance = 0;
      for (std::size_t k = 0; k < 3; ++k) distance += std::pow(double(s.X[3 * i + k]) - double(s.Y[3 * j + k]), 2);
      const double term = std::exp(-0.75 * distance) * double(s.B[j]);
      sum += term;
      magnitude += std::fabs(term);
    }
    EXPECT_NEAR(double(a(std::int64_t(i), 0)), sum, 20 * double(std::numeric_limits<Real>::epsilon()) * magnitude);
  }
}

}  // namespace

TEST(arguments, by_position_and_by_name) {
  judge(expected, f);
  EXPECT_TRUE(R(x = f.X, y = f.Y, b = f.B, g = f.G) == expected);
  EXPECT_TRUE(R(g = f.G, b = f.B, y = f.Y, x = f.X) == expected);
  const auto in_double = R(d.X, d.Y, d.B, d.G);
  static_assert(std::is_same_v<decltype(in_double), const kf::matrix<double>>);
  judge(in_double, d);
  EXPECT_TRUE(R(y = d.Y, x = d.X, g = 0.75, b = d.B) == in_double);
}

TEST(arguments, numbers_as_parameters) {
  EXPECT_TRUE(R(f.X, f.Y, f.B, 0.75f) == expected);
  EXPECT_TRUE(R(f.X, f.Y, f.B, 0.75) == expected);  // arrays decide the real type
  EXPECT_TRUE(R(x = f.X, y = f.Y, b = f.B, g = 0.75) == expected);
  constexpr auto scaled = sum_reduction(g * (kf::Pm<0, 1> + kf::Pm<1, 1>)*kf::Pm<2, 1>);
  const auto whole = scaled(2, 3, 4, 5);
  static_assert(std::is_same_v<decltype(whole), const kf::matrix<double>>);
  EXPECT_EQ(whole(0, 0), 100);
  static_assert(std::is_same_v<decltype(scaled(2.f, 3.f, 4.f, 5.f)), kf::matrix<float>>);
}

TEST(arguments, ranges) {
  std::array<float, 3 * M> array;
  std::copy(f.X.begin(), f.X.end(), array.begin());
  float plain[3 * N];
  std::copy(f.Y.begin(), f.Y.end(), plain);
  EXPECT_TRUE(R(array, plain, std::span<const float>(f.B), std::array{0.75f}) == expected);
  std::vector<std::array<float, 3>> points(M);
  for (std::size_t n = 0; n < f.X.size(); ++n) points[n / 3][n % 3] = f.X[n];
  EXPECT_TRUE(R(points, f.Y, f.B, f.G) == expected);
  EXPECT_TRUE(R(std::span(points), f.Y, f.B, f.G) == expected);
  kf::matrix<float> Y(N, 3);
  std::copy(f.Y.begin(), f.Y.end(), Y.begin());
  EXPECT_TRUE(R(points, Y, f.B, f.G) == expected);
}

TEST(arguments, views_of_any_stride) {
  const auto wide = spread(f.X, M, 5, 1), reversed = spread(f.X, M, -4, 1, 100), mirrored = spread(f.X, M, 3, -1, 50),
             gaps = spread(f.X, M, 11, 3);
  EXPECT_TRUE(R(kf::view{wide.data(), M, 3, 5, 1}, f.Y, f.B, f.G) == expected);
  EXPECT_TRUE(R(kf::view{reversed.data() + 100, M, 3, -4, 1}, f.Y, f.B, f.G) == expected);
  EXPECT_TRUE(R(kf::view{mirrored.data() + 50, M, 3, 3, -1}, f.Y, f.B, f.G) == expected);
  EXPECT_TRUE(R(kf::view{gaps.data(), M, 3, 11, 3}, f.Y, f.B, f.G) == expected);
  const auto columns = spread(f.Y, N, -6, 2, 100), weights = spread(f.B, N, 9, 1);
  EXPECT_TRUE(R(f.X, kf::view{columns.data() + 100, N, 3, -6, 2}, kf::view{weights.data(), N, 1, 9, 1}, f.G) ==
              expected);
}

TEST(arguments, a_stride_of_zero_repeats) {
  const std::vector<float> ones(N, 1.f), points(3 * M, 0.5f);
  const float one = 1, half = 0.5f;
  EXPECT_TRUE(R(points, f.Y, ones, f.G) == R(kf::view{&half, M, 3, 0, 0}, f.Y, kf::view{&one, N, 1, 0, 1}, f.G));
}

TEST(arguments, columns_and_fields) {
  const auto transposed = spread(f.X, M, 1, M);
  EXPECT_TRUE(R(kf::columns(transposed.data(), 3, M), f.Y, f.B, f.G) == expected);
  struct particle {
    std::array<float, 3> position;
    float charge;
  };
  std::vector<particle> particles(N);
  for (std::size_t n = 0; n < N; ++n) particles[n] = {{f.Y[3 * n], f.Y[3 * n + 1], f.Y[3 * n + 2]}, f.B[n]};
  EXPECT_TRUE(R(f.X, kf::field(particles, &particle::position), kf::field(particles, &particle::charge), f.G) ==
              expected);
}

TEST(arguments, need_no_alignment) {
  const auto in_double = R(d.X, d.Y, d.B, d.G);
  for (int offset = 1; offset < 8; ++offset) {
    const auto X = spread(f.X, M, 3, 1, offset), Y = spread(f.Y, N, 3, 1, offset), B = spread(f.B, N, 1, 1, offset);
    std::vector<float> out(64, 42.f);
    R.into(kf::view{out.data() + offset, M, 1}, kf::view{X.data() + offset, M, 3}, kf::view{Y.data() + offset, N, 3},
           kf::view{B.data() + offset, N, 1}, f.G);
    for (int n = 0; n < 64; ++n)
      EXPECT_EQ(out[std::size_t(n)], n >= offset && n < offset + M ? expected(n - offset, 0) : 42.f) << offset;
    const auto Xd = spread(d.X, M, 3, 1, offset);
    EXPECT_TRUE(R(std::span(Xd).subspan(std::size_t(offset), 3 * M), d.Y, d.B, d.G) == in_double);
  }
}

TEST(arguments, none_at_all) {
  const std::vector<float> none;
  const auto no_rows = R(none, f.Y, f.B, f.G);
  EXPECT_EQ(no_rows.rows(), 0);
  EXPECT_EQ(no_rows.cols(), 1);
  const auto no_columns = R(f.X, none, none, f.G);
  ASSERT_EQ(no_columns.rows(), M);
  for (const float v : no_columns) EXPECT_EQ(v, 0);
  EXPECT_EQ(R(none, none, none, f.G).size(), 0);
  EXPECT_TRUE(R(kf::matrix<float>(), f.Y, f.B, f.G) == no_rows);
  const auto least = fold_all(min_reduction(x - y), logsumexp_reduction(x | y), argmin_reduction(x | y),
                              kf::argkmin_reduction<2>(x | y));
  const auto [smallest, lse, index, indices] = least(f.X, none);
  EXPECT_EQ(smallest(M - 1, 2), INFINITY);
  EXPECT_EQ(lse(M - 1, 0), -INFINITY);
  EXPECT_EQ(index(M - 1, 0), -1);
  EXPECT_EQ(indices(M - 1, 1), -1);
}

TEST(arguments, element_types_of_symbols) {
  constexpr auto label = kf::Vi<0, 1, std::int64_t>;
  constexpr auto weight = kf::Vj<1, 3, double>;
  constexpr auto value = kf::Vj<2, 1>;
  const std::vector<std::int64_t> labels{0, 3, 6};
  constexpr auto chosen = sum_reduction(kf::where(kf::column_index == label, value, kf::constant<0>));
  const auto one = chosen(label = labels, value = f.B);
  static_assert(std::is_same_v<decltype(one), const kf::matrix<float>>);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(one(i, 0), f.B[std::size_t(labels[std::size_t(i)])]);
  // Doubles in a call of floats: rounded to float as they are read.
  constexpr auto weighted = sum_reduction(weight * value);
  EXPECT_TRUE(weighted(weight = d.Y, value = f.B) ==
              sum_reduction(kf::Vj<1, 3> * value)(kf::Vj<1, 3> = f.Y, value = f.B));
}

TEST(arguments, of_a_wrong_size) {
  const std::vector<float> seven(7), five(5), two(2), one(1), none;
  EXPECT_EQ(to_string(R).c_str(), std::string("Sum(exp(-p3 |x0 - y1|^2) y2)"));
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, seven, f.B, f.G),
            argument("1 (y1, Vj<1, 3>)") + "7 numbers are no whole number of rows of dimension 3");
  EXPECT_EQ(refusal<kf::shape_error>(R, one, f.Y, f.B, f.G),
            argument("0 (x0, Vi<0, 3>)") + "1 number is no whole number of rows of dimension 3");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, f.Y, five, f.G),
            argument("2 (y2, Vj<2, 1>)") + "5 rows were given, argument 1 has 7");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, f.Y, 1.f, f.G),
            argument("2 (y2, Vj<2, 1>)") +
                "a number was given, which only a parameter can be: give an array of one row for each j");
  EXPECT_EQ(refusal<kf::shape_error>(R, x = f.X, y = f.Y, b = none, g = f.G),
            argument("2 (y2, Vj<2, 1>)") + "0 rows were given, argument 1 has 7");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, f.Y, f.B, two),
            argument("3 (p3, Pm<3, 1>)") + "2 numbers were given, a parameter has 1");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, f.Y, f.B, none),
            argument("3 (p3, Pm<3, 1>)") + "0 numbers were given, a parameter has 1");
  EXPECT_EQ(refusal<kf::shape_error>(R, 1.f, f.Y, f.B, f.G),
            argument("0 (x0, Vi<0, 3>)") +
                "a number was given, which only a parameter can be: give an array of one row for each i");
  EXPECT_EQ(refusal<kf::shape_error>(R, kf::view{f.X.data(), 5, 2}, f.Y, f.B, f.G),
            argument("0 (x0, Vi<0, 3>)") + "rows of dimension 2 were given, 3 are needed");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, f.Y, kf::view{f.Y.data(), 7, 3}, f.G),
            argument("2 (y2, Vj<2, 1>)") + "rows of dimension 3 were given, 1 is needed");
  EXPECT_EQ(refusal<kf::shape_error>(R, f.X, kf::view{f.Y.data(), -1, 3}, f.B, f.G),
            argument("1 (y1, Vj<1, 3>)") + "-1 rows of dimension 3 were given, neither may be negative");
}

TEST(arguments, two_that_disagree_on_rows) {
  constexpr auto of_two = sum_reduction((x | y) * kf::Vi<2, 1>);
  const std::vector<float> six(6);
  EXPECT_EQ(refusal<kf::shape_error>(of_two, f.X, f.Y, six), std::string("argument 2 (x2, Vi<2, 1>) of ") +
                                                                 to_string(of_two).c_str() +
                                                                 ": 6 rows were given, argument 0 has 5");
}

TEST(arguments, the_memory_of_the_result) {
  const std::string begin = "the memory for the result of ";
  const auto refused = [](auto r, auto&& out, const auto&... args) -> std::string {
    for (const bool add : {false, true}) {
      try {
        if (add) r.add_to(out, args...);
        else r.into(out, args...);
        return "not thrown";
      } catch (const kf::shape_error& e) {
        if (add) return e.what();
      }
    }
    return "";
  };
  std::vector<float> four(4, 42.f), one(1, 42.f), six(18, 42.f), seven(7, 42.f);
  kf::matrix<float> wide = kf::matrix<float>::zeros(M, 2);
  EXPECT_EQ(refused(R, four, f.X, f.Y, f.B, f.G), begin + text + ": 4 rows were given, 5 are needed");
  EXPECT_EQ(refused(R, one, f.X, f.Y, f.B, f.G), begin + text + ": 1 row was given, 5 are needed");
  const std::vector<float> point(3);
  EXPECT_EQ(refused(R, four, point, f.Y, f.B, f.G), begin + text + ": 4 rows were given, 1 is needed");
  EXPECT_EQ(refused(vectors, seven, f.X, f.Y, f.B),
            begin + text_of_vectors + ": 7 numbers are no whole number of rows of dimension 3");
  EXPECT_EQ(refused(vectors, six, f.X, f.Y, f.B), begin + text_of_vectors + ": 6 rows were given, 5 are needed");
  EXPECT_EQ(refused(R, wide, f.X, f.Y, f.B, f.G), begin + text + ": rows of dimension 2 were given, 1 is needed");
  EXPECT_EQ(refused(R, kf::view{six.data(), M, 1, 0, 1}, f.X, f.Y, f.B, f.G),
            begin + text + ": its strides put several elements in one place, so it cannot be written");
  EXPECT_EQ(four, std::vector<float>(4, 42.f));
  EXPECT_EQ(one, std::vector<float>(1, 42.f));
  EXPECT_EQ(seven, std::vector<float>(7, 42.f));
  EXPECT_EQ(six, std::vector<float>(18, 42.f));
  EXPECT_TRUE(wide == kf::matrix<float>::zeros(M, 2));
}

TEST(arguments, overlap_is_refused) {
  const auto refused = [](auto r, auto out, const auto&... args) -> std::string {
    for (const bool add : {false, true}) {
      try {
        if (add) r.add_to(out, args...);
        else r.into(out, args...);
        return "not thrown";
      } catch (const kf::overlap_error& e) {
        if (add) return e.what();
      }
    }
    return "";
  };
  const std::string end = " lies in the memory that the result is written to";
  sample<float> s;
  EXPECT_EQ(refused(vectors, std::span(s.X), s.X, s.Y, s.B), "argument 0 (x0, Vi<0, 3>) of " + text_of_vectors + end);
  EXPECT_EQ(refused(R, std::span(s.Y).subspan(16, 5), s.X, s.Y, s.B, s.G),
            "argument 1 (y1, Vj<1, 3>) of " + text + end);
  EXPECT_EQ(refused(R, std::span(s.B).subspan(0, 5), s.X, s.Y, s.B, s.G), "argument 2 (y2, Vj<2, 1>) of " + text + end);
  EXPECT_EQ(refused(R, kf::view{s.G.data(), 1, 1}, kf::view{s.X.data(), 1, 3}, s.Y, s.B, s.G),
            "argument 3 (p3, Pm<3, 1>) of " + text + end);
  EXPECT_EQ(s.X, f.X);
  EXPECT_EQ(s.Y, f.Y);
  EXPECT_EQ(s.B, f.B);
  EXPECT_EQ(s.G, f.G);
  // Neighbours in the same structs do not overlap.
  auto both = spread(f.X, M, 4, 1);
  R.into(kf::view{both.data() + 3, M, 1, 4, 1}, kf::view{both.data(), M, 3, 4, 1}, f.Y, f.B, f.G);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(both[std::size_t(4 * i + 3)], expected(i, 0));
}
