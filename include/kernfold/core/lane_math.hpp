// kernfold/core/lane_math.hpp: the algorithms behind math.hpp, on lanes.
#pragma once

#include <cstdint>
#include <type_traits>

#include "config.hpp"
#include "lanes.hpp"

KERNFOLD_STRICT_BEGIN
// Written over a few primitives: fma, comparisons, integers as wide as a lane. Rare lanes (huge angles, subnormal and
// special arguments) leave through a branch that no lane takes in the common case.
namespace kernfold::math {

namespace detail {
inline namespace KERNFOLD_ABI {

/// The C library on the host, for rare lanes; CUDA's functions on the device.
namespace library {
#if KERNFOLD_DEVICE_PASS
/// The special function unit's: error below 2^-22 of the result (2 ulp); results and arguments below the least normal
/// number are 0.
KERNFOLD_HD_LAYER float exp2(float x) { return __nvvm_ex2_approx_ftz_f(x); }
#else
KERNFOLD_HD_LAYER float exp2(float x) { return __builtin_exp2f(x); }
#endif
KERNFOLD_HD_LAYER double exp2(double x) { return __builtin_exp2(x); }
KERNFOLD_HD_LAYER float exp(float x) { return __builtin_expf(x); }
KERNFOLD_HD_LAYER double exp(double x) { return __builtin_exp(x); }
KERNFOLD_HD_LAYER float log2(float x) { return __builtin_log2f(x); }
KERNFOLD_HD_LAYER double log2(double x) { return __builtin_log2(x); }
KERNFOLD_HD_LAYER float log(float x) { return __builtin_logf(x); }
KERNFOLD_HD_LAYER double log(double x) { return __builtin_log(x); }
KERNFOLD_HD_LAYER float sin(float x) { return __builtin_sinf(x); }
KERNFOLD_HD_LAYER double sin(double x) { return __builtin_sin(x); }
KERNFOLD_HD_LAYER float cos(float x) { return __builtin_cosf(x); }
KERNFOLD_HD_LAYER double cos(double x) { return __builtin_cos(x); }
KERNFOLD_HD_LAYER float tanh(float x) { return __builtin_tanhf(x); }
KERNFOLD_HD_LAYER double tanh(double x) { return __builtin_tanh(x); }
KERNFOLD_HD_LAYER float pow(float x, float y) { return __builtin_powf(x, y); }
KERNFOLD_HD_LAYER double pow(double x, double y) { return __builtin_pow(x, y); }
#if KERNFOLD_DEVICE_PASS
KERNFOLD_HD_LAYER float rsqrt(float x) { return ::rsqrtf(x); }
KERNFOLD_HD_LAYER double rsqrt(double x) { return ::rsqrt(x); }
#else
KERNFOLD_HD_LAYER float rsqrt(float x) { return 1 / __builtin_sqrtf(x); }
KERNFOLD_HD_LAYER double rsqrt(double x) { return 1 / __builtin_sqrt(x); }
#endif
}  // namespace library

/// The layout of IEEE 754 numbers.
template <class Real> struct format;
template <> struct format<float> {
  static constexpr int digits = 23, bias = 127;  // stored digits of the significand; of the exponent
  static constexpr std::int32_t one = 0x3f800000, sqrt_half = 0x3f3504f3, significand = 0x007fffff;
  static constexpr float least_normal = 0x1p-126f;
  static constexpr float magic = 0x1.8p23f;  // t + magic has rint(t) in its last bits, |t| < 2^22
};
template <> struct format<double> {
  static constexpr int digits = 52, bias = 1023;
  static constexpr std::int64_t one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e667f3bcd,
                                significand = 0x000fffffffffffff;
  static constexpr double least_normal = 0x1p-1022;
  static constexpr double magic = 0x1.8p52;
};
template <class T> using format_of = format<real_of<T>>;

/// a b, rounded, where a compiler may not merge it with an addition.
template <class T> KERNFOLD_HD_LAYER T product(T a, T b) { return fma(a, b, T(real_of<T>(-0.0))); }
/// ((c_n x + ...) x + c_1) x + c_0
template <class T, class... Rest> KERNFOLD_HD_LAYER T horner(T x, real_of<T> leading, Rest... rest) {
  T p(leading);
  ((p = fma(p, x, T(static_cast<real_of<T>>(rest)))), ...);
  return p;
}

/// Scale 2^r for |r| <= 1/2; exact at 0. The polynomials here and below are minimax in the relative error of the
/// result.
template <class T> KERNFOLD_HD_LAYER T exp2_near_zero(T r, real_of<T> c) {
  if constexpr (std::is_same_v<real_of<T>, float>)
    return horner(r, c * 0.00133033202f, c * 0.00967263151f, c * 0.0555065088f, c * 0.240222245f, c * 0.693147004f, c);
  else
    return horner(r, c * 4.434800311367824e-10, c * 7.0737838045206925e-09, c * 1.0178199366769543e-07,
                  c * 1.3215435278817153e-06, c * 1.5252733493659544e-05, c * 0.00015403530457119765,
                  c * 0.0013333558146774007, c * 0.009618129107594114, c * 0.055504108664820084, c * 0.2402265069591013,
                  c * 0.6931471805599453, c);
}
/// e^r - 1 for |r| <= log(2) / 2.
template <class T> KERNFOLD_HD_LAYER T expm1_near_zero(T r) {
  T q;
  if constexpr (std::is_same_v<real_of<T>, float>)
    q = horner(r, 0.00138389296f, 0.00836919341f, 0.0416681021f, 0.166665167f, 0.49999994f);
  else
    q = horner(r, 2.0827126150649385e-09, 2.5112041162905714e-08, 2.755758003844525e-07, 2.7557234847381873e-06,
               2.480158692910699e-05, 0.00019841269896401638, 0.0013888888889114052, 0.008333333333317025,
               0.0416666666666661, 0.16666666666666682, 0.5);
  return fma(r * r, q, r);
}

/// The last step of an exponential: from 2 2^r and k = magic + bias - 1 + n to 2^(n + r), for normal results and
/// overflow. The factor 2^(n - 1) is finite for the largest n; for the least one it is half the least normal number.
template <class T> KERNFOLD_HD_LAYER T scale_by_power(T twice, T k) {
  using layout = format_of<T>;
  return twice * max(from_bits<T>(to_bits(k) << layout::digits), T(layout::least_normal / 2));
}

/// 2^t = 2^n 2^r with n the integer nearest to t: r = t - n is exact, so the only errors are the polynomial's. (With n
/// = floor(t) it would be rounded for small negative t, and not in the same direction by every instruction.) Where one
/// instruction scales (AVX-512), another one makes r, which is 0 where t is infinite, and any t is right. Elsewhere n
/// is added to the exponent, or the factor 2^n is built from it.
template <bool Nonpositive, class T> KERNFOLD_HD_LAYER T exp2(T t) {
  using real = real_of<T>;
  using layout = format_of<T>;
  if constexpr (requires { scale_by_exp2(t, t); }) {
    const T r = rest_of_round(t);
    return scale_by_exp2(exp2_near_zero(r, real(1)), t - r);
  } else if constexpr (Nonpositive) {
    // n + bias + 1 = 0 makes the factor zero; an even offset keeps ties to even
    t = max(t, T(real(-(layout::bias + 1))));
    const T magic(layout::magic + real(layout::bias + 1));
    const T k = t + magic;
    return exp2_near_zero(t - (k - magic), real(0.5)) * from_bits<T>(to_bits(k) << layout::digits);
  } else if constexpr (requires { nearest_ints(t); }) {
    // n = bias + 1 goes with 2^r = 1 and makes it infinite; NaN has a multiple of 2^31 for n, which leaves it NaN
    const mask_t<T> vanishes = t < T(real(1 - layout::bias));
    t = min(t, T(real(layout::bias + 1)));
    const ints_t<T> n = nearest_ints(t);
    const T power = exp2_near_zero(t - convert_to_real<T>(n), real(1));
    return zero_where(vanishes, from_bits<T>(to_bits(power) + (n << layout::digits)));
  } else {
    const mask_t<T> vanishes = t < T(real(1 - layout::bias));
    t = min(t, T(real(layout::bias + 1)));
    const T magic(layout::magic + real(layout::bias - 1));
    const T k = t + magic;
    return zero_where(vanishes, scale_by_power(exp2_near_zero(t - (k - magic), real(2)), k));
  }
}

/// 1 / x. Where it would be subnormal it is 2^-lowest times an integer, whose bits are its own.
template <class T> KERNFOLD_HD_LAYER T reciprocal(T x) {
  using real = real_of<T>;
  using layout = format_of<T>;
  constexpr bool single = std::is_same_v<real, float>;
  const T size = abs(x);
  const mask_t<T> is_large = (size > T(real(single ? 0x1p126 : 0x1p1022))) & (size <= T(largest<real>()));
  T r = T(1) / x;
  if (any(is_large)) [[unlikely]] {
    const T first(
        real(std::int64_t{1} << layout::digits));  // from here on neighbours differ by 1, and so do their bits
    const T units = first / (size * T(real(single ? 0x1p-126 : 0x1p-1022)));
    const ints_t<T> bits = wrapping_difference(to_bits(first + units), to_bits(first));
    r = select(is_large, copysign(from_bits<T>(bits), x), r);
  }
  return r;
}

/// x = n log(2) + r: log(2) in two parts, so that r keeps its digits.
template <class T> struct exp_reduction {
  T k, rest;  // k = magic + offset + n
};
template <class T> KERNFOLD_HD_LAYER exp_reduction<T> reduce_exp(T x, int offset) {
  using real = real_of<T>;
  const T magic(format_of<T>::magic + real(offset));
  const T k = fma(x, constant<T>(1.4426950408889634, 1.44269502f), magic);
  const T n = k - magic;
  const T r = fnma(n, constant<T>(0.6931471805599453, 0.693147182f), x);
  return {k, fnma(n, constant<T>(2.3190468138462996e-17, -1.90465421e-9f), r)};
}
template <class T> KERNFOLD_HD_LAYER T exp(T x) {
  using layout = format_of<T>;
  const mask_t<T> vanishes = x < constant<T>(-708.3964185322641, -87.3365448f);
  const auto [k, r] = reduce_exp(min(x, constant<T>(710, 89)), layout::bias - 1);
  const T p = expm1_near_zero(r);
  return zero_where(vanishes, scale_by_power(fma(T(2), p, T(2)), k));
}

/// f(l) in the lanes of a mask.
template <class T, class F> KERNFOLD_HD_LAYER T replaced(const mask_t<T>& m, T r, F f) {
  for (int l = 0; l < lane_count<T>; ++l)
    if (get(m, l)) set(r, l, f(l));
  return r;
}

/// x = 2^exponent (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), for normal x.
template <class T> struct mantissa {
  T exponent, f;
};
template <class T> KERNFOLD_HD_LAYER mantissa<T> split_mantissa(T x) {
  using layout = format_of<T>;
  const ints_t<T> shifted = wrapping_difference(to_bits(x), ints_t<T>(layout::sqrt_half));
  const T m = from_bits<T>((shifted & ints_t<T>(layout::significand)) + ints_t<T>(layout::sqrt_half));
  return {convert_to_real<T>(shifted >> layout::digits), m - T(1)};
}
template <class T> KERNFOLD_HD_LAYER mask_t<T> is_normal_and_positive(T x) {
  return (x >= T(format_of<T>::least_normal)) & (x <= T(largest<real_of<T>>()));
}

/// log(1 + f) = f + g with g = s (f^2 / 2 + z Q(z)) - f^2 / 2, s = f / (2 + f), z = s^2:
/// the series of 2 artanh(s) = log(1 + f), arranged so that f itself needs no rounding.
template <bool Binary, class T> KERNFOLD_HD_LAYER T log(T x) {
  using real = real_of<T>;
  using layout = format_of<T>;
  constexpr real lift = real(std::int64_t{1} << (layout::digits + 1));
  const mask_t<T> usual = is_normal_and_positive(x);
  const bool rare = !all(usual);
  T normal = x;
  if (rare) [[unlikely]]
    normal = select(x < T(layout::least_normal), x * T(lift), x);
  auto [exponent, f] = split_mantissa(normal);
  if (rare) [[unlikely]]
    exponent = select(x < T(layout::least_normal), exponent - T(real(layout::digits + 1)), exponent);

  const T s = f / (T(2) + f);
  const T z = s * s;
  T q;
  if constexpr (std::is_same_v<real, float>) q = horner(z, 0.298737377f, 0.39977473f, 0.666667759f);
  else
    q = horner(z, 0.1479825305364836, 0.1531383268341485, 0.1818357233783097, 0.22222198429215997, 0.28571428743685545,
               0.39999999999409347, 0.6666666666666735);
  const T square = T(real(0.5)) * f * f;
  const T g = fms(s, fma(z, q, square), square);
  T r;
  if constexpr (Binary) {
    const T hi = constant<T>(1.4426950408889634, 1.44269502f), lo = constant<T>(2.0355273740931033e-17, 1.92596303e-8f);
    const T sum = fma(f, hi, exponent), rounding = fms(f, hi, sum - exponent);
    r = sum + fma(g, hi, fma(f, lo, rounding));
  } else {
    const T hi = constant<T>(0.6931471805599453, 0.693147182f),
            lo = constant<T>(2.3190468138462996e-17, -1.90465421e-9f);
    r = fma(exponent, hi, f + fma(exponent, lo, g));
  }
  if (rare) [[unlikely]] {
    r = select(x == T(infinity<real>()), x, r);
    r = select(x == T(0), T(-infinity<real>()), r);
    r = select(x >= T(0), r, T(not_a_number<real>()));
    // Asked of the bits: with -ffinite-math-only g++ 12 takes NaN for equal to 0, whatever the pragmas around say.
    r = select(to_bits(abs(x)) > to_bits(T(infinity<real>())), x, r);
  }
  return r;
}

/// Starts from a line through the logarithm, read off the bits (error 3.5 %). Each step takes h = 1 - x y^2 and as many
/// terms of y (1 - h)^(-1/2) as it needs.
template <class T> KERNFOLD_HD_LAYER T rsqrt(T x) {
  using real = real_of<T>;
  constexpr bool single = std::is_same_v<real, float>;
  constexpr ints_t<real> start = ints_t<real>(single ? 0x5f374740 : 0x5fe6e8e800000000);
  const mask_t<T> usual = is_normal_and_positive(x);
  T y = from_bits<T>(wrapping_difference(ints_t<T>(start), to_bits(x) >> 1));
  T h = fnma(x * y, y, T(1));
  y = fma(y * h, horner(h, real(0.3125), real(0.375), real(0.5)), y);
  h = fnma(x * y, y, T(1));
  if constexpr (single) y = fma(y * h, T(real(0.5)), y);
  else y = fma(y * h, horner(h, real(0.3125), real(0.375), real(0.5)), y);
  if (!all(usual)) [[unlikely]]
    y = select(usual, y, T(1) / sqrt(x));
  return y;
}

/// x = q pi/2 + r with |r| <= pi/4: pi/2 in three parts, so that r keeps its digits up to `largest_angle`.
template <class T> struct quadrant {
  ints_t<T> q;  // the last two bits count
  T r;
};
template <class T> KERNFOLD_HD_LAYER quadrant<T> reduce_angle(T x) {
  const T magic(format_of<T>::magic);
  const T k = fma(x, constant<T>(0.6366197723675814, 0.636619747f), magic);
  const T n = k - magic;
  T r = fnma(n, constant<T>(1.5707963267948966, 1.57079637f), x);
  r = fnma(n, constant<T>(6.123233995736766e-17, -4.37113883e-8f), r);
  r = fnma(n, constant<T>(-1.4973849048591698e-33, -1.71512451e-15f), r);
  return {to_bits(k), r};
}
template <class T> inline constexpr real_of<T> largest_angle = std::is_same_v<real_of<T>, float> ? 1e5 : 1e9;

/// sin(x + Shift pi/2), from sin(r) and cos(r).
template <int Shift, class T> KERNFOLD_HD_LAYER T sine(T x) {
  using real = real_of<T>;
  const auto [k, r] = reduce_angle(x);
  const ints_t<T> q = wrapping_sum(k, ints_t<T>(Shift));
  const T z = r * r;
  T s, c;
  if constexpr (std::is_same_v<real, float>) {
    s = horner(z, -0.00019514632f, 0.00833215564f, -0.166666552f);
    c = horner(z, 2.44324456e-05f, -0.00138873106f, 0.0416666456f);
  } else {
    s = horner(z, 1.58959055398331e-10, -2.5050742322343236e-08, 2.7557313587716967e-06, -0.000198412698294958,
               0.008333333333322005, -0.1666666666666663);
    c = horner(z, -1.1358310274767748e-11, 2.087569656869353e-09, -2.755731414859759e-07, 2.4801587288748108e-05,
               -0.0013888888888872895, 0.041666666666666595);
  }
  s = fma(z * r, s, r);
  c = fma(z, fma(z, c, T(real(-0.5))), T(1));
  const T v = select((q & ints_t<T>(1)) == ints_t<T>(1), c, s);
  T signed_v = from_bits<T>(to_bits(v) ^ ((q & ints_t<T>(2)) << int(8 * sizeof(real) - 2)));
  if constexpr (Shift == 0) signed_v = select(x == T(0), x, signed_v);
  const mask_t<T> usual = abs(x) <= T(largest_angle<T>);
  if (!all(usual)) [[unlikely]]
    return replaced(!usual, signed_v, [&](int l) KERNFOLD_INLINE_LAMBDA {
      return Shift == 0 ? library::sin(get(x, l)) : library::cos(get(x, l));
    });
  return signed_v;
}

/// tanh |x| = d / (d + 2) with d = e^(2 |x|) - 1, which keeps its digits near 0.
template <class T> KERNFOLD_HD_LAYER T tanh(T x) {
  using layout = format_of<T>;
  const T a = min(abs(x), constant<T>(20, 10));  // 1 from there on
  const auto [k, r] = reduce_exp(a + a, layout::bias);
  const T power = from_bits<T>(to_bits(k) << layout::digits);
  const T d = fma(power, expm1_near_zero(r), power - T(1));
  return copysign(d / (d + T(2)), x);
}

/// hi + lo, with lo below the last place of hi.
template <class T> struct extended {
  T hi, lo;
};
/// log2(x) to twelve binary digits more than T has, for normal positive x: 2 artanh(s) / log(2) with the terms up to
/// s^3 in two parts.
template <class T> KERNFOLD_HD_LAYER extended<T> log2_extended(T x) {
  using real = real_of<T>;
  const auto [exponent, f] = split_mantissa(x);
  const T sum = T(2) + f, sum_lo = f - (sum - T(2));
  const T s = f / sum;
  const T s_lo = fnma(s, sum_lo, fnma(s, sum, f)) / sum;
  // z = s^2, third = z / 3, tail = z^2 (1/5 + z/7 + ...)
  const T z = product(s, s), z_lo = fma(s + s, s_lo, fms(s, s, z));
  const T a = constant<T>(0.3333333333333333, 0.333333343f), a_lo = constant<T>(1.850371707708594e-17, -9.93410776e-9f);
  const T third = product(z, a), third_lo = fma(z_lo, a, fma(z, a_lo, fms(z, a, third)));
  T tail;
  if constexpr (std::is_same_v<real, float>) tail = horner(z, 0.117101863f, 0.142735302f, 0.200000763f);
  else
    tail = horner(z, 0.05507835325059109, 0.05211292501966591, 0.0588434597004537, 0.06666619936593504,
                  0.07692308381768634, 0.09090909084569711, 0.1111111111114565, 0.14285714285714188, 0.2);
  tail = product(product(z, z), tail);
  const T t = third + tail, t_lo = (third - t) + tail + third_lo;
  // s (1 + t), then times 2 / log(2), then plus the exponent
  const T st = product(s, t), st_lo = fma(s, t_lo, fms(s, t, st)) + fma(s_lo, t, s_lo);
  const T sum2 = s + st, sum2_lo = (s - sum2) + st + st_lo;
  const T b = constant<T>(2.8853900817779268, 2.88539004f), b_lo = constant<T>(4.0710547481862066e-17, 3.85192607e-8f);
  const T g = product(sum2, b), g_lo = fma(sum2_lo, b, fma(sum2, b_lo, fms(sum2, b, g)));
  const T hi = exponent + g, lo = (exponent - hi) + g + g_lo;
  return {hi, lo};
}

/// x^y = 2^(y log2 |x|), with the sign of an odd power. Zero, infinite, NaN and subnormal x, and y that are not finite,
/// go to the C library.
template <class T> KERNFOLD_HD_LAYER T pow(T x, T y) {
  using real = real_of<T>;
  using layout = format_of<T>;
  const auto [log_hi, log_lo] = log2_extended(abs(x));
  T t = product(y, log_hi);
  T t_lo = fma(y, log_lo, fms(y, log_hi, t));
  const T limit(real(layout::bias + 1));
  const mask_t<T> vanishes = t < T(real(1 - layout::bias));
  t_lo = zero_where(!(abs(t) < limit), t_lo);
  t = min(max(t, -limit), limit);
  const T magic(layout::magic + real(layout::bias - 1));
  const T k = t + magic;
  const T rest = (t - (k - magic)) + t_lo;
  T r;
  if constexpr (std::is_same_v<real, float>)
    r = horner(rest, 2 * 0.000133438152f, 2 * 0.00133880251f, 2 * 0.00962542463f, 2 * 0.0555036627f, 2 * 0.240225941f,
               2 * 0.693147182f, 2.0f);
  else r = exp2_near_zero(rest, real(2));
  r = zero_where(vanishes, scale_by_power(r, k));

  const mask_t<T> negative = x < T(0);
  if (any(negative)) [[unlikely]] {
    const T half = y * T(real(0.5));
    const mask_t<T> fractional = round(y) != y, half_fractional = round(half) != half;
    r = select(negative & half_fractional, -r, r);
    r = select(negative & fractional, T(not_a_number<real>()), r);
  }
  const mask_t<T> usual_x = is_normal_and_positive(abs(x)), usual_y = abs(y) <= T(largest<real>());
  const mask_t<T> usual = usual_x & usual_y;
  if (!all(usual)) [[unlikely]]
    return replaced(!usual, r, [&](int l) KERNFOLD_INLINE_LAMBDA { return library::pow(get(x, l), get(y, l)); });
  return r;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold::math
KERNFOLD_STRICT_END
