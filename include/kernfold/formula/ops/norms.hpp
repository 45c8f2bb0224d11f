// kernfold/formula/ops/norms.hpp: inner products, norms and distances.
#pragma once

#include "vector.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// sum_k f_k g_k
struct Scalprod : operation<Scalprod> {
  static constexpr notation written{.pattern = "(A | B)"};
  static constexpr bool knows_support = true;
  template <class A, class B> static constexpr auto result_support(type_list<A, B>, auto a, auto b) {
    return detail::contracted<Scalprod, A::dim, B::dim>(a, b);
  }
  static constexpr bool takes_run_time_dim = true;
  static consteval int dim(int a, int b) { return a == b ? 1 : -1; }
  template <class T, class A, class B> KERNFOLD_HD static T add_component(int k, T total, const A& a, const B& b) {
    return math::fma(T(a(k)), T(b(k)), total);
  }
  template <class T, class A, class B> KERNFOLD_HD static T component(int, const A& a, const B& b) {
    if constexpr (A::dim == dynamic) return detail::contract_at_run_time<Scalprod, T>(a, b);
    else
      return detail::accumulate<A::dim>(T(a(0) * b(0)),
                                        [&](int k, T t) KERNFOLD_INLINE_LAMBDA { return math::fma(a(k), b(k), t); });
  }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    if constexpr (Place == 0) return g * h;
    else return g * f;
  }
};

/// |f|^2 = sum_k f_k^2
struct SqNorm2 : operation<SqNorm2> {
  static constexpr notation written{.pattern = "|A|^2", .strength = binding_strength::power};
  static constexpr bool takes_run_time_dim = true;
  static consteval int result_sign(auto...) { return 1; }
  static consteval int dim(int) { return 1; }
  template <class T, class A> KERNFOLD_HD static T add_component(int k, T total, const A& a) {
    return Scalprod::add_component(k, total, a, a);
  }
  template <class T, class A> KERNFOLD_HD static T component(int, const A& a) {
    return Scalprod::component<T>(0, a, a);
  }
  static constexpr auto gradient(auto f, auto g) { return constant<2> * (g * f); }
};

/// |f - g|^2 = sum_k (f_k - g_k)^2; a scalar argument meets every component.
struct SqDist : operation<SqDist> {
  static constexpr notation written{.pattern = "|A - B|^2",
                                    .strength = binding_strength::power,
                                    .argument = {binding_strength::sum, binding_strength::quotient}};
  static constexpr bool takes_run_time_dim = true;
  static consteval int result_sign(auto...) { return 1; }
  static consteval int dim(int a, int b) { return a == b || a == 1 || b == 1 ? 1 : -1; }
  template <class T, class A, class B> KERNFOLD_HD static T add_component(int k, T total, const A& a, const B& b) {
    const T d = a(A::dim == 1 ? 0 : k) - b(B::dim == 1 ? 0 : k);
    return math::fma(d, d, total);
  }
  template <class T, class A, class B> KERNFOLD_HD static T component(int, const A& a, const B& b) {
    constexpr int dim = A::dim > B::dim ? A::dim : B::dim;
    if constexpr (dim == dynamic) {
      return detail::contract_at_run_time<SqDist, T>(a, b);
    } else {
      const T first = a(0) - b(0);
      return detail::accumulate<dim>(
          T(first * first), [&](int k, T t) KERNFOLD_INLINE_LAMBDA { return SqDist::add_component(k, t, a, b); });
    }
  }
  template <int Place> static constexpr auto gradient(auto f, auto h, auto g) {
    if constexpr (Place == 0) return constant<2> * (g * (f - h));
    else return constant<-2> * (g * (f - h));
  }
};

/// f | g = sum_k f_k g_k
template <formula F, formula G> constexpr auto operator|(F f, G g) { return make<Scalprod>(f, g); }
template <formula F, formula G> constexpr auto dot(F f, G g) { return make<Scalprod>(f, g); }
template <formula F, formula G> constexpr auto scalprod(F f, G g) { return make<Scalprod>(f, g); }
template <formula F> constexpr auto sqnorm2(F f) { return make<SqNorm2>(f); }
template <formula F, formula G> constexpr auto sqdist(F f, G g) { return make<SqDist>(f, g); }
/// |f| = sqrt(sum_k f_k^2); its gradient at 0 is 0.
template <formula F> constexpr auto norm2(F f) { return sqrt(sqnorm2(f)); }
/// f / |f|, and 0 where f = 0
template <formula F> constexpr auto normalize(F f) { return rsqrt(sqnorm2(f)) * f; }

}  // namespace kernfold
KERNFOLD_STRICT_END
