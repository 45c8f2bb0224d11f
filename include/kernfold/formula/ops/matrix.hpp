// kernfold/formula/ops/matrix.hpp: small matrices inside formulas, stored row by row in flat vectors.
#pragma once

#include "vector.hpp"

namespace kernfold {

/// (A b)_k = sum_l A_{kl} b_l, with A of shape (n, p) flat, row-major, p = dim b
struct MatVecMult : operation<MatVecMult> {
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
};

/// (b^T A)_l = sum_k b_k A_{kl}, with A of shape (n, p) flat, row-major, n = dim b
struct VecMatMult : operation<VecMatMult> {
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
};

/// (a (x) b)_{kl} = a_k b_l, flat, row-major
struct TensorProd : operation<TensorProd> {
  static consteval int result_sign(int a, int b) { return a * b; }
  static consteval int dim(int a, int b) { return a * b; }
  template <class T, class A, class B> KERNFOLD_HD static T component(int k, const A& a, const B& b) {
    return math::product(T(a(k / B::dim)), T(b(k % B::dim)));
  }
  template <int Place> static constexpr auto gradient(auto a, auto b, auto g) {
    if constexpr (Place == 0) return matvecmult(g, b);
    else return vecmatmult(a, g);
  }
};

/// A b, with A flat and row-major of shape (dim A / dim b, dim b)
template <formula A, formula B> constexpr auto matvecmult(A a, B b) { return make<MatVecMult>(a, b); }
/// b^T A, with A flat and row-major of shape (dim b, dim A / dim b)
template <formula B, formula A> constexpr auto vecmatmult(B b, A a) { return make<VecMatMult>(b, a); }
/// a b^T, flat and row-major of shape (dim a, dim b)
template <formula A, formula B> constexpr auto tensorprod(A a, B b) { return make<TensorProd>(a, b); }

}  // namespace kernfold
