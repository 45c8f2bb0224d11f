// Every rule of simplify.hpp keeps the value: what make<Op> returns against the bare node, both by the reference.
#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/print.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/judge.hpp>
#include <reference/reduce.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;
using namespace kf;
using namespace kf::literals;

namespace {

constexpr auto x = Vi<0, 3>;
constexpr auto y = Vj<1, 3>;
constexpr auto s = Vi<2, 1>;
constexpr auto t = Vj<3, 1>;

/// Op(args...) without any rewriting
template <class Op, class... Fs> constexpr auto bare(Fs...) { return node<Op, Fs...>{}; }

/// (f, f, f)
template <class F> constexpr auto spread(F f) { return bare<SumT<3>>(f); }

template <class Op, class... Fs> void expect_same_value(Fs...) {
  constexpr auto simple = make<Op>(Fs{}...);
  constexpr auto as_written = bare<Op>(Fs{}...);
  using simple_type = std::remove_const_t<decltype(simple)>;
  using written_type = std::remove_const_t<decltype(as_written)>;
  const message text = message() << to_string(as_written) << " became " << to_string(simple);
  EXPECT_FALSE((std::is_same_v<simple_type, written_type>)) << text.c_str() << ": there is no such rule";
  static_assert(simple_type::dim == written_type::dim);
  reference::sampler numbers(6);
  reference::arrays data;
  for (int n = 0; n < 3; ++n) {
    data.at[0] = numbers.positive(3);
    data.at[1] = numbers.generic(3);
    data.at[2] = numbers.generic(1);
    data.at[3] = numbers.generic(1);
    const auto expected = reference::value(as_written, data), value = reference::value(simple, data);
    for (std::size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(static_cast<double>(value[k].value), static_cast<double>(expected[k].value),
                  1e-18 * (1 + static_cast<double>(expected[k].error)))
          << text.c_str();
  }
}

}  // namespace

TEST(simplify, sums) {
  expect_same_value<Add>(zero<3>, x);
  expect_same_value<Add>(zero<3>, s);
  expect_same_value<Add>(x, zero<1>);
  expect_same_value<Add>(s, zero<3>);
  expect_same_value<Add>(1_c / 2_c, 1_c / 3_c);
  expect_same_value<Add>(2_c * x, 3_c * x);
  expect_same_value<Add>(x, x);
  expect_same_value<Add>(x, 2_c);
  expect_same_value<Add>(x, -2_c * y);
  expect_same_value<Add>(x, -2_c * s);
  expect_same_value<Add>(-2_c * x, y);
  expect_same_value<Sub>(x, zero<3>);
  expect_same_value<Sub>(s, zero<3>);
  expect_same_value<Sub>(zero<3>, s);
  expect_same_value<Sub>(x, 2_c);
  expect_same_value<Sub>(2_c * x, 5_c * x);
  expect_same_value<Sub>(x, x);
  expect_same_value<Sub>(x, -2_c * y);
}

TEST(simplify, products_and_quotients) {
  expect_same_value<Mul>(zero<1>, x);
  expect_same_value<Mul>(s, zero<3>);
  expect_same_value<Mul>(2_c, 1_c / 6_c);
  expect_same_value<Mul>(1_c, x);
  expect_same_value<Mul>(2_c, 3_c * x);
  expect_same_value<Mul>(x, 2_c);
  expect_same_value<Mul>(2_c * x, y);
  expect_same_value<Mul>(x, 2_c * y);
  expect_same_value<Mul>(2_c * s, 3_c * x);
  expect_same_value<Mul>(spread(s), x);
  expect_same_value<Mul>(x, spread(s));
  expect_same_value<Mul>(x, x);
  expect_same_value<Mul>(square(x), x);
  expect_same_value<Mul>(kf::pow<3>(x), square(x));
  expect_same_value<Mul>(x, where(s < t, y, zero<1>));
  expect_same_value<Mul>(where(s < t, zero<1>, y), x);
  expect_same_value<Mul>(s, if_else(x - y, y, zero<3>));
  expect_same_value<Mul>(if_else(s, zero<1>, t), x);
  expect_same_value<Div>(if_else(s, t, zero<1>), x);
  expect_same_value<Div>(where(s < t, zero<3>, y), s);
  expect_same_value<Div>(zero<1>, x);
  expect_same_value<Div>(x, 4_c / 3_c);
  expect_same_value<Div>(2_c, x);
  expect_same_value<Div>(2_c * s, x);
  expect_same_value<Div>(x, 2_c * s);
}

TEST(simplify, sums_of_components) {
  expect_same_value<Sum>(s);
  expect_same_value<Sum>(zero<3>);
  expect_same_value<Sum>(s * t);
  expect_same_value<Sum>(s * x);
  expect_same_value<Sum>(bare<Mul>(x, s));
  expect_same_value<Sum>(x * y);
  expect_same_value<Sum>(spread(s));
  expect_same_value<Sum>(bare<ElemT<1, 3>>(s));
  expect_same_value<SumT<3>>(zero<1>);
  expect_same_value<SumT<1>>(s);
}

TEST(simplify, scalar_products_norms_and_distances) {
  expect_same_value<Scalprod>(x, zero<3>);
  expect_same_value<Scalprod>(s, t);
  expect_same_value<Scalprod>(s * x, y);
  expect_same_value<Scalprod>(bare<Mul>(x, s), y);
  expect_same_value<Scalprod>(x, t * y);
  expect_same_value<Scalprod>(2_c * x, 3_c * y);
  expect_same_value<Scalprod>(spread(s), x);
  expect_same_value<Scalprod>(x, spread(s));
  expect_same_value<Scalprod>(x, x);
  expect_same_value<Scalprod>(x, bare<ElemT<1, 3>>(s));
  expect_same_value<Scalprod>(bare<ElemT<2, 3>>(s), y);
  expect_same_value<Scalprod>(bare<ElemT<2, 3>>(s), bare<ElemT<2, 3>>(t));
  expect_same_value<Scalprod>(bare<ElemT<2, 3>>(s), bare<ElemT<0, 3>>(t));
  expect_same_value<Scalprod>(bare<ElemT<2, 3>>(s), spread(t));
  expect_same_value<Scalprod>(spread(s), bare<ElemT<2, 3>>(t));
  expect_same_value<Scalprod>(bare<ElemT<2, 3>>(s), zero<3>);
  expect_same_value<Scalprod>(zero<3>, bare<ElemT<2, 3>>(t));
  expect_same_value<SqDist>(bare<ElemT<2, 3>>(s), zero<3>);
  expect_same_value<SqDist>(zero<3>, zero<3>);
  expect_same_value<SqNorm2>(zero<3>);
  expect_same_value<SqNorm2>(s);
  expect_same_value<SqNorm2>(-2_c * x);
  expect_same_value<SqNorm2>(x - y);
  expect_same_value<SqNorm2>(x - s);
  expect_same_value<SqDist>(x, x);
  expect_same_value<SqDist>(x, zero<3>);
  expect_same_value<SqDist>(s, zero<3>);
}

TEST(simplify, powers) {
  expect_same_value<Square>(zero<3>);
  expect_same_value<Square>(1_c / 2_c);
  expect_same_value<Square>(-3_c * x);
  expect_same_value<Square>(kf::pow<3>(x));
  expect_same_value<Pow<0>>(x);
  expect_same_value<Pow<1>>(x);
  expect_same_value<Pow<2>>(x);
  expect_same_value<Pow<-1>>(x);
  expect_same_value<Pow<1, 2>>(x);
  expect_same_value<Pow<3>>(zero<3>);
  expect_same_value<Powf>(x, 3_c / 2_c);
  expect_same_value<Powf>(x, 1_c / 3_c);
  expect_same_value<Inv>(2_c / 3_c);
}

TEST(simplify, components_and_matrices) {
  expect_same_value<Elem<0>>(s);
  expect_same_value<Elem<1>>(zero<3>);
  expect_same_value<Elem<1>>(spread(s));
  expect_same_value<Elem<1>>(bare<ElemT<1, 3>>(s));
  expect_same_value<Elem<0>>(bare<ElemT<1, 3>>(s));
  expect_same_value<Elem<1>>(concat(x, y));
  expect_same_value<Elem<4>>(concat(x, y));
  expect_same_value<ElemT<1, 3>>(zero<1>);
  expect_same_value<Extract<0, 3>>(x);
  expect_same_value<Extract<1, 2>>(zero<3>);
  expect_same_value<Extract<1, 1>>(x);
  expect_same_value<Extract<1, 2>>(concat(x, y));
  expect_same_value<Extract<4, 2>>(concat(x, y));
  expect_same_value<ExtractT<1, 4>>(zero<2>);
  expect_same_value<Concat>(zero<3>, zero<2>);
  expect_same_value<TensorProd>(x, zero<2>);
  expect_same_value<TensorProd>(zero<2>, x);
}

TEST(simplify, known_values_at_zero) {
  expect_same_value<Sqrt>(zero<3>);
  expect_same_value<Rsqrt>(zero<3>);
  expect_same_value<Exp>(zero<3>);
  expect_same_value<Exp2>(zero<3>);
  expect_same_value<Sin>(zero<3>);
  expect_same_value<Cos>(zero<3>);
  expect_same_value<Tanh>(zero<3>);
  expect_same_value<Abs>(zero<3>);
  expect_same_value<Sign>(zero<3>);
  expect_same_value<Step>(zero<3>);
  expect_same_value<ReLU>(zero<3>);
}

// Constants become one only while float can hold them; beyond 2^+-34 they stay where they are.
TEST(simplify, keeps_values_at_the_ends_of_the_range) {
  constexpr auto s = kf::Vi<0, 1>;
  constexpr auto t = kf::Vj<1, 1>;
  constexpr auto p = kf::Pm<2, 1>;
  const auto in_float = [](auto f, float a, float b, float c = 1) {
    const auto reduction = kf::sum_reduction(f + kf::zero<1> * s * t * p);
    return double(reduction(std::vector{a}, std::vector{b}, c)[0]);
  };
  const auto in_double = [](auto f, double a, double b, double c = 1) {
    const auto reduction = kf::sum_reduction(f + kf::zero<1> * s * t * p);
    return reduction(std::vector{a}, std::vector{b}, c)[0];
  };
  EXPECT_EQ(in_double(square(1e-170_c * s) + t, 1e170, 3), 4);
  EXPECT_EQ(in_double(kf::pow<3>(1e-170_c * s) + t, 1e170, 3), 4);
  EXPECT_NEAR(in_double(1e-200_c * (1e-200_c * (s * t)), 1e100, 1e100) / 1e-200, 1, 1e-14);
  EXPECT_EQ(in_double(2_c * (1e-170_c * (s + t)), 1, 0), 2e-170);
  EXPECT_NEAR(in_float((1e20_c * s) * (1e20_c * t), 1e-20f, 1e-20f), 1, 1e-6);
  EXPECT_NEAR(in_float((1e-20_c * s) * (1e-20_c * t), 1e20f, 1e20f), 1, 1e-6);
  EXPECT_NEAR(in_float(square(1e-25_c * (s + t)), 5e24f, 5e24f), 1, 1e-6);
  EXPECT_NEAR(in_float(square(1e-8_c * s) + t * 0_c, 1e25f, 0) / 1e34, 1, 1e-6);
  EXPECT_NEAR(in_float(sqnorm2(1e-25_c * concat(s, t)), 3e25f, 4e25f), 25, 1e-4);
  EXPECT_NEAR(in_float(kf::sum(1e-25_c * concat(s, t)) * (1e-20_c * s), 3e25f, 4e25f) / 2.1e6, 1, 1e-5);
  EXPECT_NEAR(in_float(dot(1e20_c * concat(s, t), 1e20_c * concat(t, s)), 1e-20f, 1e-20f), 2, 1e-6);
  EXPECT_NEAR(in_float(1e30_c / (1e30_c * (s + t)), 0.5f, 0.5f), 1, 1e-6);
  EXPECT_NEAR(in_float(1e-30_c * (s + t) / 1e-30_c, 0.25f, 0.25f), 0.5, 1e-6);
  EXPECT_NEAR(in_float(1e20_c * s + 1e20_c * s - t, 1e-20f, 1), 1, 1e-6);
  // What divides may be as large as there are numbers.
  EXPECT_NEAR(in_float((s + t) / p, 1.5e38f, 1.5e38f, 3e38f), 1, 1.2e-7);
  EXPECT_NEAR(in_float((s + t) / p, 1.5e38f, 1.5e38f, -3e38f), -1, 1.2e-7);
  EXPECT_NEAR(in_float((s * t) / p, 1.5e19f, 2e19f, 3e38f), 1, 2.4e-7);
  EXPECT_NEAR(in_double((s + t) / p, 0.8e308, 0.8e308, 1.6e308), 1, 4.5e-16);
  EXPECT_NEAR(in_float((s + t) / 3e38_c, 1.5e38f, 1.5e38f), 1, 1.2e-7);
  EXPECT_EQ(in_float((s + t) / p, 1, 1, std::numeric_limits<float>::infinity()), 0);
  // The order of other factors is not kept, unless it is said to be.
  EXPECT_NEAR(in_float(kf::grouped(p * s) * kf::grouped(p * t), 1e-20f, 1e-20f, 1e20f), 1, 1e-6);
}
// What a formula loses by rewriting stays an argument of the call, and gives it its shape.
TEST(simplify, variables_that_vanish_stay_arguments) {
  constexpr auto x = kf::Vi<0, 2>;
  constexpr auto y = kf::Vj<1, 2>;
  const std::vector<double> X{1, 2, 3, 4, 5, 6}, Y{1, 1, 2, 2};
  const auto shape = [](const auto& a) { return std::pair{a.rows(), a.cols()}; };
  using pair = std::pair<std::int64_t, std::int64_t>;
  const auto a = kf::sum_reduction(grad(x | y, x))(X, Y);
  EXPECT_EQ(shape(a), pair(3, 2));
  EXPECT_EQ(a(2, 1), 3);
  EXPECT_EQ(shape(kf::sum_reduction(x - x + y)(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(kf::sum_reduction(kf::zero<1> * x + y)(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(kf::sum_reduction(sqdist(x, x) + sqnorm2(y))(X, Y)), pair(3, 1));
  EXPECT_EQ(shape(kf::sum_reduction(kf::pow<0>(x) * y)(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(kf::logsumexp_reduction(kf::elem<0>(concat(y, x)))(X, Y)), pair(3, 1));
  EXPECT_EQ(shape(kf::min_reduction<kf::axis::i>(grad(grad(x | y, x), y, x))(X, Y)), pair(2, 2));
  EXPECT_EQ(shape(kf::argmin_reduction(y - 0_c * x)(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(kf::softmax_reduction(sqnorm2(y), x - x)(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(kf::sum_reduction(diff(x | y, x, kf::Pm<2, 2>))(X, Y, std::vector{1., 2.})), pair(3, 1));
  // Each of these is made of what is left, and keeps what is lost.
  constexpr auto lost = grad(x | y, x);
  EXPECT_EQ(shape(kf::sum_reduction(exp(lost) * 2_c - sqnorm2(lost))(X, Y)), pair(3, 2));
  EXPECT_EQ(shape(grad(kf::sum_reduction(sqnorm2(lost)), y, kf::Vi<2, 1>)(X, Y, std::vector<double>(3, 1))),
            pair(2, 2));
  EXPECT_STREQ(to_string(lost * 2_c).c_str(), "2 y1");
  EXPECT_EQ(kf::eval(lost, kf::vec<double, 2>{1., 2.}, kf::vec<double, 2>{3., 4.})[1], 4);
  auto [gx, gy] = kf::backward(kf::sum_reduction(sqnorm2(lost)), x, y)(X, Y, std::vector<double>(3, 1));
  EXPECT_EQ(shape(gx), pair(3, 2));
  EXPECT_EQ(gx(1, 1), 0);
  EXPECT_EQ(shape(gy), pair(2, 2));
}
