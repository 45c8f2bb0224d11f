// kernfold/engine/cpu/pack_portable.hpp: packs as loops over their lanes, for any processor; 16 bytes, so that
// compilers find the registers themselves.
#pragma once

#include "pack.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

// These are the primary templates: in a device pass, where there are no vectors, the packs of every instruction set
// have the shape of these. They are never run there.

template <class Real, class Isa> struct alignas(16) pack_mask {
  static constexpr int width = detail::pack_width<Real, Isa>;
  using integer = math::ints_t<Real>;

  mutable integer lane[width];  // 0 or -1

  KERNFOLD_HD bool get(int l) const { return lane[l] != 0; }
  KERNFOLD_HD void set(int l, bool v) { lane[l] = -static_cast<integer>(v); }

  static KERNFOLD_HD pack_mask joined(pack_mask<double, Isa> low, pack_mask<double, Isa> high) {
    pack_mask m;
    for (int l = 0; l < width; ++l) m.set(l, l < width / 2 ? low.get(l) : high.get(l - width / 2));
    return m;
  }
  friend KERNFOLD_HD auto low_half(pack_mask a) {
    pack_mask<double, Isa> m;
    for (int l = 0; l < width / 2; ++l) m.set(l, a.get(l));
    return m;
  }
  friend KERNFOLD_HD auto high_half(pack_mask a) {
    pack_mask<double, Isa> m;
    for (int l = 0; l < width / 2; ++l) m.set(l, a.get(width / 2 + l));
    return m;
  }
  friend KERNFOLD_HD pack_mask operator&(pack_mask a, pack_mask b) {
    for (int l = 0; l < width; ++l) a.lane[l] &= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack_mask operator|(pack_mask a, pack_mask b) {
    for (int l = 0; l < width; ++l) a.lane[l] |= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack_mask operator!(pack_mask a) {
    for (int l = 0; l < width; ++l) a.lane[l] = ~a.lane[l];
    return a;
  }
  friend KERNFOLD_HD bool any(pack_mask a) {
    integer r = 0;
    for (int l = 0; l < width; ++l) r |= a.lane[l];
    return r != 0;
  }
  friend KERNFOLD_HD bool all(pack_mask a) { return !any(!a); }
  friend KERNFOLD_HD std::uint32_t bits(pack_mask a) {
    std::uint32_t r = 0;
    for (int l = 0; l < width; ++l) r |= std::uint32_t(a.get(l)) << l;
    return r;
  }
};

template <class Real, class Isa> struct alignas(16) pack_ints {
  static constexpr int width = detail::pack_width<Real, Isa>;
  using integer = math::ints_t<Real>;
  using mask = pack_mask<Real, Isa>;

  mutable integer lane[width];

  pack_ints() = default;
  KERNFOLD_HD pack_ints(integer all) {
    for (int l = 0; l < width; ++l) lane[l] = all;
  }
  KERNFOLD_HD integer get(int l) const { return lane[l]; }
  static KERNFOLD_HD pack_ints load(const integer* p) {
    pack_ints r;
    for (int l = 0; l < width; ++l) r.lane[l] = p[l];
    return r;
  }
  KERNFOLD_HD void set(int l, integer v) { lane[l] = v; }

  friend KERNFOLD_HD pack_ints operator+(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::wrapping_sum(a.lane[l], b.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack_ints operator-(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::wrapping_difference(a.lane[l], b.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack_ints operator*(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] *= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD auto low_half(pack_ints a) {
    pack_ints<double, Isa> r;
    for (int l = 0; l < width / 2; ++l) r.lane[l] = a.lane[l];
    return r;
  }
  friend KERNFOLD_HD auto high_half(pack_ints a) {
    pack_ints<double, Isa> r;
    for (int l = 0; l < width / 2; ++l) r.lane[l] = a.lane[width / 2 + l];
    return r;
  }
  friend KERNFOLD_HD pack_ints operator&(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] &= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack_ints operator|(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] |= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack_ints operator^(pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] ^= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack_ints operator<<(pack_ints a, int n) {
    for (int l = 0; l < width; ++l) a.lane[l] <<= n;
    return a;
  }
  friend KERNFOLD_HD pack_ints operator>>(pack_ints a, int n) {
    for (int l = 0; l < width; ++l) a.lane[l] >>= n;
    return a;
  }
  friend KERNFOLD_HD mask operator==(pack_ints a, pack_ints b) {
    mask m;
    for (int l = 0; l < width; ++l) m.set(l, a.lane[l] == b.lane[l]);
    return m;
  }
  friend KERNFOLD_HD mask operator<(pack_ints a, pack_ints b) {
    mask m;
    for (int l = 0; l < width; ++l) m.set(l, a.lane[l] < b.lane[l]);
    return m;
  }
  friend KERNFOLD_HD mask operator>(pack_ints a, pack_ints b) { return b < a; }
  friend KERNFOLD_HD pack_ints select(mask m, pack_ints a, pack_ints b) {
    for (int l = 0; l < width; ++l) a.lane[l] = m.lane[l] ? a.lane[l] : b.lane[l];
    return a;
  }
};

template <class Real, class Isa> struct alignas(16) pack {
  using real = Real;
  using mask = pack_mask<Real, Isa>;
  using packed_ints = pack_ints<Real, Isa>;
  static constexpr int width = detail::pack_width<Real, Isa>;
  struct lane_traits : detail::pack_traits<Real, Isa> {
    static constexpr int width = pack::width;
  };

  mutable Real lane[width];

  pack() = default;
  KERNFOLD_HD pack(Real all) {
    for (int l = 0; l < width; ++l) lane[l] = all;
  }
  KERNFOLD_HD Real get(int l) const { return lane[l]; }
  KERNFOLD_HD void set(int l, Real v) { lane[l] = v; }
  static KERNFOLD_HD pack load(const Real* p) {
    pack r;
    for (int l = 0; l < width; ++l) r.lane[l] = p[l];
    return r;
  }
  KERNFOLD_HD void store(Real* p) const {
    for (int l = 0; l < width; ++l) p[l] = lane[l];
  }

  friend KERNFOLD_HD pack operator+(pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] += b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack operator-(pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] -= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack operator*(pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] = KERNFOLD_ROUNDED(a.lane[l] * b.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack operator/(pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] /= b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack operator-(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = -a.lane[l];
    return a;
  }
  friend KERNFOLD_HD mask operator<(pack a, pack b) {
    mask m;
    for (int l = 0; l < width; ++l) m.set(l, a.lane[l] < b.lane[l]);
    return m;
  }
  friend KERNFOLD_HD mask operator<=(pack a, pack b) {
    mask m;
    for (int l = 0; l < width; ++l) m.set(l, a.lane[l] <= b.lane[l]);
    return m;
  }
  friend KERNFOLD_HD mask operator==(pack a, pack b) {
    mask m;
    for (int l = 0; l < width; ++l) m.set(l, a.lane[l] == b.lane[l]);
    return m;
  }
  friend KERNFOLD_HD mask operator>(pack a, pack b) { return b < a; }
  friend KERNFOLD_HD mask operator>=(pack a, pack b) { return b <= a; }
  friend KERNFOLD_HD mask operator!=(pack a, pack b) { return !(a == b); }

  friend KERNFOLD_HD pack select(mask m, pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] = m.lane[l] ? a.lane[l] : b.lane[l];
    return a;
  }
  friend KERNFOLD_HD pack zero_where(mask m, pack a) { return select(m, pack(0), a); }
  friend KERNFOLD_HD pack fma(pack a, pack b, pack c) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::fma(a.lane[l], b.lane[l], c.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack fnma(pack a, pack b, pack c) { return fma(-a, b, c); }
  friend KERNFOLD_HD pack fms(pack a, pack b, pack c) { return fma(a, b, -c); }
  friend KERNFOLD_HD pack min(pack a, pack b) { return select(b < a, b, a); }
  friend KERNFOLD_HD pack max(pack a, pack b) { return select(b > a, b, a); }
  friend KERNFOLD_HD pack sqrt(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::sqrt(a.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack round(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::round(a.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack floor(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::floor(a.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack trunc(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::trunc(a.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack abs(pack a) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::abs(a.lane[l]);
    return a;
  }
  friend KERNFOLD_HD pack copysign(pack a, pack b) {
    for (int l = 0; l < width; ++l) a.lane[l] = math::copysign(a.lane[l], b.lane[l]);
    return a;
  }
  friend KERNFOLD_HD packed_ints to_bits(pack a) {
    packed_ints r;
    for (int l = 0; l < width; ++l) r.lane[l] = math::to_bits(a.lane[l]);
    return r;
  }
  static KERNFOLD_HD pack from_bits(packed_ints a) {
    pack r;
    for (int l = 0; l < width; ++l) r.lane[l] = math::from_bits<Real>(a.lane[l]);
    return r;
  }
  friend KERNFOLD_HD packed_ints convert_to_int(pack a) {
    packed_ints r;
    for (int l = 0; l < width; ++l) r.lane[l] = static_cast<math::ints_t<Real>>(a.lane[l]);
    return r;
  }
  static KERNFOLD_HD pack from_int(packed_ints a) {
    pack r;
    for (int l = 0; l < width; ++l) r.lane[l] = static_cast<Real>(a.lane[l]);
    return r;
  }

  /// The lanes in double precision, half and half.
  friend KERNFOLD_HD auto low_half(pack a) {
    pack<double, Isa> r;
    for (int l = 0; l < width / 2; ++l) r.lane[l] = a.lane[l];
    return r;
  }
  friend KERNFOLD_HD auto high_half(pack a) {
    pack<double, Isa> r;
    for (int l = 0; l < width / 2; ++l) r.lane[l] = a.lane[width / 2 + l];
    return r;
  }
  static KERNFOLD_HD pack from_halves(const pack<double, Isa>& low, const pack<double, Isa>& high) {
    pack r;
    for (int l = 0; l < width / 2; ++l) {
      r.lane[l] = static_cast<Real>(low.lane[l]);
      r.lane[width / 2 + l] = static_cast<Real>(high.lane[l]);
    }
    return r;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
