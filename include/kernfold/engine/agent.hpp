// kernfold/engine/agent.hpp: the one loop nest. The rows that a lane holds meet the columns of a tile, in blocks: the
// pair stage of the program is evaluated for each, and the folds absorb its roots.
#pragma once

#include "../reduction/concepts.hpp"

namespace kernfold {
inline namespace KERNFOLD_ABI {

/// What the parameter stage kept.
template <class Real>
struct parameter_values {
  const Real* reals;
  const std::int64_t* indices;
};

/// What the row stage kept for one set of lanes, and the rows' numbers.
template <class T>
struct row_values {
  const T* reals;                        // (kept reals)
  const math::index_t<T>* indices;       // (kept indices)
  math::index_t<T> numbers;
};

/// What the column stage kept for the columns of a tile.
template <class Real>
struct column_tile {
  const Real* reals;                     // (count, kept reals)
  const std::int64_t* indices;           // (count, kept indices)
  int count;
  std::int64_t first;                    // number of the first column
};

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {

/// The roots of a block of columns, as a fold sees them.
template <int FirstRoot, class Frame>
struct root_values {
  const Frame* frames;
  template <int R>
  KERNFOLD_HD auto root(int column) const { return root_of<FirstRoot + R>(frames[column]); }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// P: the program. Folds: a type_list of fold_at<...>. T: the lanes.
template <class P, class Folds, class T>
struct agent;
template <class P, class... At, class T>
struct agent<P, type_list<At...>, T> {
  using real = math::real_of<T>;
  using states = detail::slot_list_of<typename At::fold::template state<T>...>;
  using accumulators = detail::slot_list_of<typename At::fold::template accumulator<T>...>;
  using pair_frame = frame<P, stage::pair, T>;
  static constexpr int fold_count = sizeof...(At);
  using fold_numbers = std::make_integer_sequence<int, fold_count>;
  template <int Fold>
  using fold_number = type_at<type_list<At...>, Fold>;

  /// Columns per block: what the most demanding fold asks for.
  static constexpr int block = [] {
    int widest = 1;
    ((widest = At::fold::block > widest ? At::fold::block : widest), ...);
    return widest;
  }();

  static KERNFOLD_HD void identity(states& s) {
    for_each_fold([&]<int Fold>(detail::place<Fold>) KERNFOLD_INLINE_LAMBDA {
      fold_number<Fold>::fold::identity(detail::get<Fold>(s));
    });
  }
  static KERNFOLD_HD void merge(states& s, const states& later) {
    for_each_fold([&]<int Fold>(detail::place<Fold>) KERNFOLD_INLINE_LAMBDA {
      fold_number<Fold>::fold::merge(detail::get<Fold>(s), detail::get<Fold>(later));
    });
  }

  /// Folds the columns of a tile into the states of the rows.
  static KERNFOLD_HD void fold_tile(states& s, const parameter_values<real>& parameters, const row_values<T>& rows,
                                    const column_tile<real>& tile) {
    accumulators a;
    for_each_fold([&]<int Fold>(detail::place<Fold>) KERNFOLD_INLINE_LAMBDA {
      fold_number<Fold>::fold::open(detail::get<Fold>(a), detail::get<Fold>(s), tile.first);
    });
    int c = 0;
    for (; c + block <= tile.count; c += block) fold_block(a, parameters, rows, tile, c, std::make_integer_sequence<int, block>{});
    if constexpr (block > 1)
      for (; c < tile.count; ++c) fold_block(a, parameters, rows, tile, c, std::integer_sequence<int, 0>{});
    for_each_fold([&]<int Fold>(detail::place<Fold>) KERNFOLD_INLINE_LAMBDA {
      fold_number<Fold>::fold::close(detail::get<Fold>(s), detail::get<Fold>(a), tile.first);
    });
  }

  /// Lets a frame of the pair stage see the rows: enough for what multiplies a result once per row.
  static KERNFOLD_HD void see_rows(pair_frame& f, const parameter_values<real>& parameters, const row_values<T>& rows) {
    f.parameters = parameters.reals;
    f.parameter_indices = parameters.indices;
    f.rows = rows.reals;
    f.row_indices = rows.indices;
    f.row_number = rows.numbers;
  }

  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F>
  static KERNFOLD_HD void for_each_fold(F&& f) {
    for_each_fold(f, fold_numbers{});
  }

 private:
  KERNFOLD_EXEC_CHECK_DISABLE
  template <class F, int... Is>
  static KERNFOLD_HD void for_each_fold(F& f, std::integer_sequence<int, Is...>) {
    (f(detail::place<Is>{}), ...);
  }

  template <int... Columns>
  static KERNFOLD_HD void fold_block(accumulators& a, const parameter_values<real>& parameters, const row_values<T>& rows,
                                     const column_tile<real>& tile, int c, std::integer_sequence<int, Columns...>) {
    pair_frame frames[sizeof...(Columns)];
    (evaluate_pair(frames[Columns], parameters, rows, tile, c + Columns), ...);
    for_each_fold([&]<int Fold>(detail::place<Fold>) KERNFOLD_INLINE_LAMBDA {
      fold_number<Fold>::fold::template absorb<sizeof...(Columns)>(
          detail::get<Fold>(a), detail::root_values<fold_number<Fold>::first_root, pair_frame>{frames}, c);
    });
  }
  static KERNFOLD_HD void evaluate_pair(pair_frame& f, const parameter_values<real>& parameters, const row_values<T>& rows,
                                        const column_tile<real>& tile, int c) {
    constexpr stage_size columns = P::size(stage::column);
    constexpr int reals = columns.kept_reals, indices = columns.kept_indices;
    see_rows(f, parameters, rows);
    f.columns = tile.reals + std::int64_t(c) * reals;
    f.column_indices = tile.indices + std::int64_t(c) * indices;
    f.column_number = tile.first + c;
    evaluate(f);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
