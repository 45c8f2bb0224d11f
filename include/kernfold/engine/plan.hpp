// kernfold/engine/plan.hpp: from reductions as written to one program and the folds that absorb its roots.
#pragma once

#include "../reduction/folded.hpp"
#include "policy.hpp"
#include "space.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// An array as the engine reads it: element (i, k) lies i row_stride + k col_stride elements from data. The element
/// type is that of the leaf, known at compile time.
struct leaf_array {
  const void* data;
  std::int64_t row_stride, col_stride;
  std::int64_t rows, dim = 0;
  const std::int64_t* problems = nullptr;  // in bytes from data: where those of each problem are; null for all alike
  bool is_number = false;  // of a parameter: a plain number, which the caller keeps in eight bytes at data
  alignas(8) unsigned char number[8] =
      {};  // where data is null: the number's bytes, for a device that could not read the caller's
};

/// An array as the engine writes it.
struct output_array {
  void* data;
  std::int64_t row_stride, col_stride;
  bool add;
  const std::int64_t* problems = nullptr;
  std::int64_t dim = 0;
};

/// Problem number p of a batch: the arrays that are its own.
template <class Array> KERNFOLD_HD_LAYER void select_problem(Array& a, std::int64_t p) {
  using byte = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(a.data)>>, const char, char>;
  if (a.problems != nullptr) a.data = static_cast<byte*>(a.data) + a.problems[p];
  a.problems = nullptr;
}

/// One sweep over the pairs that computes the reductions Specs, all along one axis, from real type Real.
template <axis Axis, accumulation A, lowering L, class Real, class... Specs> struct sweep_plan {
  static constexpr axis folded_axis = Axis;
  static constexpr bool folds_rows = Axis == axis::both;
  static constexpr role rows = row_role(Axis);
  static constexpr lowering lowers{rows, L.keeps_exponentials, L.bounds_distances, L.empty_is_zero};
  using real = Real;
  static constexpr int output_count = sizeof...(Specs);

  template <class Spec> using plan_of = typename Spec::template plan<lowers, folds_rows, A>;
  template <class List> struct program_of;
  template <class... Roots> struct program_of<type_list<Roots...>> {
    using type = program<rows, Roots...>;
  };
  using program_type = typename program_of<
      join<join<typename plan_of<Specs>::roots, detail::unless_one<typename plan_of<Specs>::outer>>...>>::type;

  static constexpr int no_root = -1;
  static consteval int first_root(int spec) {
    const int sizes[] = {(plan_of<Specs>::roots::size + !is_integer<typename plan_of<Specs>::outer, 1>)..., 0};
    int first = 0;
    for (int s = 0; s < spec; ++s) first += sizes[s];
    return first;
  }
  template <int Number, class Spec>
  using fold_of =
      detail::fold_at<typename plan_of<Spec>::fold, first_root(Number),
                      is_integer<typename plan_of<Spec>::outer, 1> ? no_root
                                                                   : first_root(Number) + plan_of<Spec>::roots::size>;

  template <class Numbers> struct folds_of;
  template <int... Ns> struct folds_of<std::integer_sequence<int, Ns...>> {
    using type = type_list<fold_of<Ns, Specs>...>;
  };
  using folds = typename folds_of<std::make_integer_sequence<int, output_count>>::type;

  /// Whether a result has a dimension that is known at run time: then several sweeps compute it.
  static constexpr bool has_run_time_result = ((Specs::dim == dynamic) || ...);

  static constexpr stage_size column_size = program_type::size(stage::column);
  static constexpr tile_policy policy =
      select_policy(column_size.kept_reals * int(sizeof(Real)) + column_size.kept_indices * int(sizeof(std::int64_t)));
};

/// The rows and columns of a sweep, how many problems of this shape there are, and which component of a result of
/// run-time dimension is the first that it computes.
struct sweep_shape {
  std::int64_t rows, columns, problems = 1, first_component = 0;
};

inline namespace KERNFOLD_ABI {

/// Where a kind of executor finds its arrays, and how it runs a plan:
///   is_device                 whether arrays are in the memory of a device
///   lowers                    how formulas are lowered for it
///   memory<T>, allocate<T>(executor, batch, rows, cols), data_of(memory)     new arrays
///   run<Plan>(executor, leaves, outputs, shape); where it takes_spaces, also the pair_set of a space, or null for all
///   pairs; unless it takes_problems, there is one; whether
///                             it takes_run_time_dims
///   attempt, attempt_twice(executor, text, f)   or: the executors of f(attempt), once to measure and once to compute
///   may_end_early(executor)   whether a callback may end the computation before the outputs are complete
///   copies_to, run_copied<Reduction, Real>(executor, arrays, counts, outputs)      or, elsewhere, on copies
/// and, for columns that arrive in pieces, with the states of all rows:
///   begin<Plan>(executor, leaves, rows)                  states that have seen no columns
///   absorb(executor, states, leaves, rows, first, end)   columns first to end - 1; row 0 of the leaves is the first
///   merge(states, later, leaves)                         `later` has the columns that come after those of `states`
///   finish(executor, states, leaves, outputs, rows, columns)   writes the results
template <class Executor> struct executor_traits;

/// What runs calls over a kind of space for an executor: `type`, made by from(executor). Kinds that it does not run
/// have none.
template <class Executor, space_kind Kind> struct runner_of {};
template <class Executor> struct runner_of<Executor, space_kind::all> {
  using type = Executor;
  static const type& from(const Executor& where) { return where; }
};

/// The same for calls of several problems, where those have code of their own.
template <class Executor, space_kind Kind> struct batch_runner_of : runner_of<Executor, Kind> {};

/// The rows of a plan: in intervals, along the diagonal, or with their edges.
template <class Plan> const interval_rows& interval_rows_of(const pair_set& over) {
  return Plan::folded_axis == axis::i ? over.by_j : over.by_i;
}
template <class Plan> diagonals diagonals_of(const pair_set& over) {
  return Plan::folded_axis == axis::i ? diagonals{-over.band.last, -over.band.first} : over.band;
}
template <class Plan> const edge_rows& edge_rows_of(const pair_set& over) {
  return Plan::folded_axis == axis::i ? over.edges_by_j : over.edges_by_i;
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
