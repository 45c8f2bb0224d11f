// kernfold/engine/cuda/block_sweep.hpp: one sweep over the pairs by blocks of threads: what a thread does.
//
// A block takes a group of rows, a few per thread, and a stretch of the columns. It walks the stretch tile by tile: all
// threads write the column stage of the tile to shared memory, then each folds the tile into the states of its own
// rows, which stay in registers. Where the columns are split, the states go to memory, and a second launch merges them
// in the order of the columns. Nothing depends on which block runs when: the same bits from run to run.
//
// Plain C++ against a small interface, so that a test can be the device:
//   block.thread(), block.threads()    this thread's number, and how many there are
//   block.group(), block.stretch()     the rows and the columns of this block
//   block.shared()                     memory of the block, aligned to 16 bytes
//   block.barrier()                    waits for all threads of the block
#pragma once

#include "../space.hpp"
#include "block_tiles.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// What the blocks of a launch do.
enum class block_work : unsigned char {
  whole,    // fold all columns
  stretch,  // fold a stretch of the columns and store the states
  merge     // merge the stretches' states
};

inline namespace KERNFOLD_ABI {

/// Over a space: the rows of a block, and the columns that they meet, intervals `first` to `end` - 1 of the task's.
struct listed_rows {
  interval rows;
  std::int64_t first, end;
};

/// What every block of a launch gets.
template <class Plan> struct block_task {
  leaf_array leaves[Plan::program_type::leaves::size + 1];
  output_array outputs[Plan::output_count];
  std::int64_t rows, columns, columns_each, groups;
  std::int64_t first_column;  // where columns come in pieces, the arrays show those from here on
  int stretches;
  block_work work;
  typename block_layout<Plan>::states* states;        // (stretches, groups, threads)
  typename block_layout<Plan>::block_states* blocks;  // axis::both: (groups)
  typename block_layout<Plan>::states* kept;          // (groups, threads), from piece to piece; or null
  bool begins, ends;                                  // with no columns yet; by writing the results
  const listed_rows* listed;                          // over a space: (groups)
  const interval* intervals;                          // and the columns that they meet
};
/// Folds the states of all threads in the order of the threads, by a fixed tree of `width` threads at a time. Thread 0
/// gets the result; `memory` is shared, and free.
template <class Loop, class Block>
KERNFOLD_HD_LAYER void fold_threads(typename Loop::states& mine, const Block& block, char* memory, int width) {
  auto* const all = reinterpret_cast<typename Loop::states*>(memory);
  for (int first = 0; first < block.threads(); first += width) {
    const int count = block.threads() - first < width ? block.threads() - first : width;
    const int place = block.thread() - first;
    const bool takes_part = place >= 0 && place < count;
    block.barrier();
    if (takes_part) all[place] = mine;
    for (int step = 1; step < count; step *= 2) {
      block.barrier();
      if (takes_part && place % (2 * step) == 0 && place + step < count) Loop::merge(all[place], all[place + step]);
    }
    block.barrier();
    if (block.thread() != 0) continue;
    if (first == 0) mine = all[0];
    else Loop::merge(mine, all[0]);
  }
}

template <class Element>
KERNFOLD_HD_LAYER void write_block_output(const output_array& out, std::int64_t row, int k, Element value) {
  Element* const to = static_cast<Element*>(out.data) + (row * out.row_stride + k * out.col_stride);
  *to = out.add ? static_cast<Element>(*to + value) : value;
}

/// One thread's part of a block's task; over a space where IsListed.
template <class Plan, class Block, bool IsListed = false> struct block_sweep {
  using plan = block_layout<Plan>;
  using P = typename plan::P;
  using real = typename plan::real;
  using T = typename plan::T;
  using loop = typename plan::loop;
  using states = typename plan::states;
  using scalar_loop = typename plan::scalar_loop;
  using block_states = typename plan::block_states;
  using tiles = block_tiles<Plan, T, plan::policy.tile_columns, Block>;
  using source = single_source<real>;
  static constexpr int lanes = plan::policy.lanes;

  const block_task<Plan>& task;
  const Block& block;

  KERNFOLD_HD_LAYER void run() const {
    // What each thread keeps: few parameters, its rows, their states.
    typename tiles::own_parameters own;
    typename tiles::own_rows own_rows;
    states s;

    const tiles shared{block, block.shared()};
    const parameter_values<real> parameters = shared.prepare_parameters(own, source{task.leaves, 0});
    const row_values<T> rows = shared.prepare_rows(
        own_rows, parameters, block_row_source<real>{task.leaves, first_row(), row_stride(), end_row()}, first_row(),
        row_stride());
    if (task.begins || task.work == block_work::stretch) loop::identity(s);
    else s = *kept_states();
    if constexpr (IsListed) fold_list(s, shared, parameters, rows);
    else if (task.work == block_work::merge) merge_stretches(s);
    else fold_stretch(s, shared, parameters, rows);
    if (task.work == block_work::stretch) *states_of(block.stretch()) = s;
    else if (task.ends) finish(s, parameters, rows);
    else *kept_states() = s;
  }

 private:
  /// Row l of this thread: neighbouring threads read neighbouring rows. Where the rows are folded as well, in their
  /// order, neighbouring rows belong to one thread.
  static constexpr bool has_rows_in_order = Plan::folds_rows;
  KERNFOLD_HD_LAYER std::int64_t first_row() const {
    const std::int64_t group = IsListed ? mine().rows.first : block.group() * lanes * block.threads();
    return group + block.thread() * std::int64_t(has_rows_in_order ? lanes : 1);
  }
  KERNFOLD_HD_LAYER const listed_rows& mine() const { return task.listed[block.group()]; }
  KERNFOLD_HD_LAYER std::int64_t end_row() const { return IsListed ? mine().rows.end : task.rows; }
  KERNFOLD_HD_LAYER bool has_columns() const { return IsListed ? mine().first < mine().end : task.columns > 0; }
  KERNFOLD_HD_LAYER std::int64_t row_stride() const { return has_rows_in_order ? 1 : block.threads(); }
  KERNFOLD_HD_LAYER std::int64_t row(int l) const { return first_row() + l * row_stride(); }
  KERNFOLD_HD_LAYER states* states_of(std::int64_t stretch) const {
    return task.states + (stretch * task.groups + block.group()) * block.threads() + block.thread();
  }

  KERNFOLD_HD_LAYER states* kept_states() const { return task.kept + block.group() * block.threads() + block.thread(); }

  /// The columns of the call's arrays, which may be a piece of all columns.
  struct columns {
    const leaf_array* leaves;
    std::int64_t first;
    KERNFOLD_HD_LAYER source at(std::int64_t column) const { return {leaves, column - first}; }
  };
  KERNFOLD_HD_LAYER void fold_stretch(states& s, const tiles& shared, const parameter_values<real>& parameters,
                                      const row_values<T>& rows) const {
    const std::int64_t begin = task.first_column + block.stretch() * task.columns_each, end = begin + task.columns_each;
    shared.fold_columns(s, parameters, rows, columns{task.leaves, task.first_column}, begin,
                        end < task.columns ? end : task.columns);
  }
  KERNFOLD_HD_LAYER void fold_list(states& s, const tiles& shared, const parameter_values<real>& parameters,
                                   const row_values<T>& rows) const {
    for (std::int64_t k = mine().first; k < mine().end; ++k)
      shared.fold_columns(s, parameters, rows, columns{task.leaves, 0}, task.intervals[k].first, task.intervals[k].end);
  }

  KERNFOLD_HD_LAYER void merge_stretches(states& s) const {
    KERNFOLD_NO_UNROLL
    for (int k = 0; k < task.stretches; ++k) loop::merge(s, *states_of(k));
  }

  KERNFOLD_HD_LAYER void finish(states& s, const parameter_values<real>& parameters, const row_values<T>& rows) const {
    typename loop::pair_frame f;
    see_rows(f, parameters, rows);
    if constexpr (Plan::folds_rows) fold_rows(s, f);
    else write_rows(s, f);
  }

  /// Writes the results of the rows that exist, times the factors that left their sums.
  template <class Frame> KERNFOLD_HD_LAYER void write_rows(const states& s, const Frame& f) const {
    for_each_result<Plan, loop>(s, f, has_columns(),
                                [&]<int Fold>(place<Fold>, int k, const auto& value) KERNFOLD_INLINE_LAMBDA {
                                  KERNFOLD_UNROLL
                                  for (int l = 0; l < lanes; ++l)
                                    if (row(l) < end_row())
                                      write_block_output(task.outputs[Fold], row(l), k, value.get(l));
                                });
  }

  /// Folds the rows that exist, in their order, and stores the block's state.
  template <class Frame> KERNFOLD_HD_LAYER void fold_rows(states& s, const Frame& f) const {
    loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
      using entry = typename loop::template fold_number<Fold>;
      if constexpr (entry::outer_root >= 0) {
        if (has_columns()) entry::fold::scale(get<Fold>(s), root_of<P, entry::outer_root>(f)(0));
      }
    });
    block_states mine;
    scalar_loop::identity(mine);
    KERNFOLD_UNROLL
    for (int l = 0; l < lanes; ++l) {
      block_states of_row;
      scalar_loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
        scalar_loop::template fold_number<Fold>::fold::extract(get<Fold>(of_row), get<Fold>(s), l,
                                                               row(l) * task.columns);
      });
      if (row(l) < end_row()) scalar_loop::merge(mine, of_row);
    }
    fold_threads<scalar_loop>(mine, block, block.shared() + tiles::parameter_bytes, plan::policy.fold_width);
    if (block.thread() == 0) task.blocks[block.group()] = mine;
  }
};

/// axis::both: one block merges the states of all groups in their order, and writes the results.
template <class Plan, class Block>
KERNFOLD_HD_LAYER void finish_blocks(const block_task<Plan>& task, const Block& block) {
  using plan = block_layout<Plan>;
  using loop = typename plan::scalar_loop;
  typename plan::block_states mine;
  loop::identity(mine);
  const std::int64_t each = (task.groups + block.threads() - 1) / block.threads();
  const std::int64_t first = block.thread() * each, end = first + each < task.groups ? first + each : task.groups;
  for (std::int64_t group = first; group < end; ++group) loop::merge(mine, task.blocks[group]);
  fold_threads<loop>(mine, block, block.shared(), plan::policy.fold_width);
  if (block.thread() != 0) return;
  loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
    using fold = typename loop::template fold_number<Fold>::fold;
    for_each_component<fold::dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      write_block_output(task.outputs[Fold], 0, k, fold::finish(get<Fold>(mine), k));
    });
  });
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
