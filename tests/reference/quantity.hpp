// tests/reference/quantity.hpp: what the independent evaluator computes with.
//
// Each quantity carries its value, its derivative along the direction that the point of evaluation names, and a bound
// on what rounding may do to it in working precision, in units of the unit roundoff u:
//   |computed - value| <= u error
// to first order, where every operation adds its own rounding to what its arguments bring along.
#pragma once

#include <cmath>
#include <vector>

namespace reference {

using real = long double;

struct quantity {
  real value = 0, derivative = 0, error = 0;
};
using values = std::vector<quantity>;

/// What a function of one argument makes of it: value v, slope dv/da, and `ulps` roundings of its own.
inline quantity smooth(const quantity& a, real v, real slope, real ulps) {
  // What is exactly zero stays so, also times infinity: nothing moves there, or nothing is felt of it.
  const real moved = a.derivative == 0 ? 0 : slope * a.derivative;
  const real brought = a.error == 0 || slope == 0 ? 0 : std::fabs(slope) * a.error;
  return {v, moved, brought + ulps * std::fabs(v)};
}
/// The same for two arguments.
inline quantity smooth(const quantity& a, const quantity& b, real v, real slope_a, real slope_b, real ulps) {
  const quantity left = smooth(a, v, slope_a, ulps), right = smooth(b, v, slope_b, 0);
  return {v, left.derivative + right.derivative, left.error + right.error};
}

inline quantity operator+(const quantity& a, const quantity& b) { return smooth(a, b, a.value + b.value, 1, 1, 1); }
inline quantity operator-(const quantity& a, const quantity& b) { return smooth(a, b, a.value - b.value, 1, -1, 1); }
inline quantity operator*(const quantity& a, const quantity& b) {
  return smooth(a, b, a.value * b.value, b.value, a.value, 1);
}
inline quantity operator/(const quantity& a, const quantity& b) {
  const real v = a.value / b.value;
  return smooth(a, b, v, 1 / b.value, -v / b.value, 1);
}

/// A sum of n terms in any order: each partial sum rounds.
inline quantity total(const values& terms) {
  quantity sum;
  real magnitude = 0;
  for (const quantity& t : terms) {
    sum.value += t.value;
    sum.derivative += t.derivative;
    sum.error += t.error;
    magnitude += std::fabs(t.value);
  }
  sum.error += magnitude * static_cast<real>(terms.size() > 1 ? terms.size() - 1 : 0);
  return sum;
}

}  // namespace reference
