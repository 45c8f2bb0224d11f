// Prints a number for each job and instruction set, of all bits of its results (any NaN counts as one). With an
// argument, under another rounding mode.
#include <kernfold/kernfold.hpp>

#include <cfenv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace kf = kernfold;

template <class T> void print_bits(const kf::matrix<T>& m) {
  std::uint64_t hash = 14695981039346656037u;
  for (std::int64_t n = 0; n < m.size(); ++n) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, m.data() + n, sizeof(T));
    const std::uint64_t exponent = sizeof(T) == 4 ? 0x7f800000u : 0x7ff0000000000000u;
    const std::uint64_t digits = sizeof(T) == 4 ? 0x7fffffu : 0xfffffffffffffu;
    if (!std::is_integral_v<T> && (bits & exponent) == exponent && (bits & digits) != 0) bits = 1;  // NaN
    hash = (hash ^ bits) * 1099511628211u;
    hash ^= hash >> 29;
  }
  std::printf(" %016llx", static_cast<unsigned long long>(hash));
}

template <class Real> void run(const kf::cpu& where, int rounding_mode) {
  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto b = kf::Vj<2, 1>;
  constexpr auto g = kf::Pm<3, 1>;
  std::vector<Real> X(300), Y(1500), B(500), E(100);
  std::uint32_t seed = 1;
  for (auto* v : {&X, &Y, &B, &E})
    for (Real& value : *v) {
      seed = seed * 1664525u + 1013904223u;
      value = static_cast<Real>(static_cast<std::int32_t>(seed)) / static_cast<Real>(2147483648.0);
    }
  X[5] = std::numeric_limits<Real>::quiet_NaN();
  X[9] = std::numeric_limits<Real>::infinity();
  X[12] = static_cast<Real>(-0.0);
  Y[3] = std::numeric_limits<Real>::denorm_min();
  std::fesetround(rounding_mode);
  constexpr auto convolution = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
  print_bits(convolution.on(where)(X, Y, B, Real(2)));
  print_bits(grad(convolution, x).on(where)(X, Y, B, Real(2), E));
  print_bits(grad(convolution, g).on(where)(X, Y, B, Real(2), E));
  print_bits(kf::logsumexp_reduction(-sqdist(x, y)).on(where)(X, Y));
  print_bits(kf::argmin_reduction(sqdist(x, y)).on(where)(X, Y));
  print_bits(kf::sum_reduction(sin(x | y) * tanh(x | y) + log(sqdist(x, y))).with(kf::compensated).on(where)(X, Y));
  print_bits(kf::sum_reduction(powf(sqdist(x, y), g) * rsqrt(sqdist(x, y))).on(where)(x = X, y = Y, g = Real(0.7)));
  print_bits(kf::sum_reduction((x | y) / g).on(where)(x = X, y = Y, g = Real(3)));
  std::puts(std::fegetround() == rounding_mode ? "" : "the rounding mode was not restored");
  std::fesetround(FE_TONEAREST);
}

int main(int count, char**) {
  for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    if (mode != FE_TONEAREST && count == 1) break;
    for (const auto set : {kf::instruction_set::avx512, kf::instruction_set::avx2, kf::instruction_set::scalar,
                           kf::instruction_set::portable})
      for (const int threads : {1, 3}) {
        if (!kf::is_usable(set)) continue;
        run<float>({.threads = threads, .instructions = set}, mode);
        run<double>({.threads = threads, .instructions = set}, mode);
      }
  }
}
