// kernfold/core/thread_rows.hpp: R values in registers, on which arithmetic acts one by one: the lanes of a CUDA
// thread.
#pragma once

#include "math.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// R rows of a thread as one lane type: a column's value is loaded once and meets all of them. Unlike a pack, which has
/// an algorithm of its own for every function, thread_rows calls the scalar functions: on the device those are CUDA's.
/// Its mask, its integers and its index are thread_rows as well, of bool, of int32 or int64, and of int64.
template <class V, int R> struct thread_rows {
  V lane[R];

  thread_rows() = default;
  KERNFOLD_HD thread_rows(V all) {
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) lane[l] = all;
  }
  KERNFOLD_HD V get(int l) const { return lane[l]; }
  KERNFOLD_HD void set(int l, V v) { lane[l] = v; }

  /// f(a, b, ...) lane by lane.
  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F, class... As> static KERNFOLD_HD thread_rows each(F f, const As&... as) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = f(as.lane[l]...);
    return r;
  }
  /// The same numbers as another type.
  template <class W> static KERNFOLD_HD thread_rows from(const thread_rows<W, R>& a) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = static_cast<V>(a.lane[l]);
    return r;
  }
  /// base, base + stride, ...
  static KERNFOLD_HD thread_rows iota(V base, V stride = V(1)) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = base + V(l) * stride;
    return r;
  }
  static KERNFOLD_HD thread_rows load(const V* p) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = p[l];
    return r;
  }
  KERNFOLD_HD void store(V* p) const {
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) p[l] = lane[l];
  }
  // what lanes.hpp asks for where types change
  static KERNFOLD_HD thread_rows from_index(const thread_rows<std::int64_t, R>& a) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = math::to_real<V>(a.lane[l]);
    return r;
  }
  template <class W> static KERNFOLD_HD thread_rows from_bits(const thread_rows<W, R>& a) {
    thread_rows r;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r.lane[l] = math::from_bits<V>(a.lane[l]);
    return r;
  }
  friend KERNFOLD_HD auto to_bits(const thread_rows& a) {
    using integers = thread_rows<math::ints_t<V>, R>;
    return integers::each([](V v) KERNFOLD_INLINE_LAMBDA { return math::to_bits(v); }, a);
  }
  KERNFOLD_HD thread_rows<double, R> widened() const { return thread_rows<double, R>::from(*this); }
  static KERNFOLD_HD thread_rows narrowed(const thread_rows<double, R>& a) { return from(a); }

  friend KERNFOLD_HD thread_rows operator-(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return -v; }, a);
  }
  friend KERNFOLD_HD thread_rows operator+(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v + w; }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator-(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v - w; }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator*(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::product(v, w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator/(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v / w; }, a, b);
  }
  friend KERNFOLD_HD thread_rows fma(const thread_rows& a, const thread_rows& b, const thread_rows& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fma(u, v, w); }, a, b, c);
  }
  friend KERNFOLD_HD thread_rows fnma(const thread_rows& a, const thread_rows& b, const thread_rows& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fnma(u, v, w); }, a, b, c);
  }
  friend KERNFOLD_HD thread_rows fms(const thread_rows& a, const thread_rows& b, const thread_rows& c) {
    return each([](V u, V v, V w) KERNFOLD_INLINE_LAMBDA { return math::fms(u, v, w); }, a, b, c);
  }

  using mask = thread_rows<bool, R>;
  friend KERNFOLD_HD mask operator==(const thread_rows& a, const thread_rows& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v == w; }, a, b);
  }
  friend KERNFOLD_HD mask operator!=(const thread_rows& a, const thread_rows& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v != w; }, a, b);
  }
  friend KERNFOLD_HD mask operator<(const thread_rows& a, const thread_rows& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v < w; }, a, b);
  }
  friend KERNFOLD_HD mask operator<=(const thread_rows& a, const thread_rows& b) {
    return mask::each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return v <= w; }, a, b);
  }
  friend KERNFOLD_HD mask operator>(const thread_rows& a, const thread_rows& b) { return b < a; }
  friend KERNFOLD_HD mask operator>=(const thread_rows& a, const thread_rows& b) { return b <= a; }

  friend KERNFOLD_HD thread_rows select(const mask& m, const thread_rows& a, const thread_rows& b) {
    return each([](bool c, V v, V w) KERNFOLD_INLINE_LAMBDA { return c ? v : w; }, m, a, b);
  }
  friend KERNFOLD_HD thread_rows zero_where(const mask& m, const thread_rows& a) {
    return each([](bool c, V v) KERNFOLD_INLINE_LAMBDA { return c ? V(0) : v; }, m, a);
  }
  friend KERNFOLD_HD thread_rows min(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::min(v, w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows max(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::max(v, w); }, a, b);
  }

  // masks and bits
  friend KERNFOLD_HD thread_rows operator&(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v & w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator|(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v | w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator^(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return V(v ^ w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows operator!(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return V(!v); }, a);
  }
  friend KERNFOLD_HD bool any(const thread_rows& a) {
    bool r = false;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r = r | bool(a.lane[l]);
    return r;
  }
  friend KERNFOLD_HD bool all(const thread_rows& a) { return !any(!a); }
  friend KERNFOLD_HD std::uint32_t bits(const thread_rows& a) {
    std::uint32_t r = 0;
    KERNFOLD_UNROLL
    for (int l = 0; l < R; ++l) r |= std::uint32_t(bool(a.lane[l])) << l;
    return r;
  }

  // functions of one and two numbers
  friend KERNFOLD_HD thread_rows abs(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::abs(v); }, a);
  }
  friend KERNFOLD_HD thread_rows sqrt(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::sqrt(v); }, a);
  }
  friend KERNFOLD_HD thread_rows floor(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::floor(v); }, a);
  }
  friend KERNFOLD_HD thread_rows trunc(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::trunc(v); }, a);
  }
  friend KERNFOLD_HD thread_rows round(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::round(v); }, a);
  }
  friend KERNFOLD_HD thread_rows exp(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::exp(v); }, a);
  }
  friend KERNFOLD_HD thread_rows exp2(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::exp2(v); }, a);
  }
  friend KERNFOLD_HD thread_rows log(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::log(v); }, a);
  }
  friend KERNFOLD_HD thread_rows log2(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::log2(v); }, a);
  }
  friend KERNFOLD_HD thread_rows rsqrt(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::rsqrt(v); }, a);
  }
  friend KERNFOLD_HD thread_rows sin(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::sin(v); }, a);
  }
  friend KERNFOLD_HD thread_rows cos(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::cos(v); }, a);
  }
  friend KERNFOLD_HD thread_rows tanh(const thread_rows& a) {
    return each([](V v) KERNFOLD_INLINE_LAMBDA { return math::tanh(v); }, a);
  }
  friend KERNFOLD_HD thread_rows copysign(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::copysign(v, w); }, a, b);
  }
  friend KERNFOLD_HD thread_rows pow(const thread_rows& a, const thread_rows& b) {
    return each([](V v, V w) KERNFOLD_INLINE_LAMBDA { return math::pow(v, w); }, a, b);
  }
};

}  // namespace KERNFOLD_ABI

namespace math {
template <class Real, int R> struct lane_traits<thread_rows<Real, R>> {
  using real = Real;
  using mask = thread_rows<bool, R>;
  using ints = thread_rows<ints_t<Real>, R>;
  using index = thread_rows<std::int64_t, R>;
  using wide = thread_rows<double, R>;
  static constexpr int width = R;
  static constexpr bool has_cheap_branches = true;
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
