// kernfold/engine/cpu/sweep.hpp: one sweep over the pairs on the processor.
//
// Rows are handed out in groups. A thread prepares the rows of its group (their values of the row stage, and the states),
// then walks the columns tile by tile: it prepares the tile once and lets every pack of the group meet it. So a tile
// lives in the first-level cache, a group in the second, and preparing either costs next to nothing per pair.
#pragma once

#include <new>

#include "../agent.hpp"
#include "../sources.hpp"
#include "../space.hpp"
#include "executor.hpp"
#include "pack.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Memory cut into aligned pieces. The first pass over the pieces measures, the second hands them out.
class arena {
 public:
  static constexpr std::int64_t alignment = 64;
  arena() = default;
  explicit arena(std::int64_t bytes)
      : memory_(static_cast<char*>(::operator new(static_cast<std::size_t>(bytes), std::align_val_t(alignment)))) {}
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() {
    if (memory_) ::operator delete(memory_, std::align_val_t(alignment));
  }
  template <class T>
  KERNFOLD_INLINE T* take(std::int64_t count) {
    char* piece = memory_ + used_;
    used_ += (count * std::int64_t(sizeof(T)) + alignment - 1) / alignment * alignment;
    return reinterpret_cast<T*>(piece);
  }
  std::int64_t used() const { return used_; }

 private:
  char* memory_ = nullptr;
  std::int64_t used_ = 0;
};

/// Plan: a sweep_plan. Space: over which pairs.
template <class Plan, class Space>
class cpu_sweep {
 public:
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  using folds = typename Plan::folds;
  static constexpr int fold_count = Plan::output_count;
  static constexpr tile_policy policy = Plan::policy;
  static constexpr stage_size parameter_size = P::size(stage::parameter);
  static constexpr stage_size row_size = P::size(stage::row);
  static constexpr stage_size column_size = P::size(stage::column);
  using block_states = typename agent<P, folds, real>::states;

  const leaf_array* leaves;
  const output_array* outputs;
  std::int64_t rows, columns;
  Space space;
  monitor* watch;
  int threads = 1;
  bool is_finishing = false;  // the second phase: stretches of columns are merged

  cpu_sweep(const leaf_array* from, const output_array* to, std::int64_t row_count, std::int64_t column_count,
            const Space& over, monitor* watcher)
      : leaves(from), outputs(to), rows(row_count), columns(column_count), space(over), watch(watcher) {}

  std::int64_t task_count() const {
    const std::int64_t groups = (rows + group_rows_ - 1) / group_rows_;
    return is_finishing ? groups : groups * split_.stretches;
  }
  const column_split& split() const { return split_; }

  /// Sizes of the work; needs rows, columns and threads.
  void prepare() {
    split_ = split_columns(rows, columns, policy.tile_columns);
    const std::int64_t blocks = (rows + row_block - 1) / row_block;
    std::int64_t per_group = blocks / (std::int64_t(threads) * 4);  // four groups a thread even out their ends
    const std::int64_t most = policy.group_rows / row_block;
    per_group = per_group < 1 ? 1 : per_group > most ? most : per_group;
    group_rows_ = per_group * row_block;
  }

  /// Memory that outlives a phase: the states of split columns, and one state per block of rows for axis::both.
  template <class T>
  std::int64_t shared_bytes() const {
    arena a;
    lay_out_shared<T>(a);
    return a.used();
  }
  template <class T>
  void share(arena& memory) { lay_out_shared<T>(memory, this); }

  /// The work of one thread: takes tasks until there are none. Inlined into the entry function of an instruction set.
  template <class T>
  KERNFOLD_INLINE void work(bool is_caller) {
    const flush_subnormals guard;
    workspace<T> mine;
    {
      arena measure;
      mine.lay_out(measure, group_rows_);
      mine.bytes = measure.used();
    }
    arena memory(mine.bytes);
    mine.lay_out(memory, group_rows_);
    evaluate_parameters(mine);
    const std::int64_t count = task_count();
    for (std::int64_t task; (task = __atomic_fetch_add(&next_task_, 1, __ATOMIC_RELAXED)) < count;) {
      if (watch->stopped()) return;
      run_task<T>(mine, task, is_caller);
    }
  }
  void restart() { next_task_ = 0; }

  /// What is left when all tasks are done.
  void finish() {
    if constexpr (Plan::folds_rows) fold_blocks();
  }

 private:
  /// axis::both: the blocks' states merged pair by pair, in a tree that depends on their number only, and written.
  void fold_blocks() {
    const flush_subnormals guard;
    const std::int64_t count = (rows + row_block - 1) / row_block;
    using scalar_agent = agent<P, folds, real>;
    block_states none;
    scalar_agent::identity(none);
    for (std::int64_t step = 1; step < count; step *= 2)
      for (std::int64_t b = 0; b + step < count; b += 2 * step) scalar_agent::merge(blocks_[b], blocks_[b + step]);
    write_states<real>(count > 0 ? blocks_[0] : none, [](auto...) KERNFOLD_INLINE_LAMBDA {}, 0, 1);
  }

  std::int64_t group_rows_ = 0;
  std::int64_t next_task_ = 0;
  column_split split_{};
  void* stretch_states_ = nullptr;  // (stretches, row packs)
  block_states* blocks_ = nullptr;  // (row blocks)

  template <class T>
  struct workspace {
    using states = typename agent<P, folds, T>::states;
    real* parameters;
    std::int64_t* parameter_indices;
    T* row_reals;                          // (packs of a group, kept reals)
    math::index_t<T>* row_indices;         // (packs of a group, kept indices)
    states* row_states;                    // (packs of a group)
    real* column_reals;                    // (columns of a tile, kept reals)
    std::int64_t* column_indices;          // (columns of a tile, kept indices)
    std::int64_t bytes = 0;

    KERNFOLD_INLINE void lay_out(arena& a, std::int64_t group_rows) {
      const std::int64_t packs = group_rows / math::lane_count<T>;
      parameters = a.take<real>(parameter_size.kept_reals + 1);
      parameter_indices = a.take<std::int64_t>(parameter_size.kept_indices + 1);
      row_reals = a.take<T>(packs * row_size.kept_reals);
      row_indices = a.take<math::index_t<T>>(packs * row_size.kept_indices);
      row_states = a.take<states>(packs);
      column_reals = a.take<real>(std::int64_t(policy.tile_columns) * column_size.kept_reals);
      column_indices = a.take<std::int64_t>(std::int64_t(policy.tile_columns) * column_size.kept_indices);
    }
  };

  template <class T>
  std::int64_t pack_count() const {
    return (rows + row_block - 1) / row_block * (row_block / math::lane_count<T>);
  }
  template <class T>
  void lay_out_shared(arena& a, cpu_sweep* self = nullptr) const {
    using states = typename agent<P, folds, T>::states;
    void* stretches = split_.stretches > 1 ? a.take<states>(split_.stretches * pack_count<T>()) : nullptr;
    block_states* blocks = Plan::folds_rows ? a.take<block_states>((rows + row_block - 1) / row_block + 1) : nullptr;
    if (self) {
      self->stretch_states_ = stretches;
      self->blocks_ = blocks;
    }
  }

  template <class T>
  KERNFOLD_INLINE parameter_values<real> parameters_of(const workspace<T>& mine) const {
    return {mine.parameters, mine.parameter_indices};
  }
  template <class T>
  KERNFOLD_INLINE row_values<T> rows_of(const workspace<T>& mine, std::int64_t pack, std::int64_t first_row) const {
    return {mine.row_reals + pack * row_size.kept_reals, mine.row_indices + pack * row_size.kept_indices,
            math::iota<T>(first_row + pack * math::lane_count<T>)};
  }

  template <class T>
  KERNFOLD_INLINE void evaluate_parameters(workspace<T>& mine) const {
    frame<P, stage::parameter, real> f;
    f.kept = mine.parameters;
    f.kept_indices = mine.parameter_indices;
    evaluate(f, single_source<P, real>{leaves, 0});
  }

  template <class T>
  KERNFOLD_INLINE void evaluate_rows(workspace<T>& mine, std::int64_t first_row, std::int64_t packs) const {
    for (std::int64_t p = 0; p < packs; ++p) {
      const std::int64_t first = first_row + p * math::lane_count<T>;
      frame<P, stage::row, T> f;
      f.parameters = mine.parameters;
      f.parameter_indices = mine.parameter_indices;
      f.row_number = math::iota<T>(first);
      f.kept = mine.row_reals + p * row_size.kept_reals;
      f.kept_indices = mine.row_indices + p * row_size.kept_indices;
      evaluate(f, row_source<P, real>{leaves, first, rows});
    }
  }

  template <class T>
  KERNFOLD_INLINE void evaluate_columns(workspace<T>& mine, std::int64_t first, int count) const {
    for (int c = 0; c < count; ++c) {
      frame<P, stage::column, real> f;
      f.parameters = mine.parameters;
      f.parameter_indices = mine.parameter_indices;
      f.column_number = first + c;
      f.kept = mine.column_reals + std::int64_t(c) * column_size.kept_reals;
      f.kept_indices = mine.column_indices + std::int64_t(c) * column_size.kept_indices;
      evaluate(f, single_source<P, real>{leaves, first + c});
    }
  }

  /// One group of rows meets one stretch of the columns; or, in the second phase, its stretches are merged in order.
  template <class T>
  KERNFOLD_INLINE void run_task(workspace<T>& mine, std::int64_t task, bool is_caller) {
    using states = typename agent<P, folds, T>::states;
    const std::int64_t group = is_finishing ? task : task / split_.stretches;
    const std::int64_t stretch = is_finishing ? 0 : task % split_.stretches;
    const std::int64_t first_row = group * group_rows_;
    const std::int64_t end_row = first_row + group_rows_ < rows ? first_row + group_rows_ : rows;
    const std::int64_t packs = padded_packs<T>(end_row - first_row);
    states* const s = split_.stretches > 1 ? static_cast<states*>(stretch_states_) + stretch * pack_count<T>() +
                                                 first_row / math::lane_count<T>
                                           : mine.row_states;
    evaluate_rows(mine, first_row, packs);
    if (is_finishing) merge_stretches<T>(s, packs);
    else fold_stretch(mine, s, first_row, end_row, stretch, is_caller);
    if ((is_finishing || split_.stretches == 1) && !watch->stopped()) finish_rows<T>(mine, s, first_row, end_row);
  }

  template <class T, class States>
  KERNFOLD_INLINE void fold_stretch(workspace<T>& mine, States* s, std::int64_t first_row, std::int64_t end_row,
                                    std::int64_t stretch, bool is_caller) {
    using loop = agent<P, folds, T>;
    const std::int64_t packs = padded_packs<T>(end_row - first_row);
    const std::int64_t first_column = stretch * split_.columns_each;
    const std::int64_t end = first_column + split_.columns_each;
    for (std::int64_t p = 0; p < packs; ++p) loop::identity(s[p]);
    const auto fold_interval = [&](std::int64_t from, std::int64_t to) KERNFOLD_INLINE_LAMBDA {
      for (std::int64_t c = from; c < to; c += policy.tile_columns) {
        const int count = int(to - c < policy.tile_columns ? to - c : policy.tile_columns);
        evaluate_columns(mine, c, count);
        const column_tile<real> tile{mine.column_reals, mine.column_indices, count, c};
        for (std::int64_t p = 0; p < packs; ++p)
          loop::fold_tile(s[p], parameters_of(mine), rows_of(mine, p, first_row), tile);
        if (!watch->is_watching()) continue;
        watch->advance((end_row - first_row) * count, is_caller);
        if (watch->stopped()) return;
      }
    };
    space.visit(first_row, end_row, first_column, end < columns ? end : columns, fold_interval);
  }

  template <class T, class States>
  KERNFOLD_INLINE void merge_stretches(States* first, std::int64_t packs) const {
    for (std::int64_t p = 0; p < packs; ++p)
      for (std::int64_t k = 1; k < split_.stretches; ++k)
        agent<P, folds, T>::merge(first[p], first[k * pack_count<T>() + p]);
  }

  template <class T>
  static std::int64_t padded_packs(std::int64_t count) {
    return (count + math::lane_count<T> - 1) / math::lane_count<T>;
  }

  /// Writes the results of rows [first_row, end_row), or folds each block of them into one state.
  template <class T>
  KERNFOLD_INLINE void finish_rows(const workspace<T>& mine, typename workspace<T>::states* s, std::int64_t first_row,
                                   std::int64_t end_row) {
    using loop = agent<P, folds, T>;
    constexpr int lanes = math::lane_count<T>;
    for (std::int64_t p = 0; p < padded_packs<T>(end_row - first_row); ++p) {
      const std::int64_t first = first_row + p * lanes;
      const int valid = int(end_row - first < lanes ? end_row - first : lanes);
      const auto f = loop::row_frame(parameters_of(mine), rows_of(mine, p, first_row));
      const auto factor = [&]<int I>(place<I>, auto&& use) KERNFOLD_INLINE_LAMBDA {
        constexpr int outer = loop::template fold_number<I>::outer_root;
        if constexpr (outer >= 0) {
          if (columns > 0) use(root_of<outer>(f));  // the sum of no columns is 0, whatever multiplies it
        }
      };
      if constexpr (Plan::folds_rows) {
        loop::for_each_fold([&]<int I>(place<I> number) KERNFOLD_INLINE_LAMBDA {
          using fold = typename loop::template fold_number<I>::fold;
          factor(number, [&](auto outer) KERNFOLD_INLINE_LAMBDA { fold::scale(get<I>(s[p]), outer(0)); });
        });
        fold_lanes<T>(s[p], first, valid);
      } else {
        write_states<T>(s[p], factor, first, valid);
      }
    }
  }

  /// The lanes of a pack, one after the other, into the state of their block. Blocks are whole packs of any width, and
  /// their rows merge in ascending order, so the order does not depend on the width.
  template <class T>
  KERNFOLD_INLINE void fold_lanes(const typename workspace<T>::states& s, std::int64_t first, int valid) {
    using scalar_agent = agent<P, folds, real>;
    block_states& block = blocks_[first / row_block];
    if (first % row_block == 0) scalar_agent::identity(block);
    for (int l = 0; l < valid; ++l) {
      block_states row;
      scalar_agent::for_each_fold([&]<int I>(place<I>) KERNFOLD_INLINE_LAMBDA {
        using fold = typename scalar_agent::template fold_number<I>::fold;
        fold::extract(get<I>(row), get<I>(s), l, (first + l) * columns);
      });
      scalar_agent::merge(block, row);
    }
  }

  template <class T, class Factor>
  KERNFOLD_INLINE void write_states(const typename agent<P, folds, T>::states& s, const Factor& factor,
                                    std::int64_t first, int valid) const {
    using loop = agent<P, folds, T>;
    loop::for_each_fold([&]<int I>(place<I> number) KERNFOLD_INLINE_LAMBDA {
      using entry = typename loop::template fold_number<I>;
      using fold = typename entry::fold;
      constexpr int outer_dim = outer_dim_of<entry::outer_root>();
      constexpr int dim = !Plan::folds_rows && outer_dim > fold::dim ? outer_dim : fold::dim;
      for (int k = 0; k < dim; ++k) {
        auto value = fold::finish(get<I>(s), fold::dim == 1 ? 0 : k);
        factor(number, [&](auto outer) KERNFOLD_INLINE_LAMBDA { value = value * outer.broadcast(k); });
        write<fold::result>(outputs[I], value, first, valid, k);
      }
    });
  }
  template <int Root>
  static consteval int outer_dim_of() {
    if constexpr (Root >= 0) return P::at(P::root(Root)).dim;
    else return 1;
  }

  template <kind Result, class V>
  static KERNFOLD_INLINE void write(const output_array& out, const V& value, std::int64_t first, int valid, int k) {
    using element = std::conditional_t<Result == kind::index, std::int64_t, real>;
    element* const data = static_cast<element*>(out.data) + first * out.row_stride + k * out.col_stride;
    for (int l = 0; l < valid; ++l) {
      const element v = math::get(value, l);
      element& place = data[l * out.row_stride];
      place = out.add ? element(place + v) : v;
    }
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
