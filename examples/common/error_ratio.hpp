// examples/common/error_ratio.hpp: how large an error is beside what rounding alone explains.
//
// A sum of terms f_j, each the result of a few rounded operations, is off by about
//
//   bound = u (c + g) sum_j |f_j| k_j
//
//   u     half the distance from 1 to the next number: the relative error of one rounded operation
//   c     the operations behind a term, in units of u
//   g     what adding up contributes: roundings go up as often as down, so a partial sum of L terms grows by sqrt(L) u
//   and
//         N / L of them by sqrt(N / L) u more
//   k_j   how much a term magnifies an error of its argument: exp(-t) turns a relative error d of t into t d
//
// error_ratio = |error| / bound: around 1 and below is as good as single precision can be; above 10 something is wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace examples {

template <class Real> class rounding_bound {
 public:
  // A sum of `count` terms of `operations` roundings each.
  rounding_bound(double operations, double count) : factor_(u * (operations + summation(count))) {}

  void add(double term, double magnification) { size_ += std::abs(term) * magnification; }
  double value() const { return factor_ * size_; }
  double ratio(double found, double exact) const { return std::abs(found - exact) / (value() + smallest); }

  static constexpr double u = std::numeric_limits<Real>::epsilon() / 2;

 private:
  static constexpr double smallest = std::numeric_limits<Real>::min();
  static double summation(double count) {
    constexpr double tile = 512;
    return std::sqrt(std::min(count, tile)) + std::sqrt(count / tile);
  }

  double factor_, size_ = 0;
};

}  // namespace examples
