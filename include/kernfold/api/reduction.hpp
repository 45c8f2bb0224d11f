// kernfold/api/reduction.hpp: a reduction is a small value, and calling it computes.
#pragma once

#include "../engine/cpu/band.hpp"
#include "../engine/cpu/edges.hpp"
#include "../engine/cpu/intervals.hpp"
#include "../reduction/extrema.hpp"
#include "../reduction/kmin.hpp"
#include "../reduction/logsumexp.hpp"
#include "../reduction/sum.hpp"
#include "band.hpp"
#include "device_plan.hpp"
#include "edges.hpp"
#include "retyped.hpp"
#include "stream.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
inline namespace KERNFOLD_ABI {

/// A space in a call: its kind, and how it is bound, so that `counts` shows what `bound` keeps.
template <class Space> struct space_traits;
template <> struct space_traits<all_pairs> {
  static constexpr space_kind kind = space_kind::all;
  using bound = all_pairs;
  template <class Reduction>
  static KERNFOLD_INLINE void bind(all_pairs, const recipe&, const leaf_array*, domain&, bound&) {}
};
template <> struct space_traits<ranges> {
  static constexpr space_kind kind = space_kind::intervals;
  using bound = owned_pairs;
  template <class Reduction>
  static KERNFOLD_INLINE void bind(const ranges& pairs, const recipe& r, const leaf_array*, domain& counts, bound& b) {
    pairs.bind(b, counts.i, counts.j, r.text);
    if constexpr (sweeps_along<Reduction, axis::i>) b.transpose(counts.j);
    counts.over = &b.set;
  }
};
template <> struct space_traits<edges> {
  static constexpr space_kind kind = space_kind::edges;
  using bound = bound_edges;
  template <class Reduction>
  static KERNFOLD_INLINE void bind(const edges& pairs, const recipe& r, const leaf_array* arrays, domain& counts,
                                   bound& b) {
    pairs.bind(b, counts.i, counts.j, r.text, sweeps_along<Reduction, axis::i>, sweeps_along<Reduction, axis::none>);
    counts.edges = pairs.size();
    check_edge_counts(r, arrays, counts.edges);
    counts.over = &b.set;
  }
};
template <> struct space_traits<diagonal_band> {
  static constexpr space_kind kind = space_kind::band;
  using bound = pair_set;
  template <class Reduction>
  static KERNFOLD_INLINE void bind(diagonal_band pairs, const recipe&, const leaf_array*, domain& counts, bound& b) {
    b.band = pairs.limits();
    counts.over = &b;
  }
};
template <class Space>
concept space = requires { space_traits<Space>::kind; };

/// A reduction together with where it runs, over which pairs, and for how many rows and columns where no array says so.
template <class Reduction, class Executor, class Space = all_pairs> struct placed {
  using traits = executor_traits<Executor>;
  static constexpr space_kind kind = space_traits<Space>::kind;
  static constexpr bool is_dense = kind == space_kind::all;
  static_assert(
      requires { typename runner_of<Executor, kind>::type; },
      "kernfold: spaces run on kf::cpu, kf::cuda and kf::cuda_host");
  /// What runs a call whose arguments have these arrays.
  template <class... Args>
  using runs = std::conditional_t<(may_be_batch<typename argument<Args>::array>() || ...),
                                  batch_runner_of<Executor, kind>, runner_of<Executor, kind>>;
  Executor where;
  extents told{};
  Space pairs{};

  template <class Other> placed<Reduction, Other, Space> on(Other executor) const {
    return {static_cast<Other&&>(executor), told, pairs};
  }
  template <class Option> auto with(Option option) const {
    return placed<decltype(Reduction{}.with(option)), Executor, Space>{where, told, pairs};
  }
  template <space Other> placed<Reduction, Executor, Other> over(Other other) const {
    static_assert(is_dense, "kernfold: a call runs over one space");
    return {where, told, static_cast<Other&&>(other)};
  }
  placed rows(std::integral auto count) const { return {where, {static_cast<std::int64_t>(count), told.j}, pairs}; }
  placed columns(std::integral auto count) const { return {where, {told.i, static_cast<std::int64_t>(count)}, pairs}; }

  /// The results, as new matrices: one, or several for structured bindings.
  template <class... Args> auto operator()(const Args&... args) const {
    if constexpr (real_choice_of<typename Reduction::signature, type_list<Args...>>::is_stored_narrower) {
      using retyped = retyped_for<Reduction, type_list<Args...>>;
      return placed<typename retyped::type, Executor, Space>{where, told, pairs}(retyped::argument_of(args)...);
    } else {
      using choice = real_choice_of<typename Reduction::signature, type_list<Args...>>;
      if constexpr (is_of_this_space<Reduction, kind>() && choice::match) {
        call_arguments<typename Reduction::signature, type_list<Args...>, typename choice::real, traits::is_device>
        arguments(args...);
        return compute_new<runs<Args...>, typename choice::real>(
            arguments.given, arguments.arrays, batch_for<typename argument<Args>::array...>(),
            typename Reduction::items{}, typename Reduction::item_numbers{});
      }
    }
  }
  /// Writes the result to the caller's memory.
  template <class Output, class... Args> void into(Output&& out, const Args&... args) const {
    write(where, false, told, pairs, static_cast<Output&&>(out), args...);
  }
  /// Adds the result to the caller's memory.
  template <class Output, class... Args> void add_to(Output&& out, const Args&... args) const {
    write(where, true, told, pairs, static_cast<Output&&>(out), args...);
  }
  /// The call prepared for arrays of a shape: see device_plan.
  template <class Real> auto plan(pair_shape shape) const {
    static_assert(traits::is_device,
                  "kernfold: only calls on a device are planned; on the processor nothing is gained by it");
    static_assert(is_dense, "kernfold: a plan runs over all pairs: a space is copied to the device in each call");
    static_assert(is_of_this_space<Reduction, kind>());
    return device_plan<Reduction, Executor, Real>(where, shape);
  }
  /// Begins a reduction whose columns arrive in pieces, from the rows' arrays and the parameters.
  template <class... Args> auto start(const Args&... args) const {
    using rows = typename sides<type_at<typename Reduction::items, 0>::folds, typename Reduction::signature>::rows;
    static_assert((argument<Args>::is_named && ...), "kernfold: start takes its arguments by name, as in x = X");
    static_assert(is_dense, "kernfold: columns that arrive in pieces meet all rows: start takes no space");
    static_assert(!has_run_time_dims(typename Reduction::formulas{}),
                  "kernfold: columns that arrive in pieces have dimensions that are known at compile time");
    static_assert(
        !(argument<Args>::is_temporary || ...),
        "kernfold: the arrays that a reduction starts with are read until its end: a temporary would be gone by then; "
        "give the array a name");
    using choice = real_choice_of<rows, type_list<Args...>>;
    if constexpr (is_of_this_space<Reduction, kind>() && choice::match && (argument<Args>::is_named && ...)) {
      using real = typename choice::real;
      return running_reduction<Reduction, Executor, real>(
          where, call_arguments<rows, type_list<Args...>, real, traits::is_device>(args...), told);
    }
  }

  /// Writes the result to the caller's memory, or adds it.
  template <class Output, class... Args>
  static void write(const Executor& where, bool add, extents told, const Space& pairs, Output&& out,
                    const Args&... args) {
    static_assert(Reduction::items::size == 1,
                  "kernfold: into and add_to write one result; call the reduction for several");
    if constexpr (real_choice_of<typename Reduction::signature, type_list<Args...>>::is_stored_narrower) {
      using retyped = retyped_for<Reduction, type_list<Args...>>;
      placed<typename retyped::type, Executor, Space>::write(where, add, told, pairs, static_cast<Output&&>(out),
                                                             retyped::argument_of(args)...);
    } else {
      using choice = real_choice_of<typename Reduction::signature, type_list<Args...>>;
      if constexpr (is_of_this_space<Reduction, kind>() && choice::match && Reduction::items::size == 1) {
        using real = typename choice::real;
        call_arguments<typename Reduction::signature, type_list<Args...>, real, traits::is_device> arguments(args...);
        const auto target = describe_as_result<element_of_item<type_at<typename Reduction::items, 0>, real>>(
            static_cast<Output&&>(out));
        const recipe& r = recipe_of<Reduction, typename runs<Args...>::type, real>;
        bound_batch batch = batch_for<typename argument<Args>::array...>();
        domain counts = bind_arrays(r, arguments.given, arguments.arrays, told, &batch);
        typename space_traits<Space>::bound bound;
        space_traits<Space>::template bind<Reduction>(pairs, r, arguments.arrays, counts, bound);
        const auto& runner = runs<Args...>::from(where);
        compute_into(r, &runner, arguments.arrays, counts, target, add);
      }
    }
  }

 private:
  template <class Runner, class Real, class... Items, int... Is>
  auto compute_new(const given_array* given, leaf_array* arrays, bound_batch batch, type_list<Items...>,
                   std::integer_sequence<int, Is...>) const {
    const recipe& r = recipe_of<Reduction, typename Runner::type, Real>;
    domain counts = bind_arrays(r, given, arrays, told, &batch);
    typename space_traits<Space>::bound bound;
    space_traits<Space>::template bind<Reduction>(pairs, r, arrays, counts, bound);
    results<typename traits::template memory<element_of_item<Items, Real>>...> all;
    const output_array outputs[] = {allocate_output<element_of_item<Items, Real>>(
        where, detail::get<Is>(all), output_in_call(r, Is, arrays), counts, r.symbol_count + Is)...};
    const auto& runner = Runner::from(where);
    r.compute(&runner, arrays, counts, outputs);
    return detail::one_or_all(all);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Reductions Items of formulas over the variables of Signature: one, or several that share sweeps.
///   r(args...)                one matrix per item; arguments by position, or all by name
///   r.into(out, args...)      writes to the caller's memory; r.add_to(out, args...) adds to it
///   r.on(executor)            the same, somewhere else: r.on(kf::cpu{.threads = 4})(args...)
///   r.over(space)             the same, over some of the pairs: r.over(kf::ranges{...})(args...); kf::edges, kf::band,
///                             kf::causal
///   r.with(option)            the same, computed differently: r.with(kf::compensated)(args...)
///   r.rows(M).columns(N)      the same, for extents that no array gives: of row_index and column_index
/// These may follow each other in any order.
/// Throws shape_error where an array's size does not fit, overlap_error where the result lies in an argument's memory,
/// instruction_set_error, stopped, and what callbacks throw; nothing is written then.
template <class Signature, class Options, class... Items> struct reduction {
  using signature = Signature;
  using options = Options;
  using items = type_list<Items...>;
  using item_numbers = std::make_integer_sequence<int, sizeof...(Items)>;
  using formulas = join<typename Items::spec::formulas...>;
  static constexpr bool is_reduction = true;
  static_assert(detail::positions_are_distinct(Signature{}),
                "kernfold: two different variables of a formula have the same position");

  template <class... Args> auto operator()(const Args&... args) const { return on(cpu{})(args...); }
  template <class Output, class... Args> void into(Output&& out, const Args&... args) const {
    on_cpu::write(cpu{}, false, {}, {}, static_cast<Output&&>(out), args...);
  }
  template <class Output, class... Args> void add_to(Output&& out, const Args&... args) const {
    on_cpu::write(cpu{}, true, {}, {}, static_cast<Output&&>(out), args...);
  }

  /// Begins a reduction whose columns arrive in pieces: see running_reduction.
  template <class... Args> auto start(const Args&... args) const { return on(cpu{}).start(args...); }

  template <class Executor> detail::placed<reduction, Executor> on(Executor executor) const {
    return {static_cast<Executor&&>(executor)};
  }
  template <detail::space Space> auto over(Space pairs) const { return on(cpu{}).over(static_cast<Space&&>(pairs)); }
  auto rows(std::integral auto count) const { return on(cpu{}).rows(count); }
  auto columns(std::integral auto count) const { return on(cpu{}).columns(count); }
  template <class Option>
  constexpr reduction<Signature, join<Options, type_list<Option>>, Items...> with(Option) const {
    return {};
  }

  /// "Sum(exp(-p3 |x0 - y1|^2) y2)"
  [[gnu::cold, gnu::noinline]] static message text() {
    message m;
    bool first = true;
    ((m << (first ? "" : ", "), detail::print_reduction<typename Items::spec>(m, "", typename Items::spec::formulas{}),
      first = false),
     ...);
    return m;
  }

 private:
  using on_cpu = detail::placed<reduction, cpu>;
};

template <class R>
concept reduction_like = requires { requires std::remove_cvref_t<R>::is_reduction; };

template <reduction_like R> message to_string(R) { return R::text(); }

}  // namespace KERNFOLD_ABI

namespace detail {
template <class Spec> inline constexpr bool is_sum = false;
template <class F> inline constexpr bool is_sum<sum_spec<F>> = true;
/// The reduction Spec along an axis, its formulas given as Fs: the variables of its signature are theirs.
template <axis A, class Spec, class... Fs> constexpr auto reduce() {
  static_assert(label_check<!(is_unsigned_label<bare<Fs>> || ...)>::value);
  static_assert(!(carries_arrays<Fs> || ...),
                "kernfold: a lazy matrix is reduced by its members, as in K.sum_j(); a reduction is made of formulas "
                "over kf::Vi, kf::Vj and kf::Pm");
  static_assert(
      is_sum<Spec> || !((bare<Fs>::dim == dynamic) || ...),
      "kernfold: a vector whose dimension is known at run time (kf::dynamic) is summed; other reductions take "
      "formulas of a dimension that is known at compile time");
  using variables = unite<typename variables_in<typename Spec::formulas>::type, declared_among<Fs...>>;
  return reduction<variables, type_list<>, item<A, Spec>>{};
}
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// a_i = sum_j F
template <axis A = axis::j, formula F> constexpr auto sum_reduction(F) {
  return detail::reduce<A, sum_spec<detail::bare<F>>, F>();
}
/// a_i = min_j F, component by component; +inf for no columns. NaN is never chosen.
template <axis A = axis::j, formula F> constexpr auto min_reduction(F) {
  return detail::reduce<A, extremum_spec<detail::bare<F>, detail::extreme::min>, F>();
}
/// a_i = max_j F, component by component; -inf for no columns
template <axis A = axis::j, formula F> constexpr auto max_reduction(F) {
  return detail::reduce<A, extremum_spec<detail::bare<F>, detail::extreme::max>, F>();
}
/// a_i = the first column where F is least, a 64-bit index (over both axes i N + j); -1 for none
template <axis A = axis::j, formula F> constexpr auto argmin_reduction(F) {
  return detail::reduce<A, arg_extremum_spec<detail::bare<F>, detail::extreme::min>, F>();
}
/// a_i = the first column where F is greatest; -1 for none
template <axis A = axis::j, formula F> constexpr auto argmax_reduction(F) {
  return detail::reduce<A, arg_extremum_spec<detail::bare<F>, detail::extreme::max>, F>();
}
/// a_i = the K least values of F over the columns, ascending; +inf where there are fewer
template <int K, axis A = axis::j, formula F> constexpr auto kmin_reduction(F) {
  return detail::reduce<A, kmin_spec<detail::bare<F>, K>, F>();
}
/// a_i = the columns of the K least values of F, nearest first, ties in the order of columns; -1 where there are fewer
template <int K, axis A = axis::j, formula F> constexpr auto argkmin_reduction(F) {
  return detail::reduce<A, argkmin_spec<detail::bare<F>, K>, F>();
}
/// a_i = log sum_j exp(F), without overflow; -inf for no columns
template <axis A = axis::j, formula F> constexpr auto logsumexp_reduction(F) {
  return detail::reduce<A, logsumexp_spec<detail::bare<F>>, F>();
}
/// a_i = log sum_j exp(F) W, component by component of W
template <axis A = axis::j, formula F, formula W> constexpr auto logsumexp_reduction(F, W) {
  return detail::reduce<A, weighted_logsumexp_spec<detail::bare<F>, detail::bare<W>>, F, W>();
}
/// a_i = sum_j exp(F) V / sum_j exp(F)
template <axis A = axis::j, formula F, formula V> constexpr auto softmax_reduction(F, V) {
  return detail::reduce<A, softmax_spec<detail::bare<F>, detail::bare<V>>, F, V>();
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
