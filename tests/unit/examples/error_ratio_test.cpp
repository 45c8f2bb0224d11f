// tests/unit/examples/error_ratio_test.cpp: errors in units of what rounding explains.
#include "../../../examples/common/error_ratio.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using examples::rounding_bound;

TEST(error_ratio, of_an_exact_result_is_zero) {
  rounding_bound<float> bound(5, 100);
  for (int n = 0; n < 100; ++n) bound.add(1.5, 1);
  EXPECT_EQ(bound.ratio(150, 150), 0);
}

TEST(error_ratio, counts_in_units_of_the_bound) {
  rounding_bound<float> bound(5, 100);
  for (int n = 0; n < 100; ++n) bound.add(-1.5, 2);
  EXPECT_GT(bound.value(), 0);
  EXPECT_NEAR(bound.ratio(-150 + 3 * bound.value(), -150), 3, 1e-6);
}

TEST(error_ratio, grows_with_the_operations_and_the_length_of_a_sum) {
  const auto value = [](double operations, double count) {
    rounding_bound<double> bound(operations, count);
    bound.add(1, 1);
    return bound.value();
  };
  EXPECT_LT(value(5, 100), value(50, 100));
  EXPECT_LT(value(5, 100), value(5, 400));
  EXPECT_LT(value(5, 512), value(5, 512'000));
  // twice the partial sums, not twice the error
  EXPECT_LT(value(0, 1'024'000), 1.5 * value(0, 512'000));
}

TEST(error_ratio, is_around_one_for_a_plain_float_sum_and_large_for_a_wrong_one) {
  std::mt19937 engine(3);
  std::uniform_real_distribution<float> uniform(0, 1);
  rounding_bound<float> bound(1, 5000);
  float sum = 0;
  double exact = 0;
  for (int block = 0; block < 10; ++block) {
    float partial = 0;
    for (int n = 0; n < 500; ++n) {
      const float term = uniform(engine);
      partial += term;
      exact += term;
      bound.add(term, 1);
    }
    sum += partial;
  }
  EXPECT_LT(bound.ratio(sum, exact), 2);
  EXPECT_GT(bound.ratio(sum * 1.0001, exact), 10);
}

}  // namespace
