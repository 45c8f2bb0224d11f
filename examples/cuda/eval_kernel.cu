// examples/cuda/eval_kernel.cu: a formula and its gradient at one pair per thread, in a kernel of one's own.
#include <kernfold/kernfold.hpp>

#include <cmath>
#include <cstdio>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
using value = decltype(exp(-sqdist(x, y)));
using slope = decltype(grad(value{}, x));

// One body for both sides: what the kernel computes is what the host checks.
__host__ __device__ float size_of_slope(int pair) {
  const float t = 0.01f * float(pair);
  const kf::vec<float, 3> p{{t, 0.5f, -t}}, q{{0.1f, 0.2f, 0.3f}};
  const kf::vec<float, 3> d = kf::eval<slope>(p, q);
  return d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + kf::eval<value>(p, q)[0];
}
__global__ void at_each_pair(float* results, int count) {
  const int pair = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (pair < count) results[pair] = size_of_slope(pair);
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return std::puts("no GPU here: nothing to do"), 0;
  constexpr int count = 1000;
  float* results = nullptr;
  if (cudaMallocManaged(&results, count * sizeof(float)) != cudaSuccess) return 1;
  at_each_pair<<<(count + 127) / 128, 128>>>(results, count);
  if (cudaDeviceSynchronize() != cudaSuccess) return 1;
  float worst = 0;
  for (int pair = 0; pair < count; ++pair) worst = std::fmax(worst, std::fabs(results[pair] - size_of_slope(pair)));
  std::printf("%d pairs on the GPU, at most %.2g from the CPU\n", count, worst);
  return worst <= 1e-5f ? 0 : 1;
}
