// A long formula and its gradient: a mixture of TERMS Gaussians, sum_k w_k exp(-s_k |x - y|^2), w and s in one
// parameter.
#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

#ifndef TERMS
#define TERMS 20
#endif

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto p = kf::Pm<2, 2 * TERMS>;

template <int... Ks> constexpr auto mixture(std::integer_sequence<int, Ks...>) {
  return (... + (kf::elem<Ks>(p) * exp(-kf::elem<TERMS + Ks>(p) * sqdist(x, y))));
}
constexpr auto kernel = mixture(std::make_integer_sequence<int, TERMS>{});
constexpr auto value = kf::sum_reduction(kernel);
constexpr auto gradient = kf::sum_reduction(kf::grad(kernel, x));

using cloud = kf::view<const float>;

void compute(float* a, float* dx, const cloud& X, const cloud& Y, const cloud& P) {
  value.into(kf::view{a, X.rows(), 1}, X, Y, P);
  gradient.into(kf::view{dx, X.rows(), 3}, X, Y, P);
}
