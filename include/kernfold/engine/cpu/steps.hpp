// kernfold/engine/cpu/steps.hpp: the steps of a sweep for one formula and one type of lanes. Each is the body of an entry
// function, whose target is inlined down to the last operator.
#pragma once

#include "../agent.hpp"
#include "../sources.hpp"
#include "sweep.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// In a loop that runs once per row or column: keeps the compiler from making vector versions of it, which would cost more
/// time to compile than they could save.
KERNFOLD_LAYER void keep_loop_simple() { __asm__ volatile("" ::: "memory"); }

/// What a stage keeps of one row or column goes where the pair stage finds it: value k beside those of the other lanes of
/// its pack, `lanes` numbers apart. A function of its own, so that no formula compiles it again.
template <class Value>
[[gnu::noinline]] void scatter_kept(Value* to, const Value* from, int count, int lanes) {
  for (int k = 0; k < count; ++k) to[k * lanes] = from[k];
}

/// The values that the row or the column stage keeps of a stretch, one row or column after the other. In scalars whatever
/// the instruction set: it runs once per row, not once per pair, and so is compiled for fewer sets. The lanes of the last pack
/// that have no row of their own repeat the last row: they compute what nobody reads.
template <class Plan, stage S>
struct prepare_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static constexpr stage_size size = P::size(S);

  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, stretch span, int lanes) {
    real* const reals = static_cast<real*>(S == stage::row ? mine.row_reals : mine.column_reals);
    std::int64_t* const indices = S == stage::row ? mine.row_indices : mine.column_indices;
    const std::int64_t padded = (span.end - span.first + lanes - 1) / lanes * lanes;
    for (std::int64_t n = 0; n < padded; ++n) {
      const std::int64_t pack = n / lanes, lane = n % lanes, number = span.first + n;
      real kept[size.kept_reals + 1];
      std::int64_t kept_indices[size.kept_indices + 1];
      keep_loop_simple();
      evaluate_one(arrays, mine, number < span.end ? number : span.end - 1, kept, kept_indices);
      if constexpr (size.kept_reals > 0)
        scatter_kept(reals + pack * lanes * size.kept_reals + lane, kept, size.kept_reals, lanes);
      if constexpr (size.kept_indices > 0)
        scatter_kept(indices + pack * lanes * size.kept_indices + lane, kept_indices, size.kept_indices, lanes);
    }
  }

 private:
  static KERNFOLD_LAYER void evaluate_one(const sweep_arrays& arrays, const workspace& mine, std::int64_t number, real* kept,
                                           std::int64_t* kept_indices) {
    frame<P, S, real> f;
    f.parameters = static_cast<const real*>(mine.parameters);
    f.parameter_indices = mine.parameter_indices;
    f.row_number = number;
    f.column_number = number;
    f.kept = kept;
    f.kept_indices = kept_indices;
    evaluate(f, single_source<P, real>{arrays.leaves, S == stage::column ? number - arrays.first_column : number});
  }
};

template <class Plan>
struct prepare_parameters_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine) {
    frame<P, stage::parameter, real> f;
    f.kept = static_cast<real*>(mine.parameters);
    f.kept_indices = mine.parameter_indices;
    evaluate(f, single_source<P, real>{arrays.leaves, 0});
  }
};

/// The steps that work on packs of rows.
template <class Plan, class T>
struct row_steps {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  using folds = typename Plan::folds;
  using loop = agent<P, folds, T>;
  using states = typename loop::states;
  using scalar_loop = agent<P, folds, real>;
  using block_states = typename scalar_loop::states;
  static constexpr int lanes = math::lane_count<T>;
  static constexpr stage_size row_size = P::size(stage::row);

  static KERNFOLD_LAYER std::int64_t pack_count(stretch rows) { return (rows.end - rows.first + lanes - 1) / lanes; }
  static KERNFOLD_LAYER parameter_values<real> parameters_of(const workspace& mine) {
    return {static_cast<const real*>(mine.parameters), mine.parameter_indices};
  }
  static KERNFOLD_LAYER math::index_t<T> row_numbers(std::int64_t first) {
    if constexpr (P::reads_row_number) return math::iota<T>(first);
    else return {};
  }
  static KERNFOLD_LAYER T* kept_reals(const workspace& mine, std::int64_t pack) {
    return reinterpret_cast<T*>(mine.row_reals) + pack * row_size.kept_reals;
  }
  static KERNFOLD_LAYER math::index_t<T>* kept_indices(const workspace& mine, std::int64_t pack) {
    return reinterpret_cast<math::index_t<T>*>(mine.row_indices) + pack * row_size.kept_indices;
  }
  static KERNFOLD_LAYER row_values<T> rows_of(const workspace& mine, std::int64_t pack, std::int64_t first_row) {
    return {kept_reals(mine, pack), kept_indices(mine, pack), row_numbers(first_row + pack * lanes)};
  }

  /// The columns of a tile meet the rows of a group, whose states begin with the first of them.
  struct fold_tile {
    static KERNFOLD_LAYER void run(const workspace& mine, char* to, stretch rows, stretch columns, bool is_first) {
      const column_tile<real> tile{static_cast<const real*>(mine.column_reals), mine.column_indices,
                                   int(columns.end - columns.first), columns.first};
      for (std::int64_t pack = 0; pack < pack_count(rows); ++pack) {
        states& s = reinterpret_cast<states*>(to)[pack];
        if (is_first) loop::identity(s);
        loop::fold_tile(s, parameters_of(mine), rows_of(mine, pack, rows.first), tile);
      }
    }
  };

  struct merge {
    static KERNFOLD_LAYER void run(char* to, const char* later, std::int64_t packs) {
      for (std::int64_t pack = 0; pack < packs; ++pack) {
        keep_loop_simple();
        loop::merge(reinterpret_cast<states*>(to)[pack], reinterpret_cast<const states*>(later)[pack]);
      }
    }
  };

  /// Writes the results of rows, or folds each block of them into one state.
  struct finish_rows {
    static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, char* from, stretch rows,
                                    void* blocks) {
      for (std::int64_t pack = 0; pack < pack_count(rows); ++pack) {
        const std::int64_t first = rows.first + pack * lanes;
        const int valid = int(rows.end - first < lanes ? rows.end - first : lanes);
        const states& s = reinterpret_cast<const states*>(from)[pack];
        typename loop::pair_frame f;
        loop::see_rows(f, parameters_of(mine), rows_of(mine, pack, rows.first));
        keep_loop_simple();
        if constexpr (Plan::folds_rows)
          fold_lanes(static_cast<block_states*>(blocks)[first / row_block], s, f, first, valid, arrays.columns);
        else write_states(arrays, s, f, first, valid);
      }
    }

   private:
    /// The lanes of a pack, one after the other, into the state of their block. Blocks are whole packs of any width, and
    /// their rows merge in ascending order, so the order does not depend on the width.
    static KERNFOLD_LAYER void fold_lanes(block_states& block, const states& s, const typename loop::pair_frame& f,
                                           std::int64_t first, int valid, std::int64_t columns) {
      if (first % row_block == 0) scalar_loop::identity(block);
      for (int l = 0; l < valid; ++l) {
        block_states row;
        scalar_loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
          using entry = typename scalar_loop::template fold_number<Fold>;
          entry::fold::extract(get<Fold>(row), get<Fold>(s), l, (first + l) * columns);
          if constexpr (entry::outer_root >= 0) {
            if (columns > 0) entry::fold::scale(get<Fold>(row), math::get(root_of<entry::outer_root>(f)(0), l));
          }
        });
        scalar_loop::merge(block, row);
      }
    }
  };

  /// axis::both: the blocks' states merged pair by pair, in a tree that depends on their number only, and written.
  static void finish(const sweep_arrays& arrays, void* blocks) {
    if constexpr (Plan::folds_rows) {
      const flush_subnormals guard;
      const std::int64_t count = (arrays.rows + row_block - 1) / row_block;
      block_states* const all = static_cast<block_states*>(blocks);
      if (count == 0) scalar_loop::identity(all[0]);
      for (std::int64_t step = 1; step < count; step *= 2)
        for (std::int64_t b = 0; b + step < count; b += 2 * step) scalar_loop::merge(all[b], all[b + step]);
      row_steps<Plan, real>::write_states(arrays, all[0], no_source{}, 0, 1);
    }
  }

  /// Writes the components of states; Frame, where there is one, has the factors that left the sums.
  template <class Frame>
  static KERNFOLD_LAYER void write_states(const sweep_arrays& arrays, const states& s, const Frame& f, std::int64_t first,
                                           int valid) {
    loop::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
      using entry = typename loop::template fold_number<Fold>;
      using fold = typename entry::fold;
      constexpr bool has_factor = entry::outer_root >= 0 && !std::is_same_v<Frame, no_source>;
      constexpr int outer_dim = has_factor ? outer_dim_of<entry::outer_root>() : 1;
      constexpr int dim = outer_dim > fold::dim ? outer_dim : fold::dim;
      for (int k = 0; k < dim; ++k) {
        auto value = fold::finish(get<Fold>(s), fold::dim == 1 ? 0 : k);
        if constexpr (has_factor) {
          if (arrays.columns > 0)  // the sum of no columns is 0, whatever multiplies it
            value = value * root_of<entry::outer_root>(f).broadcast(k);
        }
        write<fold::result>(arrays.outputs[Fold], value, first, valid, k);
      }
    });
  }

 private:
  template <int Root>
  static consteval int outer_dim_of() {
    if constexpr (Root >= 0) return P::at(P::root(Root)).dim;
    else return 1;
  }
  template <kind Result, class V>
  static KERNFOLD_LAYER void write(const output_array& out, const V& value, std::int64_t first, int valid, int k) {
    using element = std::conditional_t<Result == kind::index, std::int64_t, real>;
    element numbers[lanes];
    KERNFOLD_NO_UNROLL
    for (int l = 0; l < lanes; ++l) numbers[l] = math::get(value, l);
    scatter_rows(static_cast<element*>(out.data) + (first * out.row_stride + k * out.col_stride), numbers, out.row_stride,
                 valid, out.add);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
