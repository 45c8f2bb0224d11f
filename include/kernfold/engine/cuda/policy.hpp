// kernfold/engine/cuda/policy.hpp: the numbers of a launch, as data. Those that the code is compiled for follow from
// the program alone; how the columns are split follows from the shape and the device.
#pragma once

#include <cstdint>

#include "../plan.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// What a program keeps, in bytes.
struct program_bytes {
  int row, state, pair;  // of one row: its row stage; its states and what a tile adds to them; a pair's own values
  int column_real, column_stride;  // of one column, and from one to the next in shared memory
  int column_index;
  int parameters;
  int block_state;  // axis::both: of a block of rows
};

struct block_policy {
  int threads;  // of a block
  int lanes;    // rows of a thread, in registers
  int tile_columns;
  bool shares_parameters;  // too many for every thread's registers
  int fold_width;          // axis::both: threads whose rows are folded at a time
  int resident;            // blocks that the registers of a multiprocessor hold at a time
  int registers;           // of a thread, at most: what that many blocks leave to each
  int shared_bytes;
  friend constexpr bool operator==(const block_policy&, const block_policy&) = default;
};

namespace detail {

/// Registers of a thread that holds `lanes` rows: their values, and those of a column (or a part of it, read as
/// needed).
constexpr int register_estimate(const program_bytes& p, int lanes, bool shares_parameters) {
  constexpr int overhead = 32;  // addresses, counters, temporaries
  const int column = p.column_real < 128 ? p.column_real : 128;
  return (lanes * (p.row + p.state + p.pair / 2) + column + (shares_parameters ? 0 : p.parameters)) / 4 + overhead;
}

/// A thread gets registers eight at a time.
constexpr int allocated_registers(int wanted) { return wanted > 248 ? 256 : (wanted + 7) / 8 * 8; }
/// How many blocks of threads that need so many registers a multiprocessor's 65536 hold: eight at most, which every
/// device can hold. Without a number the compiler has one of its own, for which it keeps registers' values in local
/// memory.
constexpr int resident_by_registers(int threads, int registers) {
  const int blocks = 65536 / (threads * allocated_registers(registers));
  return blocks > 8 ? 8 : blocks;
}
constexpr int registers_for_resident(int threads, int blocks) {
  const int registers = 65536 / (threads * blocks) / 8 * 8;
  return registers > 255 ? 255 : registers;
}

constexpr int align_shared(int bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace detail

/// By reasoning and instruction counts: none of these numbers has been tuned by measurement.
constexpr block_policy select_block_policy(const program_bytes& p) {
  block_policy r{};
  r.threads = 128;
  r.shares_parameters = p.parameters > 64;
  // Four rows make a column's load and the loop's own work small beside the pairs; twice 32 warps then still fit.
  // Two rows of up to some 70 values each are worth a lower occupancy: the arithmetic of a pair is long, and
  // independent.
  r.lanes = detail::register_estimate(p, 4, r.shares_parameters) <= 112   ? 4
            : detail::register_estimate(p, 2, r.shares_parameters) <= 208 ? 2
                                                                          : 1;
  r.resident = detail::resident_by_registers(r.threads, detail::register_estimate(p, r.lanes, r.shares_parameters));
  r.registers = detail::registers_for_resident(r.threads, r.resident);
  // 512 columns bound the error of a partial sum; up to 16 KiB leave room for many blocks on a multiprocessor, and 48
  // KiB are every block's without asking.
  const int each = p.column_stride + p.column_index > 0 ? p.column_stride + p.column_index : 1;
  const int parameter_bytes = r.shares_parameters ? detail::align_shared(p.parameters + 8) : 0;
  const int room = (49152 - 32 - parameter_bytes) / each;
  const int comfortable = 16384 / each, least = room < 32 ? room : 32;
  r.tile_columns = comfortable > 512 ? 512 : comfortable < least ? least : comfortable;
  r.tile_columns = r.tile_columns < 4 ? 4 : r.tile_columns / 4 * 4;
  int tile_bytes = detail::align_shared(r.tile_columns * p.column_stride) + r.tile_columns * p.column_index;
  if (p.block_state > 0) {
    r.fold_width = r.threads;
    while (r.fold_width > 1 && r.fold_width * p.block_state > 32768) r.fold_width /= 2;
    if (tile_bytes < r.fold_width * p.block_state) tile_bytes = r.fold_width * p.block_state;
  }
  r.shared_bytes = parameter_bytes + detail::align_shared(tile_bytes);
  return r;
}

/// What a launch depends on, of a device.
struct device_limits {
  int multiprocessors = 1;
  int registers = 65536;  // of a multiprocessor
  int threads = 2048;
  int blocks = 16;
  int shared_bytes = 65536;
  int shared_bytes_of_block = 49152;  // the most that a kernel may ask for
};

/// Blocks that a multiprocessor holds at the same time.
constexpr int resident_blocks(const block_policy& p, const device_limits& d) {
  const int registers = detail::allocated_registers(p.registers);
  int blocks = d.threads / p.threads;
  if (blocks > d.blocks) blocks = d.blocks;
  if (blocks > d.registers / (registers * p.threads)) blocks = d.registers / (registers * p.threads);
  if (blocks > d.shared_bytes / (p.shared_bytes + 1024)) blocks = d.shared_bytes / (p.shared_bytes + 1024);
  return blocks < 1 ? 1 : blocks;
}

/// Groups of rows, one per block, and stretches of columns.
struct block_grid {
  std::int64_t groups;
  int stretches;
  std::int64_t columns_each;
};

/// Columns are split where there are fewer groups of rows than keep a device busy. Eight rounds of blocks leave an
/// eighth of one idle at the end; a stretch of 256 columns still outweighs reading the rows; merging 256 states takes
/// microseconds.
constexpr block_grid split_blocks(const block_policy& p, const device_limits& d, std::int64_t rows,
                                  std::int64_t columns) {
  constexpr std::int64_t rounds = 8, least_columns = 256, most_stretches = 256;
  const std::int64_t group_rows = std::int64_t(p.threads) * p.lanes;
  const std::int64_t groups = (rows + group_rows - 1) / group_rows;
  const std::int64_t wanted = rounds * d.multiprocessors * resident_blocks(p, d);
  std::int64_t stretches = groups > 0 ? (wanted + groups - 1) / groups : 1;
  if (stretches > columns / least_columns) stretches = columns / least_columns;
  if (stretches > most_stretches) stretches = most_stretches;
  if (stretches < 1) stretches = 1;
  std::int64_t each = (columns + stretches - 1) / stretches;
  each = (each + 63) / 64 * 64;
  if (each < 64) each = 64;
  stretches = columns > 0 ? (columns + each - 1) / each : 1;
  return {groups, int(stretches), each};
}

}  // namespace kernfold
KERNFOLD_STRICT_END
