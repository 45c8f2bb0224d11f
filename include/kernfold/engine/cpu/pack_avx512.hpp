// kernfold/engine/cpu/pack_avx512.hpp: packs of 64 bytes, compared into bit masks.
#pragma once

#include "pack.hpp"

#if KERNFOLD_X86 && !KERNFOLD_DEVICE_PASS

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

namespace avx512 {
/// Compiler vectors, to compute with and to read and write memory with; and a mask.
template <class Real> struct vectors;
template <> struct vectors<float> {
  using integer = std::int32_t;
  using bits = unsigned short;
  typedef float reals __attribute__((vector_size(64)));
  typedef std::int32_t ints __attribute__((vector_size(64)));
  typedef std::uint32_t unsigned_ints __attribute__((vector_size(64)));
  typedef float reals_in_memory __attribute__((vector_size(64), may_alias, aligned(4)));
  typedef std::int32_t ints_in_memory __attribute__((vector_size(64), may_alias, aligned(4)));
};
template <> struct vectors<double> {
  using integer = std::int64_t;
  using bits = unsigned char;
  typedef double reals __attribute__((vector_size(64)));
  typedef long long ints __attribute__((vector_size(64)));
  typedef unsigned long long unsigned_ints __attribute__((vector_size(64)));
  typedef double reals_in_memory __attribute__((vector_size(64), may_alias, aligned(8)));
  typedef long long ints_in_memory __attribute__((vector_size(64), may_alias, aligned(8)));
};
typedef float half_floats __attribute__((vector_size(32)));
typedef std::int32_t half_ints __attribute__((vector_size(32)));
typedef float half_floats_in_memory __attribute__((vector_size(32), may_alias, aligned(4)));
using floats = vectors<float>::reals;
using doubles = vectors<double>::reals;
using ints32 = vectors<float>::ints;
using ints64 = vectors<double>::ints;
using bits8 = vectors<double>::bits;
using bits16 = vectors<float>::bits;

// Every lane. Functions, since nvcc warns of the constants: it takes some builtins' masks to be signed.
KERNFOLD_INLINE bits8 all8() { return 0xff; }
KERNFOLD_INLINE bits16 all16() { return 0xffff; }
inline constexpr int as_set = 4;   // round as the control register says
inline constexpr int nearest = 8;  // immediate operands: to nearest even, down, towards zero, without a flag
inline constexpr int down = 9;
inline constexpr int towards_zero = 11;

// Instructions whose builtins have two names. A product is a builtin for g++, which would merge it with an addition.
#if KERNFOLD_CLANG_BUILTINS
KERNFOLD_TARGET_AVX512 inline floats multiply(floats a, floats b) { return a * b; }
KERNFOLD_TARGET_AVX512 inline doubles multiply(doubles a, doubles b) { return a * b; }
KERNFOLD_TARGET_AVX512 inline floats least(floats a, floats b) { return __builtin_ia32_minps512(a, b, as_set); }
KERNFOLD_TARGET_AVX512 inline doubles least(doubles a, doubles b) { return __builtin_ia32_minpd512(a, b, as_set); }
KERNFOLD_TARGET_AVX512 inline floats greatest(floats a, floats b) { return __builtin_ia32_maxps512(a, b, as_set); }
KERNFOLD_TARGET_AVX512 inline doubles greatest(doubles a, doubles b) { return __builtin_ia32_maxpd512(a, b, as_set); }
KERNFOLD_TARGET_AVX512 inline floats root(floats a) { return __builtin_ia32_sqrtps512(a, as_set); }
KERNFOLD_TARGET_AVX512 inline doubles root(doubles a) { return __builtin_ia32_sqrtpd512(a, as_set); }
KERNFOLD_TARGET_AVX512 inline floats blend(bits16 m, floats a, floats b) {
  return __builtin_ia32_selectps_512(m, a, b);
}
KERNFOLD_TARGET_AVX512 inline doubles blend(bits8 m, doubles a, doubles b) {
  return __builtin_ia32_selectpd_512(m, a, b);
}
KERNFOLD_TARGET_AVX512 inline ints32 blend(bits16 m, ints32 a, ints32 b) { return __builtin_ia32_selectd_512(m, a, b); }
KERNFOLD_TARGET_AVX512 inline ints64 blend(bits8 m, ints64 a, ints64 b) { return __builtin_ia32_selectq_512(m, a, b); }
KERNFOLD_TARGET_AVX512 inline floats rest_of_nearest(floats a) {
  return __builtin_ia32_reduceps512_mask(a, nearest, a, all16(), as_set);
}
KERNFOLD_TARGET_AVX512 inline doubles rest_of_nearest(doubles a) {
  return __builtin_ia32_reducepd512_mask(a, nearest, a, all8(), as_set);
}
#else
KERNFOLD_TARGET_AVX512 inline floats rest_of_nearest(floats a) {
  return __builtin_ia32_reduceps512_mask(a, nearest, a, all16());
}
KERNFOLD_TARGET_AVX512 inline doubles rest_of_nearest(doubles a) {
  return __builtin_ia32_reducepd512_mask(a, nearest, a, all8());
}
KERNFOLD_TARGET_AVX512 inline floats multiply(floats a, floats b) {
  return __builtin_ia32_mulps512_mask(a, b, a, all16(), as_set);
}
KERNFOLD_TARGET_AVX512 inline doubles multiply(doubles a, doubles b) {
  return __builtin_ia32_mulpd512_mask(a, b, a, all8(), as_set);
}
KERNFOLD_TARGET_AVX512 inline floats least(floats a, floats b) {
  return __builtin_ia32_minps512_mask(a, b, a, all16(), as_set);
}
KERNFOLD_TARGET_AVX512 inline doubles least(doubles a, doubles b) {
  return __builtin_ia32_minpd512_mask(a, b, a, all8(), as_set);
}
KERNFOLD_TARGET_AVX512 inline floats greatest(floats a, floats b) {
  return __builtin_ia32_maxps512_mask(a, b, a, all16(), as_set);
}
KERNFOLD_TARGET_AVX512 inline doubles greatest(doubles a, doubles b) {
  return __builtin_ia32_maxpd512_mask(a, b, a, all8(), as_set);
}
KERNFOLD_TARGET_AVX512 inline floats root(floats a) { return __builtin_ia32_sqrtps512_mask(a, a, all16(), as_set); }
KERNFOLD_TARGET_AVX512 inline doubles root(doubles a) { return __builtin_ia32_sqrtpd512_mask(a, a, all8(), as_set); }
KERNFOLD_TARGET_AVX512 inline floats blend(bits16 m, floats a, floats b) {
  return __builtin_ia32_blendmps_512_mask(b, a, m);
}
KERNFOLD_TARGET_AVX512 inline doubles blend(bits8 m, doubles a, doubles b) {
  return __builtin_ia32_blendmpd_512_mask(b, a, m);
}
KERNFOLD_TARGET_AVX512 inline ints32 blend(bits16 m, ints32 a, ints32 b) {
  return __builtin_ia32_blendmd_512_mask(b, a, m);
}
KERNFOLD_TARGET_AVX512 inline ints64 blend(bits8 m, ints64 a, ints64 b) {
  return __builtin_ia32_blendmq_512_mask(b, a, m);
}
#endif
/// Eight of sixteen integers, with their sign, as wide as the others.
/// Four vectors of pieces of four consecutive numbers, as four of corresponding ones.
KERNFOLD_TARGET_AVX512 inline void transpose(floats (&r)[4]) {
  const floats a = __builtin_shufflevector(r[0], r[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const floats b = __builtin_shufflevector(r[0], r[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const floats c = __builtin_shufflevector(r[2], r[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const floats d = __builtin_shufflevector(r[2], r[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  r[1] = __builtin_shufflevector(a, c, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  r[2] = __builtin_shufflevector(b, d, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
KERNFOLD_TARGET_AVX512 inline void transpose(doubles (&r)[4]) {
  const doubles a = __builtin_shufflevector(r[0], r[1], 0, 8, 2, 10, 4, 12, 6, 14);
  const doubles b = __builtin_shufflevector(r[0], r[1], 1, 9, 3, 11, 5, 13, 7, 15);
  const doubles c = __builtin_shufflevector(r[2], r[3], 0, 8, 2, 10, 4, 12, 6, 14);
  const doubles d = __builtin_shufflevector(r[2], r[3], 1, 9, 3, 11, 5, 13, 7, 15);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
  r[1] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
  r[2] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
}
typedef float four_floats_in_memory __attribute__((vector_size(16), may_alias, aligned(4)));
typedef double four_doubles_in_memory __attribute__((vector_size(32), may_alias, aligned(8)));
/// Numbers 0, 4, ... of the pieces of four numbers that begin where `at` says.
KERNFOLD_TARGET_AVX512 inline floats pieces_of_four(const float* table, const std::int64_t* at) {
  using piece = const four_floats_in_memory*;
  const half_floats low = __builtin_shufflevector(*reinterpret_cast<piece>(table + at[0]),
                                                  *reinterpret_cast<piece>(table + at[4]), 0, 1, 2, 3, 4, 5, 6, 7);
  const half_floats high = __builtin_shufflevector(*reinterpret_cast<piece>(table + at[8]),
                                                   *reinterpret_cast<piece>(table + at[12]), 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
KERNFOLD_TARGET_AVX512 inline doubles pieces_of_four(const double* table, const std::int64_t* at) {
  using piece = const four_doubles_in_memory*;
  return __builtin_shufflevector(*reinterpret_cast<piece>(table + at[0]), *reinterpret_cast<piece>(table + at[4]), 0, 1,
                                 2, 3, 4, 5, 6, 7);
}
template <int Half> KERNFOLD_TARGET_AVX512 inline ints64 widened(ints32 a) {
  return __builtin_convertvector((half_ints)__builtin_ia32_extractf32x8_mask((floats)a, Half, half_floats{}, all8()),
                                 ints64);
}
}  // namespace avx512
}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <class Real> struct pack_mask<Real, isa::avx512> {
  using V = detail::avx512::vectors<Real>;
  using word = typename V::bits;
  static constexpr int width = detail::pack_width<Real, isa::avx512>;

  mutable word bits;

  pack_mask() = default;
  KERNFOLD_HD explicit pack_mask(int b) : bits(static_cast<word>(b)) {}
  KERNFOLD_HD bool get(int l) const { return (bits >> l & 1) != 0; }
  KERNFOLD_HD void set(int l, bool v) { bits = static_cast<word>((bits & ~(1 << l)) | int(v) << l); }

  static KERNFOLD_HD pack_mask joined(pack_mask<double, isa::avx512> low, pack_mask<double, isa::avx512> high) {
    return pack_mask(low.bits | high.bits << 8);
  }
  friend KERNFOLD_HD auto low_half(pack_mask a) { return pack_mask<double, isa::avx512>(a.bits & 0xff); }
  friend KERNFOLD_HD auto high_half(pack_mask a) { return pack_mask<double, isa::avx512>(a.bits >> 8); }

  friend KERNFOLD_HD pack_mask operator&(pack_mask a, pack_mask b) { return pack_mask(a.bits & b.bits); }
  friend KERNFOLD_HD pack_mask operator|(pack_mask a, pack_mask b) { return pack_mask(a.bits | b.bits); }
  friend KERNFOLD_HD pack_mask operator!(pack_mask a) { return pack_mask(~a.bits); }
  friend KERNFOLD_HD bool any(pack_mask a) { return a.bits != 0; }
  friend KERNFOLD_HD bool all(pack_mask a) { return a.bits == word(-1); }
  friend KERNFOLD_HD std::uint32_t bits(pack_mask a) { return a.bits; }
};

template <class Real> struct alignas(16) pack_ints<Real, isa::avx512> {
  using V = detail::avx512::vectors<Real>;
  using ints = typename V::ints;
  using unsigned_ints = typename V::unsigned_ints;  // sums and products wrap around
  using integer = typename V::integer;
  using mask = pack_mask<Real, isa::avx512>;
  static constexpr int width = detail::pack_width<Real, isa::avx512>;

  mutable integer lane[width];

  pack_ints() = default;
  KERNFOLD_TARGET_AVX512 inline pack_ints(integer all) : pack_ints(all - ints{}) {}
  KERNFOLD_TARGET_AVX512 inline explicit pack_ints(ints v) { *reinterpret_cast<typename V::ints_in_memory*>(lane) = v; }
  KERNFOLD_TARGET_AVX512 inline ints vector() const {
    return *reinterpret_cast<const typename V::ints_in_memory*>(lane);
  }
  KERNFOLD_TARGET_AVX512 inline unsigned_ints unsigned_vector() const { return (unsigned_ints)vector(); }
  KERNFOLD_HD integer get(int l) const { return lane[l]; }
  static KERNFOLD_TARGET_AVX512 inline pack_ints load(const integer* p) {
    return pack_ints(ints(*reinterpret_cast<const typename V::ints_in_memory*>(p)));
  }
  KERNFOLD_HD void set(int l, integer v) { lane[l] = v; }

  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator+(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() + b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator-(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() - b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator*(const pack_ints& a, const pack_ints& b) {
    return pack_ints((ints)(a.unsigned_vector() * b.unsigned_vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline auto low_half(const pack_ints& a) {
    return pack_ints<double, isa::avx512>(detail::avx512::widened<0>(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline auto high_half(const pack_ints& a) {
    return pack_ints<double, isa::avx512>(detail::avx512::widened<1>(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator&(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() & b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator|(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() | b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator^(const pack_ints& a, const pack_ints& b) {
    return pack_ints(a.vector() ^ b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator<<(const pack_ints& a, int n) {
    return pack_ints(a.vector() << n);
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints operator>>(const pack_ints& a, int n) {
    return pack_ints(a.vector() >> n);
  }
  friend KERNFOLD_TARGET_AVX512 inline mask operator==(const pack_ints& a, const pack_ints& b) {
    return compare<0>(a, b);
  }
  friend KERNFOLD_TARGET_AVX512 inline mask operator<(const pack_ints& a, const pack_ints& b) {
    return compare<1>(a, b);
  }
  friend KERNFOLD_TARGET_AVX512 inline mask operator>(const pack_ints& a, const pack_ints& b) {
    return compare<1>(b, a);
  }
  friend KERNFOLD_TARGET_AVX512 inline pack_ints select(mask m, const pack_ints& a, const pack_ints& b) {
    return pack_ints(detail::avx512::blend(m.bits, a.vector(), b.vector()));
  }

 private:
  template <int Predicate> static KERNFOLD_TARGET_AVX512 inline mask compare(const pack_ints& a, const pack_ints& b) {
    if constexpr (width == 16)
      return mask(__builtin_ia32_cmpd512_mask(a.vector(), b.vector(), Predicate, detail::avx512::all16()));
    else return mask(__builtin_ia32_cmpq512_mask(a.vector(), b.vector(), Predicate, detail::avx512::all8()));
  }
};

template <class Real> struct alignas(16) pack<Real, isa::avx512> {
  using V = detail::avx512::vectors<Real>;
  using reals = typename V::reals;
  using ints = typename V::ints;
  using mask = pack_mask<Real, isa::avx512>;
  using packed_ints = pack_ints<Real, isa::avx512>;
  using real = Real;
  static constexpr int width = detail::pack_width<Real, isa::avx512>;
  struct lane_traits : detail::pack_traits<Real, isa::avx512> {
    static constexpr int width = pack::width;
    static constexpr int pass_columns = 32;  // on Zen 5 3 % faster than 64
    static constexpr bool may_take_one_pass = true;
  };

  mutable Real lane[width];

  pack() = default;
  KERNFOLD_TARGET_AVX512 inline pack(Real all) : pack(all - reals{}) {}
  KERNFOLD_TARGET_AVX512 inline explicit pack(reals v) { *reinterpret_cast<typename V::reals_in_memory*>(lane) = v; }
  KERNFOLD_TARGET_AVX512 inline reals vector() const {
    return *reinterpret_cast<const typename V::reals_in_memory*>(lane);
  }
  KERNFOLD_HD Real get(int l) const { return lane[l]; }
  KERNFOLD_HD void set(int l, Real v) { lane[l] = v; }
  static KERNFOLD_TARGET_AVX512 inline pack load(const Real* p) {
    return pack(reals(*reinterpret_cast<const typename V::reals_in_memory*>(p)));
  }
  static KERNFOLD_TARGET_AVX512 inline void gather_four(pack* to, const Real* table, const std::int64_t* at) {
    reals r[4];
    for (int n = 0; n < 4; ++n) r[n] = detail::avx512::pieces_of_four(table, at + n);
    detail::avx512::transpose(r);
    for (int k = 0; k < 4; ++k) to[k] = pack(r[k]);
  }
  KERNFOLD_TARGET_AVX512 inline void store(Real* p) const {
    *reinterpret_cast<typename V::reals_in_memory*>(p) = vector();
  }

  friend KERNFOLD_TARGET_AVX512 inline pack operator+(const pack& a, const pack& b) {
    return pack(a.vector() + b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack operator-(const pack& a, const pack& b) {
    return pack(a.vector() - b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack operator*(const pack& a, const pack& b) {
    return pack(detail::avx512::multiply(a.vector(), b.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack operator/(const pack& a, const pack& b) {
    return pack(a.vector() / b.vector());
  }
  friend KERNFOLD_TARGET_AVX512 inline pack operator-(const pack& a) { return pack(-a.vector()); }

  friend KERNFOLD_TARGET_AVX512 inline mask operator<(const pack& a, const pack& b) { return compare<17>(a, b); }
  friend KERNFOLD_TARGET_AVX512 inline mask operator<=(const pack& a, const pack& b) { return compare<18>(a, b); }
  friend KERNFOLD_TARGET_AVX512 inline mask operator>(const pack& a, const pack& b) { return compare<17>(b, a); }
  friend KERNFOLD_TARGET_AVX512 inline mask operator>=(const pack& a, const pack& b) { return compare<18>(b, a); }
  friend KERNFOLD_TARGET_AVX512 inline mask operator==(const pack& a, const pack& b) { return compare<0>(a, b); }
  friend KERNFOLD_TARGET_AVX512 inline mask operator!=(const pack& a, const pack& b) { return compare<4>(a, b); }

  friend KERNFOLD_TARGET_AVX512 inline pack select(mask m, const pack& a, const pack& b) {
    return pack(detail::avx512::blend(m.bits, a.vector(), b.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack zero_where(mask m, const pack& a) {
    return pack(detail::avx512::blend(m.bits, reals{}, a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack fma(const pack& a, const pack& b, const pack& c) {
    if constexpr (width == 16)
      return pack(__builtin_ia32_vfmaddps512_mask(a.vector(), b.vector(), c.vector(), detail::avx512::all16(),
                                                  detail::avx512::as_set));
    else
      return pack(__builtin_ia32_vfmaddpd512_mask(a.vector(), b.vector(), c.vector(), detail::avx512::all8(),
                                                  detail::avx512::as_set));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack fnma(const pack& a, const pack& b, const pack& c) { return fma(-a, b, c); }
  friend KERNFOLD_TARGET_AVX512 inline pack fms(const pack& a, const pack& b, const pack& c) { return fma(a, b, -c); }
  // The instruction returns its second operand where one is NaN or both are zero.
  friend KERNFOLD_TARGET_AVX512 inline pack min(const pack& a, const pack& b) {
    return pack(detail::avx512::least(b.vector(), a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack max(const pack& a, const pack& b) {
    return pack(detail::avx512::greatest(b.vector(), a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack sqrt(const pack& a) { return pack(detail::avx512::root(a.vector())); }
  friend KERNFOLD_TARGET_AVX512 inline pack round(const pack& a) { return rounded<detail::avx512::nearest>(a); }
  friend KERNFOLD_TARGET_AVX512 inline pack floor(const pack& a) { return rounded<detail::avx512::down>(a); }
  friend KERNFOLD_TARGET_AVX512 inline pack trunc(const pack& a) { return rounded<detail::avx512::towards_zero>(a); }
  /// a - round(a): exact, in one instruction where rounding takes two. 0 where a is infinite.
  friend KERNFOLD_TARGET_AVX512 inline pack rest_of_round(const pack& a) {
    return pack(detail::avx512::rest_of_nearest(a.vector()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack abs(const pack& a) {
    return pack((reals)((ints)a.vector() & ~sign_bits()));
  }
  friend KERNFOLD_TARGET_AVX512 inline pack copysign(const pack& a, const pack& b) {
    return pack((reals)(((ints)a.vector() & ~sign_bits()) | ((ints)b.vector() & sign_bits())));
  }
  /// a 2^floor(n), rounded once. Where n is infinite so is the result, or it is zero, even if a is a quiet NaN.
  friend KERNFOLD_TARGET_AVX512 inline pack scale_by_exp2(const pack& a, const pack& n) {
    if constexpr (width == 16)
      return pack(__builtin_ia32_scalefps512_mask(a.vector(), n.vector(), a.vector(), detail::avx512::all16(),
                                                  detail::avx512::as_set));
    else
      return pack(__builtin_ia32_scalefpd512_mask(a.vector(), n.vector(), a.vector(), detail::avx512::all8(),
                                                  detail::avx512::as_set));
  }

  friend KERNFOLD_TARGET_AVX512 inline packed_ints to_bits(const pack& a) { return packed_ints((ints)a.vector()); }
  static KERNFOLD_TARGET_AVX512 inline pack from_bits(const packed_ints& a) { return pack((reals)a.vector()); }
  friend KERNFOLD_TARGET_AVX512 inline packed_ints convert_to_int(const pack& a) {
    return packed_ints(__builtin_convertvector(a.vector(), ints));
  }
  static KERNFOLD_TARGET_AVX512 inline pack from_int(const packed_ints& a) {
    return pack(__builtin_convertvector(a.vector(), reals));
  }

  /// The lanes in double precision, eight and eight.
  friend KERNFOLD_TARGET_AVX512 inline auto low_half(const pack& a) { return a.template widened<0>(); }
  friend KERNFOLD_TARGET_AVX512 inline auto high_half(const pack& a) { return a.template widened<1>(); }
  static KERNFOLD_TARGET_AVX512 inline pack from_halves(const pack<double, isa::avx512>& low,
                                                        const pack<double, isa::avx512>& high) {
    pack r;
    using in_memory = detail::avx512::half_floats_in_memory;  // by name: auto would forget that it is not aligned
    *reinterpret_cast<in_memory*>(r.lane) = __builtin_convertvector(low.vector(), detail::avx512::half_floats);
    *reinterpret_cast<in_memory*>(r.lane + 8) = __builtin_convertvector(high.vector(), detail::avx512::half_floats);
    return r;
  }

 private:
  template <int Half> KERNFOLD_TARGET_AVX512 inline pack<double, isa::avx512> widened() const {
    return pack<double, isa::avx512>(__builtin_convertvector(
        __builtin_ia32_extractf32x8_mask(vector(), Half, detail::avx512::half_floats{}, detail::avx512::all8()),
        detail::avx512::doubles));
  }
  static KERNFOLD_TARGET_AVX512 inline ints sign_bits() { return (ints)(-reals{}); }
  template <int Predicate> static KERNFOLD_TARGET_AVX512 inline mask compare(const pack& a, const pack& b) {
    if constexpr (width == 16)
      return mask(__builtin_ia32_cmpps512_mask(a.vector(), b.vector(), Predicate, detail::avx512::all16(),
                                               detail::avx512::as_set));
    else
      return mask(__builtin_ia32_cmppd512_mask(a.vector(), b.vector(), Predicate, detail::avx512::all8(),
                                               detail::avx512::as_set));
  }
  template <int Mode> static KERNFOLD_TARGET_AVX512 inline pack rounded(const pack& a) {
    if constexpr (width == 16)
      return pack(__builtin_ia32_rndscaleps_mask(a.vector(), Mode, a.vector(), detail::avx512::all16(),
                                                 detail::avx512::as_set));
    else
      return pack(
          __builtin_ia32_rndscalepd_mask(a.vector(), Mode, a.vector(), detail::avx512::all8(), detail::avx512::as_set));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold

#endif
KERNFOLD_STRICT_END
