// tests/reference/judge.hpp: how far a computed number may lie from the reference.
//
// Not a tolerance but a ratio: the error in units of the bound that the formula's operations and the length of the sum
// give at this very point. What the library promises is 10; right code stays below 1, and the tests stop at 2, so that
// a loss of accuracy shows early.
#pragma once

#include <cmath>
#include <limits>

#include "quantity.hpp"

namespace reference {

inline constexpr real ratio_limit = 2;

/// |computed - expected| over u error, where results below the smallest normal number may be flushed to zero: `flushes`
/// of them. 0 where both are the same infinity or both NaN, infinity where only one is.
template <class Real> real error_ratio(Real computed, const quantity& expected, real flushes = 1) {
  const real u = std::numeric_limits<Real>::epsilon() / 2;
  const real tiny = flushes * std::numeric_limits<Real>::min(), huge = std::numeric_limits<Real>::max();
  const real c = computed, e = expected.value;
  if (std::isnan(e) || std::isnan(c)) return std::isnan(e) && std::isnan(c) ? 0 : INFINITY;
  const real bound = u * expected.error;
  // What rounds beyond the largest number is infinite.
  if (std::isinf(c) || std::isinf(e))
    return c == e || (std::fabs(e) * (1 + u) + ratio_limit * bound >= huge && std::signbit(c) == std::signbit(e))
               ? 0
               : INFINITY;
  const real error = std::fabs(c - e);
  // A single rounding of the result is always allowed.
  return error <= tiny ? 0 : (error - tiny) / (bound + u * std::fabs(e));
}

}  // namespace reference
