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
