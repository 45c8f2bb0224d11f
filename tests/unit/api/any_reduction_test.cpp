// A reduction without its formula computes what the reduction itself computes, and says at run time what that one says
// at compile time.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto S = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
constexpr auto N = kf::argkmin_reduction<2>(sqdist(x, y));

template <class Real> std::vector<Real> numbers(std::int64_t count, double step) {
  std::vector<Real> v(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = Real(float(std::sin(step * double(n + 1))));
  return v;
}
constexpr std::int64_t rows = 7, columns = 11;
const auto X = numbers<float>(3 * rows, 0.7), Y = numbers<float>(3 * columns, 1.3), B = numbers<float>(columns, 2.1);
const auto Xd = numbers<double>(3 * rows, 0.7), Yd = numbers<double>(3 * columns, 1.3),
           Bd = numbers<double>(columns, 2.1);

kf::any_reduction<float> gauss() { return S; }
kf::any_reduction<double> gauss_in_double() { return S; }
kf::any_reduction<float> nearest() { return N; }

template <class Error, class F> std::string sentence(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST(any_reduction, is_a_small_value) {
  using any = kf::any_reduction<float>;
  static_assert(sizeof(any) <= 5 * sizeof(void*) && std::is_trivially_copyable_v<any>);
  static_assert(std::is_convertible_v<decltype(S), any> && !std::is_convertible_v<decltype(x), any>);
  static_assert(std::is_same_v<decltype(gauss()(X, Y, B, 1)), kf::matrix<float>>);
  static_assert(std::is_same_v<decltype(nearest().indices(X, Y)), kf::matrix<std::int64_t>>);
  static constexpr any at_compile_time = S;
  EXPECT_TRUE(at_compile_time(X, Y, B, 0.5f) == S(X, Y, B, 0.5f));
  // Reductions of any formula are one type: they can be chosen among.
  const any choices[] = {S, kf::min_reduction(sqdist(x, y)), kf::sum_reduction<kf::axis::both>((x | y) * g)};
  EXPECT_TRUE(choices[1](X, Y) == kf::min_reduction(sqdist(x, y))(X, Y));
  EXPECT_EQ(choices[2](X, Y, 0, 2.f).rows(), 1);
}

TEST(any_reduction, computes_what_the_reduction_does) {
  EXPECT_TRUE(gauss()(X, Y, B, 0.5f) == S(X, Y, B, 0.5f));
  EXPECT_TRUE(gauss_in_double()(Xd, Yd, Bd, 0.5) == S(Xd, Yd, Bd, 0.5));
  EXPECT_TRUE(nearest().indices(X, Y) == N(X, Y));
  const kf::any_reduction<double> slope = grad(S, x);
  const auto E = numbers<double>(rows, 0.3);
  EXPECT_TRUE(slope(Xd, Yd, Bd, 0.5, E) == grad(S, x)(Xd, Yd, Bd, 0.5, E));
  const kf::any_reduction<float> smooth = logsumexp_reduction(-sqdist(x, y)),
                                 its_slope = grad(logsumexp_reduction(-sqdist(x, y)), y);
  EXPECT_TRUE(smooth(X, Y) == logsumexp_reduction(-sqdist(x, y))(X, Y));
  const kf::view incoming{B.data(), rows, 1};
  EXPECT_TRUE(its_slope(X, Y, incoming) == grad(logsumexp_reduction(-sqdist(x, y)), y)(X, Y, incoming));
}

TEST(any_reduction, takes_arrays_as_they_come) {
  const auto expected = S(X, Y, B, 0.5f);
  std::vector<std::array<float, 3>> points(columns);
  for (std::size_t j = 0; j < columns; ++j) points[j] = {Y[3 * j], Y[3 * j + 1], Y[3 * j + 2]};
  EXPECT_TRUE(gauss()(kf::view{X.data(), rows, 3}, points, B, std::array{0.5f}) == expected);
  std::vector<float> upside_down(Y.rbegin(), Y.rend());
  EXPECT_TRUE(gauss()(X, kf::view{&upside_down.back(), columns, 3, -3, -1}, B, 0.5f) == expected);
}

TEST(any_reduction, plain_numbers_convert) {
  const auto expected = S(X, Y, B, 2.f);
  EXPECT_TRUE(gauss()(X, Y, B, 2.0) == expected);
  EXPECT_TRUE(gauss()(X, Y, B, 2) == expected);
  EXPECT_TRUE(gauss()(X, Y, B, 2u) == expected);
  EXPECT_TRUE(gauss()(X, Y, B, std::int8_t(2)) == expected);
  EXPECT_TRUE(gauss()(X, Y, B, 2.0L) == expected);
  EXPECT_TRUE(gauss()(X, Y, B, -2) == S(X, Y, B, -2.f));
  // To the element type of a symbol that has its own.
  const auto chosen = [&](auto element, auto number) {
    constexpr auto p = kf::Pm<0, 1, decltype(element)>;
    const kf::any_reduction<double> r = kf::max_reduction(where(p == kf::column_index, kf::Vj<1, 1>, kf::constant<0>));
    const std::vector<double> values{10, 20, 30, 40};
    return r(number, values)(0, 0);
  };
  EXPECT_EQ(chosen(std::int64_t(), 2), 30);
  EXPECT_EQ(chosen(std::int32_t(), 2.0), 30);
  EXPECT_EQ(chosen(std::int16_t(), 3u), 40);
  EXPECT_EQ(chosen(std::int8_t(), std::int64_t(1)), 20);
  EXPECT_EQ(chosen(std::uint64_t(), 2), 30);
  EXPECT_EQ(chosen(std::uint32_t(), 2.5f), 30);
  EXPECT_EQ(chosen(std::uint16_t(), 3), 40);
  EXPECT_EQ(chosen(std::uint8_t(), 1), 20);
}

TEST(any_reduction, positions_without_a_variable) {
  constexpr auto v = kf::Vj<2, 1>;
  constexpr auto w = kf::Vi<0, 1>;
  constexpr auto R = kf::sum_reduction(v * w);
  const kf::any_reduction<float> any = R;
  const std::vector<float> W{1, 2, 3}, V{4, 5};
  const auto expected = R(w = W, v = V);
  EXPECT_TRUE(any(W, 0, V) == expected);
  EXPECT_TRUE(any(W, X, V) == expected);
  EXPECT_TRUE(any(W, std::vector<double>(5), V) == expected);  // ignored, whatever it is
  EXPECT_EQ(any.argument_count(), 3);
  EXPECT_EQ(any.argument(1).dim, 0);
  const kf::any_reduction<float> alone = kf::sum_reduction(kf::constant<1>);
  EXPECT_EQ(alone.argument_count(), 0);
  EXPECT_EQ(alone()(0, 0), 1);
}

TEST(any_reduction, into_and_add_to) {
  const auto expected = S(X, Y, B, 0.5f);
  std::vector<float> out(rows, 42.f);
  gauss().into(out, X, Y, B, 0.5f);
  for (std::size_t i = 0; i < rows; ++i) EXPECT_EQ(out[i], expected[std::int64_t(i)]);
  gauss().add_to(out, X, Y, B, 0.5f);
  for (std::size_t i = 0; i < rows; ++i) EXPECT_EQ(out[i], 2 * expected[std::int64_t(i)]);
  auto wide = kf::matrix<float>::zeros(rows, 2);
  gauss().into(kf::view{wide.data() + 1, rows, 1, 2, 1}, X, Y, B, 0.5f);
  EXPECT_EQ(wide(3, 0), 0);
  EXPECT_EQ(wide(3, 1), expected[3]);
  std::vector<std::int64_t> indices(2 * rows);
  nearest().into(indices, X, Y);
  const auto neighbours = N(X, Y);
  for (std::size_t n = 0; n < indices.size(); ++n) EXPECT_EQ(indices[n], neighbours[std::int64_t(n)]);
}

TEST(any_reduction, where_it_runs) {
  const auto expected = S(X, Y, B, 0.5f);
  double done = 0;
  const auto somewhere = gauss().on(kf::cpu{.threads = 3, .progress = [&](double share) { done = share; }});
  EXPECT_TRUE(somewhere(X, Y, B, 0.5f) == expected);
  EXPECT_EQ(done, 1);
  std::vector<float> out(rows, 42.f);
  EXPECT_THROW(gauss().on(kf::cpu{.stop = [] { return true; }}).into(out, X, Y, B, 0.5f), kf::stopped);
  EXPECT_EQ(out, std::vector<float>(rows, 42.f));
  somewhere.add_to(out, X, Y, B, 0.5f);
  EXPECT_EQ(out[2], 42.f + expected[2]);
  EXPECT_TRUE(nearest().on(kf::cpu{.threads = 2}).indices(X, Y) == N(X, Y));
}

TEST(any_reduction, says_what_it_is) {
  EXPECT_STREQ(to_string(gauss()).c_str(), "Sum(exp(-p3 |x0 - y1|^2) y2)");
  EXPECT_EQ(gauss().argument_count(), 4);
  const auto p = gauss().argument(3), q = gauss().argument(1);
  EXPECT_TRUE(p.symbol_role == kf::role::parameter && p.position == 3 && p.dim == 1);
  EXPECT_TRUE(q.symbol_role == kf::role::j && q.position == 1 && q.dim == 3);
  EXPECT_TRUE(gauss().argument(0).symbol_role == kf::role::i);
  EXPECT_EQ(gauss().argument(4).dim, 0);
  EXPECT_EQ(gauss().dim(), 1);
  EXPECT_EQ(nearest().dim(), 2);
  EXPECT_TRUE(nearest().gives_indices() && !gauss().gives_indices());
  const kf::any_reduction<float> over_i = kf::sum_reduction<kf::axis::i>(x + y);
  EXPECT_TRUE(gauss().folds() == kf::axis::j && over_i.folds() == kf::axis::i);
  EXPECT_EQ(over_i.dim(), 3);
}

TEST(any_reduction, refuses_what_does_not_fit) {
  const std::string name = "Sum(exp(-p3 |x0 - y1|^2) y2)";
  const auto refusal = [](auto call) { return sentence<kf::shape_error>(call); };
  EXPECT_EQ(refusal([] { gauss()(X, Y, B); }),
            name + ": 3 arguments were given, a call takes 4, one for each position of the formula's variables");
  EXPECT_EQ(refusal([] { gauss()(1); }),
            name + ": 1 argument was given, a call takes 4, one for each position of the formula's variables");
  EXPECT_EQ(refusal([] { gauss()(X, Y, B, 1, 1); }),
            name + ": 5 arguments were given, a call takes 4, one for each position of the formula's variables");
  EXPECT_EQ(refusal([] { gauss()(X, Yd, B, 1); }),
            "argument 1 (y1, Vj<1, 3>) of " + name + ": numbers of double were given, float is needed");
  EXPECT_EQ(refusal([] { gauss_in_double()(Xd, Yd, B, 1); }),
            "argument 2 (y2, Vj<2, 1>) of " + name + ": numbers of float were given, double is needed");
  EXPECT_EQ(refusal([] { gauss()(X, Y, std::vector<std::uint16_t>(columns), 1); }),
            "argument 2 (y2, Vj<2, 1>) of " + name + ": numbers of std::uint16_t were given, float is needed");
  EXPECT_EQ(refusal([] { gauss()(X, Y, 1, 1); }),
            "argument 2 (y2, Vj<2, 1>) of " + name +
                ": a number was given, which only a parameter can be: give an array of one row for each j");
  EXPECT_EQ(refusal([] { gauss()(X, 1, B, 1); }),
            "argument 1 (y1, Vj<1, 3>) of " + name +
                ": a number was given, which only a parameter can be: give an array of one row for each j");
  EXPECT_EQ(refusal([] { gauss()(X, B, B, 1); }),
            "argument 1 (y1, Vj<1, 3>) of " + name + ": 11 numbers are no whole number of rows of dimension 3");
  EXPECT_EQ(refusal([] { gauss().indices(X, Y, B, 1); }),
            "the result of " + name + " holds numbers of float, not indices: call it as (...) or into(out, ...)");
  EXPECT_EQ(
      refusal([] { nearest()(X, Y); }),
      "the result of ArgKMin<2>(|x0 - y1|^2) holds indices, not numbers of float: call indices(...) or into(out, ...)");
  std::vector<float> out(rows, 42.f), fewer(rows - 1), as_weights = B;
  std::vector<std::int64_t> indices(rows, 42);
  EXPECT_EQ(refusal([&] { gauss().into(indices, X, Y, B, 1); }),
            "the memory for the result of " + name + ": numbers of std::int64_t were given, float is needed");
  EXPECT_EQ(
      refusal([&] { nearest().add_to(out, X, Y); }),
      "the memory for the result of ArgKMin<2>(|x0 - y1|^2): numbers of float were given, std::int64_t is needed");
  EXPECT_EQ(refusal([&] { gauss().into(fewer, X, Y, B, 1); }),
            "the memory for the result of " + name + ": 6 rows were given, 7 are needed");
  EXPECT_EQ(refusal([&] { gauss().into(out, X, Yd, B, 1); }),
            "argument 1 (y1, Vj<1, 3>) of " + name + ": numbers of double were given, float is needed");
  EXPECT_EQ(sentence<kf::overlap_error>([&] {
              gauss().into(kf::view{as_weights.data(), rows, 1}, X, Y, as_weights, 1);
            }),
            "argument 2 (y2, Vj<2, 1>) of " + name + " lies in the memory that the result is written to");
  EXPECT_EQ(out, std::vector<float>(rows, 42.f));
  EXPECT_EQ(as_weights, B);
}
