// tests/consumers/inlined.cpp: calls of every reduction, for inlined.sh to look into.
#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto e = kf::Vi<4, 1>;

template <class Real> struct arrays {
  using cloud = kf::view<const Real>;
  cloud X, Y, B, E;
  kf::view<Real> a, d;
  kf::view<std::int64_t> n;
};

template <class Real> void compute(const arrays<Real>& c) {
  constexpr auto gauss = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
  gauss.into(c.a, c.X, c.Y, c.B, Real(0.5));
  gauss.with(kf::compensated).into(c.a, c.X, c.Y, c.B, Real(0.5));
  gauss.with(kf::in_double).into(c.a, c.X, c.Y, c.B, Real(0.5));
  kf::grad(gauss, x, e).into(c.d, c.X, c.Y, c.B, Real(0.5), c.E);
  kf::sum_reduction<kf::axis::both>(sin(sqdist(x, y)) * tanh(b)).into(c.a, c.X, c.Y, c.B);
  kf::logsumexp_reduction(-sqdist(x, y)).into(c.a, c.X, c.Y);
  kf::softmax_reduction(-sqdist(x, y), y).into(c.d, c.X, c.Y);
  kf::max_reduction(log(kf::constant<1> + sqdist(x, y))).into(c.a, c.X, c.Y);
  kf::argmin_reduction(sqdist(x, y)).into(c.n, c.X, c.Y);
  kf::argkmin_reduction<10>(sqdist(x, y)).into(c.n, c.X, c.Y);
  kf::kmin_reduction<3>(norm2(x - y)).into(c.d, c.X, c.Y);
}
template void compute<float>(const arrays<float>&);
template void compute<double>(const arrays<double>&);
