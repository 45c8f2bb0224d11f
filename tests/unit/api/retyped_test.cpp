// Arrays whose elements are narrower than what is computed with: the bits of the same numbers, widened before.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;

namespace {

/// The upper half of a float.
struct bfloat16 {
  std::uint16_t bits;
  bfloat16() = default;
  explicit bfloat16(float f) {
    std::uint32_t all;
    std::memcpy(&all, &f, sizeof all);
    bits = static_cast<std::uint16_t>((all + 0x8000) >> 16);
  }
  operator float() const {
    const std::uint32_t all = std::uint32_t(bits) << 16;
    float f;
    std::memcpy(&f, &all, sizeof f);
    return f;
  }
};
static_assert(kf::array_like<std::vector<bfloat16>> && kf::is_narrow_real<bfloat16>);
static_assert(!kf::is_narrow_real<std::int16_t> && !kf::is_narrow_real<std::array<std::uint8_t, 2>>);

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 2>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto label = kf::Vj<4, 1, std::int64_t>;
constexpr auto e = kf::Vi<5, 2>;
constexpr std::int64_t M = 45, N = 70;

template <class T> std::vector<T> numbers(std::uint32_t seed, std::int64_t count) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<T> all;
  for (std::int64_t n = 0; n < count; ++n) all.push_back(T(bfloat16(uniform(random))));
  return all;
}
template <class Real, class Label> struct cloud {
  std::vector<Real> X = numbers<Real>(1, 3 * M), Y = numbers<Real>(2, 3 * N), B = numbers<Real>(3, 2 * N);
  std::vector<Label> L;
  cloud() {
    for (std::int64_t j = 0; j < N; ++j) L.push_back(Label(j % 5));
  }
};
const std::vector<float> E = numbers<float>(5, 2 * M);
const std::vector<double> E_double(E.begin(), E.end());

/// call(cloud) with narrow arrays and with wide ones.
template <class Call> void check(Call call) {
  const auto wanted = call(cloud<float, std::int64_t>());
  EXPECT_EQ(call(cloud<bfloat16, std::int64_t>()), wanted);
  EXPECT_EQ(call(cloud<bfloat16, std::int8_t>()), wanted);
  EXPECT_EQ(call(cloud<float, std::uint32_t>()), wanted);
  static_assert(
      std::is_same_v<decltype(call(cloud<bfloat16, std::int8_t>())), decltype(call(cloud<float, std::int64_t>()))>);
}
constexpr auto kernel = exp(-g * sqdist(x, y)) * where(label == 2_c, b, 1_c);

}  // namespace

TEST(retyped, reductions) {
  const auto by_position = [](auto r) { check([=](const auto& c) { return r(c.X, c.Y, c.B, 0.5f, c.L); }); };
  by_position(kf::sum_reduction(kernel));
  by_position(kf::sum_reduction(kernel).with(kf::in_double));
  by_position(kf::sum_reduction<kf::axis::i>(kernel));
  by_position(kf::sum_reduction<kf::axis::both>(kernel));
  by_position(kf::argmin_reduction(kernel));
  by_position(kf::kmin_reduction<3>(kernel));
  by_position(kf::logsumexp_reduction(-sqdist(x, y) * g + label, square(b)));
  check([](const auto& c) { return kf::sum_reduction(kernel)(label = c.L, y = c.Y, x = c.X, g = 0.5f, b = c.B); });
  check([](const auto& c) {
    return kf::sum_reduction(kernel).over(kf::causal()).on(kf::cpu{.threads = 2})(c.X, c.Y, c.B, 0.5f, c.L);
  });
  check([](const auto& c) {
    kf::matrix<float> out(M, 2);
    kf::sum_reduction(kernel).into(out, c.X, c.Y, c.B, 0.5f, c.L);
    kf::sum_reduction(kernel).add_to(out, c.X, c.Y, c.B, 0.5f, c.L);
    return out;
  });
}
TEST(retyped, gradients) {
  constexpr auto r = kf::softmax_reduction(-sqdist(x, y) * g + label, b);
  check([=](const auto& c) { return kf::grad(r, y, e)(x = c.X, y = c.Y, b = c.B, g = 0.5f, label = c.L, e = E); });
  check([=](const auto& c) { return kf::grad(r, g, e)(x = c.X, y = c.Y, b = c.B, g = 0.5f, label = c.L, e = E); });
}
TEST(retyped, beside_wider_arrays) {
  const cloud<bfloat16, std::int16_t> narrow;
  const cloud<double, std::int64_t> wide;
  constexpr auto r = kf::sum_reduction(kernel);
  EXPECT_EQ(r(wide.X, narrow.Y, narrow.B, 0.5, narrow.L), r(wide.X, wide.Y, wide.B, 0.5, wide.L));
  // A number decides nothing: arrays of 16 bits are computed with in float.
  static_assert(std::is_same_v<decltype(r(narrow.X, narrow.Y, narrow.B, 0.5, narrow.L)), kf::matrix<float>>);
}
TEST(retyped, lazy_matrices_and_views) {
  const cloud<bfloat16, std::int16_t> narrow;
  const cloud<float, std::int64_t> wide;
  const auto sums = [](const auto& c) {
    return exp(-sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.Y)) * kf::lazy_p<1>(0.5f)).sum_j();
  };
  EXPECT_EQ(sums(narrow), sums(wide));
  kf::tape t;
  auto [gX] = t.gradient(sum(exp(-sqdist(kf::lazy_i<3>(narrow.X), kf::lazy_j<3>(narrow.Y))).sum_j(t)), narrow.X);
  static_assert(std::is_same_v<decltype(gX), kf::matrix<float>>);
  EXPECT_NE(gX(0, 0), 0);
  constexpr auto r = kf::sum_reduction(exp(-sqdist(x, y)));
  const kf::view<const bfloat16> every_second{narrow.Y.data(), N / 2, 3, 6, 1};
  const kf::view<const float> wide_second{wide.Y.data(), N / 2, 3, 6, 1};
  EXPECT_EQ(r(narrow.X, every_second), r(wide.X, wide_second));
}
#ifdef __FLT16_MANT_DIG__
TEST(retyped, float16) {
  const std::vector<_Float16> X{_Float16(0.5f), _Float16(1), _Float16(-2)};
  EXPECT_EQ(kf::sum_reduction(kf::Vi<0, 3> * 2_c)(X)(0, 2), -4.f);
}
#endif
