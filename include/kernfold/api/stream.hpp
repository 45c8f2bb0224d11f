// kernfold/api/stream.hpp: a reduction whose columns arrive in pieces: start, absorb, merge, finish.
#pragma once

#include "computation.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// The variables whose arrays are known from the start (those of the output's rows, and parameters), and those whose
/// rows are the columns of the pairs.
template <axis A, class Signature> struct sides;
template <axis A, class... Vs> struct sides<A, type_list<Vs...>> {
  static constexpr role folded = A == axis::i ? role::i : role::j;
  using columns = join<keep_if<Vs::symbol_role == folded, Vs>...>;
  using rows = join<keep_if<Vs::symbol_role != folded, Vs>...>;
};

inline namespace KERNFOLD_ABI {

/// The arrays of one side as they were given, to be bound again whenever the states move on. Plain numbers are kept
/// here.
template <int Count> struct kept_arguments {
  given_array given[Count + 1];
  std::int64_t numbers[Count + 1];

  template <class Arguments> explicit kept_arguments(const Arguments& arguments) {
    for (int s = 0; s < Count; ++s) {
      given[s] = arguments.given[s];
      if (given[s].is_number) numbers[s] = arguments.numbers[s];
    }
  }
  domain bind(const recipe& r, leaf_array* arrays, extents told) const {
    given_array here[Count + 1];
    for (int s = 0; s < Count; ++s) {
      here[s] = given[s];
      if (here[s].is_number) here[s].data = &numbers[s];
    }
    return bind_arrays(r, here, arrays, told, nullptr);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// The state of a reduction whose columns arrive in pieces, from several files, threads or machines:
///   auto state = r.start(x = X, g = 0.5f);    the rows' arrays and the parameters, by name; X must live until the end
///   state.absorb(y = Y1, b = B1);             a piece of the columns, in their order
///   state.merge(other);                       those of a state of the same rows, which come after these
///   state.finish(out);                        or auto a = state.finish(); more columns may still be absorbed
/// finish gives sum_j over all columns so far, as a call with all of them would, but for how the sum is rounded.
/// Columns are numbered through, 0, 1, ...; a state whose first column is another one says so by
/// number_columns_from(n). Throws shape_error and what a call throws. What fits no array leaves the state as it was;
/// where absorb was stopped, some rows have seen columns that others have not, and any further use throws kf::stopped.
template <class Reduction, class Executor, class Real> class running_reduction {
 public:
  template <class RowArguments>
  running_reduction(Executor where, const RowArguments& rows, detail::extents told = {})
      : where_(static_cast<Executor&&>(where)), row_arguments_(rows), told_(told), states_(begin()) {}

  template <class... Args> running_reduction& absorb(const Args&... args) {
    using choice = detail::real_choice_of<column_side, type_list<Args...>>;
    if constexpr (choice::match) {
      constexpr bool same_real = std::is_same_v<typename choice::real, Real> || !choice::has_reals;
      static_assert(same_real,
                    "kernfold: the arrays of a reduction are all float or all double, those of later columns too");
      if constexpr (same_real) {
        const detail::call_arguments<column_side, type_list<Args...>, Real, traits::is_device> arguments(args...);
        absorb_piece(arguments.given);
      }
    }
    return *this;
  }
  /// The columns of `later` come after these.
  running_reduction& merge(const running_reduction& later) {
    if (!states_.has_shape_of(later.states_))
      throw shape_error(message() << "two states of " << Reduction::text()
                                  << " differ in their number of rows or their instruction set, and cannot be merged");
    check_whole();
    later.check_whole();
    step_arrays arrays(*this);
    traits::merge(states_, later.states_, arrays.as_leaves());
    if (later.columns_ > columns_) columns_ = later.columns_;
    has_columns_ = has_columns_ || later.has_columns_;
    return *this;
  }
  /// The next column to be absorbed is number n.
  running_reduction& number_columns_from(std::int64_t n) {
    columns_ = n;
    return *this;
  }
  /// One more than the number of the last column.
  std::int64_t columns() const { return columns_; }

  /// The result, as a new matrix; several for structured bindings.
  auto finish() { return finish_new(typename Reduction::items{}, typename Reduction::item_numbers{}); }
  /// Writes the result to the caller's memory.
  template <class Output> void finish(Output&& out) {
    static_assert(Reduction::items::size == 1, "kernfold: finish(out) writes one result; finish() returns several");
    const auto target =
        detail::describe_as_result<detail::element_of_item<type_at<typename Reduction::items, 0>, Real>>(
            static_cast<Output&&>(out));
    step_arrays arrays(*this);
    const output_array output =
        detail::bind_output(row_recipe, 0, target, target.data, arrays.of_symbols, arrays.counts);
    finish_to(arrays, &output);
  }

 private:
  static constexpr axis folds = type_at<typename Reduction::items, 0>::folds;
  using sides = detail::sides<folds, typename Reduction::signature>;
  using row_side = typename sides::rows;
  using column_side = typename sides::columns;
  using options = typename Reduction::options;
  static_assert(detail::items_along<folds, typename Reduction::items>::type::size == Reduction::items::size,
                "kernfold: reductions that share a stream of columns fold the same axis");
  using plan = typename detail::plan_along<folds, detail::lowering_of<Executor>(options{}),
                                           detail::accumulation_of(options{}), Real, typename Reduction::items>::type;
  using symbols = join<row_side, column_side>;
  using places = detail::leaf_places<typename plan::program_type::leaves, symbols>;
  using traits = executor_traits<Executor>;
  static_assert(
      detail::folded_in<typename Reduction::formulas>::type::size == 0,
      "kernfold: this reduction needs the value of another one over all columns (as the gradient of a log-sum-exp "
      "does), which is not known while they arrive: call it with whole arrays");

  static constexpr role_set numbers_read = detail::numbers_read_by(typename Reduction::formulas{});
  static constexpr detail::recipe row_recipe{detail::symbol_table<row_side, Real>::row,
                                             row_side::size,
                                             detail::output_table<typename Reduction::items, Real>::row,
                                             Reduction::items::size,
                                             numbers_read& role_bit(row_role(folds)),
                                             &Reduction::text,
                                             nullptr,
                                             nullptr};
  static constexpr detail::recipe column_recipe{detail::symbol_table<column_side, Real>::row,
                                                column_side::size,
                                                nullptr,
                                                0,
                                                no_roles,
                                                &Reduction::text,
                                                nullptr,
                                                nullptr};
  static constexpr std::int64_t row_count(detail::domain counts) { return folds == axis::i ? counts.j : counts.i; }

  Executor where_;
  detail::kept_arguments<row_side::size> row_arguments_;
  detail::extents told_;
  std::int64_t columns_ = 0;
  bool has_columns_ = false;
  bool is_whole_ = true;  // all rows have seen the same columns
  typename traits::states states_;

  void check_whole() const {
    if (!is_whole_)
      throw stopped(
          message() << "a state of " << Reduction::text()
                    << " was stopped while it absorbed columns: some rows have seen more of them than others");
  }

  /// The arrays of a step as the plan's leaves: those of the rows first, then those of the columns, if it has any.
  struct step_arrays {
    leaf_array of_symbols[symbols::size + 1] = {};
    leaf_array leaves[places::count + 1];
    detail::domain counts;
    explicit step_arrays(const running_reduction& r) : counts(r.row_arguments_.bind(row_recipe, of_symbols, r.told_)) {}
    leaf_array* of_columns() { return of_symbols + row_side::size; }
    const leaf_array* as_leaves() {
      detail::pick_arrays(leaves, of_symbols, places::row, places::count);
      return leaves;
    }
  };

  typename traits::states begin() const {
    step_arrays arrays(*this);
    return traits::template begin<plan>(where_, arrays.as_leaves(), row_count(arrays.counts));
  }
  void absorb_piece(const detail::given_array* given) {
    step_arrays arrays(*this);
    const detail::domain piece = detail::bind_arrays(column_recipe, given, arrays.of_columns(), {}, nullptr);
    const std::int64_t count = folds == axis::i ? piece.i : piece.j;
    check_whole();
    is_whole_ = false;
    traits::absorb(where_, states_, arrays.as_leaves(), row_count(arrays.counts), columns_, columns_ + count);
    is_whole_ = true;
    columns_ += count;
    has_columns_ = has_columns_ || count > 0;
  }
  void finish_to(step_arrays& arrays, const output_array* outputs) {
    check_whole();
    // Without columns, wherever their numbers begin, a sum is 0 whatever its rows' factor is.
    traits::finish(where_, states_, arrays.as_leaves(), outputs, row_count(arrays.counts), has_columns_ ? columns_ : 0);
  }
  template <class... Items, int... Is> auto finish_new(type_list<Items...>, std::integer_sequence<int, Is...>) {
    step_arrays arrays(*this);
    results<typename traits::template memory<detail::element_of_item<Items, Real>>...> all;
    const output_array outputs[] = {detail::allocate_output<detail::element_of_item<Items, Real>>(
        where_, detail::get<Is>(all), row_recipe.outputs[Is], arrays.counts)...};
    finish_to(arrays, outputs);
    return detail::one_or_all(all);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
