// The scalar lane: errors against the C library in a longer format, and special arguments.
#include <kernfold/core/math.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>

namespace {

namespace math = kernfold::math;

template <class Real> using longer = std::conditional_t<std::is_same_v<Real, float>, double, long double>;

/// |got - exact| in units of the last place that Real has at `exact`; 0 where both are NaN or the same infinity.
template <class Real> double error_in_ulp(Real got, longer<Real> exact) {
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) && std::isnan(got) ? 0 : 1e30;
  using limits = std::numeric_limits<Real>;
  const Real nearest = static_cast<Real>(exact);
  if (std::isinf(nearest) || std::isinf(got)) {
    // the last number before infinity and infinity itself are neighbours
    if (got == nearest) return 0;
    const longer<Real> above = std::ldexp(longer<Real>(1), limits::max_exponent);
    const longer<Real> g = std::isinf(got) ? std::copysign(above, longer<Real>(got)) : longer<Real>(got);
    const longer<Real> e = std::isinf(exact) ? 2 * std::copysign(above, exact) : exact;
    return static_cast<double>(std::abs(g - e) / std::ldexp(longer<Real>(1), limits::max_exponent - limits::digits));
  }
  const int exponent = exact == 0 ? limits::min_exponent : std::max(std::ilogb(exact) + 1, limits::min_exponent);
  return static_cast<double>(std::abs(longer<Real>(got) - exact) /
                             std::ldexp(longer<Real>(1), exponent - limits::digits));
}

template <class Real> struct worst {
  double error = 0;
  Real x = 0, y = 0;
  void see(double e, Real a, Real b = 0) {
    if (!(e <= error)) error = e, x = a, y = b;
  }
};
template <class Real> std::ostream& operator<<(std::ostream& out, const worst<Real>& w) {
  return out << w.error << " ulp at " << std::hexfloat << w.x << ", " << w.y << std::defaultfloat;
}

template <class Real> Real from_bits(std::uint64_t bits) {
  Real r;
  std::memcpy(&r, &bits, sizeof(Real));
  return r;
}
template <class Real> std::uint64_t bits_of(Real x) {
  std::uint64_t r = 0;
  std::memcpy(&r, &x, sizeof(Real));
  return r;
}

/// f(x) for numbers spread over all bit patterns between lo and hi (0 <= lo < hi), and their negatives where `both`.
template <class Real, class F> void sweep(Real lo, Real hi, int count, bool both, F f) {
  const std::uint64_t first = bits_of(lo), last = bits_of(hi);
  std::mt19937_64 random(1);
  for (int i = 0; i <= count; ++i) {
    const std::uint64_t step = (last - first) / count;
    const Real x = from_bits<Real>(std::min(last, first + i * step + (i > 0 && i < count ? random() % step : 0)));
    f(x);
    if (both) f(-x);
  }
}

template <class Real> constexpr Real inf = std::numeric_limits<Real>::infinity();
template <class Real> constexpr Real nan_value = std::numeric_limits<Real>::quiet_NaN();
template <class Real> constexpr Real least_normal = std::numeric_limits<Real>::min();
template <class Real> constexpr Real tiny = std::numeric_limits<Real>::denorm_min();
template <class Real> constexpr Real huge_value = std::numeric_limits<Real>::max();

template <class Real> class math_functions : public testing::Test {};
using reals = testing::Types<float, double>;
TYPED_TEST_SUITE(math_functions, reals);

constexpr int many = 400'000;

/// The largest error of f against g on [lo, hi] (and its mirror image); below the least normal number both count as 0.
template <class Real, class F, class G> worst<Real> largest_error(Real lo, Real hi, bool both, F f, G g) {
  worst<Real> w;
  sweep<Real>(lo, hi, many, both, [&](Real x) {
    const longer<Real> exact = g(longer<Real>(x));
    if (std::abs(exact) < least_normal<Real> && std::abs(f(x)) <= least_normal<Real>) return;
    w.see(error_in_ulp(f(x), exact), x);
  });
  return w;
}

TYPED_TEST(math_functions, exp2) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::exp2(x); };
  const auto w = largest_error<Real>(0, inf<Real>, true, f, [](longer<Real> x) { return std::exp2(x); });
  const auto m = largest_error<Real>(Real(0.25), Real(1100), true, f, [](longer<Real> x) { return std::exp2(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, (std::is_same_v<Real, float> ? 2.2 : 1.2)) << w;
  EXPECT_LT(m.error, (std::is_same_v<Real, float> ? 2.2 : 1.2)) << m;
  EXPECT_EQ(f(inf<Real>), inf<Real>);
  EXPECT_EQ(f(-inf<Real>), 0);
  EXPECT_TRUE(std::isnan(f(nan_value<Real>)));
  EXPECT_EQ(f(Real(-0.0)), 1);
  for (int n = std::numeric_limits<Real>::min_exponent - 1; n < std::numeric_limits<Real>::max_exponent; ++n) {
    EXPECT_EQ(f(Real(n)), std::ldexp(Real(1), n));
    if (n <= 0) {
      EXPECT_EQ(math::exp2_nonpositive(Real(n)), std::ldexp(Real(1), n));
    }
  }
  EXPECT_EQ(math::exp2_nonpositive(-inf<Real>), 0);
  EXPECT_TRUE(std::isnan(math::exp2_nonpositive(nan_value<Real>)));
  sweep<Real>(0, -Real(std::numeric_limits<Real>::min_exponent - 1), many, false,
              [&](Real x) { ASSERT_EQ(f(-x), math::exp2_nonpositive(-x)) << x; });
}

TYPED_TEST(math_functions, exp) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::exp(x); };
  const auto w = largest_error<Real>(0, inf<Real>, true, f, [](longer<Real> x) { return std::exp(x); });
  const auto m = largest_error<Real>(Real(0.25), Real(720), true, f, [](longer<Real> x) { return std::exp(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, 1.0) << w;
  EXPECT_LT(m.error, 1.0) << m;
  EXPECT_EQ(f(inf<Real>), inf<Real>);
  EXPECT_EQ(f(-inf<Real>), 0);
  EXPECT_TRUE(std::isnan(f(nan_value<Real>)));
  EXPECT_EQ(f(0), 1);
}

TYPED_TEST(math_functions, log) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::log(x); };
  const auto w =
      largest_error<Real>(tiny<Real>, huge_value<Real>, false, f, [](longer<Real> x) { return std::log(x); });
  const auto m = largest_error<Real>(Real(0.5), Real(2), false, f, [](longer<Real> x) { return std::log(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, 1.0) << w;
  EXPECT_LT(m.error, 1.0) << m;
  for (const Real zero : {Real(0.0), Real(-0.0)}) EXPECT_EQ(f(zero), -inf<Real>);
  EXPECT_EQ(f(inf<Real>), inf<Real>);
  EXPECT_EQ(f(1), 0);
  for (const Real x : {-tiny<Real>, Real(-1), -inf<Real>, nan_value<Real>}) EXPECT_TRUE(std::isnan(f(x))) << x;
}

TYPED_TEST(math_functions, log2) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::log2(x); };
  const auto w =
      largest_error<Real>(tiny<Real>, huge_value<Real>, false, f, [](longer<Real> x) { return std::log2(x); });
  const auto m = largest_error<Real>(Real(0.5), Real(2), false, f, [](longer<Real> x) { return std::log2(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, 1.3) << w;
  EXPECT_LT(m.error, 1.3) << m;
  for (int n = std::numeric_limits<Real>::min_exponent - std::numeric_limits<Real>::digits;
       n < std::numeric_limits<Real>::max_exponent; ++n)
    EXPECT_EQ(f(std::ldexp(Real(1), n)), n);
  for (const Real zero : {Real(0.0), Real(-0.0)}) EXPECT_EQ(f(zero), -inf<Real>);
  EXPECT_EQ(f(inf<Real>), inf<Real>);
  for (const Real x : {-tiny<Real>, Real(-1), -inf<Real>, nan_value<Real>}) EXPECT_TRUE(std::isnan(f(x))) << x;
}

TYPED_TEST(math_functions, rsqrt) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::rsqrt(x); };
  const auto w =
      largest_error<Real>(tiny<Real>, huge_value<Real>, false, f, [](longer<Real> x) { return 1 / std::sqrt(x); });
  const auto m = largest_error<Real>(Real(1), Real(4), false, f, [](longer<Real> x) { return 1 / std::sqrt(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, 1.5) << w;
  EXPECT_LT(m.error, 1.0) << m;
  EXPECT_EQ(f(Real(0.0)), inf<Real>);
  EXPECT_EQ(f(Real(-0.0)), -inf<Real>);
  EXPECT_EQ(f(inf<Real>), 0);
  for (const Real x : {-tiny<Real>, Real(-1), -inf<Real>, nan_value<Real>}) EXPECT_TRUE(std::isnan(f(x))) << x;
}

TYPED_TEST(math_functions, sin_and_cos) {
  using Real = TypeParam;
  const auto s = [](Real x) { return math::sin(x); };
  const auto c = [](Real x) { return math::cos(x); };
  for (const Real limit : {Real(10), Real(1e5), Real(1e9), huge_value<Real>}) {
    const auto ws = largest_error<Real>(tiny<Real>, limit, true, s, [](longer<Real> x) { return std::sin(x); });
    const auto wc = largest_error<Real>(tiny<Real>, limit, true, c, [](longer<Real> x) { return std::cos(x); });
    std::cout << ws << "; " << wc << "\n";
    EXPECT_LT(ws.error, 1.5) << ws;
    EXPECT_LT(wc.error, 1.5) << wc;
  }
  // next to the multiples of pi / 2, where the result is small
  worst<Real> ws, wc;
  for (int n = -60'000; n <= 60'000; ++n) {
    const Real x = static_cast<Real>(n * (longer<Real>(std::acos(-1.0L)) / 2));
    ws.see(error_in_ulp(s(x), std::sin(longer<Real>(x))), x);
    wc.see(error_in_ulp(c(x), std::cos(longer<Real>(x))), x);
  }
  EXPECT_LT(ws.error, 1.5) << ws;
  EXPECT_LT(wc.error, 1.5) << wc;
  EXPECT_EQ(bits_of(s(Real(-0.0))), bits_of(Real(-0.0)));
  EXPECT_EQ(c(Real(0)), 1);
  for (const Real x : {inf<Real>, -inf<Real>, nan_value<Real>}) EXPECT_TRUE(std::isnan(s(x)) && std::isnan(c(x))) << x;
}

TYPED_TEST(math_functions, tanh) {
  using Real = TypeParam;
  const auto f = [](Real x) { return math::tanh(x); };
  const auto w = largest_error<Real>(tiny<Real>, inf<Real>, true, f, [](longer<Real> x) { return std::tanh(x); });
  const auto m = largest_error<Real>(Real(0.01), Real(12), true, f, [](longer<Real> x) { return std::tanh(x); });
  std::cout << w << "; " << m << "\n";
  EXPECT_LT(w.error, 2.6) << w;
  EXPECT_LT(m.error, 2.6) << m;
  EXPECT_EQ(bits_of(f(Real(-0.0))), bits_of(Real(-0.0)));
  EXPECT_EQ(f(inf<Real>), 1);
  EXPECT_EQ(f(-inf<Real>), -1);
  EXPECT_TRUE(std::isnan(f(nan_value<Real>)));
}

TYPED_TEST(math_functions, pow) {
  using Real = TypeParam;
  worst<Real> w;
  std::mt19937_64 random(3);
  for (int i = 0; i < many; ++i) {
    std::uniform_real_distribution<double> unit(0, 1);
    // results all over the range, bases near 1 and far from it
    const Real x = static_cast<Real>(std::exp2((unit(random) - 0.5) * (i % 3 == 0 ? 200 : i % 3 == 1 ? 4 : 0.01)));
    const double reach = std::numeric_limits<Real>::max_exponent * 1.1;
    const Real y = static_cast<Real>((unit(random) - 0.5) * 2 * reach / (std::abs(std::log2(double(x))) + 1e-9));
    const longer<Real> exact = std::pow(longer<Real>(x), longer<Real>(y));
    if (exact < least_normal<Real>) {
      EXPECT_LE(math::pow(x, y), least_normal<Real>);
      continue;
    }
    w.see(error_in_ulp(math::pow(x, y), exact), x, y);
  }
  std::cout << w << "\n";
  EXPECT_LT(w.error, (std::is_same_v<Real, float> ? 1.0 : 1.5)) << w;
  const Real special[] = {0,
                          Real(-0.0),
                          1,
                          -1,
                          Real(0.5),
                          Real(-0.5),
                          2,
                          -2,
                          3,
                          -3,
                          Real(1.5),
                          Real(-1.5),
                          4,
                          -4,
                          Real(1e30),
                          Real(-1e30),
                          inf<Real>,
                          -inf<Real>,
                          nan_value<Real>,
                          huge_value<Real>,
                          least_normal<Real>,
                          2 * tiny<Real>,
                          -2 * tiny<Real>,
                          Real((std::int64_t{1} << std::numeric_limits<Real>::digits) - 1)};
  for (const Real x : special)
    for (const Real y : special) {
      const Real got = math::pow(x, y), expected = std::pow(x, y);
      if (std::isnan(expected)) EXPECT_TRUE(std::isnan(got)) << x << ' ' << y;
      else if (std::abs(expected) < least_normal<Real>) EXPECT_LE(std::abs(got), least_normal<Real>) << x << ' ' << y;
      else EXPECT_LE(error_in_ulp<Real>(got, expected), 1.5) << x << ' ' << y;
      EXPECT_TRUE(std::isnan(got) || std::signbit(got) == std::signbit(expected)) << x << ' ' << y;
    }
}

TYPED_TEST(math_functions, powers_by_constant_integers) {
  using Real = TypeParam;
  const Real x = Real(1.25);
  EXPECT_EQ(math::ipow<0>(x), 1);
  EXPECT_EQ(math::ipow<1>(x), x);
  EXPECT_EQ(math::ipow<5>(x), x * x * x * x * x);
  EXPECT_EQ(math::ipow<-2>(Real(4)), Real(1) / 16);
}

TYPED_TEST(math_functions, primitives) {
  using Real = TypeParam;
  EXPECT_EQ(math::fma(Real(2), Real(3), Real(4)), 10);
  EXPECT_EQ(math::fnma(Real(2), Real(3), Real(4)), -2);
  EXPECT_EQ(math::fms(Real(2), Real(3), Real(4)), 2);
  const Real e = std::numeric_limits<Real>::epsilon();
  EXPECT_EQ(math::fma(1 + e, 1 - e, Real(-1)), -e * e);  // one rounding
  EXPECT_EQ(math::min(Real(1), nan_value<Real>), 1);
  EXPECT_EQ(math::max(Real(1), nan_value<Real>), 1);
  EXPECT_TRUE(std::isnan(math::min(nan_value<Real>, Real(1))));
  EXPECT_TRUE(std::isnan(math::max(nan_value<Real>, Real(1))));
  EXPECT_EQ(math::round(Real(2.5)), 2);
  EXPECT_EQ(math::floor(Real(-0.5)), -1);
  EXPECT_EQ(math::trunc(Real(-1.5)), -1);
  EXPECT_EQ(math::abs(Real(-3)), 3);
  EXPECT_EQ(math::copysign(Real(3), Real(-0.0)), -3);
  EXPECT_EQ(math::from_bits<Real>(math::to_bits(Real(0.1))), Real(0.1));
  EXPECT_EQ(math::largest<Real>(), huge_value<Real>);
  EXPECT_EQ(math::infinity<Real>(), inf<Real>);
  EXPECT_EQ(math::iota<Real>(7), 7);
  EXPECT_EQ(math::lane_count<Real>, 1);
}

/// A number with a derivative: a type that joins by argument-dependent lookup alone.
struct dual {
  double value, slope;
  friend KERNFOLD_HD dual exp(dual x) { return {math::exp(x.value), math::exp(x.value) * x.slope}; }
  friend KERNFOLD_HD dual fma(dual a, dual b, dual c) {
    return {a.value * b.value + c.value, a.value * b.slope + a.slope * b.value + c.slope};
  }
  friend KERNFOLD_HD bool operator<(dual a, dual b) { return a.value < b.value; }
  friend KERNFOLD_HD dual select(bool m, dual a, dual b) { return m ? a : b; }
};
TEST(other_types, join_by_lookup) {
  const dual x{0, 3};
  EXPECT_EQ(math::exp(x).slope, 3);
  EXPECT_EQ(math::fma(x, x, x).slope, 3);
  EXPECT_EQ(math::select(x < dual{1, 0}, x, dual{1, 0}).slope, 3);
}

}  // namespace
