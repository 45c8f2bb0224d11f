// examples/quickstart.cpp: four things to compute between all pairs of points of a cloud, how fast that is, and how
// exact.
//
//   quickstart [FILE] [--sigma S] [--threads T] [--instructions NAME] [--picture FILE]
//
// Built by nvcc it runs on the GPU, where there is one and neither threads nor instructions of the CPU are asked for.
// FILE is a .ply, .npy, .csv or .xyz file of points; without one a torus knot is made.
#include <kernfold/kernfold.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/backend.hpp"
#include "common/error_ratio.hpp"
#include "common/picture.hpp"
#include "common/points.hpp"
#include "common/progress.hpp"
#include "common/quickstart_options.hpp"
#include "common/stopwatch.hpp"

namespace kf = kernfold;
using examples::point;

// ---- what kernfold computes -----------------------------------------------------------------------------------------

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto sigma = kf::Pm<2, 1>;
constexpr auto exponent = sqdist(x, y) / (kf::constant<2> * square(sigma));  // t_ij = |x_i - y_j|^2 / (2 sigma^2)

constexpr auto density = kf::sum_reduction(exp(-exponent));           // a_i = sum_j exp(-t_ij)
constexpr auto slope = kf::grad(density, x, kf::constant<1>);         // its gradient at x_i
constexpr auto log_density = kf::logsumexp_reduction(-exponent);      // log a_i, also where a_i underflows
constexpr auto neighbours = kf::argkmin_reduction<10>(sqdist(x, y));  // the ten nearest

// ---- the same by plain loops in double precision, for one row -------------------------------------------------------

struct plain_loops {
  const std::vector<point>& points;
  double sigma;

  double square_distance(std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k)
      sum += (double(points[i][k]) - points[j][k]) * (double(points[i][k]) - points[j][k]);
    return sum;
  }
  double exponent(std::size_t i, std::size_t j) const { return square_distance(i, j) / (2 * sigma * sigma); }

  double density(std::size_t i) const {
    double sum = 0;
    for (std::size_t j = 0; j < points.size(); ++j) sum += std::exp(-exponent(i, j));
    return sum;
  }
  std::array<double, 3> slope(std::size_t i) const {
    std::array<double, 3> sum{};
    for (std::size_t j = 0; j < points.size(); ++j) {
      const double weight = std::exp(-exponent(i, j)) / (sigma * sigma);
      for (std::size_t k = 0; k < 3; ++k) sum[k] += weight * (double(points[j][k]) - points[i][k]);
    }
    return sum;
  }
  double log_density(std::size_t i) const { return std::log(density(i)); }
  std::vector<double> nearest(std::size_t i) const {  // squared distances
    std::vector<double> all(points.size());
    for (std::size_t j = 0; j < points.size(); ++j) all[j] = square_distance(i, j);
    const std::size_t count = std::min<std::size_t>(10, all.size());
    std::partial_sort(all.begin(), all.begin() + std::ptrdiff_t(count), all.end());
    all.resize(count);
    return all;
  }
};

// ---- how far the two are apart, beside what rounding explains (error_ratio.hpp)
// --------------------------------------

struct judge {
  const plain_loops& plain;
  std::size_t i;

  // Roundings behind exp(-t): three differences, three squares and sums, two for the scale, three for exp.
  static constexpr double operations = 11;

  double density(float found) const {
    examples::rounding_bound<float> bound(operations, double(plain.points.size()));
    for (std::size_t j = 0; j < plain.points.size(); ++j) {
      const double t = plain.exponent(i, j);
      bound.add(std::exp(-t), 1 + t);
    }
    return bound.ratio(found, plain.density(i));
  }
  double slope(const float* found) const {
    const auto exact = plain.slope(i);
    double worst = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      examples::rounding_bound<float> bound(operations + 3, double(plain.points.size()));
      for (std::size_t j = 0; j < plain.points.size(); ++j) {
        const double t = plain.exponent(i, j);
        bound.add(std::exp(-t) * (double(plain.points[j][k]) - plain.points[i][k]) / (plain.sigma * plain.sigma),
                  1 + t);
      }
      worst = std::max(worst, bound.ratio(found[k], exact[k]));
    }
    return worst;
  }
  // The relative error of the sum is the absolute one of its logarithm, which is itself rounded twice.
  double log_density(float found) const {
    examples::rounding_bound<float> bound(operations, double(plain.points.size()));
    const double sum = plain.density(i);
    for (std::size_t j = 0; j < plain.points.size(); ++j) {
      const double t = plain.exponent(i, j);
      bound.add(std::exp(-t) / sum, 1 + t);
    }
    bound.add(std::log(sum), 1);
    return bound.ratio(found, std::log(sum));
  }
  // Which ten: the set is right if all of them are different and none is further than the tenth, up to ties. How much
  // further, beside the roundings of a distance, is the ratio.
  double neighbours(const std::int64_t* found) const {
    const std::vector<double> exact = plain.nearest(i);
    std::vector<std::int64_t> sorted(found, found + exact.size());
    std::sort(sorted.begin(), sorted.end());
    if (sorted.front() < 0 || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return INFINITY;
    double furthest = 0;
    for (const std::int64_t j : sorted) furthest = std::max(furthest, plain.square_distance(i, std::size_t(j)));
    return (furthest - exact.back()) / (6 * examples::rounding_bound<float>::u * exact.back() + 1e-300);
  }
};

// ---- the table ------------------------------------------------------------------------------------------------------

struct job {
  const char* name;
  std::function<void(const examples::backend&)> compute;
  std::function<double(std::size_t i)> plainly;  // some number of the result, so that the compiler cannot leave it out
  std::function<double(std::size_t i)> error_ratio;
};

std::string in_groups(std::size_t n) {  // 1,234,567
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t place = std::ptrdiff_t(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(std::size_t(place), 1, ',');
  return digits;
}
std::string in_units(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 1 ? "%.1f ms" : "%.2f s", seconds < 1 ? seconds * 1e3 : seconds);
  return text;
}

// Throws std::runtime_error where a result is wrong.
void compute_and_judge(const std::vector<job>& jobs, std::size_t count, const examples::backend& where) {
  std::printf("%-24s %10s %12s %10s %12s\n", "", "time", "G pairs/s", "speed-up", "error ratio");
  const std::size_t step = std::max<std::size_t>(1, count / 64);
  for (const job& j : jobs) {
    examples::backend watched = where;
    watched.cpu.progress = examples::progress_line(j.name);  // shows after two seconds
    double seconds = 0;
    for (int attempt = 0; attempt < 2 && seconds < 1; ++attempt) {  // the first one also brings memory and clocks up
      const examples::stopwatch watch;
      j.compute(watched);
      seconds = watch.seconds();
    }

    const examples::stopwatch plain_watch;
    std::size_t rows = 0;
    [[maybe_unused]] volatile double used = 0;
    for (std::size_t i = 0; i < count; i += step, ++rows) used = j.plainly(i);
    const double plain_seconds = plain_watch.seconds() / double(rows) * double(count);
    double worst = 0;
    for (std::size_t i = 0; i < count; i += step) worst = std::max(worst, j.error_ratio(i));
    char ratio[32];
    std::snprintf(ratio, sizeof ratio, worst == 0 ? "exact" : "%.2f", worst);
    std::printf("%-24s %10s %12.2f %9.0fx %12s\n", j.name, in_units(seconds).c_str(),
                double(count) * double(count) / seconds * 1e-9, plain_seconds / seconds, ratio);
    if (!(worst <= 10)) throw std::runtime_error(std::string(j.name) + ": the error is more than rounding explains");
  }
  std::printf(
      "\nspeed-up: over a plain loop on one thread with std::exp, timed on %zu of the rows.\n"
      "error ratio: the greatest error of these rows, beside what rounding explains (common/error_ratio.hpp).\n",
      (count + step - 1) / step);
}

void run(const examples::quickstart_options& options) {
  const std::vector<point> points =
      options.file.empty() ? examples::make_torus_knot(30'000) : examples::read_points(options.file);
  const double fiftieth = 0.02 * double(examples::diagonal(points));
  const double width = options.sigma > 0 ? options.sigma : fiftieth > 0 ? fiftieth : 1;
  const bool wants_cpu = options.threads > 0 || !options.instructions.empty();
  const examples::backend where{{.threads = options.threads, .instructions = examples::chosen_instructions(options)},
                                wants_cpu ? "" : examples::name_of_gpu()};

  std::printf("kernfold %d.%d.%d: %s points of %s, all %s pairs in single precision\n", KERNFOLD_VERSION_MAJOR,
              KERNFOLD_VERSION_MINOR, KERNFOLD_VERSION_PATCH, in_groups(points.size()).c_str(),
              options.file.empty() ? "a torus knot" : options.file.c_str(),
              in_groups(points.size() * points.size()).c_str());
  if (!where.gpu.empty())
    std::printf("bandwidth %.4g, on the GPU: %s, copies of the points included\n\n", width, where.gpu.c_str());
  else
    std::printf("bandwidth %.4g, on the CPU: instruction set %s, %s\n\n", width, name_of(where.cpu.instructions),
                options.threads == 0   ? "all threads"
                : options.threads == 1 ? "1 thread"
                                       : (std::to_string(options.threads) + " threads").c_str());

  const float s = float(width);
  kf::matrix<float> a, d, l;
  kf::matrix<std::int64_t> n;
  const plain_loops plain{points, s};
  const std::vector<job> jobs = {
      {"density", [&](const examples::backend& on) { a = on.compute(density, points, points, s); },
       [&](std::size_t i) { return plain.density(i); },
       [&](std::size_t i) {
         return judge{plain, i}.density(a[std::int64_t(i)]);
       }},
      {"gradient of the density", [&](const examples::backend& on) { d = on.compute(slope, points, points, s); },
       [&](std::size_t i) { return plain.slope(i)[0]; },
       [&](std::size_t i) {
         return judge{plain, i}.slope(&d(std::int64_t(i), 0));
       }},
      {"log-sum-exp", [&](const examples::backend& on) { l = on.compute(log_density, points, points, s); },
       [&](std::size_t i) { return plain.log_density(i); },
       [&](std::size_t i) {
         return judge{plain, i}.log_density(l[std::int64_t(i)]);
       }},
      {"10 nearest neighbours", [&](const examples::backend& on) { n = on.compute(neighbours, points, points); },
       [&](std::size_t i) { return plain.nearest(i)[0]; },
       [&](std::size_t i) {
         return judge{plain, i}.neighbours(&n(std::int64_t(i), 0));
       }}};
  compute_and_judge(jobs, points.size(), where);

  const auto picture = examples::write_picture(options.picture, points, {a.data(), points.size()});
  std::printf("\nThe cloud, coloured by its density: %s\n", picture.c_str());
}

int main(int argc, char** argv) {
  try {
    const auto options = examples::read_quickstart_options(argc, argv);
    if (!options) return 0;  // only help was wanted
    run(*options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "quickstart: %s\n", e.what());
    return 1;
  }
}
