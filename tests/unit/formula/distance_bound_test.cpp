// The bound of a distance, pair by pair: whatever the distance, it passes every threshold that the distance is below.
#include <kernfold/formula/distance_bound.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

namespace {

template <class Real, int D> struct vector {
  static constexpr int dim = D;
  Real at[D];
  Real operator()(int k) const { return at[k]; }
};

template <class Real, int D> struct bounded_pair {
  vector<Real, D> u, v, origin{};

  static Real square(const vector<Real, D>& f) { return kf::SqNorm2::component<Real>(0, f); }
  vector<Real, D> from_origin(const vector<Real, D>& f) const {
    vector<Real, D> difference;
    for (int k = 0; k < D; ++k) difference.at[k] = f(k) - origin(k);
    return difference;
  }
  Real distance() const { return kf::SqDist::component<Real>(0, u, v); }
  /// |a|^2 + |b|^2
  Real size() const { return square(from_origin(u)) + square(from_origin(v)); }
  bool passes(Real threshold) const {
    const vector<Real, D> a = from_origin(u), b = from_origin(v);
    vector<Real, D> twice;
    for (int k = 0; k < D; ++k) twice.at[k] = -2 * a(k);
    const auto columns = [&](int) { return kf::LoweredSquare<D>::eval(square(b)); };
    return kf::AddScalprod::component<Real>(0, columns, twice, b) < threshold - kf::LoweredSquare<D>::eval(square(a));
  }
};

template <class Real, int D> class bound_check {
 public:
  /// v is u, but for relative differences of about 2^(-closeness), and signs. The origin is zero, or of their size.
  void at_scale(int exponent, int spread, int closeness) {
    for (int n = 0; n < 4000; ++n) {
      bounded_pair<Real, D> pair;
      const int mine = exponent + spread_of(spread);
      for (int k = 0; k < D; ++k) {
        pair.u.at[k] = std::ldexp(uniform_(engine_), mine + spread_of(spread));
        pair.v.at[k] = pair.u(k) * (1 + std::ldexp(uniform_(engine_), -closeness));
        if (closeness == 0 && engine_() % 2) pair.v.at[k] = -pair.v(k);
        if (n % 2) pair.origin.at[k] = std::ldexp(uniform_(engine_), mine);
      }
      const Real distance = pair.distance(), above = std::nextafter(distance, std::numeric_limits<Real>::infinity());
      if (!(distance < std::numeric_limits<Real>::infinity())) continue;
      ++count_;
      ASSERT_TRUE(pair.passes(above)) << "a distance of " << distance << " at scale 2^" << exponent << ", " << D
                                      << " dimensions";
      // not by letting everything pass
      const Real size = pair.size();
      const Real loose = 3 * kf::detail::distance_margin<Real, D> * size;
      if (size > std::ldexp(Real(1), sizeof(Real) == 4 ? -60 : -900) && size < kf::detail::largest_square<Real> &&
          distance > loose) {
        ASSERT_FALSE(pair.passes(distance - loose)) << distance << " of " << size;
        ++excluded_;
      }
    }
  }
  int count_ = 0, excluded_ = 0;

 private:
  int spread_of(int spread) { return spread > 0 ? int(engine_() % unsigned(spread)) : 0; }
  std::mt19937 engine_{7};
  std::uniform_real_distribution<Real> uniform_{-1, 1};
};

template <class Real, int D> void check_scales() {
  constexpr bool single = sizeof(Real) == 4;
  const kf::flush_subnormals guard;  // as some devices do, and the CPU engine
  bound_check<Real, D> check;
  const std::vector<int> exponents = single
                                         ? std::vector{-75, -64, -63, -62, -60, -50, -20, 0, 20, 58, 59, 60, 61, 62, 63}
                                         : std::vector{-530, -512, -511, -480, 0, 100, 498, 499, 500, 501, 510, 511};
  for (const int exponent : exponents)
    for (const int spread : {0, 1, 4})
      for (const int closeness : {0, 1, 6, 10, 12, single ? 20 : 45}) check.at_scale(exponent, spread, closeness);
  EXPECT_GT(check.count_, 100'000);
  EXPECT_GT(check.excluded_, 20'000);
  EXPECT_LT((kf::detail::distance_margin<Real, D>), (32 + 8 * D) * std::numeric_limits<Real>::epsilon());
}

}  // namespace

TEST(distance_bound, passes_what_is_below_in_single_precision) {
  check_scales<float, 1>();
  check_scales<float, 3>();
  check_scales<float, 16>();
}
TEST(distance_bound, passes_what_is_below_in_double_precision) {
  check_scales<double, 1>();
  check_scales<double, 3>();
}
TEST(distance_bound, is_of_what_a_device_keeps_the_least_of) {
  using device = std::integral_constant<bool, true>;
  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto exists = [](auto f, auto bounds) {
    return kf::detail::distance_bound<decltype(f), kf::lowering{.bounds_distances = decltype(bounds)::value}>::exists;
  };
  EXPECT_TRUE(exists(sqdist(x, y), device{}));
  EXPECT_TRUE(exists(sqdist(y, x), device{}));
  EXPECT_TRUE(exists(sqdist(kf::constant<2> * x, y), device{}));
  EXPECT_FALSE(exists(sqdist(x, kf::constant<2> * y), device{}));  // an origin is read from an array
  EXPECT_FALSE(exists(sqdist(kf::Vi<0, 33>, kf::Vj<1, 33>), device{}));
  EXPECT_FALSE(exists(exp(sqdist(x, y)), device{}));
  EXPECT_FALSE(exists(sqdist(x, y), std::integral_constant<bool, false>{}));
}
