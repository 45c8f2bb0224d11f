// kernfold/formula/node.hpp: the one inner node of a formula, and the bases of operations.
#pragma once

#include "../core/type_list.hpp"
#include "concepts.hpp"
#include "notation.hpp"
#include "variable.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Shows dimensions in a compiler's message.
template <int... Dims> struct dims {};

/// An operation applied to formulas. An operation is an empty struct with
///   dim(d...)        the number of components of its result, from those of its arguments (-1: they do not fit),
///   eval(a...)       element-wise operations: one component, on any lane type T (derive from elementwise<Op>),
///   component<T>(k, a...)  others: component k, where a(l) is component l of an argument (derive from operation<Op>),
///   gradient         the adjoint of an argument from the adjoint g of the result (see elementwise).
template <class Op, class... Args> struct node : formula_base {
  using op = Op;
  using arguments = type_list<Args...>;
  static constexpr int dim = Op::dim(Args::dim...);
  static constexpr role_set depends = (Args::depends | ... | no_roles);
  static constexpr kind result = Op::result(type_list<Args...>{});
  static constexpr std::uint64_t positions = (Args::positions | ... | std::uint64_t{0});
};

template <class F> inline constexpr bool is_node = false;
template <class Op, class... Args> inline constexpr bool is_node<node<Op, Args...>> = true;
template <class F, class Op> inline constexpr bool is_node_of = false;
template <class Op, class... Args> inline constexpr bool is_node_of<node<Op, Args...>, Op> = true;

namespace detail {

template <class Op, class Dims, bool Fit> struct dimension_check {
  static_assert(Fit,
                "kernfold: the dimensions of an operation's arguments do not fit; the operation and the dimensions are "
                "named in this check's template arguments");
  static constexpr bool value = Fit;
};

/// A formula whose value is an index, or an integer that mixes with indices.
template <class F> inline constexpr bool is_index_like = F::result == kind::index;
template <std::int64_t N> inline constexpr bool is_index_like<Constant<N, 1>> = true;
template <> inline constexpr bool is_index_like<Zero<1>> = true;

/// A label of 64 bits without sign. Indices are signed: as one of them it keeps its bits, and so what it is equal to,
/// but from 2^63 on it is negative.
template <class F> inline constexpr bool is_unsigned_label = false;
template <role R, int P, int D, class E>
inline constexpr bool is_unsigned_label<variable<R, P, D, E>> = std::is_unsigned_v<E> && sizeof(E) == 8;
/// What such a label may be compared with: what is not negative.
template <class F> inline constexpr bool is_label_without_sign = false;
template <role R, int P, int D, class E>
inline constexpr bool is_label_without_sign<variable<R, P, D, E>> = std::is_unsigned_v<E>;
template <std::int64_t N> inline constexpr bool is_label_without_sign<Constant<N, 1>> = N >= 0;
template <int D> inline constexpr bool is_label_without_sign<Zero<D>> = true;
template <role R> inline constexpr bool is_label_without_sign<index_variable<R>> = true;

template <class Op, class Dims, bool Takes> struct run_time_dimension_check {
  static_assert(Takes,
                "kernfold: a vector whose dimension is known at run time (kf::dynamic) is an argument of element-wise "
                "operations, sqdist, dot, sqnorm2, norm2 and sum; this operation, named in the check's template "
                "arguments, needs a dimension that is known at compile time");
  static constexpr bool value = Takes;
};

template <bool Fit> struct label_check {
  static_assert(Fit,
                "kernfold: labels of 64 bits without sign are compared for equality only, with others without sign: "
                "they are held in signed integers, where those from 2^63 on are negative. Give std::int64_t or "
                "std::uint32_t for what is ordered, computed with or reduced");
  static constexpr bool value = Fit;
};
template <class Op, class... Fs> consteval bool check_labels() {
  if constexpr (((Fs::result == kind::index) || ...))
    return label_check < !(is_unsigned_label<Fs> || ...) ||
           (Op::compares_equality && (is_label_without_sign<Fs> && ...)) > ::value;
  else return true;
}

/// The rewriting of a node into a simpler formula; simplify.hpp specialises it, one rule a line.
template <class Op, class... Args> struct simplified {
  using type = node<Op, Args...>;
};

/// The variables of the formulas Fs, and of what is declared beside them, that the formula R lacks: graph.hpp.
template <class R, class... Fs> struct lost_variables;

}  // namespace detail

/// A formula of which rewriting dropped variables, as in x - x + y or the gradient of x | y: they stay arguments of the
/// call, and give it its shape. This is always the outermost part of a formula: what is made of it is made of F.
template <class F, class... Vs> struct declared : formula_base {
  using formula_type = F;
  static constexpr int dim = F::dim;
  static constexpr role_set depends = F::depends;
  static constexpr kind result = F::result;
  static constexpr std::uint64_t positions = (Vs::positions | ... | F::positions);
};

namespace detail {
/// F without what is declared beside it.
template <class F> struct undeclared {
  using type = F;
};
template <class F, class... Vs> struct undeclared<declared<F, Vs...>> {
  using type = F;
};
template <class F> using bare = typename undeclared<std::remove_cvref_t<F>>::type;
template <class R, class Lost> struct declared_with;
template <class R> struct declared_with<R, type_list<>> {
  using type = R;
};
template <class R, class V, class... Vs> struct declared_with<R, type_list<V, Vs...>> {
  using type = declared<R, V, Vs...>;
};
/// R, and what it lacks of the variables of Fs beside it.
template <class R, class... Fs> constexpr auto keep_variables(R r) {
  if constexpr ((Fs::positions | ... | std::uint64_t{0}) == R::positions) return r;
  else return typename declared_with<R, typename lost_variables<R, Fs...>::type>::type{};
}
}  // namespace detail

namespace detail {
/// Whether a formula carries the arrays of its variables: its type says how an operation is applied to such.
template <class F>
concept carries_arrays = requires { requires F::is_lazy; };
template <class... Fs> struct first_with_arrays;
template <class F, class... Fs> struct first_with_arrays<F, Fs...> : first_with_arrays<Fs...> {};
template <carries_arrays F, class... Fs> struct first_with_arrays<F, Fs...> {
  using type = F;
};
}  // namespace detail

/// Op applied to formulas: dimensions checked, then simplified. Where one carries its arrays, so does the result.
template <class Op, formula... Fs> constexpr auto make([[maybe_unused]] Fs... fs) {
  constexpr bool fit = detail::dimension_check<Op, dims<Fs::dim...>, (Op::dim(Fs::dim...) >= 1)>::value &&
                       detail::run_time_dimension_check < Op,
                 dims<Fs::dim...>,
                 Op::takes_run_time_dim ||
                     !((Fs::dim == dynamic) || ...) > ::value && detail::check_labels<Op, detail::bare<Fs>...>();
  if constexpr ((detail::carries_arrays<Fs> || ...))
    return detail::first_with_arrays<Fs...>::type::template apply<Op>(fs...);
  else if constexpr (fit)
    return detail::keep_variables<detail::bare<typename detail::simplified<Op, detail::bare<Fs>...>::type>, Fs...>({});
  else return Zero<1>{};  // the check above has failed already: spare the reader what would follow from it
}

/// What every operation shares. `Op{}(f...)` applies it.
///   accepts_index            whether eval also works on 64-bit integer lanes
///   is_chain                 whether it takes many instructions, each of which waits for the one before
///   result_sign(s...)        from the arguments' signs: 1 for >= 0, -1 for <= 0, 0 where it is not known
///   result_is_rounded(r...)  in proportion to its size, given whether the arguments are
///   knows_support            whether it has result_support: see support.hpp
///   compares_equality        whether all that matters of an index is what it is equal to
///   written                  how it is written: see notation.hpp
///   takes_run_time_dim       whether its arguments may have a dimension that is known at run time
///   moves_components         whether it only moves or adds components, so that what it makes of zeros are zeros
template <class Op> struct operation {
  static constexpr bool accepts_index = false;
  static constexpr bool is_chain = false;
  static constexpr bool knows_support = false;
  static constexpr bool moves_components = false;
  static constexpr bool compares_equality = false;
  static constexpr bool takes_run_time_dim = false;
  static constexpr notation written{};
  static consteval int result_sign(auto...) { return 0; }
  static consteval bool result_is_rounded(auto...) { return true; }

  template <class... Args> static consteval kind result(type_list<Args...>) { return kind::real; }
  template <formula... Fs> constexpr auto operator()(Fs... fs) const { return make<Op>(fs...); }
};

/// Base of an operation that acts component by component; an argument of dimension 1 meets every component.
///   eval       template <class T> KERNFOLD_HD static T eval(T a, ...)
///   gradient   one argument:  static constexpr auto gradient(auto f, auto g)         adjoint of f
///              several:       template <int Place> static constexpr auto gradient(auto f, auto h, ..., auto g)   of
///              argument Place
/// The adjoint of an argument of dimension 1 is summed over the components by the sweep, not by the rule.
template <class Op> struct elementwise : operation<Op> {
  static constexpr bool takes_run_time_dim = true;
  template <class... Ints> static consteval int dim(Ints... ds) {
    int widest = 1;
    ((widest = ds > widest ? ds : widest), ...);
    return ((ds == 1 || ds == widest) && ...) ? widest : -1;
  }
};

/// An element-wise operation that is exact on indices when all its arguments are indices or integers.
template <class Op> struct index_elementwise : elementwise<Op> {
  static constexpr bool accepts_index = true;
  template <class... Args> static consteval kind result(type_list<Args...>) {
    return (detail::is_index_like<Args> && ...) && ((Args::result == kind::index) || ...) ? kind::index : kind::real;
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
