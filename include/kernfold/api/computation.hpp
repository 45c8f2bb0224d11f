// kernfold/api/computation.hpp: from a reduction and its arrays to sweeps: reductions that its formulas use as symbols
// first, then one sweep per axis for all its items.
#pragma once

#include "arguments.hpp"

namespace kernfold {

/// Several results of one call, for structured bindings: auto [a, b] = ...
template <class... Ts>
struct results : detail::slot_list_of<Ts...> {
  template <int At>
  friend KERNFOLD_HD auto& get(results& r) { return detail::get<At>(r); }
  template <int At>
  friend KERNFOLD_HD auto& get(const results& r) { return detail::get<At>(r); }
  template <int At>
  friend KERNFOLD_HD auto get(results&& r) { return static_cast<type_at<type_list<Ts...>, At>&&>(detail::get<At>(r)); }
};

namespace detail {
/// What a call returns: its only result, or all of them.
template <class T, class... Ts>
KERNFOLD_INLINE auto one_or_all(results<T, Ts...>& all) {
  if constexpr (sizeof...(Ts) == 0) return T(static_cast<T&&>(get<0>(all)));
  else return results<T, Ts...>(static_cast<results<T, Ts...>&&>(all));
}
}  // namespace detail

/// Options of a reduction, for .with(...).
template <accumulation A>
struct accumulation_option {};
inline constexpr accumulation_option<accumulation::block> block_sum{};         // one partial sum per tile; the default
inline constexpr accumulation_option<accumulation::plain> plain_sum{};         // one running sum
inline constexpr accumulation_option<accumulation::compensated> compensated{}; // every rounding error is kept
inline constexpr accumulation_option<accumulation::in_double> in_double{};     // sums run in double precision
/// exp(F) accurate to the rounding of F. By default log2(e) joins the factors of F, whose product is rounded once more: a
/// relative error of about |F| U instead of U / 2, free of charge.
struct accurate_exp_option {};
inline constexpr accurate_exp_option accurate_exp{};

/// A reduction along an axis.
template <axis Axis, class Spec>
struct item {
  static constexpr axis folds = Axis;
  using spec = Spec;
};

namespace detail {

template <class Option>
struct is_accumulation {
  static constexpr bool value = false;
  static constexpr accumulation chosen = accumulation::block;
};
template <accumulation A>
struct is_accumulation<accumulation_option<A>> {
  static constexpr bool value = true;
  static constexpr accumulation chosen = A;
};
template <class... Options>
consteval accumulation accumulation_of(type_list<Options...>) {
  accumulation chosen = accumulation::block;
  ((chosen = is_accumulation<Options>::value ? is_accumulation<Options>::chosen : chosen), ...);
  return chosen;
}

template <class Item, class Real>
using element_of_item = std::conditional_t<Item::spec::result == kind::index, std::int64_t, Real>;

template <class F>
struct is_any_folded {
  static constexpr bool value = is_folded<F>;
};
template <class List>
struct folded_in;
template <class... Fs>
struct folded_in<type_list<Fs...>> {
  using type = typename filtered<is_any_folded, nodes_of<Fs...>>::type;
};
/// The reductions that formulas use as symbols, and those that these use, each after what it needs.
template <class List>
struct folded_closure;
template <class Leaf>
struct closure_of_leaf {
  using type = join<typename folded_closure<typename folded_in<typename Leaf::spec::formulas>::type>::type, type_list<Leaf>>;
};
template <class... Leaves>
struct folded_closure<type_list<Leaves...>> {
  using type = unite<type_list<>, join<typename closure_of_leaf<Leaves>::type...>>;
};

template <class Leaf, class Real>
using element_of_folded = std::conditional_t<Leaf::result == kind::index, std::int64_t, Real>;
template <class Leaf, class Memory>
struct folded_rows {
  Memory values;
};
template <class Executor, class Real, class Leaves>
struct all_folded_rows;
template <class Executor, class Real, class... Leaves>
struct all_folded_rows<Executor, Real, type_list<Leaves...>>
    : folded_rows<Leaves, typename executor_traits<Executor>::template memory<element_of_folded<Leaves, Real>>>... {};
template <class Leaf, class Memory>
KERNFOLD_INLINE Memory& values_of(folded_rows<Leaf, Memory>& rows) { return rows.values; }

inline namespace KERNFOLD_ABI {

template <class Executor, class... Options>
consteval role_set lowering_of(type_list<Options...> options) {
  return executor_traits<Executor>::lowering | (contains<accurate_exp_option>(options) ? keeps_exponentials : no_roles);
}

/// What a reduction computes, from arrays that were found to fit.
template <class Reduction, class Executor, class Real>
class computation {
  using traits = executor_traits<Executor>;


 public:
  static void run(const void* executor, const leaf_array* arrays, row_counts counts, const output_array* outputs) {
    const Executor& where = *static_cast<const Executor*>(executor);
    if constexpr (requires { typename traits::pass; })
      traits::run_passes(where, &Reduction::text, [&](const typename traits::pass& pass) {
        computation<Reduction, typename traits::pass, Real>::compute(pass, arrays, counts, outputs);
      });
    else if constexpr (requires { typename traits::copies_to; })
      traits::template run_copied<Reduction, Real>(where, arrays, counts, outputs);
    else
      compute(where, arrays, counts, outputs);
  }
  static void compute(const Executor& where, const leaf_array* arrays, row_counts counts, const output_array* outputs) {
    computation c(where, arrays, counts);
    c.compute_folded(folded_leaves{});
    c.sweep_items<axis::j>(typename Reduction::items{}, outputs);
    c.sweep_items<axis::i>(typename Reduction::items{}, outputs);
    c.sweep_items<axis::both>(typename Reduction::items{}, outputs);
  }

 private:
  using signature = typename Reduction::signature;
  using options = typename Reduction::options;
  using folded_leaves = typename folded_closure<typename folded_in<typename Reduction::formulas>::type>::type;

  const Executor& where_;
  const leaf_array* arrays_;
  row_counts counts_;
  all_folded_rows<Executor, Real, folded_leaves> folded_;

  computation(const Executor& where, const leaf_array* arrays, row_counts counts)
      : where_(where), arrays_(arrays), counts_(counts) {}

  template <class... Leaves>
  void compute_folded(type_list<Leaves...>) {
    (compute_leaf<Leaves>(), ...);
  }
  template <class Leaf>
  void compute_leaf() {
    const output_array out = allocate_output<element_of_folded<Leaf, Real>>(where_, values_of<Leaf>(folded_),
                                                                            {Leaf::folds, Leaf::dim, {}}, counts_);
    sweep<Leaf::folds, typename Leaf::spec>(&out);
  }

  template <axis A, class... Items>
  void sweep_items(type_list<Items...>, const output_array* all) {
    using along = join<std::conditional_t<Items::folds == A, type_list<Items>, type_list<>>...>;
    if constexpr (along::size == sizeof...(Items)) {
      sweep_along<A>(along{}, all);
    } else if constexpr (along::size > 0) {
      output_array outputs[along::size];
      int from = 0, to = 0;
      ((Items::folds == A ? void(outputs[to++] = all[from++]) : void(++from)), ...);
      sweep_along<A>(along{}, outputs);
    }
  }
  template <axis A, class... Items>
  void sweep_along(type_list<Items...>, const output_array* outputs) {
    sweep<A, typename Items::spec...>(outputs);
  }

  template <axis A, class... Specs>
  void sweep(const output_array* outputs) {
    using plan = sweep_plan<A, accumulation_of(options{}), lowering_of<Executor>(options{}), Real, Specs...>;
    run_plan<plan, A>(outputs, typename plan::program_type::leaves{});
  }
  template <class Plan, axis A, class... Leaves>
  void run_plan(const output_array* outputs, type_list<Leaves...>) {
    const leaf_array leaves[] = {leaf<Leaves>()..., leaf_array{}};
    traits::template run<Plan>(where_, leaves, outputs, A == axis::i ? counts_.j : counts_.i,
                                                  A == axis::i ? counts_.i : counts_.j);
  }
  template <class Leaf>
  leaf_array leaf() {
    if constexpr (is_folded<Leaf>) {
      auto& values = values_of<Leaf>(folded_);
      return {traits::data_of(values), values.cols(), 1, values.rows()};
    } else if constexpr (is_origin<Leaf>) {
      return leaf<typename Leaf::variable>();
    } else {
      constexpr int number = index_of<Leaf>(signature{});
      return arrays_[number];
    }
  }
};

template <class Signature, class Real>
struct symbol_table;
template <class... Vs, class Real>
struct symbol_table<type_list<Vs...>, Real> {
  static constexpr symbol row[] = {{Vs::symbol_role, Vs::position, Vs::dim, code_of<stored_element<Vs, Real>>}..., {}};
};
template <class Items, class Real>
struct output_table;
template <class... Items, class Real>
struct output_table<type_list<Items...>, Real> {
  static constexpr output_shape row[] = {{Items::folds, Items::spec::dim, code_of<element_of_item<Items, Real>>}..., {}};
};

/// A reduction as data.
template <class Reduction, class Executor, class Real>
inline constexpr recipe recipe_of{
    symbol_table<typename Reduction::signature, Real>::row,
    Reduction::signature::size,
    output_table<typename Reduction::items, Real>::row,
    Reduction::items::size,
    &Reduction::text,
    &computation<Reduction, Executor, Real>::run,
    &executor_traits<Executor>::may_end_early,
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
