// kf::block_fold in kernels, beside the CPU engine.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <kernfold/kernfold.hpp>
#include <vector>

#include "device_arrays.cuh"

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto distance = sqdist(x, y);
constexpr auto convolve = kf::sum_reduction(exp(-square(g) * distance) * b);
constexpr auto least = fold_all(kf::min_reduction(distance), kf::argmin_reduction(distance));
constexpr auto nearest = kf::argkmin_reduction<5>(distance);

struct arrays {
  const float *x, *y, *b;
  int rows, columns;
  float *sums, *minima;
  std::int64_t *where, *neighbours;
};

constexpr int threads = 96, rows_each = 4;
using sum_fold = kf::block_fold<decltype(convolve), float, threads, rows_each>;
using least_fold = kf::block_fold<decltype(least), float, threads>;
using nearest_fold = kf::block_fold<decltype(nearest), float, threads>;

__device__ kf::vec<float, 3> row_of(const arrays& a, int i) {
  const float* const p = a.x + 3 * (i < a.rows ? i : 0);
  return {{p[0], p[1], p[2]}};
}

__global__ void several_rows(arrays a) {
  __shared__ sum_fold::storage shared;
  const int first = int(blockIdx.x) * threads * rows_each + int(threadIdx.x);
  kf::vec<float, 3> rows[rows_each];
  for (int l = 0; l < rows_each; ++l) rows[l] = row_of(a, first + l * threads);
  const auto weight = [&](std::int64_t j) { return a.b[j]; };
  const auto sums = sum_fold(shared).run(a.columns, rows, a.y, weight, 0.7f);
  for (int l = 0; l < rows_each; ++l)
    if (first + l * threads < a.rows) a.sums[first + l * threads] = sums[l][0];
}
__global__ void several_results(arrays a) {
  __shared__ union {
    least_fold::storage least;
    nearest_fold::storage nearest;
  } shared;
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  const auto [minimum, where] = least_fold(shared.least).run(a.columns, row_of(a, i), a.y);
  __syncthreads();
  const auto neighbours = nearest_fold(shared.nearest).run(a.columns, row_of(a, i), a.y);
  if (i >= a.rows) return;
  a.minima[i] = minimum[0];
  a.where[i] = where[0];
  for (int k = 0; k < 5; ++k) a.neighbours[5 * i + k] = neighbours[k];
}

TEST(block_fold_in_a_kernel, agrees_with_the_host) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU here";
  constexpr int M = 1000, N = 700;
  std::vector<float> X(3 * M), Y(3 * N), B(N);
  for (int n = 0; n < 3 * M; ++n) X[std::size_t(n)] = std::sin(0.37f * float(n));
  for (int n = 0; n < 3 * N; ++n) Y[std::size_t(n)] = std::cos(0.73f * float(n));
  for (int n = 0; n < N; ++n) B[std::size_t(n)] = std::cos(float(n));
  const auto sums = convolve(X, Y, B, 0.7f);
  const auto both = least(X, Y);
  const auto neighbours = nearest(X, Y);

  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  kf::device_matrix<float> sums_found(nullptr, M, 1), minima_found(nullptr, M, 1);
  kf::device_matrix<std::int64_t> where_found(nullptr, M, 1), neighbours_found(nullptr, M, 5);
  const arrays a{x_array.device_data(),
                 y_array.device_data(),
                 b_array.device_data(),
                 M,
                 N,
                 sums_found.device_data(),
                 minima_found.device_data(),
                 where_found.device_data(),
                 neighbours_found.device_data()};
  several_rows<<<(M + threads * rows_each - 1) / (threads * rows_each), threads>>>(a);
  several_results<<<(M + threads - 1) / threads, threads>>>(a);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  const auto all_sums = values_of(sums_found), minima = values_of(minima_found);
  const auto where = values_of(where_found), nearby = values_of(neighbours_found);
  int different = 0;
  for (int i = 0; i < M; ++i) {
    const std::size_t row = std::size_t(i);
    ASSERT_NEAR(all_sums[row], sums[i], 1e-4) << i;
    ASSERT_NEAR(minima[row], get<0>(both)[i], 1e-5) << i;
    different += where[row] != get<1>(both)[i];
    for (int k = 0; k < 5; ++k) different += nearby[5 * row + std::size_t(k)] != neighbours(i, k);
  }
  EXPECT_LE(different, M / 100);  // distances that agree to the last bit may change places
}

}  // namespace
