// kernfold/engine/cuda/policy.hpp: the numbers of a launch, as data. Those that the code is compiled for follow from
// the program alone; how many threads a block has and how the columns are split follows from the shape and the device.
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
  int block_state;          // axis::both: of a block of rows
  int stored_state = 0;     // of one row, as stretches of columns hand it on
  int restart_columns = 0;  // what beginning a row's list anew costs, in columns
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
  int state_bytes;      // of a thread's rows, as stretches of columns hand them on
  int restart_columns;  // what beginning the rows' states anew costs, in columns
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

/// By reasoning and instruction counts. On an H100, 256 threads or half or 5 / 4 of the blocks are as fast to 6 %.
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
  r.state_bytes = r.lanes * p.stored_state;
  r.restart_columns = p.restart_columns;
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

/// Blocks of so many threads that a multiprocessor holds at the same time.
constexpr int resident_blocks(const block_policy& p, const device_limits& d, int threads) {
  const int registers = detail::allocated_registers(p.registers);
  int blocks = d.threads / threads;
  if (blocks > d.blocks) blocks = d.blocks;
  if (blocks > d.registers / (registers * threads)) blocks = d.registers / (registers * threads);
  if (blocks > d.shared_bytes / (p.shared_bytes + 1024)) blocks = d.shared_bytes / (p.shared_bytes + 1024);
  return blocks < 1 ? 1 : blocks;
}

/// Few rows go to blocks of one warp: fewer lanes are without a row, and more multiprocessors have work.
constexpr int block_threads(const block_policy& p, std::int64_t rows) {
  constexpr int warp = 32;
  return rows <= 8 * std::int64_t(p.threads) * p.lanes && p.threads > warp ? warp : p.threads;
}

/// Groups of rows, one per block of so many threads, and stretches of columns.
struct block_grid {
  int threads;
  std::int64_t groups;  // of each problem
  int stretches;
  std::int64_t columns_each;
};

/// What a merge of the states of stretches takes in one launch: more are merged in several, each leaving one state of
/// so many.
inline constexpr int merged_at_once = 32;

namespace detail {

constexpr int merge_launches(int stretches) {
  int launches = 0;
  for (; stretches > 1; stretches = (stretches + merged_at_once - 1) / merged_at_once) ++launches;
  return launches;
}

/// The time of a grid, in that of one column for one warp of a scheduler: a multiprocessor is busy from four warps per
/// scheduler on, and blocks run in waves, the last of which may be a small one.
constexpr double time_of_grid(const block_policy& p, const device_limits& d, const block_grid& g,
                              std::int64_t problems) {
  constexpr double busy = 4, imbalance = 0.1;                // of a block's time, which multiprocessors end apart
  constexpr double start_of_block = 64, merge_launch = 250;  // estimates, not measured alone
  const std::int64_t at_once = std::int64_t(d.multiprocessors) * resident_blocks(p, d, g.threads);
  const auto time_per_column = [&](std::int64_t blocks) {
    const std::int64_t of_one = (blocks + d.multiprocessors - 1) / d.multiprocessors;
    const double warps = double(of_one) * g.threads / (32.0 * 4.0);
    return warps > busy ? warps : busy;
  };
  const std::int64_t blocks = problems * g.groups * g.stretches, rest = blocks % at_once;
  const double waves = double(blocks / at_once) * time_per_column(at_once) + (rest > 0 ? time_per_column(rest) : 0);
  const double of_block = double(g.columns_each) + start_of_block + p.restart_columns;
  return of_block * (waves + imbalance * time_per_column(blocks < at_once ? blocks : at_once)) +
         merge_launch * merge_launches(g.stretches);
}

constexpr block_grid in_stretches(block_grid g, std::int64_t columns, std::int64_t stretches) {
  constexpr std::int64_t multiple = 64;
  g.columns_each = ((columns + stretches - 1) / stretches + multiple - 1) / multiple * multiple;
  if (g.columns_each < multiple) g.columns_each = multiple;
  g.stretches = columns > 0 ? int((columns + g.columns_each - 1) / g.columns_each) : 1;
  return g;
}

}  // namespace detail

/// Of a row's columns, as many stretches as take the least time: as few as keep a device busy, and so many that the
/// last wave of blocks is a full one. Their states take 64 MiB at most, but where that would leave multiprocessors
/// without work.
constexpr block_grid split_blocks(const block_policy& p, const device_limits& d, std::int64_t rows,
                                  std::int64_t columns, std::int64_t problems = 1) {
  constexpr std::int64_t least_columns = 64, most_bytes = std::int64_t(64) << 20, most_waves = 16,
                         most_stretches = 65535;
  const int threads = block_threads(p, rows);
  const std::int64_t group_rows = std::int64_t(threads) * p.lanes, groups = (rows + group_rows - 1) / group_rows;
  block_grid best = detail::in_stretches({threads, groups, 1, 0}, columns, 1);
  if (groups * problems == 0) return best;

  std::int64_t most = most_bytes / (problems * groups * threads * p.state_bytes + 1);
  if (most < d.multiprocessors / (problems * groups)) most = d.multiprocessors / (problems * groups);
  if (most > columns / least_columns) most = columns / least_columns;
  if (most > most_stretches) most = most_stretches;

  const std::int64_t at_once = std::int64_t(d.multiprocessors) * resident_blocks(p, d, threads);
  double least_time = detail::time_of_grid(p, d, best, problems);
  for (std::int64_t eighths = 1; eighths <= 8 * most_waves; eighths = eighths < 8 ? 2 * eighths : eighths + 8) {
    std::int64_t stretches = eighths * at_once / (8 * problems * groups);
    if (stretches > most) stretches = most;
    if (stretches <= 1) continue;
    const block_grid grid = detail::in_stretches({threads, groups, 1, 0}, columns, stretches);
    const double time = detail::time_of_grid(p, d, grid, problems);
    if (time < least_time) {
      least_time = time;
      best = grid;
    }
  }
  return best;
}

}  // namespace kernfold
KERNFOLD_STRICT_END
