// Distances are differences of the arrays' own numbers, wherever the points lie and whatever lies among them.
#include <kernfold/reduction/sum.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto g = kf::Pm<2, 1>;

/// Half of the points around zero, half around `far`, all within `width`.
std::vector<float> two_clusters(std::size_t points, float far, float width) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-width, width);
  std::vector<float> p(3 * points);
  for (std::size_t n = 0; n < points; ++n)
    for (std::size_t k = 0; k < 3; ++k) p[3 * n + k] = (n % 2 ? far : 0) + uniform(random);
  return p;
}
double squared_distance(const std::vector<float>& p, std::size_t i, const std::vector<float>& q, std::size_t j) {
  double d = 0;
  for (std::size_t k = 0; k < 3; ++k) d += std::pow(double(p[3 * i + k]) - double(q[3 * j + k]), 2);
  return d;
}
/// The largest relative error of sum_j f(|p_i - p_j|^2).
template <class F> double error_of_sums(const kf::matrix<float>& found, const std::vector<float>& p, F f) {
  double worst = 0;
  for (std::size_t i = 0; i < p.size() / 3; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < p.size() / 3; ++j) sum += f(squared_distance(p, i, p, j));
    worst = std::max(worst, std::fabs(found[i] - sum) / sum);
  }
  return worst;
}

}  // namespace

TEST(sum_far_points, two_clusters_in_single_precision) {
  for (const float far : {1e3f, 1e5f}) {
    const auto p = two_clusters(400, far, 0.1f);
    const auto narrow = [](double d) { return std::exp(-3000 * d); };
    // Points are exact, their differences too: what is left is the rounding of an exponent of up to 100.
    EXPECT_LE(error_of_sums(kf::sum_reduction(exp(-g * sqdist(x, y)))(p, p, 3000.f), p, narrow), 2e-5) << far;
    EXPECT_LE(error_of_sums(kf::sum_reduction(exp(-kf::constant<3000> * sqdist(x, y)))(p, p), p, narrow), 2e-5) << far;
    EXPECT_LE(error_of_sums(kf::sum_reduction(exp(-square(g) * sqdist(x, y)))(p, p, std::sqrt(3000.f)), p, narrow),
              2e-5);
    const auto lse = kf::logsumexp_reduction(-g * sqdist(x, y))(p, p, 3000.f);
    EXPECT_LE(error_of_sums(kf::sum_reduction(exp(-g * sqdist(x, y))).with(kf::accurate_exp)(p, p, 3000.f), p, narrow),
              2e-5);
    for (std::size_t i = 0; i < 400; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < 400; ++j) sum += narrow(squared_distance(p, i, p, j));
      ASSERT_NEAR(lse[i], std::log(sum), 2e-5) << i;
    }
  }
}
TEST(sum_far_points, the_nearest_point_of_each_is_itself) {
  for (const float far : {0.f, 1e5f, 1e6f}) {
    const auto p = two_clusters(1000, far, 1);
    const auto nearest = kf::argmin_reduction(g * sqdist(x, y))(p, p, 2.f);
    const auto least = kf::min_reduction(g * sqdist(x, y))(p, p, 2.f);
    const auto near = kf::argkmin_reduction<2>(g * sqdist(x, y))(p, p, 2.f);
    for (std::int64_t i = 0; i < 1000; ++i) {
      ASSERT_EQ(least[i], 0) << far << ", row " << i;
      ASSERT_EQ(squared_distance(p, std::size_t(i), p, std::size_t(nearest[i])), 0) << far << ", row " << i;
      ASSERT_EQ(squared_distance(p, std::size_t(i), p, std::size_t(near(i, 0))), 0) << far << ", row " << i;
    }
  }
}
// Rows that stand for "nothing here" take no other row's digits.
TEST(sum_far_points, beside_rows_that_are_no_points) {
  const std::size_t count = 101;
  const auto clean = two_clusters(count, 1, 0.1f);
  for (const float nothing : {NAN, 1e30f, -1e30f, INFINITY})
    for (std::size_t first = 0; first < count; first += 25) {
      auto p = clean;
      for (std::size_t k = 0; k < 3; ++k) p[3 * first + k] = nothing;
      const auto all =
          kf::sum_reduction(where(sqdist(x, y) < kf::constant<100>, exp(-g * sqdist(x, y)), kf::zero<1>))(p, p, 30.f);
      const auto nearest = kf::argmin_reduction(g * sqdist(x, y))(p, p, 2.f);
      for (std::size_t i = 0; i < count; ++i) {
        if (i == first) continue;
        double sum = 0;
        for (std::size_t j = 0; j < count; ++j)
          if (j != first) sum += std::exp(-30 * squared_distance(clean, i, clean, j));
        ASSERT_NEAR(all[i] / sum, 1, 1e-5) << nothing << " at " << first << ", row " << i;
        ASSERT_EQ(std::size_t(nearest[std::int64_t(i)]), i) << nothing << " at " << first;
      }
    }
}
// A scale with a component for each of the result's.
TEST(sum_far_points, a_vector_times_a_distance) {
  sampler numbers(3);
  arrays data;
  data.M = 5;
  data.N = 40;
  for (const auto D : {1, 2, 3}) {
    data.at[0] = numbers.generic(3, 5);
    data.at[1] = numbers.generic(3, 40);
    data.at[2] = numbers.positive(D);
    const auto check = [&]<int Dim>(std::integral_constant<int, Dim>) {
      constexpr auto c = kf::Pm<2, Dim>;
      check_reduction<float>(kf::sum_reduction(exp(-sqdist(x, y) * c)), data);
      check_reduction<double>(kf::sum_reduction(exp(c * -sqdist(x, y))), data);
      check_reduction<float>(kf::min_reduction(sqdist(x, y) * c), data);
      check_reduction<float>(kf::argmin_reduction(sqdist(x, y) * c), data);
    };
    if (D == 1) check(std::integral_constant<int, 1>{});
    if (D == 2) check(std::integral_constant<int, 2>{});
    if (D == 3) check(std::integral_constant<int, 3>{});
  }
}
