// kernfold/api/computation.hpp: from a reduction and its arrays to sweeps: reductions that its formulas use as symbols
// first, then one sweep per axis for all its items.
#pragma once

#include "../formula/distance_bound.hpp"
#include "arguments.hpp"
#include "batch.hpp"
#include "dimensions.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Several results of one call, for structured bindings: auto [a, b] = ...
template <class... Ts> struct results : detail::slot_list_of<Ts...> {
  template <int At> friend KERNFOLD_HD auto& get(results& r) { return detail::get<At>(r); }
  template <int At> friend KERNFOLD_HD auto& get(const results& r) { return detail::get<At>(r); }
  /// Of a temporary: by value, which is a copy on a device and a move, on the host alone, of what owns memory.
  template <int At>
    requires(__is_trivially_copyable(Ts) && ...)
  friend KERNFOLD_HD auto get(results&& r) {
    return detail::get<At>(r);
  }
  template <int At>
    requires(!(__is_trivially_copyable(Ts) && ...))
  friend KERNFOLD_INLINE auto get(results&& r) {
    return static_cast<type_at<type_list<Ts...>, At>&&>(detail::get<At>(r));
  }
};

namespace detail {
/// What a call returns: its only result, or all of them.
template <class T, class... Ts> KERNFOLD_INLINE auto one_or_all(results<T, Ts...>& all) {
  if constexpr (sizeof...(Ts) == 0) return T(static_cast<T&&>(get<0>(all)));
  else return results<T, Ts...>(static_cast<results<T, Ts...>&&>(all));
}
}  // namespace detail

/// Options of a reduction, for .with(...).
template <accumulation A> struct accumulation_option {};
inline constexpr accumulation_option<accumulation::block> block_sum{};          // one partial sum per tile; the default
inline constexpr accumulation_option<accumulation::plain> plain_sum{};          // one running sum
inline constexpr accumulation_option<accumulation::compensated> compensated{};  // every rounding error is kept
inline constexpr accumulation_option<accumulation::in_double> in_double{};      // sums run in double precision
/// exp(F) accurate to the rounding of F. By default log2(e) joins the factors of F, whose product is rounded once more:
/// a relative error of about |F| U instead of U / 2, free of charge.
struct accurate_exp_option {};
inline constexpr accurate_exp_option accurate_exp{};
/// A softmax of no columns, or of none but columns at -inf, is 0. By default it is NaN.
struct empty_is_zero_option {};
inline constexpr empty_is_zero_option empty_is_zero{};

/// A reduction along an axis.
template <axis Axis, class Spec> struct item {
  static constexpr axis folds = Axis;
  using spec = Spec;
};

namespace detail {

template <class Option> struct is_accumulation {
  static constexpr bool value = false;
  static constexpr accumulation chosen = accumulation::block;
};
template <accumulation A> struct is_accumulation<accumulation_option<A>> {
  static constexpr bool value = true;
  static constexpr accumulation chosen = A;
};
template <class... Options> consteval accumulation accumulation_of(type_list<Options...>) {
  accumulation chosen = accumulation::block;
  ((chosen = is_accumulation<Options>::value ? is_accumulation<Options>::chosen : chosen), ...);
  return chosen;
}

template <class Item, class Real>
using element_of_item = std::conditional_t<Item::spec::result == kind::index, std::int64_t, Real>;

template <class F> struct is_any_folded {
  static constexpr bool value = is_folded<F>;
};
template <class List> struct folded_in;
template <class... Fs> struct folded_in<type_list<Fs...>> {
  using type = typename filtered<is_any_folded, leaves_of<Fs...>>::type;
};
/// The reductions that formulas use as symbols, and those that these use, each after what it needs.
template <class List> struct folded_closure;
template <class Leaf> struct closure_of_leaf {
  using type =
      join<typename folded_closure<typename folded_in<typename Leaf::spec::formulas>::type>::type, type_list<Leaf>>;
};
template <class... Leaves> struct folded_closure<type_list<Leaves...>> {
  using type = unite<type_list<>, join<typename closure_of_leaf<Leaves>::type...>>;
};

template <class Leaf, class Real>
using element_of_folded = std::conditional_t<Leaf::result == kind::index, std::int64_t, Real>;
template <class Leaf, class Memory> struct folded_rows {
  Memory values;
  matrix<std::int64_t> problems;  // where those of each begin
};
template <class Executor, class Real, class Leaves> struct all_folded_rows;
template <class Executor, class Real, class... Leaves>
struct all_folded_rows<Executor, Real, type_list<Leaves...>>
    : folded_rows<Leaves, typename executor_traits<Executor>::template memory<element_of_folded<Leaves, Real>>>... {};
template <class Leaf, class Memory>
KERNFOLD_INLINE folded_rows<Leaf, Memory>& rows_of(folded_rows<Leaf, Memory>& rows) {
  return rows;
}

inline namespace KERNFOLD_ABI {

template <class Executor, class... Options> consteval lowering lowering_of(type_list<Options...> options) {
  lowering l = executor_traits<Executor>::lowers;
  l.keeps_exponentials = contains<accurate_exp_option>(options);
  l.empty_is_zero = contains<empty_is_zero_option>(options);
  return l;
}

/// The sweep that computes the items of a reduction along one axis.
template <axis A, lowering L, accumulation Accumulation, class Real, class Items> struct plan_along;
template <axis A, lowering L, accumulation Accumulation, class Real, class... Items>
struct plan_along<A, L, Accumulation, Real, type_list<Items...>> {
  using type = sweep_plan<A, Accumulation, L, Real, typename Items::spec...>;
};
template <axis A, class Items> struct items_along;
template <axis A, class... Items> struct items_along<A, type_list<Items...>> {
  using type = join<keep_if<Items::folds == A, Items>...>;
};

template <class Leaf> struct array_behind {
  using type = Leaf;
};
template <class V> struct array_behind<origin_of<V>> {
  using type = V;
};
/// The place of each leaf's array among those of Symbols.
template <class Leaves, class Symbols> struct leaf_places;
template <class... Leaves, class Symbols> struct leaf_places<type_list<Leaves...>, Symbols> {
  static constexpr int count = sizeof...(Leaves);
  static constexpr int row[] = {index_of<typename array_behind<Leaves>::type>(Symbols{})..., -1};
};
KERNFOLD_ONCE void pick_arrays(leaf_array* picked, const leaf_array* arrays, const int* places, int count) {
  for (int k = 0; k < count; ++k) picked[k] = arrays[places[k]];
}

template <class Traits> consteval bool takes_problems() {
  if constexpr (requires { Traits::takes_problems; }) return Traits::takes_problems;
  else return false;
}

/// Whether an executor runs plans with vectors whose dimension is known at run time.
template <class Traits> consteval bool takes_run_time_dims() {
  if constexpr (requires { Traits::takes_run_time_dims; }) return Traits::takes_run_time_dims;
  else return false;
}

/// What a reduction computes, from arrays that were found to fit: one for each symbol of its signature.
template <class Reduction, class Executor, class Real> struct computation {
  static void run(const void* executor, const leaf_array* arrays, domain counts, const output_array* outputs) {
    const Executor& where = *static_cast<const Executor*>(executor);
    if constexpr (!takes_problems<traits>())
      if (counts.batch != nullptr) return run_each(executor, arrays, counts, outputs);
    if constexpr (requires { typename traits::attempt; })
      traits::attempt_twice(where, &Reduction::text, [&](const typename traits::attempt& attempt) {
        computation<Reduction, typename traits::attempt, Real>::compute(attempt, arrays, counts, outputs);
      });
    else if constexpr (requires { typename traits::copies_to; })
      traits::template run_copied<Reduction, Real>(where, arrays, counts, outputs);
    else compute(where, arrays, counts, outputs);
  }
  static void compute(const Executor& where, const leaf_array* arrays, domain counts, const output_array* outputs) {
    if constexpr (folded_leaves::size == 0) {
      compute_items(where, arrays, counts, outputs);
    } else {
      leaf_array all[symbols::size];
      for (int s = 0; s < signature::size; ++s) all[s] = arrays[s];
      all_folded_rows<Executor, Real, folded_leaves> folded;
      compute_folded(where, folded, all, counts, folded_leaves{});
      compute_items(where, all, counts, outputs);
    }
  }

 private:
  using traits = executor_traits<Executor>;
  using signature = typename Reduction::signature;
  using options = typename Reduction::options;
  using items = typename Reduction::items;
  using folded_leaves = typename folded_closure<typename folded_in<typename Reduction::formulas>::type>::type;
  using symbols = join<signature, folded_leaves>;

  template <axis A, class Items, class Where = Executor>  // one that only copies has no plans of its own
  using plan = typename plan_along<A, lowering_of<Where>(options{}), accumulation_of(options{}), Real, Items>::type;
  template <axis A> using along = typename items_along<A, items>::type;

  /// The problems of a batch one after the other.
  static void run_each(const void* executor, const leaf_array* arrays, domain counts, const output_array* outputs) {
    leaf_array of_problem[signature::size + 1];
    output_array results[items::size];
    const std::int64_t problems = counts.problems;
    counts.problems = 1;
    counts.batch = nullptr;
    for (std::int64_t p = 0; p < problems; ++p) {
      for (int s = 0; s < signature::size; ++s) select_problem(of_problem[s] = arrays[s], p);
      for (int o = 0; o < items::size; ++o) select_problem(results[o] = outputs[o], p);
      run(executor, of_problem, counts, results);
    }
  }
  /// Each folded leaf's rows go behind the symbols' arrays, where those after it find them.
  template <class Folded, class... Leaves>
  static void compute_folded(const Executor& where, Folded& folded, leaf_array* all, domain counts,
                             type_list<Leaves...>) {
    leaf_array* next = all + signature::size;
    ((*next = compute_leaf<Leaves>(where, rows_of<Leaves>(folded), all, counts), ++next), ...);
  }
  template <class Leaf, class Memory>
  static leaf_array compute_leaf(const Executor& where, folded_rows<Leaf, Memory>& rows, const leaf_array* all,
                                 domain counts) {
    using element = element_of_folded<Leaf, Real>;
    domain of_leaf = counts;
    of_leaf.batch = nullptr;  // its places are kept here
    output_array out = allocate_output<element>(where, rows.values, {Leaf::folds, Leaf::dim, {}}, of_leaf);
    if (counts.batch != nullptr) {
      const std::int64_t each = output_rows(Leaf::folds, counts) * Leaf::dim * std::int64_t(sizeof(element));
      rows.problems = matrix<std::int64_t>(counts.problems, 1);
      for (std::int64_t p = 0; p < counts.problems; ++p) rows.problems.data()[p] = p * each;
      out.problems = rows.problems.data();
    }
    sweep<plan<Leaf::folds, type_list<item<Leaf::folds, typename Leaf::spec>>>>(where, all, counts, &out);
    return {.data = out.data,
            .row_stride = out.row_stride,
            .col_stride = out.col_stride,
            .rows = output_rows(Leaf::folds, counts),
            .problems = out.problems};
  }

  static void compute_items(const Executor& where, const leaf_array* arrays, domain counts,
                            const output_array* outputs) {
    if constexpr (along<axis::j>::size > 0) compute_along<axis::j>(where, arrays, counts, outputs, items{});
    if constexpr (along<axis::i>::size > 0) compute_along<axis::i>(where, arrays, counts, outputs, items{});
    if constexpr (along<axis::both>::size > 0) compute_along<axis::both>(where, arrays, counts, outputs, items{});
    if constexpr (along<axis::none>::size > 0) compute_along<axis::none>(where, arrays, counts, outputs, items{});
  }
  template <axis A, class... Items>
  static void compute_along(const Executor& where, const leaf_array* arrays, domain counts, const output_array* all,
                            type_list<Items...>) {
    output_array outputs[along<A>::size];
    int from = 0, to = 0;
    ((Items::folds == A ? void(outputs[to++] = all[from++]) : void(++from)), ...);
    sweep<plan<A, along<A>>>(where, arrays, counts, outputs);
  }

  template <class Plan>
  static void sweep(const Executor& where, const leaf_array* arrays, domain counts, const output_array* outputs) {
    using places = leaf_places<typename Plan::program_type::leaves, symbols>;
    leaf_array leaves[places::count + 1];
    pick_arrays(leaves, arrays, places::row, places::count);
    constexpr axis folds = Plan::folded_axis;
    const std::int64_t rows = folds == axis::none ? counts.edges : folds == axis::i ? counts.j : counts.i;
    const std::int64_t columns = folds == axis::none ? 1 : folds == axis::i ? counts.i : counts.j;
    const sweep_shape shape{rows, columns, counts.problems};
    if constexpr (Plan::has_run_time_result) sweep_in_parts<Plan>(where, leaves, outputs, shape, counts);
    else sweep_once<Plan>(where, leaves, outputs, shape, counts);
  }
  template <class Plan>
  static void sweep_once(const Executor& where, const leaf_array* leaves, const output_array* outputs,
                         const sweep_shape& shape, const domain& counts) {
    if constexpr (Plan::program_type::has_run_time_dims && !takes_run_time_dims<traits>())
      static_assert(
          takes_run_time_dims<traits>(),
          "kernfold: dimensions that are known at run time (kf::dynamic) are for calls on the processor, over "
          "all pairs, ranges or a band");
    else if constexpr (requires { traits::takes_spaces; })
      traits::template run<Plan>(where, leaves, outputs, shape, counts.over);
    else traits::template run<Plan>(where, leaves, outputs, shape);
  }
  /// A result whose dimension is known at run time: some of its components at a time.
  template <class Plan>
  static void sweep_in_parts(const Executor& where, const leaf_array* leaves, const output_array* outputs,
                             sweep_shape shape, const domain& counts) {
    std::int64_t widest = 0;
    for (int o = 0; o < Plan::output_count; ++o) widest = outputs[o].dim > widest ? outputs[o].dim : widest;
    for (; shape.first_component < widest; shape.first_component += components_of_sweep)
      sweep_once<Plan>(where, leaves, outputs, shape, counts);
  }
};

template <class Signature, class Real> struct symbol_table;
template <class... Vs, class Real> struct symbol_table<type_list<Vs...>, Real> {
  static constexpr symbol row[] = {{Vs::symbol_role, Vs::position, Vs::dim, code_of<stored_element<Vs, Real>>}..., {}};
};
template <class Items, class Real> struct output_table;
template <class... Items, class Real> struct output_table<type_list<Items...>, Real> {
  static constexpr output_shape row[] = {{Items::folds, Items::spec::dim, code_of<element_of_item<Items, Real>>}...,
                                         {}};
};

template <class... Fs> consteval role_set numbers_read_by(type_list<Fs...>) { return graph<Fs...>::numbers_read(); }

/// Whether a sweep of a reduction runs along an axis: along i, it takes a space by its columns.
template <axis A, class... Leaves, class... Items>
consteval bool has_sweep_along(type_list<Leaves...>, type_list<Items...>) {
  return ((Leaves::folds == A) || ... || ((Items::folds == A) || ...));
}
template <class Reduction, axis A>
inline constexpr bool sweeps_along =
    has_sweep_along<A>(typename folded_closure<typename folded_in<typename Reduction::formulas>::type>::type{},
                       typename Reduction::items{});

/// Whether a reduction is one of edges: whether a variable, or a result, has a row for each.
template <class... Vs> consteval bool has_edge_variables(type_list<Vs...>) {
  return ((Vs::symbol_role == role::edge) || ...);
}
template <class Reduction>
inline constexpr bool is_of_edges =
    has_edge_variables(typename Reduction::signature{}) || sweeps_along<Reduction, axis::none>;
/// Says where a reduction of edges is called for pairs that are none.
template <class Reduction, space_kind Kind> consteval bool is_of_this_space() {
  constexpr bool has_edges = Kind == space_kind::edges || !is_of_edges<Reduction>;
  static_assert(has_edges,
                "kernfold: a kf::Ve has a row for each edge, and so has what is left by kf::axis::none: call the "
                "reduction over a list of edges, r.over(kf::edges::csr(offsets, columns))(...)");
  return has_edges;
}

/// A reduction as data.
template <class Reduction, class Executor, class Real>
inline constexpr recipe recipe_of{
    symbol_table<typename Reduction::signature, Real>::row,
    Reduction::signature::size,
    output_table<typename Reduction::items, Real>::row,
    Reduction::items::size,
    numbers_read_by(typename Reduction::formulas{}),
    &Reduction::text,
    &computation<Reduction, Executor, Real>::run,
    &executor_traits<Executor>::may_end_early,
    dimension_links_of<Reduction>(),
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
