// kernfold/formula/lower.hpp: from a formula as written to the one that is evaluated.
//
// Every node belongs to the earliest stage at which its value is known: once per call (parameter), once per output row
// (row), once per column of a tile (column), or for each pair. Only the pair stage costs M N times, so lowering moves
// work out of it:
//   - the exponentials of the pair stage become powers of two, log2(e) joining the factors of their argument;
//     nothing is moved into the points of a distance, which is formed from the arrays' own numbers: a point far from
//     wherever they were moved to would lose its digits;
//   - the factors of a product are regrouped by stage, scalars before vectors;
//   - a quotient by something known earlier is a product with its reciprocal;
//   - a product that is added becomes a fused multiply-add;
//   - a factor of rows and parameters leaves a sum over the columns: sum_j r_i f_ij = r_i sum_j f_ij.
//
// So products are not evaluated in the order in which they are written. Where factors are so large or so small that a
// product of some of them overflows or vanishes while the whole does not (in float: beyond 1e+-38), that changes the
// value: (p x) (p y) with p = 1e20 and x = y = 1e-20 computes p p first. grouped(f) prevents it: nothing outside is
// regrouped with what is inside, as in grouped(p * x) * grouped(p * y). Constants beyond 2^+-34 stay where they are by
// themselves.
#pragma once

#include "graph.hpp"
#include "simplify.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

enum class stage : unsigned char { parameter, row, column, pair };

/// How formulas are lowered for a sweep.
struct lowering {
  role rows = role::i;              // the role of the output rows; the columns have the other one, edges none
  bool keeps_exponentials = false;  // as written, accurate to their own rounding
  bool bounds_distances = false;  // of which only the least count: for an engine that the number of instructions bounds
  bool empty_is_zero = false;     // an average of nothing is 0, not NaN
};

/// 1 / f, to be multiplied with
struct Reciprocal : elementwise<Reciprocal> {
  static consteval int result_sign(int f) { return f; }
  template <class T> KERNFOLD_HD static T eval(T a) { return math::reciprocal(a); }
};

/// 2^f where f <= 0 by its form: one bound less to check
struct Exp2Nonpositive : elementwise<Exp2Nonpositive> {
  static constexpr bool is_chain = true;
  static consteval int result_sign(auto...) { return 1; }
  template <class T> KERNFOLD_HD static T eval(T a) { return math::exp2_nonpositive(a); }
};

namespace detail {

/// The stage of a set of roles, where the output rows have the role `rows`. An edge is a pair; where the output has a
/// row for each, so has all that an edge knows.
consteval stage stage_of(role_set depends, role rows) {
  if (depends == no_roles) return stage::parameter;
  if (depends == role_bit(rows) || rows == role::edge) return stage::row;
  return depends == depends_on_i || depends == depends_on_j ? stage::column : stage::pair;
}
template <class F, lowering L> inline constexpr stage stage_in = stage_of(F::depends, L.rows);

template <class F, lowering L> struct lowered;

template <class Coefficient, class Factors> struct factorization {
  using coefficient = Coefficient;
  using factors = Factors;
};

template <class F, lowering L> struct factorized {
  using type = factorization<Constant<1>, type_list<F>>;
};
template <std::int64_t N, std::int64_t D, lowering L>
  requires(is_moderate(number_of<Constant<N, D>>))
struct factorized<Constant<N, D>, L> {
  using type = factorization<Constant<N, D>, type_list<>>;
};
template <class A, class B> struct factor_product;
template <class C, class... Fs, class D, class... Gs>
struct factor_product<factorization<C, type_list<Fs...>>, factorization<D, type_list<Gs...>>> {
  using type = factorization<decltype(constant_product(C{}, D{})), type_list<Fs..., Gs...>>;
};
template <class F, class G, lowering L>
  requires(!is_constant<F> || is_moderate(number_of<F>))
struct factorized<node<Mul, F, G>, L>
    : factor_product<typename factorized<F, L>::type, typename factorized<G, L>::type> {};
template <class F, class G, lowering L>
  requires(stage_in<G, L> != stage::pair)
struct factorized<node<Div, F, G>, L>
    : factor_product<typename factorized<F, L>::type, factorization<Constant<1>, type_list<node<Reciprocal, G>>>> {};

/// f_1 f_2 ... from left to right
template <class... Fs> struct left_product {
  using type = Constant<1>;
};
template <class F> struct left_product<F> {
  using type = F;
};
template <class F, class G, class... Rest>
struct left_product<F, G, Rest...> : left_product<node<Mul, F, G>, Rest...> {};
template <class List> struct product_of;
template <class... Fs> struct product_of<type_list<Fs...>> : left_product<Fs...> {};

template <bool Wanted, class F> using keep_if = std::conditional_t<Wanted, type_list<F>, type_list<>>;
/// 1 is no factor
template <class F> using unless_one = keep_if<!is_integer<F, 1>, F>;

/// The product of the factors of one stage, scalars first: one scalar product, then one per component.
template <class List, stage S, lowering L> struct stage_product;
template <class... Fs, stage S, lowering L> struct stage_product<type_list<Fs...>, S, L> {
  using type = typename product_of<join<keep_if<stage_in<Fs, L> == S && Fs::dim == 1, Fs>...,
                                        keep_if<stage_in<Fs, L> == S && Fs::dim != 1, Fs>...>>::type;
};

/// A product regrouped: coefficient and parameters join the rows, else the columns, else they meet each pair.
template <class Factorization, lowering L> struct regrouped {
  using list = typename Factorization::factors;
  using coefficient = typename Factorization::coefficient;
  using parameters = typename product_of<
      join<unless_one<coefficient>, unless_one<typename stage_product<list, stage::parameter, L>::type>>>::type;
  using rows = typename stage_product<list, stage::row, L>::type;
  using columns = typename stage_product<list, stage::column, L>::type;
  static constexpr bool has_rows = !is_integer<rows, 1>;

  template <class A, class B> using both = typename product_of<join<unless_one<A>, unless_one<B>>>::type;
  /// what leaves a sum over the columns
  using outer = both<parameters, rows>;

  template <class List> struct pairs;
  template <class... Fs> struct pairs<type_list<Fs...>> {
    using type = type_list<typename lowered<Fs, L>::type...>;
  };
  template <class List> struct of_pair_stage;
  template <class... Fs> struct of_pair_stage<type_list<Fs...>> {
    using type = join<keep_if<stage_in<Fs, L> == stage::pair, Fs>...>;
  };
  using pair_factors = typename pairs<typename of_pair_stage<list>::type>::type;

  template <class List> struct scalars_first;
  template <class... Fs> struct scalars_first<type_list<Fs...>> {
    using type = typename product_of<join<keep_if<Fs::dim == 1, Fs>..., keep_if<Fs::dim != 1, Fs>...>>::type;
  };
  /// pair and column factors only: what a sum over the columns adds up
  using inner = typename scalars_first<join<pair_factors, unless_one<columns>>>::type;
  /// the whole product
  using type =
      typename scalars_first<join<pair_factors, unless_one<std::conditional_t<has_rows, outer, rows>>,
                                  unless_one<std::conditional_t<has_rows, columns, both<parameters, columns>>>>>::type;
};

/// The sign that a formula has by its form: 1 for >= 0, -1 for <= 0, 0 where it is not known.
template <class F> inline constexpr int sign_of_form = 0;
template <std::int64_t N, std::int64_t D>
inline constexpr int sign_of_form<Constant<N, D>> = Constant<N, D>::value >= 0 ? 1 : -1;
template <class Op, class... Args>
inline constexpr int sign_of_form<node<Op, Args...>> = Op::result_sign(sign_of_form<Args>...);

/// Whether a value was rounded in proportion to its size, so that one more rounding of that size is harmless. A
/// variable is exact: c x - c y would round at the size of x and y, where c (x - y) rounds at that of their difference.
template <class F> inline constexpr bool is_rounded = is_zero<F> || requires { typename F::spec; };
template <class Op, class... Args>
inline constexpr bool is_rounded<node<Op, Args...>> = Op::result_is_rounded(is_rounded<Args>...);

/// c f with the constant pushed through sums to where it meets a coefficient, a parameter or an earlier stage.
template <class C, class F> struct scaled {
  using type = decltype(C{} * F{});
};
template <class C, class F, class G>
  requires(is_rounded<F> && is_rounded<G>)
struct scaled<C, node<Add, F, G>> {
  using type = node<Add, typename scaled<C, F>::type, typename scaled<C, G>::type>;
};
template <class C, class F, class G>
  requires(is_rounded<F> && is_rounded<G>)
struct scaled<C, node<Sub, F, G>> {
  using type = node<Sub, typename scaled<C, F>::type, typename scaled<C, G>::type>;
};

template <class F, class G> struct lowered_sum {
  using type = node<Add, F, G>;
};
template <class A, class B, class G> struct lowered_sum<node<Mul, A, B>, G> {
  using type = node<FusedMultiplyAdd, A, B, G>;
};
template <class F, class A, class B>
  requires(!is_node_of<F, Mul>)
struct lowered_sum<F, node<Mul, A, B>> {
  using type = node<FusedMultiplyAdd, A, B, F>;
};

/// The formula that is evaluated. Before the pair stage nothing needs to change.
template <class F, lowering L> struct lowered {
  using type = F;
};
template <class F, lowering L>
inline constexpr bool at_pair_stage = stage_in<F, L> == stage::pair && F::result == kind::real;

template <class Op, class... Args, lowering L>
  requires at_pair_stage<node<Op, Args...>, L>
struct lowered<node<Op, Args...>, L> {
  using type = node<Op, typename lowered<Args, L>::type...>;
};
template <class F, class G, lowering L>
  requires(at_pair_stage<node<Mul, F, G>, L> && (!is_constant<F> || is_moderate(number_of<F>)))
struct lowered<node<Mul, F, G>, L> : regrouped<typename factorized<node<Mul, F, G>, L>::type, L> {};
template <class F, class G, lowering L>
  requires(at_pair_stage<node<Div, F, G>, L> && stage_in<G, L> != stage::pair)
struct lowered<node<Div, F, G>, L> : regrouped<typename factorized<node<Div, F, G>, L>::type, L> {};
template <class F, class G, lowering L>
  requires at_pair_stage<node<Add, F, G>, L>
struct lowered<node<Add, F, G>, L> : lowered_sum<typename lowered<F, L>::type, typename lowered<G, L>::type> {};
template <class F, lowering L>
  requires(at_pair_stage<node<Exp, F>, L> && !L.keeps_exponentials)
struct lowered<node<Exp, F>, L> {
  using exponent = typename lowered<typename scaled<decltype(log2_of_e()), F>::type, L>::type;
  using type = node<std::conditional_t<(sign_of_form<exponent> < 0), Exp2Nonpositive, Exp2>, exponent>;
};

/// A summand split into what leaves the sum over the columns and what stays.
template <class F, lowering L> struct split_summand {
  using parts = regrouped<typename factorized<F, L>::type, L>;
  using outer = typename parts::outer;
  using inner = typename parts::inner;
};

}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
