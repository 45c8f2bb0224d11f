// kernfold/engine/cpu/pack.hpp: a register of lanes, per instruction set; what all instruction sets share.
#pragma once

#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/math.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Instruction sets. The scalar lane is float or double itself; the others have packs.
namespace isa {
struct scalar {};
struct portable {};  // 16 bytes, any processor
struct avx2 {};      // 32 bytes, with fma
struct avx512 {};    // 64 bytes: F, DQ, BW, VL
}  // namespace isa

inline namespace KERNFOLD_ABI {

/// `width` numbers side by side, on which arithmetic acts lane by lane. A pack is an opaque array: only its operators
/// know the instruction set. They carry it as their target, so they compile without any -m flag, and are inlined where
/// a function of that target calls them (KERNFOLD_ENTRY_*). A pack is aligned like 16 bytes because g++ reports
/// parameters that are more aligned; arrays of packs are best declared alignas(64). Its lanes are mutable because g++
/// keeps no const object in registers whose bytes a constructor wrote, unless the type says that they may change.
template <class Real, class Isa> struct pack;
/// What comparisons give: & | ! any all, and select(mask, a, b).
template <class Real, class Isa> struct pack_mask;
/// Integers as wide as Real: + - & | ^ << >> (arithmetic) == < >
template <class Real, class Isa> struct pack_ints;
/// 64-bit integers, as many as there are lanes: + - * and comparisons.
template <class Real, class Isa> struct pack_index;
/// The lanes of a pack of float as two packs of double.
template <class Isa> struct pack_pair;

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {
template <class Real, class Isa> struct pack_traits {
  using real = Real;
  using mask = pack_mask<Real, Isa>;
  using ints = pack_ints<Real, Isa>;
  using index = pack_index<Real, Isa>;
  using wide = std::conditional_t<std::is_same_v<Real, float>, pack_pair<Isa>, pack<double, Isa>>;
  static constexpr int pass_columns = 64;           // of a pair stage in two passes: see agent.hpp
  static constexpr bool may_take_one_pass = false;  // too, where the processor does that faster
};
template <class Isa> inline constexpr int pack_bytes = 16;
template <> inline constexpr int pack_bytes<isa::avx2> = 32;
template <> inline constexpr int pack_bytes<isa::avx512> = 64;
template <class Real, class Isa> inline constexpr int pack_width = pack_bytes<Isa> / int(sizeof(Real));
}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <class Real, class Isa> struct pack_index {
  using part = pack_ints<double, Isa>;  // one register of 64-bit integers
  using mask = pack_mask<Real, Isa>;
  static constexpr int width = detail::pack_width<Real, Isa>;
  static constexpr int parts = width / part::width;  // 1, or 2 beside float

  part in[parts];

  pack_index() = default;
  KERNFOLD_HD pack_index(std::int64_t all) {
    for (int p = 0; p < parts; ++p) in[p] = part(all);
  }
  static KERNFOLD_HD pack_index iota(std::int64_t base) {
    static constexpr std::int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
    pack_index r;
    for (int p = 0; p < parts; ++p) r.in[p] = part::load(numbers) + part(base + p * part::width);
    return r;
  }
  KERNFOLD_HD std::int64_t get(int l) const { return in[l / part::width].get(l % part::width); }
  KERNFOLD_HD void set(int l, std::int64_t v) { in[l / part::width].set(l % part::width, v); }

  friend KERNFOLD_HD pack_index operator+(const pack_index& a, const pack_index& b) {
    pack_index r;
    for (int p = 0; p < parts; ++p) r.in[p] = a.in[p] + b.in[p];
    return r;
  }
  friend KERNFOLD_HD pack_index operator-(const pack_index& a, const pack_index& b) {
    pack_index r;
    for (int p = 0; p < parts; ++p) r.in[p] = a.in[p] - b.in[p];
    return r;
  }
  friend KERNFOLD_HD pack_index operator*(const pack_index& a, const pack_index& b) {
    pack_index r;
    for (int p = 0; p < parts; ++p) r.in[p] = a.in[p] * b.in[p];
    return r;
  }
  friend KERNFOLD_HD pack_index operator-(pack_index a) { return pack_index(0) - a; }
  friend KERNFOLD_HD mask operator==(pack_index a, pack_index b) {
    if constexpr (parts == 1) return a.in[0] == b.in[0];
    else return mask::joined(a.in[0] == b.in[0], a.in[1] == b.in[1]);
  }
  friend KERNFOLD_HD mask operator<(pack_index a, pack_index b) {
    if constexpr (parts == 1) return a.in[0] < b.in[0];
    else return mask::joined(a.in[0] < b.in[0], a.in[1] < b.in[1]);
  }
  friend KERNFOLD_HD mask operator!=(pack_index a, pack_index b) { return !(a == b); }
  friend KERNFOLD_HD mask operator>(pack_index a, pack_index b) { return b < a; }
  friend KERNFOLD_HD mask operator<=(pack_index a, pack_index b) { return !(b < a); }
  friend KERNFOLD_HD mask operator>=(pack_index a, pack_index b) { return !(a < b); }
  friend KERNFOLD_HD pack_index select(const mask& m, const pack_index& a, const pack_index& b) {
    pack_index r;
    if constexpr (parts == 1) {
      r.in[0] = select(m, a.in[0], b.in[0]);
    } else {
      r.in[0] = select(low_half(m), a.in[0], b.in[0]);
      r.in[1] = select(high_half(m), a.in[1], b.in[1]);
    }
    return r;
  }
  static KERNFOLD_HD pack_index from(const pack_ints<Real, Isa>& a) {
    pack_index r;
    if constexpr (parts == 1) {
      r.in[0] = a;
    } else {
      r.in[0] = low_half(a);
      r.in[1] = high_half(a);
    }
    return r;
  }
  /// In double precision, correctly rounded: each half of the bits is exact.
  KERNFOLD_HD pack<Real, Isa> to_real() const {
    if constexpr (parts == 1) return to_double(in[0]);
    else return pack<Real, Isa>::from_halves(to_double(in[0]), to_double(in[1]));
  }

 private:
  static KERNFOLD_HD pack<double, Isa> to_double(part a) {
    using doubles = pack<double, Isa>;
    return fma(doubles::from_int(a >> 32), doubles(0x1p32), doubles::from_int(a & part(0xffffffff)));
  }
};

template <class Isa> struct pack_pair {
  using half = pack<double, Isa>;
  struct lane_traits {
    using real = double;
    using wide = pack_pair;
    static constexpr int width = 2 * half::width;
  };

  half low, high;

  pack_pair() = default;
  KERNFOLD_HD pack_pair(double all) : low(all), high(all) {}
  KERNFOLD_HD pack_pair(const half& l, const half& h) : low(l), high(h) {}
  KERNFOLD_HD double get(int l) const { return l < half::width ? low.get(l) : high.get(l - half::width); }
  KERNFOLD_HD void set(int l, double v) { l < half::width ? low.set(l, v) : high.set(l - half::width, v); }

  friend KERNFOLD_HD pack_pair operator+(pack_pair a, pack_pair b) { return {a.low + b.low, a.high + b.high}; }
  friend KERNFOLD_HD pack_pair operator-(pack_pair a, pack_pair b) { return {a.low - b.low, a.high - b.high}; }
  friend KERNFOLD_HD pack_pair operator*(pack_pair a, pack_pair b) { return {a.low * b.low, a.high * b.high}; }
  friend KERNFOLD_HD pack_pair operator/(pack_pair a, pack_pair b) { return {a.low / b.low, a.high / b.high}; }
  friend KERNFOLD_HD pack_pair operator-(pack_pair a) { return {-a.low, -a.high}; }
  friend KERNFOLD_HD pack_pair fma(pack_pair a, pack_pair b, pack_pair c) {
    return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)};
  }
};

/// While one exists, this thread rounds to nearest, whatever the caller has set, and results below the least normal
/// number are zero, on every instruction set alike; without it only some exponentials would be. Arguments may be
/// subnormal. Exceptions stay masked or not, as they were.
class flush_subnormals {
 public:
#if KERNFOLD_X86 && !KERNFOLD_DEVICE_PASS
  flush_subnormals() : before_(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr((before_ & ~(rounding | subnormal_arguments_are_zero)) | subnormal_results_are_zero);
  }
  ~flush_subnormals() { __builtin_ia32_ldmxcsr(before_ | (__builtin_ia32_stmxcsr() & flags)); }
#else
  flush_subnormals() : before_(0) {}
  ~flush_subnormals() {}
#endif
  flush_subnormals(const flush_subnormals&) = delete;
  flush_subnormals& operator=(const flush_subnormals&) = delete;

 private:
  static constexpr unsigned subnormal_results_are_zero = 0x8000, subnormal_arguments_are_zero = 0x0040,
                            rounding = 0x6000, flags = 0x003f;
  [[maybe_unused]] unsigned before_;
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold

#include "pack_avx2.hpp"
#include "pack_avx512.hpp"
#include "pack_portable.hpp"
KERNFOLD_STRICT_END
