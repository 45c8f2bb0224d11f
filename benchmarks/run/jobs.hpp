// benchmarks/run/jobs.hpp: the four jobs of the quickstart, their data, and what they ought to give.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <kernfold/kernfold.hpp>
#include <random>
#include <set>
#include <span>
#include <vector>

namespace bench {

namespace kf = kernfold;

template <int D> struct jobs {
  static constexpr auto x = kf::Vi<0, D>;
  static constexpr auto y = kf::Vj<1, D>;
  static constexpr auto b = kf::Vj<2, 1>;
  static constexpr auto g = kf::Pm<3, 1>;
  static constexpr auto e = kf::Vi<4, 1>;
  static constexpr auto convolution = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
  // The same with a scale whose sign shows: exponents are known to be at most 0.
  static constexpr auto scaled = kf::sum_reduction(exp(-square(g) * sqdist(x, y)) * b);
  static constexpr auto gradient = kf::grad(convolution, x, e);
  static constexpr auto log_sum_exp = kf::logsumexp_reduction(-kf::Pm<2, 1> * sqdist(x, y));
  static constexpr auto neighbours = kf::argkmin_reduction<10>(sqdist(x, y));
};

/// Uniform points in the unit cube, weights of both signs, a bandwidth of which a fifth of the cube's side is in reach.
template <class Real> struct data {
  std::size_t rows, columns;
  int dim;
  std::vector<Real> x, y, b, e;
  Real g;

  data(std::size_t row_count, std::size_t column_count, int dimension, unsigned seed = 1)
      : rows(row_count), columns(column_count), dim(dimension), g(Real(12.5 * 3 / dimension)) {
    std::mt19937 random(seed);
    const auto fill = [&](std::vector<Real>& v, std::size_t count, double low, double high) {
      v.resize(count);
      for (Real& value : v) value = Real(low + (high - low) * (double(random()) / 4294967296.0));
    };
    fill(x, rows * std::size_t(dim), 0, 1);
    fill(y, columns * std::size_t(dim), 0, 1);
    fill(b, columns, -0.5, 1);
    fill(e, rows, -1, 1);
  }
  double pairs() const { return double(rows) * double(columns); }
};

/// The four jobs into the caller's memory, and that memory.
template <int D, class Real> struct runner {
  const data<Real>& in;
  kf::cpu where;
  std::vector<Real> convolution = std::vector<Real>(in.rows), gradient = std::vector<Real>(in.rows * D),
                    log_sum_exp = std::vector<Real>(in.rows);
  std::vector<std::int64_t> neighbours = std::vector<std::int64_t>(in.rows * 10);

  runner(const data<Real>& input, kf::cpu place) : in(input), where(place) {}

  void convolve() { jobs<D>::convolution.on(where).into(convolution, in.x, in.y, in.b, in.g); }
  void convolve_scaled() { jobs<D>::scaled.on(where).into(convolution, in.x, in.y, in.b, std::sqrt(in.g)); }
  void differentiate() { jobs<D>::gradient.on(where).into(gradient, in.x, in.y, in.b, in.g, in.e); }
  void sum_exponentials() { jobs<D>::log_sum_exp.on(where).into(log_sum_exp, in.x, in.y, in.g); }
  void find_neighbours() { jobs<D>::neighbours.on(where).into(neighbours, in.x, in.y); }
};

inline bool is_available(kf::instruction_set set) {
  try {
    const std::vector<float> one(3);
    kf::sum_reduction(sqdist(kf::Vi<0, 3>, kf::Vj<1, 3>)).on(kf::cpu{.threads = 1, .instructions = set})(one, one);
    return true;
  } catch (const kf::instruction_set_error&) {
    return false;
  }
}

/// The greatest error of sampled rows, each relative to the sum of its terms' absolute values, in double precision.
template <class Real> double convolution_error(const data<Real>& in, std::span<const Real> found) {
  double worst = 0;
  for (std::size_t i = 0; i < in.rows; i += in.rows / 16 + 1) {
    double sum = 0, size = 0;
    for (std::size_t j = 0; j < in.columns; ++j) {
      double distance = 0;
      for (std::size_t k = 0; k < std::size_t(in.dim); ++k)
        distance += std::pow(double(in.x[i * in.dim + k]) - double(in.y[j * in.dim + k]), 2);
      const double term = std::exp(-double(in.g) * distance) * double(in.b[j]);
      sum += term;
      size += std::abs(term);
    }
    worst = std::max(worst, std::abs(sum - double(found[i])) / size);
  }
  return worst;
}

/// The same of all four jobs; for the neighbours, the share of sampled rows whose set is wrong.
template <int D, class Real> double greatest_error(const runner<D, Real>& r) {
  const data<Real>& in = r.in;
  double worst = convolution_error<Real>(in, r.convolution);
  for (std::size_t i = 0; i < in.rows; i += in.rows / 16 + 1) {
    double sum = 0;
    std::vector<double> gradient(D), size(D), distances(in.columns);
    for (std::size_t j = 0; j < in.columns; ++j) {
      double difference[D], distance = 0;
      for (int k = 0; k < D; ++k) {
        difference[k] = double(in.x[i * D + k]) - double(in.y[j * D + k]);
        distance += difference[k] * difference[k];
      }
      distances[j] = distance;
      const double kernel = std::exp(-double(in.g) * distance);
      sum += kernel;
      for (int k = 0; k < D; ++k) {
        const double term = -2 * double(in.g) * difference[k] * kernel * double(in.b[j]) * double(in.e[i]);
        gradient[k] += term;
        size[k] += std::abs(term);
      }
    }
    worst = std::max(worst, std::abs(double(r.log_sum_exp[i]) - std::log(sum)));
    for (int k = 0; k < D; ++k)
      worst = std::max(worst, std::abs(double(r.gradient[i * D + k]) - gradient[k]) / size[k]);
    // The k-th distance of those found is the k-th least, up to rounding: then the set is right, ties aside.
    std::vector<double> least = distances;
    std::partial_sort(least.begin(), least.begin() + 10, least.end());
    std::set<std::int64_t> distinct;
    for (int k = 0; k < 10; ++k) {
      const std::int64_t j = r.neighbours[i * 10 + k];
      distinct.insert(j);
      if (j < 0 || distances[std::size_t(j)] > least[9] * (1 + 1e-5)) worst = 1;
    }
    if (distinct.size() != 10) worst = 1;
  }
  return worst;
}

}  // namespace bench
