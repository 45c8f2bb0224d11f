// kernfold/formula/notation.hpp: how operations are written.
#pragma once

#include "constant.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

inline constexpr int max_arguments = 4;

/// How tightly what is written holds together; it stands in parentheses where its place asks for more.
enum class binding_strength : unsigned char { sum, quotient, product, power, atom };

/// The operations between whose arguments signs merge with what is written around them.
enum class sign_rule : unsigned char {
  none,
  sum,         // f + -g is f - g
  difference,  // f - -g is f + g
  product,     // (-f) g is -(f g)
  quotient     // (-f) / g is -(f / g)
};

/// How an operation is written, as its member `written`:
///   struct Norm : kf::operation<Norm> { static constexpr kf::notation written{.pattern = "|A|"}; ... };
/// In `pattern` A, B, C and D stand for the arguments and '#' for `number`. Without a pattern or a rule for signs it is
/// a call.
struct notation {
  const char* pattern = nullptr;
  binding_strength strength = binding_strength::atom;
  binding_strength argument[max_arguments] = {};  // what the places of the arguments ask for
  detail::number number{0, 1};
  sign_rule signs = sign_rule::none;
};

}  // namespace kernfold
KERNFOLD_STRICT_END
