// kernfold/reduction/logsumexp.hpp: a_i = log sum_j exp(F) [W], and the softmax average sum_j exp(F) V / sum_j exp(F).
#pragma once

#include "sum.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

enum class exponential_result : unsigned char { log_of_sum, log_of_weighted, average };

/// Root 0 is F; root 1, where there is one, the weight W or the values V, of dimension Dim. With m a running maximum,
/// s = sum_j exp(F_j - m) W_j; a column block costs one exponential each, and s is rescaled only when some lane's
/// maximum grew (online softmax: Milakov and Gimelshein, arXiv 1805.02867).
///
/// exp(F - m) is 2^(slope F - shift) with slope = log2(e), in one fused operation: F is not multiplied before the
/// maximum is subtracted, so that however large F is, its differences keep their digits. What the rounding of shift =
/// slope m leaves, the same for all columns, is taken back when a tile ends. It grows with m; where it would grow too
/// large, at least 64 lie between two numbers of the size of m, whose exponentials are 1 and 0, and any slope gives
/// these.
///
/// m starts at the least finite number, not at -inf, so that columns at -inf add an exact 0 instead of a NaN. A column
/// at +inf takes m to the greatest one: the log is +inf, and an average is that of the columns at +inf. The log of no
/// columns is -inf. A weight of 0 takes its column out, so that m is that of the others; where each component of W has
/// zeros of its own, each has an m of its own.
template <int Dim, exponential_result R, accumulation A, bool IsAccurate, bool EmptyIsZero> struct exponential_fold {
  static constexpr int dim = Dim;
  static constexpr kind result = kind::real;
  static constexpr int column_block = 4;
  static constexpr bool is_chain = true;
  static constexpr bool weighted = R != exponential_result::log_of_sum;
  static constexpr bool averages = R == exponential_result::average;
  static constexpr int maxima = R == exponential_result::log_of_weighted ? Dim : 1;
  static constexpr int sums = averages ? Dim + 1 : Dim;  // the last one is that of the weights 1

  template <class T> struct state {
    vec<T, maxima> maximum;
    vec<running_sum<T, A>, sums> sum;
  };
  /// Its sums are 2^excess times those of a state.
  template <class T> struct accumulator : state<T> {
    vec<T, maxima> slope, minus_shift;
  };

  template <class T> static KERNFOLD_HD_LAYER T absent() { return T(-math::infinity<math::real_of<T>>()); }
  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA { s.maximum[m] = -greatest<T>(); });
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].clear(); });
  }
  static constexpr bool per_tile = A == accumulation::block;
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, const state<T>& s, std::int64_t) {
    static_cast<state<T>&>(a) = s;
    if constexpr (per_tile)  // the maximum goes on, the sums start anew
      for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { a.sum[k].clear(); });
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA {
      refer_to_maximum(a, m);
      if constexpr (!per_tile) scale(a, m, math::exp2(excess(a, m)));
    });
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int) {
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA {
      T v[B], e[B];
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<0>(b)(0); });
      if constexpr (math::has_cheap_branches<T>) find_exponentials_if_in_range(e, v, a, m, values);
      else find_exponentials(e, v, a, m, values);
      add_all_terms(a, m, e, values);
      if constexpr (!weighted || averages) add_weights(a.sum[sums - 1], e);
    });
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, accumulator<T>& a, std::int64_t) {
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA { scale(a, m, math::exp2(-excess(a, m))); });
    if constexpr (per_tile) merge(s, a);
    else s = a;
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    state<T> later = other;
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA {
      const T higher = math::max(s.maximum[m], other.maximum[m]);
      scale(s, m, exponential(s.maximum[m] - higher));
      scale(later, m, exponential(later.maximum[m] - higher));
      s.maximum[m] = higher;
    });
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].merge(later.sum[k]); });
  }
  template <class T> static KERNFOLD_HD_LAYER T finish(const state<T>& s, int k) {
    const T sum = s.sum[k].result();
    if constexpr (averages) {
      const T all = s.sum[Dim].result();
      if constexpr (EmptyIsZero) return math::select(all == T(0), T(0), sum / math::select(all == T(0), T(1), all));
      else return sum / all;
    } else {
      return s.maximum[maxima == 1 ? 0 : k] + math::log(sum);
    }
  }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t) {
    for_each_component<maxima>([&](int m) KERNFOLD_INLINE_LAMBDA { s.maximum[m] = math::get(from.maximum[m], l); });
    for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].extract(from.sum[k], l); });
  }

 private:
  template <class T> static KERNFOLD_HD_LAYER T greatest() { return T(math::largest<math::real_of<T>>()); }
  template <class T> static constexpr auto log2_of_e = math::real_of<T>(1.442695040888963407359);

  /// exp(d) for d <= 0
  template <class T> static KERNFOLD_HD_LAYER T exponential(const T& d) {
    if constexpr (IsAccurate) return math::exp(d);
    else return math::exp2_nonpositive(math::product(d, T(log2_of_e<T>)));
  }

  template <class T> static KERNFOLD_HD_LAYER void refer_to_maximum(accumulator<T>& a, int m) {
    if constexpr (IsAccurate) return;
    using real = math::real_of<T>;
    constexpr bool single = std::is_same_v<real, float>;
    const T size = math::abs(a.maximum[m]);
    const T steep = math::select(size < T(real(single ? 0x1p126 : 0x1p1022)), T(2), T(1));  // exact, without overflow
    a.slope[m] = math::select(size < T(real(single ? 0x1p30 : 0x1p59)), T(log2_of_e<T>), steep);
    a.minus_shift[m] = math::product(-a.maximum[m], a.slope[m]);
  }
  /// slope m - shift, which is exact: 64 at most.
  template <class T> static KERNFOLD_HD_LAYER T excess(const accumulator<T>& a, int m) {
    if constexpr (IsAccurate) return T(0);
    else return math::fma(a.maximum[m], a.slope[m], a.minus_shift[m]);
  }
  template <class T> static KERNFOLD_HD_LAYER void scale(state<T>& s, int m, const T& factor) {
    if constexpr (maxima > 1) s.sum[m].scale(factor);
    else for_each_component<sums>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sum[k].scale(factor); });
  }

  /// 2^excess exp(v - m). Where branches are cheap, v may lie above m.
  template <class T> static KERNFOLD_HD_LAYER T exponential_of(const T& v, const accumulator<T>& a, int m) {
    if constexpr (IsAccurate) return math::exp(v - a.maximum[m]);
    else if constexpr (math::has_cheap_branches<T>) return math::exp2(math::fma(v, a.slope[m], a.minus_shift[m]));
    else return math::exp2_nonpositive(math::fma(v, a.slope[m], a.minus_shift[m]));
  }
  template <int B, class T>
  static KERNFOLD_HD_LAYER void find_each(T (&e)[B], const T (&v)[B], const accumulator<T>& a, int m) {
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { e[b] = exponential_of(v[b], a, m); });
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void find_exponentials(T (&e)[B], T (&v)[B], accumulator<T>& a, int m,
                                                  const Values& values) {
    T highest = v[0];
    for_each_component<B - 1>([&](int b) KERNFOLD_INLINE_LAMBDA { highest = math::max(highest, v[b + 1]); });
    if (math::any(highest > a.maximum[m])) [[unlikely]]
      cover(v, a, m, values);
    find_each(e, v, a, m);
  }
  /// Where exponentials are cheaper than comparisons: m, now the maximum of some columns only, grows when the terms of
  /// a column block do not stay below 2^32. Their sum is needed anyway.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void find_exponentials_if_in_range(T (&e)[B], T (&v)[B], accumulator<T>& a, int m,
                                                              const Values& values) {
    find_each(e, v, a, m);
    if (math::any_in_step(total_of(e) > T(math::real_of<T>(0x1p32)))) [[unlikely]] {
      cover(v, a, m, values);
      find_each(e, v, a, m);
    }
  }
  /// Raises a maximum to those of some columns that count, and lowers those that do not to it. Columns at +inf add an
  /// infinity to a sum whose log is wanted.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void cover(T (&v)[B], accumulator<T>& a, int m, const Values& values) {
    T highest = a.maximum[m];
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
      if constexpr (maxima > 1 || R == exponential_result::log_of_weighted)
        highest = math::max(highest, math::select(T(values.template root<1>(b)(m)) != T(0), v[b], highest));
      else highest = math::max(highest, v[b]);
    });
    raise(a, m, math::min(greatest<T>(), highest));
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
      if constexpr (!averages) {
        T w(1);
        if constexpr (weighted) w = values.template root<1>(b)(m);
        const T infinite = math::product(w, T(math::infinity<math::real_of<T>>()));
        a.sum[m].add(math::select((v[b] > greatest<T>()) & (w != T(0)), infinite, T(0)));
      }
      v[b] = math::min(v[b], a.maximum[m]);
    });
  }
  template <class T> static KERNFOLD_HD_LAYER void raise(accumulator<T>& a, int m, const T& higher) {
    const T below = a.maximum[m] - higher, before = excess(a, m);
    a.maximum[m] = higher;
    refer_to_maximum(a, m);
    if constexpr (IsAccurate) scale(a, m, math::exp(below));
    else scale(a, m, math::exp2(math::product(below, T(log2_of_e<T>)) + (excess(a, m) - before)));
  }

  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void add_all_terms(accumulator<T>& a, int m, const T (&e)[B], const Values& values) {
    if constexpr (weighted && maxima == 1 && Dim > unrolled_dim && math::lane_count<T> > 1) {
      KERNFOLD_NO_UNROLL
      for (int k = 0; k < Dim; ++k) {  // a total is read and written once for all columns
        running_sum<T, A> sum = a.sum[k];
        for_each_component<B>([&](int b)
                                  KERNFOLD_INLINE_LAMBDA { sum.add_product(e[b], values.template root<1>(b)(k)); });
        a.sum[k] = sum;
      }
    } else {
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { add_terms(a, m, e[b], b, values); });
    }
  }
  template <class T, class Values>
  static KERNFOLD_HD_LAYER void add_terms(accumulator<T>& a, int m, const T& e, int b, const Values& values) {
    if constexpr (maxima > 1) {
      a.sum[m].add_product(e, values.template root<1>(b)(m));
    } else if constexpr (weighted) {
      const auto w = values.template root<1>(b);
      for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { a.sum[k].add_product(e, w(k)); });
    }
  }
  template <int B, class T, class Sum> static KERNFOLD_HD_LAYER void add_weights(Sum& sum, const T (&e)[B]) {
    if constexpr (math::has_cheap_branches<T> && (A == accumulation::block || A == accumulation::plain))
      sum.add(total_of(e));
    else for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { sum.add(e[b]); });
  }
  template <int B, class T> static KERNFOLD_HD_LAYER T total_of(const T (&e)[B]) {
    T total = e[0];
    for_each_component<B - 1>([&](int b) KERNFOLD_INLINE_LAMBDA { total = total + e[b + 1]; });
    return total;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
namespace detail {
template <exponential_result R, class F, lowering L, accumulation A, class... Weight> struct exponential_plan {
  static_assert(F::dim == 1, "kernfold: a log-sum-exp or softmax needs a formula of dimension 1");
  using roots = type_list<typename lowered<F, L>::type, typename lowered<Weight, L>::type...>;
  using fold = exponential_fold<(Weight::dim * ... * 1), R, A, L.keeps_exponentials, L.empty_is_zero>;
  using outer = Constant<1>;
};
inline constexpr typename constant_type<__builtin_bit_cast(std::int64_t, __builtin_inf()), 0>::type infinity_{};
inline constexpr typename constant_type<__builtin_bit_cast(std::int64_t, -__builtin_inf()), 0>::type minus_infinity_{};
/// exp(F - L) with L the log-sum-exp of F: 0 for columns at -inf, also where all are; 1 for a column at +inf, where L
/// is.
template <class F, class L> constexpr auto exponential_weight(F f, L l) {
  return where(f == infinity_, constant<1>, exp(f - where(l == minus_infinity_, zero<1>, l)));
}
/// An adjoint of F, and an exact 0 for columns at -inf, whose weight is 0.
template <class F, class G> constexpr auto unless_excluded(F f, G g) { return where(f == minus_infinity_, zero<1>, g); }
}  // namespace detail

/// a = log sum_j exp(F), computed without overflow; -inf for no columns.
/// Its derivative is that of F, averaged with the softmax weights exp(F - a).
template <class F> struct logsumexp_spec {
  using formulas = type_list<F>;
  static constexpr int dim = 1;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "LogSumExp"; }
  template <lowering L, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::log_of_sum, F, L, A>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto weight = detail::exponential_weight(F{}, folded<logsumexp_spec, Axis>{});
    return detail::total_gradient(F{}, v, detail::unless_excluded(F{}, e * weight));
  }
};

/// a_d = log sum_j exp(F) W_d. Its derivatives are those of F, averaged with the weights exp(F - a_d) W_d, an exact 0
/// where W_d is 0, and those of W_d, with exp(F - a_d).
template <class F, class W> struct weighted_logsumexp_spec {
  using formulas = type_list<F, W>;
  static constexpr int dim = W::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "LogSumExp"; }
  template <lowering L, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::log_of_weighted, F, L, A, W>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto value = folded<weighted_logsumexp_spec, Axis>{};
    constexpr auto scaled = e * exp(F{} - where(value == detail::minus_infinity_, zero<1>, value));
    constexpr auto terms = where(W{}, where(F{} == detail::infinity_, e, scaled * W{}), zero<1>);
    return detail::total_gradient(F{}, v, detail::unless_excluded(F{}, sum(terms))) +
           detail::total_gradient(W{}, v, scaled);
  }
};

/// a_d = sum_j exp(F) V_d / sum_j exp(F): attention. NaN for no columns.
template <class F, class V> struct softmax_spec {
  using formulas = type_list<F, V>;
  static constexpr int dim = V::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "SoftMax"; }
  template <lowering L, bool, accumulation A>
  using plan = detail::exponential_plan<detail::exponential_result::average, F, L, A, V>;
  /// With p = exp(F - L), L = logsumexp F:  da = sum_j p ((V - a) dF + dV)
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto p = detail::exponential_weight(F{}, folded<logsumexp_spec<F>, Axis>{});
    constexpr auto average = folded<softmax_spec, Axis>{};
    return detail::total_gradient(F{}, v,
                                  detail::unless_excluded(F{}, p * dot(detail::spread<dim>(e), V{} - average))) +
           detail::total_gradient(V{}, v, p * e);
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
