// Derivatives of reductions as users call them, and several reductions in one call.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 2>;
constexpr auto y = kf::Vj<1, 2>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto F = exp(-g * sqdist(x, y)) * b;
constexpr auto R = sum_reduction(F);

constexpr std::int64_t M = 6, N = 9;
std::vector<double> numbers(std::int64_t count, double step) {
  std::vector<double> v(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = std::sin(step * double(n + 1));
  return v;
}
const std::vector<double> X = numbers(2 * M, 0.7), Y = numbers(2 * N, 1.3), B = numbers(N, 2.1), G{0.75},
                          E = numbers(M, 3.7), U = numbers(2 * M, 0.9);

/// (E . R) as each number of one array moves, by differences.
template <class Pulled>
void expect_derivative(const kf::matrix<double>& gradient, std::vector<double> moving, Pulled pulled) {
  ASSERT_EQ(gradient.size(), std::int64_t(moving.size()));
  for (std::size_t n = 0; n < moving.size(); ++n) {
    const double h = 1e-5, at = moving[n];
    moving[n] = at + h;
    const double above = pulled(moving);
    moving[n] = at - h;
    const double below = pulled(moving);
    moving[n] = at;
    EXPECT_NEAR(gradient[std::int64_t(n)], (above - below) / (2 * h), 1e-8) << "number " << n;
  }
}
double dot_with_E(const kf::matrix<double>& a) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += a[i] * E[std::size_t(i)];
  return sum;
}

void expect_near(const kf::matrix<double>& a, const kf::matrix<double>& c) {
  ASSERT_EQ(a.rows(), c.rows());
  ASSERT_EQ(a.cols(), c.cols());
  for (std::int64_t n = 0; n < a.size(); ++n) EXPECT_NEAR(a[n], c[n], 1e-14 * (1 + std::fabs(c[n])));
}

}  // namespace

TEST(gradient, of_a_sum_by_differences) {
  const auto [dx, dy, db, dg] = backward(R, x, y, b, g)(X, Y, B, G, E);
  expect_derivative(dx, X, [](const auto& moved) { return dot_with_E(R(moved, Y, B, G)); });
  expect_derivative(dy, Y, [](const auto& moved) { return dot_with_E(R(X, moved, B, G)); });
  expect_derivative(db, B, [](const auto& moved) { return dot_with_E(R(X, Y, moved, G)); });
  expect_derivative(dg, G, [](const auto& moved) { return dot_with_E(R(X, Y, B, moved)); });
  EXPECT_EQ(dx.rows(), M);
  EXPECT_EQ(dx.cols(), 2);
  EXPECT_EQ(dy.rows(), N);
  EXPECT_EQ(db.cols(), 1);
  EXPECT_EQ(dg.rows(), 1);
}

TEST(gradient, backward_is_the_single_gradients) {
  const auto [dx, dy, db, dg] = backward(R, x, y, b, g)(X, Y, B, G, E);
  expect_near(dx, grad(R, x)(X, Y, B, G, E));
  expect_near(dy, grad(R, y)(X, Y, B, G, E));
  expect_near(db, grad(R, b)(X, Y, B, G, E));
  expect_near(dg, grad(R, g)(X, Y, B, G, E));
  // One variable gives one matrix.
  static_assert(std::is_same_v<decltype(backward(R, y)(X, Y, B, G, E)), kf::matrix<double>>);
}

TEST(gradient, of_the_incoming_gradient_given) {
  constexpr auto e = kf::Vi<4, 1>;
  static_assert(std::is_same_v<decltype(grad(R, x)), decltype(grad(R, x, e))>);
  EXPECT_TRUE(grad(R, x, e)(x = X, y = Y, b = B, g = G, e = E) == grad(R, x)(X, Y, B, G, E));
  // At a position of one's own, or made of the call's variables.
  expect_near(grad(R, x, kf::constant<1>)(X, Y, B, G), grad(R, x)(X, Y, B, G, std::vector<double>(M, 1.0)));
  expect_near(grad(R, x, x | x)(X, Y, B, G), [] {
    std::vector<double> squares;
    for (std::size_t i = 0; i < M; ++i) squares.push_back(X[2 * i] * X[2 * i] + X[2 * i + 1] * X[2 * i + 1]);
    return grad(R, x)(X, Y, B, G, squares);
  }());
}

TEST(gradient, of_logsumexp) {
  constexpr auto L = logsumexp_reduction(-g * sqdist(x, y));
  static_assert(decltype(L)::signature::size == 3);
  constexpr auto e = kf::Vi<4, 1>;
  expect_derivative(grad(L, x, e)(x = X, y = Y, g = G, e = E), X,
                    [&](const auto& moved) { return dot_with_E(L(x = moved, y = Y, g = G)); });
}

TEST(gradient, of_a_gradient) {
  // d/dx of u . grad(R, x): the Hessian's product, symmetric.
  constexpr auto first = grad(R, x);
  constexpr auto u = kf::Vi<5, 2>;
  const auto along = [&](const std::vector<double>& moved) {
    const auto a = first(moved, Y, B, G, E);
    double sum = 0;
    for (std::int64_t n = 0; n < a.size(); ++n) sum += a[n] * U[std::size_t(n)];
    return sum;
  };
  expect_derivative(grad(first, x, u)(X, Y, B, G, E, U), X, along);
}

TEST(gradient, diff_of_a_sum) {
  constexpr auto u = kf::Vi<4, 2>;
  const auto forward = diff(R, x, u)(X, Y, B, G, U);
  ASSERT_EQ(forward.rows(), M);
  ASSERT_EQ(forward.cols(), 1);
  const auto moved = [](double h) {
    std::vector<double> all = X;
    for (std::size_t n = 0; n < all.size(); ++n) all[n] += h * U[n];
    return R(all, Y, B, G);
  };
  const auto above = moved(1e-5), below = moved(-1e-5);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_NEAR(forward(i, 0), (above(i, 0) - below(i, 0)) / 2e-5, 1e-8);
}

// Forward mode of every reduction, along rows, columns and a parameter.
template <class Reduction> void expect_diff(Reduction r) {
  constexpr auto of_rows = kf::Vi<4, 2>;
  constexpr auto of_columns = kf::Vj<4, 2>;
  constexpr auto of_all = kf::Pm<4, 1>;
  const auto check = [&](const auto& found, const std::vector<double>& kept, const std::vector<double>& along,
                         const auto& call) {
    const auto moved = [&](double h) {
      std::vector<double> all = kept;
      for (std::size_t n = 0; n < all.size(); ++n) all[n] += h * along[n];
      return call(all);
    };
    const auto above = moved(1e-5), below = moved(-1e-5);
    ASSERT_EQ(found.size(), above.size());
    for (std::int64_t n = 0; n < found.size(); ++n) EXPECT_NEAR(found[n], (above[n] - below[n]) / 2e-5, 1e-8);
  };
  const std::vector<double> V = numbers(2 * N, 0.3), one{1.0};
  check(diff(r, x, of_rows)(X, Y, B, G, U), X, U, [&](const auto& all) { return r(all, Y, B, G); });
  check(diff(r, y, of_columns)(X, Y, B, G, V), Y, V, [&](const auto& all) { return r(X, all, B, G); });
  check(diff(r, g, of_all)(X, Y, B, G, one), G, one, [&](const auto& all) { return r(X, Y, B, all); });
}
TEST(gradient, diff_of_every_reduction) {
  constexpr auto distance = g * sqdist(x, y) + square(b);
  expect_diff(sum_reduction<kf::axis::i>(F));
  expect_diff(sum_reduction<kf::axis::both>(F));
  expect_diff(logsumexp_reduction(-distance));
  expect_diff(logsumexp_reduction(-distance, square(b)));
  expect_diff(softmax_reduction(-distance, y));
  expect_diff(min_reduction(distance));
  expect_diff(max_reduction<kf::axis::i>(distance));
  expect_diff(kf::kmin_reduction<3>(distance));
}

TEST(gradient, fold_all_is_the_single_reductions) {
  constexpr auto distance = sqdist(x, y);
  constexpr auto rows = sum_reduction(F);
  constexpr auto columns = max_reduction<kf::axis::i>(distance);
  constexpr auto whole = sum_reduction<kf::axis::both>(distance);
  constexpr auto nearest = kf::argkmin_reduction<2>(distance);
  constexpr auto least = argmin_reduction<kf::axis::i>(distance);
  constexpr auto all = fold_all(rows, columns, whole, nearest, least);
  const auto results = all(X, Y, B, G);
  const auto& [r, c, w, n, l] = results;
  static_assert(std::tuple_size_v<std::remove_const_t<decltype(results)>> == 5);
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(n)>, kf::matrix<std::int64_t>>);
  expect_near(r, rows(X, Y, B, G));
  expect_near(c, columns(X, Y));
  expect_near(w, whole(X, Y));
  EXPECT_TRUE(n == nearest(X, Y));
  EXPECT_TRUE(l == least(X, Y));
  EXPECT_EQ(c.rows(), N);
  EXPECT_EQ(w.rows(), 1);
  EXPECT_EQ(
      std::string(to_string(all).c_str()),
      "Sum(exp(-p3 |x0 - y1|^2) y2), Max(|x0 - y1|^2), Sum(|x0 - y1|^2), ArgKMin<2>(|x0 - y1|^2), ArgMin(|x0 - y1|^2)");
}

TEST(gradient, results_keep_const) {
  constexpr auto two = fold_all(min_reduction(sqdist(x, y)), argmin_reduction(sqdist(x, y)));
  auto both = two(X, Y);
  auto& [value, index] = both;
  static_assert(std::is_same_v<decltype(value), kf::matrix<double>>);
  static_assert(std::is_same_v<decltype(get<1>(both)), kf::matrix<std::int64_t>&>);
  value(0, 0) = 42;  // a binding of a result that may change changes it
  EXPECT_EQ(get<0>(both)(0, 0), 42);
  const auto fixed = two(X, Y);
  static_assert(std::is_same_v<decltype(get<0>(fixed)), const kf::matrix<double>&>,
                "a const result was handed out to be changed");
  const auto& [a, i] = fixed;
  static_assert(std::is_same_v<decltype(a), const kf::matrix<double>>);
  static_assert(std::is_same_v<decltype(get<0>(two(X, Y))), kf::matrix<double>>);
  EXPECT_EQ(i.rows(), M);
}
