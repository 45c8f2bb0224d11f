// The third derivative of a Gaussian convolution with respect to its rows.
#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto convolve = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
constexpr auto first = kf::grad(convolve, x, kf::Vi<4, 1>);
constexpr auto second = kf::grad(first, x, kf::Vi<5, 3>);
constexpr auto third = kf::grad(second, x, kf::Vi<6, 3>);

using cloud = kf::view<const float>;

void compute(float* out, const cloud& X, const cloud& Y, const cloud& B, const cloud& E, const cloud& U,
             const cloud& V) {
  third.into(kf::view{out, X.rows(), 3}, X, Y, B, 0.5f, E, U, V);
}
