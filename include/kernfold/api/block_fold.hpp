// kernfold/api/block_fold.hpp: a fold inside a user's own kernel, by the threads of a block.
//
// Plain C++ against the block interface of engine/cuda/block_sweep.hpp, so that a test can be the device;
// kf::block_fold, for a device's threads, is in block_fold.cuh.
#pragma once

#include "../engine/cuda/block_tiles.hpp"
#include "../engine/eval.hpp"
#include "computation.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Component k of a number or a kf::vec.
template <class Value> KERNFOLD_HD_LAYER auto component_of(const Value& v, [[maybe_unused]] int k) {
  if constexpr (std::is_arithmetic_v<Value>) return v;
  else return v[k];
}
/// A column, from a pointer to rows of Dim numbers or a function of the column's number.
KERNFOLD_EXEC_CHECK_DISABLE
template <int Dim, class Columns>
KERNFOLD_HD_LAYER auto column_component(const Columns& columns, std::int64_t column, int k) {
  if constexpr (std::is_pointer_v<Columns>) return columns[column * Dim + k];
  else return component_of(columns(column), k);
}

/// What an argument of a role is, in a sentence where it is not.
template <class Leaf, class Real, int Rows, bool IsColumn, bool IsRow, class Arg> consteval bool fits_block_fold() {
  if constexpr (IsColumn && std::is_pointer_v<Arg>) {
    constexpr bool same = std::is_same_v<std::remove_cv_t<std::remove_pointer_t<Arg>>, element_in<Leaf, Real>>;
    static_assert(same, "kernfold: the columns of a block_fold have the element type of their variable");
    return same;
  } else if constexpr (IsColumn) {
    constexpr bool callable = requires(const Arg& a, std::int64_t j) { a(j); };
    static_assert(
        callable,
        "kernfold: the columns of a block_fold are a pointer to rows of numbers, or a function of the column's number");
    if constexpr (callable) {
      using value = std::remove_cvref_t<decltype(std::declval<const Arg&>()(std::int64_t()))>;
      constexpr bool dim = value_traits<value>::dim == Leaf::dim;
      static_assert(dim, "kernfold: a value's dimension is not that of its variable");
      return dim;
    } else {
      return false;
    }
  } else {
    constexpr bool is_array = std::is_array_v<Arg>;
    constexpr bool extent = IsRow && Rows > 1 ? is_array && std::extent_v<Arg> == Rows : !is_array;
    static_assert(
        extent,
        "kernfold: a block_fold takes a number or kf::vec for each parameter, and for each variable of the rows: "
        "an array of Rows of them where a thread has several rows");
    constexpr bool dim = value_traits<std::remove_all_extents_t<Arg>>::dim == Leaf::dim;
    static_assert(dim, "kernfold: a value's dimension is not that of its variable");
    return extent && dim;
  }
}

/// How the stages read the arguments of a block_fold: by position, values in registers and columns wherever they are.
template <class P, class Real, int Rows, class... Args> struct block_source {
  static constexpr role row_role = P::rows;
  slot_list_of<const Args*...> args;
  std::int64_t count, column;

  KERNFOLD_HD_LAYER block_source at(std::int64_t c) const { return {args, count, c}; }

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int, int k) const {
    if constexpr (is_origin<Leaf>) {
      using V = typename Leaf::variable;
      return T(median_of_five<Real>(count, [&](std::int64_t c) KERNFOLD_INLINE_LAMBDA { return of_column<V>(c, k); }));
    } else {
      return values<T, Real, Leaf>(k);
    }
  }
  template <class T, class Leaf> KERNFOLD_HD_LAYER math::index_t<T> load_index(int, int k) const {
    return values<math::index_t<T>, std::int64_t, Leaf>(k);
  }

 private:
  template <class V> using given = type_at<type_list<Args...>, V::position>;

  template <class V> KERNFOLD_HD_LAYER Real of_column(std::int64_t c, int k) const {
    return Real(column_component<V::dim>(*get<V::position>(args), c, k));
  }
  template <class Ts, class T, class Leaf> KERNFOLD_HD_LAYER Ts values(int k) const {
    constexpr bool is_row = Leaf::symbol_role == row_role, is_column = !is_row && Leaf::symbol_role != role::parameter;
    if constexpr (fits_block_fold<Leaf, Real, Rows, is_column, is_row, given<Leaf>>()) {
      const auto& arg = *get<Leaf::position>(args);
      if constexpr (is_column) {
        return Ts(T(column_component<Leaf::dim>(arg, column, k)));
      } else if constexpr (is_row && Rows > 1) {
        Ts all;
        KERNFOLD_UNROLL
        for (int l = 0; l < Rows; ++l) math::set(all, l, T(component_of(arg[l], k)));
        return all;
      } else {
        return Ts(T(component_of(arg, k)));
      }
    } else {
      return Ts();
    }
  }
};

template <class Reduction> struct block_fold_plan;
template <class Signature, class Options, class... Items, template <class, class, class...> class Reduction>
struct block_fold_plan<Reduction<Signature, Options, Items...>> {
  static constexpr axis folds = type_at<type_list<Items...>, 0>::folds;
  static_assert(((Items::folds == folds) && ...), "kernfold: the reductions of a block_fold fold the same axis");
  static_assert(folds != axis::both, "kernfold: a block_fold gives each row's result: it folds one axis, i or j");
  static_assert(
      folded_in<join<typename Items::spec::formulas...>>::type::size == 0,
      "kernfold: this reduction needs the value of another one (as the gradient of a log-sum-exp does), which a "
      "block_fold does not compute");
  static constexpr lowering lowers{.keeps_exponentials = contains<accurate_exp_option>(Options{}),
                                   .bounds_distances = true};
  template <class Real>
  using plan = sweep_plan<folds, accumulation_of(Options{}), lowers, Real, typename Items::spec...>;
};

/// kf::block_fold by the threads that Block stands for.
template <class Reduction, class Real, int Threads, int Rows, class Block> class basic_block_fold {
  using plan = typename block_fold_plan<std::remove_cv_t<Reduction>>::template plan<Real>;
  using numbers = block_layout<plan>;
  using P = typename plan::program_type;
  using T = thread_rows<Real, Rows>;
  /// One column per thread, and never so few that the barriers show; a sweep's tile bounds it.
  static constexpr int wanted_columns = Threads < 128 ? 128 : (Threads + 3) / 4 * 4;
  static constexpr int tile_columns =
      wanted_columns < numbers::policy.tile_columns ? wanted_columns : numbers::policy.tile_columns;
  using tiles = block_tiles<plan, T, tile_columns, Block>;
  using loop = typename tiles::loop;
  using signature = typename Reduction::signature;

 public:
  /// Memory that the threads of a block share. It is free for other uses once all of them are past run and a barrier.
  struct storage {
    alignas(16) char bytes[tiles::shared_bytes];
  };

  /// first_row, first_row + row_stride, ... are what the formula's row_index (for axis i, column_index) says in this
  /// thread.
  KERNFOLD_HD_LAYER explicit basic_block_fold(storage& shared, std::int64_t first_row = 0, std::int64_t row_stride = 1,
                                              const Block& block = Block())
      : block_(block), tiles_{block_, shared.bytes}, first_row_(first_row), row_stride_(row_stride) {}
  basic_block_fold(const basic_block_fold&) = delete;

  /// The results of this thread's rows over columns 0 to count - 1.
  template <class... Args> KERNFOLD_HD_LAYER auto run(std::int64_t count, const Args&... args) const {
    constexpr bool complete = int(sizeof...(Args)) == next_position(signature{});
    static_assert(complete,
                  "kernfold: run(count, arguments...) takes one argument for each position of the formula's variables");
    if constexpr (complete) {
      const block_source<P, Real, Rows, Args...> source{{{__builtin_addressof(args)}...}, count, 0};
      return fold(count, source);
    }
  }

 private:
  Block block_;
  tiles tiles_;
  std::int64_t first_row_, row_stride_;

  KERNFOLD_EXEC_CHECK_DISABLE
  template <class Source> KERNFOLD_HD_LAYER auto fold(std::int64_t count, const Source& source) const {
    typename tiles::own_parameters own;
    typename tiles::own_rows own_rows;
    typename loop::states s;

    block_.barrier();  // the storage may still be read by who is behind, in the run before
    const parameter_values<Real> parameters = tiles_.prepare_parameters(own, source);
    const row_values<T> rows = tiles_.prepare_rows(own_rows, parameters, source, first_row_, row_stride_);
    loop::identity(s);
    tiles_.fold_columns(s, parameters, rows, source, 0, count);
    typename loop::pair_frame f;
    see_rows(f, parameters, rows);
    return results_of(s, f, count > 0, typename loop::fold_numbers{});
  }

  /// A result: kf::vec<element, dim>; kf::vec of Rows of them where a thread has several rows.
  template <int Fold> struct result_type {
    using entry = typename loop::template fold_number<Fold>;
    static constexpr int dim = numbers::template result_dim<entry>();
    using element = std::conditional_t<entry::fold::result == kind::index, std::int64_t, Real>;
    using type = std::conditional_t<Rows == 1, vec<element, dim>, vec<vec<element, dim>, Rows>>;
  };
  template <class Result> static KERNFOLD_HD_LAYER auto& row_of(Result& r, [[maybe_unused]] int l) {
    if constexpr (Rows == 1) return r;
    else return r[l];
  }
  template <int... Folds>
  KERNFOLD_HD_LAYER auto results_of(const typename loop::states& s, const typename loop::pair_frame& f,
                                    bool has_columns, std::integer_sequence<int, Folds...>) const {
    results<typename result_type<Folds>::type...> all;
    const auto has_any = [&](int) KERNFOLD_INLINE_LAMBDA { return has_columns; };
    for_each_result<plan, loop>(s, f, has_any,
                                [&]<int Fold>(place<Fold>, int k, const auto& value) KERNFOLD_INLINE_LAMBDA {
                                  KERNFOLD_UNROLL
                                  for (int l = 0; l < Rows; ++l) row_of(detail::get<Fold>(all), l)[k] = value.get(l);
                                });
    if constexpr (sizeof...(Folds) == 1) return detail::get<0>(all);
    else return all;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
