// kernfold/formula/distance_bound.hpp: whether a distance can be below a threshold at all, for half of what the
// distance costs.
//
//   |u - v|^2 = |a|^2 + |b|^2 - 2 <a, b>,   a = u - o,  b = v - o,
// with a known per row and b per column, takes D fused multiply-adds per pair, where differences and their squares take
// 2 D. It is rounded in proportion to |a|^2 + |b|^2, which is no use where a distance is wanted. But a reduction that
// keeps the least distances needs few of them, and only has to know which: so both squares are lowered beforehand by
// more than all rounding can amount to, and what is not below a threshold then has a distance that is not. The origin
// o, somewhere among the v, makes |a| and |b| the size of the cloud and not its distance from zero.
#pragma once

#include "lower.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// A point among the rows of a variable's array, the same for all pairs; it is read from that array. Any finite one is
/// right, one within the cloud loses least; where one is not, bounds say nothing, and every distance is computed.
template <class V> struct origin_of : formula_base {
  static constexpr int dim = V::dim;
  static constexpr role_set depends = no_roles;
  static constexpr kind result = kind::real;
  static constexpr std::uint64_t positions = 0;
  using element = default_real;
  using variable = V;
};
template <class F> inline constexpr bool is_origin = false;
template <class V> inline constexpr bool is_origin<origin_of<V>> = true;

namespace detail {

/// By how much, relative to |a|^2 + |b|^2: with U the unit roundoff, a and b take 2 U off the product, their squares D
/// + 3, the chain of the bound 2 D, the distance itself and what follows for it from the threshold 2 (D + 4), the
/// threshold's difference from the row's square 6.
template <class Real, int D>
inline constexpr Real distance_margin = Real(6 * D + 32) * (sizeof(Real) == 4 ? Real(0x1p-24) : Real(0x1p-53));
/// Squares up to here do not overflow on the way to a finite distance (products that do belong to an infinite one).
/// What underflows is less than `least_square`.
template <class Real> inline constexpr Real largest_square = sizeof(Real) == 4 ? Real(0x1p120) : Real(0x1p1000);
template <class Real> inline constexpr Real least_square = sizeof(Real) == 4 ? Real(0x1p-100) : Real(0x1p-960);

}  // namespace detail

/// A lower bound of f = |a|^2 in D dimensions, as an addend of a distance's bound; 0, which bounds any, where f is too
/// large.
template <int D> struct LoweredSquare : elementwise<LoweredSquare<D>> {
  template <class T> KERNFOLD_HD static T eval(T f) {
    using real = math::real_of<T>;
    const T lowered = math::fma(f, T(1 - detail::distance_margin<real, D>), T(-detail::least_square<real>));
    return math::select(f <= T(detail::largest_square<real>), lowered, T(0));
  }
};
/// f + <g, h>
struct AddScalprod : operation<AddScalprod> {
  static consteval int dim(int f, int g, int h) { return f == 1 && g == h ? 1 : -1; }
  template <class T, class F, class G, class H>
  KERNFOLD_HD static T component(int, const F& f, const G& g, const H& h) {
    T total = f(0);
    for_each_component<G::dim>([&](int k) KERNFOLD_INLINE_LAMBDA { total = math::fma(g(k), h(k), total); });
    return total;
  }
};

namespace detail {

/// Of a lowered formula F: |u - v|^2 < t only if `pairs` < t - `rows`, with `rows` known per row. Not for every F.
template <class F, lowering L> struct distance_bound {
  static constexpr bool exists = false;
  using roots = type_list<>;
};
template <class U, class V> struct bound_between {
  static constexpr bool exists = true;
  static constexpr int dim = U::dim;
  using a = node<Sub, U, origin_of<V>>;
  using b = node<Sub, V, origin_of<V>>;
  template <class Vector> using square = node<LoweredSquare<dim>, node<SqNorm2, Vector>>;
  using pairs = node<AddScalprod, square<b>, node<Mul, Constant<-2>, a>, b>;
  using roots = type_list<pairs, square<a>>;
};
template <class F> inline constexpr bool is_real_variable = is_variable<F> && F::result == kind::real;
/// Twice the vectors are kept, so not of long ones.
inline constexpr int most_bounded_dim = 32;
template <class U, class V, lowering L>
inline constexpr bool is_bounded =
    L.bounds_distances && stage_in<U, L> == stage::row && stage_in<V, L> == stage::column && is_real_variable<V> &&
    U::dim == V::dim && U::dim <= most_bounded_dim;
template <class U, class V, lowering L>
  requires is_bounded<U, V, L>
struct distance_bound<node<SqDist, U, V>, L> : bound_between<U, V> {};
template <class U, class V, lowering L>
  requires is_bounded<V, U, L>
struct distance_bound<node<SqDist, U, V>, L> : bound_between<V, U> {};

/// F, and where there is a bound, its parts.
template <class F, lowering L> using roots_with_bound = join<type_list<F>, typename distance_bound<F, L>::roots>;

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
