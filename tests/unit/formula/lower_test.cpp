// What lowering makes of composed formulas has the value of what was written; and where it puts the work.
#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/lower.hpp>
#include <kernfold/formula/print.hpp>

#include <gtest/gtest.h>

#include <reference/judge.hpp>
#include <reference/one_pair.hpp>
#include <reference/reduce.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;
using namespace kf;
using namespace kf::literals;
using reference::arrays;
using reference::real;

namespace {

constexpr auto x = Vi<0, 3>;
constexpr auto y = Vj<1, 3>;
constexpr auto b = Vj<2, 1>;
constexpr auto g = Pm<3, 1>;
constexpr auto s = Vi<4, 1>;
constexpr auto A = Pm<5, 6>;
constexpr auto long_x = Vi<6, 40>;
constexpr auto long_y = Vj<7, 40>;

arrays numbers_for_all(std::uint64_t seed) {
  reference::sampler numbers(seed);
  arrays data;
  data.at[0] = numbers.generic(3);
  data.at[1] = numbers.generic(3);
  data.at[2] = numbers.generic(1);
  data.at[3] = numbers.positive(1);
  data.at[4] = numbers.generic(1);
  data.at[5] = numbers.generic(6);
  data.at[6] = numbers.generic(40);
  data.at[7] = numbers.generic(40);
  return data;
}

template <class Real, role Rows, class F> void expect_near_reference(F f, const arrays& data) {
  const auto expected = reference::value(f, data);
  const auto found = reference::computed<Real, Rows>(f, data);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k)
    EXPECT_LE(reference::error_ratio(static_cast<Real>(found[k]), expected[k]), reference::ratio_limit)
        << to_string(f).c_str() << "\nlowered to "
        << to_string(typename detail::lowered<F, lowering{Rows}>::type{}).c_str() << "\n"
        << static_cast<double>(found[k]) << " instead of " << static_cast<double>(expected[k].value);
}
template <class F> void expect_near_reference(F f) {
  for (std::uint64_t seed : {11, 12, 13}) {
    const arrays data = numbers_for_all(seed);
    expect_near_reference<float, role::i>(f, data);
    expect_near_reference<double, role::j>(f, data);
  }
}

}  // namespace

TEST(lower, keeps_the_value_of_kernels) {
  expect_near_reference(exp(-g * sqdist(x, y)) * b);
  expect_near_reference(exp(-sqdist(x, y) / (2_c * square(g))));
  expect_near_reference(exp(-norm2(x - y) / g) * (s * y));
  expect_near_reference(inv(g + sqdist(x, y)) * b * s);
  expect_near_reference(s * sqrt(1_c + sqdist(x, y) / g) * (x | y) * y);
  expect_near_reference(kf::pow<3>((x | y) + g) * tanh(s * b));
  expect_near_reference(exp(s - b) * exp(g * (s + b)) / (b * s));
}
TEST(lower, keeps_the_value_of_gradients) {
  constexpr auto F = exp(-g * sqdist(x, y)) * b;
  expect_near_reference(grad(F, x, s));
  expect_near_reference(grad(F, y, s));
  expect_near_reference(grad(F, g, s));
  expect_near_reference(grad(sqnorm2(grad(F, x, s)), y));
}
TEST(lower, keeps_the_value_of_matrix_products) {
  expect_near_reference(matvecmult(A, x) * b);
  expect_near_reference(vecmatmult(concat(s, b), A));
  expect_near_reference(sum(tensorprod(x, y) * tensorprod(y, s * x)));
  expect_near_reference(matvecmult(tensorprod(x, y), sin(y)));
  expect_near_reference(extract<1, 2>(concat(x - y, concat(s, b * x))));
}
TEST(lower, keeps_the_value_of_sums_of_products) {
  expect_near_reference(s * b + g * (x | y) - b * s * 3_c);
  expect_near_reference((s * b) * (s + b) + (x * y) * (g * y));
  expect_near_reference(log(1_c + exp(s * b)) - s / (g + square(b)));
  expect_near_reference(exp(exp(-g * sqdist(x, y)) - square(s - b)));
}
TEST(lower, keeps_the_value_of_long_vectors) {
  expect_near_reference(sqdist(long_x, long_y));
  expect_near_reference((long_x | sin(long_x * long_y)) * b);
  expect_near_reference(exp(-sqdist(long_x, long_y) / 50_c) * long_y);
}
TEST(lower, keeps_the_value_of_choices) {
  expect_near_reference(where(x < y, x * y, b));
  expect_near_reference(if_else(s * b, exp(s * b), -s * b));
  expect_near_reference(grad(where(x < y, x * y, b), x, y));
}

// exp(f) becomes 2^(log2(e) f). Where f is a difference of exact numbers, as here, it is exact, however large they are.
TEST(lower, exponentials_of_differences_stay_accurate) {
  arrays data;
  data.at[2] = {1, {4096.5L}};
  data.at[4] = {1, {4096.25L}};
  data.at[3] = {1, {1}};
  expect_near_reference<float, role::i>(exp(s - b), data);
  expect_near_reference<double, role::i>(exp(s - b), data);
  data.at[0] = {3, {4096, 2048, 1024}};
  data.at[1] = {3, {4096.5L, 2048.25L, 1024}};
  expect_near_reference<float, role::i>(exp(-g * sqdist(x, y)), data);
}

// ---- exact indices -----------------------------------------------------------------------------------------------

namespace {
constexpr auto i = row_index;
constexpr auto j = column_index;
template <class F> double at_pair(F f, std::int64_t row, std::int64_t column) {
  arrays data;
  data.at[8] = {1, {}};
  return static_cast<double>(reference::computed<float>(f, data, row, column).at(0));
}
}  // namespace

TEST(lower, compares_indices_exactly) {
  const std::int64_t large = 1 << 24, huge = std::int64_t(1) << 53;
  EXPECT_EQ(at_pair(i == j, large, large), 1);
  EXPECT_EQ(at_pair(i == j, large + 1, large), 0);
  EXPECT_EQ(at_pair(i < j, large, large + 1), 1);
  EXPECT_EQ(at_pair(i != j, huge + 1, huge), 1);
  EXPECT_EQ(at_pair(i <= j, huge + 1, huge), 0);
  EXPECT_EQ(at_pair(i == 16777217_c, large + 1, 0), 1);
  EXPECT_EQ(at_pair(i == 16777217_c, large, 0), 0);
  EXPECT_EQ(at_pair(i == zero<1>, 0, 5), 1);
}
TEST(lower, computes_with_indices_exactly) {
  const std::int64_t large = 1 << 24, huge = std::int64_t(1) << 53;
  EXPECT_EQ(at_pair(i - j, huge + 1, huge), 1);
  EXPECT_EQ(at_pair(abs(i - j) <= 2_c, huge, huge + 2), 1);
  EXPECT_EQ(at_pair(abs(i - j) <= 2_c, huge, huge + 3), 0);
  EXPECT_EQ(at_pair(3_c * i == j, large + 1, 3 * (large + 1)), 1);
  EXPECT_EQ(at_pair(3_c * i == j, large + 1, 3 * (large + 1) + 1), 0);
  EXPECT_EQ(at_pair(i * i - j, large + 1, (large + 1) * (large + 1) - 7), 7);
  EXPECT_EQ(at_pair(where(i == j + 1_c, 5_c, 6_c), large + 1, large), 5);
}
TEST(lower, turns_indices_into_real_numbers_where_they_meet) {
  EXPECT_EQ(at_pair(i / 2_c, 3, 0), 1.5);
  EXPECT_EQ(at_pair(0.5_c * i + j, 3, 2), 3.5);
  EXPECT_EQ(at_pair(sqrt(i), 16, 0), 4);
  EXPECT_EQ(at_pair(square(i) * exp(0_c * j), 5, 1), 25);
  EXPECT_EQ(at_pair(cos(i - j), 1000, 1000), 1);
}
TEST(lower, reads_integer_variables_exactly) {
  constexpr auto label = Vi<0, 1, std::int64_t>;
  constexpr auto other = Vj<1, 1, std::int32_t>;
  constexpr auto wanted = Pm<2, 2, std::int64_t>;
  const real large = 16777217;
  arrays data;
  data.at[0] = {1, {large}};
  data.at[1] = {1, {large - 1}};
  data.at[2] = {2, {large, 7}};
  EXPECT_EQ(reference::computed<float>(label == other, data).at(0), 0);
  EXPECT_EQ(reference::computed<float>(label - other, data).at(0), 1);
  EXPECT_EQ(reference::computed<float>(label == wanted, data), (std::vector<real>{1, 0}));
  EXPECT_EQ(reference::computed<float>(label == elem<0>(wanted), data).at(0), 1);
  EXPECT_EQ(reference::computed<double>(label * 0.5_c, data).at(0), 8388608.5L);
}

// ---- where the work goes --------------------------------------------------------------------------------------------

namespace {
/// Nodes that are evaluated for each pair.
template <class F> consteval int pair_nodes(F) {
  using p = program<role::i, typename detail::lowered<F, lowering{}>::type>;
  int n = 0;
  for (int k = 0; k < p::count; ++k) n += p::at(k).at == stage::pair;
  return n;
}
}  // namespace

TEST(lower, moves_work_out_of_the_pairs) {
  static_assert(pair_nodes(exp(-g * sqdist(x, y))) == 3);          // distance, product, exp2
  static_assert(pair_nodes(s * exp(-sqdist(x, y) / g) * b) == 5);  // two factors more
  static_assert(pair_nodes(s * (b * g)) == 1);
  static_assert(pair_nodes(s * b + g) == 1);  // one fused multiply-add
  static_assert(pair_nodes((s / b) * (s * s)) == 1);
  SUCCEED();
}
