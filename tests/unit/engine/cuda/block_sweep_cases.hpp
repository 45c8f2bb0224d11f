// What the tests of the block's scheme share: points, the comparison with the CPU engine, and the reductions of one
// axis.
#pragma once

#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "emulated_device.hpp"

namespace emulated {

namespace kf = kernfold;

inline constexpr auto x = kf::Vi<0, 3>;
inline constexpr auto y = kf::Vj<1, 3>;
inline constexpr auto b = kf::Vj<2, 1>;
inline constexpr auto g = kf::Pm<3, 1>;
inline constexpr auto F = exp(-square(g) * sqdist(x, y)) * b;

template <class Real> struct cloud {
  std::int64_t M, N;
  std::vector<Real> X, Y, B, G{Real(0.7)}, E, S;
  cloud(std::int64_t rows, std::int64_t columns, int dim = 3)
      : M(rows),
        N(columns),
        X(numbers(dim * M, 1)),
        Y(numbers(dim * N, 2)),
        B(numbers(N, 3)),
        E(numbers(M, 4)),
        S(numbers(1, 5)) {}

 private:
  static std::vector<Real> numbers(std::int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<Real> v(static_cast<std::size_t>(count));
    for (Real& n : v) n = uniform(engine);
    return v;
  }
};

/// The sums of both engines have the same terms, added in another order.
template <class Real>
void expect_near(const kf::matrix<Real>& found, const kf::matrix<Real>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (std::int64_t n = 0; n < found.size(); ++n)
    if (std::isfinite(expected.data()[n])) largest = std::fmax(largest, std::fabs(double(expected.data()[n])));
  for (std::int64_t n = 0; n < found.size(); ++n) {
    const double f = found.data()[n], e = expected.data()[n];
    if (std::isnan(e)) ASSERT_TRUE(std::isnan(f)) << what << ", number " << n << ": " << f;
    else if (std::isinf(e)) ASSERT_EQ(f, e) << what << ", number " << n;
    else ASSERT_NEAR(f, e, 32 * double(std::numeric_limits<Real>::epsilon()) * largest) << what << ", number " << n;
  }
}
template <class... Ms>
void expect_near(const kf::results<Ms...>& found, const kf::results<Ms...>& expected, const std::string& what) {
  [&]<int... Ns>(std::integer_sequence<int, Ns...>) {
    (expect_near(get<Ns>(found), get<Ns>(expected), what + ", result " + std::to_string(Ns)), ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
}

template <class R, class... Args> void check(device d, R r, const Args&... args) {
  const std::string what = std::to_string(d.threads) + " threads, " + std::to_string(d.stretches) + " stretches, " +
                           std::string(to_string(r).c_str());
  const auto found = r.on(d)(args...);
  expect_near(found, r.on(kf::cpu{})(args...), what);
}

/// The same elements, bit by bit: what one of many values is, rounds no sum.
template <class T>
void expect_same(const kf::matrix<T>& found, const kf::matrix<T>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::int64_t n = 0; n < found.size(); ++n) {
    const T f = found.data()[n], e = expected.data()[n];
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(e) && std::isnan(f)) continue;
    ASSERT_EQ(std::memcmp(&f, &e, sizeof f), 0) << what << ", number " << n << ": " << f << " instead of " << e;
  }
}
template <class... Ms>
void expect_same(const kf::results<Ms...>& found, const kf::results<Ms...>& expected, const std::string& what) {
  [&]<int... Ns>(std::integer_sequence<int, Ns...>) {
    (expect_same(get<Ns>(found), get<Ns>(expected), what + ", result " + std::to_string(Ns)), ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
}
template <class R, class... Args> void check_same(device d, R r, const Args&... args) {
  const std::string what = std::to_string(d.threads) + " threads, " + std::to_string(d.stretches) + " stretches, " +
                           std::string(to_string(r).c_str());
  const auto found = r.on(d)(args...);
  expect_same(found, r.on(kf::cpu{})(args...), what);
}

inline constexpr auto distance = sqdist(x, y);
template <kf::axis A>
inline constexpr auto sums =
    fold_all(kf::sum_reduction<A>(F), kf::logsumexp_reduction<A>(-g* distance),
             kf::logsumexp_reduction<A>(-g* distance, b* b), kf::softmax_reduction<A>(-g* distance, y - x));
template <kf::axis A>
inline constexpr auto choices = fold_all(kf::min_reduction<A>(distance), kf::max_reduction<A>(x - y),
                                         kf::argmin_reduction<A>(distance), kf::argmax_reduction<A>(x - y),
                                         kf::kmin_reduction<5, A>(distance), kf::argkmin_reduction<10, A>(distance));

struct shape {
  std::int64_t M, N;
};
// Around a thread's rows, a block of 32 or 33 threads, and a tile of 512 columns.
inline constexpr shape shapes[] = {{0, 5},   {5, 0},  {1, 1},   {1, 511},  {3, 512},
                                   {2, 513}, {31, 7}, {128, 3}, {129, 64}, {133, 1030}};

template <kf::axis A> void check_axis() {
  for (const shape s : shapes) {
    const bool swap = A == kf::axis::i;  // the rows are those of the output
    const cloud<float> c(swap ? s.N : s.M, swap ? s.M : s.N);
    for (const device d : {device{1, 1}, {32, 1}, {33, 2}, {32, 5}}) {
      SCOPED_TRACE(std::to_string(c.M) + " x " + std::to_string(c.N));
      check(d, sums<A>, c.X, c.Y, c.B, c.G);
      check_same(d, choices<A>, c.X, c.Y);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// Less and more than one and two groups of rows, and tiles of columns, of the smaller blocks.
inline constexpr shape long_shapes[] = {{1, 1},     {3, 5},     {127, 511},  {128, 512},
                                        {129, 513}, {513, 255}, {1025, 129}, {129, 1025}};

template <kf::axis A> void check_shape(shape s, std::initializer_list<device> devices) {
  SCOPED_TRACE(std::to_string(s.M) + " x " + std::to_string(s.N));
  const cloud<float> c(s.M, s.N);
  for (const device d : devices) {
    check(d, sums<A>, c.X, c.Y, c.B, c.G);
    check_same(d, choices<A>, c.X, c.Y);
    if (testing::Test::HasFatalFailure()) return;
  }
}

template <kf::axis A> void check_axis_at_length() {
  for (const shape s : long_shapes) check_shape<A>(s, {{32, 1}, {128, 3}});
  check_shape<A>({513, 255}, {{1, 3}, {2, 1}, {31, 3}, {33, 1}, {64, 3}, {127, 1}, {256, 2}});
  check_shape<A>({4100, 33}, {{256, 1}, {1024, 1}});  // the most threads that a block may have
}

}  // namespace emulated
