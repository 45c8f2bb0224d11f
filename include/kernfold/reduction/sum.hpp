// kernfold/reduction/sum.hpp: a_i = sum_j F(p, x_i, y_j)
#pragma once

#include "folded.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The running value of one component of a sum.
template <class T, accumulation A> struct running_sum {
  T total;
  KERNFOLD_HD_LAYER void clear() { total = T(0); }
  KERNFOLD_HD_LAYER void add(T v) { total = total + v; }
  KERNFOLD_HD_LAYER void add_product(T a, T b) { total = math::fma(a, b, total); }
  KERNFOLD_HD_LAYER void merge(const running_sum& other) { total = total + other.total; }
  KERNFOLD_HD_LAYER void scale(T factor) { total = math::product(total, factor); }
  KERNFOLD_HD_LAYER T result() const { return total; }
  template <class Lanes> KERNFOLD_HD_LAYER void extract(const running_sum<Lanes, A>& from, int l) {
    total = math::get(from.total, l);
  }
};

/// total + error is the sum: what each addition rounds off is kept (two-sum; Knuth, TAOCP vol. 2, 4.2.2, theorem B).
template <class T> struct running_sum<T, accumulation::compensated> {
  T total, error;
  KERNFOLD_HD_LAYER void clear() { total = error = T(0); }
  KERNFOLD_HD_LAYER void add(T v) {
    const T s = total + v;
    const T virtual_v = s - total;
    error = error + ((total - (s - virtual_v)) + (v - virtual_v));
    total = s;
  }
  KERNFOLD_HD_LAYER void add_product(T a, T b) { add(math::product(a, b)); }
  KERNFOLD_HD_LAYER void merge(const running_sum& other) {
    add(other.total);
    error = error + other.error;
  }
  KERNFOLD_HD_LAYER void scale(T factor) {
    total = math::product(total, factor);
    error = math::product(error, factor);
  }
  /// An infinite or NaN total has a NaN error, which says nothing.
  KERNFOLD_HD_LAYER T result() const { return math::select(error == error, total + error, total); }
  template <class Lanes>
  KERNFOLD_HD_LAYER void extract(const running_sum<Lanes, accumulation::compensated>& from, int l) {
    total = math::get(from.total, l);
    error = math::get(from.error, l);
  }
};

template <class T> struct running_sum<T, accumulation::in_double> {
  using wide = math::wide_t<T>;
  wide total;
  KERNFOLD_HD_LAYER void clear() { total = wide(0); }
  KERNFOLD_HD_LAYER void add(T v) { total = total + math::widen(v); }
  KERNFOLD_HD_LAYER void add_product(T a, T b) { total = math::fma(math::widen(a), math::widen(b), total); }
  KERNFOLD_HD_LAYER void merge(const running_sum& other) { total = total + other.total; }
  KERNFOLD_HD_LAYER void scale(T factor) { total = total * math::widen(factor); }
  KERNFOLD_HD_LAYER T result() const { return math::narrow<T>(total); }
  template <class Lanes>
  KERNFOLD_HD_LAYER void extract(const running_sum<Lanes, accumulation::in_double>& from, int l) {
    total = math::get(from.total, l);
  }
};

/// a = sum of root 0, or of root 0 times root 1 where IsProduct: the last product of a summand becomes an fma.
/// A total per tile bounds the error of long sums for one addition per tile.
template <int Dim, bool IsProduct, accumulation A> struct sum_fold {
  static constexpr int dim = Dim;
  static constexpr kind result = kind::real;
  static constexpr int column_block = 1, long_column_block = Dim > unrolled_dim ? 8 : 1;
  static constexpr bool per_tile = A == accumulation::block;

  template <class T> struct state {
    vec<running_sum<T, A>, Dim> sums;
  };
  template <class T> using accumulator = state<T>;

  template <class T> static KERNFOLD_HD_LAYER T absent() { return T(0); }
  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sums[k].clear(); });
  }
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, const state<T>& s, std::int64_t) {
    if constexpr (per_tile) identity(a);
    else a = s;
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int) {
    if constexpr (Dim > unrolled_dim && math::lane_count<T> > 1) return absorb_long<B>(a, values, {0, Dim});
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
      const auto f = values.template root<0>(b);
      if constexpr (IsProduct) {
        const auto g = values.template root<1>(b);
        for_each_component<Dim>([&](int k)
                                    KERNFOLD_INLINE_LAMBDA { a.sums[k].add_product(f.broadcast(k), g.broadcast(k)); });
      } else {
        for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { a.sums[k].add(f(k)); });
      }
    });
  }
  /// Each component is added up over all columns of a block before the next, so that its total is read and written
  /// once.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb_long(accumulator<T>& a, const Values& values, component_range now) {
    KERNFOLD_NO_UNROLL
    for (int k = 0; k < now.count; ++k) {
      running_sum<T, A> sum = a.sums[k];
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
        if constexpr (IsProduct)
          sum.add_product(values.template root<0>(b).broadcast(now.first + k),
                          values.template root<1>(b).broadcast(now.first + k));
        else sum.add(values.template root<0>(b)(now.first + k));
      });
      a.sums[k] = sum;
    }
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, const accumulator<T>& a, std::int64_t) {
    if constexpr (per_tile) merge(s, a);
    else s = a;
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sums[k].merge(other.sums[k]); });
  }
  template <class T> static KERNFOLD_HD_LAYER T finish(const state<T>& s, int k) { return s.sums[k].result(); }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sums[k].extract(from.sums[k], l); });
  }
  template <class T> static KERNFOLD_HD_LAYER void scale(state<T>& s, T factor) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.sums[k].scale(factor); });
  }
};

/// The same where the dimension is known at run time: the components that a sweep computes.
template <bool IsProduct, accumulation A>
struct sum_fold<dynamic, IsProduct, A> : sum_fold<components_of_sweep, IsProduct, A> {
  static constexpr int dim = dynamic;
  template <int B, class Accumulator, class Values>
  static KERNFOLD_HD_LAYER void absorb(Accumulator& a, const Values& values, int) {
    sum_fold<components_of_sweep, IsProduct, A>::template absorb_long<B>(a, values, components(values));
  }

 private:
  template <class Values> static KERNFOLD_HD_LAYER component_range components(const Values& values) {
    const auto f = values.template root<0>(0);
    if constexpr (!IsProduct) {
      return f.computed_now();
    } else {
      const auto g = values.template root<1>(0);
      if constexpr (decltype(f)::dim == dynamic) return f.computed_now();
      else return g.computed_now();
    }
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
namespace detail {

/// What a sum over the columns adds up, and the factor that multiplies it afterwards.
template <class F, lowering L, bool Both, accumulation A> struct sum_plan {
  using split = split_summand<F, L>;
  // Folding the rows as well, a vector factor cannot wait until the end: it would have to be applied row by row.
  // Nor does a factor leave that would take all its components with it where a sweep has some of them.
  static constexpr bool whole = (Both && split::outer::dim > 1) || split::outer::dim == dynamic;
  using inner = std::conditional_t<whole, typename lowered<F, L>::type, typename split::inner>;
  using outer = std::conditional_t<whole, Constant<1>, typename split::outer>;

  template <class G> struct operands {
    using roots = type_list<G>;
    using fold = sum_fold<G::dim, false, A>;
  };
  template <class G, class H>
    requires(stage_in<node<Mul, G, H>, L> == stage::pair)
  struct operands<node<Mul, G, H>> {
    using roots = type_list<G, H>;
    using fold = sum_fold<node<Mul, G, H>::dim, true, A>;
  };
  using roots = typename operands<inner>::roots;
  using fold = typename operands<inner>::fold;
};

}  // namespace detail

/// a = sum_j F. Its derivative is the sum of F's.
template <class F> struct sum_spec {
  using formulas = type_list<F>;
  static constexpr int dim = F::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "Sum"; }
  template <lowering L, bool Both, accumulation A> using plan = detail::sum_plan<F, L, Both, A>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) { return detail::total_gradient(F{}, v, e); }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
