// kernfold/engine/cuda/block_tiles.hpp: what the threads of a block do together, with parameters and tiles of columns
// in their shared memory, and what each then has for its rows. Plain C++ against the block interface of
// block_sweep.hpp.
#pragma once

#include "../../core/thread_rows.hpp"
#include "../agent.hpp"
#include "policy.hpp"
#include "sources.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The types and numbers of a plan on a device.
template <class Plan> struct block_layout {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static constexpr stage_size parameter_size = P::size(stage::parameter), row_size = P::size(stage::row),
                              column_size = P::size(stage::column), pair_size = P::size(stage::pair);
  static constexpr int index_bytes = sizeof(std::int64_t);
  static constexpr int column_stride = math::column_stride<thread_rows<real, 1>>(column_size.kept_reals);

  using scalar_loop = agent<P, typename Plan::folds, real>;
  using block_states = typename scalar_loop::states;

  /// What a row's states and what a tile adds to them take in registers; folds that keep lists in memory say so
  /// themselves.
  template <class... At> static consteval int state_bytes(type_list<At...>) {
    return (fold_bytes<typename At::fold>() + ... + 0);
  }
  template <class Fold> static consteval int fold_bytes() {
    if constexpr (requires { Fold::register_reals; }) return Fold::register_reals * int(sizeof(real));
    else return int(sizeof(typename Fold::template state<real>) + sizeof(typename Fold::template accumulator<real>));
  }

  template <class... At> static consteval int restart_columns(type_list<At...>) {
    return (restart_columns_of<typename At::fold>() + ... + 0);
  }
  template <class Fold> static consteval int restart_columns_of() {
    if constexpr (requires { Fold::restart_columns; }) return Fold::restart_columns;
    else return 0;
  }

  static constexpr int bytes(int reals, int indices) { return reals * int(sizeof(real)) + indices * index_bytes; }
  static constexpr block_policy policy = select_block_policy(
      {bytes(row_size.kept_reals, row_size.kept_indices), state_bytes(typename Plan::folds{}),
       bytes(pair_size.local_reals, pair_size.local_indices), column_size.kept_reals* int(sizeof(real)),
       column_stride* int(sizeof(real)), column_size.kept_indices* index_bytes,
       bytes(parameter_size.kept_reals, parameter_size.kept_indices), Plan::folds_rows ? int(sizeof(block_states)) : 0,
       int(sizeof(block_states)), restart_columns(typename Plan::folds{})});

  template <int Root> static consteval int root_dim() {
    if constexpr (Root >= 0) return P::at(P::root(Root)).dim;
    else return 1;
  }

  /// Components of a result: a factor that left its sum may be a vector.
  template <class Entry> static consteval int result_dim() {
    constexpr int outer = root_dim<Entry::outer_root>();
    return outer > Entry::fold::dim ? outer : Entry::fold::dim;
  }

  using T = thread_rows<real, policy.lanes>;
  using loop = agent<P, typename Plan::folds, T>;
  using states = typename loop::states;
};

/// What the threads of a block do together, in its shared memory: the parameters, where they are too many for every
/// thread's registers; behind them a tile of columns, which all threads write and each folds into the states of its own
/// rows T. A source reads the arrays of a call: source.at(c) those of column c.
template <class Plan, class T, int TileColumns, class Block> struct block_tiles {
  using plan = block_layout<Plan>;
  using P = typename plan::P;
  using real = typename plan::real;
  using loop = agent<P, typename Plan::folds, T>;
  using states = typename loop::states;
  static constexpr bool shares_parameters = plan::policy.shares_parameters;
  static constexpr int column_indices = plan::column_size.kept_indices;

  static constexpr int parameter_real_bytes = plan::parameter_size.kept_reals * int(sizeof(real));
  static constexpr int parameter_bytes =
      shares_parameters
          ? (plan::bytes(plan::parameter_size.kept_reals, plan::parameter_size.kept_indices) + 15 + 8) / 16 * 16
          : 0;
  static constexpr int column_real_bytes = (TileColumns * plan::column_stride * int(sizeof(real)) + 15) / 16 * 16;
  static constexpr int shared_bytes =
      parameter_bytes + column_real_bytes + TileColumns * column_indices * plan::index_bytes;

  /// Few parameters, which each thread keeps.
  struct own_parameters {
    real reals[shares_parameters ? 1 : plan::parameter_size.kept_reals + 1];
    std::int64_t indices[shares_parameters ? 1 : plan::parameter_size.kept_indices + 1];
  };

  const Block& block;
  char* shared;

  template <class Source>
  KERNFOLD_HD_LAYER parameter_values<real> prepare_parameters(own_parameters& own, const Source& source) const {
    frame_of<P, stage::parameter, real> f;
    if constexpr (shares_parameters) {
      f.kept = reinterpret_cast<real*>(shared);
      f.kept_indices = reinterpret_cast<std::int64_t*>(shared + (parameter_real_bytes + 7) / 8 * 8);
      for_each_step(copies_of_stage<P, stage::parameter>{},
                    [&](auto step) KERNFOLD_INLINE_LAMBDA { run_together(f, source, step); });
      block.barrier();
      for_each_step(computations_of_stage<P, stage::parameter>{}, [&](auto step) KERNFOLD_INLINE_LAMBDA {
        run_together(f, source, step);
        block.barrier();
      });
    } else {
      f.kept = own.reals;
      f.kept_indices = own.indices;
      evaluate(f, source, whole_stage<P, stage::parameter>{});
    }
    return {f.kept, f.kept_indices};
  }

  /// What the row stage keeps of each thread's rows first, first + stride, ...
  struct own_rows {
    T reals[plan::row_size.kept_reals + 1];
    math::index_t<T> indices[plan::row_size.kept_indices + 1];
  };
  template <class Source>
  KERNFOLD_HD_LAYER row_values<T> prepare_rows(own_rows& own, const parameter_values<real>& parameters,
                                               const Source& source, std::int64_t first, std::int64_t stride) const {
    row_values<T> rows{own.reals, own.indices, {}};
    if constexpr (P::reads_row_number) rows.numbers = math::index_t<T>::iota(first, stride);
    frame_of<P, stage::row, T, T> f;
    f.parameters = parameters.reals;
    f.parameter_indices = parameters.indices;
    if constexpr (P::rows == role::edge) source.number_ends(f);
    else f.row_number = rows.numbers;
    f.kept = own.reals;
    f.kept_indices = own.indices;
    evaluate(f, source, whole_stage<P, stage::row>{});
    return rows;
  }

  /// Columns begin to end - 1.
  template <class Source>
  KERNFOLD_HD_LAYER void fold_columns(states& s, const parameter_values<real>& parameters, const row_values<T>& rows,
                                      const Source& source, std::int64_t begin, std::int64_t end) const {
    for_each_tile(parameters, source, begin, end, [&](const column_tile<real>& tile) KERNFOLD_INLINE_LAMBDA {
      loop::fold_tile(s, parameters, rows, tile);
    });
  }
  /// fold(tile) for tiles of columns begin to end - 1.
  template <class Source, class Fold>
  KERNFOLD_HD_LAYER void for_each_tile(const parameter_values<real>& parameters, const Source& source,
                                       std::int64_t begin, std::int64_t end, const Fold& fold) const {
    real* const reals = reinterpret_cast<real*>(shared + parameter_bytes);
    auto* const ints = reinterpret_cast<std::int64_t*>(shared + parameter_bytes + column_real_bytes);
    for (std::int64_t first = begin; first < end; first += TileColumns) {
      const int count = end - first < TileColumns ? int(end - first) : TileColumns;
      block.barrier();  // all have done with the tile before
      prepare_columns(reals, ints, parameters, source, first, count);
      block.barrier();
      fold(column_tile<real>{reals, ints, count, first});
    }
  }

 private:
  /// A step of the parameters, its components shared out among the threads.
  template <class Frame, class Source, class Step>
  KERNFOLD_HD_LAYER void run_together(Frame& f, const Source& source, Step step) const {
    KERNFOLD_NO_UNROLL
    for (int k = block.thread(); k < Step::target::dim; k += block.threads()) run_component(f, source, step, k);
  }

  /// The arrays of the columns are copied by all threads, neighbours reading what lies side by side in memory; then
  /// each thread computes what its own columns keep besides.
  template <class Source>
  KERNFOLD_HD_LAYER void prepare_columns(real* reals, std::int64_t* ints, const parameter_values<real>& parameters,
                                         const Source& source, std::int64_t first, int count) const {
    const auto column = [&](int c) KERNFOLD_INLINE_LAMBDA {
      frame_of<P, stage::column, real> f;
      f.parameters = parameters.reals;
      f.parameter_indices = parameters.indices;
      f.column_number = first + c;
      f.kept = reals + c * plan::column_stride;
      f.kept_indices = ints + c * column_indices;
      return f;
    };
    for_each_step(copies_of_stage<P, stage::column>{}, [&]<class Step>(Step step) KERNFOLD_INLINE_LAMBDA {
      constexpr int dim = Step::target::dim;
      [[maybe_unused]] constexpr int at_a_time =
          dim > unrolled_dim ? 8 : 1;  // other blocks hide the time of short loops
      KERNFOLD_UNROLL_BY(at_a_time)
      for (int e = block.thread(); e < count * dim; e += block.threads()) {
        const int c = e / dim;
        auto f = column(c);
        run_component(f, source.at(first + c), step, e - c * dim);
      }
    });
    if constexpr (P::computed(stage::column).count > 0) {
      if constexpr (P::copied(stage::column).count > 0) block.barrier();
      KERNFOLD_NO_UNROLL
      for (int c = block.thread(); c < count; c += block.threads()) {
        auto f = column(c);
        evaluate(f, source.at(first + c), computations_of_stage<P, stage::column>{});
      }
    }
  }
};

/// f(fold's place, k, value) for each component k of each result, times the factor that left its sum; `f_rows` sees the
/// rows, of which has_columns(l) says whether number l met any.
template <class Plan, class Loop, class HasColumns, class F>
KERNFOLD_HD_LAYER void for_each_result(const typename Loop::states& s, const typename Loop::pair_frame& f_rows,
                                       const HasColumns& has_columns, F&& f) {
  Loop::for_each_fold([&]<int Fold>(place<Fold> at) KERNFOLD_INLINE_LAMBDA {
    using entry = typename Loop::template fold_number<Fold>;
    using fold = typename entry::fold;
    constexpr bool has_factor = entry::outer_root >= 0;
    for_each_component<block_layout<Plan>::template result_dim<entry>()>([&](int k) KERNFOLD_INLINE_LAMBDA {
      auto value = fold::finish(get<Fold>(s), fold::dim == 1 ? 0 : k);
      if constexpr (has_factor) {
        const auto product = value * root_of<typename block_layout<Plan>::P, entry::outer_root>(f_rows).broadcast(k);
        KERNFOLD_UNROLL
        for (int l = 0; l < math::lane_count<typename Loop::lanes>; ++l)
          if (has_columns(l))
            math::set(value, l, math::get(product, l));  // the sum of none is 0, whatever multiplies it
      }
      f(at, k, value);
    });
  });
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
