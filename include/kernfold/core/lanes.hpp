// kernfold/core/lanes.hpp: lane types: float, double and packs of them; what goes with one, and its primitives.
#pragma once

#include <cstdint>
#include <type_traits>

#include "config.hpp"

KERNFOLD_STRICT_BEGIN
/// A *lane type* T is float, double, or a pack of them. Every function of kernfold::math takes any lane type, and any
/// other type that brings a function of the same name for argument-dependent lookup: `math::exp(x)` calls `exp(x)` of
/// x's own namespace (best: a hidden friend) where x is no lane type. Dual numbers, intervals and register tiles join
/// in that way, and need to know nothing of this file.
namespace kernfold::math {

// ---------------------------------------------------------------------------------------------------------------------
// Lane types
// ---------------------------------------------------------------------------------------------------------------------

/// What goes with a lane type. A pack names its own; other types need what is used of them, seldom more than `real`.
///   real    the type of one lane             mask   what a comparison gives
///   ints    integers as wide as a lane       index  64-bit integers, one per lane
///   wide    the lanes in double precision    width  their number
template <class T> struct lane_traits : T::lane_traits {};
template <class T> struct lane_traits<const T> : lane_traits<T> {};
template <> struct lane_traits<float> {
  using real = float;
  using mask = bool;
  using ints = std::int32_t;
  using index = std::int64_t;
  using wide = double;
  static constexpr int width = 1;
};
template <> struct lane_traits<double> : lane_traits<float> {
  using real = double;
  using ints = std::int64_t;
};

template <class T> using real_of = typename lane_traits<T>::real;
template <class T> using mask_t = typename lane_traits<T>::mask;
template <class T> using ints_t = typename lane_traits<T>::ints;
template <class T> using index_t = typename lane_traits<T>::index;
template <class T> using wide_t = typename lane_traits<T>::wide;
template <class T> inline constexpr int lane_count = lane_traits<T>::width;
/// Whether special functions and branches that are seldom taken are cheap beside comparisons, as on a GPU.
template <class T> inline constexpr bool has_cheap_branches = requires { lane_traits<T>::has_cheap_branches; };
/// From one column of a tile of the loop nest to the next, where a column keeps so many reals.
template <class T> consteval int column_stride(int reals) {
  if constexpr (requires { lane_traits<T>::column_stride(reals); }) return lane_traits<T>::column_stride(reals);
  else return reals;
}

namespace detail {
template <class T>
concept real = std::is_same_v<T, float> || std::is_same_v<T, double>;
template <class T>
concept number = std::is_arithmetic_v<T>;
/// Types that the algorithms of this file are for.
template <class T>
concept lanes = real<T> || requires { typename T::lane_traits::ints; };
template <class T> inline constexpr bool on_device = KERNFOLD_DEVICE_PASS && real<T>;

// one instruction on a device
KERNFOLD_HD float least(float a, float b) { return __builtin_fminf(a, b); }
KERNFOLD_HD double least(double a, double b) { return __builtin_fmin(a, b); }
KERNFOLD_HD float greatest(float a, float b) { return __builtin_fmaxf(a, b); }
KERNFOLD_HD double greatest(double a, double b) { return __builtin_fmax(a, b); }

/// A number as a constant of T's precision.
template <class T> KERNFOLD_HD T constant(double in_double, float in_float) {
  if constexpr (std::is_same_v<real_of<T>, float>) return T(in_float);
  else return T(in_double);
}
}  // namespace detail

template <class Real> KERNFOLD_HD constexpr Real infinity() { return static_cast<Real>(__builtin_inff()); }
template <class Real> KERNFOLD_HD constexpr Real not_a_number() { return static_cast<Real>(__builtin_nanf("")); }
/// The largest finite number.
template <class Real> KERNFOLD_HD constexpr Real largest() {
  if constexpr (std::is_same_v<Real, float>) return 0x1.fffffep127f;
  else return 0x1.fffffffffffffp1023;
}

inline namespace KERNFOLD_ABI {

// ---------------------------------------------------------------------------------------------------------------------
// Lanes one by one, and between element types
// ---------------------------------------------------------------------------------------------------------------------

/// Lane l of a lane type, of its ints, its index or its mask.
KERNFOLD_EXEC_CHECK_DISABLE
template <class A> KERNFOLD_HD_LAYER auto get(const A& a, int l) {
  if constexpr (detail::number<A>) return a;
  else return a.get(l);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class A, class Value> KERNFOLD_HD_LAYER void set(A& a, int l, Value v) {
  if constexpr (detail::number<A>) a = static_cast<A>(v);
  else a.set(l, v);
}
/// Lanes from, and to, lane_count<T> numbers in a row, which need not be aligned.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T load(const real_of<T>* p) {
  if constexpr (detail::number<T>) return *p;
  else return T::load(p);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER void store(real_of<T>* p, const T& a) {
  if constexpr (detail::number<T>) *p = a;
  else a.store(p);
}
/// Four numbers in a row for each lane, which begin where it says: to[k] has table[at[l] + k] in lane l.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER void gather_four(T* to, const real_of<T>* table, const std::int64_t* at) {
  if constexpr (requires { T::gather_four(to, table, at); }) {
    T::gather_four(to, table, at);
  } else {
    for (int l = 0; l < lane_count<T>; ++l)
      for (int k = 0; k < 4; ++k) set(to[k], l, table[at[l] + k]);
  }
}
/// Lanes that lie in memory, read as a whole. (g++ copies a class from memory one member at a time where the flags
/// promise no registers of its size.)
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T from_memory(const T& a) {
  if constexpr (requires { T::load(a.lane); }) return T::load(a.lane);
  else return a;
}
template <class T> KERNFOLD_HD_LAYER T broadcast(real_of<T> x) { return T(x); }

/// base, base + 1, ...: one per lane.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER index_t<T> iota(std::int64_t base) {
  if constexpr (detail::number<T>) return base;
  else return index_t<T>::iota(base);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER index_t<T> to_index(ints_t<T> a) {
  if constexpr (detail::number<T>) return a;
  else return index_t<T>::from(a);
}
/// The index as a number: in double precision first, which is exact up to 2^53.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T to_real(index_t<T> a) {
  if constexpr (detail::number<T>) return static_cast<T>(static_cast<double>(a));
  else if constexpr (requires { T::from_index(a); }) return T::from_index(a);
  else return a.to_real();
}

/// The lanes in double precision, and back.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER wide_t<T> widen(T a) {
  if constexpr (detail::number<T> || std::is_same_v<T, wide_t<T>>) return a;
  else if constexpr (requires { a.widened(); }) return a.widened();
  else return wide_t<T>(low_half(a), high_half(a));
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T narrow(wide_t<T> a) {
  if constexpr (detail::number<T>) return static_cast<T>(a);
  else if constexpr (std::is_same_v<T, wide_t<T>>) return a;
  else if constexpr (requires { T::narrowed(a); }) return T::narrowed(a);
  else return T::from_halves(a.low, a.high);
}

// ---------------------------------------------------------------------------------------------------------------------
// Primitives
// ---------------------------------------------------------------------------------------------------------------------

KERNFOLD_EXEC_CHECK_DISABLE
template <class Mask> KERNFOLD_HD_LAYER bool any(const Mask& m) {
  if constexpr (detail::number<Mask>) return m;
  else return any(m);
}
/// Whether it holds of any, here or in the threads of a device that run in step with this one: what one of them has to
/// do costs the others nothing.
template <class Mask> KERNFOLD_HD_LAYER bool any_in_step(const Mask& m) {
#if KERNFOLD_DEVICE_PASS
  return __any_sync(__activemask(), any(m)) != 0;
#else
  return any(m);
#endif
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class Mask> KERNFOLD_HD_LAYER bool all(const Mask& m) {
  if constexpr (detail::number<Mask>) return m;
  else return all(m);
}
/// Bit l: whether lane l is set.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Mask> KERNFOLD_HD_LAYER std::uint32_t bits(const Mask& m) {
  if constexpr (detail::number<Mask>) return m;
  else return bits(m);
}
/// The number of the lowest bit that is set; there is one.
KERNFOLD_HD_LAYER int lowest_bit(std::uint64_t set) {
#if KERNFOLD_DEVICE_PASS
  return __ffsll(static_cast<long long>(set)) - 1;
#else
  return __builtin_ctzll(set);
#endif
}
/// m ? a : b, lane by lane; a and b are evaluated both.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Mask, class T> KERNFOLD_HD_LAYER T select(const Mask& m, const T& a, const T& b) {
  if constexpr (detail::number<T>) return m ? a : b;
  else return select(m, a, b);
}
/// +0 where m, elsewhere a.
KERNFOLD_EXEC_CHECK_DISABLE
template <class Mask, class T> KERNFOLD_HD_LAYER T zero_where(const Mask& m, const T& a) {
  if constexpr (detail::number<T>) return m ? T(0) : a;
  else return zero_where(m, a);
}
/// a b + c, rounded once.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T fma(const T& a, const T& b, const T& c) {
  if constexpr (std::is_same_v<T, float>) return __builtin_fmaf(a, b, c);
  else if constexpr (std::is_same_v<T, double>) return __builtin_fma(a, b, c);
  else return fma(a, b, c);
}
/// a b, rounded before anything is added to it. (g++ merges the product of two plain numbers with a sum where the
/// target has an fma, which would make the last bit depend on the target.)
template <class T> KERNFOLD_HD_LAYER T product(T a, T b) {
  if constexpr (detail::real<T>) {
    T rounded = a * b;
    KERNFOLD_KEEP_ROUNDED(rounded);
    return rounded;
  } else {
    return a * b;
  }
}
/// c - a b, rounded once.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T fnma(const T& a, const T& b, const T& c) {
  if constexpr (detail::real<T>) return fma(-a, b, c);
  else return fnma(a, b, c);
}
/// a b - c, rounded once.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T fms(const T& a, const T& b, const T& c) {
  if constexpr (detail::real<T>) return fma(a, b, -c);
  else return fms(a, b, c);
}
/// b < a ? b : a. A NaN in b is skipped, a NaN in a stays (on a device it is skipped, too): start from a number and
/// fold in.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T min(const T& a, const T& b) {
  if constexpr (detail::on_device<T>) return detail::least(a, b);
  else if constexpr (detail::number<T>) return b < a ? b : a;
  else return min(a, b);
}
/// b > a ? b : a. A NaN in b is skipped, a NaN in a stays (on a device it is skipped, too).
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T max(const T& a, const T& b) {
  if constexpr (detail::on_device<T>) return detail::greatest(a, b);
  else if constexpr (detail::number<T>) return b > a ? b : a;
  else return max(a, b);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T abs(const T& a) {
  if constexpr (std::is_same_v<T, float>) return __builtin_fabsf(a);
  else if constexpr (std::is_same_v<T, double>) return __builtin_fabs(a);
  else return abs(a);
}
/// |a| with the sign of b.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T copysign(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, float>) return __builtin_copysignf(a, b);
  else if constexpr (std::is_same_v<T, double>) return __builtin_copysign(a, b);
  else return copysign(a, b);
}
/// Correctly rounded.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T sqrt(const T& a) {
  if constexpr (std::is_same_v<T, float>) return __builtin_sqrtf(a);
  else if constexpr (std::is_same_v<T, double>) return __builtin_sqrt(a);
  else return sqrt(a);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T floor(const T& a) {
  if constexpr (std::is_same_v<T, float>) return __builtin_floorf(a);
  else if constexpr (std::is_same_v<T, double>) return __builtin_floor(a);
  else return floor(a);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T trunc(const T& a) {
  if constexpr (std::is_same_v<T, float>) return __builtin_truncf(a);
  else if constexpr (std::is_same_v<T, double>) return __builtin_trunc(a);
  else return trunc(a);
}
/// To the nearest integer, ties to even.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T round(const T& a) {
  if constexpr (std::is_same_v<T, float>) return __builtin_rintf(a);
  else if constexpr (std::is_same_v<T, double>) return __builtin_rint(a);
  else return round(a);
}

/// The bits of the lanes as integers, and back.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER ints_t<T> to_bits(const T& a) {
  if constexpr (detail::real<T>) return __builtin_bit_cast(ints_t<T>, a);
  else return to_bits(a);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T from_bits(ints_t<T> a) {
  if constexpr (detail::real<T>) return __builtin_bit_cast(T, a);
  else return T::from_bits(a);
}
/// a + b and a - b of ints, modulo 2^w with w their width. (Packs' operators are modulo 2^w; those of C++ integers
/// overflow.)
KERNFOLD_EXEC_CHECK_DISABLE
template <class Ints> KERNFOLD_HD_LAYER Ints wrapping_sum(const Ints& a, const Ints& b) {
  if constexpr (std::is_integral_v<Ints>) return Ints(std::make_unsigned_t<Ints>(a) + std::make_unsigned_t<Ints>(b));
  else return a + b;
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class Ints> KERNFOLD_HD_LAYER Ints wrapping_difference(const Ints& a, const Ints& b) {
  if constexpr (std::is_integral_v<Ints>) return Ints(std::make_unsigned_t<Ints>(a) - std::make_unsigned_t<Ints>(b));
  else return a - b;
}
/// Integers below 2^22 (float) or 2^51 (double) in absolute value, from ints to real and back.
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER T convert_to_real(ints_t<T> a) {
  if constexpr (detail::real<T>) return static_cast<T>(a);
  else return T::from_int(a);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class T> KERNFOLD_HD_LAYER ints_t<T> convert_to_int(const T& a) {
  if constexpr (detail::real<T>) return static_cast<ints_t<T>>(a);
  else return convert_to_int(a);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold::math
KERNFOLD_STRICT_END
