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

// Hexadecimal, binary and octal literals; decimals are the nearest double, ties to even. The values are those that
// another implementation reads.
TEST(constant, literals_of_every_base_correctly_rounded) {
  const auto value = [](auto c) -> double {
    if constexpr (kf::is_zero<decltype(c)>) return 0;
    else return decltype(c)::value;
  };
  EXPECT_EQ(value(0x10_c), 0x1.0000000000000p+4);
  EXPECT_EQ(value(0XfF_c), 0x1.fe00000000000p+7);
  EXPECT_EQ(value(0b101_c), 0x1.4000000000000p+2);
  EXPECT_EQ(value(017_c), 0x1.e000000000000p+3);
  EXPECT_EQ(value(0_c), 0x0.0p+0);
  EXPECT_EQ(value(00_c), 0x0.0p+0);
  EXPECT_EQ(value(1_c), 0x1.0000000000000p+0);
  EXPECT_EQ(value(10_c), 0x1.4000000000000p+3);
  EXPECT_EQ(value(9007199254740993_c), 0x1.0000000000000p+53);
  EXPECT_EQ(value(1'000'000_c), 0x1.e848000000000p+19);
  EXPECT_EQ(value(0x1.8p3_c), 0x1.8000000000000p+3);
  EXPECT_EQ(value(0x1p-3_c), 0x1.0000000000000p-3);
  EXPECT_EQ(value(0.1_c), 0x1.999999999999ap-4);
  EXPECT_EQ(value(1e22_c), 0x1.0f0cf064dd592p+73);
  EXPECT_EQ(value(1e23_c), 0x1.52d02c7e14af6p+76);
  EXPECT_EQ(value(123456789012345678e-18_c), 0x1.f9add3746f65fp-4);
  EXPECT_EQ(value(0.123456789012345678_c), 0x1.f9add3746f65fp-4);
  EXPECT_EQ(value(3.4e38_c), 0x1.ff933c78cdfadp+127);
  EXPECT_EQ(value(1.7976931348623157e308_c), 0x1.fffffffffffffp+1023);
  EXPECT_EQ(value(4.9406564584124654e-324_c), 0x0.0000000000001p-1022);
  EXPECT_EQ(value(2.2250738585072014e-308_c), 0x1.0000000000000p-1022);
  EXPECT_EQ(value(2.225073858507201e-308_c), 0x0.fffffffffffffp-1022);
  EXPECT_EQ(value(1e-310_c), 0x0.012688b70e62bp-1022);
  EXPECT_EQ(value(6.0221412900000001e23_c), 0x1.fe185f96a931fp+78);
  EXPECT_EQ(value(0.30000000000000004_c), 0x1.3333333333334p-2);
  EXPECT_EQ(
      value(
          179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880.0_c),
      0x1.203af9ee75615p+974);
  EXPECT_EQ(value(8.5e-3_c), 0x1.16872b020c49cp-7);
  EXPECT_EQ(value(1.0_c), 0x1.0000000000000p+0);
  EXPECT_EQ(value(2.50_c), 0x1.4000000000000p+1);
  EXPECT_EQ(value(5e-324_c), 0x0.0000000000001p-1022);
  EXPECT_EQ(value(2.4703282292062328e-324_c), 0x0.0000000000001p-1022);
  EXPECT_EQ(value(9223372036854775807_c), 0x1.0000000000000p+63);
  EXPECT_EQ(value(9223372036854775808_c), 0x1.0000000000000p+63);
  EXPECT_EQ(value(18446744073709551616_c), 0x1.0000000000000p+64);
  EXPECT_EQ(value(9007199254740992.5_c), 0x1.0000000000000p+53);
  EXPECT_EQ(value(9007199254740993.5_c), 0x1.0000000000001p+53);
  EXPECT_EQ(value(4503599627370496.5_c), 0x1.0000000000000p+52);
  EXPECT_EQ(value(4503599627370497.5_c), 0x1.0000000000002p+52);
  EXPECT_EQ(value(7.982597919074833788e187_c), 0x1.258a2d4ce0f1ep+624);
  EXPECT_EQ(value(4.2328601290404796669725102e206_c), 0x1.518497827d999p+686);
  EXPECT_EQ(value(4.6468695896935049258e-194_c), 0x1.b232a5d9852c4p-643);
  EXPECT_EQ(value(9.9441177151620466109906958e-15_c), 0x1.66464c1992c4dp-47);
  EXPECT_EQ(value(7.040119803649420555e-159_c), 0x1.8be941354dc14p-526);
  EXPECT_EQ(value(1.786981984634648485069e22_c), 0x1.e45cc8b3f1c5ep+73);
  EXPECT_EQ(value(3.992057559470900547499e27_c), 0x1.9cc4e23ddd66dp+91);
  EXPECT_EQ(value(6.25594461092483435261e-196_c), 0x1.761c521e13816p-649);
  EXPECT_EQ(value(3.37215397431083592451e53_c), 0x1.c2a611a911dc2p+177);
  EXPECT_EQ(value(8.484756469606230798683e-267_c), 0x1.1827350187535p-884);
  EXPECT_EQ(value(9.8485319413008369007128430e237_c), 0x1.832e87c227c27p+790);
  EXPECT_EQ(value(1.091524870533181234207e109_c), 0x1.297368f1296a1p+362);
  EXPECT_EQ(value(9.3498860750020101701e227_c), 0x1.3bbf4b4df24e1p+757);
  EXPECT_EQ(value(6.5251566945435612806192e-257_c), 0x1.f5a260deffa61p-852);
  EXPECT_EQ(value(3.9860960575667033849163e136_c), 0x1.b6bb7d5d9736bp+453);
  EXPECT_EQ(value(8.558417186159819e-295_c), 0x1.17dbe35b93af5p-977);
  EXPECT_EQ(value(2.36081916205101749e6_c), 0x1.202f994be1676p+21);
  EXPECT_EQ(value(4.988318180859213e-116_c), 0x1.f72ad713aa689p-384);
  EXPECT_EQ(value(3.9645965861683626998726e-148_c), 0x1.44711bd19e3a4p-490);
  EXPECT_EQ(value(5.7787922432985384e123_c), 0x1.17bc7e41185f5p+411);
  EXPECT_EQ(value(1.404763295357267937e270_c), 0x1.545bdb736bbd9p+897);
  EXPECT_EQ(value(2.1607331343342290420526e-207_c), 0x1.632dffdd2cce2p-687);
  EXPECT_EQ(value(8.1440579500556671e-85_c), 0x1.9505de75cec0bp-280);
  EXPECT_EQ(value(9.285141617841855744159e249_c), 0x1.4bfed40856bfbp+830);
  EXPECT_EQ(value(9.7850492225711825e130_c), 0x1.1a541ec5376aap+435);
  EXPECT_EQ(value(8.2774211288965144602e-257_c), 0x1.3e2be9e23ba2ap-851);
  EXPECT_EQ(value(3.43855678157124911912396e100_c), 0x1.f711ae093bb99p+333);
  EXPECT_EQ(value(1.926388292345407665894784e195_c), 0x1.a63a43228d320p+648);
  EXPECT_EQ(value(6.301372873383087194227190e-274_c), 0x1.5d11a60dd7057p-908);
  EXPECT_EQ(value(7.381780555521901531363751e-257_c), 0x1.1bbe9591b8d11p-851);
  static_assert(std::is_same_v<decltype(0x10_c), kf::Constant<16>>);
  static_assert(std::is_same_v<decltype(0b101_c), kf::Constant<5>>);
  static_assert(std::is_same_v<decltype(017_c), kf::Constant<15>>);
  static_assert(std::is_same_v<decltype(0x1.8p3_c), kf::Constant<12>>);
  static_assert(std::is_same_v<decltype(0.25_c), kf::Constant<1, 4>>);
  // In a generic lambda, which clang++ 14 compiled to a call of a function that is nowhere.
  const auto doubled = [](auto f) { return 2_c * f; };
  EXPECT_EQ(value(doubled(3_c)), 6);
}
