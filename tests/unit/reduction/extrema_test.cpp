// Least and greatest values and their columns, called as users call them.
#include <kernfold/reduction/extrema.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto s = kf::Vi<0, 1>;
constexpr auto t = kf::Vj<1, 1>;
const real inf = std::numeric_limits<real>::infinity();

arrays numbers_for(std::int64_t M, std::int64_t N, int dim = 3) {
  sampler numbers(2);
  arrays data;
  data.M = M;
  data.N = N;
  data.at[0] = numbers.generic(dim, M);
  data.at[1] = numbers.generic(dim, N);
  return data;
}

template <class Real, class R> void check_shapes(R r) {
  for (const std::int64_t M : {0, 1, 2, 17, 64, 65}) check_reduction<Real>(r, numbers_for(M, 5));
  for (const std::int64_t N : {0, 1, 2, 255, 257, 513, 700}) check_reduction<Real>(r, numbers_for(5, N));
  check_reduction<Real>(r, numbers_for(2, 20000));
}

/// A row of results for s t over these columns, with s = 1.
template <class R> auto over_columns(R r, std::vector<real> columns) {
  arrays data;
  data.N = static_cast<std::int64_t>(columns.size());
  data.at[0] = {1, {1}};
  data.at[1] = {1, std::move(columns)};
  return call<float>(r, data)(0, 0);
}
constexpr auto least = kf::min_reduction(s * t);
constexpr auto greatest = kf::max_reduction(s * t);
constexpr auto where_least = kf::argmin_reduction(s * t);
constexpr auto where_greatest = kf::argmax_reduction(s * t);

}  // namespace

TEST(extrema, over_j) {
  check_shapes<float>(kf::min_reduction(sqdist(x, y)));
  check_shapes<double>(kf::max_reduction(x * y));  // component by component
  check_shapes<float>(kf::argmin_reduction(x * y));
  check_shapes<double>(kf::argmax_reduction(sqdist(x, y)));
}
TEST(extrema, over_i) {
  check_shapes<double>(kf::min_reduction<kf::axis::i>(sqdist(x, y)));
  check_shapes<float>(kf::argmax_reduction<kf::axis::i>(sqdist(x, y)));
}
TEST(extrema, over_both) {
  check_shapes<float>(kf::max_reduction<kf::axis::both>(sqdist(x, y)));
  check_shapes<double>(kf::argmin_reduction<kf::axis::both>(sqdist(x, y)));
}

TEST(extrema, of_no_columns) {
  EXPECT_EQ(over_columns(least, {}), inf);
  EXPECT_EQ(over_columns(greatest, {}), -inf);
  EXPECT_EQ(over_columns(where_least, {}), -1);
  EXPECT_EQ(over_columns(where_greatest, {}), -1);
}
TEST(extrema, never_choose_nan) {
  const std::vector<real> columns{NAN, 3, NAN, 1, 2, NAN};
  EXPECT_EQ(over_columns(least, columns), 1);
  EXPECT_EQ(over_columns(greatest, columns), 3);
  EXPECT_EQ(over_columns(where_least, columns), 3);
  EXPECT_EQ(over_columns(where_greatest, columns), 1);
  EXPECT_EQ(over_columns(least, {NAN, NAN}), inf);
  EXPECT_EQ(over_columns(where_least, {NAN, NAN}), -1);
}
TEST(extrema, of_infinities) {
  EXPECT_EQ(over_columns(least, {inf, inf}), inf);
  EXPECT_EQ(over_columns(where_least, {inf, inf}), -1);
  EXPECT_EQ(over_columns(where_least, {inf, 5, -inf, -inf}), 2);
  EXPECT_EQ(over_columns(greatest, {-inf, -3}), -3);
  EXPECT_EQ(over_columns(where_greatest, {-inf, -3, inf, inf}), 2);
}
TEST(extrema, the_first_column_wins_ties) {
  std::vector<real> columns(1500, 2);
  for (const std::size_t first : {0u, 1u, 300u, 512u, 1400u}) {
    std::vector<real> with_ties = columns;
    with_ties[first] = with_ties[1499] = with_ties[std::min(first + 511, std::size_t(1498))] = 1;
    EXPECT_EQ(over_columns(where_least, with_ties), static_cast<std::int64_t>(first));
    for (real& v : with_ties) v = -v;
    EXPECT_EQ(over_columns(where_greatest, with_ties), static_cast<std::int64_t>(first));
  }
  EXPECT_EQ(over_columns(where_least, std::vector<real>(20000, 1)), 0);  // also where the columns are split
}
// Over both axes the columns of all rows count on: i N + j, the first one on ties.
TEST(extrema, ties_over_both_axes) {
  arrays data;
  data.M = 200;
  data.N = 30;
  data.at[0] = {1, std::vector<real>(200, 2)};
  data.at[1] = {1, std::vector<real>(30, 1)};
  for (const std::int64_t row : {7, 100, 199}) data.at[0].numbers[static_cast<std::size_t>(row)] = 1;
  data.at[1].numbers[12] = data.at[1].numbers[29] = 0.5L;
  EXPECT_EQ(call<float>(kf::argmin_reduction<kf::axis::both>(s * t), data)(0, 0), 7 * 30 + 12);
}
// 64-bit columns: exact where a float would not be.
TEST(extrema, columns_are_integers) {
  const std::int64_t N = (1 << 24) + 40;
  std::vector<float> columns(static_cast<std::size_t>(N), 1.0f);
  columns[static_cast<std::size_t>(N) - 3] = 0.5f;
  EXPECT_EQ(where_least(std::vector<float>{1}, columns)(0, 0), N - 3);
}
