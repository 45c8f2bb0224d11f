// The origin about which distances are bounded: a point among the rows, which a few outliers do not move.
#include <kernfold/engine/origin.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace kf = kernfold;

namespace {

float median(const std::vector<float>& values) {
  return kf::detail::median_of_five<float>(std::int64_t(values.size()),
                                           [&](std::int64_t i) { return values[std::size_t(i)]; });
}
constexpr float infinite = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST(origin, is_the_median_of_five_rows_in_any_order) {
  std::vector<float> values{-2, -1, 3, 5, 8};
  do EXPECT_EQ(median(values), 3);
  while (std::next_permutation(values.begin(), values.end()));
  values = {1, 1, 1, 2, 2};
  do EXPECT_EQ(median(values), 1);
  while (std::next_permutation(values.begin(), values.end()));
}

TEST(origin, is_not_moved_by_an_outlier) {
  for (const float outlier : {1e30f, -1e30f, infinite, -infinite})
    for (std::size_t place = 0; place < 5; ++place) {
      std::vector<float> values{4, 5, 5, 6, 7};
      values[place] = outlier;
      EXPECT_GE(median(values), 4) << outlier << " at " << place;
      EXPECT_LE(median(values), 7) << outlier << " at " << place;
    }
}

TEST(origin, is_finite_whatever_the_rows_are) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({infinite}), 0);
  EXPECT_EQ(median({nan, nan, nan, nan, nan}), 0);
  for (std::size_t place = 0; place < 5; ++place) {
    std::vector<float> values{4, 5, 5, 6, 7};
    values[place] = nan;
    const float m = median(values);
    EXPECT_TRUE(m == 0 || (m >= 4 && m <= 7)) << place;
  }
}

TEST(origin, reads_the_rows_of_an_array_by_its_strides) {
  std::vector<double> numbers;  // nine rows of three, in rows of four
  for (int r = 0; r < 9; ++r)
    for (int k = 0; k < 4; ++k) numbers.push_back(10 * r + k);
  const kf::leaf_array rows{numbers.data(), 4, 1, 9};
  for (int k = 0; k < 3; ++k) EXPECT_EQ((kf::detail::origin_component<double, double>(rows, k)), 40 + k);
  const kf::leaf_array columns{numbers.data(), 1, 4, 4};  // the transpose
  for (int k = 0; k < 9; ++k) EXPECT_EQ((kf::detail::origin_component<double, double>(columns, k)), 10 * k + 1);
}
