// A formula and its gradients inside a kernel, one pair per thread, beside the same functions on the host.
#include <gtest/gtest.h>

#include <cmath>
#include <kernfold/kernfold.hpp>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto g = kf::Pm<2, 1>;
using value = decltype(exp(-g * sqdist(x, y)) * (x | y));
using x_gradient = decltype(grad(value{}, x));
using g_gradient = decltype(grad(value{}, g));

__host__ __device__ void evaluate_pair(const float* points, const float* others, float* results, int pair) {
  const kf::vec<float, 3> a{{points[3 * pair], points[3 * pair + 1], points[3 * pair + 2]}};
  const kf::vec<float, 3> b{{others[3 * pair], others[3 * pair + 1], others[3 * pair + 2]}};
  float* const r = results + 5 * pair;
  r[0] = kf::eval<value>(a, b, 0.5f)[0];
  const auto d = kf::eval<x_gradient>(a, b, 0.5f);
  for (int k = 0; k < 3; ++k) r[1 + k] = d[k];
  r[4] = kf::eval<g_gradient>(a, b, 0.5f)[0];
}

__global__ void evaluate_pairs(const float* points, const float* others, float* results, int count) {
  const int pair = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (pair < count) evaluate_pair(points, others, results, pair);
}

TEST(eval_in_a_kernel, agrees_with_the_host) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU here";
  constexpr int count = 1000;
  std::vector<float> points(3 * count), others(3 * count), expected(5 * count), results(5 * count);
  for (int n = 0; n < 3 * count; ++n) {
    points[n] = std::sin(0.37f * float(n));
    others[n] = std::cos(0.73f * float(n));
  }
  for (int pair = 0; pair < count; ++pair) evaluate_pair(points.data(), others.data(), expected.data(), pair);

  float *points_on_device = nullptr, *others_on_device = nullptr, *results_on_device = nullptr;
  ASSERT_EQ(cudaMalloc(&points_on_device, points.size() * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&others_on_device, others.size() * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&results_on_device, results.size() * sizeof(float)), cudaSuccess);
  cudaMemcpy(points_on_device, points.data(), points.size() * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(others_on_device, others.data(), others.size() * sizeof(float), cudaMemcpyHostToDevice);
  evaluate_pairs<<<(count + 127) / 128, 128>>>(points_on_device, others_on_device, results_on_device, count);
  ASSERT_EQ(cudaGetLastError(), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(results.data(), results_on_device, results.size() * sizeof(float), cudaMemcpyDeviceToHost),
            cudaSuccess);
  for (int n = 0; n < 5 * count; ++n) EXPECT_NEAR(results[n], expected[n], 1e-5f * (1 + std::fabs(expected[n]))) << n;
  cudaFree(points_on_device);
  cudaFree(others_on_device);
  cudaFree(results_on_device);
}

}  // namespace
