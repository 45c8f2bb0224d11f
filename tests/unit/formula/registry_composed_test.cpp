// Formulas composed at random of all operations, stages and dimensions: what rewriting makes of them, and what one
// reduction of each computes, against the independent evaluator with its error bound.
#include "composed.hpp"

TEST(registry_composed, formulas_at_random) {
  composed::check_seeds<0>(std::make_integer_sequence<std::uint64_t, 40>{});
}
