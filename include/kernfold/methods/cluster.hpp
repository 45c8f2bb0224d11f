// kernfold/methods/cluster.hpp: clusters of points, as block-sparse spaces want them: each in rows that lie together.
//
//   const auto labels = kf::grid_cluster<3>(X, 0.1);            // a cube's number for each point
//   const auto order = kf::sort_clusters(labels);               // the points, cluster by cluster
//   const auto points = kf::take_rows<3>(X, order);             // and likewise all else that has a row for each point
//   const auto sorted = kf::take_rows<1>(labels, order);
//   const auto rows = kf::cluster_ranges(sorted);               // the rows of each cluster
//   const auto means = kf::cluster_centroids<3>(points, sorted).centroids;
//   const auto near = kf::from_matrix(rows, rows, [&](auto k, auto l) { return distance(means, k, l) < 0.5; });
//   const auto sums = convolve.over(near)(points, points, ...);
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

#include "../api/ranges.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class T> void check_labels(const char* who, view<const T> labels) {
  static_assert(std::is_integral_v<T>, "kernfold: labels are integers");
  for (std::int64_t i = 0; i < labels.rows(); ++i)
    if (labels(i, 0) < 0) throw shape_error(message(who) << ": label " << i << " is " << labels(i, 0) << ", below 0");
}
template <class T> std::int64_t count_labels(view<const T> labels) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < labels.rows(); ++i) count = std::max(count, std::int64_t(labels(i, 0)) + 1);
  return count;
}
template <class A, class B>
void check_same_rows(const char* who, const view<A>& a, const char* what, const view<B>& b) {
  if (a.rows() != b.rows())
    throw shape_error(message(who) << ": " << b.rows() << " " << what << " for " << a.rows() << " points");
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// labels(i), (M, 1): the number of the cube of edge `size` that point i of X (M, D) lies in,
///   { x : size c_d <= x_d < size (c_d + 1) for all d },  c integers.
/// Cubes without points have no number; the others are numbered from 0 on, in lexicographic order of c. Throws
/// shape_error where X has no rows of dimension D, or a point or `size` is such that it lies in no cube.
template <int D, array_like Points> matrix<std::int64_t> grid_cluster(const Points& X, double size) {
  const auto points = detail::rows_for("kf::grid_cluster", X, D);
  if (!(size > 0 && std::isfinite(size)))
    throw shape_error(message("kf::grid_cluster: cubes have an edge above 0, and finite"));
  constexpr double most = 0x1p62;
  const std::int64_t count = points.rows();
  std::vector<std::int64_t> cells(static_cast<std::size_t>(count * D)), order(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    for (int d = 0; d < D; ++d) {
      const double cell = std::floor(double(points(i, d)) / size);
      if (!(cell > -most && cell < most))
        throw shape_error(message("kf::grid_cluster: point ")
                          << i << " is not finite, or too many cubes away from zero to be numbered");
      cells[static_cast<std::size_t>(i * D + d)] = static_cast<std::int64_t>(cell);
    }
  const auto cell_of = [&](std::int64_t i) { return cells.data() + i * D; };
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::lexicographical_compare(cell_of(a), cell_of(a) + D, cell_of(b), cell_of(b) + D);
  });
  matrix<std::int64_t> labels(count, 1);
  std::int64_t label = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    if (n > 0 && !std::equal(cell_of(order[n]), cell_of(order[n]) + D, cell_of(order[n - 1]))) ++label;
    labels(order[n], 0) = label;
  }
  return labels;
}

/// order(n), (M, 1): the points in ascending order of their labels, those of one label as they come:
///   labels(order(0)) <= labels(order(1)) <= ...
/// Throws shape_error where a label is negative.
template <array_like Labels> matrix<std::int64_t> sort_clusters(const Labels& labels) {
  const auto label = detail::rows_for("kf::sort_clusters", labels, 1);
  detail::check_labels("kf::sort_clusters", label);
  matrix<std::int64_t> order(label.rows(), 1);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return label(a, 0) < label(b, 0); });
  return order;
}

/// Row n is row order(n) of A, whose rows have dimension D. Throws shape_error where there is no such row.
template <int D, array_like Array, array_like Order> auto take_rows(const Array& A, const Order& order) {
  const auto rows = detail::rows_for("kf::take_rows", A, D);
  const auto wanted = detail::rows_for("kf::take_rows", order, 1);
  matrix<element_of<Array>> taken(wanted.rows(), D);
  for (std::int64_t n = 0; n < wanted.rows(); ++n) {
    const std::int64_t row = wanted(n, 0);
    if (row < 0 || row >= rows.rows())
      throw shape_error(message("kf::take_rows: row ") << row << " was asked for, of " << rows.rows());
    for (int d = 0; d < D; ++d) taken(n, d) = rows(row, d);
  }
  return taken;
}

/// The rows of each cluster, (K, 2), from labels in ascending order: cluster k has rows ranges(k, 0), ...,
/// ranges(k, 1) - 1. K is one more than the greatest label. Throws shape_error where the labels do not ascend.
template <array_like Labels> matrix<std::int64_t> cluster_ranges(const Labels& labels) {
  const auto label = detail::rows_for("kf::cluster_ranges", labels, 1);
  detail::check_labels("kf::cluster_ranges", label);
  const std::int64_t count = detail::count_labels(label);
  matrix<std::int64_t> ranges(count, 2);
  std::int64_t row = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    ranges(k, 0) = row;
    while (row < label.rows() && label(row, 0) == k) ++row;
    ranges(k, 1) = row;
  }
  if (row < label.rows())
    throw shape_error(message("kf::cluster_ranges: label ")
                      << row << " is smaller than the one before it: sort the points by kf::sort_clusters first");
  return ranges;
}

/// What cluster_centroids returns.
template <class T> struct cluster_means {
  matrix<T> centroids;  // (K, D)
  matrix<T> weights;    // (K, 1)
};
/// The weight w_k and the mean point c_k of each cluster,
///   w_k = sum_{i : labels(i) = k} weights(i),   c_k = 1 / w_k sum_{i : labels(i) = k} weights(i) X(i),
/// summed in double precision; 0 for a cluster of no weight. Throws shape_error where the arrays do not fit each other.
template <int D, array_like Points, array_like Labels, array_like Weights>
auto cluster_centroids(const Points& X, const Labels& labels, const Weights& weights) {
  constexpr const char* who = "kf::cluster_centroids";
  using T = element_of<Points>;
  static_assert(std::is_floating_point_v<T>, "kernfold: cluster_centroids takes points of float or double");
  const auto points = detail::rows_for(who, X, D);
  const auto label = detail::rows_for(who, labels, 1);
  const auto weight = detail::rows_for(who, weights, 1);
  detail::check_labels(who, label);
  detail::check_same_rows(who, points, "labels", label);
  detail::check_same_rows(who, points, "weights", weight);
  const std::int64_t count = detail::count_labels(label);
  auto sums = matrix<double>::zeros(count, D + 1);
  for (std::int64_t i = 0; i < points.rows(); ++i) {
    const std::int64_t k = label(i, 0);
    for (int d = 0; d < D; ++d) sums(k, d) += double(weight(i, 0)) * double(points(i, d));
    sums(k, D) += double(weight(i, 0));
  }
  cluster_means<T> means{matrix<T>(count, D), matrix<T>(count, 1)};
  for (std::int64_t k = 0; k < count; ++k) {
    for (int d = 0; d < D; ++d) means.centroids(k, d) = sums(k, D) != 0 ? T(sums(k, d) / sums(k, D)) : T(0);
    means.weights(k, 0) = T(sums(k, D));
  }
  return means;
}
/// The same, every point of weight 1.
template <int D, array_like Points, array_like Labels> auto cluster_centroids(const Points& X, const Labels& labels) {
  const double one = 1;
  const std::int64_t count = detail::rows_for("kf::cluster_centroids", X, D).rows();
  return cluster_centroids<D>(X, labels, view<const double>(&one, count, 1, 0, 1));
}

/// The pairs (j, i) of a space of pairs (i, j).
inline ranges swap_axes(const ranges& pairs) { return pairs.transposed(); }

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
