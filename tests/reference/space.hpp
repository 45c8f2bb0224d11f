// tests/reference/space.hpp: arrays for reductions over some of the pairs, and what one row of a result should be.
#pragma once

#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <algorithm>
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
/// The greatest difference of two matrices, of the greatest size of an element; beyond all bounds for different shapes.
template <class T> double distance(const kernfold::matrix<T>& a, const kernfold::matrix<T>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols() || a.batch() != b.batch()) return 1e30;
  double most = 0, size = 0;
  for (std::int64_t n = 0; n < a.batch() * a.rows() * a.cols(); ++n) {
    most = std::max(most, std::abs(double(a.data()[n]) - double(b.data()[n])));
    size = std::max(size, std::abs(double(a.data()[n])));
  }
  return most / (size > 0 ? size : 1);
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
/// Row by row: what a dense reduction makes of the row's own columns, columns_of(i).
template <class Real, class R, class Space, class ColumnsOf>
void expect_rows(R r, const Space& space, std::int64_t M, std::int64_t N, ColumnsOf columns_of) {
  const arrays<Real> a(M, N);
  const auto found = r.over(space)(a.X, a.Y, a.B);
  ASSERT_EQ(found.rows(), M);
  for (std::int64_t i = 0; i < M; ++i) {
    const std::vector<std::int64_t> columns = columns_of(i);
    expect_close(found, i, r(gather(a.X, {i}), gather(a.Y, columns), gather(a.B, columns)), columns);
  }
}
/// The same bits whatever the instruction set and the number of threads; call(where) computes.
template <class Call> void expect_same_bits(Call call) {
  const auto wanted = call(kernfold::cpu{.threads = 1});
  for (const auto set :
       {kernfold::instruction_set::scalar, kernfold::instruction_set::avx2, kernfold::instruction_set::avx512})
    for (const int threads : {1, 3}) {
      if (!kernfold::is_usable(set)) continue;
      const auto found = call(kernfold::cpu{.threads = threads, .instructions = set});
      for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_EQ(found[n], wanted[n]);
    }
}

}  // namespace reference
