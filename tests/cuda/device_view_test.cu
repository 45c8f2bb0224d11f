// Vectors of other libraries as arguments and results of a call on a device.
#include <gtest/gtest.h>

#include <thrust/device_vector.h>
#include <kernfold/kernfold.hpp>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto g = kf::Pm<2, 1>;
constexpr auto sum = kf::sum_reduction(exp(-square(g) * sqdist(x, y)));

static_assert(kf::device_array_like<thrust::device_vector<float>>);
static_assert(kf::device_array_like<const thrust::device_vector<float>>);
static_assert(!kf::device_array_like<std::vector<float>>);
static_assert(!kf::device_array_like<kf::view<float>>);

TEST(device_view, vectors_of_thrust_are_device_arrays) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU here";
  const std::vector<float> X{0, 0, 0, 1, 2, 3}, Y{1, 0, 0, 0, 1, 0, 1, 1, 1};
  const thrust::device_vector<float> X_device(X), Y_device(Y), G_device(1, 0.7f);
  const auto expected = sum(X, Y, 0.7f);
  thrust::device_vector<float> out(2);
  sum.on(kf::cuda{}).into(out, X_device, Y_device, 0.7f);
  std::vector<float> returned(2);
  sum.on(kf::cuda{})(g = G_device, x = X_device, y = Y_device).copy_to(returned.data());
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(out[i], expected[i], 1e-6);
    EXPECT_NEAR(returned[i], expected[i], 1e-6);
  }
}

}  // namespace
