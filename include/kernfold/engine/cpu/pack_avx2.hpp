// kernfold/engine/cpu/pack_avx2.hpp: packs of 32 bytes.
#pragma once

#include "pack.hpp"

#if KERNFOLD_X86 && !KERNFOLD_DEVICE_PASS

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Compiler vectors: the type to compute with, the type to read and write memory with, and the instructions that have
/// no operator.
namespace avx2 {
template <class Real> struct vectors;
template <> struct vectors<float> {
  using integer = std::int32_t;
  typedef float reals __attribute__((vector_size(32)));
  typedef std::int32_t ints __attribute__((vector_size(32)));
  typedef std::uint32_t unsigned_ints __attribute__((vector_size(32)));
  typedef float reals_in_memory __attribute__((vector_size(32), may_alias, aligned(4)));
  typedef std::int32_t ints_in_memory __attribute__((vector_size(32), may_alias, aligned(4)));
};
template <> struct vectors<double> {
  using integer = std::int64_t;
  typedef double reals __attribute__((vector_size(32)));
  typedef long long ints __attribute__((vector_size(32)));
  typedef unsigned long long unsigned_ints __attribute__((vector_size(32)));
  typedef double reals_in_memory __attribute__((vector_size(32), may_alias, aligned(8)));
  typedef long long ints_in_memory __attribute__((vector_size(32), may_alias, aligned(8)));
};
typedef float half_floats __attribute__((vector_size(16)));
typedef std::int32_t half_ints __attribute__((vector_size(16)));
typedef float half_floats_in_memory __attribute__((vector_size(16), may_alias, aligned(4)));
using floats = vectors<float>::reals;
using doubles = vectors<double>::reals;
using ints32 = vectors<float>::ints;
using ints64 = vectors<double>::ints;

// g++ merges a product with an addition into an fma, in strict mode too; it does not look into a builtin.
#if KERNFOLD_CLANG_BUILTINS
KERNFOLD_TARGET_AVX2 inline floats multiply(floats a, floats b) { return a * b; }
KERNFOLD_TARGET_AVX2 inline doubles multiply(doubles a, doubles b) { return a * b; }
KERNFOLD_TARGET_AVX2 inline ints32 is_greater(ints32 a, ints32 b) { return a > b; }
KERNFOLD_TARGET_AVX2 inline ints64 is_greater(ints64 a, ints64 b) { return a > b; }
KERNFOLD_TARGET_AVX2 inline ints32 is_equal(ints32 a, ints32 b) { return a == b; }
KERNFOLD_TARGET_AVX2 inline ints64 is_equal(ints64 a, ints64 b) { return a == b; }
#else
KERNFOLD_TARGET_AVX2 inline floats multiply(floats a, floats b) { return __builtin_ia32_mulps256(a, b); }
KERNFOLD_TARGET_AVX2 inline doubles multiply(doubles a, doubles b) { return __builtin_ia32_mulpd256(a, b); }
KERNFOLD_TARGET_AVX2 inline ints32 is_greater(ints32 a, ints32 b) { return __builtin_ia32_pcmpgtd256(a, b); }
KERNFOLD_TARGET_AVX2 inline ints64 is_greater(ints64 a, ints64 b) { return __builtin_ia32_pcmpgtq256(a, b); }
KERNFOLD_TARGET_AVX2 inline ints32 is_equal(ints32 a, ints32 b) { return __builtin_ia32_pcmpeqd256(a, b); }
KERNFOLD_TARGET_AVX2 inline ints64 is_equal(ints64 a, ints64 b) { return __builtin_ia32_pcmpeqq256(a, b); }
#endif
/// Four vectors of pieces of four consecutive numbers, as four of corresponding ones.
KERNFOLD_TARGET_AVX2 inline void transpose(floats (&r)[4]) {
  const floats a = __builtin_shufflevector(r[0], r[1], 0, 8, 1, 9, 4, 12, 5, 13);
  const floats b = __builtin_shufflevector(r[0], r[1], 2, 10, 3, 11, 6, 14, 7, 15);
  const floats c = __builtin_shufflevector(r[2], r[3], 0, 8, 1, 9, 4, 12, 5, 13);
  const floats d = __builtin_shufflevector(r[2], r[3], 2, 10, 3, 11, 6, 14, 7, 15);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
  r[1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
  r[2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
}
KERNFOLD_TARGET_AVX2 inline void transpose(doubles (&r)[4]) {
  const doubles a = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6);
  const doubles b = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
  const doubles c = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6);
  const doubles d = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  r[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}
/// Number 0 and, of floats, 4 of the pieces of four numbers that begin where `at` says.
KERNFOLD_TARGET_AVX2 inline floats pieces_of_four(const float* table, const std::int64_t* at) {
  using piece = const half_floats_in_memory*;
  return __builtin_shufflevector(*reinterpret_cast<piece>(table + at[0]), *reinterpret_cast<piece>(table + at[4]), 0, 1,
                                 2, 3, 4, 5, 6, 7);
}
KERNFOLD_TARGET_AVX2 inline doubles pieces_of_four(const double* table, const std::int64_t* at) {
  return *reinterpret_cast<const vectors<double>::reals_in_memory*>(table + at[0]);
}
/// Four of eight integers, with their sign, as wide as the others.
template <int Half> KERNFOLD_TARGET_AVX2 inline ints64 widened(ints32 a) {
  return __builtin_convertvector((half_ints)__builtin_ia32_vextractf128_si256(a, Half), ints64);
}
}  // namespace avx2
}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <class Real> struct alignas(16) pack_mask<Real, isa::avx2> {
  using V = detail::avx2::vectors<Real>;
  using ints = typename V::ints;
  static constexpr int width = detail::pack_width<Real, isa::avx2>;

  mutable typename V::integer lane[width];  // 0 or -1

  pack_mask() = default;
  KERNFOLD_TARGET_AVX2 inline explicit pack_mask(ints v) { *reinterpret_cast<typename V::ints_in_memory*>(lane) = v; }
  KERNFOLD_TARGET_AVX2 inline ints vector() const { return *reinterpret_cast<const typename V::ints_in_memory*>(lane); }
  KERNFOLD_HD bool get(int l) const { return lane[l] != 0; }
  KERNFOLD_HD void set(int l, bool v) { lane[l] = -static_cast<typename V::integer>(v); }

  /// The even elements of both are the eight, in the order 0 1 4 5 2 3 6 7.
  static KERNFOLD_TARGET_AVX2 inline pack_mask joined(pack_mask<double, isa::avx2> low,
                                                      pack_mask<double, isa::avx2> high) {
    using namespace detail::avx2;
    const floats even = __builtin_ia32_shufps256((floats)low.vector(), (floats)high.vector(), 0x88);
    return pack_mask((ints)__builtin_ia32_permdi256((ints64)even, 0xd8));
  }
  friend KERNFOLD_TARGET_AVX2 inline auto low_half(const pack_mask& a) {
    return pack_mask<double, isa::avx2>(detail::avx2::widened<0>(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline auto high_half(const pack_mask& a) {
    return pack_mask<double, isa::avx2>(detail::avx2::widened<1>(a.vector()));
  }

  friend KERNFOLD_TARGET_AVX2 inline pack_mask operator&(const pack_mask& a, const pack_mask& b) {
    return pack_mask(a.vector() & b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_mask operator|(const pack_mask& a, const pack_mask& b) {
    return pack_mask(a.vector() | b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_mask operator!(const pack_mask& a) { return pack_mask(~a.vector()); }
  friend KERNFOLD_TARGET_AVX2 inline bool any(const pack_mask& a) { return a.signs() != 0; }
  friend KERNFOLD_TARGET_AVX2 inline bool all(const pack_mask& a) { return a.signs() == (1 << width) - 1; }
  friend KERNFOLD_TARGET_AVX2 inline std::uint32_t bits(const pack_mask& a) { return std::uint32_t(a.signs()); }

 private:
  KERNFOLD_TARGET_AVX2 inline int signs() const {
    if constexpr (width == 8) return __builtin_ia32_movmskps256((detail::avx2::floats)vector());
    else return __builtin_ia32_movmskpd256((detail::avx2::doubles)vector());
  }
};

template <class Real> struct alignas(16) pack_ints<Real, isa::avx2> {
  using V = detail::avx2::vectors<Real>;
  using ints = typename V::ints;
  using unsigned_ints = typename V::unsigned_ints;  // sums and products wrap around
  using integer = typename V::integer;
  using mask = pack_mask<Real, isa::avx2>;
  static constexpr int width = detail::pack_width<Real, isa::avx2>;

  mutable integer lane[width];

  pack_ints() = default;
  KERNFOLD_TARGET_AVX2 inline pack_ints(integer all) : pack_ints(all - ints{}) {}
  KERNFOLD_TARGET_AVX2 inline explicit pack_ints(ints v) { *reinterpret_cast<typename V::ints_in_memory*>(lane) = v; }
  KERNFOLD_TARGET_AVX2 inline ints vector() const { return *reinterpret_cast<const typename V::ints_in_memory*>(lane); }
  KERNFOLD_TARGET_AVX2 inline unsigned_ints unsigned_vector() const { return (unsigned_ints)vector(); }
  KERNFOLD_HD integer get(int l) const { return lane[l]; }
  static KERNFOLD_TARGET_AVX2 inline pack_ints load(const integer* p) {
    return pack_ints(ints(*reinterpret_cast<const typename V::ints_in_memory*>(p)));
  }
  KERNFOLD_HD void set(int l, integer v) { lane[l] = v; }

  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator+(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() + b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator-(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() - b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator*(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() * b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline auto low_half(const pack_ints& a) {
    return pack_ints<double, isa::avx2>(detail::avx2::widened<0>(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline auto high_half(const pack_ints& a) {
    return pack_ints<double, isa::avx2>(detail::avx2::widened<1>(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator&(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() & b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator|(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() | b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator^(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() ^ b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator<<(const pack_ints& a, int n) {
    return pack_ints(a.vector() << n);
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints operator>>(const pack_ints& a, int n) {
    return pack_ints(a.vector() >> n);
  }
  friend KERNFOLD_TARGET_AVX2 inline mask operator==(const pack_ints& a, const pack_ints& b) {
    return mask(detail::avx2::is_equal(a.vector(), b.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline mask operator<(const pack_ints& a, const pack_ints& b) {
    return mask(detail::avx2::is_greater(b.vector(), a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline mask operator>(const pack_ints& a, const pack_ints& b) {
    return mask(detail::avx2::is_greater(a.vector(), b.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack_ints select(const mask& m, const pack_ints& a, const pack_ints& b) {
    const ints v = m.vector();
    return pack_ints((a.vector() & v) | (b.vector() & ~v));
  }
};

template <class Real> struct alignas(16) pack<Real, isa::avx2> {
  using V = detail::avx2::vectors<Real>;
  using reals = typename V::reals;
  using ints = typename V::ints;
  using mask = pack_mask<Real, isa::avx2>;
  using packed_ints = pack_ints<Real, isa::avx2>;
  using real = Real;
  static constexpr int width = detail::pack_width<Real, isa::avx2>;
  struct lane_traits : detail::pack_traits<Real, isa::avx2> {
    static constexpr int width = pack::width;
  };

  mutable Real lane[width];

  pack() = default;
  KERNFOLD_TARGET_AVX2 inline pack(Real all) : pack(all - reals{}) {}
  KERNFOLD_TARGET_AVX2 inline explicit pack(reals v) { *reinterpret_cast<typename V::reals_in_memory*>(lane) = v; }
  KERNFOLD_TARGET_AVX2 inline reals vector() const {
    return *reinterpret_cast<const typename V::reals_in_memory*>(lane);
  }
  KERNFOLD_HD Real get(int l) const { return lane[l]; }
  KERNFOLD_HD void set(int l, Real v) { lane[l] = v; }
  static KERNFOLD_TARGET_AVX2 inline pack load(const Real* p) {
    return pack(reals(*reinterpret_cast<const typename V::reals_in_memory*>(p)));
  }
  static KERNFOLD_TARGET_AVX2 inline void gather_four(pack* to, const Real* table, const std::int64_t* at) {
    reals r[4];
    for (int n = 0; n < 4; ++n) r[n] = detail::avx2::pieces_of_four(table, at + n);
    detail::avx2::transpose(r);
    for (int k = 0; k < 4; ++k) to[k] = pack(r[k]);
  }
  KERNFOLD_TARGET_AVX2 inline void store(Real* p) const {
    *reinterpret_cast<typename V::reals_in_memory*>(p) = vector();
  }

  friend KERNFOLD_TARGET_AVX2 inline pack operator+(const pack& a, const pack& b) {
    return pack(a.vector() + b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack operator-(const pack& a, const pack& b) {
    return pack(a.vector() - b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack operator*(const pack& a, const pack& b) {
    return pack(detail::avx2::multiply(a.vector(), b.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack operator/(const pack& a, const pack& b) {
    return pack(a.vector() / b.vector());
  }
  friend KERNFOLD_TARGET_AVX2 inline pack operator-(const pack& a) { return pack(-a.vector()); }

  friend KERNFOLD_TARGET_AVX2 inline mask operator<(const pack& a, const pack& b) { return compare<17>(a, b); }
  friend KERNFOLD_TARGET_AVX2 inline mask operator<=(const pack& a, const pack& b) { return compare<18>(a, b); }
  friend KERNFOLD_TARGET_AVX2 inline mask operator>(const pack& a, const pack& b) { return compare<17>(b, a); }
  friend KERNFOLD_TARGET_AVX2 inline mask operator>=(const pack& a, const pack& b) { return compare<18>(b, a); }
  friend KERNFOLD_TARGET_AVX2 inline mask operator==(const pack& a, const pack& b) { return compare<0>(a, b); }
  friend KERNFOLD_TARGET_AVX2 inline mask operator!=(const pack& a, const pack& b) { return compare<4>(a, b); }

  friend KERNFOLD_TARGET_AVX2 inline pack select(const mask& m, const pack& a, const pack& b) {
    if constexpr (width == 8) return pack(__builtin_ia32_blendvps256(b.vector(), a.vector(), (reals)m.vector()));
    else return pack(__builtin_ia32_blendvpd256(b.vector(), a.vector(), (reals)m.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack zero_where(const mask& m, const pack& a) {
    return pack((reals)((ints)a.vector() & ~m.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack fma(const pack& a, const pack& b, const pack& c) {
    if constexpr (width == 8) return pack(__builtin_ia32_vfmaddps256(a.vector(), b.vector(), c.vector()));
    else return pack(__builtin_ia32_vfmaddpd256(a.vector(), b.vector(), c.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack fnma(const pack& a, const pack& b, const pack& c) { return fma(-a, b, c); }
  friend KERNFOLD_TARGET_AVX2 inline pack fms(const pack& a, const pack& b, const pack& c) { return fma(a, b, -c); }
  // The instruction returns its second operand where one is NaN or both are zero.
  friend KERNFOLD_TARGET_AVX2 inline pack min(const pack& a, const pack& b) {
    if constexpr (width == 8) return pack(__builtin_ia32_minps256(b.vector(), a.vector()));
    else return pack(__builtin_ia32_minpd256(b.vector(), a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack max(const pack& a, const pack& b) {
    if constexpr (width == 8) return pack(__builtin_ia32_maxps256(b.vector(), a.vector()));
    else return pack(__builtin_ia32_maxpd256(b.vector(), a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack sqrt(const pack& a) {
    if constexpr (width == 8) return pack(__builtin_ia32_sqrtps256(a.vector()));
    else return pack(__builtin_ia32_sqrtpd256(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX2 inline pack round(const pack& a) { return rounded<8>(a); }
  friend KERNFOLD_TARGET_AVX2 inline pack floor(const pack& a) { return rounded<9>(a); }
  friend KERNFOLD_TARGET_AVX2 inline pack trunc(const pack& a) { return rounded<11>(a); }
  friend KERNFOLD_TARGET_AVX2 inline pack abs(const pack& a) { return pack((reals)((ints)a.vector() & ~sign_bits())); }
  friend KERNFOLD_TARGET_AVX2 inline pack copysign(const pack& a, const pack& b) {
    return pack((reals)(((ints)a.vector() & ~sign_bits()) | ((ints)b.vector() & sign_bits())));
  }

  friend KERNFOLD_TARGET_AVX2 inline packed_ints to_bits(const pack& a) { return packed_ints((ints)a.vector()); }
  static KERNFOLD_TARGET_AVX2 inline pack from_bits(const packed_ints& a) { return pack((reals)a.vector()); }
  friend KERNFOLD_TARGET_AVX2 inline packed_ints convert_to_int(const pack& a) {
    if constexpr (width == 8) return packed_ints(__builtin_convertvector(a.vector(), ints));
    else return to_bits(a + pack(0x1.8p52)) - to_bits(pack(0x1.8p52));
  }
  /// The nearest integers, ties to even; the least one where the nearest is out of range, and for NaN. Floats only.
  friend KERNFOLD_TARGET_AVX2 inline packed_ints nearest_ints(const pack& a)
    requires(width == 8)
  {
    return packed_ints(__builtin_ia32_cvtps2dq256(a.vector()));
  }
  static KERNFOLD_TARGET_AVX2 inline pack from_int(const packed_ints& a) {
    if constexpr (width == 8) return pack(__builtin_convertvector(a.vector(), reals));
    else return from_bits(a + to_bits(pack(0x1.8p52))) - pack(0x1.8p52);
  }

  /// The lanes in double precision, four and four.
  friend KERNFOLD_TARGET_AVX2 inline auto low_half(const pack& a) { return a.template widened<0>(); }
  friend KERNFOLD_TARGET_AVX2 inline auto high_half(const pack& a) { return a.template widened<1>(); }
  static KERNFOLD_TARGET_AVX2 inline pack from_halves(const pack<double, isa::avx2>& low,
                                                      const pack<double, isa::avx2>& high) {
    pack r;
    using in_memory = detail::avx2::half_floats_in_memory;  // by name: auto would forget that it is not aligned
    *reinterpret_cast<in_memory*>(r.lane) = __builtin_convertvector(low.vector(), detail::avx2::half_floats);
    *reinterpret_cast<in_memory*>(r.lane + 4) = __builtin_convertvector(high.vector(), detail::avx2::half_floats);
    return r;
  }

 private:
  template <int Half> KERNFOLD_TARGET_AVX2 inline pack<double, isa::avx2> widened() const {
    return pack<double, isa::avx2>(
        __builtin_convertvector(__builtin_ia32_vextractf128_ps256(vector(), Half), detail::avx2::doubles));
  }
  static KERNFOLD_TARGET_AVX2 inline ints sign_bits() { return (ints)(-reals{}); }
  template <int Predicate> static KERNFOLD_TARGET_AVX2 inline mask compare(const pack& a, const pack& b) {
    if constexpr (width == 8) return mask((ints)__builtin_ia32_cmpps256(a.vector(), b.vector(), Predicate));
    else return mask((ints)__builtin_ia32_cmppd256(a.vector(), b.vector(), Predicate));
  }
  template <int Mode> static KERNFOLD_TARGET_AVX2 inline pack rounded(const pack& a) {
    if constexpr (width == 8) return pack(__builtin_ia32_roundps256(a.vector(), Mode));
    else return pack(__builtin_ia32_roundpd256(a.vector(), Mode));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold

#endif
KERNFOLD_STRICT_END
