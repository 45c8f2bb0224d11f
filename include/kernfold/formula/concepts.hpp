// kernfold/formula/concepts.hpp: what a formula is, and what it depends on.
#pragma once

#include <type_traits>

#include "../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// The index set of a symbol: x_i, y_j, a parameter p that all pairs share, or v_e, one value for each pair of a list.
enum class role : unsigned char { parameter = 0, i = 1, j = 2, edge = 4 };

/// What the value of a formula is made of. An index is an exact 64-bit integer; everything else computes in the real
/// type of the call.
enum class kind : unsigned char { real, index };

/// The index sets that a value changes with, as a set of role bits: 0 (parameters only), i, j, edge, or several.
using role_set = unsigned;
inline constexpr role_set no_roles = 0, depends_on_i = 1, depends_on_j = 2, depends_on_both = 3, depends_on_edge = 4;
constexpr role_set role_bit(role r) { return static_cast<role_set>(r); }

/// Base of every formula type. A formula is an empty type with
///   dim        its number of components,
///   depends    the index sets its value changes with,
///   result     what its components are (kind),
///   positions  the positions of its variables in a call, as a set of bits, modulo 64.
struct formula_base {};

template <class F>
concept formula = __is_base_of(formula_base, std::remove_cvref_t<F>);

/// The dimension of a variable whose arrays tell it at run time: kf::Vi<0, kf::dynamic>. In the calculus of dimensions
/// it is a number like others, greater than any that may be written.
inline constexpr int dynamic = 1 << 20;

}  // namespace kernfold
KERNFOLD_STRICT_END
