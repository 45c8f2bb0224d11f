// examples/readme_sample.cpp: a Gaussian density of 100,000 x 200,000 points, and the gradient of its squared norm.
//
//   a_i = sum_j exp(-|x_i - y_j|^2 / (2 sigma^2)) b_j        L = sum_i a_i^2
//
// Built by nvcc it runs on the GPU, where there is one.
#include <kernfold/kernfold.hpp>

#include <cstdio>
#include <random>
#include <vector>

#include "common/backend.hpp"
#include "common/stopwatch.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace kf = kernfold;

int main() {
  const std::size_t rows = 100'000, columns = 200'000;
  std::mt19937 random(1);
  const auto numbers = [&](std::size_t count) {
    std::vector<float> v(count);
    for (float& value : v) value = float(random()) * 0x1p-32f;
    return v;
  };
  const std::vector<float> X = numbers(3 * rows), Y = numbers(3 * columns), B = numbers(columns);

  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto b = kf::Vj<2, 1>;
  constexpr auto sigma = kf::Pm<3, 1>;
  constexpr auto density = kf::sum_reduction(exp(-sqdist(x, y) / (kf::constant<2> * square(sigma))) * b);

  const examples::backend where{.gpu = examples::name_of_gpu()};
  std::printf("on the %s%s\n", where.gpu.empty() ? "CPU" : "GPU: ", where.gpu.c_str());
  const examples::stopwatch watch;
  const kf::matrix<float> a = where.compute(density, X, Y, B, 0.1f);
  const double forward = watch.seconds();

  // dL/dx = the gradient of the density along dL/da = 2 a
  kf::matrix<float> e = a;
  double norm = 0;
  for (float& value : e) {
    norm += double(value) * value;
    value *= 2;
  }
  const kf::matrix<float> dx = where.compute(kf::grad(density, x), X, Y, B, 0.1f, e);
  const double total = watch.seconds();

  const double pairs = double(rows) * double(columns);
  std::printf("density of %zu x %zu points: %.2f s, %.2f G pairs/s\n", rows, columns, forward, pairs / forward * 1e-9);
  std::printf("gradient of its squared norm: %.2f s, %.2f G pairs/s\n", total - forward,
              pairs / (total - forward) * 1e-9);
  std::printf("|a|^2 = %.6g, its gradient at x_0 = (%.6g, %.6g, %.6g)\n", norm, dx(0, 0), dx(0, 1), dx(0, 2));
#if __has_include(<sys/resource.h>)
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory: %.1f MB; the matrix of all pairs would take %.0f GB\n", double(usage.ru_maxrss) / 1e3,
              pairs * sizeof(float) * 1e-9);
#endif
}
