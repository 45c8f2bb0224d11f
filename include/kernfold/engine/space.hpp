// kernfold/engine/space.hpp: over which pairs a sweep runs, as data. Without any it runs over all of them.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// How a space gives its pairs.
enum class space_kind : unsigned char { all, intervals, edges };

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

/// All rows, and the columns that each meets, one by one: row r those at columns[s], starts[r] <= s < starts[r + 1],
/// each over an edge, which is number numbers[s] of all.
struct edge_rows {
  const std::int64_t* starts = nullptr;   // (rows + 1)
  const std::int64_t* columns = nullptr;  // (count)
  const std::int64_t* numbers = nullptr;  // (count); null where edges are in this order: s itself
  std::int64_t count = 0;
};
/// Where edges begin and end.
struct edge_ends {
  const std::int64_t* i = nullptr;  // (count)
  const std::int64_t* j = nullptr;
};

/// A set of pairs (i, j), whichever axis folds: in intervals, or one by one.
struct pair_set {
  interval_rows by_i, by_j;  // the rows are i; or j, whose columns are i
  edge_rows edges_by_i, edges_by_j;
  edge_ends ends;
};

}  // namespace kernfold
KERNFOLD_STRICT_END
