// Clusters of points, and what block-sparse spaces make of them.
#include <kernfold/methods/cluster.hpp>

#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace kf = kernfold;
using reference::sentence_of;

namespace {

template <class T> kf::matrix<T> numbers(std::uint32_t seed, std::int64_t rows, std::int64_t cols, double spread = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-spread, spread);
  kf::matrix<T> m(rows, cols);
  for (T& v : m) v = T(uniform(random));
  return m;
}
std::vector<std::int64_t> all(const kf::matrix<std::int64_t>& m) { return {m.begin(), m.end()}; }
}  // namespace

TEST(cluster, grid_of_one_dimension) {
  const std::vector<float> x{0.5f, -0.1f, 3.2f, 0.9f, -1.0f, 3.9f, 1.0f};
  EXPECT_EQ(all(kf::grid_cluster<1>(x, 1)), (std::vector<std::int64_t>{1, 0, 3, 1, 0, 3, 2}));
}
template <int D> void check_grid(double size, double spread) {
  const auto X = numbers<double>(D, 2000, D, spread);
  const auto labels = kf::grid_cluster<D>(X, size);
  for (std::int64_t i = 0; i < 200; ++i)
    for (std::int64_t k = 0; k < X.rows(); ++k) {
      bool same = true;
      for (int d = 0; d < D; ++d) same = same && std::floor(X(i, d) / size) == std::floor(X(k, d) / size);
      EXPECT_EQ(labels(i, 0) == labels(k, 0), same);
    }
  std::vector<bool> is_there(2000);
  std::int64_t most = -1;
  for (const std::int64_t label : labels) {
    is_there[std::size_t(label)] = true;
    most = std::max(most, label);
  }
  for (std::int64_t k = 0; k <= most; ++k) EXPECT_TRUE(is_there[std::size_t(k)]) << k;
}
TEST(cluster, grid_of_any_dimension) {
  check_grid<1>(0.01, 1);
  check_grid<2>(0.1, 1);
  check_grid<3>(0.25, 1);
  check_grid<7>(0.9, 1);
  check_grid<2>(1e-3, 1e6);  // more cells along an axis than a table could have
}
TEST(cluster, sorted_points_and_their_ranges) {
  const auto X = numbers<float>(1, 5000, 3);
  const auto labels = kf::grid_cluster<3>(X, 0.3);
  const auto order = kf::sort_clusters(labels);
  const auto points = kf::take_rows<3>(X, order);
  const auto sorted = kf::take_rows<1>(labels, order);
  const auto ranges = kf::cluster_ranges(sorted);
  std::int64_t row = 0;
  for (std::int64_t k = 0; k < ranges.rows(); ++k) {
    EXPECT_EQ(ranges(k, 0), row);
    for (; row < ranges(k, 1); ++row) {
      EXPECT_EQ(labels(order(row, 0), 0), k);
      if (row > ranges(k, 0)) {
        EXPECT_LT(order(row - 1, 0), order(row, 0));  // as they came
      }
      for (int d = 0; d < 3; ++d) EXPECT_EQ(points(row, d), X(order(row, 0), d));
    }
  }
  EXPECT_EQ(row, 5000);
  EXPECT_EQ(all(kf::cluster_ranges(std::vector<int>{1, 1, 3})), (std::vector<std::int64_t>{0, 0, 0, 2, 2, 2, 2, 3}));
  EXPECT_EQ(kf::cluster_ranges(std::vector<int>{}).rows(), 0);
}
TEST(cluster, centroids) {
  const std::vector<double> X{0, 0, 2, 4, 10, 20}, weights{1, 3, 0};
  const std::vector<int> labels{1, 1, 2};
  const auto [centroids, weight] = kf::cluster_centroids<2>(X, labels, weights);
  const double expected[] = {0, 0, 1.5, 3, 0, 0};
  for (int n = 0; n < 6; ++n) EXPECT_EQ(centroids[n], expected[n]);
  EXPECT_EQ(weight(1, 0), 4);
  const auto plain = kf::cluster_centroids<2>(X, labels);
  EXPECT_EQ(plain.centroids(1, 1), 2);
  EXPECT_EQ(plain.centroids(2, 0), 10);
  EXPECT_EQ(plain.weights(0, 0), 0);
  EXPECT_EQ(plain.weights(1, 0), 2);
}
// A Gaussian is small far away: leaving out pairs of cubes that are far apart changes a sum by less than .2 %.
TEST(cluster, gaussian_of_near_cubes) {
  constexpr auto x = kf::Vi<0, 2>;
  constexpr auto y = kf::Vj<1, 2>;
  constexpr double width = 0.05;
  const auto r = kf::sum_reduction(exp(-sqdist(x, y) * kf::Pm<2, 1>));
  const auto X = numbers<float>(1, 3000, 2);
  const auto labels = kf::grid_cluster<2>(X, width);
  const auto order = kf::sort_clusters(labels);
  const auto points = kf::take_rows<2>(X, order);
  const auto sorted = kf::take_rows<1>(labels, order);
  const auto rows = kf::cluster_ranges(sorted);
  const auto means = kf::cluster_centroids<2>(points, sorted).centroids;
  const auto near = kf::from_matrix(rows, rows, [&](std::int64_t k, std::int64_t l) {
    return std::hypot(means(k, 0) - means(l, 0), means(k, 1) - means(l, 1)) < 5 * width;
  });
  const float scale = float(1 / (2 * width * width));
  const auto whole = r(points, points, scale), part = r.over(near)(points, points, scale);
  double difference = 0, total = 0;
  for (std::int64_t i = 0; i < whole.rows(); ++i) {
    difference += std::abs(double(whole(i, 0)) - double(part(i, 0)));
    total += double(whole(i, 0));
  }
  EXPECT_LT(difference, 0.002 * total);
  EXPECT_GT(difference, 0);
  const auto swapped = r.over(kf::swap_axes(near))(points, points, scale);  // as near one way as the other
  for (std::int64_t i = 0; i < whole.rows(); ++i) EXPECT_NEAR(swapped(i, 0), part(i, 0), 1e-4 * part(i, 0));
}
TEST(cluster, what_does_not_fit_is_said) {
  const std::vector<double> points{0, 1, 2};
  const std::vector<double> nowhere{0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_EQ(sentence_of([&] { kf::grid_cluster<2>(points, 1); }),
            "kf::grid_cluster: 3 numbers are no whole number of rows of dimension 2");
  EXPECT_EQ(sentence_of([&] { kf::grid_cluster<1>(points, 0); }),
            "kf::grid_cluster: cubes have an edge above 0, and finite");
  EXPECT_EQ(sentence_of([&] { kf::grid_cluster<1>(nowhere, 1); }),
            "kf::grid_cluster: point 1 is not finite, or too many cubes away from zero to be numbered");
  EXPECT_EQ(sentence_of([&] {
              kf::sort_clusters(std::vector<int>{0, -3});
            }),
            "kf::sort_clusters: label 1 is -3, below 0");
  EXPECT_EQ(sentence_of([&] {
              kf::cluster_ranges(std::vector<int>{0, 2, 1});
            }),
            "kf::cluster_ranges: label 2 is smaller than the one before it: sort the points by kf::sort_clusters "
            "first");
  EXPECT_EQ(sentence_of([&] { kf::take_rows<1>(points, std::vector<int>{3}); }),
            "kf::take_rows: row 3 was asked for, of 3");
  EXPECT_EQ(sentence_of([&] {
              kf::cluster_centroids<1>(points, std::vector<int>{0, 0});
            }),
            "kf::cluster_centroids: 2 labels for 3 points");
}
