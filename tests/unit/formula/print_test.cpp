#include <kernfold/formula/print.hpp>

#include <gtest/gtest.h>

#include <string>

#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/registry.hpp>
#include <kernfold/reduction/logsumexp.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;
using namespace kf::literals;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;

template <class F> std::string text(F f) { return kf::to_string(f).c_str(); }
template <class Op, class... Fs> std::string bare(Fs...) { return text(kf::node<Op, Fs...>{}); }
template <std::int64_t Bits> std::string real() { return text(kf::Constant<Bits, 0>{}); }

struct softplus : kf::elementwise<softplus> {};
struct positive_part : kf::elementwise<positive_part> {
  static constexpr kf::notation written{
      .pattern = "A^+", .strength = kf::binding_strength::power, .argument = {kf::binding_strength::atom}};
};
struct Renamed : kf::elementwise<Renamed> {
  static constexpr const char* name() { return "another_name"; }
};

}  // namespace

TEST(print, formulas_as_one_writes_them) {
  EXPECT_EQ(text(exp(-g * sqdist(x, y)) * b), "exp(-p3 |x0 - y1|^2) y2");
  EXPECT_EQ(text(kf::grad(exp(-g * sqdist(x, y)) * b, x, kf::Vi<4, 1>)), "-2 x4 y2 exp(-p3 |x0 - y1|^2) p3 (x0 - y1)");
  EXPECT_EQ(text(norm2(x - y) / (1_c + square(g))), "sqrt(|x0 - y1|^2) / (1 + p3^2)");
}

TEST(print, symbols) {
  EXPECT_EQ(text(kf::Vi<12, 2>), "x12");
  EXPECT_EQ(text(kf::Pm<0, 2, int>), "p0");
  EXPECT_EQ(text(kf::row_index == kf::column_index), "[row_index == column_index]");
  EXPECT_EQ(text(kf::zero<3>), "0");
}

TEST(print, numbers) {
  EXPECT_EQ(text(1_c / 2_c * x), "1/2 x0");
  EXPECT_EQ(text(-x), "-x0");
  EXPECT_EQ(text(-1_c / 2_c * x), "-1/2 x0");
  EXPECT_EQ(text(0.1_c), "1/10");
  EXPECT_EQ(text(1e-300_c), "1e-300");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(0.1)>(), "0.1");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(-2.5)>(), "-2.5");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(123456.789)>(), "123456.789");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(1.4426950408889634)>(), "1.4426950408889634");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(9.5e-7)>(), "9.5e-7");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(1e22)>(), "1e22");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(5e-324)>(), "5e-324");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(1.7976931348623157e308)>(), "1.7976931348623157e308");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(0.0)>(), "0");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(-__builtin_inf())>(), "-inf");
  EXPECT_EQ(real<std::bit_cast<std::int64_t>(__builtin_nan(""))>(), "nan");
}

TEST(print, signs_merge) {
  EXPECT_EQ(text(x - y), "x0 - y1");
  EXPECT_EQ(text(-x - y), "-x0 - y1");
  EXPECT_EQ(text(-(x + y)), "-(x0 + y1)");
  EXPECT_EQ(text(x - 2_c), "x0 - 2");
  EXPECT_EQ(text(2_c - x), "2 - x0");
  EXPECT_EQ(bare<kf::Add>(x, -2_c * y), "x0 - 2 y1");
  EXPECT_EQ(bare<kf::Sub>(x, -2_c * y), "x0 + 2 y1");
  EXPECT_EQ(bare<kf::Add>(-x, y), "y1 - x0");
  EXPECT_EQ(bare<kf::Add>(x, -x - y), "x0 + (-x0 - y1)");
  EXPECT_EQ(bare<kf::Mul>(x, -y), "x0 (-y1)");
  EXPECT_EQ(bare<kf::SqDist>(x, -y), "|x0 - (-y1)|^2");
}

TEST(print, parentheses_where_they_are_needed) {
  EXPECT_EQ(text(x + (y + b)), "x0 + y1 + y2");
  EXPECT_EQ(text(x - (y - b)), "x0 - (y1 - y2)");
  EXPECT_EQ(text((x + y) * (x - y)), "(x0 + y1) (x0 - y1)");
  EXPECT_EQ(text(x * (y * b)), "x0 y1 y2");
  EXPECT_EQ(text(x / (y * b)), "x0 / (y1 y2)");
  EXPECT_EQ(text(x * y / b), "x0 y1 / y2");
  EXPECT_EQ(text((x / y) * b), "(x0 / y1) y2");
  EXPECT_EQ(text(x / y / b), "x0 / y1 / y2");
  EXPECT_EQ(text(kf::pow<3>(x + y)), "(x0 + y1)^3");
  EXPECT_EQ(text(square(sqdist(x, y))), "(|x0 - y1|^2)^2");
  EXPECT_EQ(text(kf::elem<1>(x + y)), "(x0 + y1)_[1]");
  EXPECT_EQ(text(exp(-(x + y))), "exp(-(x0 + y1))");
}

TEST(print, operations) {
  EXPECT_EQ(text(square(x)), "x0^2");
  EXPECT_EQ(text(kf::pow<-2>(x)), "x0^(-2)");
  EXPECT_EQ(text(kf::pow<3, 2>(x)), "x0^(3/2)");
  EXPECT_EQ(text(x | y), "(x0 | y1)");
  EXPECT_EQ(text(sqnorm2(x)), "|x0|^2");
  EXPECT_EQ(text(kf::elem<2>(x)), "x0_[2]");
  EXPECT_EQ(text(x < y), "[x0 < y1]");
  EXPECT_EQ(text(x >= y), "[y1 <= x0]");
  EXPECT_EQ(text(where(x != y, x, b)), "where([x0 != y1], x0, y2)");
  EXPECT_EQ(text(if_else(b, x, y)), "ifelse(y2, x0, y1)");
  EXPECT_EQ(text(kf::extract<1, 2>(x)), "extract<1, 2>(x0)");
  EXPECT_EQ(text(tensorprod(x, y)), "tensorprod(x0, y1)");
  EXPECT_EQ(bare<kf::FusedMultiplyAdd>(x, y, b), "x0 y1 + y2");
}

TEST(print, a_users_operation_bears_its_own_name_or_its_structs) {
  EXPECT_EQ(text(softplus{}(x)), "softplus(x0)");
  EXPECT_EQ(text(positive_part{}(x)*positive_part{}(x + y)), "x0^+ (x0 + y1)^+");
  EXPECT_EQ(text(square(positive_part{}(x))), "(x0^+)^2");
  EXPECT_EQ(text(Renamed{}(x)), "another_name(x0)");
}

TEST(print, reductions_as_symbols) {
  using lse = kf::logsumexp_spec<decltype(x | y)>;
  EXPECT_EQ(text(kf::folded<lse, kf::axis::j>{}), "LogSumExp_j((x0 | y1))");
  EXPECT_EQ(text(kf::folded<lse, kf::axis::i>{}), "LogSumExp_i((x0 | y1))");
  EXPECT_EQ(text(x - kf::folded<lse, kf::axis::both>{}), "x0 - LogSumExp_ij((x0 | y1))");
}

namespace {
template <class Entry, class... Args> void expect_text(kf::type_list<Args...>) {
  const std::string s = text(kf::node<typename Entry::op, Args...>{});
  EXPECT_NE(s.find("x0"), std::string::npos) << s;
  EXPECT_EQ(s.find(" y1") == std::string::npos, sizeof...(Args) < 2) << s;
  EXPECT_EQ(s.find(" p2") == std::string::npos, sizeof...(Args) < 3) << s;
  EXPECT_EQ(s.find("kernfold"), std::string::npos) << s;
  EXPECT_EQ(s.find_first_of("#;@"), std::string::npos) << s;
}
template <class... Entries> void expect_texts(kf::type_list<Entries...>) {
  (expect_text<Entries>(reference::variables_of<Entries>{}), ...);
}
}  // namespace
TEST(print, every_operation_of_the_registry) { expect_texts(kf::operations{}); }
