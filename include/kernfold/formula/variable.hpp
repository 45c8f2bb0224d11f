// kernfold/formula/variable.hpp: the symbols of a formula, and their binding to arrays by name.
#pragma once

#include <cstdint>
#include <type_traits>

#include "../core/point.hpp"
#include "concepts.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Element type of a symbol that takes the real type of the call.
struct default_real {};

/// An array bound to a symbol, made by `x = X` inside a call. Holds a reference for the duration of the call;
/// IsTemporary: of what ends with it.
template <class Symbol, class Array, bool IsTemporary = false> struct binding {
  using symbol = Symbol;
  const Array& array;
};

/// A symbol: argument number Position of the call, Dim components per row, one row per index of its role.
/// Element, where given, is the arithmetic type of its array; an integer type makes it an exact index value.
template <role Role, int Position, int Dim, class Element = default_real> struct variable : formula_base {
  static_assert(Position >= 0, "kernfold: a variable's position in the call must be 0 or more");
  static_assert(Dim >= 1 && Dim <= dynamic, "kernfold: a variable's dimension must be 1 or more, and less than 2^20");
  static_assert(Dim != dynamic || Role != role::edge,
                "kernfold: a value for each edge has a dimension that is known at compile time");
  static_assert(Dim != dynamic || std::is_same_v<Element, default_real> || is_narrow_real<Element> ||
                    std::is_floating_point_v<Element>,
                "kernfold: vectors of run-time dimension hold real numbers");
  static_assert(std::is_same_v<Element, default_real> || std::is_arithmetic_v<Element> || is_narrow_real<Element>,
                "kernfold: a variable's element type must be an arithmetic type, or a real number of 16 bits");

  static constexpr role symbol_role = Role;
  static constexpr int position = Position;
  static constexpr int dim = Dim;
  static constexpr role_set depends = role_bit(Role);
  static constexpr kind result = std::is_integral_v<Element> ? kind::index : kind::real;
  static constexpr std::uint64_t positions = std::uint64_t{1} << (Position % 64);
  using element = Element;

  /// `x = X` in a call binds the array X to the symbol x.
  template <class Array> constexpr binding<variable, Array> operator=(const Array& array) const {
    static_assert(!formula<Array>, "kernfold: a variable is bound to an array, not to another formula");
    return {array};
  }
  template <class Array>
    requires(!std::is_lvalue_reference_v<Array> && !std::is_const_v<Array>)
  constexpr binding<variable, Array, true> operator=(Array&& array) const {
    static_assert(!formula<Array>, "kernfold: a variable is bound to an array, not to another formula");
    return {array};
  }
};

/// x_i in R^Dim: one row per output row i; an array of shape (M, Dim). With Dim = kf::dynamic the array tells the
/// dimension: element-wise operations, sqdist, dot, sqnorm2, norm2 and sums take such vectors.
template <int Position, int Dim, class Element = default_real>
inline constexpr variable<role::i, Position, Dim, Element> Vi{};
/// y_j in R^Dim: one row per column j; an array of shape (N, Dim).
template <int Position, int Dim, class Element = default_real>
inline constexpr variable<role::j, Position, Dim, Element> Vj{};
/// A parameter in R^Dim, the same for all pairs: an array of shape (Dim), or a number.
template <int Position, int Dim, class Element = default_real>
inline constexpr variable<role::parameter, Position, Dim, Element> Pm{};
/// v_e in R^Dim: one row per pair of a list of pairs (kf::edges); an array of shape (E, Dim).
template <int Position, int Dim, class Element = default_real>
inline constexpr variable<role::edge, Position, Dim, Element> Ve{};

/// The number of the row (role::i) or of the column (role::j): an exact 64-bit integer leaf.
template <role Role> struct index_variable : formula_base {
  static constexpr int dim = 1;
  static constexpr role_set depends = role_bit(Role);
  static constexpr kind result = kind::index;
  static constexpr std::uint64_t positions = 0;
};
inline constexpr index_variable<role::i> row_index{};
inline constexpr index_variable<role::j> column_index{};

template <class F> inline constexpr bool is_variable = false;
template <role R, int P, int D, class E> inline constexpr bool is_variable<variable<R, P, D, E>> = true;
template <class F> inline constexpr bool is_index_variable = false;
template <role R> inline constexpr bool is_index_variable<index_variable<R>> = true;

}  // namespace kernfold
KERNFOLD_STRICT_END
