// kernfold/engine/cpu/steps.hpp: the steps of a sweep for one formula and one type of lanes. Each is the body of an
// entry function, whose target is inlined down to the last operator.
#pragma once

#include "../agent.hpp"
#include "vectors.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// In a loop that runs once per row or column: keeps the compiler from making vector versions of it, which would cost
/// more time to compile than they could save.
KERNFOLD_LAYER void keep_loop_simple() { __asm__ volatile("" ::: "memory"); }

/// What a stage keeps of one row or column goes where the pair stage finds it: value k beside those of the other lanes
/// of its pack, `lanes` numbers apart. A function of its own, so that no formula compiles it again.
template <class Value> KERNFOLD_ONCE void scatter_kept(Value* to, const Value* from, int count, int lanes) {
  for (int k = 0; k < count; ++k) to[k * lanes] = from[k];
}

/// What the stage S keeps of one row or column. In scalars whatever the instruction set: it runs once per row or column
/// and not once per pair, and so is compiled for fewer sets.
template <class Plan, stage S>
KERNFOLD_LAYER void evaluate_one(const sweep_arrays& arrays, const workspace& mine, std::int64_t number,
                                 typename Plan::real* kept, std::int64_t* kept_indices) {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  frame_of<P, S, real> f;
  f.parameters = static_cast<const real*>(mine.parameters);
  f.parameter_indices = mine.parameter_indices;
  f.kept = kept;
  f.kept_indices = kept_indices;
  if constexpr (P::has_run_time_dims) {
    f.places = mine.vectors->places;
    f.parameter_vectors = static_cast<const real*>(mine.parameter_vectors);
  }
  if constexpr (P::rows == role::edge) {
    f.row_number = arrays.ends->i[number];
    f.column_number = arrays.ends->j[number];
    evaluate(f, end_source<real>{arrays.leaves, f.row_number, f.column_number, number}, whole_stage<P, S>{});
  } else {
    f.row_number = number;
    f.column_number = number;
    const std::int64_t row = S == stage::column ? number - arrays.first_column : number;
    evaluate(f, single_source<real>{arrays.leaves, row}, whole_stage<P, S>{});
  }
}

/// The values of a stretch of rows. The lanes of the last pack that have no row of their own repeat the last row: they
/// compute what nobody reads.
template <class Plan> struct prepare_rows_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static constexpr stage_size size = P::size(stage::row);

  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, stretch rows, int lanes) {
    const std::int64_t padded = (rows.end - rows.first + lanes - 1) / lanes * lanes;
    for (std::int64_t n = 0; n < padded; ++n) {
      const std::int64_t pack = n / lanes, lane = n % lanes, row = rows.first + n;
      real kept[size.kept_reals + 1];
      std::int64_t kept_indices[size.kept_indices + 1];
      keep_loop_simple();
      evaluate_one<Plan, stage::row>(arrays, mine, row < rows.end ? row : rows.end - 1, kept, kept_indices);
      if constexpr (size.kept_reals > 0 && size.kept_reals <= 4)
        for_each_component<size.kept_reals>([&](int k) KERNFOLD_INLINE_LAMBDA {
          static_cast<real*>(mine.row_reals)[(pack * size.kept_reals + k) * lanes + lane] = kept[k];
        });
      else if constexpr (size.kept_reals > 0)
        scatter_kept(static_cast<real*>(mine.row_reals) + pack * lanes * size.kept_reals + lane, kept, size.kept_reals,
                     lanes);
      if constexpr (size.kept_indices > 0)
        scatter_kept(mine.row_indices + pack * lanes * size.kept_indices + lane, kept_indices, size.kept_indices,
                     lanes);
      if constexpr (P::has_run_time_dims) {
        real* const vectors = static_cast<real*>(mine.row_vectors) + pack * lanes * mine.vectors->rows + lane;
        vector_leaves<P>::template read<stage::row, real>(arrays, *mine.vectors, row < rows.end ? row : rows.end - 1,
                                                          [&](int k, real value)
                                                              KERNFOLD_INLINE_LAMBDA { vectors[k * lanes] = value; });
      }
    }
  }
};

/// The values of a stretch of columns, one column after the other, `Stride` reals apart.
template <class Plan, int Stride> struct prepare_columns_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static constexpr stage_size size = P::size(stage::column);

  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, stretch columns) {
    real* const reals = static_cast<real*>(mine.column_reals);
    for (std::int64_t n = 0; n < columns.end - columns.first; ++n) {
      keep_loop_simple();
      evaluate_one<Plan, stage::column>(arrays, mine, columns.first + n, reals + n * Stride,
                                        mine.column_indices + n * size.kept_indices);
      if constexpr (P::has_run_time_dims)
        vector_leaves<P>::template read<stage::column, real>(
            arrays, *mine.vectors, columns.first + n - arrays.first_column,
            [&](int k, real value) KERNFOLD_INLINE_LAMBDA {
              static_cast<real*>(mine.column_vectors)[k * mine.vector_stride + n] = value;
            });
    }
  }
};

template <class Plan> struct prepare_parameters_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine) {
    frame_of<P, stage::parameter, real> f;
    f.kept = static_cast<real*>(mine.parameters);
    f.kept_indices = mine.parameter_indices;
    if constexpr (P::has_run_time_dims) {
      f.places = mine.vectors->places;
      vector_leaves<P>::template read<stage::parameter, real>(
          arrays, *mine.vectors, 0,
          [&](int k, real value) KERNFOLD_INLINE_LAMBDA { static_cast<real*>(mine.parameter_vectors)[k] = value; });
    }
    evaluate(f, single_source<real>{arrays.leaves, 0}, whole_stage<P, stage::parameter>{});
  }
};

constexpr std::int64_t pack_count(stretch rows, int lanes) { return (rows.end - rows.first + lanes - 1) / lanes; }
template <class Real> KERNFOLD_LAYER parameter_values<Real> parameters_of(const workspace& mine) {
  return {static_cast<const Real*>(mine.parameters), mine.parameter_indices,
          static_cast<const Real*>(mine.parameter_vectors), mine.vectors->places, int(mine.arrays.first_component)};
}
/// What the column stage kept of some columns.
template <class Real> KERNFOLD_LAYER column_tile<Real> tile_of(const workspace& mine, stretch columns) {
  return {static_cast<const Real*>(mine.column_reals),
          mine.column_indices,
          int(columns.end - columns.first),
          columns.first,
          static_cast<const Real*>(mine.column_vectors),
          mine.vector_stride};
}
/// What the row stage kept of a pack of rows.
template <class P, class T>
KERNFOLD_LAYER row_values<T> rows_of(const workspace& mine, std::int64_t pack, std::int64_t first_row) {
  constexpr stage_size size = P::size(stage::row);
  row_values<T> rows{reinterpret_cast<T*>(mine.row_reals) + pack * size.kept_reals,
                     reinterpret_cast<math::index_t<T>*>(mine.row_indices) + pack * size.kept_indices,
                     {}};
  if constexpr (P::has_run_time_dims) rows.vectors = static_cast<T*>(mine.row_vectors) + pack * mine.vectors->rows;
  if constexpr (P::reads_row_number) rows.numbers = math::iota<T>(first_row + pack * math::lane_count<T>);
  return rows;
}

/// The columns of a tile meet the rows of a group, whose states begin with the first of them.
template <class Plan, class T> struct fold_tile_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  template <int MostPasses> using loop = agent<P, typename Plan::folds, T, MostPasses>;
  using states = typename loop<1>::states;

  static KERNFOLD_LAYER void run(const workspace& mine, char* to, stretch rows, stretch columns, bool is_first) {
    const column_tile<real> tile = tile_of<real>(mine, columns);
    if constexpr (loop<2>::may_take_one_pass) {
      if (mine.passes == 1) return fold_packs<1>(mine, to, rows, tile, is_first);
    }
    fold_packs<2>(mine, to, rows, tile, is_first);
  }

 private:
  template <int MostPasses>
  static KERNFOLD_LAYER void fold_packs(const workspace& mine, char* to, stretch rows, const column_tile<real>& tile,
                                        bool is_first) {
    for (std::int64_t pack = 0; pack < pack_count(rows, math::lane_count<T>); ++pack) {
      states& s = reinterpret_cast<states*>(to)[pack];
      if (is_first) loop<1>::identity(s);
      loop<MostPasses>::fold_tile(s, parameters_of<real>(mine), rows_of<P, T>(mine, pack, rows.first), tile);
    }
  }
};

/// The states of later columns join those of packs of rows.
template <class States> struct merge_step {
  static KERNFOLD_LAYER void run(char* to, const char* later, std::int64_t packs) {
    using states = typename States::states;
    for (std::int64_t pack = 0; pack < packs; ++pack) {
      keep_loop_simple();
      States::merge(reinterpret_cast<states*>(to)[pack], reinterpret_cast<const states*>(later)[pack]);
    }
  }
};

/// The factors that left the sums of a pack of rows, as roots of a frame that sees the rows.
template <class P, class T> struct row_factors {
  static KERNFOLD_LAYER auto of(const workspace& mine, std::int64_t pack, std::int64_t first_row) {
    frame_of<P, stage::pair, T> f;
    see_rows(f, parameters_of<math::real_of<T>>(mine), rows_of<P, T>(mine, pack, first_row));
    return f;
  }
  template <int Root, class Frame> static KERNFOLD_LAYER auto factor(const Frame& f) { return root_of<P, Root>(f); }
  template <int Root> static constexpr int dim = P::at(P::root(Root)).dim;
};
/// None. A type of its own, so that all programs without factors share what writes their results.
struct no_factors {
  static KERNFOLD_LAYER no_source of(const workspace&, std::int64_t, std::int64_t) { return {}; }
  template <int Root> static KERNFOLD_LAYER no_source factor(const no_source& none) { return none; }
  template <int Root> static constexpr int dim = 1;
};

/// use(states, factors, first row, rows that count) for each pack of a group's rows.
template <class States, class Factors, class Use>
KERNFOLD_LAYER void for_each_pack(const workspace& mine, const char* from, stretch rows, Use use) {
  constexpr int lanes = math::lane_count<typename States::lanes>;
  for (std::int64_t pack = 0; pack < pack_count(rows, lanes); ++pack) {
    const std::int64_t first = rows.first + pack * lanes;
    const auto factors = Factors::of(mine, pack, rows.first);
    keep_loop_simple();
    use(reinterpret_cast<const typename States::states*>(from)[pack], factors, first,
        int(rows.end - first < lanes ? rows.end - first : lanes));
  }
}

/// What the rows of a task meet: the same columns, as many as there are.
struct shared_columns {
  bool has_any;
  explicit shared_columns(const sweep_arrays&, const workspace& mine) : has_any(mine.has_columns) {}
  KERNFOLD_LAYER bool has_columns(std::int64_t) const { return has_any; }
  /// `product` for rows that meet columns, else `sum`. Lane 0 has row `first`.
  template <class T> KERNFOLD_LAYER T unless_empty(const T& product, const T& sum, std::int64_t, int) const {
    return has_any ? product : sum;
  }
  /// The column that a fold knows as number n of the row's.
  KERNFOLD_LAYER std::int64_t number(std::int64_t, std::int64_t n) const { return n; }
  /// axis::both: the number of the pair that a row has with its column 0.
  static KERNFOLD_LAYER std::int64_t first_pair(const sweep_arrays& arrays, std::int64_t row) {
    return row * arrays.columns;
  }
  /// Of all rows.
  struct of_all {
    explicit of_all(const sweep_arrays&) {}
    KERNFOLD_LAYER std::int64_t number(std::int64_t, std::int64_t n) const { return n; }
    template <class T> KERNFOLD_LAYER T unless_empty(const T&, const T& sum, std::int64_t, int) const { return sum; }
  };
};

/// `product` for rows that meet columns, else `sum`: row by row.
template <class Columns, class T>
KERNFOLD_LAYER T choose_by_row(const Columns& columns, const T& product, const T& sum, std::int64_t first, int valid) {
  T value = sum;
  for (int l = 0; l < valid; ++l)
    if (columns.has_columns(first + l)) math::set(value, l, math::get(product, l));
  return value;
}

/// Writes or adds component k of the results of a pack's rows.
template <class Element, int Lanes, class V, class Columns>
KERNFOLD_LAYER void write_lanes(const output_array& out, const V& value, std::int64_t first, int valid, int k,
                                [[maybe_unused]] const Columns& columns) {
  Element numbers[Lanes];
  KERNFOLD_NO_UNROLL
  for (int l = 0; l < Lanes; ++l) {
    if constexpr (std::is_integral_v<Element>)
      numbers[l] = columns.number(first + (l < valid ? l : 0), math::get(value, l));
    else numbers[l] = math::get(value, l);
  }
  scatter_rows(static_cast<Element*>(out.data) + (first * out.row_stride + k * out.col_stride), numbers, out.row_stride,
               valid, out.add);
}
/// How many components of a result of run-time dimension a sweep computes.
KERNFOLD_ONCE int components_left(const sweep_arrays& arrays, int output) {
  const std::int64_t left = arrays.outputs[output].dim - arrays.first_component;
  return left < 0 ? 0 : left < components_of_sweep ? int(left) : components_of_sweep;
}
/// The results of the folds States, times their Factors; rows first, ..., first + valid - 1.
template <class States, class Factors, class Columns, class Frame>
KERNFOLD_LAYER void write_states(const sweep_arrays& arrays, const typename States::states& s,
                                 [[maybe_unused]] const Frame& f, std::int64_t first, int valid,
                                 const Columns& columns) {
  States::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
    using entry = typename States::template fold_number<Fold>;
    using fold = typename entry::fold;
    using real = math::real_of<typename States::lanes>;
    using element = std::conditional_t<fold::result == kind::index, std::int64_t, real>;
    constexpr int lanes = math::lane_count<typename States::lanes>;
    [[maybe_unused]] const int first_component = fold::dim == dynamic ? int(arrays.first_component) : 0;
    const int dim = fold::dim == dynamic ? components_left(arrays, Fold) : fold::dim;
    if constexpr (entry::outer_root >= 0 && !std::is_same_v<Factors, no_factors>) {
      constexpr int factor_dim = Factors::template dim<entry::outer_root>;
      for (int k = 0; k < (factor_dim > dim ? factor_dim : dim); ++k) {
        const auto sum = fold::finish(get<Fold>(s), fold::dim == 1 ? 0 : k);
        // the sum of no columns is 0, whatever multiplies it
        const auto value =
            columns.unless_empty(sum * Factors::template factor<entry::outer_root>(f).broadcast(k), sum, first, valid);
        write_lanes<element, lanes>(arrays.outputs[Fold], value, first, valid, first_component + k, columns);
      }
    } else {
      for (int k = 0; k < dim; ++k)
        write_lanes<element, lanes>(arrays.outputs[Fold], fold::finish(get<Fold>(s), k), first, valid,
                                    first_component + k, columns);
    }
  });
}

/// Writes the results of a group's rows.
template <class States, class Factors, class Columns> struct write_rows_step {
  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, char* from, stretch rows,
                                 block_tree&) {
    for_each_pack<States, Factors>(
        mine, from, rows, [&](const auto& s, const auto& f, std::int64_t first, int valid) KERNFOLD_INLINE_LAMBDA {
          write_states<States, Factors>(arrays, s, f, first, valid, Columns(arrays, mine));
        });
  }
};

/// axis::both: folds the states of each block of rows into one, and at the end those of all blocks.
template <class States, class ScalarStates, class Factors, class Columns> struct fold_rows_step {
  using block_states = typename ScalarStates::states;
  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, char* from, stretch rows,
                                 block_tree& blocks) {
    block_states& block = *static_cast<block_states*>(mine.block_state);
    for_each_pack<States, Factors>(
        mine, from, rows, [&](const auto& s, const auto& f, std::int64_t first, int valid) KERNFOLD_INLINE_LAMBDA {
          if (mine.blocks.begins_at(first)) ScalarStates::identity(block);
          fold_lanes(block, s, f, first, valid, arrays, Columns(arrays, mine));
          if (const std::int64_t end = first + valid; mine.blocks.begins_at(end) || end == rows.end)
            blocks.add(mine.blocks.number_of(first), &block);
        });
  }
  static void merge_blocks(void* to, const void* later) {
    ScalarStates::merge(*static_cast<block_states*>(to), *static_cast<const block_states*>(later));
  }
  /// Writes the state of all rows.
  static void finish(const sweep_arrays& arrays, void* state) {
    const flush_subnormals guard;
    block_states none;
    if (state == nullptr) ScalarStates::identity(none);
    write_states<ScalarStates, no_factors>(arrays, state == nullptr ? none : *static_cast<block_states*>(state),
                                           no_source{}, 0, 1, typename Columns::of_all(arrays));
  }

 private:
  /// The lanes of a pack, one after the other, into the state of their block. Blocks are whole packs of any width, and
  /// their rows merge in ascending order, so the order does not depend on the width.
  template <class Frame>
  static KERNFOLD_LAYER void fold_lanes(block_states& block, const typename States::states& s,
                                        [[maybe_unused]] const Frame& f, std::int64_t first, int valid,
                                        const sweep_arrays& arrays, [[maybe_unused]] const Columns& columns) {
    for (int l = 0; l < valid; ++l) {
      block_states row;
      ScalarStates::for_each_fold([&]<int Fold>(place<Fold>) KERNFOLD_INLINE_LAMBDA {
        using entry = typename ScalarStates::template fold_number<Fold>;
        entry::fold::extract(get<Fold>(row), get<Fold>(s), l, Columns::first_pair(arrays, first + l));
        if constexpr (entry::outer_root >= 0) {
          if (columns.has_columns(first + l))
            entry::fold::scale(get<Fold>(row), math::get(Factors::template factor<entry::outer_root>(f)(0), l));
        }
      });
      ScalarStates::merge(block, row);
    }
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
