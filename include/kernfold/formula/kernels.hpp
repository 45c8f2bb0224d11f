// kernfold/formula/kernels.hpp: kernels of two points as operations of their squared distance, whose derivatives of any
// order are known in closed form: by the chain rule through the distance itself, second derivatives at coincident
// points would be lost.
#pragma once

#include <cstdint>

#include "gradient.hpp"
#include "ops/norms.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// d^Order f / ds^Order of a profile f(s), s = r^2. A profile has
///   eval<Order>(s)   that derivative, on any lane type; where it is infinite at s = 0, continued by 0, so that its
///   product with
///                    the differences that the chain rule brings along is their limit 0.
template <class Profile, int Order = 0> struct Radial : elementwise<Radial<Profile, Order>> {
  static constexpr bool is_chain = true;
  template <class T> KERNFOLD_HD static T eval(T s) { return Profile::template eval<Order>(s); }
  static constexpr auto gradient(auto f, auto g) { return g * make<Radial<Profile, Order + 1>>(f); }
};

namespace detail {

/// sum_k c_k r^k, k = -lowest, ..., 2
struct laurent_polynomial {
  static constexpr int lowest = 24, highest = 2, size = lowest + highest + 1;
  double c[size]{};
  constexpr double& of(int k) { return c[k + lowest]; }
  KERNFOLD_HD constexpr double of(int k) const { return c[k + lowest]; }
};

/// A profile f(r^2) = P(r) exp(-a r) with a polynomial P: of P, since
///   d/ds (r^k exp(-a r)) = (k r^(k-2) - a r^(k-1)) exp(-a r) / 2,
/// all derivatives are of this form, with negative powers from some order on.
template <class Kernel> struct exponential_profile {
  template <int Order> static consteval laurent_polynomial polynomial() {
    static_assert(2 * Order < laurent_polynomial::lowest,
                  "kernfold: derivatives of a kernel of so high an order are not available");
    laurent_polynomial p = Kernel::polynomial();
    for (int n = 0; n < Order; ++n) {
      laurent_polynomial next;
      for (int k = 2 - laurent_polynomial::lowest; k <= laurent_polynomial::highest; ++k) {
        next.of(k - 2) += k * p.of(k) / 2;
        next.of(k - 1) -= Kernel::rate * p.of(k) / 2;
      }
      p = next;
    }
    return p;
  }
  template <int Order, class T> KERNFOLD_HD static T eval(T s) {
    using real = math::real_of<T>;
    constexpr laurent_polynomial p = polynomial<Order>();
    const T r = math::sqrt(s);
    T value = T(real(p.of(0)));
    if constexpr (p.of(2) != 0) value = math::fma(math::fma(T(real(p.of(2))), r, T(real(p.of(1)))), r, value);
    else if constexpr (p.of(1) != 0) value = math::fma(T(real(p.of(1))), r, value);
    if constexpr (lowest_power<Order>() < 0) value = value + negative_powers<Order>(s);
    return math::product(value, math::exp(T(real(-Kernel::rate)) * r));
  }

 private:
  template <int Order> static consteval int lowest_power() {
    const laurent_polynomial p = polynomial<Order>();
    int k = -laurent_polynomial::lowest;
    while (k < 0 && p.of(k) == 0) ++k;
    return k;
  }
  /// With 1 / r = 0 at 0.
  template <int Order, class T> KERNFOLD_HD static T negative_powers(T s) {
    using real = math::real_of<T>;
    constexpr laurent_polynomial p = polynomial<Order>();
    constexpr int last = lowest_power<Order>();
    const T inverse = Rsqrt::eval(s);
    T value = T(real(p.of(last)));
    KERNFOLD_UNROLL
    for (int k = last + 1; k < 0; ++k) value = math::fma(value, inverse, T(real(p.of(k))));
    return math::product(value, inverse);
  }
};

/// (1 + a r) exp(-a r), a = sqrt 3
struct matern3_profile : exponential_profile<matern3_profile> {
  static constexpr double rate = 1.7320508075688772935;
  static consteval laurent_polynomial polynomial() {
    laurent_polynomial p;
    p.of(0) = 1, p.of(1) = rate;
    return p;
  }
};
/// (1 + a r + a^2 r^2 / 3) exp(-a r), a = sqrt 5
struct matern5_profile : exponential_profile<matern5_profile> {
  static constexpr double rate = 2.2360679774997896964;
  static consteval laurent_polynomial polynomial() {
    laurent_polynomial p;
    p.of(0) = 1, p.of(1) = rate, p.of(2) = 5 / 3.;
    return p;
  }
};

template <int TwiceNu> struct matern_profile;
template <> struct matern_profile<3> {
  using type = matern3_profile;
};
template <> struct matern_profile<5> {
  using type = matern5_profile;
};

}  // namespace detail

namespace kernels {

/// q = <x - y, g (x - y)> for a metric g of dimension 1, of x's dimension D (a diagonal), or D D (a matrix, row by
/// row).
template <formula X, formula Y, formula G> constexpr auto squared_distance(X x, Y y, G g) {
  constexpr int D = X::dim > Y::dim ? X::dim : Y::dim;
  static_assert(G::dim == 1 || G::dim == D || G::dim == D * D,
                "kernfold: a kernel's metric has dimension 1, that of the points D (a diagonal), or D * D (a matrix)");
  if constexpr (G::dim == 1) return g * sqdist(x, y);
  else if constexpr (G::dim == D) return dot(g, square(x - y));
  else return dot(x - y, matvecmult(g, x - y));
}

/// The Matern kernel of smoothness nu = TwiceNu / 2, with r = sqrt q, q = <x - y, g (x - y)>:
///   TwiceNu = 3: (1 + sqrt(3) r) exp(-sqrt(3) r)
///   TwiceNu = 5: (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r)
/// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, eq. 4.17). Its derivatives are right where x
/// = y as well: those that do not exist there are continued by 0.
template <int TwiceNu, formula X, formula Y, formula G> constexpr auto matern(X x, Y y, G g) {
  static_assert(TwiceNu == 3 || TwiceNu == 5, "kernfold: matern<3> and matern<5> are available");
  return make<Radial<typename detail::matern_profile<TwiceNu>::type>>(squared_distance(x, y, g));
}

}  // namespace kernels
}  // namespace kernfold
KERNFOLD_STRICT_END
