// kernfold/formula/ops/matrix.hpp: small matrices inside formulas, stored row by row in flat vectors.
#pragma once

#include "vector.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
/// (1, ..., 1)
template <int D> constexpr auto ones() { return make<SumT<D>>(constant<1>); }
}  // namespace detail

/// (A b)_k = sum_l A_{kl} b_l, with A of shape (n, p) flat, row-major, p = dim b
struct MatVecMult : operation<MatVecMult> {
  static constexpr bool knows_support = true;
  template <class A, class B> static constexpr auto result_support(type_list<A, B>, auto a, auto b) {
    return detail::contracted<MatVecMult, A::dim, B::dim>(a, b);
  }
  static consteval int dim(int a, int b) { return a % b == 0 ? a / b : -1; }
  template <class T, class A, class B> KERNFOLD_HD static T component(int k, const A& a, const B& b) {
    return detail::accumulate<B::dim>(T(a(k * B::dim) * b(0)), [&](int l, T t) KERNFOLD_INLINE_LAMBDA {
      return math::fma(a(k * B::dim + l), b(l), t);
    });
  }
  template <int Place> static constexpr auto gradient(auto a, auto b, auto g) {
    if constexpr (Place == 0) return tensorprod(g, b);
    else return vecmatmult(g, a);
  }
  /// (g_k b_l) and sum_k g_k A_kl where the adjoint g has components that are 0: so are their terms.
  template <int Place> static constexpr auto masked_gradient(auto s, auto a, auto b, auto g) {
    const auto terms = tensorprod(s, detail::ones<decltype(b)::dim>());
    if constexpr (Place == 0) return where(terms, tensorprod(g, b), zero<1>);
    else return vecmatmult(g, where(terms, a, zero<1>));
  }
};

/// (b^T A)_l = sum_k b_k A_{kl}, with A of shape (n, p) flat, row-major, n = dim b
struct VecMatMult : operation<VecMatMult> {
  static constexpr bool knows_support = true;
  template <class B, class A> static constexpr auto result_support(type_list<B, A>, auto b, auto a) {
    return detail::contracted<VecMatMult, B::dim, A::dim>(b, a);
  }
  static consteval int dim(int b, int a) { return a % b == 0 ? a / b : -1; }
  template <class T, class B, class A> KERNFOLD_HD static T component(int l, const B& b, const A& a) {
    constexpr int p = A::dim / B::dim;
    return detail::accumulate<B::dim>(
        T(b(0) * a(l)), [&](int k, T t) KERNFOLD_INLINE_LAMBDA { return math::fma(b(k), a(k * p + l), t); });
  }
  template <int Place> static constexpr auto gradient(auto b, auto a, auto g) {
    if constexpr (Place == 0) return matvecmult(a, g);
    else return tensorprod(b, g);
  }
  /// sum_l A_kl g_l and (b_k g_l), likewise.
  template <int Place> static constexpr auto masked_gradient(auto s, auto b, auto a, auto g) {
    const auto terms = tensorprod(detail::ones<decltype(b)::dim>(), s);
    if constexpr (Place == 0) return matvecmult(where(terms, a, zero<1>), g);
    else return where(terms, tensorprod(b, g), zero<1>);
  }
};

/// (a (x) b)_{kl} = a_k b_l, flat, row-major
struct TensorProd : operation<TensorProd> {
  static constexpr bool knows_support = true;
  template <class A, class B> static constexpr auto result_support(type_list<A, B>, auto a, auto b) {
    return detail::contracted<TensorProd, A::dim, B::dim>(a, b);
  }
  static consteval int result_sign(int a, int b) { return a * b; }
  static consteval int dim(int a, int b) { return a * b; }
  template <class T, class A, class B> KERNFOLD_HD static T component(int k, const A& a, const B& b) {
    return math::product(T(a(k / B::dim)), T(b(k % B::dim)));
  }
  template <int Place> static constexpr auto gradient(auto a, auto b, auto g) {
    if constexpr (Place == 0) return matvecmult(g, b);
    else return vecmatmult(a, g);
  }
  /// sum_l g_kl b_l and sum_k a_k g_kl, likewise.
  template <int Place> static constexpr auto masked_gradient(auto s, auto a, auto b, auto g) {
    const auto left = detail::ones<decltype(a)::dim>();
    const auto right = detail::ones<decltype(b)::dim>();
    if constexpr (Place == 0) return matvecmult(where(s, g * tensorprod(left, b), zero<1>), right);
    else return vecmatmult(left, where(s, g * tensorprod(a, right), zero<1>));
  }
};

/// A b, with A flat and row-major of shape (dim A / dim b, dim b)
template <formula A, formula B> constexpr auto matvecmult(A a, B b) { return make<MatVecMult>(a, b); }
/// b^T A, with A flat and row-major of shape (dim b, dim A / dim b)
template <formula B, formula A> constexpr auto vecmatmult(B b, A a) { return make<VecMatMult>(b, a); }
/// a b^T, flat and row-major of shape (dim a, dim b)
template <formula A, formula B> constexpr auto tensorprod(A a, B b) { return make<TensorProd>(a, b); }

}  // namespace kernfold
KERNFOLD_STRICT_END
