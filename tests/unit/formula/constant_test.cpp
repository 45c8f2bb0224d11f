#include <kernfold/formula/constant.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <kernfold/formula/simplify.hpp>

namespace kf = kernfold;
using namespace kf::literals;

namespace {
template <std::int64_t Num, std::int64_t Den, class C> constexpr bool is(C) {
  return std::is_same_v<C, kf::Constant<Num, Den>>;
}
template <class C> constexpr bool is_double(C, double v) { return !C::is_rational && C::value == v; }
}  // namespace

TEST(constant, is_a_fraction_in_lowest_terms) {
  static_assert(is<3, 1>(kf::constant<3>));
  static_assert(is<1, 3>(kf::constant<2, 6>));
  static_assert(is<-1, 3>(kf::constant<2, -6>));
  static_assert(std::is_same_v<std::remove_const_t<decltype(kf::constant<0, 5>)>, kf::Zero<1>>);
  static_assert(std::is_same_v<kf::constant_t<4, 2>, kf::Constant<2>>);
  EXPECT_EQ((kf::Constant<1, 3>::value), 1.0 / 3);
}

TEST(constant, from_a_literal) {
  static_assert(is<2, 1>(2_c));
  static_assert(is<5, 2>(2.5_c));
  static_assert(is<1, 1000>(1e-3_c));
  static_assert(is<12345, 1>(1.2345e4_c));
  static_assert(is<1000000, 1>(1'000'000_c));
  static_assert(is<1, 10>(0.10_c));
  static_assert(std::is_same_v<decltype(0_c), kf::Zero<1>>);
  static_assert(is<9223372036854775807, 1>(9223372036854775807_c));
  SUCCEED();
}

// What fits into no fraction of 64-bit integers is the nearest double, rounded once.
TEST(constant, from_a_literal_beyond_64_bits) {
  static_assert(is_double(3.14159265358979323846264338327950288_c, 3.14159265358979323846264338327950288));
  static_assert(is_double(1e-300_c, 1e-300));
  static_assert(is_double(1e300_c, 1e300));
  static_assert(is_double(6.02214076e-34_c, 6.02214076e-34));
  static_assert(is_double(2.2250738585072014e-308_c, 2.2250738585072014e-308));
  static_assert(is_double(1.7976931348623157e308_c, 1.7976931348623157e308));
  SUCCEED();
}

TEST(constant, arithmetic_is_exact) {
  static_assert(is<5, 6>(1_c / 2_c + 1_c / 3_c));
  static_assert(is<-1, 6>(1_c / 3_c - 1_c / 2_c));
  static_assert(is<1, 3>(2_c / 3_c * (1_c / 2_c)));
  static_assert(is<3, 10>(0.1_c + 0.2_c));
  static_assert(is<1, 7>(inv(7_c)));
  static_assert(std::is_same_v<decltype(1_c / 3_c - 1_c / 3_c), kf::Zero<1>>);
  // common factors go before the products are formed
  static_assert(is<4611686018427387904, 1>(4611686018427387904_c / 3_c * 3_c));
  SUCCEED();
}

TEST(constant, arithmetic_overflows_to_double) {
  static_assert(is_double(9223372036854775807_c * 4_c, 0x1p65));
  static_assert(is_double(9223372036854775807_c + 9223372036854775807_c * 3_c, 0x1p65));
  static_assert(is_double(1_c / 4611686018427387904_c * (1_c / 3_c), 1.0 / 4611686018427387904.0 / 3));
  static_assert(is_double(1e300_c * 0.5_c, 0.5e300));
  static_assert(is_double(inv(1e300_c), 1 / 1e300));
  // and back, where the double is a whole number
  static_assert(is<8, 1>(9223372036854775807_c * 4_c * (1_c / 4611686018427387904_c)));
  SUCCEED();
}

#if __cpp_nontype_template_args >= 201911L
TEST(constant, from_a_double) {
  static_assert(is<3, 1>(kf::constant<3.0>));
  static_assert(is_double(kf::constant<0.1>, 0.1));
  SUCCEED();
}
#endif
