// kernfold/core/math.hpp: mathematics on lanes. One algorithm per function, the same bits on every instruction set.
#pragma once

#include "config.hpp"
#include "lane_math.hpp"

KERNFOLD_STRICT_BEGIN
/// Every product that is added to something is an fma *by name*, every function has one polynomial per precision, and
/// nothing uses the processors' estimates: a lane's result has the same bits whatever the instruction set.
///
/// Largest error found by the tests, in units in the last place of the exact result:
///
///   function         float   double   where
///   exp2             2.2     1.2      results below the least normal number: see flush_subnormals in pack.hpp
///   exp              1.0     1.0      likewise
///   log              1.0     1.0      subnormals included
///   log2             1.3     1.3      likewise
///   rsqrt            1.0     1.0      1.5 for subnormals
///   sin, cos         1.5     1.5      all finite arguments
///   tanh             2.6     2.6
///   pow              1.0     1.5      special cases as std::pow; results as for exp2
///   sqrt, fma        0.5     0.5
///
/// On a CUDA device all of them are CUDA's own functions, but for exp2 in single precision, which is the processor's
/// instruction.
namespace kernfold::math {

inline namespace KERNFOLD_ABI {

/// 2^t
template <class T> KERNFOLD_HD_LAYER auto exp2(T t) {
  if constexpr (detail::on_device<T>) return detail::library::exp2(t);
  else if constexpr (detail::lanes<T>) return detail::exp2<false>(t);
  else return exp2(t);
}
/// 2^t where t <= 0 is known.
template <class T> KERNFOLD_HD_LAYER auto exp2_nonpositive(T t) {
  if constexpr (detail::lanes<T> && !detail::on_device<T>) return detail::exp2<true>(t);
  else return exp2(t);
}
/// 1 / x to be multiplied with. Also where that lies below the least normal number: a product with it may not. On the
/// host, whose subnormal results are flushed, it is put together there.
template <class T> KERNFOLD_HD_LAYER T reciprocal(T x) {
  if constexpr (detail::lanes<T> && !detail::on_device<T>) return detail::reciprocal(x);
  else return T(1) / x;
}
template <class T> KERNFOLD_HD_LAYER auto exp(T x) {
  if constexpr (detail::on_device<T>) return detail::library::exp(x);
  else if constexpr (detail::lanes<T>) return detail::exp(x);
  else return exp(x);
}
/// log(0) = -inf; NaN below 0.
template <class T> KERNFOLD_HD_LAYER auto log(T x) {
  if constexpr (detail::on_device<T>) return detail::library::log(x);
  else if constexpr (detail::lanes<T>) return detail::log<false>(x);
  else return log(x);
}
template <class T> KERNFOLD_HD_LAYER auto log2(T x) {
  if constexpr (detail::on_device<T>) return detail::library::log2(x);
  else if constexpr (detail::lanes<T>) return detail::log<true>(x);
  else return log2(x);
}
/// 1 / sqrt(x): an infinity with the sign of x at 0; NaN below.
template <class T> KERNFOLD_HD_LAYER auto rsqrt(T x) {
  if constexpr (detail::on_device<T>) return detail::library::rsqrt(x);
  else if constexpr (detail::lanes<T>) return detail::rsqrt(x);
  else return rsqrt(x);
}
template <class T> KERNFOLD_HD_LAYER auto sin(T x) {
  if constexpr (detail::on_device<T>) return detail::library::sin(x);
  else if constexpr (detail::lanes<T>) return detail::sine<0>(x);
  else return sin(x);
}
template <class T> KERNFOLD_HD_LAYER auto cos(T x) {
  if constexpr (detail::on_device<T>) return detail::library::cos(x);
  else if constexpr (detail::lanes<T>) return detail::sine<1>(x);
  else return cos(x);
}
template <class T> KERNFOLD_HD_LAYER auto tanh(T x) {
  if constexpr (detail::on_device<T>) return detail::library::tanh(x);
  else if constexpr (detail::lanes<T>) return detail::tanh(x);
  else return tanh(x);
}
/// x^y with the special cases of std::pow: NaN for a negative x unless y is an integer, 1 for y = 0.
template <class T> KERNFOLD_HD_LAYER auto pow(T x, T y) {
  if constexpr (detail::on_device<T>) return detail::library::pow(x, y);
  else if constexpr (detail::lanes<T>) return detail::pow(x, y);
  else return pow(x, y);
}
/// x^N for a constant integer N, by squaring.
template <int N, class T> KERNFOLD_HD_LAYER T ipow(T x) {
  if constexpr (N < 0) return T(1) / ipow<-N>(x);
  else if constexpr (N == 0) return T(1);
  else if constexpr (N == 1) return x;
  else if constexpr (N % 2 == 0) return ipow<N / 2>(x * x);
  else return x * ipow<N / 2>(x * x);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold::math
KERNFOLD_STRICT_END
