// kernfold/engine/space.hpp: over which pairs a sweep runs, as data. Without any it runs over all of them.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// The space of a call that names none.
struct all_pairs {};

/// first, ..., end - 1
struct interval {
  std::int64_t first, end;
};

/// All rows, in intervals that lie one behind the other, and the columns that each meets: those of the intervals
/// starts[b] to starts[b + 1] - 1 of `columns`, which ascend, and have columns between them.
struct interval_rows {
  const interval* rows = nullptr;        // (count)
  const std::int64_t* starts = nullptr;  // (count + 1)
  const interval* columns = nullptr;     // (starts[count])
  std::int64_t count = 0;
  std::int64_t pairs = 0;
};

/// A set of pairs (i, j), whichever axis folds.
struct pair_set {
  interval_rows by_i, by_j;  // the rows are i; or j, whose columns are i
};

}  // namespace kernfold
KERNFOLD_STRICT_END
