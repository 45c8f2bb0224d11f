// kernfold/engine/agent.hpp: the one loop nest. The rows that a lane holds meet the columns of a tile, in blocks: the
// pair stage of the program is evaluated for each, and the folds absorb its roots.
//
// A processor overlaps the chains of dependent instructions of as many pairs as its schedulers hold, which for long
// chains are too few. So where a type of lanes says so, the pair stage is cut in two: one pass over some columns up to
// what an exponential starts from, which goes to a small array, and another pass from there. The results are the same.
// And where most columns change nothing, as for nearest neighbours, those that may are found first.
#pragma once

#include "../reduction/concepts.hpp"
#include "pair_passes.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// What the parameter stage kept.
template <class Real> struct parameter_values {
  const Real* reals;
  const std::int64_t* indices;
  // Of vectors of run-time dimension, where there are any: see vector_frame.
  const Real* vectors = nullptr;
  const vector_place* places = nullptr;
  int first_component = 0;
};

/// What the row stage kept for one set of lanes, and the rows' numbers.
template <class T> struct row_values {
  const T* reals;                   // (kept reals)
  const math::index_t<T>* indices;  // (kept indices)
  math::index_t<T> numbers;
  const T* vectors = nullptr;
};

/// What the column stage kept for the columns of a tile.
template <class Real> struct column_tile {
  const Real* reals;            // (count, kept reals, padded as the lanes want it)
  const std::int64_t* indices;  // (count, kept indices)
  int count;
  std::int64_t first;             // number of the first column
  const Real* vectors = nullptr;  // (components, vector_stride)
  std::int64_t vector_stride = 0;
};

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {

/// The roots of a column block, as a fold sees them. Late: the nodes that are evaluated only where a late root is
/// asked for.
template <class Roots, int FirstRoot, class Late, class Frame> struct root_values {
  Frame* frames;
  template <int R> KERNFOLD_HD_LAYER auto root(int column) const {
    return operand_in<type_at<Roots, FirstRoot + R>, Frame, no_source>{frames[column], {}};
  }
  template <int R> KERNFOLD_HD_LAYER auto late_root(int column) const {
    evaluate(frames[column], no_source{}, Late{});
    return root<R>(column);
  }
};

}  // namespace KERNFOLD_ABI

/// The column from which on all of the folds let blocks be skipped that change nothing; -1 for none.
template <class... Folds> consteval int skips_from() {
  int from = 0;
  if constexpr ((requires { Folds::skips_from; } && ...)) {
    ((from = Folds::skips_from > from ? Folds::skips_from : from), ...);
    return ((Folds::skips_from >= 0) && ...) ? from : -1;
  }
  return -1;
}
template <class Fold> consteval int late_roots_of() {
  if constexpr (requires { Fold::late_roots; }) return Fold::late_roots;
  else return 0;
}
/// Whether the pair stage contracts vectors too long to be unrolled.
template <class P> consteval bool has_long_contractions() {
  using graph = typename P::graph;
  for (int k = 0; k < graph::count; ++k)
    if (graph::node(k).dim == 1 && stage_of(graph::node(k).depends, P::rows) == stage::pair)
      for (const int from : graph::node(k).arguments.at)
        if (from >= 0 && graph::node(from).dim > unrolled_dim) return true;
  return false;
}
/// Columns that a fold absorbs at a time where vectors are long.
template <class Fold> consteval int longest_column_block() {
  if constexpr (requires { Fold::long_column_block; }) return Fold::long_column_block;
  else return Fold::column_block;
}
/// The nodes of a program's pair stage without those that only the late roots of the folds at At... need.
template <class P, class... At> consteval auto prompt_nodes() {
  bool is_wanted[P::root_count + 1];
  for (bool& wanted : is_wanted) wanted = true;
  const auto exclude = [&](int first, int late) {
    for (int r = first; r < first + late; ++r) is_wanted[r] = false;
  };
  (exclude(At::first_root, late_roots_of<typename At::fold>()), ...);
  return P::scheduled_for(is_wanted);
}
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Lets a frame of the pair stage see the rows: enough for what multiplies a result once per row.
template <class T, int LocalReals, int LocalIndices, class Column>
KERNFOLD_HD_LAYER void see_rows(frame<stage::pair, T, LocalReals, LocalIndices, Column>& f,
                                const parameter_values<math::real_of<T>>& parameters, const row_values<T>& rows) {
  f.parameters = parameters.reals;
  f.parameter_indices = parameters.indices;
  f.rows = rows.reals;
  f.row_indices = rows.indices;
  f.row_number = rows.numbers;
}

/// The same for vectors of run-time dimension.
template <class T, int LocalReals, int LocalIndices, class Column>
KERNFOLD_HD_LAYER void see_rows(vector_frame<stage::pair, T, LocalReals, LocalIndices, Column>& f,
                                const parameter_values<math::real_of<T>>& parameters, const row_values<T>& rows) {
  see_rows(static_cast<frame<stage::pair, T, LocalReals, LocalIndices, Column>&>(f), parameters, rows);
  f.places = parameters.places;
  f.parameter_vectors = parameters.vectors;
  f.first_component = parameters.first_component;
  f.row_vectors = rows.vectors;
}

/// Lets a frame of the pair stage of the program P see column c of a tile.
template <class P, class T, int LocalReals, int LocalIndices>
KERNFOLD_HD_LAYER void see_column(frame<stage::pair, T, LocalReals, LocalIndices>& f,
                                  const column_tile<math::real_of<T>>& tile, int c) {
  constexpr stage_size columns = P::size(stage::column);
  constexpr int reals = math::column_stride<T>(columns.kept_reals), indices = columns.kept_indices;
  f.columns = tile.reals + std::int64_t(c) * reals;
  f.column_indices = tile.indices + std::int64_t(c) * indices;
  f.column_number = tile.first + c;
}

template <class P, class T, int LocalReals, int LocalIndices>
KERNFOLD_HD_LAYER void see_column(vector_frame<stage::pair, T, LocalReals, LocalIndices>& f,
                                  const column_tile<math::real_of<T>>& tile, int c) {
  see_column<P>(static_cast<frame<stage::pair, T, LocalReals, LocalIndices>&>(f), tile, c);
  f.column_vectors = tile.vectors + c;
  f.column_stride = tile.vector_stride;
}

/// What the rows of T know of the columns, for each of the Folds, a type_list of fold_at<...>: nothing of it depends on
/// a program.
template <class Folds, class T, class Places = std::make_integer_sequence<int, Folds::size>> struct fold_states;
template <class... At, class T, int... Place>
struct fold_states<type_list<At...>, T, std::integer_sequence<int, Place...>> {
  using folds = type_list<At...>;
  using lanes = T;
  using states = detail::slot_list_of<typename At::fold::template state<T>...>;
  using fold_numbers = std::integer_sequence<int, Place...>;
  template <int Fold> using fold_number = type_at<folds, Fold>;
  static constexpr bool has_factors = ((At::outer_root >= 0) || ...);  // any that left a sum

  static KERNFOLD_HD_LAYER void identity(states& s) { (At::fold::identity(detail::get<Place>(s)), ...); }
  static KERNFOLD_HD_LAYER void merge(states& s, const states& later) {
    (At::fold::merge(detail::get<Place>(s), detail::get<Place>(later)), ...);
  }
  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F> static KERNFOLD_HD_LAYER void for_each_fold(F&& f) { (f(detail::place<Place>{}), ...); }
};

/// P: the program. Folds: a type_list of fold_at<...>. T: the lanes. MostPasses: 1, or 2 where the pair stage may be
/// cut.
template <class P, class Folds, class T, int MostPasses = 2,
          class Places = std::make_integer_sequence<int, Folds::size>>
struct agent;
template <class P, class... At, class T, int MostPasses, int... Place>
struct agent<P, type_list<At...>, T, MostPasses, std::integer_sequence<int, Place...>>
    : fold_states<type_list<At...>, T> {
  using real = math::real_of<T>;
  using states = typename fold_states<type_list<At...>, T>::states;
  using accumulators = detail::slot_list_of<typename At::fold::template accumulator<T>...>;
  using pair_frame = frame_of<P, stage::pair, T>;

  /// Whether absorbing the roots is itself a long chain.
  static constexpr bool has_chains = (requires { At::fold::is_chain; } || ...);

  /// Whether vectors are too long for registers: then pairs are evaluated in blocks, each step for all pairs of a
  /// block.
  static constexpr bool has_long_vectors =
      P::has_run_time_dims || (math::lane_count<T> > 1 &&
                               (detail::has_long_contractions<P>() ||
                                ((detail::longest_column_block<typename At::fold>() > At::fold::column_block) || ...)));

  /// Columns at a time that the most demanding fold asks for.
  static constexpr int columns_of_folds = [] {
    int widest = 1;
    ((widest = At::fold::column_block > widest ? At::fold::column_block : widest), ...);
    return widest;
  }();
  /// Columns at a time: for long vectors as many sums as a processor adds to side by side.
  static constexpr int column_block = has_long_vectors ? 8 : columns_of_folds;

  /// Columns per pass of a pair stage in two passes; 0 for one pass.
  static constexpr int pass_columns = [] {
    if constexpr (MostPasses > 1 && !has_long_vectors && requires { math::lane_traits<T>::pass_columns; })
      return detail::cut_pair_stage<P>(has_chains).carried_reals > 0 ? math::lane_traits<T>::pass_columns : 0;
    else return 0;
  }();

  /// Whether one pass is there as well, for processors that are faster so.
  static constexpr bool may_take_one_pass = [] {
    if constexpr (pass_columns > 0) return math::lane_traits<T>::may_take_one_pass;
    else return false;
  }();

  /// The column from which on blocks are skipped that change nothing, -1 for none: where branches are dear.
  static constexpr int skips_from = pass_columns == 0 && !has_long_vectors && !math::has_cheap_branches<T> &&
                                            math::lane_count<T> > 1
                                        ? detail::skips_from<typename At::fold...>()
                                        : -1;

  /// On a device: columns whose pairs are evaluated side by side, so that the loop's own work is small beside theirs.
  static constexpr int columns_unrolled = [] {
    constexpr int pair = P::size(stage::pair).local_reals, row = P::size(stage::row).kept_reals;
    const int columns = row + pair > 32 ? 2 : pair > 8 ? 4 : 8;
    return column_block < columns ? columns / column_block : 1;
  }();

  /// Folds the columns of a tile into the states of the rows.
  static KERNFOLD_HD_LAYER void fold_tile(states& s, const parameter_values<real>& parameters,
                                          const row_values<T>& rows, const column_tile<real>& tile) {
    accumulators a;
    (At::fold::open(detail::get<Place>(a), detail::get<Place>(s), tile.first), ...);
    if constexpr (skips_from >= 0) {
      fold_wanted_columns(a, parameters, rows, tile);
    } else if constexpr (pass_columns > 0) {
      for (int c = 0; c < tile.count; c += pass_columns)
        fold_in_two_passes(a, parameters, rows, tile, c, tile.count < c + pass_columns ? tile.count : c + pass_columns);
    } else {
      fold_columns(a, parameters, rows, tile, 0, tile.count, nullptr);
    }
    (At::fold::close(detail::get<Place>(s), detail::get<Place>(a), tile.first), ...);
  }

 private:
  static constexpr auto passes = detail::cut_pair_stage<P>(has_chains);
  struct first_pass {
    static constexpr auto nodes = passes.first;
  };
  struct second_pass {
    static constexpr auto nodes = passes.second;
  };
  struct no_pass {
    static constexpr detail::node_selection<0> nodes{};
  };
  static constexpr int carried = passes.carried_reals;

  /// Where a fold seldom asks for some of its roots, the others come first. (In two passes all come at once.)
  static constexpr bool has_late_roots = pass_columns == 0 && ((detail::late_roots_of<typename At::fold>() > 0) || ...);
  struct prompt_pass {
    static constexpr auto nodes = detail::prompt_nodes<P, At...>();
  };
  struct late_pass {
    static constexpr auto nodes = P::scheduled(stage::pair).without(prompt_pass::nodes);
  };
  using prompt = selected<P, std::conditional_t<has_late_roots, prompt_pass, detail::scheduled_nodes<P, stage::pair>>>;
  using late = selected<P, std::conditional_t<has_late_roots, late_pass, no_pass>>;
  static constexpr int step = pass_columns > 0 ? carried : 0;  // from what one column carried to the next's

  /// Finds the column blocks that may change something, then folds those. Their pairs are evaluated twice, which costs
  /// less than a branch at every block that no processor foresees.
  static KERNFOLD_HD_LAYER void fold_wanted_columns(accumulators& a, const parameter_values<real>& parameters,
                                                    const row_values<T>& rows, const column_tile<real>& tile) {
    constexpr auto whole = std::make_integer_sequence<int, column_block>{};
    constexpr int most_blocks = 64;
    const int blocks = tile.count / column_block, unasked = unasked_blocks(tile.first);
    for (int first = 0, count; first < blocks; first += count) {
      const int left = (first < unasked && unasked < blocks ? unasked : blocks) - first;
      count = left < most_blocks ? left : most_blocks;
      std::uint64_t wanted = ~std::uint64_t(0) >> (most_blocks - count);
      if (first >= unasked) {
        wanted = 0;
        for (int k = 0; k < count; ++k)
          wanted |= std::uint64_t(wants_columns(a, parameters, rows, tile, (first + k) * column_block, whole)) << k;
      }
      for (; wanted != 0; wanted &= wanted - 1)
        fold_column_block(a, parameters, rows, tile, (first + math::lowest_bit(wanted)) * column_block, nullptr, whole);
    }
    if constexpr (column_block > 1)
      for (int c = blocks * column_block; c < tile.count; ++c)
        fold_column_block(a, parameters, rows, tile, c, nullptr, std::integer_sequence<int, 0>{});
  }
  /// The blocks at the beginning of a tile that are folded in any case: among the first columns of all most change
  /// something, and bounds are made anew in each tile.
  static KERNFOLD_HD_LAYER int unasked_blocks(std::int64_t first_column) {
    constexpr int least = has_late_roots;
    const std::int64_t blocks = (skips_from - first_column) / column_block;
    return blocks > least ? int(blocks) : least;
  }
  template <int... Columns>
  static KERNFOLD_HD_LAYER bool wants_columns(const accumulators& a, const parameter_values<real>& parameters,
                                              const row_values<T>& rows, const column_tile<real>& tile, int c,
                                              std::integer_sequence<int, Columns...>) {
    KERNFOLD_KEEP_LOOP_WHOLE;
    pair_frame frames[sizeof...(Columns)];
    (evaluate_pair(frames[Columns], parameters, rows, tile, c + Columns, nullptr), ...);
    return (
        At::fold::template wants<sizeof...(Columns)>(
            detail::get<Place>(a), detail::root_values<root_operands<P>, At::first_root, late, pair_frame>{frames}) ||
        ...);
  }

  static KERNFOLD_HD_LAYER void fold_in_two_passes(accumulators& a, const parameter_values<real>& parameters,
                                                   const row_values<T>& rows, const column_tile<real>& tile, int c,
                                                   int end) {
    alignas(64) T between[pass_columns * carried];
    KERNFOLD_UNROLL_PASS
    for (int k = c; k < end; ++k) {
      KERNFOLD_KEEP_LOOP_WHOLE;
      pair_frame f;
      see_pair(f, parameters, rows, tile, k);
      detail::evaluate(f, detail::no_source{}, selected<P, first_pass>{});
      for_each_component<carried>(
          [&](int r) KERNFOLD_INLINE_LAMBDA { between[(k - c) * carried + r] = f.local[passes.carried_offset[r]]; });
    }
    fold_columns(a, parameters, rows, tile, c, end, between);
  }
  /// Columns begin, ..., end - 1; `between` has what a first pass carried, or is null.
  static KERNFOLD_HD_LAYER void fold_columns(accumulators& a, const parameter_values<real>& parameters,
                                             const row_values<T>& rows, const column_tile<real>& tile, int begin,
                                             int end, const T* between) {
    constexpr auto whole = std::make_integer_sequence<int, column_block>{};
    int c = begin;
    if constexpr (pass_columns > 0) {
      KERNFOLD_UNROLL_PASS
      for (; c + column_block <= end; c += column_block)
        fold_column_block(a, parameters, rows, tile, c, between + (c - begin) * step, whole);
    } else {
      KERNFOLD_UNROLL_BY(columns_unrolled)
      for (; c + column_block <= end; c += column_block)
        fold_column_block(a, parameters, rows, tile, c, between, whole);
    }
    if constexpr (column_block > 1)
      for (; c < end; ++c)
        fold_column_block(a, parameters, rows, tile, c, between + (c - begin) * step, std::integer_sequence<int, 0>{});
  }
  template <int... Columns>
  static KERNFOLD_HD_LAYER void fold_column_block(accumulators& a, const parameter_values<real>& parameters,
                                                  const row_values<T>& rows, const column_tile<real>& tile, int c,
                                                  const T* between, std::integer_sequence<int, Columns...>) {
    KERNFOLD_KEEP_LOOP_WHOLE;
    constexpr int count = sizeof...(Columns);
    pair_frame frames[count];
    if constexpr (has_long_vectors) {
      (see_pair(frames[Columns], parameters, rows, tile, c + Columns), ...);
      detail::evaluate_pairs<count>(frames, prompt{});
      (absorb_in_turn<At, detail::longest_column_block<typename At::fold>(), count>(detail::get<Place>(a), frames, c),
       ...);
    } else {
      (evaluate_pair(frames[Columns], parameters, rows, tile, c + Columns, between + Columns * step), ...);
      (At::fold::template absorb<count>(
           detail::get<Place>(a), detail::root_values<root_operands<P>, At::first_root, late, pair_frame>{frames}, c),
       ...);
    }
  }
  /// Most columns at a time, or all of fewer.
  template <class Fold, int Most, int Count, class Accumulator>
  static KERNFOLD_HD_LAYER void absorb_in_turn(Accumulator& a, pair_frame* frames, int c) {
    constexpr int Each = Most < Count ? Most : Count;
    for_each_component<Count / Each>([&](int n) KERNFOLD_INLINE_LAMBDA {
      Fold::fold::template absorb<Each>(
          a, detail::root_values<root_operands<P>, Fold::first_root, late, pair_frame>{frames + n * Each},
          c + n * Each);
    });
  }
  static KERNFOLD_HD_LAYER void evaluate_pair(pair_frame& f, const parameter_values<real>& parameters,
                                              const row_values<T>& rows, const column_tile<real>& tile, int c,
                                              [[maybe_unused]] const T* between) {
    see_pair(f, parameters, rows, tile, c);
    if constexpr (pass_columns > 0) {
      for_each_component<carried>(
          [&](int r) KERNFOLD_INLINE_LAMBDA { f.local[passes.carried_offset[r]] = math::from_memory(between[r]); });
      detail::evaluate(f, detail::no_source{}, selected<P, second_pass>{});
    } else {
      detail::evaluate(f, detail::no_source{}, prompt{});
    }
  }
  static KERNFOLD_HD_LAYER void see_pair(pair_frame& f, const parameter_values<real>& parameters,
                                         const row_values<T>& rows, const column_tile<real>& tile, int c) {
    see_rows(f, parameters, rows);
    see_column<P>(f, tile, c);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
