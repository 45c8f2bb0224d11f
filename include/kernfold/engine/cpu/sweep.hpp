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
  const interval_rows* over = nullptr;  // where rows meet these, or these, or the columns near the diagonal
  const edge_rows* edges = nullptr;
  const diagonals* band = nullptr;
  const edge_ends* ends = nullptr;  // where rows are edges, and their only column is the edge itself
  int leaf_count = 0, output_count = 0;
  std::int64_t problems = 1;         // so many of this shape: the arrays know where those of each are
  std::int64_t first_component = 0;  // of results of run-time dimension
};

/// Where the vectors of run-time dimension of a program's leaves are, and how many components each stage keeps.
struct vector_layout {
  int parameters = 0, rows = 0, columns = 0;
  vector_place places[max_vector_leaves];
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
  void* parameter_vectors;       // (components)
  void* row_vectors;             // (packs of a group, components, lanes)
  void* column_vectors;          // (components, columns of a tile)
  const vector_layout* vectors;
  std::int64_t vector_stride;  // columns of a tile
  int passes;                  // over the columns, where the pair stage may take one or two
  bool has_columns = false;    // those of the task: whether they meet any
  block_numbers blocks{};      // axis::both: how the rows of the task are cut
  diagonals band{};            // where rows meet the columns near the diagonal
  sweep_arrays arrays{};       // of the problem that is worked on
  std::int64_t problem = -1;
  leaf_array* leaves = nullptr;  // theirs, where there are several
  output_array* outputs = nullptr;
};

/// The trees of some problems.
class tree_list {
 public:
  [[gnu::cold, gnu::noinline]] tree_list(std::int64_t count, std::int64_t blocks, int state_bytes,
                                         block_tree::merge_function merge)
      : memory_(count * std::int64_t(sizeof(block_tree)) + arena::alignment),
        trees_(static_cast<block_tree*>(memory_.take(count * std::int64_t(sizeof(block_tree))))),
        count_(count) {
    for (std::int64_t p = 0; p < count; ++p) new (trees_ + p) block_tree(blocks, state_bytes, merge);
  }
  tree_list(const tree_list&) = delete;
  [[gnu::cold, gnu::noinline]] ~tree_list() {
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
  void (*lay_out_vectors)(const sweep_arrays&, vector_layout&);  // of run-time dimension; null for none
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
  int real_bytes;
  tile_policy policy;
};

/// How the work of a sweep is cut: rows into blocks, those into groups of some blocks at most.
struct work_shape {
  std::int64_t blocks;
  int most_group_rows;
  std::int64_t tile_columns;  // that a thread keeps
};

/// A sweep: problems and tasks, handed out to threads. What a task is depends on which pairs there are: each kind of
/// space has a class of its own, made of this one. What runs once a call is cold: a compiler need not do its best.
class sweep {
 public:
  /// Throws what the callbacks throw, kf::stopped, std::bad_alloc.
  [[gnu::cold, gnu::noinline]] void run() {
    const int phases = phase_count();
    for (int phase = 0; phase < phases && !watch_.stopped(); ++phase) run_phase(phase);
    watch_.rethrow();
    if (watch_.stopped()) throw stopped("the computation was stopped by its caller");
    if (part_.ends && steps_.block_state_bytes > 0) finish_problems();
  }

  /// The memory for the states of all rows.
  static std::int64_t states_bytes(const sweep_steps& s, std::int64_t rows) {
    return (rows + row_block - 1) / row_block * (row_block / s.lanes) * s.state_bytes;
  }

 protected:
  sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads, int passes, const work_shape& work,
        sweep_part part = {})
      : arrays_(a),
        steps_(s),
        watch_(w),
        part_(part),
        group_rows_(
            rows_per_group(work.blocks, work.most_group_rows / row_block, a.problems < 4 * threads ? threads : 1) *
            row_block),
        threads_(threads),
        passes_(passes),
        tile_columns_(work.tile_columns),
        row_blocks_(s.block_state_bytes > 0 ? a.problems : 1, work.blocks, s.block_state_bytes, s.merge_blocks) {
    if (s.lay_out_vectors != nullptr) s.lay_out_vectors(a, vectors_);
  }
  ~sweep() = default;

  /// The phases follow each other; of one problem, phase `phase` has so many tasks, in any order.
  virtual int phase_count() const { return 1; }
  virtual std::int64_t task_count(int phase) const = 0;
  virtual void run_task(workspace& mine, int phase, std::int64_t task, bool is_caller) = 0;

  const sweep_arrays& arrays_;
  const sweep_steps& steps_;
  monitor& watch_;
  const sweep_part part_;
  const std::int64_t group_rows_;

  /// Group number `group` of rows.
  stretch rows_of_group(std::int64_t group) const {
    const std::int64_t first = group * group_rows_, end = first + group_rows_;
    return {first, end < arrays_.rows ? end : arrays_.rows};
  }
  std::int64_t group_count() const { return (arrays_.rows + group_rows_ - 1) / group_rows_; }
  static std::int64_t block_count(std::int64_t rows) { return (rows + row_block - 1) / row_block; }

  void prepare_rows(const workspace& mine, stretch rows) const {
    steps_.prepare_rows(mine.arrays, mine, rows, steps_.lanes);
  }
  void finish_rows(workspace& mine, char* states, stretch rows) {
    if (!watch_.stopped()) steps_.finish_rows(mine.arrays, mine, states, rows, row_blocks_[mine.problem]);
  }
  /// Rows meet columns, tile by tile; their states begin with the first where `is_first`.
  void fold_intervals(const workspace& mine, char* states, stretch rows, const interval* columns, std::int64_t count,
                      bool is_first, bool is_caller) {
    const auto fold = [&](stretch tile) {
      steps_.fold_tile(mine, states, rows, tile, is_first);
      is_first = false;
    };
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t c = columns[k].first; c < columns[k].end && !watch_.stopped(); c += tile_columns_) {
        const std::int64_t end = c + tile_columns_;
        const stretch tile{c, end < columns[k].end ? end : columns[k].end};
        steps_.prepare_columns(mine.arrays, mine, tile);
        fold(tile);
        if (watch_.is_watching()) watch_.advance((rows.end - rows.first) * (tile.end - tile.first), is_caller);
      }
    if (is_first) fold({0, 0});
  }

 private:
  int threads_, passes_;
  std::int64_t tile_columns_;
  tree_list row_blocks_;
  std::int64_t next_task_ = 0;
  vector_layout vectors_{};

  /// In blocks. Four groups a thread even out their ends, where they are not so small that preparing the columns for
  /// each costs more: with four blocks, a tenth of the time. No result depends on it.
  static std::int64_t rows_per_group(std::int64_t blocks, std::int64_t most, int threads) {
    constexpr std::int64_t enough = 4;
    const std::int64_t all = (blocks + threads - 1) / threads, even = threads > 1 ? all / 4 : all;
    const std::int64_t group = even < enough ? (all < enough ? all : enough) : even;
    return group < 1 ? 1 : group > most ? most : group;
  }

  /// Runs the tasks of one phase. An exception of any thread stops the others.
  [[gnu::cold, gnu::noinline]] void run_phase(int phase) {
    next_task_ = 0;
    const void* const caller = this_thread();
    auto work = [this, phase, caller] {
      try {
        take_tasks(phase, this_thread() == caller);
      } catch (...) {
        watch_.fail(std::current_exception());
      }
    };
    const std::int64_t tasks = task_count(phase) * arrays_.problems;
    const int threads = tasks < threads_ ? int(tasks) : threads_;
    if (threads <= 1) work();
    else if (!run_on_threads(threads, work))
      throw error("a process that was forked during a computation cannot end it");
  }

  [[gnu::cold, gnu::noinline]] workspace lay_out(arena& a) const {
    const std::int64_t packs = group_rows_ / steps_.lanes;
    workspace mine{a.take(steps_.parameter_bytes),
                   static_cast<std::int64_t*>(a.take(steps_.parameter_index_bytes)),
                   a.take(packs * steps_.row_bytes),
                   static_cast<std::int64_t*>(a.take(packs * steps_.row_index_bytes)),
                   static_cast<char*>(a.take(packs * steps_.state_bytes)),
                   a.take(tile_columns_ * steps_.column_bytes),
                   static_cast<std::int64_t*>(a.take(tile_columns_ * steps_.column_index_bytes)),
                   a.take(steps_.block_state_bytes),
                   a.take(vectors_.parameters * std::int64_t(steps_.real_bytes)),
                   a.take(group_rows_ * vectors_.rows * steps_.real_bytes),
                   a.take(tile_columns_ * vectors_.columns * steps_.real_bytes),
                   &vectors_,
                   tile_columns_,
                   passes_};
    mine.arrays = arrays_;
    mine.leaves = static_cast<leaf_array*>(a.take(arrays_.leaf_count * std::int64_t(sizeof(leaf_array))));
    mine.outputs = static_cast<output_array*>(a.take(arrays_.output_count * std::int64_t(sizeof(output_array))));
    return mine;
  }
  /// Turns to the arrays of a problem.
  [[gnu::cold, gnu::noinline]] void select(workspace& mine, std::int64_t problem) const {
    mine.problem = problem;
    if (arrays_.problems == 1) return;
    for (int k = 0; k < arrays_.leaf_count; ++k) select_problem(mine.leaves[k] = arrays_.leaves[k], problem);
    for (int k = 0; k < arrays_.output_count; ++k) select_problem(mine.outputs[k] = arrays_.outputs[k], problem);
    mine.arrays.leaves = mine.leaves;
    mine.arrays.outputs = mine.outputs;
  }
  template <class Use> void with_workspace(Use use) const {
    arena measure;
    lay_out(measure);
    arena memory(measure.used() + arena::alignment);
    workspace mine = lay_out(memory);
    use(mine);
  }

  [[gnu::cold, gnu::noinline]] void take_tasks(int phase, bool is_caller) {
    const flush_subnormals guard;
    with_workspace([&](workspace& mine) {
      const std::int64_t each = task_count(phase), count = each * arrays_.problems;
      for (std::int64_t next; (next = __atomic_fetch_add(&next_task_, 1, __ATOMIC_RELAXED)) < count;) {
        if (watch_.stopped()) return;
        if (const std::int64_t problem = next / each; problem != mine.problem) {
          select(mine, problem);
          steps_.prepare_parameters(mine.arrays, mine);
        }
        run_task(mine, phase, next % each, is_caller);
      }
    });
  }
  [[gnu::cold, gnu::noinline]] void finish_problems() {
    with_workspace([&](workspace& mine) {
      for (std::int64_t p = 0; p < arrays_.problems; ++p) {
        select(mine, p);
        steps_.finish(mine.arrays, row_blocks_[p].result());
      }
    });
  }
};

/// Over all pairs. A task is a group of rows and a stretch of the columns; where these are split, a second phase merges
/// what each group knows of its stretches, in their order.
class tile_sweep final : public sweep {
 public:
  static std::int64_t pairs(const sweep_arrays& a) { return a.rows * (a.columns - a.first_column); }
  [[gnu::cold, gnu::noinline]] tile_sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads,
                                          int passes, sweep_part part = {})
      : sweep(a, s, w, threads, passes, {block_count(a.rows), s.policy.group_rows, s.policy.tile_columns}, part),
        split_(split_columns(a.rows, a.columns - a.first_column, s.policy.tile_columns)),
        shared_(stretch_bytes() + arena::alignment),
        stretch_states_(static_cast<char*>(shared_.take(stretch_bytes()))) {}

 private:
  column_split split_;
  arena shared_;
  char* stretch_states_;  // (problems, stretches, row packs)

  bool is_split() const { return split_.stretches > 1; }
  int phase_count() const override { return is_split() ? 2 : 1; }
  std::int64_t task_count(int phase) const override { return group_count() * (phase == 0 ? split_.stretches : 1); }
  void run_task(workspace& mine, int phase, std::int64_t task, bool is_caller) override {
    mine.has_columns = arrays_.columns > 0;
    const stretch rows = rows_of_group(phase == 0 ? task / split_.stretches : task);
    prepare_rows(mine, rows);
    char* states = part_.states ? part_.states + state_offset(rows.first) : mine.states;
    if (phase == 0) {
      const std::int64_t number = task % split_.stretches, first = arrays_.first_column + number * split_.columns_each,
                         last = first + split_.columns_each;
      const interval columns{first, last < arrays_.columns ? last : arrays_.columns};
      fold_intervals(mine, is_split() ? states_of(mine, number, rows.first) : states, rows, &columns, 1,
                     part_.begins || is_split(), is_caller);
    } else {
      const std::int64_t packs = (rows.end - rows.first + steps_.lanes - 1) / steps_.lanes;
      std::int64_t k = 0;
      if (!part_.states) states = states_of(mine, k++, rows.first);
      for (; k < split_.stretches; ++k) steps_.merge(states, states_of(mine, k, rows.first), packs);
    }
    if (part_.ends && (phase == 1 || !is_split())) finish_rows(mine, states, rows);
  }

  std::int64_t stretch_bytes() const {
    return is_split() ? arrays_.problems * split_.stretches * states_bytes(steps_, arrays_.rows) : 0;
  }
  std::int64_t state_offset(std::int64_t first_row) const { return first_row / steps_.lanes * steps_.state_bytes; }
  char* states_of(const workspace& mine, std::int64_t number, std::int64_t first_row) const {
    const std::int64_t all = mine.problem * split_.stretches + number;
    return stretch_states_ + all * states_bytes(steps_, arrays_.rows) + state_offset(first_row);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
