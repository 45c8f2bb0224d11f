// Exact zeros stay exact: what a mask or a selection does not choose contributes 0 to derivatives of any order,
// whatever lies behind it.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;

namespace {

constexpr auto x = kf::Vi<0, 2>;
constexpr auto y = kf::Vj<1, 2>;
constexpr auto s = kf::Vi<0, 1>;
constexpr auto t = kf::Vj<1, 1>;
constexpr auto e = kf::Vi<2, 1>;
constexpr auto u = kf::Vi<3, 2>;
constexpr double inf = std::numeric_limits<double>::infinity();

template <class Real> bool all_finite(const kf::matrix<Real>& m) {
  for (std::int64_t n = 0; n < m.rows() * m.cols(); ++n)
    if (!std::isfinite(m.data()[n])) return false;
  return true;
}
/// A formula's value at a pair of coincident points.
template <class Real, class F> bool is_finite_at_a_point(F) {
  const kf::vec<Real, 2> point{Real(3), Real(1)}, direction{Real(-1), Real(0.5)};
  const auto value = kf::eval_at<F>(7, 7, point, point, Real(1), direction);
  for (int k = 0; k < F::dim; ++k)
    if (!std::isfinite(value[k])) return false;
  return true;
}
/// The gradients and the Hessians times a vector of f(x, y) are finite at x = y.
template <class Real, class F> void expect_finite(F f, const char* what) {
  constexpr auto gx = grad(F{}, x, e);
  EXPECT_TRUE(is_finite_at_a_point<Real>(f)) << what;
  EXPECT_TRUE(is_finite_at_a_point<Real>(gx)) << what;
  EXPECT_TRUE(is_finite_at_a_point<Real>(grad(F{}, y, e))) << what;
  EXPECT_TRUE(is_finite_at_a_point<Real>(grad(gx, x, u))) << what;
  EXPECT_TRUE(is_finite_at_a_point<Real>(grad(gx, y, u))) << what;
}
/// The same through reductions, whose factors leave the sum.
template <class F> void expect_finite_sums(F) {
  constexpr auto sum = kf::sum_reduction(F{});
  const std::vector<double> p{0, 0, 1, 0, 0, 2, 3, 1}, one(4, 1), direction{1, 2, -1, 1, 0.5, 3, 1, 1};
  constexpr auto gx = grad(sum, x, e);
  EXPECT_TRUE(all_finite(gx(p, p, one)));
  EXPECT_TRUE(all_finite(grad(gx, x, u)(p, p, one, direction)));
  EXPECT_TRUE(all_finite(grad(gx, y, u)(p, p, one, direction)));
}
/// f at s, and its first two derivatives.
struct derivatives {
  double value, first, second;
};
template <class F> derivatives at(F, double row) {
  using first = std::remove_const_t<decltype(grad(F{}, s))>;
  return {kf::eval_at<F>(0, 0, row)[0], kf::eval_at<first>(0, 0, row)[0],
          kf::eval_at<std::remove_const_t<decltype(grad(first{}, s))>>(0, 0, row)[0]};
}

}  // namespace

TEST(support, masked_singular_functions_of_distances) {
  constexpr auto d = sqdist(x, y);
  constexpr auto same = kf::row_index == kf::column_index;
  const auto check_one = [](auto f, const char* what) { expect_finite<double>(f, what); };
  const auto check = [&](auto f, const char* what) {
    check_one(where(same, kf::zero<1>, f), what);
    check_one(where(d, f, kf::zero<1>), what);
    check_one(if_else(0.5_c - d, kf::zero<1>, f), what);
    check_one(where(same, kf::zero<1>, f * exp(-d)) + where(d, kf::zero<1> + square(f), kf::zero<1>), what);
    check_one(where(same, kf::zero<1>, f) * where(same, kf::zero<1>, sqnorm2(x)) / (1_c + sqnorm2(x)), what);
  };
  check(inv(norm2(x - y)), "1/r");
  check(log(d), "log d");
  check(pow<-3, 2>(d), "d^(-3/2)");
  expect_finite<float>(where(same, kf::zero<1>, inv(norm2(x - y))), "1/r in single precision");
  expect_finite<float>(where(kf::zero<1> < d, inv(d), 1_c), "1/d in single precision");
  expect_finite_sums(where(same, kf::zero<1>, inv(norm2(x - y))));
  expect_finite_sums(where(same, kf::zero<1>, inv(d) * sqnorm2(x)));
}
// A sub-formula shared by two masks: its adjoint is a sum, which is 0 where neither was chosen.
TEST(support, a_singular_formula_shared_by_two_masks) {
  constexpr auto r = inv(s);
  constexpr auto f = where(1_c < s, r, kf::zero<1>) + where(2_c < s, r * r, kf::zero<1>);
  const auto zero = at(f, 0);
  EXPECT_EQ(zero.value, 0);
  EXPECT_EQ(zero.first, 0);
  EXPECT_EQ(zero.second, 0);
  const auto there = at(f, 4);
  EXPECT_NEAR(there.value, 0.25 + 1 / 16., 1e-15);
  EXPECT_NEAR(there.first, -1 / 16. - 2 / 64., 1e-15);
  EXPECT_NEAR(there.second, 2 / 64. + 6 / 256., 1e-15);
}
TEST(support, derivatives_of_kinks_are_masks) {
  EXPECT_EQ(at(relu(log(s)), 0).first, 0);
  EXPECT_EQ(at(relu(log(s)), 0).second, 0);
  EXPECT_EQ(at(relu(log(s)), 2).first, 0.5);
  EXPECT_EQ(at(relu(-inv(s)), 0).second, 0);
  EXPECT_EQ(at(step(log(s)) * s, 0).first, 0);
  EXPECT_EQ(at(abs(sqrt(s)), 0).first, 0);
  EXPECT_EQ(at(abs(s), -2).first, -1);
  EXPECT_EQ(at(abs(s), 2).first, 1);
  EXPECT_EQ(at(abs(s), 0).first, 0);
  EXPECT_EQ(at(abs(s * s * s), -2).second, 12);
  // An adjoint that is infinite where abs, relu or a mask has slope 0.
  EXPECT_EQ(at(sqrt(relu(s)), -1).first, 0);
  EXPECT_EQ(at(inv(relu(s)), -1).first, 0);
  EXPECT_EQ(at(log(relu(s)), -1).first, 0);
  EXPECT_EQ(at(log(abs(where(s < 0_c, kf::zero<1>, s))), -1).first, 0);
}
TEST(support, components_of_singular_vectors) {
  const kf::vec<double, 2> p{4., 0.};
  const auto gradient = [&](auto f) { return kf::eval_at<std::remove_const_t<decltype(grad(f, x))>>(0, 0, p); };
  const auto first = gradient(kf::elem<0>(log(x)));
  EXPECT_EQ(first[0], 0.25);
  EXPECT_EQ(first[1], 0);
  const auto cut = gradient(kf::sum(kf::extract<0, 1>(inv(x))));
  EXPECT_EQ(cut[0], -1 / 16.);
  EXPECT_EQ(cut[1], 0);
  const auto joined = gradient(kf::elem<0>(concat(sqrt(x), inv(x))));
  EXPECT_EQ(joined[0], 0.25);
  EXPECT_EQ(joined[1], 0);
  const auto masked = gradient(kf::sum(where(x, log(x), kf::zero<2>)));
  EXPECT_EQ(masked[0], 0.25);
  EXPECT_EQ(masked[1], 0);
}
// A condition with a component for each term of a contraction masks each of them.
TEST(support, vector_conditions_into_contractions) {
  constexpr auto A = kf::Pm<0, 4>;
  constexpr auto v = kf::Vi<1, 2>;
  constexpr auto c = kf::Vi<2, 2>;
  const kf::vec<double, 4> matrix{1., 2., 3., 4.}, singular{inf, inf, 3., 4.};
  const kf::vec<double, 2> V{0., 2.}, C{0., 1.}, ones{1., 1.};
  const auto check = [](auto value, std::vector<double> expected, const char* what) {
    for (std::size_t k = 0; k < expected.size(); ++k)
      EXPECT_EQ(value[int(k)], expected[k]) << what << ", component " << k;
  };
  const auto in = [&](auto variable, auto f, const auto& a, const auto& b) {
    return kf::eval_at<std::remove_const_t<decltype(grad(f, variable))>>(0, 0, a, b, C);
  };
  constexpr auto product = kf::sum(where(c, matvecmult(A, v), kf::zero<2>));
  check(in(A, product, matrix, V), {0, 0, 0, 2}, "matvecmult in its matrix");
  check(in(v, product, singular, V), {3, 4}, "matvecmult in its vector, beside an infinite row");
  constexpr auto in_powers = kf::sum(where(c, matvecmult(A, inv(v)), kf::zero<2>));
  check(in(A, in_powers, matrix, ones), {0, 0, 1, 1}, "matvecmult in its matrix");
  constexpr auto left = kf::sum(where(c, vecmatmult(v, A), kf::zero<2>));
  const kf::vec<double, 4> column{inf, 2., inf, 4.};
  check(in(v, left, column, V), {2, 4}, "vecmatmult in its vector, beside an infinite column");
  check(in(A, left, matrix, V), {0, 0, 0, 2}, "vecmatmult in its matrix");
  constexpr auto outer = kf::sum(where(concat(c, c), tensorprod(v, log(v)), kf::zero<4>));
  const double l = std::log(2.);
  check(in(v, outer, matrix, V), {l, l + 1 + 0}, "tensorprod");
  // A scalar condition, and a vector that is infinite where it does not hold.
  constexpr auto w = kf::Vi<1, 1>;
  constexpr auto f = where(0_c < w, kf::elem<0>(matvecmult(A, inv(w * kf::Vj<2, 2>))), kf::zero<1>);
  check(kf::eval_at<std::remove_const_t<decltype(grad(f, A))>>(0, 0, matrix, 0., ones), {0, 0, 0, 0}, "in A");
  check(kf::eval_at<std::remove_const_t<decltype(grad(f, w))>>(0, 0, matrix, 0., ones), {0}, "in w");
}
TEST(support, is_read_off_the_form) {
  using kf::detail::support;
  constexpr auto c = s < t;
  using everywhere = kf::Constant<1>;
  static_assert(std::is_same_v<support<std::remove_const_t<decltype(s * t)>>, everywhere>);
  static_assert(std::is_same_v<support<decltype(where(c, s, kf::zero<1>))>, std::remove_const_t<decltype(c)>>);
  static_assert(std::is_same_v<support<decltype(where(c, s, kf::zero<1>) + where(c, t, kf::zero<1>))>,
                               std::remove_const_t<decltype(c)>>);
  static_assert(std::is_same_v<support<decltype(where(c, s, kf::zero<1>) + t)>, everywhere>);
  static_assert(std::is_same_v<support<kf::Zero<3>>, kf::Zero<1>>);
}

TEST(support, kmin_of_a_formula_that_is_singular_elsewhere) {
  constexpr auto f = inv(norm2(x - y));
  constexpr auto r = kf::kmin_reduction<2>(f);
  const std::vector<double> X{0, 0}, Y{0, 0, 1, 0, 0, 2, 3, 0}, E{1, 1};
  const auto g = grad(r, x, kf::Vi<2, 2>)(X, Y, E);  // 1/3 and 1/2 are the least; the coincident column is not chosen
  EXPECT_NEAR(g(0, 0), 1 / 9., 1e-15);
  EXPECT_NEAR(g(0, 1), 1 / 4., 1e-15);
  const auto gy = grad(r, y, kf::Vi<2, 2>)(X, Y, E);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(gy[k], 0) << k;
  EXPECT_NEAR(gy(3, 0), -1 / 9., 1e-15);
  const auto least = grad(kf::min_reduction(f), x, e)(X, Y, std::vector{1.});
  EXPECT_NEAR(least(0, 0), 1 / 9., 1e-15);
}

TEST(support, weights_of_zero_in_a_logsumexp) {
  constexpr auto w = kf::Vj<2, 1>;
  constexpr auto d = sqdist(s, t);
  const std::vector<double> S{0}, T{0, 1, 2}, W{1, 0, 2}, E{1};
  constexpr auto r = kf::logsumexp_reduction(-d, w);
  const double lse = r(S, T, W)(0, 0);
  const auto g = grad(r, w, kf::Vi<3, 1>)(S, T, W, E);
  for (int j = 0; j < 3; ++j) EXPECT_NEAR(g[j], std::exp(-j * j - lse), 1e-14) << j;
  // A column that does not count may be singular.
  constexpr auto singular = kf::logsumexp_reduction(inv(t - s), w);
  const auto gs = grad(singular, s, kf::Vi<3, 1>)(S, T, std::vector<double>{0, 1, 2}, E);
  const double a = std::exp(1.), b = 2 * std::exp(0.5);
  EXPECT_NEAR(gs[0], (a + b / 4) / (a + b), 1e-14);
  EXPECT_EQ(grad(singular, t, kf::Vi<3, 1>)(S, T, std::vector<double>{0, 1, 2}, E)[0], 0);
}
TEST(support, excluded_and_infinite_logits) {
  constexpr auto logits = kf::Vj<0, 1>;
  constexpr auto values = kf::Vj<1, 1>;
  constexpr auto soft = kf::softmax_reduction(where(kf::Vi<2, 1> < 0_c, logits * kf::Vi<3, 1>, logits), values);
  const std::vector<double> none(3, -inf), V{1, 2, 3}, R{1}, one{1};
  for (const auto& g : {grad(soft, logits, kf::Vi<4, 1>)(none, V, R, one, std::vector{0.}),
                        grad(soft, values, kf::Vi<4, 1>)(none, V, R, one, std::vector{0.})})
    for (int j = 0; j < 3; ++j) EXPECT_EQ(g[j], 0) << j;
  constexpr auto plain = kf::softmax_reduction(logits, values);
  EXPECT_TRUE(std::isnan(plain(none, V)[0]));
  EXPECT_EQ(plain.with(kf::empty_is_zero)(none, V)[0], 0);
  const auto g0 = grad(plain.with(kf::empty_is_zero), logits, kf::Pm<2, 1>)(none, V, 1.);
  for (int j = 0; j < 3; ++j) EXPECT_EQ(g0[j], 0) << j;
  constexpr auto lse = kf::logsumexp_reduction(logits);
  const std::vector<double> one_infinite{1, inf, 2};
  const auto g1 = grad(lse, logits, kf::Pm<2, 1>)(logits = one_infinite, kf::Pm<2, 1> = 1.);
  EXPECT_EQ(g1[0], 0);
  EXPECT_EQ(g1[1], 1);
  EXPECT_EQ(g1[2], 0);
  const auto g2 = grad(plain, values, kf::Pm<2, 1>)(one_infinite, V, 1.);
  EXPECT_EQ(g2[0], 0);
  EXPECT_EQ(g2[1], 1);
  EXPECT_EQ(g2[2], 0);
  EXPECT_EQ(plain(one_infinite, V)[0], 2);
}
