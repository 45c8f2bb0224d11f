// examples/lazy.cpp: kernel matrices that are never stored.
//
//   K_ij = exp(-|x_i - y_j|^2 / (2 sigma^2))      a_i = sum_j K_ij      w = K b      the five nearest y_j of each x_i
#include <kernfold/kernfold.hpp>

#include <cstdio>
#include <random>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;

int main() {
  std::mt19937 random(1);
  const auto numbers = [&](std::size_t count) {
    std::vector<float> v(count);
    for (float& value : v) value = float(random()) * 0x1p-32f;
    return v;
  };
  const std::vector<float> X = numbers(3 * 10'000), Y = numbers(3 * 20'000);
  const kf::matrix<float> B = kf::matrix<float>::zeros(20'000, 2);
  const float sigma = 0.1f;

  const auto x = kf::lazy_i<3>(X);
  const auto y = kf::lazy_j<3>(Y);
  const auto D = sqdist(x, y);
  const auto K = exp(-D / (2_c * square(kf::lazy_p<1>(sigma))));

  const kf::matrix<float> a = K.sum_j();
  const kf::matrix<float> w = K.matvec(B);
  const kf::matrix<std::int64_t> nearest = D.argkmin_j<5>();
  const kf::matrix<float> past = K.over(kf::causal()).sum_j();
  const kf::matrix<float> corner = K.block(0, 2, 0, 2).dense();

  std::printf("%lld x %lld\n", static_cast<long long>(K.rows()), static_cast<long long>(K.cols()));
  std::printf("a_0 = %.5g, of the past alone %.5g; w_0 = (%g, %g)\n", a(0, 0), past(0, 0), w(0, 0), w(0, 1));
  std::printf("nearest to x_0: y_%lld; K_00 = %.5g, K_11 = %.5g\n", static_cast<long long>(nearest(0, 0)), corner(0, 0),
              corner(1, 1));
}
