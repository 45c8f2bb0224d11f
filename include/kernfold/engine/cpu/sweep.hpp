// kernfold/engine/cpu/sweep.hpp: one sweep over the pairs on the processor: what does not depend on the formula.
//
// Rows are handed out in groups. A thread prepares the rows of its group (their values of the row stage, and the
// states), then walks the columns tile by tile: it prepares the tile once and lets every pack of the group meet it. So
// a tile lives in the first-level cache, a group in the second, and preparing either costs next to nothing per pair.
//
// A formula's own code is a handful of steps behind function pointers (steps.hpp); the walk, compiled once, is here.
#pragma once

#include <new>

#include "../plan.hpp"
#include "../space.hpp"
#include "block_tree.hpp"
#include "executor.hpp"
#include "pack.hpp"
#include "threads.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Memory cut into pieces, each at the start of a cache line. Without memory it only measures.
class arena {
 public:
  static constexpr std::int64_t alignment = 64;
  arena() = default;
  explicit arena(std::int64_t bytes)
      : memory_(static_cast<char*>(::operator new(static_cast<std::size_t>(bytes), std::align_val_t(alignment)))) {}
  arena(arena&& other) noexcept : memory_(other.memory_), used_(other.used_) { other.memory_ = nullptr; }
  arena& operator=(arena&&) = delete;
  ~arena() {
    if (memory_) ::operator delete(memory_, std::align_val_t(alignment));
  }
  void* take(std::int64_t bytes) {
    char* const piece = memory_ + used_;
    used_ += (bytes + alignment - 1) / alignment * alignment;
    return piece;
  }
  std::int64_t used() const { return used_; }

 private:
  char* memory_ = nullptr;
  std::int64_t used_ = 0;
};

/// The arrays of a sweep and its shape. Columns are numbered through where they come in pieces: these arrays hold those
/// from first_column on, and `columns` counts all so far.
struct sweep_arrays {
  const leaf_array* leaves;
  const output_array* outputs;
  std::int64_t rows, columns, first_column = 0;
  const interval_rows* over = nullptr;  // all pairs, or these
  const edge_rows* edges = nullptr;     // or these
  const diagonals* band = nullptr;      // or those near the diagonal
  const edge_ends* ends = nullptr;      // where rows are edges, and their only column is the edge itself
  int leaf_count = 0, output_count = 0;
  std::int64_t problems = 1;  // so many of this shape: the arrays know where those of each are
  std::int64_t pairs() const {
    return problems * (over    ? over->pairs
                       : edges ? edges->count
                       : band  ? band->pairs({0, rows}, {0, columns})
                               : rows * (columns - first_column));
  }
};

/// Which part of a reduction a sweep is: all of it, or one of several that hand the rows' states on. The one that
/// begins with states has no columns yet.
struct sweep_part {
  char* states = nullptr;  // (row packs), or nowhere: the sweep is all of it
  bool begins = true, ends = true;
};

/// axis::both: rows are folded in blocks of row_block. Those of a task's interval: the first begins with row `first`.
struct block_numbers {
  std::int64_t first, number;
  bool begins_at(std::int64_t row) const { return (row - first) % row_block == 0; }
  std::int64_t number_of(std::int64_t row) const { return number + (row - first) / row_block; }
};

/// What a thread keeps between the steps of its task.
struct workspace {
  void* parameters;
  std::int64_t* parameter_indices;
  void* row_reals;               // (packs of a group, kept reals, lanes)
  std::int64_t* row_indices;     // (packs of a group, kept indices, lanes)
  char* states;                  // (packs of a group)
  void* column_reals;            // (columns of a tile, or all where edges lead to them; kept reals)
  std::int64_t* column_indices;  // (the same columns; kept indices)
  void* block_state;             // axis::both: of the block of rows that is folded
  int passes;                    // over the columns, where the pair stage may take one or two
  bool has_columns = false;      // those of the task: whether they meet any
  block_numbers blocks{};        // axis::both: how the rows of the task are cut
  diagonals band{};              // where rows meet the columns near the diagonal
  sweep_arrays arrays{};         // of the problem that is worked on
  std::int64_t problem = -1;
  leaf_array* leaves = nullptr;  // theirs, where there are several
  output_array* outputs = nullptr;
};

/// The trees of some problems.
class tree_list {
 public:
  tree_list(std::int64_t count, std::int64_t blocks, int state_bytes, block_tree::merge_function merge)
      : memory_(count * std::int64_t(sizeof(block_tree)) + arena::alignment),
        trees_(static_cast<block_tree*>(memory_.take(count * std::int64_t(sizeof(block_tree))))),
        count_(count) {
    for (std::int64_t p = 0; p < count; ++p) new (trees_ + p) block_tree(blocks, state_bytes, merge);
  }
  tree_list(const tree_list&) = delete;
  ~tree_list() {
    for (std::int64_t p = 0; p < count_; ++p) trees_[p].~block_tree();
  }
  block_tree& operator[](std::int64_t p) { return trees_[p < count_ ? p : 0]; }

 private:
  arena memory_;
  block_tree* trees_;
  std::int64_t count_;
};

/// A stretch of rows, which begins with a pack, or of columns.
using stretch = interval;

/// A formula's code for one instruction set, and the sizes of what it keeps, as data.
struct sweep_steps {
  void (*prepare_parameters)(const sweep_arrays&, const workspace&);
  void (*prepare_rows)(const sweep_arrays&, const workspace&, stretch rows, int lanes);
  void (*prepare_columns)(const sweep_arrays&, const workspace&, stretch columns);
  void (*fold_tile)(const workspace&, char* states, stretch rows, stretch columns, bool is_first);
  void (*fold_edges)(const sweep_arrays&, const workspace&, char* states, stretch rows);  // or this
  void (*merge)(char* states, const char* later, std::int64_t packs);
  void (*finish_rows)(const sweep_arrays&, const workspace&, char* states, stretch rows, block_tree&);
  void (*finish)(const sweep_arrays&, void* state);  // axis::both: of all rows; null for none
  block_tree::merge_function merge_blocks;
  int lanes;
  int parameter_bytes, parameter_index_bytes;
  int row_bytes, row_index_bytes, state_bytes;  // per pack
  int column_bytes, column_index_bytes;         // per column
  int block_state_bytes;                        // per block of rows; 0 but for axis::both
  tile_policy policy;
};

/// The walk over groups, stretches of columns and tiles.
class sweep {
 public:
  sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads, int passes, sweep_part part = {})
      : arrays_(a),
        steps_(s),
        watch_(w),
        part_(part),
        threads_(threads),
        passes_(passes),
        blocks_(block_count(a)),
        split_(a.over || a.edges || a.band ? column_split{1, a.columns}
                                           : split_columns(a.rows, a.columns - a.first_column, s.policy.tile_columns)),
        group_rows_(rows_per_group(blocks_, (a.edges ? edge_group_rows : s.policy.group_rows) / row_block,
                                   a.problems < 4 * threads ? threads : 1) *
                    row_block),
        shared_(shared_bytes() + arena::alignment),
        stretch_states_(static_cast<char*>(shared_.take(stretch_bytes()))),
        all_column_reals_(static_cast<char*>(shared_.take(a.problems * all_columns() * s.column_bytes))),
        all_column_indices_(static_cast<char*>(shared_.take(a.problems * all_columns() * s.column_index_bytes))),
        row_blocks_(s.block_state_bytes > 0 ? a.problems : 1, blocks_, s.block_state_bytes, s.merge_blocks),
        places_(a.over ? arena((a.over->count + 1) * std::int64_t(sizeof(place_of_rows)) + arena::alignment)
                       : arena()) {
    if (a.over) number_tasks();
  }

  /// Throws what the callbacks throw, kf::stopped, std::bad_alloc.
  void run() {
    if (arrays_.edges) run_phase(phase::prepare_columns);
    run_phase(phase::fold);
    if (is_split() && !watch_.stopped()) run_phase(phase::merge);
    watch_.rethrow();
    if (watch_.stopped()) throw stopped("the computation was stopped by its caller");
    if (part_.ends && steps_.block_state_bytes > 0) finish_problems();
  }

  /// The memory for the states of all rows.
  static std::int64_t states_bytes(const sweep_steps& s, std::int64_t rows) {
    return (rows + row_block - 1) / row_block * (row_block / s.lanes) * s.state_bytes;
  }

 private:
  enum class phase : unsigned char {
    prepare_columns,  // all of them, where edges lead to them in any order
    fold,
    merge  // the stretches' states
  };
  /// Rows of a task where each has edges of its own: few, since some may have many edges.
  static constexpr int edge_group_rows = 256;
  /// Columns of a task that prepares them.
  static constexpr std::int64_t prepared_at_once = 4096;

  const sweep_arrays& arrays_;
  const sweep_steps& steps_;
  monitor& watch_;
  sweep_part part_;
  int threads_, passes_;
  std::int64_t blocks_;
  column_split split_;
  std::int64_t group_rows_;
  arena shared_;
  char* stretch_states_;  // (stretches, row packs)
  char *all_column_reals_, *all_column_indices_;
  tree_list row_blocks_;
  phase phase_ = phase::fold;
  std::int64_t next_task_ = 0;

  /// Over a space: the numbers of the first task and the first block of an interval of rows.
  struct place_of_rows {
    std::int64_t task, block;
  };
  arena places_;
  place_of_rows* place_ = nullptr;  // (intervals + 1), where there are any

  static std::int64_t block_count(const sweep_arrays& a) {
    if (!a.over) return (a.rows + row_block - 1) / row_block;
    std::int64_t blocks = 0;
    for (std::int64_t b = 0; b < a.over->count; ++b)
      blocks += (a.over->rows[b].end - a.over->rows[b].first + row_block - 1) / row_block;
    return blocks;
  }
  void number_tasks() {
    const std::int64_t count = arrays_.over->count;
    place_ = static_cast<place_of_rows*>(places_.take((count + 1) * std::int64_t(sizeof(place_of_rows))));
    place_[0] = {0, 0};
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t rows = arrays_.over->rows[b].end - arrays_.over->rows[b].first;
      place_[b + 1] = {place_[b].task + (rows + group_rows_ - 1) / group_rows_,
                       place_[b].block + (rows + row_block - 1) / row_block};
    }
  }
  /// The interval of rows that a task belongs to.
  std::int64_t interval_of(std::int64_t task) const {
    std::int64_t low = 0, high = arrays_.over->count;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (place_[middle].task <= task ? low : high) = middle;
    }
    return low;
  }

  /// In blocks. Four groups a thread even out their ends, where they are not so small that preparing the columns for
  /// each costs more: with four blocks, a tenth of the time. No result depends on it.
  static std::int64_t rows_per_group(std::int64_t blocks, std::int64_t most, int threads) {
    constexpr std::int64_t enough = 4;
    const std::int64_t all = (blocks + threads - 1) / threads, even = threads > 1 ? all / 4 : all;
    const std::int64_t group = even < enough ? (all < enough ? all : enough) : even;
    return group < 1 ? 1 : group > most ? most : group;
  }
  std::int64_t stretch_bytes() const {
    return is_split() ? arrays_.problems * split_.stretches * states_bytes(steps_, arrays_.rows) : 0;
  }
  bool is_split() const { return split_.stretches > 1; }
  bool is_merging() const { return phase_ == phase::merge; }
  /// Columns that are prepared before any is met.
  std::int64_t all_columns() const { return arrays_.edges ? arrays_.columns : 0; }
  std::int64_t shared_bytes() const {
    arena measure;
    measure.take(stretch_bytes());
    measure.take(arrays_.problems * all_columns() * steps_.column_bytes);
    measure.take(arrays_.problems * all_columns() * steps_.column_index_bytes);
    return measure.used();
  }
  /// Of one problem.
  std::int64_t task_count() const {
    if (phase_ == phase::prepare_columns) return (all_columns() + prepared_at_once - 1) / prepared_at_once;
    if (arrays_.over) return place_[arrays_.over->count].task;
    const std::int64_t groups = (arrays_.rows + group_rows_ - 1) / group_rows_;
    return is_merging() ? groups : groups * split_.stretches;
  }

  /// Runs the tasks of one phase. An exception of any thread stops the others.
  void run_phase(phase next) {
    phase_ = next;
    next_task_ = 0;
    const void* const caller = this_thread();
    auto work = [this, caller] {
      try {
        take_tasks(this_thread() == caller);
      } catch (...) {
        watch_.fail(std::current_exception());
      }
    };
    const std::int64_t tasks = task_count() * arrays_.problems;
    const int threads = tasks < threads_ ? int(tasks) : threads_;
    if (threads <= 1) work();
    else if (!run_on_threads(threads, work))
      throw error("a process that was forked during a computation cannot end it");
  }

  workspace lay_out(arena& a) const {
    const std::int64_t packs = group_rows_ / steps_.lanes, columns = arrays_.edges ? 0 : steps_.policy.tile_columns;
    workspace mine{a.take(steps_.parameter_bytes),
                   static_cast<std::int64_t*>(a.take(steps_.parameter_index_bytes)),
                   a.take(packs * steps_.row_bytes),
                   static_cast<std::int64_t*>(a.take(packs * steps_.row_index_bytes)),
                   static_cast<char*>(a.take(packs * steps_.state_bytes)),
                   a.take(columns * steps_.column_bytes),
                   static_cast<std::int64_t*>(a.take(columns * steps_.column_index_bytes)),
                   a.take(steps_.block_state_bytes),
                   passes_};
    mine.arrays = arrays_;
    mine.leaves = static_cast<leaf_array*>(a.take(arrays_.leaf_count * std::int64_t(sizeof(leaf_array))));
    mine.outputs = static_cast<output_array*>(a.take(arrays_.output_count * std::int64_t(sizeof(output_array))));
    return mine;
  }
  /// Turns to a problem, whose parameters are its own.
  void select_problem(workspace& mine, std::int64_t problem) const {
    mine.problem = problem;
    if (arrays_.problems > 1) select_arrays(mine.arrays, mine.leaves, mine.outputs, problem);
    steps_.prepare_parameters(mine.arrays, mine);
  }
  void select_arrays(sweep_arrays& a, leaf_array* leaves, output_array* outputs, std::int64_t problem) const {
    for (int k = 0; k < arrays_.leaf_count; ++k) kernfold::select_problem(leaves[k] = arrays_.leaves[k], problem);
    for (int k = 0; k < arrays_.output_count; ++k) kernfold::select_problem(outputs[k] = arrays_.outputs[k], problem);
    a.leaves = leaves;
    a.outputs = outputs;
  }
  void finish_problems() {
    arena measure;
    lay_out(measure);
    arena memory(measure.used() + arena::alignment);
    workspace mine = lay_out(memory);
    for (std::int64_t p = 0; p < arrays_.problems; ++p) {
      if (arrays_.problems > 1) select_arrays(mine.arrays, mine.leaves, mine.outputs, p);
      steps_.finish(mine.arrays, row_blocks_[p].result());
    }
  }

  void take_tasks(bool is_caller) {
    const flush_subnormals guard;
    arena measure;
    lay_out(measure);
    arena memory(measure.used() + arena::alignment);
    workspace mine = lay_out(memory);
    const std::int64_t each = task_count(), count = each * arrays_.problems;
    for (std::int64_t next; (next = __atomic_fetch_add(&next_task_, 1, __ATOMIC_RELAXED)) < count;) {
      if (watch_.stopped()) return;
      const std::int64_t problem = next / each, task = next % each;
      if (problem != mine.problem) select_problem(mine, problem);
      if (phase_ == phase::prepare_columns) prepare_some_columns(mine, task);
      else if (arrays_.edges) run_edge_task(mine, task, is_caller);
      else if (arrays_.over) run_listed_task(mine, task, is_caller);
      else if (arrays_.band) run_near_task(mine, task, is_caller);
      else run_task(mine, task, is_caller);
    }
  }

  void prepare_some_columns(workspace& mine, std::int64_t task) {
    const std::int64_t first = task * prepared_at_once, end = first + prepared_at_once;
    point_to_columns(mine, first);
    steps_.prepare_columns(mine.arrays, mine, {first, end < arrays_.columns ? end : arrays_.columns});
  }
  void point_to_columns(workspace& mine, std::int64_t first) const {
    const std::int64_t column = mine.problem * all_columns() + first;
    mine.column_reals = all_column_reals_ + column * steps_.column_bytes;
    mine.column_indices = reinterpret_cast<std::int64_t*>(all_column_indices_ + column * steps_.column_index_bytes);
  }
  /// A group of rows meets the columns that its edges lead to.
  void run_edge_task(workspace& mine, std::int64_t task, bool is_caller) {
    const std::int64_t first = task * group_rows_, end = first + group_rows_;
    const stretch rows{first, end < arrays_.rows ? end : arrays_.rows};
    point_to_columns(mine, 0);
    mine.blocks = {0, 0};
    steps_.prepare_rows(mine.arrays, mine, rows, steps_.lanes);
    steps_.fold_edges(mine.arrays, mine, mine.states, rows);
    const std::int64_t* const starts = arrays_.edges->starts;
    if (watch_.is_watching()) watch_.advance(starts[rows.end] - starts[rows.first], is_caller);
    if (!watch_.stopped()) steps_.finish_rows(mine.arrays, mine, mine.states, rows, row_blocks_[mine.problem]);
  }

  /// One group of rows meets one stretch of the columns; or, in the second phase, its stretches are merged in order.
  void run_task(workspace& mine, std::int64_t task, bool is_caller) {
    mine.has_columns = arrays_.columns > 0;
    const std::int64_t group = is_merging() ? task : task / split_.stretches;
    const std::int64_t number = is_merging() ? 0 : task % split_.stretches;
    const std::int64_t end = (group + 1) * group_rows_;
    const stretch rows{group * group_rows_, end < arrays_.rows ? end : arrays_.rows};
    steps_.prepare_rows(mine.arrays, mine, rows, steps_.lanes);
    char* states = part_.states ? part_.states + state_offset(rows.first) : mine.states;
    if (is_merging()) {
      const std::int64_t packs = (rows.end - rows.first + steps_.lanes - 1) / steps_.lanes;
      std::int64_t k = 0;
      if (!part_.states) states = states_of(mine, k++, rows.first);
      for (; k < split_.stretches; ++k) steps_.merge(states, states_of(mine, k, rows.first), packs);
    } else {
      const std::int64_t first = arrays_.first_column + number * split_.columns_each,
                         last = first + split_.columns_each;
      const interval columns{first, last < arrays_.columns ? last : arrays_.columns};
      fold_intervals(mine, is_split() ? states_of(mine, number, rows.first) : states, rows, &columns, 1,
                     part_.begins || is_split(), is_caller);
    }
    if (part_.ends && (is_merging() || !is_split()) && !watch_.stopped())
      steps_.finish_rows(mine.arrays, mine, states, rows, row_blocks_[mine.problem]);
  }
  /// A group of rows of one interval meets the columns of its list.
  void run_listed_task(workspace& mine, std::int64_t task, bool is_caller) {
    const interval_rows& over = *arrays_.over;
    const std::int64_t b = interval_of(task);
    const std::int64_t first = over.rows[b].first + (task - place_[b].task) * group_rows_, end = first + group_rows_;
    const stretch rows{first, end < over.rows[b].end ? end : over.rows[b].end};
    mine.has_columns = over.starts[b] < over.starts[b + 1];
    mine.blocks = {over.rows[b].first, place_[b].block};
    steps_.prepare_rows(mine.arrays, mine, rows, steps_.lanes);
    fold_intervals(mine, mine.states, rows, over.columns + over.starts[b], over.starts[b + 1] - over.starts[b], true,
                   is_caller);
    if (!watch_.stopped()) steps_.finish_rows(mine.arrays, mine, mine.states, rows, row_blocks_[mine.problem]);
  }
  /// A group of rows meets the columns near the diagonal. Tiles lie where they lie without a group, and begin with
  /// whole column blocks, so that no result depends on how rows are grouped.
  void run_near_task(workspace& mine, std::int64_t task, bool is_caller) {
    constexpr std::int64_t whole_blocks = 16;
    const std::int64_t first = task * group_rows_, end = first + group_rows_, tile = steps_.policy.tile_columns;
    const stretch rows{first, end < arrays_.rows ? end : arrays_.rows};
    mine.band = *arrays_.band;
    mine.blocks = {0, 0};
    steps_.prepare_rows(mine.arrays, mine, rows, steps_.lanes);
    const std::int64_t begin = mine.band.first_column(rows.first) / whole_blocks * whole_blocks;
    const std::int64_t last = mine.band.end_column(rows.end - 1, arrays_.columns) + whole_blocks - 1;
    const interval columns{begin, last / whole_blocks * whole_blocks < arrays_.columns
                                      ? last / whole_blocks * whole_blocks
                                      : arrays_.columns};
    bool is_first = true;
    for (std::int64_t c = columns.first; c < columns.end && !watch_.stopped(); c = (c / tile + 1) * tile) {
      const std::int64_t tile_end = (c / tile + 1) * tile;
      const stretch met{c, tile_end < columns.end ? tile_end : columns.end};
      steps_.prepare_columns(mine.arrays, mine, met);
      steps_.fold_tile(mine, mine.states, rows, met, is_first);
      is_first = false;
      if (watch_.is_watching()) watch_.advance(mine.band.pairs(rows, met), is_caller);
    }
    if (is_first) steps_.fold_tile(mine, mine.states, rows, {0, 0}, true);
    if (!watch_.stopped()) steps_.finish_rows(mine.arrays, mine, mine.states, rows, row_blocks_[mine.problem]);
  }
  std::int64_t state_offset(std::int64_t first_row) const { return first_row / steps_.lanes * steps_.state_bytes; }
  char* states_of(const workspace& mine, std::int64_t number, std::int64_t first_row) const {
    const std::int64_t all = mine.problem * split_.stretches + number;
    return stretch_states_ + all * states_bytes(steps_, arrays_.rows) + state_offset(first_row);
  }

  /// Rows meet columns, tile by tile; their states begin with the first where `is_first`.
  void fold_intervals(const workspace& mine, char* states, stretch rows, const interval* columns, std::int64_t count,
                      bool is_first, bool is_caller) {
    const auto fold = [&](stretch tile) {
      steps_.fold_tile(mine, states, rows, tile, is_first);
      is_first = false;
    };
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t c = columns[k].first; c < columns[k].end && !watch_.stopped();
           c += steps_.policy.tile_columns) {
        const std::int64_t end = c + steps_.policy.tile_columns;
        const stretch tile{c, end < columns[k].end ? end : columns[k].end};
        steps_.prepare_columns(mine.arrays, mine, tile);
        fold(tile);
        if (watch_.is_watching()) watch_.advance((rows.end - rows.first) * (tile.end - tile.first), is_caller);
      }
    if (is_first) fold({0, 0});
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
