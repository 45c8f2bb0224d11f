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

#include "../partial_agent.hpp"
#include "../space.hpp"
#include "block_tiles.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// What the blocks of a launch do.
enum class block_work : unsigned char {
  whole,    // fold all columns
  stretch,  // fold a stretch of the columns and store the states
  combine,  // merge the states of some stretches, and store them in the place of the first
  merge     // merge the states of all stretches
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
  int apart;  // merging: from one stretch with states to the next, 1 where none have been combined
  block_work work;
  typename block_layout<Plan>::states* states;        // (stretches, groups, threads)
  std::int64_t states_each;                           // of several problems: how many of those each has
  typename block_layout<Plan>::block_states* blocks;  // axis::both: (groups)
  typename block_layout<Plan>::states* kept;          // (groups, threads), from piece to piece; or null
  bool begins, ends;                                  // with no columns yet; by writing the results
  const listed_rows* listed;                          // over intervals: (groups)
  const interval* intervals;                          // and the columns that they meet
  edge_rows edges;                                    // over edges: those of the rows
  edge_ends edge_ends_of_rows;                        // where rows are edges
  diagonals band;                                     // near the diagonal
};

/// The task of problem number p of several, whose states lie one behind the other.
template <class Plan> KERNFOLD_HD_LAYER block_task<Plan> task_of_problem(const block_task<Plan>& task, std::int64_t p) {
  block_task<Plan> mine = task;
  KERNFOLD_UNROLL
  for (int n = 0; n < Plan::program_type::leaves::size; ++n) select_problem(mine.leaves[n], p);
  KERNFOLD_UNROLL
  for (int n = 0; n < Plan::output_count; ++n) select_problem(mine.outputs[n], p);
  if (mine.states != nullptr) mine.states += p * task.states_each;
  if constexpr (Plan::folds_rows) mine.blocks += p * task.groups;
  return mine;
}

/// The number i columns + j of the pair that an edge is.
template <class Plan> KERNFOLD_HD_LAYER std::int64_t pair_of_edge(const block_task<Plan>& task, std::int64_t edge) {
  std::int64_t low = 0, high = task.rows;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (task.edges.starts[middle] <= edge ? low : high) = middle;
  }
  return low * task.columns + task.edges.columns[edge];
}
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

/// One thread's part of a block's task, over a kind of space. Each row has edges of its own, so a thread has one row
/// there.
template <class Plan, class Block, space_kind Kind = space_kind::all> struct block_sweep {
  using plan = block_layout<Plan>;
  using P = typename plan::P;
  using real = typename plan::real;
  static constexpr bool is_listed = Kind == space_kind::intervals, has_edges = Kind == space_kind::edges,
                        has_band = Kind == space_kind::band;
  static constexpr int lanes = has_edges ? 1 : plan::policy.lanes;
  using T = thread_rows<real, lanes>;
  using loop = agent<P, typename Plan::folds, T>;
  using states = typename loop::states;
  using scalar_loop = typename plan::scalar_loop;
  using block_states = typename plan::block_states;
  using tiles = block_tiles<Plan, T, plan::policy.tile_columns, Block>;
  using source = single_source<real>;

  const block_task<Plan>& task;
  const Block& block;

  KERNFOLD_HD_LAYER void run() const {
    // What each thread keeps: few parameters, its rows, their states.
    typename tiles::own_parameters own;
    typename tiles::own_rows own_rows;
    states s;

    const tiles shared{block, block.shared()};
    const parameter_values<real> parameters = shared.prepare_parameters(own, source{task.leaves, 0});
    const row_values<T> rows = shared.prepare_rows(own_rows, parameters, row_source(), first_row(), row_stride());
    if constexpr (has_edges) {
      loop::identity(s);
      fold_edges(s, parameters, rows);
      finish(s, parameters, rows);
    } else {
      const bool hands_on = task.work == block_work::stretch || task.work == block_work::combine;
      if (task.begins || hands_on) loop::identity(s);
      else s = *kept_states();
      if constexpr (is_listed) fold_list(s, shared, parameters, rows);
      else if (task.work == block_work::combine || task.work == block_work::merge) merge_stretches(s);
      else if constexpr (has_band) fold_band(s, shared, parameters, rows);
      else fold_stretch(s, shared, parameters, rows);
      if (hands_on) *states_of(first_merged()) = s;
      else if (task.ends) finish(s, parameters, rows);
      else *kept_states() = s;
    }
  }

 private:
  /// Row l of this thread: neighbouring threads read neighbouring rows. Where the rows are folded as well, in their
  /// order, neighbouring rows belong to one thread.
  static constexpr bool has_rows_in_order = Plan::folds_rows;
  KERNFOLD_HD_LAYER std::int64_t first_row() const {
    const std::int64_t group = is_listed ? mine().rows.first : block.group() * lanes * block.threads();
    return group + block.thread() * std::int64_t(has_rows_in_order ? lanes : 1);
  }
  KERNFOLD_HD_LAYER const listed_rows& mine() const { return task.listed[block.group()]; }
  KERNFOLD_HD_LAYER std::int64_t end_row() const { return is_listed ? mine().rows.end : task.rows; }
  /// Whether row l of this thread meets any.
  KERNFOLD_HD_LAYER bool has_columns(int l) const {
    if constexpr (has_edges) return first_edge() < end_edge();
    else if constexpr (has_band) return task.band.first_column(row(l)) < task.band.end_column(row(l), task.columns);
    else return is_listed ? mine().first < mine().end : task.columns > 0;
  }
  /// Over edges: those of this thread's row; none where there is no such row.
  KERNFOLD_HD_LAYER std::int64_t first_edge() const {
    return task.edges.starts[first_row() < task.rows ? first_row() : task.rows];
  }
  KERNFOLD_HD_LAYER std::int64_t end_edge() const {
    return task.edges.starts[first_row() < task.rows ? first_row() + 1 : task.rows];
  }
  KERNFOLD_HD_LAYER auto row_source() const {
    if constexpr (P::rows == role::edge)
      return block_end_source<real>{task.leaves, task.edge_ends_of_rows, first_row(), row_stride(), end_row()};
    else return block_row_source<real>{task.leaves, first_row(), row_stride(), end_row()};
  }
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
  KERNFOLD_HD_LAYER interval stretch() const {
    const std::int64_t begin = task.first_column + block.stretch() * task.columns_each, end = begin + task.columns_each;
    return {begin, end < task.columns ? end : task.columns};
  }
  KERNFOLD_HD_LAYER void fold_stretch(states& s, const tiles& shared, const parameter_values<real>& parameters,
                                      const row_values<T>& rows) const {
    shared.fold_columns(s, parameters, rows, columns{task.leaves, task.first_column}, stretch().first, stretch().end);
  }
  KERNFOLD_HD_LAYER void fold_list(states& s, const tiles& shared, const parameter_values<real>& parameters,
                                   const row_values<T>& rows) const {
    for (std::int64_t k = mine().first; k < mine().end; ++k)
      shared.fold_columns(s, parameters, rows, columns{task.leaves, 0}, task.intervals[k].first, task.intervals[k].end);
  }

  /// A tile that all rows of the block meet is folded as a whole; of others, each thread folds what its rows meet.
  KERNFOLD_HD_LAYER void fold_band(states& s, const tiles& shared, const parameter_values<real>& parameters,
                                   const row_values<T>& rows) const {
    const std::int64_t first = block.group() * lanes * block.threads(), next = first + lanes * block.threads();
    const std::int64_t last = (next < task.rows ? next : task.rows) - 1;
    const diagonals& band = task.band;
    const std::int64_t begin = band.first_column(first), end = band.end_column(last, task.columns);
    shared.for_each_tile(parameters, columns{task.leaves, 0}, begin > stretch().first ? begin : stretch().first,
                         end < stretch().end ? end : stretch().end,
                         [&](const column_tile<real>& tile) KERNFOLD_INLINE_LAMBDA {
                           const std::int64_t end = tile.first + tile.count;
                           if (band.first_column(last) <= tile.first && end <= band.end_column(first, end))
                             loop::fold_tile(s, parameters, rows, tile);
                           else fold_partially(s, parameters, rows, tile);
                         });
  }
  KERNFOLD_HD_LAYER void fold_partially(states& s, const parameter_values<real>& parameters, const row_values<T>& rows,
                                        const column_tile<real>& tile) const {
    using partial = partial_agent<P, typename Plan::folds, T, real>;
    typename partial::accumulators a;
    partial::open(a, s, tile.first);
    for (int c = 0; c < tile.count; ++c) {
      math::mask_t<T> is_present;
      for (int l = 0; l < lanes; ++l) {
        const std::int64_t diagonal = tile.first + c - row(l);
        math::set(is_present, l, task.band.first <= diagonal && diagonal <= task.band.last);
      }
      typename partial::pair_frame f;
      partial::see_pair(f, parameters, rows, tile, c);
      evaluate(f, no_source{}, whole_stage<P, stage::pair>{});
      partial::template absorb<1>(a, &f, &is_present, c);
    }
    partial::close(s, a, tile.first);
  }

  /// Each thread reads the columns that its row's edges lead to. Nothing is shared but the parameters.
  KERNFOLD_HD_LAYER void fold_edges(states& s, const parameter_values<real>& parameters,
                                    const row_values<T>& rows) const {
    using columns_of_row = partial_agent<P, typename Plan::folds, T, real>;
    const std::int64_t begin = first_edge(), end = end_edge();
    for (std::int64_t first = begin; first < end; first += plan::policy.tile_columns) {
      const int count = end - first < plan::policy.tile_columns ? int(end - first) : plan::policy.tile_columns;
      typename columns_of_row::accumulators a;
      columns_of_row::open(a, s, first - begin);
      for (int c = 0; c < count; ++c) fold_edge(a, parameters, rows, first + c, c);
      columns_of_row::close(s, a, first - begin);
    }
  }
  template <class Accumulators>
  KERNFOLD_HD_LAYER void fold_edge(Accumulators& a, const parameter_values<real>& parameters, const row_values<T>& rows,
                                   std::int64_t edge, int c) const {
    real reals[plan::column_size.kept_reals + 1];
    std::int64_t indices[plan::column_size.kept_indices + 1];
    frame_of<P, stage::column, real> of_column;
    of_column.parameters = parameters.reals;
    of_column.parameter_indices = parameters.indices;
    of_column.column_number = task.edges.columns[edge];
    of_column.kept = reals;
    of_column.kept_indices = indices;
    evaluate(of_column, source{task.leaves, of_column.column_number}, whole_stage<P, stage::column>{});

    frame_of<P, stage::pair, T> f;
    see_rows(f, parameters, rows);
    f.columns = reals;
    f.column_indices = indices;
    f.column_number = of_column.column_number;
    const std::int64_t number = task.edges.numbers ? task.edges.numbers[edge] : edge;
    evaluate(f, edge_value_source<real>{task.leaves, number}, whole_stage<P, stage::pair>{});
    const math::mask_t<T> is_present(true);
    partial_agent<P, typename Plan::folds, T, real>::template absorb<1>(a, &f, &is_present, c);
  }

  /// Several states are read at a time, where they fit the registers.
  KERNFOLD_HD_LAYER void merge_stretches(states& s) const {
    [[maybe_unused]] constexpr int at_a_time = sizeof(states) <= 64 ? 8 : sizeof(states) <= 128 ? 4 : 1;
    const std::int64_t first = first_merged(), next = first + std::int64_t(merged_at_once) * task.apart;
    const std::int64_t end = next < task.stretches ? next : task.stretches;
    KERNFOLD_UNROLL_BY(at_a_time)
    for (std::int64_t k = first; k < end; k += task.apart) loop::merge(s, *states_of(k));
  }
  /// Which stretch's states this block writes, and reads first.
  KERNFOLD_HD_LAYER std::int64_t first_merged() const {
    return task.work == block_work::stretch ? block.stretch()
                                            : block.stretch() * std::int64_t(merged_at_once) * task.apart;
  }

  KERNFOLD_HD_LAYER void finish(states& s, const parameter_values<real>& parameters, const row_values<T>& rows) const {
    typename loop::pair_frame f;
    see_rows(f, parameters, rows);
    if constexpr (Plan::folds_rows) fold_rows(s, f);
    else write_rows(s, f);
  }

  /// Writes the results of the rows that exist, times the factors that left their sums.
  template <class Frame> KERNFOLD_HD_LAYER void write_rows(const states& s, const Frame& f) const {
    const auto has_any = [&](int l) KERNFOLD_INLINE_LAMBDA { return has_columns(l); };
    for_each_result<Plan, loop>(s, f, has_any,
                                [&]<int Fold>(place<Fold>, int k, const auto& value) KERNFOLD_INLINE_LAMBDA {
                                  KERNFOLD_UNROLL
                                  for (int l = 0; l < lanes; ++l)
                                    if (row(l) < end_row())
                                      write_block_output(task.outputs[Fold], row(l), k, as_written(value.get(l)));
                                });
  }
  /// A fold knows columns by the edges of its row, 0, 1, ...
  template <class Value> KERNFOLD_HD_LAYER Value as_written(Value v) const {
    if constexpr (has_edges && std::is_integral_v<Value>) return v < 0 ? v : task.edges.columns[first_edge() + v];
    else return v;
  }

  /// Folds the rows that exist, in their order, and stores the block's state.
  template <class Frame> KERNFOLD_HD_LAYER void fold_rows(states& s, const Frame& f) const {
    loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
      using entry = typename loop::template fold_number<Fold>;
      if constexpr (entry::outer_root >= 0) {
        T factor = root_of<P, entry::outer_root>(f)(0);
        for (int l = 0; l < lanes; ++l)
          if (!has_columns(l)) math::set(factor, l, real(1));
        entry::fold::scale(get<Fold>(s), factor);
      }
    });
    block_states mine;
    scalar_loop::identity(mine);
    KERNFOLD_UNROLL
    for (int l = 0; l < lanes; ++l) {
      block_states of_row;
      scalar_loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
        scalar_loop::template fold_number<Fold>::fold::extract(get<Fold>(of_row), get<Fold>(s), l,
                                                               has_edges ? first_edge() : row(l) * task.columns);
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
      auto value = fold::finish(get<Fold>(mine), k);
      if constexpr (fold::result == kind::index)
        if (task.edges.starts != nullptr && value >= 0) value = pair_of_edge(task, value);
      write_block_output(task.outputs[Fold], 0, k, value);
    });
  });
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
