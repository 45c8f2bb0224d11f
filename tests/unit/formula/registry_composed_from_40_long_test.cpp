#include "composed.hpp"

TEST(registry_composed, formulas_at_random_from_40) {
  composed::check_seeds<40>(std::make_integer_sequence<std::uint64_t, 80>{});
}
