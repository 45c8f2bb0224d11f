// Log-sum-exp, its weighted form and softmax averages, called as users call them.
#include <kernfold/reduction/logsumexp.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto w = kf::Vj<2, 2>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto s = kf::Vi<0, 1>;
constexpr auto t = kf::Vj<1, 1>;
const real inf = std::numeric_limits<real>::infinity();

arrays numbers_for(std::int64_t M, std::int64_t N) {
  sampler numbers(4);
  arrays data;
  data.M = M;
  data.N = N;
  data.at[0] = numbers.generic(3, M);
  data.at[1] = numbers.generic(3, N);
  data.at[2] = numbers.positive(2, N);
  data.at[3] = numbers.positive(1);
  return data;
}
template <class Real, class R> void check_shapes(R r) {
  for (const std::int64_t M : {0, 1, 2, 17, 65}) check_reduction<Real>(r, numbers_for(M, 5));
  for (const std::int64_t N : {0, 1, 3, 4, 5, 255, 257, 513, 700}) check_reduction<Real>(r, numbers_for(5, N));
  check_reduction<Real>(r, numbers_for(2, 20000));
}
/// log sum_j exp(t_j)
template <class Real> real of_columns(std::vector<real> columns) {
  arrays data;
  data.N = static_cast<std::int64_t>(columns.size());
  data.at[0] = {1, {0}};
  data.at[1] = {1, std::move(columns)};
  return call<Real>(kf::logsumexp_reduction(s + t), data)(0, 0);
}

}  // namespace

TEST(logsumexp, over_j) {
  check_shapes<float>(kf::logsumexp_reduction(-sqdist(x, y) * g));
  check_shapes<double>(kf::logsumexp_reduction(-sqdist(x, y) * g));
}
TEST(logsumexp, over_i_and_both) {
  check_shapes<float>(kf::logsumexp_reduction<kf::axis::i>(-sqdist(x, y) * g));
  check_shapes<double>(kf::logsumexp_reduction<kf::axis::both>(-sqdist(x, y) * g));
}
TEST(logsumexp, weighted) {
  check_shapes<float>(kf::logsumexp_reduction((x | y), w));
  check_shapes<double>(kf::logsumexp_reduction<kf::axis::i>((x | y), square(x)));
}
TEST(logsumexp, softmax) {
  check_shapes<float>(kf::softmax_reduction((x | y), w));
  check_shapes<double>(kf::softmax_reduction<kf::axis::both>((x | y), w));
}
TEST(logsumexp, with_each_accumulation) {
  check_shapes<float>(kf::logsumexp_reduction((x | y)).with(kf::plain_sum));
  check_shapes<float>(kf::logsumexp_reduction((x | y)).with(kf::compensated));
  check_shapes<float>(kf::softmax_reduction((x | y), w).with(kf::in_double));
}

TEST(logsumexp, of_large_exponents) {
  arrays data = numbers_for(5, 300);
  for (real& v : data.at[0].numbers) v *= 256;
  check_reduction<float>(kf::logsumexp_reduction((x | y)), data);
  check_reduction<float>(kf::softmax_reduction((x | y), w), data);
  for (real& v : data.at[0].numbers) v *= 65536;  // far beyond what exp can represent
  check_reduction<float>(kf::logsumexp_reduction((x | y)), data);
  check_reduction<double>(kf::logsumexp_reduction(-sqdist(x, y)), data);
}
// The maximum grows in every block, and falls in every block.
TEST(logsumexp, of_monotone_exponents) {
  std::vector<real> columns(2000);
  for (std::size_t n = 0; n < columns.size(); ++n) columns[n] = static_cast<real>(n) / 8;
  const real expected = 1999 / 8.L - std::log(-std::expm1(-0.125L));
  EXPECT_NEAR(static_cast<double>(of_columns<float>(columns)), static_cast<double>(expected), 1e-4);
  EXPECT_NEAR(static_cast<double>(of_columns<double>(columns)), static_cast<double>(expected), 1e-12);
  std::reverse(columns.begin(), columns.end());
  EXPECT_NEAR(static_cast<double>(of_columns<float>(columns)), static_cast<double>(expected), 1e-4);
}
/// softmax over two columns with logits (first, second) of the values 0 and 1: the weight of the second.
template <class Real> Real second_weight(Real first, Real second, std::int64_t columns = 2) {
  std::vector<Real> logits(static_cast<std::size_t>(columns), -std::numeric_limits<Real>::infinity()),
      values(logits.size());
  logits.front() = first;
  logits.back() = second;
  values.back() = 1;
  return kf::softmax_reduction(kf::Vj<0, 1>, kf::Vj<1, 1>)(logits, values)(0, 0);
}
// exp(1/2) / (1 + exp(1/2)), wherever the two logits lie.
TEST(logsumexp, differences_of_large_exponents_keep_their_digits) {
  for (const std::int64_t columns : {2, 3, 4, 5, 700})
    for (const float v : {0.f, 1e2f, -1e4f, 1e4f, 1e6f, -1e6f}) {
      EXPECT_NEAR(second_weight(v, v + 0.5f, columns), 0.6224593f, 1e-7f) << v;
      EXPECT_NEAR(second_weight(v + 0.5f, v, columns), 1 - 0.6224593f, 1e-7f) << v;
      EXPECT_NEAR(second_weight<double>(1e6 * v, 1e6 * v + 0.5, columns), 0.62245933120185456, 1e-15) << v;
    }
  const auto shifted = [](auto r, float v) {
    const std::vector<float> logits{v, v + 0.5f}, values{0, 1};
    return r(logits, values)(0, 0);
  };
  constexpr auto r = kf::softmax_reduction(kf::Vj<0, 1>, kf::Vj<1, 1>);
  for (const float v : {1e4f, 1e6f}) {
    EXPECT_NEAR(shifted(r.with(kf::in_double), v), 0.6224593f, 1e-7f);
    EXPECT_NEAR(shifted(r.with(kf::compensated), v), 0.6224593f, 1e-7f);
    EXPECT_NEAR(shifted(r.with(kf::plain_sum), v), 0.6224593f, 1e-7f);
    EXPECT_NEAR(shifted(r.with(kf::accurate_exp), v), 0.6224593f, 1e-7f);
  }
}
TEST(logsumexp, at_the_ends_of_the_range) {
  constexpr auto average = kf::softmax_reduction(kf::Vj<0, 1>, kf::Vj<1, 1>);
  EXPECT_EQ(average(std::vector{-3.4e38f, -3.4e38f}, std::vector{1.f, 3.f})(0, 0), 2);
  EXPECT_EQ(average(std::vector{3.4e38f, 3.4e38f}, std::vector{1.f, 3.f})(0, 0), 2);
  EXPECT_EQ(average(std::vector{-1e308, -1e308}, std::vector{1., 3.})(0, 0), 2);
  EXPECT_EQ(average(std::vector{-3.4e38f, 3.4e38f}, std::vector{1.f, 3.f})(0, 0), 3);
  EXPECT_EQ(of_columns<float>({3e38L}), static_cast<real>(3e38f));
  EXPECT_EQ(of_columns<float>({-3e38L, -3e38L}), static_cast<real>(-3e38f));
  constexpr auto largest = std::numeric_limits<float>::max();
  constexpr auto lse = kf::logsumexp_reduction(kf::Vj<0, 1>);
  EXPECT_EQ(lse(std::vector{largest})(0, 0), largest);
  EXPECT_EQ(lse(std::vector{-largest, -largest})(0, 0), -largest);
  // A product whose rounding is far more than 1.
  constexpr auto scaled = kf::logsumexp_reduction(kf::Vj<0, 1> * kf::Pm<1, 1> * kf::Vi<2, 1>);
  const float product = 3.3e18f * 1.7f * 1.1e5f;
  EXPECT_NEAR(scaled(std::vector{3.3e18f, 1.f}, 1.7f, std::vector{1.1e5f})(0, 0) / product, 1, 1e-6);
  EXPECT_EQ(scaled(std::vector{3.3e30f}, 1.7f, std::vector{1.1e15f})(0, 0), inf);
}
TEST(logsumexp, one_infinite_exponent_has_all_the_weight) {
  for (const std::int64_t columns : {2, 3, 5, 700}) {
    EXPECT_EQ(second_weight(1.f, float(inf), columns), 1);
    EXPECT_EQ(second_weight(float(inf), 1.f, columns), 0);
    EXPECT_EQ(second_weight(3e38f, float(inf), columns), 1);
    EXPECT_EQ(second_weight(float(inf), float(inf), columns), 0.5f);
  }
  constexpr auto weighted = kf::logsumexp_reduction(kf::Vj<0, 1>, kf::Vj<1, 1>);
  EXPECT_EQ(weighted(std::vector{1.f, float(inf)}, std::vector{1.f, 2.f})(0, 0), inf);
  EXPECT_EQ(weighted(std::vector{1.f, float(inf)}, std::vector{1.f, 0.f})(0, 0), 1);
}
// A weight of 0 takes its column out, whatever the column's exponent.
TEST(logsumexp, weights_of_zero) {
  constexpr auto r = kf::logsumexp_reduction(kf::Vj<0, 1>, kf::Vj<1, 1>);
  EXPECT_EQ(r(std::vector{-1000.f, 0.f}, std::vector{1.f, 0.f})(0, 0), -1000);
  EXPECT_EQ(r(std::vector{0., -1000.}, std::vector{0., 1.})(0, 0), -1000);
  EXPECT_EQ(r(std::vector{5.f, 7.f}, std::vector{0.f, 0.f})(0, 0), -inf);
  EXPECT_EQ(r(std::vector{3e38f, 2.f}, std::vector{0.f, 1.f})(0, 0), 2);
  std::vector<float> rising(900), ends(900);
  for (std::size_t j = 0; j < rising.size(); ++j) rising[j] = float(j);
  ends.front() = 1;
  EXPECT_EQ(r(rising, ends)(0, 0), 0);
  // Each component of the weights has zeros of its own.
  constexpr auto two = kf::logsumexp_reduction(kf::Vj<0, 1>, kf::Vj<1, 2>);
  const auto a = two(std::vector{-1000.f, 0.f}, std::vector{1.f, 0.f, 0.f, 1.f});
  EXPECT_EQ(a(0, 0), -1000);
  EXPECT_EQ(a(0, 1), 0);
  const auto both = two(rising, std::vector<float>(1800, 1.f));
  EXPECT_NEAR(both(0, 0), 899.4586751f, 1e-3f);
  EXPECT_EQ(both(0, 0), both(0, 1));
}
TEST(logsumexp, an_average_of_nothing_is_not_a_number_or_zero) {
  constexpr auto r = kf::softmax_reduction(kf::Vj<0, 1>, kf::Vj<1, 2>);
  const std::vector<float> none(3, float(-inf)), values{1, 2, 3, 4, 5, 6};
  EXPECT_TRUE(std::isnan(r(none, values)(0, 1)));
  EXPECT_EQ(r.with(kf::empty_is_zero)(none, values)(0, 1), 0);
  EXPECT_EQ(r.with(kf::empty_is_zero)(std::vector<float>{}, std::vector<float>{})(0, 0), 0);
  EXPECT_TRUE(std::isnan(r(std::vector<float>{}, std::vector<float>{})(0, 0)));
  const std::vector<float> some{float(-inf), 2, float(-inf)};
  EXPECT_EQ(r.with(kf::empty_is_zero)(some, values)(0, 1), 4);
  EXPECT_TRUE(std::isnan(r.with(kf::empty_is_zero)(std::vector{NAN, 1.f, 2.f}, values)(0, 1)));
}
TEST(logsumexp, of_infinities_and_nan) {
  EXPECT_EQ(of_columns<float>({}), -inf);
  EXPECT_EQ(of_columns<float>({-inf}), -inf);
  EXPECT_EQ(of_columns<float>(std::vector<real>(600, -inf)), -inf);
  EXPECT_EQ(of_columns<float>({-inf, 2, -inf}), 2);
  EXPECT_EQ(of_columns<double>({2, inf, -inf}), inf);
  EXPECT_EQ(of_columns<float>({2, inf, inf}), inf);
  EXPECT_TRUE(std::isnan(of_columns<float>({NAN, 1})));
  EXPECT_TRUE(std::isnan(of_columns<double>({1, 2, 3, 4, 5, NAN})));
}
