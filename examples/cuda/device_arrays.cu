// examples/cuda/device_arrays.cu: a density and its gradient on arrays of the device; nothing is copied in between.
#include <kernfold/kernfold.hpp>

#include <thrust/device_vector.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

namespace kf = kernfold;

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return std::puts("no GPU here: nothing to do"), 0;
  constexpr std::size_t rows = 100'000, columns = 200'000;
  std::vector<float> X(3 * rows), Y(3 * columns);
  for (std::size_t n = 0; n < X.size(); ++n) X[n] = std::sin(0.7f * float(n % 9973));
  for (std::size_t n = 0; n < Y.size(); ++n) Y[n] = std::cos(0.3f * float(n % 9941));
  const thrust::device_vector<float> X_device(X), Y_device(Y);

  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto density = kf::sum_reduction(exp(-sqdist(x, y)));  // a_i = sum_j exp(-|x_i - y_j|^2)
  constexpr auto slope = kf::grad(density, x);                     // its gradient along another argument
  std::vector<float> a(rows), d(3 * rows);
  const auto start = std::chrono::steady_clock::now();
  const kf::device_matrix<float> a_device = density.on(kf::cuda{})(X_device, Y_device);
  const kf::device_matrix<float> d_device = slope.on(kf::cuda{})(X_device, Y_device, a_device);
  d_device.copy_to(d.data());  // waits for both
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  a_device.copy_to(a.data());

  const float expected = density(kf::view{X.data(), 1, 3}, Y)[0];  // one row by the CPU
  std::printf("%zu x %zu points on the GPU: %.3f s; a_0 = %g (CPU: %g), d_0 = (%g, %g, %g)\n", rows, columns,
              seconds.count(), a[0], expected, d[0], d[1], d[2]);
  return std::fabs(a[0] - expected) <= 1e-5f * expected ? 0 : 1;
}
