// kernfold/core/point.hpp: what arrays are made of: numbers, and points, which are several numbers in one value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {

template <class T, class... Ts> inline constexpr bool is_one_of = (std::is_same_v<T, Ts> || ...);

template <class From, class To> using with_const_of = std::conditional_t<std::is_const_v<From>, const To, To>;

template <class T, class Member> inline constexpr bool is_member_of = false;
template <class T, class Member> inline constexpr bool is_member_of<T, Member T::*> = std::is_object_v<Member>;

}  // namespace detail

/// Numbers of 16 bits that are no integers: __half, __nv_bfloat16, _Float16, and classes of other libraries that become
/// a float by themselves. They are stored so, and computed with in float.
template <class T> inline constexpr bool is_narrow_real = false;
template <class T>
  requires(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> &&
           !std::is_integral_v<T> && !std::is_enum_v<T> && requires { requires sizeof(T) == 2; })
inline constexpr bool is_narrow_real<T> = std::is_trivially_copyable_v<T> && std::is_convertible_v<T, float>;
/// The types that arrays are made of. Headers of further number types specialise it.
template <class T>
inline constexpr bool is_element = (std::is_arithmetic_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> &&
                                    !detail::is_one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t>) ||
                                   is_narrow_real<T>;

/// A point: a value made of `dim` numbers of type `element`, next to each other from its first byte on. Known are
/// numbers, C arrays and std::array of points (a float[3][3] is a point of dimension 9, row-major), structs of exactly
/// x, y [, z [, w]], and the fixed vectors of Eigen. Specialise it for other types of points.
template <class P> struct point_traits {};

template <class P>
concept point_like =
    requires { typename point_traits<P>::element; } && sizeof(P) % sizeof(typename point_traits<P>::element) == 0;

namespace detail {

// Points without padding: an array of them is a point again.
template <class P>
concept dense_point = point_like<P> && sizeof(P) == point_traits<P>::dim * sizeof(typename point_traits<P>::element);

// Structs of coordinates, in this order and with nothing else in them: a further member might mean anything.
template <class P> consteval int coordinates() {
  if constexpr (!std::is_class_v<P> || !std::is_standard_layout_v<P>) {
    return 0;
  } else if constexpr (requires { requires is_member_of<P, decltype(&P::x)> && is_member_of<P, decltype(&P::y)>; }) {
    using T = decltype(P::x);
    if constexpr (is_element<T> && std::is_same_v<T, decltype(P::y)>) {
      bool in_order = __builtin_offsetof(P, x) == 0 && __builtin_offsetof(P, y) == sizeof(T);
      int count = 2;
      if constexpr (requires { requires std::is_same_v<decltype(&P::z), T P::*>; }) {
        in_order = in_order && __builtin_offsetof(P, z) == 2 * sizeof(T);
        count = 3;
        if constexpr (requires { requires std::is_same_v<decltype(&P::w), T P::*>; }) {
          in_order = in_order && __builtin_offsetof(P, w) == 3 * sizeof(T);
          count = 4;
        }
      }
      return in_order && sizeof(P) == count * sizeof(T) ? count : 0;
    } else {
      return 0;
    }
  } else {
    return 0;
  }
}

}  // namespace detail

template <class P>
  requires is_element<P>
struct point_traits<P> {
  using element = P;
  static constexpr std::int64_t dim = 1;
};

template <detail::dense_point P, std::size_t N> struct point_traits<P[N]> {
  using element = typename point_traits<P>::element;
  static constexpr std::int64_t dim = N * point_traits<P>::dim;
};

template <class P>
  requires(detail::dense_point<typename P::value_type> && std::tuple_size<P>::value > 0 && requires(P p) { p.data(); })
struct point_traits<P> {
  using element = typename point_traits<typename P::value_type>::element;
  static constexpr std::int64_t dim = std::tuple_size<P>::value * point_traits<typename P::value_type>::dim;
};

template <class P>
  requires(detail::coordinates<P>() > 0)
struct point_traits<P> {
  using element = decltype(P::x);
  static constexpr std::int64_t dim = detail::coordinates<P>();
};

template <class P>
  requires(std::is_same_v<P, typename P::PlainObject> && is_element<typename P::Scalar> &&
           int(P::IsVectorAtCompileTime) != 0 && int(P::SizeAtCompileTime) > 0)
struct point_traits<P> {
  using element = typename P::Scalar;
  static constexpr std::int64_t dim = int(P::SizeAtCompileTime);
};

}  // namespace kernfold
KERNFOLD_STRICT_END
