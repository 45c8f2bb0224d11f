// kernfold/engine/policy.hpp: the numbers of the loop nest, as data. They follow from the program and the sizes alone,
// never from the number of threads or the instruction set: where tiles and splits lie decides how sums round.
#pragma once

#include <cstdint>

#include "../core/config.hpp"
#include "../formula/program.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

struct tile_policy {
  int tile_columns;  // columns of a tile, and of a partial sum
  int group_rows;    // most rows that share a prepared tile
  friend constexpr bool operator==(const tile_policy&, const tile_policy&) = default;
};

/// Most leaves of a program with vectors of run-time dimension.
inline constexpr int max_vector_leaves = 32;

/// Rows are handed out, and folded for axis::both, in blocks of this many: a multiple of every pack's width.
inline constexpr int row_block = 64;

/// The policy of a program whose tiles hold `column_bytes` per column.
constexpr tile_policy select_policy(int column_bytes) {
  // A tile of 8 KiB stays in the first-level cache beside the rows' values; 512 columns bound the error of a partial
  // sum; 32 still amortise reading and writing a state. By reasoning: these numbers have not been tuned by measurement.
  int columns = 8192 / (column_bytes > 0 ? column_bytes : 1);
  columns = columns > 512 ? 512 : columns < 32 ? 32 : columns / 16 * 16;
  return {columns, 1024};
}

/// How the columns are split when rows are few, so that every core has work: into so many stretches, whole tiles each,
/// merged in order. Depends on the shape only.
struct column_split {
  std::int64_t stretches, columns_each;
};
constexpr column_split split_columns(std::int64_t rows, std::int64_t columns, int tile_columns) {
  constexpr std::int64_t enough_rows = 4096, least_columns = 8192;
  const std::int64_t padded = (rows + row_block - 1) / row_block * row_block;
  std::int64_t stretches = padded > 0 ? enough_rows / padded : 1;
  if (stretches > columns / least_columns) stretches = columns / least_columns;
  if (stretches < 1) stretches = 1;
  std::int64_t each = (columns + stretches - 1) / stretches;
  each = (each + tile_columns - 1) / tile_columns * tile_columns;
  if (each < 1) each = 1;
  return {columns > 0 ? (columns + each - 1) / each : 1, each};
}

}  // namespace kernfold
KERNFOLD_STRICT_END
