// Radial kernels, and powers and norms of distances: their derivatives where points coincide, by closed forms.
#include <kernfold/formula/kernels.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <type_traits>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;

namespace {

constexpr auto x = kf::Vi<0, 1>;
constexpr auto y = kf::Vj<1, 1>;
constexpr auto g = kf::Pm<2, 1>;
using point = kf::vec<double, 2>;

template <class F, class... Values> auto value(F, const Values&... values) {
  return kf::eval_at<std::remove_const_t<F>>(0, 0, values...);
}
double matern(int twice_nu, double r) {
  const double a = std::sqrt(double(twice_nu)) * r;
  return (twice_nu == 3 ? 1 + a : 1 + a + a * a / 3) * std::exp(-a);
}

}  // namespace

TEST(kernels, matern_values) {
  for (const double r : {0., 1e-3, 0.3, 1., 7.}) {
    EXPECT_NEAR(value(kf::kernels::matern<3>(x, y, g), r, 0., 1.)[0], matern(3, r), 1e-15);
    EXPECT_NEAR(value(kf::kernels::matern<5>(x, y, g), 0., r, 1.)[0], matern(5, r), 1e-15);
    EXPECT_NEAR(value(kf::kernels::matern<5>(x, y, g), r, 0., 4.)[0], matern(5, 2 * r), 1e-15);
    EXPECT_NEAR(value(kf::kernels::matern<3>(x, y, g), float(r), 0.f, 1.f)[0], matern(3, r), 2e-7);
  }
}
// d2k / dx dy at x = y is 3 for nu = 3/2 and 5/3 for nu = 5/2.
TEST(kernels, second_derivatives_of_matern_at_coincident_points) {
  const auto mixed = [](auto k) { return grad(grad(k, x), y); };
  constexpr auto k3 = kf::kernels::matern<3>(x, y, g);
  constexpr auto k5 = kf::kernels::matern<5>(x, y, g);
  for (const double p : {0., 0.1, 1e6}) {
    EXPECT_NEAR(value(mixed(k3), p, p, 1.)[0], 3, 1e-14);
    EXPECT_NEAR(value(mixed(k5), p, p, 1.)[0], 5 / 3., 1e-14);
    EXPECT_NEAR(value(mixed(k3), float(p), float(p), 1.f)[0], 3, 1e-6);
    EXPECT_NEAR(value(mixed(k5), float(p), float(p), 2.f)[0], 10 / 3., 2e-6);
    EXPECT_EQ(value(grad(k3, x), p, p, 1.)[0], 0);
    EXPECT_EQ(value(grad(k5, y), p, p, 1.)[0], 0);
    EXPECT_NEAR(value(grad(grad(k5, x), x), p, p, 1.)[0], -5 / 3., 1e-14);
    EXPECT_EQ(value(grad(grad(grad(k5, x), x), y), p, p, 1.)[0], 0);  // odd, hence 0 by symmetry
    EXPECT_EQ(value(grad(grad(grad(k3, x), x), y), p, p, 1.)[0], 0);
    EXPECT_NEAR(value(grad(mixed(k3), g), p, p, 1.)[0], 3, 1e-14);
  }
  // Away from x = y: against differences.
  for (const double r : {1e-2, 0.4, 2.}) {
    const double h = 1e-5;
    for (const int nu : {3, 5}) {
      const double d1 = (matern(nu, r + h) - matern(nu, r - h)) / (2 * h);
      const double d2 = (matern(nu, r + h) - 2 * matern(nu, r) + matern(nu, r - h)) / (h * h);
      const double first = nu == 3 ? value(grad(k3, x), r, 0., 1.)[0] : value(grad(k5, x), r, 0., 1.)[0];
      const double second = nu == 3 ? value(mixed(k3), r, 0., 1.)[0] : value(mixed(k5), r, 0., 1.)[0];
      EXPECT_NEAR(first, d1, 1e-8);
      EXPECT_NEAR(second, -d2, 1e-4);
    }
  }
}
// The Hessian at x = y is 2 f'(0) G for a metric G: a number, a diagonal, or a matrix.
TEST(kernels, metrics) {
  constexpr auto X = kf::Vi<0, 2>;
  constexpr auto Y = kf::Vj<1, 2>;
  constexpr auto u = kf::Vi<3, 2>;
  const point p{0.5, -1.}, q{0.7, 1.}, direction{1., 2.};
  const auto check = [&](auto k, const auto& metric, std::vector<double> expected) {
    const auto h = value(grad(grad(k, X), Y, u), p, p, metric, direction);
    EXPECT_NEAR(h[0], expected[0], 1e-14);
    EXPECT_NEAR(h[1], expected[1], 1e-14);
  };
  check(kf::kernels::matern<3>(X, Y, kf::Pm<2, 1>), 2., {6, 12});
  check(kf::kernels::matern<3>(X, Y, kf::Pm<2, 2>), point{2., 3.}, {6, 18});
  const kf::vec<double, 4> full{2., 0.5, 0.5, 3.};
  check(kf::kernels::matern<3>(X, Y, kf::Pm<2, 4>), full, {3 * (2 + 1.), 3 * (0.5 + 6)});
  check(kf::kernels::matern<5>(X, Y, kf::Vi<2, 4>), full, {5 / 3. * 3, 5 / 3. * 6.5});
  const double q_form = 0.2 * (2 * 0.2 + 0.5 * 2) + 2 * (0.5 * 0.2 + 3 * 2);
  EXPECT_NEAR(value(kf::kernels::matern<5>(X, Y, kf::Vj<2, 4>), p, q, full)[0], matern(5, std::sqrt(q_form)), 1e-15);
}
TEST(kernels, matern_in_a_sum_and_its_gradients) {
  constexpr auto X = kf::Vi<0, 3>;
  constexpr auto Y = kf::Vj<1, 3>;
  constexpr auto k = kf::kernels::matern<5>(X, Y, 2_c);
  constexpr auto sum = kf::sum_reduction(k);
  const std::vector<double> P{0, 0, 0, 1, 2, 3, 0.5, 0, 0.25}, E{1, 1, 1}, U{1, 0, 0, 1, 0, 0, 1, 0, 0};
  const auto a = sum(P, P);
  const auto h = grad(grad(sum, X, kf::Vi<2, 1>), Y, kf::Vi<3, 3>)(P, P, E, U);
  double expected = 0, diagonal = 0;
  for (int j = 0; j < 3; ++j) {
    double d = 0;
    for (int c = 0; c < 3; ++c) d += std::pow(P[std::size_t(c)] - P[std::size_t(3 * j + c)], 2);
    expected += matern(5, std::sqrt(2 * d));
    const double r = std::sqrt(2 * d), E5 = std::exp(-std::sqrt(5.) * r), dx = P[std::size_t(3 * j)];
    diagonal += 10 / 3. * (1 + std::sqrt(5.) * r) * E5 - 25 / 12. * E5 * 16 * dx * dx;
  }
  EXPECT_NEAR(a[0], expected, 1e-14);
  EXPECT_NEAR(h(0, 0), diagonal, 1e-13);
}

// Powers of a distance, at coincident points.
TEST(kernels, powers_of_a_distance_have_no_gradient_at_zero) {
  constexpr auto X = kf::Vi<0, 2>;
  constexpr auto Y = kf::Vj<1, 2>;
  constexpr auto q = kf::Pm<2, 1>;
  constexpr auto u = kf::Vi<3, 2>;
  constexpr auto d = sqdist(X, Y);
  const point p{3., 1.}, direction{1., 2.};
  const auto zeros = [](auto v) { return v[0] == 0 && v[1] == 0; };
  for (const double exponent : {0.25, 0.5, 0.75}) {
    EXPECT_TRUE(zeros(value(grad(powf(d, q), X), p, p, exponent))) << exponent;
    EXPECT_TRUE(zeros(value(grad(powf(d, q), Y), p, p, exponent))) << exponent;
    EXPECT_TRUE(zeros(value(grad(grad(powf(d, q), X), X, u), p, p, exponent, direction))) << exponent;
  }
  for (const double exponent : {1.25, 1.5})
    EXPECT_TRUE(zeros(value(grad(grad(powf(d, q), X), X, u), p, p, exponent, direction)));
  const auto linear = value(grad(grad(powf(d, q), X), X, u), p, p, 1., direction);
  EXPECT_EQ(linear[0], 2);
  EXPECT_EQ(linear[1], 4);
  EXPECT_TRUE(zeros(value(grad(pow<3, 4>(d), X), p, p)));
  EXPECT_TRUE(zeros(value(grad(pow<1, 3>(d), X), p, p)));
  EXPECT_TRUE(zeros(value(grad(grad(pow<3, 4>(d), X), X, u), p, p, 0., direction)));
  EXPECT_TRUE(zeros(value(grad(grad(pow<4, 3>(d), X), X, u), p, p, 0., direction)));
  EXPECT_TRUE(zeros(value(grad(grad(pow<5, 2>(d), X), X, u), p, p, 0., direction)));
  EXPECT_TRUE(zeros(value(grad(norm2(X - Y), X), p, p)));
  EXPECT_TRUE(zeros(value(grad(grad(norm2(X - Y), X), X, u), p, p, 0., direction)));
  // powf(d, 1/2) is as norm2.
  const point away{3.3, 1.4};
  for (const point& other : {p, away}) {
    const auto by_norm = value(grad(grad(norm2(X - Y), X), Y, u), p, other, 0., direction);
    const auto by_power = value(grad(grad(powf(d, q), X), Y, u), p, other, 0.5, direction);
    EXPECT_NEAR(by_norm[0], by_power[0], 1e-12);
    EXPECT_NEAR(by_norm[1], by_power[1], 1e-12);
  }
}
// Every derivative in e of 0^e is 0 for e >= 0; for e < 0 they are infinite, with alternating signs.
TEST(kernels, derivatives_of_powers_in_the_exponent) {
  constexpr auto q = kf::Pm<2, 1>;
  constexpr auto f = powf(x, q);
  constexpr auto first = grad(f, q);
  constexpr auto second = grad(first, q);
  for (const double exponent : {0., 0.5, 1., 3.}) {
    EXPECT_EQ(value(first, 0., 0., exponent)[0], 0) << exponent;
    EXPECT_EQ(value(second, 0., 0., exponent)[0], 0) << exponent;
    EXPECT_EQ(value(grad(second, q), 0., 0., exponent)[0], 0) << exponent;
    EXPECT_TRUE(std::isfinite(value(grad(first, x), 0., 0., exponent)[0])) << exponent;
  }
  EXPECT_EQ(value(first, 0., 0., -0.5)[0], -INFINITY);
  EXPECT_NEAR(value(first, 2., 0., 3.)[0], 8 * std::log(2.), 1e-14);
  EXPECT_NEAR(value(second, 2., 0., -1.)[0], std::pow(std::log(2.), 2) / 2, 1e-15);
}
// 1 / cosh(x)^2 to its last digits, where 1 - tanh(x)^2 has none left.
TEST(kernels, the_slope_of_tanh) {
  for (const float v : {0.f, 1e-4f, 0.5f, 3.f, 7.66f, -7.66f, 15.f, 40.f, 200.f}) {
    const double exact = 1 / std::pow(std::cosh(double(v)), 2), tangent = std::tanh(double(v));
    const double slope = value(grad(tanh(x), x), v)[0], curvature = value(grad(grad(tanh(x), x), x), v)[0];
    EXPECT_NEAR(slope, exact, exact * 1e-5 + 1e-38) << v;
    EXPECT_NEAR(curvature, -2 * exact * tangent, exact * 2e-5 + 1e-38) << v;
    EXPECT_NEAR(value(grad(tanh(x), x), double(v))[0], exact, exact * 1e-13) << v;
  }
}
// The gradient of a norm where it is 0 divides nothing by zero: programs that trap divisions by zero can run.
TEST(kernels, the_gradient_of_a_norm_divides_nothing_by_zero) {
  constexpr auto X = kf::Vi<0, 3>;
  constexpr auto Y = kf::Vj<1, 3>;
  std::vector<float> P(60);
  for (std::size_t n = 0; n < P.size(); ++n) P[n] = float(n % 7);
  const std::vector<float> E(20, 1.f);
  const auto raises_nothing = [](auto compute) {
    std::feclearexcept(FE_ALL_EXCEPT);
    compute();
    return std::fetestexcept(FE_DIVBYZERO | FE_INVALID) == 0;
  };
  for (const auto set : {kf::instruction_set::avx512, kf::instruction_set::avx2, kf::instruction_set::scalar}) {
    if (!kf::is_usable(set)) continue;
    const kf::cpu where{.threads = 1, .instructions = set};
    EXPECT_TRUE(raises_nothing([&] { grad(kf::sum_reduction(norm2(X - Y)), X, kf::Vi<2, 1>).on(where)(P, P, E); }));
    EXPECT_TRUE(
        raises_nothing([&] { grad(kf::sum_reduction(exp(-norm2(X - Y))), Y, kf::Vi<2, 1>).on(where)(P, P, E); }));
    EXPECT_TRUE(raises_nothing(
        [&] { grad(kf::sum_reduction(kf::kernels::matern<3>(X, Y, 1_c)), X, kf::Vi<2, 1>).on(where)(P, P, E); }));
  }
}
