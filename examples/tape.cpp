// examples/tape.cpp: a sum of Gaussians over 100,000 x 200,000 points and the gradient of its squared norm, as lazy
// matrices and a tape have it.
//
//   K_ij = exp(-|x_i - y_j|^2)      a_i = sum_j K_ij      L = sum_i a_i^2      dL / dx
#include <kernfold/kernfold.hpp>

#include <cstdio>
#include <random>
#include <vector>

#include "common/stopwatch.hpp"

namespace kf = kernfold;

int main() {
  std::mt19937 random(1);
  const auto points = [&](std::size_t count) {
    std::vector<float> v(3 * count);
    for (float& value : v) value = float(random()) * 0x1p-32f;
    return v;
  };
  const std::vector<float> X = points(100'000), Y = points(200'000);
  const examples::stopwatch watch;

  kf::tape t;
  const auto x_i = kf::lazy_i<3>(X);   // x_i = LazyTensor(x[:, None, :])
  const auto y_j = kf::lazy_j<3>(Y);   // y_j = LazyTensor(y[None, :, :])
  const auto D_ij = sqdist(x_i, y_j);  // D_ij = ((x_i - y_j)**2).sum(-1)
  const auto K_ij = exp(-D_ij);        // K_ij = (-D_ij).exp()
  const auto a = K_ij.sum_j(t);        // a_i = K_ij.sum(1)
  const double forward = watch.seconds();
  const auto [g] = t.gradient(sum(square(a)), X);  // g, = grad((a_i**2).sum(), [x])

  std::printf("a_0 = %.6g, dL/dx_0 = (%.6g, %.6g, %.6g)\n", a(0, 0), g(0, 0), g(0, 1), g(0, 2));
  std::printf("forward %.2f s, gradient %.2f s\n", forward, watch.seconds() - forward);
}
