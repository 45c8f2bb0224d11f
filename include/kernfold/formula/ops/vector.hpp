// kernfold/formula/ops/vector.hpp: components of vectors, and their transposes.
#pragma once

#include "../../core/math.hpp"
#include "../../core/vec.hpp"
#include "../support.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
/// total + term(1) + ... + term(N-1), in that order, where `add(k, t)` returns t + term(k).
template <int N, class T, class Add> KERNFOLD_HD T accumulate(T total, Add add) {
  for_each_component<N - 1>([&](int k) KERNFOLD_INLINE_LAMBDA { total = add(k + 1, total); });
  return total;
}
/// How many components an argument has, known at run time.
template <class A, class... Rest> KERNFOLD_HD int run_time_size(const A& a, const Rest&... rest) {
  if constexpr (A::dim == dynamic) return a.size();
  else return run_time_size(rest...);
}
/// The contraction Op of vectors whose dimension is known at run time.
template <class Op, class T, class... As> KERNFOLD_HD T contract_at_run_time(const As&... as) {
  const int size = run_time_size(as...);
  T total(math::real_of<T>(0));
  for (int k = 0; k < size; ++k) total = Op::add_component(k, total, as...);
  return total;
}
}  // namespace detail

template <int M, int D> struct ElemT;
template <int D> struct SumT;
namespace detail {
/// A condition for each of D components.
template <int D, class S> constexpr auto spread_condition(S s) {
  if constexpr (S::dim == D) return s;
  else return make<SumT<D>>(s);
}
/// Where a contraction Op of vectors of dimensions D and E may differ from 0: where both sides of any of its products
/// may.
template <class Op, int D, int E, class S, class T> constexpr auto contracted(S s, T t) {
  if constexpr (is_zero<S> || is_zero<T>) return nowhere;
  else if constexpr (S::dim == 1 && T::dim == 1) return both(s, t);
  else return make<Op>(spread_condition<D>(s) != nowhere, spread_condition<E>(t) != nowhere);
}
}  // namespace detail
template <int Start, int D> struct ExtractT;

/// sum_k f_k
struct Sum : operation<Sum> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr bool takes_run_time_dim = true;
  static constexpr auto result_support(auto, auto f) { return detail::any_component(f); }
  static consteval int result_sign(int f) { return f; }
  static consteval int dim(int) { return 1; }
  template <class T, class A> KERNFOLD_HD static T add_component(int k, T total, const A& a) { return total + a(k); }
  template <class T, class A> KERNFOLD_HD static T component(int, const A& a) {
    if constexpr (A::dim == dynamic) return detail::contract_at_run_time<Sum, T>(a);
    else return detail::accumulate<A::dim>(T(a(0)), [&](int k, T t) KERNFOLD_INLINE_LAMBDA { return t + a(k); });
  }
  static constexpr auto gradient(auto, auto g) { return g; }  // the sweep spreads it over the components
};

/// (f, ..., f): a scalar D times; the transpose of Sum
template <int D> struct SumT : operation<SumT<D>> {
  static constexpr bool takes_run_time_dim = true;
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f) { return f; }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  static consteval int dim(int d) { return d == 1 ? D : -1; }
  template <class T, class A> KERNFOLD_HD static T component(int, const A& a) { return a(0); }
  static constexpr auto gradient(auto, auto g) { return g; }  // the sweep sums it
};

/// f_M
template <int M> struct Elem : operation<Elem<M>> {
  static constexpr notation written{.pattern = "A_[#]", .argument = {binding_strength::atom}, .number = {M, 1}};
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f) { return detail::moved<Elem>(f); }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  static consteval int dim(int d) { return M >= 0 && M < d ? 1 : -1; }
  template <class T, class A> KERNFOLD_HD static T component(int, const A& a) { return a(M); }
  static constexpr auto gradient(auto f, auto g) { return make<ElemT<M, decltype(f)::dim>>(g); }
};

/// f e_M in R^D; the transpose of Elem
template <int M, int D> struct ElemT : operation<ElemT<M, D>> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f) { return make<ElemT>(f); }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  static consteval int dim(int d) { return d == 1 && M >= 0 && M < D ? D : -1; }
  template <class T, class A> KERNFOLD_HD static T component(int k, const A& a) { return k == M ? a(0) : T(0); }
  static constexpr auto gradient(auto, auto g) { return make<Elem<M>>(g); }
};

/// (f_Start, ..., f_{Start+Length-1})
template <int Start, int Length> struct Extract : operation<Extract<Start, Length>> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  static constexpr auto result_support(auto, auto f) { return detail::moved<Extract>(f); }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  static consteval int dim(int d) { return Start >= 0 && Length >= 1 && Start + Length <= d ? Length : -1; }
  template <class T, class A> KERNFOLD_HD static T component(int k, const A& a) { return a(Start + k); }
  static constexpr auto gradient(auto f, auto g) { return make<ExtractT<Start, decltype(f)::dim>>(g); }
};

/// f at Start in R^D, zeros around it; the transpose of Extract
template <int Start, int D> struct ExtractT : operation<ExtractT<Start, D>> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  template <class F> static constexpr auto result_support(type_list<F>, auto f) {
    return make<ExtractT>(detail::spread_condition<F::dim>(f));
  }
  static consteval int result_sign(int f) { return f; }
  static consteval bool result_is_rounded(bool f) { return f; }
  static consteval int dim(int d) { return Start >= 0 && Start + d <= D ? D : -1; }
  template <class T, class A> KERNFOLD_HD static T component(int k, const A& a) {
    return k >= Start && k < Start + A::dim ? a(k - Start) : T(0);
  }
  static constexpr auto gradient(auto f, auto g) { return make<Extract<Start, decltype(f)::dim>>(g); }
};

/// (f_0, ..., g_0, ...)
struct Concat : operation<Concat> {
  static constexpr bool knows_support = true;
  static constexpr bool moves_components = true;
  template <class F, class G, class S, class T> static constexpr auto result_support(type_list<F, G>, S f, T g) {
    if constexpr (std::is_same_v<S, T> && S::dim == 1) return f;
    else return concat(detail::spread_condition<F::dim>(f), detail::spread_condition<G::dim>(g));
  }
  static consteval int result_sign(int f, int g) { return f == g ? f : 0; }
  static consteval bool result_is_rounded(bool f, bool g) { return f && g; }
  static consteval int dim(int a, int b) { return a + b; }
  template <class T, class A, class B> KERNFOLD_HD static T component(int k, const A& a, const B& b) {
    return k < A::dim ? a(k) : b(k - A::dim);
  }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    constexpr int left = decltype(f)::dim, right = decltype(h)::dim;
    if constexpr (Place == 0) return make<Extract<0, left>>(g);
    else return make<Extract<left, right>>(g);
  }
};

template <formula F> constexpr auto sum(F f) { return make<Sum>(f); }
/// f_M
template <int M, formula F> constexpr auto elem(F f) { return make<Elem<M>>(f); }
/// (f_Start, ..., f_{Start+Length-1})
template <int Start, int Length, formula F> constexpr auto extract(F f) { return make<Extract<Start, Length>>(f); }
template <formula F, formula G> constexpr auto concat(F f, G g) { return make<Concat>(f, g); }
template <formula F, formula G, formula H, formula... Rest> constexpr auto concat(F f, G g, H h, Rest... rest) {
  return concat(concat(f, g), h, rest...);
}

}  // namespace kernfold
KERNFOLD_STRICT_END
