// kernfold/api/tape.hpp: a reverse tape over lazy reductions, and dense matrices between them.
#pragma once

#include "taped.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {

/// What a formula means by a reduction's value, once that is an array: number `Number` of the outputs of a step that
/// may be differentiated Order times.
template <class Leaf, int Order, int Number>
using handed_in = variable<Leaf::symbol_role, slot_position(Leaf::symbol_role, 10'000 + 100 * Order + Number),
                           Leaf::dim, typename Leaf::element>;
/// The adjoint of output number Number of such a step.
template <axis A, int Dim, int Order, int Number>
using handed_adjoint = variable<output_role(A), slot_position(output_role(A), 20'000 + 100 * Order + Number), Dim>;

/// The values of reductions among Leaves become arrays.
template <int Order, class... Leaves> struct hand_in {
  static consteval role role_of(role r) { return r; }
  template <class V> using of = V;
  template <class Leaf> struct found {
    using type = Leaf;
  };
  template <class Leaf>
    requires(contains<Leaf>(type_list<Leaves...>{}))
  struct found<Leaf> {
    using type = handed_in<Leaf, Order, index_of<Leaf>(type_list<Leaves...>{})>;
  };
};
template <class Spec, axis A, int Order, class... Leaves> struct renamed<folded<Spec, A>, hand_in<Order, Leaves...>> {
  using type = typename hand_in<Order, Leaves...>::template found<folded<Spec, A>>::type;
};

template <class V> inline constexpr bool is_differentiable = std::is_same_v<typename V::element, default_real>;
template <class Spec, axis A, class V, class E>
using adjoint_formula = bare<decltype(Spec::template adjoint<A>(V{}, E{}))>;

/// The values of reductions that the derivatives of Spec by Vs ask for, its own first.
template <class Spec, axis A, class... Vs> struct asked_for {
  using E = handed_adjoint<A, Spec::dim, 0, 0>;
  template <class V> static constexpr auto formulas_of() {
    if constexpr (is_differentiable<V>) return type_list<adjoint_formula<Spec, A, V, E>>{};
    else return type_list<>{};
  }
  using type = unite<type_list<folded<Spec, A>>, typename folded_in<join<decltype(formulas_of<Vs>())...>>::type>;
};

[[gnu::cold, gnu::noinline]] inline void refuse_order() {
  throw error("a tape was asked for a derivative of higher order than it records: kf::tape<2> has two, and so on");
}

/// Where a bound array's numbers are.
template <class Bound> const void* data_of_bound(const Bound& bound) {
  if constexpr (std::is_arithmetic_v<typename Bound::array>) return __builtin_addressof(bound.get());
  else return describe(bound.get()).data;
}

template <int Order, class Matrix, class R, class List>
auto record_reduction(tape_record& on, const Matrix& K, R r, const List& arrays);

/// A reduction on a tape: its value, and those that its derivatives need.
template <int Order, class Matrix, class R, class List, class Leaves> struct reduction_step;
template <int Order, class Matrix, class Signature, class Options, axis A, class Spec, class... Bound, class... Leaves>
struct reduction_step<Order, Matrix, reduction<Signature, Options, item<A, Spec>>, bound_list<Bound...>,
                      type_list<Leaves...>>
    final : tape_step {
  using all_outputs = reduction<Signature, Options, item<A, typename Leaves::spec>...>;
  using numbers = std::make_integer_sequence<int, sizeof...(Leaves)>;
  using real = typename bound_list<Bound...>::template real_of<all_outputs>;
  template <class Leaf> using element = std::conditional_t<Leaf::result == kind::index, std::int64_t, real>;

  Matrix place;  // where it runs, and over which pairs
  bound_list<Bound...> arrays;
  slot_list_of<matrix<element<Leaves>>...> outputs;

  reduction_step(const Matrix& K, const bound_list<Bound...>& a) : place(K), arrays(a) {
    if constexpr (sizeof...(Leaves) == 1) {
      detail::get<0>(outputs) = arrays.call(place.placed_call(all_outputs{}));
    } else {
      auto all = arrays.call(place.placed_call(all_outputs{}));
      keep(all, numbers{});
    }
    if (detail::get<0>(outputs).batch() != 1)
      throw shape_error(message() << "a tape takes no batches: " << all_outputs::text() << " is one of "
                                  << detail::get<0>(outputs).batch() << " problems");
  }
  bool has_result(const void* data) const override { return has_result(data, numbers{}); }
  void pull(tape_record& onto, adjoint_list& adjoints) override { pull_all(onto, adjoints, numbers{}); }

 private:
  template <int... Ns> bool has_result(const void* data, std::integer_sequence<int, Ns...>) const {
    return ((static_cast<const void*>(detail::get<Ns>(outputs).data()) == data) || ...);
  }
  template <class All, int... Ns> void keep(All& all, std::integer_sequence<int, Ns...>) {
    ((detail::get<Ns>(outputs) = static_cast<matrix<element<Leaves>>&&>(detail::get<Ns>(all))), ...);
  }
  template <int... Ns> void pull_all(tape_record& onto, adjoint_list& adjoints, std::integer_sequence<int, Ns...>) {
    (pull_output<Ns>(onto, adjoints), ...);
  }
  template <int N> void pull_output(tape_record& onto, adjoint_list& adjoints) {
    using leaf = type_at<type_list<Leaves...>, N>;
    if constexpr (leaf::result == kind::real) {
      const taped<real>* const e = adjoints.find<real>(detail::get<N>(outputs).data());
      if (e == nullptr) return;
      if constexpr (Order == 0) refuse_order();
      else hand_on<N>(e->on(onto), onto, adjoints, std::make_integer_sequence<int, sizeof...(Bound)>{});
    }
  }
  template <int N, int... Is>
  void hand_on(const taped<real>& e, tape_record& onto, adjoint_list& adjoints, std::integer_sequence<int, Is...>) {
    (hand_on_to<N, Is>(e, onto, adjoints), ...);
  }
  /// What flows from output N to array number At.
  template <int N, int At> void hand_on_to(const taped<real>& e, tape_record& onto, adjoint_list& adjoints) {
    using leaf = type_at<type_list<Leaves...>, N>;
    using V = typename type_at<type_list<Bound...>, At>::variable;
    if constexpr (is_differentiable<V>) {
      using E = handed_adjoint<A, leaf::dim, Order, N>;
      using G = typename renamed<adjoint_formula<typename leaf::spec, A, V, E>, hand_in<Order, Leaves...>>::type;
      const void* const data = data_of_bound(detail::get<At>(arrays.all));
      if constexpr (!is_zero<G>) {
        if (!adjoints.wants(data)) return;
        using gradient =
            reduction<unite<unite<Signature, type_list<E>>,
                            type_list<handed_in<Leaves, Order, index_of<Leaves>(type_list<Leaves...>{})>...>>,
                      Options, item<axis_leaving(V::symbol_role), sum_spec<G>>>;
        adjoints.add(data,
                     record_reduction<Order - 1>(
                         onto, place, gradient{},
                         with_outputs(with_bound(arrays, bound_array<E, taped<real>, true>{e}), onto, numbers{})));
      }
    }
  }
  template <class Arrays, int... Ns>
  auto with_outputs(const Arrays& a, tape_record& onto, std::integer_sequence<int, Ns...>) const {
    return merged(a, bound_list<decltype(bound_output<Ns>(onto))...>{{{bound_output<Ns>(onto)}...}});
  }
  template <int N> auto bound_output(tape_record& onto) const {
    using leaf = type_at<type_list<Leaves...>, N>;
    using V = handed_in<leaf, Order, N>;
    const auto& m = detail::get<N>(outputs);
    if constexpr (leaf::result == kind::index) {
      using shown = view<const std::int64_t>;
      return bound_array<V, shown, true>{shown{m.data(), m.rows(), m.cols()}};
    } else {
      return bound_array<V, taped<real>, true>{taped<real>(onto, m)};
    }
  }
};

template <class Spec, axis A, class List> struct leaves_asked_for;
template <class Spec, axis A, class... Bound> struct leaves_asked_for<Spec, A, bound_list<Bound...>> {
  using type = typename asked_for<Spec, A, typename Bound::variable...>::type;
};
template <int Order, class Matrix, class Signature, class Options, axis A, class Spec, class List>
auto record_spec(tape_record& on, const Matrix& K, reduction<Signature, Options, item<A, Spec>>, const List& arrays) {
  static_assert(Spec::result == kind::real, "kernfold: an index has no gradient, so a tape has no use for it");
  static_assert(A != axis::none);
  using leaves =
      std::conditional_t<(Order > 0), typename leaves_asked_for<Spec, A, List>::type, type_list<folded<Spec, A>>>;
  using step = reduction_step<Order, Matrix, reduction<Signature, Options, item<A, Spec>>, List, leaves>;
  const step& made = on.add(new step(K, arrays));
  return taped<typename step::real>(on, detail::get<0>(made.outputs));
}
template <int Order, class Matrix, class R, class List>
auto record_reduction(tape_record& on, const Matrix& K, R r, const List& arrays) {
  return record_spec<Order>(on, K, r, arrays);
}

}  // namespace detail

/// Records lazy reductions and what is made of their results, and gives derivatives of it:
///   kf::tape t;
///   auto a = K.sum_j(t);                               a taped matrix: + - * /, exp, sum, dot, matmul, ... are
///   recorded auto [gX, gY] = t.gradient(sum(square(a)), X, Y);  with respect to any array that a lazy matrix was made
///   of
/// An array that is used several times, as rows and as columns, gets the sum of what flows to it; arrays are told apart
/// by where they begin. Taped matrices may be
/// arrays of further lazy matrices. The tape keeps the results, and what their derivatives need of other reductions
/// (the columns of a minimum, the log-sum-exp of a softmax), computed in the same sweep; nothing is computed twice.
/// kf::tape<2> has derivatives of derivatives: of t.taped_gradient(...), whose results are on the tape again.
template <int Order = 1> class tape {
 public:
  static constexpr bool is_tape = true;
  tape() = default;
  tape(const tape&) = delete;
  tape& operator=(const tape&) = delete;

  /// A matrix of the caller's as one on the tape, for dense operations: it must live as long as the tape.
  template <class T> taped<T> variable(const matrix<T>& m) { return {record_, m}; }
  template <class T> taped<T> variable(const matrix<T>&&) = delete;

  /// dloss/dA for each of the arrays, as new matrices of a row for each point; zeros where nothing flows. The loss is a
  /// matrix of one number. Throws shape_error, and what a call throws.
  template <class T, class... Arrays> auto gradient(const taped<T>& loss, const Arrays&... arrays) {
    detail::tape_record scratch;
    const void* const wanted[] = {data_of(arrays)..., nullptr};
    detail::adjoint_list adjoints(record_, wanted, int(sizeof...(Arrays)));
    pull(loss, scratch, adjoints);
    return results<matrix<real_of<Arrays>>...>{{{value_of<real_of<Arrays>>(adjoints, arrays)}...}};
  }
  /// The same on the tape, to be differentiated once more.
  template <class T, class... Arrays> auto taped_gradient(const taped<T>& loss, const Arrays&... arrays) {
    const void* const wanted[] = {data_of(arrays)..., nullptr};
    detail::adjoint_list adjoints(record_, wanted, int(sizeof...(Arrays)));
    pull(loss, record_, adjoints);
    return results<taped<real_of<Arrays>>...>{{{taped_of<real_of<Arrays>>(adjoints, arrays)}...}};
  }

  /// What K.sum_j(t) and its like do.
  template <class Matrix, class R, class List> auto record(const Matrix& K, R r, const List& arrays) {
    return detail::record_reduction<Order>(record_, K, r, arrays);
  }

 private:
  detail::tape_record record_;

  template <class A> using real_of = std::conditional_t<is_narrow_real<element_of<A>>, float, element_of<A>>;
  template <class A> static const void* data_of(const A& a) { return describe(a).data; }
  template <class T> void pull(const taped<T>& loss, detail::tape_record& onto, detail::adjoint_list& adjoints) {
    if (!detail::is_number(loss))
      throw shape_error(message() << "the gradient of a matrix of " << loss.rows() << " x " << loss.cols()
                                  << " elements was asked for: that of one number can be had, as of its sum");
    adjoints.add(loss.data(), detail::number_on(onto, T(1)));
    for (detail::tape_step* s = last_before(loss); s != nullptr; s = s->before) s->pull(onto, adjoints);
  }
  /// The step whose result the loss is: later ones do not matter.
  template <class T> detail::tape_step* last_before(const taped<T>& loss) const {
    detail::tape_step* s = record_.last();
    while (s != nullptr && !s->has_result(loss.data())) s = s->before;
    return s;
  }
  template <class T, class A> static matrix<T> zeros_like(const A& a) {
    const auto raw = describe(a);
    return raw.is_flat ? matrix<T>::zeros(raw.total, 1) : matrix<T>::zeros(raw.rows, raw.dim);
  }
  template <class T, class A> static matrix<T> value_of(const detail::adjoint_list& adjoints, const A& a) {
    const taped<T>* const found = adjoints.find<T>(data_of(a));
    return found != nullptr ? found->value() : zeros_like<T>(a);
  }
  template <class T, class A> taped<T> taped_of(const detail::adjoint_list& adjoints, const A& a) {
    if (const taped<T>* const found = adjoints.find<T>(data_of(a))) return *found;
    return detail::record_dense(record_, zeros_like<T>(a), [](const taped<T>&, detail::adjoint_list&) {});
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
