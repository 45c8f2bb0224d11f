// kernfold/reduction/logsumexp.hpp: a_i = log sum_j exp(F) [W], and the softmax average sum_j exp(F) V / sum_j exp(F).
#pragma once

#include "sum.hpp"

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

enum class exponential_result : unsigned char { log_of_sum, log_of_weighted, average };

/// Works in powers of two: root 0 is F log2(e); root 1, where there is one, the weight W or the values V, of dimension
/// Dim. With m a running maximum, s = sum_j 2^(F_j - m) W_j; a block of columns costs one exponential each, and s is
/// rescaled only when some lane's maximum grew (online softmax: Milakov and Gimelshein, arXiv 1805.02867).
/// m starts at the least finite number, not at -inf, so that columns at -inf add an exact 0 instead of a NaN. A column
/// at +inf takes m to the greatest one, and the log is +inf. The log of no columns is -inf.
template <int Dim, exponential_result R, accumulation A> struct exponential_fold {
  static constexpr int dim = Dim;
  static constexpr kind result = kind::real;
  static constexpr int block = 4;
  static constexpr bool is_chain = true;
  static constexpr bool weighted = R != exponential_result::log_of_sum;
  static constexpr bool sums_weights = R != exponential_result::log_of_weighted;
  static constexpr int sums =
      R == exponential_result::average ? Dim + 1 : Dim;  // the last one is that of the weights 1

  template <class T> struct state {
    T maximum;
    vec<running_sum<T, A>, sums> sum;
  };
  template <class T> using accumulator = state<T>;

  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    s.maximum = T(-math::largest<math::real_of<T>>());
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].clear(); });
  }
  static constexpr bool per_tile = A == accumulation::block;
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, const state<T>& s, std::int64_t) {
    a = s;
    if constexpr (per_tile)  // the maximum goes on, the sums start anew
      for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { a.sum[k].clear(); });
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int) {
    T v[B];
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<0>(b)(0); });
    if constexpr (math::is_tile<T>) {
      absorb_if_in_range<B>(a, v, values);
    } else {
      const T highest = highest_of<B>(v);
      if (math::any(highest > a.maximum)) [[unlikely]]
        raise(a, highest);
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
        const T e = math::exp2_nonpositive(v[b] - a.maximum);
        add_term(a, e, b, values);
        if constexpr (sums_weights) a.sum[sums - 1].add(e);
      });
    }
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, const accumulator<T>& a, std::int64_t) {
    if constexpr (per_tile) merge(s, a);
    else s = a;
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    state<T> later = other;
    raise(later, s.maximum);
    raise(s, later.maximum);
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].merge(later.sum[k]); });
  }
  template <class T> static KERNFOLD_HD_LAYER T finish(const state<T>& s, int k) {
    using real = math::real_of<T>;
    if constexpr (R == exponential_result::average) return s.sum[k].result() / s.sum[Dim].result();
    else
      return math::select(s.maximum >= T(math::largest<real>()), T(math::infinity<real>()),
                          T(real(0.693147180559945309417)) * (s.maximum + math::log2(s.sum[k].result())));
  }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t) {
    s.maximum = math::get(from.maximum, l);
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].extract(from.sum[k], l); });
  }

 private:
  template <int B, class T> static KERNFOLD_HD_LAYER T highest_of(const T (&v)[B]) {
    T highest = v[0];
    for_each_component<B - 1>([&](int b) KERNFOLD_INLINE_LAMBDA { highest = math::max(highest, v[b + 1]); });
    return highest;
  }
  template <class T, class Values>
  static KERNFOLD_HD_LAYER void add_term(accumulator<T>& a, const T& e, int b, const Values& values) {
    if constexpr (weighted) {
      const auto w = values.template root<1>(b);
      for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { a.sum[k].add_product(e, w(k)); });
    }
  }
  /// Where exponentials are cheaper than comparisons: m, now the maximum of some columns only, grows when the terms of
  /// a block do not stay below 2^32. Their sum is needed anyway.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb_if_in_range(accumulator<T>& a, const T (&v)[B], const Values& values) {
    T e[B];
    T total = exponentials<B>(e, v, a.maximum);
    if (math::any(total > T(math::real_of<T>(0x1p32)))) [[unlikely]] {
      raise(a, highest_of<B>(v));
      total = exponentials<B>(e, v, a.maximum);
    }
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { add_term(a, e[b], b, values); });
    if constexpr (sums_weights) a.sum[sums - 1].add(total);
  }
  template <int B, class T> static KERNFOLD_HD_LAYER T exponentials(T (&e)[B], const T (&v)[B], const T& maximum) {
    T total = T(0);
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
      e[b] = math::exp2(v[b] - maximum);
      total = b == 0 ? e[b] : total + e[b];
    });
    return total;
  }
  template <class T> static KERNFOLD_HD_LAYER void raise(state<T>& s, T maximum) {
    const T higher = math::min(T(math::largest<math::real_of<T>>()), math::max(s.maximum, maximum));
    const T factor = math::exp2_nonpositive(s.maximum - higher);
    s.maximum = higher;
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].scale(factor); });
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
namespace detail {
template <exponential_result R, class F, role_set Rows, accumulation A, class... Weight> struct exponential_plan {
  static_assert(F::dim == 1, "kernfold: a log-sum-exp or softmax needs a formula of dimension 1");
  using exponent = typename scaled<decltype(log2_of_e()), F>::type;
  using roots = type_list<typename lowered<exponent, Rows>::type, typename lowered<Weight, Rows>::type...>;
  using fold = exponential_fold<(Weight::dim * ... * 1), R, A>;
  using outer = Constant<1>;
};
/// L, or 0 where L = -inf: exp(F - L) is then 0 and not NaN for columns that all lie at -inf.
template <class L> constexpr auto finite_or_zero(L l) {
  using minus_infinity = typename constant_type<__builtin_bit_cast(std::int64_t, -__builtin_inf()), 0>::type;
  return where(l == minus_infinity{}, zero<1>, l);
}
}  // namespace detail

/// a = log sum_j exp(F), computed without overflow; -inf for no columns.
/// Its derivative is that of F, averaged with the softmax weights exp(F - a).
template <class F> struct logsumexp_spec {
  using formulas = type_list<F>;
  static constexpr int dim = 1;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "LogSumExp"; }
  template <role_set Rows, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::log_of_sum, F, Rows, A>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto value = detail::finite_or_zero(folded<logsumexp_spec, Axis>{});
    return detail::total_gradient(F{}, v, e * exp(F{} - value));
  }
};

/// a_d = log sum_j exp(F) W_d
template <class F, class W> struct weighted_logsumexp_spec {
  using formulas = type_list<F, W>;
  static constexpr int dim = W::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "LogSumExp"; }
  template <role_set Rows, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::log_of_weighted, F, Rows, A, W>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto value = detail::finite_or_zero(folded<weighted_logsumexp_spec, Axis>{});
    constexpr auto weighted = e * exp(F{} - value);
    return detail::total_gradient(F{}, v, dot(weighted, W{})) + detail::total_gradient(W{}, v, weighted);
  }
};

/// a_d = sum_j exp(F) V_d / sum_j exp(F): attention. NaN for no columns.
template <class F, class V> struct softmax_spec {
  using formulas = type_list<F, V>;
  static constexpr int dim = V::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "SoftMax"; }
  template <role_set Rows, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::average, F, Rows, A, V>;
  /// With p = exp(F - L), L = logsumexp F:  da = sum_j p ((V - a) dF + dV)
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto p = exp(F{} - detail::finite_or_zero(folded<logsumexp_spec<F>, Axis>{}));
    constexpr auto average = folded<softmax_spec, Axis>{};
    return detail::total_gradient(F{}, v, p * dot(detail::spread<dim>(e), V{} - average)) +
           detail::total_gradient(V{}, v, p * e);
  }
};

}  // namespace kernfold
