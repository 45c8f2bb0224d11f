// kernfold/api/reduction.hpp: a reduction is a small value, and calling it computes.
#pragma once

#include "../core/matrix.hpp"
#include "../engine/cpu/launch.hpp"
#include "../reduction/extrema.hpp"
#include "../reduction/kmin.hpp"
#include "../reduction/logsumexp.hpp"
#include "../reduction/sum.hpp"
#include "arguments.hpp"

namespace kernfold {

/// Several results of one call, for structured bindings: auto [a, b] = ...
template <class... Ts>
struct results : detail::slot_list_of<Ts...> {
  template <int At>
  friend auto& get(results& r) { return detail::get<At>(r); }
  template <int At>
  friend auto& get(const results& r) { return detail::get<At>(r); }
  template <int At>
  friend auto get(results&& r) { return static_cast<type_at<type_list<Ts...>, At>&&>(detail::get<At>(r)); }
};

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

// ---- reductions used as symbols ------------------------------------------------------------------------------------

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
struct folded_rows {
  matrix<std::conditional_t<Leaf::result == kind::index, std::int64_t, Real>> values;
};
template <class Real, class Leaves>
struct all_folded_rows;
template <class Real, class... Leaves>
struct all_folded_rows<Real, type_list<Leaves...>> : folded_rows<Leaves, Real>... {};
template <class Leaf, class Real>
KERNFOLD_INLINE folded_rows<Leaf, Real>& values_of(folded_rows<Leaf, Real>& rows) { return rows; }

inline namespace KERNFOLD_ABI {

// ---- one call ------------------------------------------------------------------------------------------------------

template <axis A>
constexpr std::int64_t output_rows(std::int64_t i_count, std::int64_t j_count) {
  return A == axis::j ? i_count : A == axis::i ? j_count : 1;
}

/// Component by component the median of five rows spread over an array, which a few outliers do not move; 0 where that is
/// not finite, and for no rows.
template <class Real, class Element>
[[gnu::noinline]] inline void find_origin(Real* origin, const view<Element>& array) {
  for (std::int64_t k = 0; k < array.dim(); ++k) {
    constexpr int samples = 5;
    Real sorted[samples];
    for (int n = 0; n < samples && array.rows() > 0; ++n) {
      const Real v = static_cast<Real>(array(n * (array.rows() - 1) / (samples - 1), k));
      int place = n;
      for (; place > 0 && v < sorted[place - 1]; --place) sorted[place] = sorted[place - 1];
      sorted[place] = v;
    }
    const Real median = array.rows() > 0 ? sorted[samples / 2] : Real(0);
    origin[k] = median - median == Real(0) ? median : Real(0);
  }
}

/// Everything about a call: the executor, the arguments' rows, and the values of reductions used as symbols.
template <class Reduction, class Executor, class Real, class Arguments>
struct call {
  using signature = typename Reduction::signature;
  using folded_leaves = typename folded_closure<typename folded_in<typename Reduction::formulas>::type>::type;

  const Executor& where;
  argument_rows<Real, signature> rows;
  all_folded_rows<Real, folded_leaves> folded;

  call(const Executor& executor, const Arguments& arguments) : where(executor) {
    fit_arguments(rows, arguments, &Reduction::text);
  }
  /// Computes the reductions that the formulas use as symbols.
  void compute_folded() { compute_folded(folded_leaves{}); }

  /// One sweep per axis computes all items along it.
  template <class... Items, class Outputs>
  void compute(type_list<Items...> items, const Outputs& outputs) {
    sweep_items<axis::j>(items, outputs.at);
    sweep_items<axis::i>(items, outputs.at);
    sweep_items<axis::both>(items, outputs.at);
  }

 private:
  template <class... Leaves>
  void compute_folded(type_list<Leaves...>) {
    (compute_leaf<Leaves>(), ...);
  }
  template <class Leaf>
  void compute_leaf() {
    auto& values = values_of<Leaf, Real>(folded).values;
    values = {output_rows<Leaf::folds>(rows.i_count, rows.j_count), Leaf::dim};
    const output_array out[] = {{values.data(), values.cols(), 1, false}};
    sweep<Leaf::folds, typename Leaf::spec>(out);
  }

  template <axis A, class... Items>
  void sweep_items(type_list<Items...>, const output_array* all) {
    using along = join<std::conditional_t<Items::folds == A, type_list<Items>, type_list<>>...>;
    if constexpr (along::size > 0) {
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
    using options = typename Reduction::options;
    using plan = sweep_plan<A, accumulation_of(options{}), contains<accurate_exp_option>(options{}), Real, Specs...>;
    run<plan, A>(outputs, typename plan::program_type::leaves{});
  }
  template <class Plan, axis A, class... Leaves>
  void run(const output_array* outputs, type_list<Leaves...>) {
    Real origins[(1 + ... + (is_origin<Leaves> ? Leaves::dim : 0))], *next = origins;
    const leaf_array leaves[] = {leaf<Leaves>(next)..., leaf_array{}};
    const std::int64_t output_side = A == axis::i ? rows.j_count : rows.i_count;
    const std::int64_t folded_side = A == axis::i ? rows.i_count : rows.j_count;
    executor_traits<Executor>::template run<Plan>(where, leaves, outputs, output_side, folded_side);
  }
  template <class Leaf>
  leaf_array leaf([[maybe_unused]] Real*& next) {
    if constexpr (is_folded<Leaf>) {
      const auto& values = values_of<Leaf, Real>(folded).values;
      return {values.data(), values.cols(), 1};
    } else if constexpr (is_origin<Leaf>) {
      Real* const origin = next;
      next += Leaf::dim;
      find_origin(origin, rows_of<typename Leaf::variable, Real>(rows).array);
      return {origin, 0, 1};
    } else {
      const auto& array = rows_of<Leaf, Real>(rows).array;
      return {array.data(), array.row_stride(), array.col_stride()};
    }
  }
};

template <class T>
KERNFOLD_INLINE T take(T& from) { return static_cast<T&&>(from); }

template <int N>
struct output_list {
  output_array at[N];
};

[[gnu::cold, gnu::noinline]] inline void refuse_output(text_of_reduction of, misfit why, const array_shape& shape, int dim) {
  throw shape_error(message("the memory for the result of ") << of() << ": " << explain(why, shape, dim));
}
[[gnu::cold, gnu::noinline]] inline void refuse_output_rows(text_of_reduction of, std::int64_t given, std::int64_t wanted) {
  throw shape_error(message("the memory for the result of ") << of() << ": " << given << (given == 1 ? " row was" : " rows were")
                                                             << " given, " << wanted << (wanted == 1 ? " is" : " are") << " needed");
}

/// A reduction together with where it runs.
template <class Reduction, class Executor>
struct placed {
  Executor where;

  /// The results, as new matrices: one, or several for structured bindings.
  template <class... Args>
  auto operator()(const Args&... args) const {
    using arguments = decltype(collect_arguments(typename Reduction::signature{}, args...));
    if constexpr (!std::is_void_v<arguments>) {
      const arguments given = collect_arguments(typename Reduction::signature{}, args...);
      using real = real_type_of<arguments, typename Reduction::signature>;
      call<Reduction, Executor, real, arguments> c(where, given);
      return compute_new<real>(c, typename Reduction::items{}, typename Reduction::item_numbers{});
    }
  }
  /// Writes the result to the caller's memory.
  template <class Output, class... Args>
  void into(Output&& out, const Args&... args) const { write<false>(static_cast<Output&&>(out), args...); }
  /// Adds the result to the caller's memory.
  template <class Output, class... Args>
  void add_to(Output&& out, const Args&... args) const { write<true>(static_cast<Output&&>(out), args...); }

 private:
  template <class Real, class Call, class... Items, int... Is>
  static auto compute_new(Call& c, type_list<Items...> items, std::integer_sequence<int, Is...>) {
    using all = results<matrix<element_of_item<Items, Real>>...>;
    all out;
    output_list<sizeof...(Items)> list;
    const auto allocate = [&]<int At, class Item>(place<At>, type_identity_of<Item>) {
      auto& m = detail::get<At>(out);
      m = {output_rows<Item::folds>(c.rows.i_count, c.rows.j_count), Item::spec::dim};
      list.at[At] = {m.data(), m.cols(), 1, false};
    };
    (allocate(place<Is>{}, type_identity_of<Items>{}), ...);
    c.compute_folded();
    c.compute(items, list);
    if constexpr (sizeof...(Items) == 1) return take(detail::get<0>(out));
    else return out;
  }

  template <bool Add, class Output, class... Args>
  void write(Output&& out, const Args&... args) const {
    static_assert(Reduction::items::size == 1, "kernfold: into and add_to write one result; call the reduction for several");
    using arguments = decltype(collect_arguments(typename Reduction::signature{}, args...));
    if constexpr (!std::is_void_v<arguments> && Reduction::items::size == 1) {
      const arguments given = collect_arguments(typename Reduction::signature{}, args...);
      using real = real_type_of<arguments, typename Reduction::signature>;
      using only = type_at<typename Reduction::items, 0>;
      using element = element_of_item<only, real>;
      call<Reduction, Executor, real, arguments> c(where, given);
      const auto raw = describe_output(static_cast<Output&&>(out));
      static_assert(std::is_same_v<std::remove_cvref_t<decltype(*raw.data)>, element>,
                    "kernfold: the result's memory must have the real type of the call, or std::int64_t for indices");
      const std::int64_t wanted = output_rows<only::folds>(c.rows.i_count, c.rows.j_count);
      const auto fitted = fit(raw, only::spec::dim);
      if (!fitted) refuse_output(&Reduction::text, fitted.why, raw, only::spec::dim);
      if (fitted.array.rows() != wanted) refuse_output_rows(&Reduction::text, fitted.array.rows(), wanted);
      check_overlap(c.rows, fitted.array, typename Reduction::signature{});
      c.compute_folded();
      write_to<Add>(c, fitted.array);
    }
  }
  /// Where a callback may end the computation early, the result is complete before the first element is written.
  template <bool Add, class Call, class Element>
  void write_to(Call& c, const view<Element>& target) const {
    using items = typename Reduction::items;
    if (!executor_traits<Executor>::may_end_early(where)) {
      c.compute(items{}, output_list<1>{{{target.data(), target.row_stride(), target.col_stride(), Add}}});
      return;
    }
    matrix<Element> whole(target.rows(), target.dim());
    c.compute(items{}, output_list<1>{{{whole.data(), whole.cols(), 1, false}}});
    for (std::int64_t i = 0; i < target.rows(); ++i)
      for (std::int64_t k = 0; k < target.dim(); ++k)
        target(i, k) = Add ? Element(target(i, k) + whole(i, k)) : whole(i, k);
  }

  template <class Rows, class Element, class... Vs>
  static void check_overlap(const Rows& rows, const view<Element>& target, type_list<Vs...>) {
    const auto check = [&]<class V>(type_identity_of<V>) {
      if (overlaps(target, rows_of<V, real_in<Rows>>(rows).array)) refuse_overlap(symbol_of<V>(), &Reduction::text);
    };
    (check(type_identity_of<Vs>{}), ...);
  }
  template <class Rows>
  struct real_of_rows;
  template <class Real, class Signature>
  struct real_of_rows<argument_rows<Real, Signature>> {
    using type = Real;
  };
  template <class Rows>
  using real_in = typename real_of_rows<Rows>::type;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Reductions Items of formulas over the variables of Signature: one, or several that share sweeps.
///   r(args...)                one matrix per item; arguments by position, or all by name
///   r.into(out, args...)      writes to the caller's memory; r.add_to(out, args...) adds to it
///   r.on(executor)            the same, somewhere else: r.on(kf::cpu{.threads = 4})(args...)
///   r.with(option)            the same, computed differently: r.with(kf::compensated)(args...)
/// Throws shape_error where an array's size does not fit, overlap_error where the result lies in an argument's memory,
/// instruction_set_error, stopped, and what callbacks throw; nothing is written then.
template <class Signature, class Options, class... Items>
struct reduction {
  using signature = Signature;
  using options = Options;
  using items = type_list<Items...>;
  using item_numbers = std::make_integer_sequence<int, sizeof...(Items)>;
  using formulas = join<typename Items::spec::formulas...>;
  static constexpr bool is_reduction = true;
  static_assert(detail::positions_are_distinct(Signature{}),
                "kernfold: two different variables of a formula have the same position");

  template <class... Args>
  auto operator()(const Args&... args) const { return on(cpu{})(args...); }
  template <class Output, class... Args>
  void into(Output&& out, const Args&... args) const { on(cpu{}).into(static_cast<Output&&>(out), args...); }
  template <class Output, class... Args>
  void add_to(Output&& out, const Args&... args) const { on(cpu{}).add_to(static_cast<Output&&>(out), args...); }

  template <class Executor>
  detail::placed<reduction, Executor> on(Executor executor) const { return {static_cast<Executor&&>(executor)}; }
  template <class Option>
  constexpr reduction<Signature, join<Options, type_list<Option>>, Items...> with(Option) const { return {}; }

  /// "Sum(exp(-p3 |x0 - y1|^2) y2)"
  [[gnu::cold, gnu::noinline]] static message text() {
    message m;
    bool first = true;
    ((m << (first ? "" : ", "), detail::print_reduction<typename Items::spec>(m, "", typename Items::spec::formulas{}),
      first = false),
     ...);
    return m;
  }
};

template <class R>
concept reduction_like = requires { requires std::remove_cvref_t<R>::is_reduction; };

template <reduction_like R>
message to_string(R) { return R::text(); }

}  // namespace KERNFOLD_ABI

namespace detail {
template <axis A, class Spec, class... Fs>
constexpr auto make_reduction(type_list<Fs...>) {
  return reduction<typename variables_of<Fs...>::type, type_list<>, item<A, Spec>>{};
}
template <axis A, class Spec>
constexpr auto reduce() { return make_reduction<A, Spec>(typename Spec::formulas{}); }
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// a_i = sum_j F
template <axis A = axis::j, formula F>
constexpr auto sum_reduction(F) { return detail::reduce<A, sum_spec<F>>(); }
/// a_i = min_j F, component by component; +inf for no columns. NaN is never chosen.
template <axis A = axis::j, formula F>
constexpr auto min_reduction(F) { return detail::reduce<A, extremum_spec<F, detail::extreme::min>>(); }
/// a_i = max_j F, component by component; -inf for no columns
template <axis A = axis::j, formula F>
constexpr auto max_reduction(F) { return detail::reduce<A, extremum_spec<F, detail::extreme::max>>(); }
/// a_i = the first column where F is least, a 64-bit index (over both axes i N + j); -1 for none
template <axis A = axis::j, formula F>
constexpr auto argmin_reduction(F) { return detail::reduce<A, arg_extremum_spec<F, detail::extreme::min>>(); }
/// a_i = the first column where F is greatest; -1 for none
template <axis A = axis::j, formula F>
constexpr auto argmax_reduction(F) { return detail::reduce<A, arg_extremum_spec<F, detail::extreme::max>>(); }
/// a_i = the K least values of F over the columns, ascending; +inf where there are fewer
template <int K, axis A = axis::j, formula F>
constexpr auto kmin_reduction(F) { return detail::reduce<A, kmin_spec<F, K>>(); }
/// a_i = the columns of the K least values of F, nearest first, ties in the order of columns; -1 where there are fewer
template <int K, axis A = axis::j, formula F>
constexpr auto argkmin_reduction(F) { return detail::reduce<A, argkmin_spec<F, K>>(); }
/// a_i = log sum_j exp(F), without overflow; -inf for no columns
template <axis A = axis::j, formula F>
constexpr auto logsumexp_reduction(F) { return detail::reduce<A, logsumexp_spec<F>>(); }
/// a_i = log sum_j exp(F) W, component by component of W
template <axis A = axis::j, formula F, formula W>
constexpr auto logsumexp_reduction(F, W) { return detail::reduce<A, weighted_logsumexp_spec<F, W>>(); }
/// a_i = sum_j exp(F) V / sum_j exp(F)
template <axis A = axis::j, formula F, formula V>
constexpr auto softmax_reduction(F, V) { return detail::reduce<A, softmax_spec<F, V>>(); }

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
