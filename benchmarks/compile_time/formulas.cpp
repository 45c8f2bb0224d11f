// FORMULAS kernels in three dimensions (1 to 10), each with its gradient: what a program that uses kernfold compiles.
#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

#ifndef FORMULAS
#define FORMULAS 1
#endif

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto e = kf::Vi<4, 1>;

template <int N> constexpr auto kernel() {
  if constexpr (N == 0) return exp(-g * sqdist(x, y));
  else if constexpr (N == 1) return exp(-g * norm2(x - y));
  else if constexpr (N == 2) return inv(kf::constant<1> + g * sqdist(x, y));
  else if constexpr (N == 3) return rsqrt(kf::constant<1> + g * sqdist(x, y));
  else if constexpr (N == 4) return sqrt(g + sqdist(x, y));
  else if constexpr (N == 5) return square(g + dot(x, y));
  else if constexpr (N == 6) return log(g + sqdist(x, y));
  else if constexpr (N == 7) return exp(g * dot(x, y));
  else if constexpr (N == 8) return abs(g - dot(x, y));
  else return (kf::constant<1> + g * norm2(x - y)) * exp(-g * norm2(x - y));
}

using cloud = kf::view<const float>;

template <int N> void compute(float* a, float* dx, const cloud& X, const cloud& Y, const cloud& B, const cloud& E) {
  constexpr auto convolve = kf::sum_reduction(kernel<N>() * b);
  const auto rows = X.rows();
  convolve.into(kf::view{a, rows, 1}, X, Y, B, 0.5f);
  kf::grad(convolve, x, e).into(kf::view{dx, rows, 3}, X, Y, B, 0.5f, E);
  if constexpr (N > 0) compute<N - 1>(a, dx, X, Y, B, E);
}

template void compute<FORMULAS - 1>(float*, float*, const cloud&, const cloud&, const cloud&, const cloud&);
