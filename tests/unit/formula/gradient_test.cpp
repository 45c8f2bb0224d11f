// Derivatives of composed formulas: singular points, masks, second and third order, sharing.
#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/print.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <reference/judge.hpp>
#include <reference/one_pair.hpp>
#include <reference/reduce.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;
using namespace reference;
using namespace kf::literals;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

constexpr kf::variable<kf::role::i, 0, 1> x;
constexpr kf::variable<kf::role::i, 1, 3> v;
constexpr kf::variable<kf::role::j, 2, 1> y;
constexpr kf::variable<kf::role::j, 3, 3> w;

/// F where all components of the row's variables are `at_row`, and those of the column's 3.
template <class F> double at(F f, double at_row) {
  arrays data;
  data.at[0] = {1, {at_row}};
  data.at[1] = {3, {at_row, at_row, at_row}};
  data.at[2] = {1, {3}};
  data.at[3] = {3, {3, 3, 3}};
  return static_cast<double>(computed<double>(f, data).at(0));
}
/// dF/dx, and dF_k/dv_k summed over k at the first component
template <class F> double slope(F f, double at_row) { return at(kf::grad(f, x), at_row); }

}  // namespace

TEST(gradient, at_points_where_functions_have_kinks_or_poles) {
  EXPECT_EQ(slope(sqrt(x), 0), 0);
  EXPECT_EQ(slope(rsqrt(x), 0), 0);
  EXPECT_EQ(slope(abs(x), 0), 0);
  EXPECT_EQ(slope(sign(x), 0), 0);
  EXPECT_EQ(slope(relu(x), 0), 1);
  EXPECT_EQ(slope(relu(x), -1), 0);
  EXPECT_EQ(slope(step(x), 0), 0);
  EXPECT_EQ(slope(if_else(x, 5_c * x, 7_c * x), 0), 5);
  EXPECT_EQ(slope(if_else(x, 5_c * x, 7_c * x), -1), 7);
  EXPECT_EQ(slope(inv(x), 0), -inf);
  EXPECT_EQ(slope(log(x), 0), inf);
  EXPECT_EQ(slope(kf::pow<3>(x), 0), 0);
  EXPECT_EQ(slope(kf::pow<3, 2>(x), 0), 0);
  EXPECT_EQ(slope(kf::pow<1, 3>(x), 0), 0);
  EXPECT_EQ(at(kf::grad(kf::powf(x, y), x), 0), 0);  // 3 * 0^2
  EXPECT_EQ(at(kf::grad(kf::powf(x, y), y), 0), 0);  // the limit of log(x) x^3
}

TEST(gradient, of_norms_is_zero_at_zero) {
  EXPECT_EQ(at(kf::grad(norm2(v), v), 0), 0);
  EXPECT_EQ(at(kf::grad(normalize(v), v, kf::constant<1>), 0), 0);
  EXPECT_EQ(at(kf::grad(exp(-norm2(v - w)), v), 3), 0);                  // the Laplace kernel at x = y
  EXPECT_EQ(at(kf::grad(kf::elem<0>(kf::grad(norm2(v), v)), v), 0), 0);  // its second derivative
}

TEST(gradient, of_what_is_not_chosen_is_an_exact_zero) {
  EXPECT_EQ(slope(if_else(x, sqrt(x), 0_c), -1), 0);
  EXPECT_EQ(slope(if_else(-x, 0_c * x, log(x)), -1), 0);
  EXPECT_EQ(slope(where(x > 0_c, log(x), x), -1), 1);
  EXPECT_EQ(slope(where(kf::row_index == kf::column_index, 2_c * x, inv(x)), 0), 2);
  // twice: the mask goes first in each derivative
  EXPECT_EQ(at(kf::grad(kf::grad(where(x > 0_c, log(x), square(x)), x), x), 0), 2);
  EXPECT_EQ(at(kf::grad(kf::grad(if_else(x - 1_c, sqrt(x), square(x)), x), x), 0), 2);
}

TEST(value, of_special_arguments) {
  EXPECT_EQ(at(sqrt(x), 0), 0);
  EXPECT_TRUE(std::isnan(at(sqrt(x), -1)));
  EXPECT_EQ(at(rsqrt(x), 0), 0);
  EXPECT_EQ(at(rsqrt(x), inf), 0);
  EXPECT_EQ(at(normalize(v), 0), 0);
  EXPECT_EQ(at(inv(x), 0), inf);
  EXPECT_EQ(at(log(x), 0), -inf);
  EXPECT_TRUE(std::isnan(at(log(x), -1)));
  EXPECT_EQ(at(exp(x), -inf), 0);
  EXPECT_EQ(at(exp(x), inf), inf);
  EXPECT_EQ(at(exp(x * y), -inf), 0);
  EXPECT_EQ(at(tanh(x), -inf), -1);
  EXPECT_EQ(at(abs(x), -inf), inf);
  EXPECT_EQ(at(sign(x), 0), 0);
  EXPECT_TRUE(std::isnan(at(sign(x), not_a_number)));
  EXPECT_EQ(at(step(x), 0), 1);
  EXPECT_EQ(at(step(x), not_a_number), 1);
  EXPECT_TRUE(std::isnan(at(relu(x), not_a_number)));
  EXPECT_EQ(at(relu(x), -inf), 0);
  EXPECT_EQ(at(if_else(x, y, 5_c), 0), 3);
  EXPECT_EQ(at(if_else(x, y, 5_c), not_a_number), 5);
  EXPECT_EQ(at(where(x, y, 5_c), 0), 5);
  EXPECT_EQ(at(where(x, y, 5_c), not_a_number), 3);
  EXPECT_EQ(at(x == x, not_a_number), 0);
  EXPECT_EQ(at(x != x, not_a_number), 1);
  EXPECT_EQ(at(x < y, not_a_number), 0);
  EXPECT_EQ(at(x >= y, not_a_number), 0);
  EXPECT_EQ(at(kf::pow<3>(x), -2), -8);
  EXPECT_EQ(at(kf::pow<-3>(x), -2), -0.125);
  EXPECT_EQ(at(kf::pow<3, 2>(x), 0), 0);
  EXPECT_EQ(at(kf::powf(x, y), 0), 0);
}

namespace {

/// All second derivatives of a scalar formula by two vectors A and B: d_B d_A F = (d_A d_B F)^T.
template <class F, class A, class B> void expect_symmetric_hessian(F f, A a, B b) {
  constexpr kf::variable<kf::role::i, 8, A::dim> along_a;
  constexpr kf::variable<kf::role::i, 9, B::dim> along_b;
  const auto mixed = kf::grad(dot(kf::grad(f, a), along_a), b);    // a formula of b's dimension
  const auto swapped = kf::grad(dot(kf::grad(f, b), along_b), a);  // of a's
  sampler numbers(3);
  arrays data;
  data.at[1] = numbers.generic(3);
  data.at[3] = numbers.generic(3);
  data.at[4] = numbers.positive(1);
  for (int k = 0; k < A::dim; ++k)
    for (int l = 0; l < B::dim; ++l) {
      data.at[8] = direction_like({A::dim, std::vector<real>(A::dim)}, k);
      data.at[9] = direction_like({B::dim, std::vector<real>(B::dim)}, l);
      const quantity one = value(mixed, data).at(l), other = value(swapped, data).at(k);
      EXPECT_NEAR(static_cast<double>(one.value), static_cast<double>(other.value),
                  1e-18 * static_cast<double>(one.error + other.error))
          << kf::to_string(f).c_str() << k << l;
      EXPECT_LE(error_ratio(static_cast<double>(computed<double>(mixed, data).at(l)), one), ratio_limit);
    }
}
constexpr kf::variable<kf::role::parameter, 4, 1> g;

}  // namespace

TEST(gradient, second_derivatives_are_symmetric) {
  expect_symmetric_hessian(exp(-g * sqdist(v, w)), v, v);
  expect_symmetric_hessian(exp(-g * sqdist(v, w)), v, w);
  expect_symmetric_hessian(exp(-g * sqdist(v, w)), w, g);
  expect_symmetric_hessian(norm2(v - w) * log(g + sqnorm2(v)), v, w);
  expect_symmetric_hessian(tanh((v | w) / g) * sum(sin(v) * w), v, v);
  expect_symmetric_hessian(sum(matvecmult(tensorprod(v, w), normalize(v))), v, w);
}

namespace {

/// Numbers for the Gaussian below.
arrays gaussian_data() {
  sampler numbers(4);
  arrays data;
  data.at[1] = numbers.generic(3);
  data.at[2] = numbers.generic(1);
  data.at[3] = numbers.generic(3);
  data.at[4] = numbers.positive(1);
  for (int p = 5; p < 9; ++p) data.at[p] = numbers.generic(3);
  data.at[9] = numbers.generic(1);
  return data;
}

template <class F> void expect_library_near_reference(F f, const arrays& data) {
  const values expected = value(f, data);
  const auto in_float = computed<float>(f, data);
  const auto in_double = computed<double>(f, data);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_LE(error_ratio(static_cast<float>(in_float[k]), expected[k]), ratio_limit) << kf::to_string(f).c_str();
    EXPECT_LE(error_ratio(static_cast<double>(in_double[k]), expected[k]), ratio_limit) << kf::to_string(f).c_str();
  }
}

}  // namespace

// The third derivative of a Gaussian against its closed form: with d = x - y, G = b exp(-g |d|^2),
//   D^3 G(u, s, t) = G (-8 g^3 (d|u)(d|s)(d|t) + 4 g^2 ((u|s)(d|t) + (u|t)(d|s) + (s|t)(d|u)))
TEST(gradient, third_derivative_of_a_gaussian) {
  constexpr kf::variable<kf::role::i, 5, 3> u;
  constexpr kf::variable<kf::role::i, 6, 3> s;
  constexpr kf::variable<kf::role::i, 7, 3> t;
  constexpr auto G = exp(-g * sqdist(v, w)) * y;
  constexpr auto first = dot(kf::grad(G, v), u);
  constexpr auto second = dot(kf::grad(first, v), s);
  constexpr auto third = dot(kf::grad(second, v), t);
  constexpr auto d = v - w;
  constexpr auto expected = G * (-8_c * kf::pow<3>(g) * (d | u) * (d | s) * (d | t) +
                                 4_c * square(g) * ((u | s) * (d | t) + (u | t) * (d | s) + (s | t) * (d | u)));
  const arrays data = gaussian_data();
  EXPECT_NEAR(static_cast<double>(value(third, data)[0].value), static_cast<double>(value(expected, data)[0].value),
              1e-14);
  expect_library_near_reference(first, data);
  expect_library_near_reference(second, data);
  expect_library_near_reference(third, data);
  expect_library_near_reference(kf::diff(kf::diff(kf::diff(G, v, u), v, s), v, t), data);
}

// What repeats in a formula is one node of its gradient: 2^12 products of x, but 13 nodes, have 40 nodes of gradient.
TEST(gradient, grows_with_the_distinct_nodes) {
  constexpr auto twice = [](auto f) { return sin(f) * f; };
  constexpr auto F = twice(twice(twice(twice(twice(twice(x))))));
  using formula = std::remove_const_t<decltype(F)>;
  constexpr int nodes = kf::nodes_of<formula>::size;
  constexpr int with_gradient = kf::nodes_of<formula, decltype(kf::grad(F, x))>::size;
  EXPECT_EQ(nodes, 13);
  EXPECT_LE(with_gradient, 5 * nodes);
  sampler numbers(5);
  arrays data;
  data.at[0] = numbers.positive(1);
  arrays moving = data;
  moving.direction[0] = {1, {1}};
  EXPECT_NEAR(static_cast<double>(value(kf::grad(F, x), data)[0].value),
              static_cast<double>(value(F, moving)[0].derivative), 1e-16);
}

TEST(gradient, of_what_does_not_depend_on_a_variable_is_zero) {
  static_assert(std::is_same_v<kf::detail::bare<decltype(kf::grad(exp(v), x, v))>, kf::Zero<1>>);
  static_assert(std::is_same_v<kf::detail::bare<decltype(kf::grad(kf::row_index + kf::column_index, v))>, kf::Zero<3>>);
  static_assert(std::is_same_v<kf::detail::bare<decltype(kf::diff(exp(v), x, y))>, kf::Zero<3>>);
  static_assert(std::is_same_v<kf::detail::bare<decltype(kf::grad(v < w, v, v))>, kf::Zero<3>>);
  SUCCEED();
}

// A user's operation brings its rule and takes part in everything.
namespace {
struct softplus : kf::elementwise<softplus> {
  template <class T> KERNFOLD_HD static T eval(T a) { return kf::math::log(T(1) + kf::math::exp(a)); }
  static constexpr auto gradient(auto f, auto g) { return g / (1_c + exp(-f)); }
};
}  // namespace
TEST(gradient, of_a_users_operation) {
  const double expected = 1 / (1 + std::exp(-0.75));
  EXPECT_NEAR(slope(softplus{}(x), 0.75), expected, 1e-15);
  EXPECT_NEAR(at(kf::grad(sum(softplus{}(v)*w), v), 0.75), 3 * expected, 1e-15);
  EXPECT_NEAR(at(kf::diff(softplus{}(square(x)), x, y), 0.75), 4.5 / (1 + std::exp(-0.5625)), 1e-14);
}
