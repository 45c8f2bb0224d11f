// kernfold/engine/space.hpp: over which pairs a sweep runs, as data. Without any it runs over all of them.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// How a space gives its pairs.
enum class space_kind : unsigned char { all, intervals, edges, band };

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
  bool has_starts_of_call = false;  // which are not the space's own
};
/// Where edges begin and end.
struct edge_ends {
  const std::int64_t* i = nullptr;  // (count)
  const std::int64_t* j = nullptr;
};

/// Row r meets the columns r + first, ..., r + last, as far as there are any.
struct diagonals {
  std::int64_t first = 0, last = -1;

  KERNFOLD_HD std::int64_t first_column(std::int64_t row) const { return row + first > 0 ? row + first : 0; }
  KERNFOLD_HD std::int64_t end_column(std::int64_t row, std::int64_t columns) const {
    return row + last + 1 < columns ? row + last + 1 : columns;
  }
  /// How many pairs of some rows and columns there are: those up to the last diagonal without those before the first.
  std::int64_t pairs(interval rows, interval columns) const {
    const std::int64_t up_to_last = pairs_up_to(last, rows, columns), before = pairs_up_to(first - 1, rows, columns);
    return up_to_last > before ? up_to_last - before : 0;
  }

 private:
  /// sum_r min(max(r + diagonal + 1 - columns.first, 0), n), where there are n columns
  static std::int64_t pairs_up_to(std::int64_t diagonal, interval rows, interval columns) {
    const std::int64_t count = rows.end - rows.first, n = columns.end - columns.first;
    const std::int64_t shift = rows.first + diagonal + 1 - columns.first;  // columns of the first row, if in range
    const auto within = [&](std::int64_t r) { return r < 0 ? 0 : r > count ? count : r; };
    const std::int64_t some = within(1 - shift), all = within(n - shift);
    if (count <= 0 || n <= 0) return 0;
    // rows some, ..., all - 1 have shift + r columns, those from `all` on all of them
    const std::int64_t rising = (all - some) * (2 * shift + some + all - 1) / 2;
    return rising + (count - all) * n;
  }
};

/// Copies of a space's lists in the memory of devices: the first call on a device makes them, and the space keeps them.
struct kept_copies {
  void* first = nullptr;  // of a chain, which is the executor's
  void (*release)(void* first) = nullptr;
  kept_copies() = default;
  kept_copies(const kept_copies&) = delete;
  ~kept_copies() {
    if (release != nullptr) release(first);
  }
};

/// A set of pairs (i, j), whichever axis folds: in intervals, one by one, or along the diagonal.
struct pair_set {
  interval_rows by_i, by_j;  // the rows are i; or j, whose columns are i
  edge_rows edges_by_i, edges_by_j;
  edge_ends ends;
  diagonals band;                 // of j - i
  kept_copies* copies = nullptr;  // of the edges' lists
};

}  // namespace kernfold
KERNFOLD_STRICT_END
