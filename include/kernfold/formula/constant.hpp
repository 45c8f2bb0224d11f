// kernfold/formula/constant.hpp: numbers that are part of a formula's type: exact rationals and doubles.
#pragma once

#include <cstdint>
#include <type_traits>

#include "concepts.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// The number Num / Den in lowest terms with Den > 0; with Den = 0, the double whose bits are Num.
/// Never passes through float: 1/3 in a double formula is the double nearest to 1/3.
template <std::int64_t Num, std::int64_t Den = 1> struct Constant : formula_base {
  static constexpr int dim = 1;
  static constexpr role_set depends = no_roles;
  static constexpr kind result = kind::real;
  static constexpr std::uint64_t positions = 0;
  static constexpr bool is_rational = Den != 0;
  static constexpr bool is_integer = Den == 1;
  static constexpr std::int64_t numerator = Num, denominator = Den;
  static constexpr double value =
      is_rational ? double(Num) / double(is_rational ? Den : 1) : __builtin_bit_cast(double, Num);
};

/// The zero vector of dimension Dim.
template <int Dim> struct Zero : formula_base {
  static constexpr int dim = Dim;
  static constexpr role_set depends = no_roles;
  static constexpr kind result = kind::real;
  static constexpr std::uint64_t positions = 0;
};

template <class F> inline constexpr bool is_zero = false;
template <int D> inline constexpr bool is_zero<Zero<D>> = true;
template <class F> inline constexpr bool is_constant = false;
template <std::int64_t N, std::int64_t D> inline constexpr bool is_constant<Constant<N, D>> = true;
template <class F, std::int64_t N> inline constexpr bool is_integer = std::is_same_v<F, Constant<N, 1>>;

namespace detail {

/// A constant as data, so that arithmetic on constants is ordinary code and not template recursion.
struct number {
  std::int64_t num, den;
  KERNFOLD_INLINE constexpr double value() const {
    return den ? double(num) / double(den) : __builtin_bit_cast(double, num);
  }
  constexpr bool rational() const { return den != 0; }
};

constexpr number real_number(double v) {
  const auto whole = v >= -9007199254740992.0 && v <= 9007199254740992.0 ? std::int64_t(v) : std::int64_t(0);
  if (double(whole) == v) return {whole, 1};
  return {__builtin_bit_cast(std::int64_t, v), 0};
}

constexpr number reduced(std::int64_t num, std::int64_t den) {
  std::int64_t a = num < 0 ? -num : num, b = den < 0 ? -den : den;
  while (b != 0) {
    const std::int64_t r = a % b;
    a = b;
    b = r;
  }
  if (a == 0) return {0, 1};
  return den < 0 ? number{-num / a, -den / a} : number{num / a, den / a};
}

// Whether a b and a + b fit into 64 bits, and what they are. (No __builtin_mul_overflow: nvcc cannot evaluate it.)
constexpr bool multiply(std::int64_t a, std::int64_t b, std::int64_t& product) {
  const std::uint64_t most = INT64_MAX, m = a < 0 ? 0 - std::uint64_t(a) : a, n = b < 0 ? 0 - std::uint64_t(b) : b;
  if (m != 0 && n > most / m) return false;
  product = a * b;
  return true;
}
constexpr bool add(std::int64_t a, std::int64_t b, std::int64_t& sum) {
  if (b > 0 ? a > INT64_MAX - b : a < -INT64_MAX - b) return false;
  sum = a + b;
  return true;
}

// Arithmetic that overflows is no constant expression, and none that vanishes is one to nvcc: the results are infinite,
// and 0, here.
constexpr double magnitude(double a) { return a < 0 ? -a : a; }
constexpr double product_or_infinity(double a, double b) {
  const double most = 0x1.fffffffffffffp1023, least = 0x1p-1074;
  if (magnitude(b) > 1 && magnitude(a) > most / magnitude(b)) return __builtin_inf();
  return b == 0 || (magnitude(b) < 1 && magnitude(a) < least / magnitude(b)) ? 0 : a * b;
}
constexpr double sum_or_infinity(double a, double b) {
  return magnitude(a / 2 + b / 2) > 0x1.fffffffffffffp1022 ? __builtin_inf() : a + b;
}
constexpr double inverse_or_infinity(double a) { return magnitude(a) < 0x1p-1023 ? __builtin_inf() : 1 / a; }

/// Exact while it fits into 64 bits, a double beyond.
constexpr number times(number a, number b) {
  std::int64_t num = 0, den = 0;
  if (a.rational() && b.rational()) {
    const number c = reduced(a.num, b.den), d = reduced(b.num, a.den);
    if (multiply(c.num, d.num, num) && multiply(c.den, d.den, den)) return reduced(num, den);
  }
  return real_number(product_or_infinity(a.value(), b.value()));
}
constexpr number plus(number a, number b) {
  std::int64_t left = 0, right = 0, num = 0, den = 0;
  if (a.rational() && b.rational() && multiply(a.num, b.den, left) && multiply(b.num, a.den, right) &&
      add(left, right, num) && multiply(a.den, b.den, den))
    return reduced(num, den);
  return real_number(sum_or_infinity(a.value(), b.value()));
}
/// Whether float holds a number: it is 0 or neither too small nor too large. Constants become one only where the result
/// is such, or where they were not before: a formula's type is known before its real type is, and what double holds
/// float may not.
constexpr bool fits_float(number a) {
  const double v = a.value() < 0 ? -a.value() : a.value();
  return v == 0 || (v >= 0x1p-126 && v <= 0x1.fffffep127);
}
constexpr bool fits_double(number a) {
  const double v = a.value() < 0 ? -a.value() : a.value();
  return v >= 0x1p-1022 && v <= 0x1.fffffffffffffp1023;
}
/// Whether constants a and b may become c, which they are equal to but for rounding.
constexpr bool may_become(number a, number b, number c) {
  if (a.value() == 0 || b.value() == 0) return true;
  return fits_float(c) ? fits_double(c) : fits_double(c) && !(fits_float(a) && fits_float(b));
}
/// Whether a factor may change places with others: it makes no product of ordinary numbers overflow or vanish on the
/// way.
constexpr bool is_moderate(number a) {
  const double v = a.value() < 0 ? -a.value() : a.value();
  return v >= 0x1p-34 && v <= 0x1p34;
}

constexpr number inverse(number a) {
  return a.rational() ? reduced(a.den, a.num) : real_number(inverse_or_infinity(a.value()));
}

/// A constant's number; 1 for any other formula, of which conditions ask in vain.
template <class F> inline constexpr number number_of{1, 1};
template <std::int64_t N, std::int64_t D> inline constexpr number number_of<Constant<N, D>>{N, D};
template <int D> inline constexpr number number_of<Zero<D>>{0, 1};

template <std::int64_t Num, std::int64_t Den> struct constant_type {
  using type = Constant<Num, Den>;
};
template <> struct constant_type<0, 1> {
  using type = Zero<1>;
};

/// A natural number of up to 4096 bits, in digits of 32 bits from the lowest up: for literals with more digits than fit
/// into 64.
struct long_integer {
  static constexpr int most = 128;
  std::uint32_t digit[most]{};

  constexpr void multiply_and_add(std::uint32_t factor, std::uint32_t summand) {
    std::uint64_t carry = summand;
    for (std::uint32_t& d : digit) {
      carry += std::uint64_t(d) * factor;
      d = std::uint32_t(carry);
      carry >>= 32;
    }
  }
  constexpr int bits() const {
    for (int n = most - 1; n >= 0; --n)
      for (int b = 31; b >= 0; --b)
        if (digit[n] >> b & 1) return 32 * n + b + 1;
    return 0;
  }
  constexpr void shift_left(int count) {
    for (; count >= 31; count -= 31) multiply_and_add(std::uint32_t{1} << 31, 0);
    multiply_and_add(std::uint32_t{1} << count, 0);
  }
  constexpr bool is_below(const long_integer& other) const {
    for (int n = most - 1; n >= 0; --n)
      if (digit[n] != other.digit[n]) return digit[n] < other.digit[n];
    return false;
  }
  constexpr void subtract(const long_integer& other) {
    std::int64_t borrow = 0;
    for (int n = 0; n < most; ++n) {
      const std::int64_t d = std::int64_t(digit[n]) - other.digit[n] + borrow;
      digit[n] = std::uint32_t(d);
      borrow = d < 0 ? -1 : 0;
    }
  }
};

constexpr double power_of_two(int exponent) {
  double p = 1;
  for (; exponent > 0; --exponent) p *= 2;
  for (; exponent < 0; ++exponent) p /= 2;
  return p;
}
/// The double nearest to a / b, ties to even; by long division, digit by binary digit. Infinite beyond the range.
constexpr double nearest_quotient(long_integer a, long_integer b) {
  if (a.bits() == 0) return 0;
  // a / b = q 2^exponent with 2^52 <= q < 2^54; below the least normal number with fewer digits
  int exponent = a.bits() - b.bits() - 53;
  if (exponent < -1074) exponent = -1074;
  if (exponent < 0) a.shift_left(-exponent);
  else b.shift_left(exponent);
  std::uint64_t q = 0;
  const int first = a.bits() - b.bits();
  long_integer scaled = b;
  if (first > 0) scaled.shift_left(first);
  for (int n = first > 0 ? first : 0; n >= 0; --n) {
    q *= 2;
    if (!a.is_below(scaled)) {
      a.subtract(scaled);
      q += 1;
    }
    if (n > 0)
      for (int d = 0; d < long_integer::most; ++d)
        scaled.digit[d] = scaled.digit[d] >> 1 | (d + 1 < long_integer::most ? scaled.digit[d + 1] << 31 : 0);
  }
  long_integer twice = a;
  twice.multiply_and_add(2, 0);
  bool is_above_half = b.is_below(twice), is_half = !is_above_half && !twice.is_below(b);
  if (q >> 53) {  // one digit too many
    const bool last = q & 1;
    is_half = last && a.bits() == 0;
    is_above_half = last && a.bits() != 0;
    q >>= 1;
    ++exponent;
  }
  if (is_above_half || (is_half && (q & 1))) ++q;
  if (exponent > 971 || (exponent == 971 && q >> 53)) return __builtin_inf();
  return double(q) * power_of_two(exponent < -1022 ? -1022 : exponent) *
         power_of_two(exponent < -1022 ? exponent + 1022 : 0);
}

constexpr int digit_value(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}
/// A literal such as 2.5, 1e-3, 0x1f, 0x1.8p3, 0b101 or 017: an exact rational where that fits, else the nearest
/// double.
template <char... Cs> consteval number parse_literal() {
  const char text[] = {Cs..., '\0'};
  int k = 0, base = 10;
  bool is_fraction = false;  // of a decimal number, or with an exponent
  for (const char c : text) is_fraction = is_fraction || c == '.';
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) base = 16, k = 2;
  else if (text[0] == '0' && (text[1] == 'b' || text[1] == 'B')) base = 2, k = 2;
  if (base == 10)
    for (const char c : text) is_fraction = is_fraction || c == 'e' || c == 'E';
  if (base == 10 && text[0] == '0' && !is_fraction) base = 8;

  long_integer digits;
  std::int64_t num = 0;
  int exponent = 0, written = 0;
  bool fits = true, point = false, negative = false;
  for (; text[k] != '\0' && !(base == 10 && (text[k] == 'e' || text[k] == 'E')) && text[k] != 'p' && text[k] != 'P';
       ++k) {
    if (text[k] == '\'') continue;
    if (text[k] == '.') {
      point = true;
      continue;
    }
    const int digit = digit_value(text[k]);
    fits = fits && multiply(num, base, num) && add(num, digit, num);
    digits.multiply_and_add(std::uint32_t(base), std::uint32_t(digit));
    if (point) --exponent;
  }
  if (base == 16) exponent *= 4;
  if (text[k] != '\0') {
    ++k;
    if (text[k] == '-' || text[k] == '+') negative = text[k++] == '-';
    for (; text[k] != '\0'; ++k)
      if (text[k] != '\'') written = written < 10000 ? written * 10 + (text[k] - '0') : written;
    exponent += negative ? -written : written;
  }
  const int radix = base == 16 ? 2 : 10;  // of the exponent
  std::int64_t scale = 1;
  bool exact = fits;
  for (int e = exponent < 0 ? -exponent : exponent; e > 0 && exact; --e) exact = multiply(scale, radix, scale);
  std::int64_t whole = 0;
  if (exact && exponent >= 0 && multiply(num, scale, whole)) return {whole, 1};
  // A quotient of numbers that doubles hold is rounded once.
  constexpr std::int64_t most = std::int64_t{1} << 53;
  if (exact && exponent < 0 && num <= most && scale <= most) return reduced(num, scale);
  if (digits.bits() == 0) return {0, 1};
  const bool is_tiny = exponent < 0 && -exponent > (radix == 2 ? 1 : 0) * 2200 + (radix == 10 ? 800 : 0);
  const bool is_huge = exponent > (radix == 2 ? 1100 : 310);
  if (is_tiny) return {0, 1};
  if (is_huge) return {__builtin_bit_cast(std::int64_t, __builtin_inf()), 0};
  long_integer divisor;
  divisor.digit[0] = 1;
  for (int e = exponent; e > 0; --e) digits.multiply_and_add(std::uint32_t(radix), 0);
  for (int e = exponent; e < 0; ++e) divisor.multiply_and_add(std::uint32_t(radix), 0);
  return real_number(nearest_quotient(digits, divisor));
}

}  // namespace detail

/// The formula type of a number: Zero<1>, or Constant<...>.
template <std::int64_t Num, std::int64_t Den = 1>
using constant_t = typename detail::constant_type<detail::reduced(Num, Den).num, detail::reduced(Num, Den).den>::type;

namespace detail {
template <auto Value, std::int64_t Den> consteval auto make_constant() {
  if constexpr (std::is_integral_v<decltype(Value)>) {
    static_assert(Den != 0, "kernfold: a constant's denominator must not be 0");
    return constant_t<std::int64_t(Value), Den>{};
  } else {
    constexpr number n = real_number(double(Value));
    return typename constant_type<n.num, n.den>::type{};
  }
}
}  // namespace detail

/// kf::constant<3>, kf::constant<1, 3>, and kf::constant<2.5> where the compiler takes doubles as template arguments.
template <auto Value, std::int64_t Den = 1> inline constexpr auto constant = detail::make_constant<Value, Den>();

/// The zero vector as a formula.
template <int Dim> inline constexpr Zero<Dim> zero{};

namespace literals {
/// 2_c, 2.5_c, 0x1f_c, 0b101_c, 1_c / 3_c: exact numbers inside formulas, or the nearest double.
template <char... Cs> constexpr auto operator""_c() {
  constexpr detail::number n = detail::parse_literal<Cs...>();
  return typename detail::constant_type<n.num, n.den>::type{};
}
}  // namespace literals

}  // namespace kernfold
KERNFOLD_STRICT_END
