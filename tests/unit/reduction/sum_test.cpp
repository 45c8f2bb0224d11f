// Sums, called as users call them, against plain loops in long double.
#include <kernfold/reduction/sum.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;
using namespace kf::literals;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 2>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto s = kf::Vi<4, 1>;

arrays numbers_for(std::int64_t M, std::int64_t N, std::uint64_t seed = 1) {
  sampler numbers(seed);
  arrays data;
  data.M = M;
  data.N = N;
  data.at[0] = numbers.generic(3, M);
  data.at[1] = numbers.generic(3, N);
  data.at[2] = numbers.generic(2, N);
  data.at[3] = numbers.positive(1);
  data.at[4] = numbers.generic(1, M);
  return data;
}

constexpr auto gaussian = exp(-g * sqdist(x, y)) * b;
constexpr auto of_differences = exp(-g * sqdist(x, y)) * s * (x - y);  // a scale that leaves the sum of the differences
constexpr auto of_width = exp(-sqdist(x, y) / (2_c * square(g))) * b;  // a scale whose sign is known

template <kf::axis A, class Real, class F, class... Option> void check_shapes(F f, Option... option) {
  const auto r = [&] {
    if constexpr (sizeof...(Option) == 0) return kf::sum_reduction<A>(f);
    else return kf::sum_reduction<A>(f).with(option...);
  }();
  // around the widths of packs, blocks of rows and tiles of columns, for either side
  for (const std::int64_t M : {0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 129}) check_reduction<Real>(r, numbers_for(M, 5));
  for (const std::int64_t N : {0, 1, 2, 31, 255, 256, 257, 511, 512, 513, 1030})
    check_reduction<Real>(r, numbers_for(5, N));
  check_reduction<Real>(r, numbers_for(0, 0));
}

}  // namespace

TEST(sum, over_j) {
  check_shapes<kf::axis::j, float>(gaussian);
  check_shapes<kf::axis::j, double>(gaussian);
}
TEST(sum, over_i) {
  check_shapes<kf::axis::i, float>(gaussian);
  check_shapes<kf::axis::i, double>(gaussian);
}
TEST(sum, over_both) {
  check_shapes<kf::axis::both, float>(gaussian);
  check_shapes<kf::axis::both, double>(gaussian);
}
TEST(sum, with_each_accumulation) {
  check_shapes<kf::axis::j, float>(gaussian, kf::plain_sum);
  check_shapes<kf::axis::j, float>(gaussian, kf::compensated);
  check_shapes<kf::axis::j, float>(gaussian, kf::in_double);
  check_shapes<kf::axis::j, double>(gaussian, kf::compensated);
  check_shapes<kf::axis::both, float>(gaussian, kf::compensated);
}
// A factor of the row leaves the sum.
TEST(sum, of_formulas_with_factors_of_the_row) {
  check_shapes<kf::axis::j, float>(s * inv(g + sqdist(x, y)) * x);
  check_shapes<kf::axis::both, double>(s * inv(g + sqdist(x, y)) * x);
}
// A scale of either sign, none at all, and almost none.
TEST(sum, of_differences_times_a_function_of_their_scaled_distance) {
  arrays data = numbers_for(20, 300);
  for (const real scale : {0.L, 0.25L, -0.25L, 1.L, 0x1p-100L, -0x1p-100L}) {
    data.at[3] = {1, {scale}};
    check_reduction<float>(kf::sum_reduction(of_differences), data);
    check_reduction<double>(kf::sum_reduction(of_differences), data);
    check_reduction<float>(kf::sum_reduction(exp(g * sqdist(x, y)) * s * (y - x)), data);
    check_reduction<float>(kf::sum_reduction<kf::axis::i>(exp(g * sqdist(x, y)) * s * (x - y)), data);
    check_reduction<float>(kf::sum_reduction<kf::axis::both>(of_differences), data);
  }
}
// What no array of a role says is one row, or one column.
TEST(sum, of_formulas_that_depend_on_less) {
  for (const std::int64_t n : {0, 1, 300}) {
    check_reduction<float>(kf::sum_reduction(b * g), numbers_for(1, n));
    check_reduction<double>(kf::sum_reduction<kf::axis::both>(b * g), numbers_for(1, n));
    check_reduction<float>(kf::sum_reduction(x * g), numbers_for(n, 1));
    check_reduction<double>(kf::sum_reduction<kf::axis::both>(x * g), numbers_for(n, 1));
  }
  check_reduction<float>(kf::sum_reduction<kf::axis::i>(g), numbers_for(1, 1));
}

// Long sums: split among threads where rows are few, and accurate as the accumulation promises.
TEST(sum, of_many_columns) {
  const arrays data = numbers_for(3, 40000);
  check_reduction<float>(kf::sum_reduction(gaussian), data);
  check_reduction<double>(kf::sum_reduction(gaussian), data);
  check_reduction<float>(kf::sum_reduction(gaussian).with(kf::compensated), data);
  check_reduction<float>(kf::sum_reduction(gaussian).with(kf::in_double), data);
}
TEST(sum, of_many_equal_terms_keeps_its_promise) {
  arrays data;
  data.M = 2;
  data.N = 1 << 20;
  data.at[0] = {3, std::vector<real>(6, 0.1f)};
  data.at[1] = {3, std::vector<real>(3 << 20, 0.7f)};
  check_reduction<float>(kf::sum_reduction(x * y), data);
  check_reduction<float>(kf::sum_reduction(x * y).with(kf::compensated), data);
  check_reduction<float>(kf::sum_reduction(x * y).with(kf::in_double), data);
}

// NaN and infinities go where arithmetic sends them, and only into their own rows.
TEST(sum, of_special_values) {
  arrays data = numbers_for(5, 40);
  const real inf = std::numeric_limits<real>::infinity();
  data.at[0].numbers[0] = NAN;
  data.at[0].numbers[3] = inf;
  data.at[4].numbers[1] = -inf;
  check_reduction<float>(kf::sum_reduction(gaussian), data);
  check_reduction<float>(kf::sum_reduction(s * exp(x + y)), data);  // 1's infinity leaves the sum as a factor
  check_reduction<float>(kf::sum_reduction(gaussian).with(kf::compensated), data);
  check_reduction<float>(kf::sum_reduction(s * exp(x + y)).with(kf::compensated), data);
}
// A column far away, or not a number, changes no other column's share.
TEST(sum, an_outlier_changes_no_other_column) {
  for (const std::int64_t column : {0, 20, 39}) {
    arrays data = numbers_for(5, 40);
    for (const real far : {1e7L, 1e30L, std::numeric_limits<real>::infinity()}) {
      data.at[1].numbers[3 * column] = static_cast<float>(far);
      check_reduction<float>(kf::sum_reduction(gaussian), data);
      check_reduction<float>(kf::sum_reduction(of_width), data);
    }
  }
}
// A narrow kernel on a wide cloud, far from the origin: differences are exact, so are small distances.
TEST(sum, of_a_narrow_kernel_on_a_wide_cloud) {
  for (const real centre : {0.L, 1000.L}) {
    arrays data = numbers_for(40, 400, 7);
    for (int p : {0, 1})
      for (real& v : data.at[p].numbers) v = static_cast<float>(centre + 8 * v);
    for (std::size_t n = 0; n < data.at[0].numbers.size(); ++n)
      data.at[0].numbers[n] = static_cast<float>(data.at[1].numbers[n] + 0.01L * data.at[0].numbers[n] / (centre + 16));
    data.at[3] = {1, {400}};
    check_reduction<float>(kf::sum_reduction(gaussian), data);
    check_reduction<float>(kf::sum_reduction(of_differences), data);
    data.at[3] = {1, {0.035L}};
    data.at[3].numbers[0] = static_cast<float>(data.at[3].numbers[0]);
    check_reduction<float>(kf::sum_reduction(of_width), data);
    check_reduction<double>(kf::sum_reduction(of_width), data);
  }
}
