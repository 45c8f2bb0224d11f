// kernfold/core/tile.hpp: R values in registers, on which arithmetic acts one by one: the lanes of a CUDA thread.
#pragma once

#include "math.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// R rows of a thread as one lane type: a column's value is loaded once and meets all of them. Unlike a pack, which has
/// an algorithm of its own for every function, a tile calls the scalar functions: on the device those are CUDA's. Its
/// mask, its integers and its index are tiles as well, of bool, of int32 or int64, and of int64.
template <class V, int R> struct tile {
  V lane[R];

  tile() = default;
  KERNFOLD_HD tile(V all) {
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) lane[l] = all;
  }
  KERNFOLD_HD V get(int l) const { return lane[l]; }
  KERNFOLD_HD void set(int l, V v) { lane[l] = v; }

  /// f(a, b, ...) lane by lane.
  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F, class... As> static KERNFOLD_HD tile each(F f, const As&... as) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = f(as.lane[l]...);
    return r;
  }
  /// The same numbers as another type.
  template <class W> static KERNFOLD_HD tile from(const tile<W, R>& a) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = static_cast<V>(a.lane[l]);
    return r;
  }
  /// base, base + stride, ...
  static KERNFOLD_HD tile iota(V base, V stride = V(1)) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = base + V(l) * stride;
    return r;
  }
  static KERNFOLD_HD tile load(const V* p) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = p[l];
    return r;
  }
  KERNFOLD_HD void store(V* p) const {
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) p[l] = lane[l];
  }
  // what lanes.hpp asks for where types change
  static KERNFOLD_HD tile from_index(const tile<std::int64_t, R>& a) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = math::to_real<V>(a.lane[l]);
    return r;
  }
  template <class W> static KERNFOLD_HD tile from_bits(const tile<W, R>& a) {
    tile r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = math::from_bits<V>(a.lane[l]);
    return r;
  }
  friend KERNFOLD_HD auto to_bits(const tile& a) {
    using integers = tile<math::ints_t<V>, R>;
    return integers::each([](V v) KERNFOLD_INLINE_LAMBDA { return math::to_bits(v); }, a);
  }
  KERNFOLD_HD tile<double, R> widened() const { return tile<double, R>::from(*this); }
  static KERNFOLD_HD tile narrowed(const tile<double, R>& a) { return from(a); }

  friend KERNFOLD_HD tile operator-(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return -v; }, a);
  }
  friend KERNFOLD_HD tile operator+(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v + w; }, a, b);
  }
  friend KERNFOLD_HD tile operator-(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v - w; }, a, b);
  }
  friend KERNFOLD_HD tile operator*(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::product(v, w); }, a, b);
  }
  friend KERNFOLD_HD tile operator/(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v / w; }, a, b);
  }
  friend KERNFOLD_HD tile fma(const tile& a, const tile& b, const tile& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fma(u, v, w); }, a, b, c);
  }
  friend KERNFOLD_HD tile fnma(const tile& a, const tile& b, const tile& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fnma(u, v, w); }, a, b, c);
  }
  friend KERNFOLD_HD tile fms(const tile& a, const tile& b, const tile& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fms(u, v, w); }, a, b, c);
  }

  using mask = tile<bool, R>;
  friend KERNFOLD_HD mask operator==(const tile& a, const tile& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v == w; }, a, b);
  }
  friend KERNFOLD_HD mask operator!=(const tile& a, const tile& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v != w; }, a, b);
  }
  friend KERNFOLD_HD mask operator<(const tile& a, const tile& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v < w; }, a, b);
  }
  friend KERNFOLD_HD mask operator<=(const tile& a, const tile& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v <= w; }, a, b);
  }
  friend KERNFOLD_HD mask operator>(const tile& a, const tile& b) { return b < a; }
  friend KERNFOLD_HD mask operator>=(const tile& a, const tile& b) { return b <= a; }

  friend KERNFOLD_HD tile select(const mask& m, const tile& a, const tile& b) {
    return each([](bool c, V v, V w) KERNFOLD_INLINE_LAMBDA { return c ? v : w; }, m, a, b);
  }
  friend KERNFOLD_HD tile zero_where(const mask& m, const tile& a) {
    return each([](bool c, V v) KERNFOLD_INLINE_LAMBDA { return c ? V(0) : v; }, m, a);
  }
  friend KERNFOLD_HD tile min(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::min(v, w); }, a, b);
  }
  friend KERNFOLD_HD tile max(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::max(v, w); }, a, b);
  }

  // masks and bits
  friend KERNFOLD_HD tile operator&(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v & w); }, a, b);
  }
  friend KERNFOLD_HD tile operator|(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v | w); }, a, b);
  }
  friend KERNFOLD_HD tile operator^(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v ^ w); }, a, b);
  }
  friend KERNFOLD_HD tile operator!(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return V(!v); }, a);
  }
  friend KERNFOLD_HD bool any(const tile& a) {
    bool r = false;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r = r | bool(a.lane[l]);
    return r;
  }
  friend KERNFOLD_HD bool all(const tile& a) { return !any(!a); }
  friend KERNFOLD_HD std::uint32_t bits(const tile& a) {
    std::uint32_t r = 0;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r |= std::uint32_t(bool(a.lane[l])) << l;
    return r;
  }

  // functions of one and two numbers
  friend KERNFOLD_HD tile abs(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::abs(v); }, a);
  }
  friend KERNFOLD_HD tile sqrt(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::sqrt(v); }, a);
  }
  friend KERNFOLD_HD tile floor(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::floor(v); }, a);
  }
  friend KERNFOLD_HD tile trunc(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::trunc(v); }, a);
  }
  friend KERNFOLD_HD tile round(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::round(v); }, a);
  }
  friend KERNFOLD_HD tile exp(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::exp(v); }, a);
  }
  friend KERNFOLD_HD tile exp2(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::exp2(v); }, a);
  }
  friend KERNFOLD_HD tile log(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::log(v); }, a);
  }
  friend KERNFOLD_HD tile log2(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::log2(v); }, a);
  }
  friend KERNFOLD_HD tile rsqrt(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::rsqrt(v); }, a);
  }
  friend KERNFOLD_HD tile sin(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::sin(v); }, a);
  }
  friend KERNFOLD_HD tile cos(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::cos(v); }, a);
  }
  friend KERNFOLD_HD tile tanh(const tile& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::tanh(v); }, a);
  }
  friend KERNFOLD_HD tile copysign(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::copysign(v, w); }, a, b);
  }
  friend KERNFOLD_HD tile pow(const tile& a, const tile& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::pow(v, w); }, a, b);
  }
};

}  // namespace KERNFOLD_ABI

namespace math {
template <class V, int R> inline constexpr bool is_tile<tile<V, R>> = true;
template <class Real, int R> struct lane_traits<tile<Real, R>> {
  using real = Real;
  using mask = tile<bool, R>;
  using ints = tile<ints_t<Real>, R>;
  using index = tile<std::int64_t, R>;
  using wide = tile<double, R>;
  static constexpr int width = R;
  /// Columns start at multiples of 16 bytes, so that four floats are read at once. Long ones start at odd multiples:
  /// threads that write one column each then meet in a bank of shared memory eight at a time, not all at once.
  static consteval int column_stride(int reals) {
    constexpr int quad = 16 / int(sizeof(Real));
    if (reals <= 2) return reals;
    const int quads = (reals + quad - 1) / quad;
    return quad * (quads > 4 ? quads | 1 : quads);
  }
};
}  // namespace math
}  // namespace kernfold
KERNFOLD_STRICT_END
