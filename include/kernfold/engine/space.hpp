// kernfold/engine/space.hpp: over which pairs a reduction runs.
//
// A space is asked, for a stretch of rows and a stretch of columns, which intervals of columns they meet:
//   visit(first_row, last_row, first_column, last_column, f)   calls f(first, last) for each, in ascending order
// and says by `columns()` how many columns there are at most. The agent never sees a space, only the intervals.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// All pairs.
struct dense {
  std::int64_t count = 0;

  KERNFOLD_HD std::int64_t columns() const { return count; }
  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F>
  KERNFOLD_HD void visit(std::int64_t, std::int64_t, std::int64_t first_column, std::int64_t last_column, F&& f) const {
    if (first_column < last_column) f(first_column, last_column);
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
