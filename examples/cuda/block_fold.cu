// examples/cuda/block_fold.cu: a fold over all columns within a kernel of one's own, its result used at once: a mean
// shift.
#include <kernfold/kernfold.hpp>

#include <cmath>
#include <cstdio>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto mean =
    kf::softmax_reduction(-sqdist(x, y), y);  // sum_j exp(-|x_i - y_j|^2) y_j / sum_j exp(-|x_i - y_j|^2)
using fold = kf::block_fold<decltype(mean), float, 128>;

__global__ void shift(float* points, const float* cloud, int rows, int columns, int steps) {
  __shared__ fold::storage shared;
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x), at = 3 * (i < rows ? i : 0);  // all threads fold
  kf::vec<float, 3> p{{points[at], points[at + 1], points[at + 2]}};
  for (int step = 0; step < steps; ++step) p = fold(shared).run(columns, p, cloud);
  for (int k = 0; k < 3 && i < rows; ++k) points[3 * i + k] = p[k];
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return std::puts("no GPU here: nothing to do"), 0;
  constexpr int rows = 1000, columns = 3000, steps = 3;
  float *points = nullptr, *cloud = nullptr;
  if (cudaMallocManaged(&points, 3 * rows * sizeof(float)) || cudaMallocManaged(&cloud, 3 * columns * sizeof(float)))
    return 1;
  for (int n = 0; n < 3 * columns; ++n) cloud[n] = std::sin(0.7f * float(n));
  for (int n = 0; n < 3 * rows; ++n) points[n] = std::cos(0.3f * float(n));
  kf::matrix<float> expected(rows, 3);
  for (int n = 0; n < 3 * rows; ++n) expected.data()[n] = points[n];
  for (int step = 0; step < steps; ++step) expected = mean(expected, kf::view{cloud, columns, 3});
  shift<<<(rows + 127) / 128, 128>>>(points, cloud, rows, columns, steps);
  if (cudaDeviceSynchronize() != cudaSuccess) return 1;
  float worst = 0;
  for (int n = 0; n < 3 * rows; ++n) worst = std::fmax(worst, std::fabs(points[n] - expected.data()[n]));
  std::printf("%d points shifted %d times on the GPU, at most %.2g from the CPU\n", rows, steps, worst);
  return worst <= 1e-4f ? 0 : 1;
}
