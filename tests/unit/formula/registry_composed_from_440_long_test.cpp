#include "composed.hpp"

TEST(registry_composed, formulas_at_random_from_440) {
  composed::check_seeds<440>(std::make_integer_sequence<std::uint64_t, 60>{});
}
