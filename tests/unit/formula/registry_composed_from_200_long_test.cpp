#include "composed.hpp"

TEST(registry_composed, formulas_at_random_from_200) {
  composed::check_seeds<200>(std::make_integer_sequence<std::uint64_t, 80>{});
}
