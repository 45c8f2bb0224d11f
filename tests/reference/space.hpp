// tests/reference/space.hpp: arrays for reductions over some of the pairs, and what one row of a result should be.
#pragma once

#include <kernfold/core/matrix.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace reference {

/// Numbers from -1 to 1.
template <class Real> kernfold::matrix<Real> numbers(std::uint32_t seed, std::int64_t rows, std::int64_t cols) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  kernfold::matrix<Real> m(rows, cols);
  for (Real& v : m) v = Real(uniform(random));
  return m;
}
/// Some rows of an array.
template <class Real>
kernfold::matrix<Real> gather(const kernfold::matrix<Real>& from, const std::vector<std::int64_t>& rows) {
  kernfold::matrix<Real> m(std::int64_t(rows.size()), from.cols());
  for (std::int64_t r = 0; r < m.rows(); ++r)
    for (std::int64_t k = 0; k < m.cols(); ++k) m(r, k) = from(rows[std::size_t(r)], k);
  return m;
}
/// x_i, y_j, b_j and e_i.
template <class Real> struct arrays {
  kernfold::matrix<Real> X, Y, B, E;
  arrays(std::int64_t M, std::int64_t N)
      : X(numbers<Real>(11, M, 3)),
        Y(numbers<Real>(12, N, 3)),
        B(numbers<Real>(13, N, 2)),
        E(numbers<Real>(14, M, 2)) {}
};
/// Row `row` of a result beside the only one of a dense result, whose columns were gathered from `places`.
template <class T>
void expect_close(const kernfold::matrix<T>& found, std::int64_t row, const kernfold::matrix<T>& wanted,
                  const std::vector<std::int64_t>& places) {
  ASSERT_EQ(found.cols(), wanted.cols());
  for (std::int64_t k = 0; k < found.cols(); ++k) {
    if constexpr (std::is_integral_v<T>) {
      EXPECT_EQ(found(row, k), wanted(0, k) < 0 ? -1 : places[std::size_t(wanted(0, k))]) << "row " << row;
    } else if (std::isfinite(wanted(0, k))) {
      const double tolerance = double(std::numeric_limits<T>::epsilon()) * (8 + double(places.size()));
      EXPECT_NEAR(double(found(row, k)), double(wanted(0, k)), tolerance) << "row " << row;
    } else {
      EXPECT_EQ(found(row, k), wanted(0, k)) << "row " << row;
    }
  }
}

}  // namespace reference
