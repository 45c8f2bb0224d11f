#include "composed.hpp"

TEST(registry_composed, formulas_at_random_from_360) {
  composed::check_seeds<360>(std::make_integer_sequence<std::uint64_t, 80>{});
}
