// What formulas become when they are written: one line per rule of simplify.hpp. That both sides have the same value is
// shown by tests/unit/formula/simplify_test.cpp.
#include <kernfold/formula/gradient.hpp>

namespace kf = kernfold;
using namespace kf;
using namespace kf::literals;

namespace {

constexpr auto x = Vi<0, 3>;
constexpr auto y = Vj<1, 3>;
constexpr auto s = Vi<2, 1>;
constexpr auto t = Vj<3, 1>;
constexpr auto zero3 = zero<3>;
using X = std::remove_const_t<decltype(x)>;
using Y = std::remove_const_t<decltype(y)>;
using S = std::remove_const_t<decltype(s)>;
using T = std::remove_const_t<decltype(t)>;

/// What rewriting makes of a formula, beside the variables that it keeps for the call.
template <class Expected, class F> consteval bool is(F) { return std::is_same_v<Expected, detail::bare<F>>; }
template <std::int64_t N, std::int64_t D, class F> using scaled = node<Mul, Constant<N, D>, F>;

// sums
static_assert(is<X>(x + zero3));
static_assert(is<X>(zero<1> + x));
static_assert(is<node<SumT<3>, S>>(s + zero3));
static_assert(is<Constant<5, 6>>(1_c / 2_c + 1_c / 3_c));
static_assert(is<scaled<2, 1, X>>(x + x));
static_assert(is<scaled<5, 1, X>>(2_c * x + 3_c * x));
static_assert(is<Zero<3>>(x - x));
static_assert(is<Zero<3>>(2_c * x + -2_c * x));
static_assert(is<X>(3_c * x - 2_c * x));
static_assert(is<node<Add, Constant<2>, X>>(x + 2_c));
static_assert(is<node<Add, Constant<-2>, X>>(x - 2_c));
static_assert(is<node<Sub, X, scaled<2, 1, Y>>>(x + -2_c * y));
static_assert(is<node<Sub, Y, X>>(-x + y));
static_assert(is<node<Add, X, scaled<2, 1, Y>>>(x - -2_c * y));
static_assert(is<scaled<-1, 1, X>>(zero3 - x));
static_assert(is<node<Add, X, Y>>(x + y));

// products
static_assert(is<Zero<3>>(zero<1> * x));
static_assert(is<Zero<3>>(s * zero3));
static_assert(is<X>(1_c * x));
static_assert(is<Constant<1, 3>>(2_c * (1_c / 6_c)));
static_assert(is<scaled<6, 1, X>>(2_c * (3_c * x)));
static_assert(is<scaled<2, 1, X>>(x * 2_c));
static_assert(is<scaled<6, 1, node<Mul, X, Y>>>((2_c * x) * (3_c * y)));
static_assert(is<X>(-(-x)));
static_assert(is<node<Mul, S, X>>(s * (x + zero3)));
static_assert(is<node<Mul, S, X>>(node<SumT<3>, S>{} * x));
static_assert(is<node<Mul, X, S>>(x * node<SumT<3>, S>{}));
static_assert(is<node<Square, X>>(x * x));
static_assert(is<node<Pow<3, 1>, X>>(x * square(x)));
static_assert(is<node<Pow<5, 1>, X>>(kf::pow<3>(x) * square(x)));
static_assert(is<node<Where, node<LessThan, S, T>, node<Mul, X, Y>, Zero<1>>>(x * where(s < t, y, zero<1>)));
static_assert(is<node<IfElse, S, Zero<1>, node<Mul, Y, X>>>(if_else(s, zero3, y) * x));
static_assert(is<node<IfElse, S, node<Div, Y, X>, Zero<1>>>(if_else(s, y, zero3) / x));

// quotients
static_assert(is<Zero<3>>(zero<1> / x));
static_assert(is<scaled<1, 2, X>>(x / 2_c));
static_assert(is<scaled<2, 1, node<Inv, X>>>(2_c / x));
static_assert(is<node<Inv, X>>(1_c / x));
static_assert(is<scaled<2, 1, node<Div, X, Y>>>((2_c * x) / y));
static_assert(is<scaled<1, 2, node<Div, X, Y>>>(x / (2_c * y)));

// sums of components, scalar products, norms
static_assert(is<S>(sum(s)));
static_assert(is<Zero<1>>(sum(zero3)));
static_assert(is<node<Mul, S, node<Sum, X>>>(sum(s * x)));
static_assert(is<scaled<2, 1, node<Sum, X>>>(sum(2_c * x)));
static_assert(is<node<Scalprod, X, Y>>(sum(x * y)));
static_assert(is<scaled<3, 1, S>>(sum(node<SumT<3>, S>{})));
static_assert(is<S>(sum(make<ElemT<1, 3>>(s))));
static_assert(is<Zero<1>>((x | zero3)));
static_assert(is<node<Mul, S, T>>((s | t)));
static_assert(is<node<Mul, S, node<Scalprod, X, Y>>>(((s * x) | y)));
static_assert(is<node<Mul, S, node<Scalprod, X, Y>>>((x | (s * y))));
static_assert(is<node<Mul, S, node<Sum, X>>>((node<SumT<3>, S>{} | x)));
static_assert(is<node<SqNorm2, X>>((x | x)));
static_assert(is<node<Mul, node<Elem<1>, X>, S>>((x | make<ElemT<1, 3>>(s))));
static_assert(is<Zero<1>>(sqnorm2(zero3)));
static_assert(is<node<Square, S>>(sqnorm2(s)));
static_assert(is<scaled<4, 1, node<SqNorm2, X>>>(sqnorm2(-2_c * x)));
static_assert(is<node<SqDist, X, Y>>(sqnorm2(x - y)));
static_assert(is<Zero<1>>(sqdist(x, x)));
static_assert(is<node<SqNorm2, X>>(sqdist(x, zero3)));

// powers
static_assert(is<Zero<3>>(square(zero3)));
static_assert(is<Constant<1, 4>>(square(1_c / 2_c)));
static_assert(is<scaled<9, 1, node<Square, X>>>(square(-3_c * x)));
static_assert(is<node<Pow<6, 1>, X>>(square(kf::pow<3>(x))));
static_assert(is<node<SumT<3>, Constant<1>>>(kf::pow<0>(x)));
static_assert(is<X>(kf::pow<1>(x)));
static_assert(is<node<Square, X>>(kf::pow<2>(x)));
static_assert(is<node<Inv, X>>(kf::pow<-1>(x)));
static_assert(is<node<Sqrt, X>>(kf::pow<2, 4>(x)));
static_assert(is<Zero<3>>(kf::pow<3>(zero3)));
static_assert(is<node<Pow<3, 2>, X>>(kf::powf(x, 3_c / 2_c)));
static_assert(is<Constant<3, 2>>(inv(2_c / 3_c)));

// components
static_assert(is<S>(elem<0>(s)));
static_assert(is<Zero<1>>(elem<1>(zero3)));
static_assert(is<S>(elem<2>(node<SumT<3>, S>{})));
static_assert(is<S>(elem<1>(make<ElemT<1, 3>>(s))));
static_assert(is<Zero<1>>(elem<0>(make<ElemT<1, 3>>(s))));
static_assert(is<node<Elem<2>, X>>(elem<2>(concat(x, y))));
static_assert(is<node<Elem<1>, Y>>(elem<4>(concat(x, y))));
static_assert(is<X>(extract<0, 3>(x)));
static_assert(is<Zero<2>>(extract<1, 2>(zero3)));
static_assert(is<node<Elem<1>, X>>(extract<1, 1>(x)));
static_assert(is<node<Extract<1, 2>, X>>(extract<1, 2>(concat(x, y))));
static_assert(is<node<Extract<0, 2>, Y>>(extract<3, 2>(concat(x, y))));
static_assert(is<node<Extract<2, 2>, node<Concat, X, Y>>>(extract<2, 2>(concat(x, y))));
static_assert(is<Zero<6>>(concat(zero3, zero3)));
static_assert(is<Zero<9>>(tensorprod(x, zero3)));
static_assert(is<Zero<9>>(tensorprod(zero3, x)));
static_assert(is<Zero<9>>(tensorprod(zero3, zero3)));
static_assert(is<Zero<3>>(make<ElemT<1, 3>>(zero<1>)));
static_assert(is<Zero<4>>(make<ExtractT<1, 4>>(zero<2>)));

// known values at zero
static_assert(is<Zero<3>>(sqrt(zero3)));
static_assert(is<node<SumT<3>, Constant<1>>>(exp(zero3)));
static_assert(is<Constant<1>>(cos(zero<1>)));
static_assert(is<Zero<3>>(tanh(zero3)));

// gradients come out in their shortest form
static_assert(is<Constant<1>>(grad(s, s)));
static_assert(is<node<SumT<3>, Constant<1>>>(grad(sum(x), x)));
static_assert(is<scaled<2, 1, X>>(grad(sqnorm2(x), x)));
static_assert(is<scaled<2, 1, node<Sub, X, Y>>>(grad(sqdist(x, y), x)));
static_assert(is<scaled<-2, 1, node<Sub, X, Y>>>(grad(sqdist(x, y), y)));
static_assert(is<Y>(grad((x | y), x)));
static_assert(is<node<Exp, S>>(grad(exp(s), s)));
static_assert(is<Zero<3>>(grad(grad(x + y, x, y), x, y)));

}  // namespace

// variables that vanish are kept beside what is left
static_assert(std::is_same_v<decltype(x - x + y), declared<Y, X>>);
static_assert(std::is_same_v<decltype((x - x + y) * x), node<Mul, Y, X>>);
static_assert(std::is_same_v<decltype(zero<1> * x), declared<Zero<3>, X>>);
