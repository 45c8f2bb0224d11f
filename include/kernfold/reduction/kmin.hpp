// kernfold/reduction/kmin.hpp: the K least values of F over the columns, and their columns.
#pragma once

#include "bounded.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// a_{k, d} = the k-th least of the F_d over the columns (Result::values), or its column (Result::columns), k < K; ties
/// in the order of the columns. Where fewer than K columns have a value below +inf, the rest is +inf, or column -1.
///
/// One comparison a pair: a column block is looked at only if some lane's K-th value is beaten, which happens about
/// K (1 + log(N / K)) times a row when the columns come in random order. What passes waits in a queue of its lane, so
/// that the lists are updated seldom, and then for all lanes at once. Where IsBounded, roots 1 and 2 are the two parts
/// of a distance_bound, which comes first, and root 0 is evaluated where that passes.
template <int K, int Dim, kind Result, bool IsBounded = false> struct kmin_fold {
  static_assert(!IsBounded || Dim == 1);
  static_assert(K >= 1 && K <= 256, "kernfold: K neighbours need 1 <= K <= 256");
  static constexpr int dim = K * Dim;
  static constexpr kind result = Result;
  static constexpr int column_block = 4;
  /// How many candidates a lane can keep waiting: twelve (fewer cost more flushes, more cost staler thresholds), where
  /// the queues of all components stay small; else those of one column block.
  static constexpr int queue_length = column_block + (Dim <= 4 ? 8 : 0);
  static constexpr int register_reals = Dim + (IsBounded ? 3 : 4);  // the thresholds, and where the lists are
  static constexpr int late_roots = IsBounded;
  /// Until its list is full of small values, a row inserts often: an estimate of how many columns take as long, on a
  /// device.
  static constexpr int restart_columns = 8000 * K;
  /// In random order, column n is among the K least so far with probability K / n. Beyond this, blocks of sixteen rows
  /// by four columns begin to change nothing: one in eight, and soon most.
  static constexpr int skips_from = Dim == 1 ? 32 * K : -1;

  template <class T> struct state {
    vec<T, K * Dim> value;  // (K, Dim), ascending along K
    vec<math::index_t<T>, K * Dim> column;
  };
  /// Columns that beat their lane's threshold, in their order; where a lane has fewer than others, +inf.
  template <class T> struct queue {
    vec<T, queue_length> value;
    vec<math::ints_t<T>, queue_length> column;  // within the tile
    int count[math::lane_count<T>];
    int longest;
  };
  /// The thresholds live in registers while a tile runs; the lists stay where they are. A threshold is the K-th value
  /// as of the last time that the queue was emptied.
  template <class T> struct accumulator : kept_bound<T, IsBounded> {
    vec<T, Dim> threshold;
    state<T>* lists;
    std::int64_t first;
    queue<T> waiting[Dim];
  };

  template <class T> static KERNFOLD_HD_LAYER T absent() { return T(math::infinity<math::real_of<T>>()); }
  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    for (int k = 0; k < K * Dim; ++k) {
      s.value[k] = T(math::infinity<math::real_of<T>>());
      s.column[k] = math::index_t<T>(-1);
    }
  }
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, state<T>& s, std::int64_t first) {
    for_each_component<Dim>([&](int d) KERNFOLD_INLINE_LAMBDA { a.threshold[d] = s.value[(K - 1) * Dim + d]; });
    a.let_all_pass();
    a.lists = &s;
    a.first = first;
    for (int d = 0; d < Dim; ++d) {
      a.waiting[d].longest = queue_length;
      clear(a.waiting[d]);
    }
  }
  /// Whether any of B columns may be among the K least. False also of NaN.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER bool wants(const accumulator<T>& a, const Values& values) {
    T v[B];
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<IsBounded>(b)(0); });
    if constexpr (IsBounded) return is_any_below<false>(a.bound, v);
    else return is_any_below<false>(a.threshold[0], v);
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int c) {
    if constexpr (IsBounded) {
      absorb_bounded<true, B, T>(a, values, [&](const T(&v)[B]) KERNFOLD_INLINE_LAMBDA {
        if (is_any_below<true>(a.threshold[0], v)) absorb_values(a, 0, v, c);
        return a.threshold[0];
      });
    } else {
      for_each_component<Dim>([&](int d) KERNFOLD_INLINE_LAMBDA {
        T v[B];
        for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<0>(b)(d); });
        if (is_any_below<true>(a.threshold[d], v)) [[unlikely]]
          absorb_values(a, d, v, c);
      });
    }
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, accumulator<T>& a, std::int64_t first) {
    for (int d = 0; d < Dim; ++d) insert_all(s, a.waiting[d], d, first);
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    for (int d = 0; d < Dim; ++d)
      for (int l = 0; l < math::lane_count<T>; ++l)
        for (int k = 0; k < K; ++k) {
          const auto v = math::get(other.value[k * Dim + d], l);
          if (!(v < math::get(s.value[(K - 1) * Dim + d], l))) break;
          insert_lane(s, d, l, v, math::get(other.column[k * Dim + d], l));
        }
  }
  template <class T> static KERNFOLD_HD_LAYER auto finish(const state<T>& s, int k) {
    if constexpr (Result == kind::index) return s.column[k];
    else return s.value[k];
  }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t first) {
    for (int k = 0; k < K * Dim; ++k) {
      const std::int64_t column = math::get(from.column[k], l);
      s.value[k] = math::get(from.value[k], l);
      s.column[k] = column < 0 ? column : first + column;
    }
  }

 private:
  template <class T, int B>
  static KERNFOLD_HD_LAYER void absorb_values(accumulator<T>& a, int d, const T (&v)[B], int c) {
    wait(a.waiting[d], v, a.threshold[d], c);
    if (!math::any_in_step(a.waiting[d].longest > queue_length - column_block)) return;
    insert_all(*a.lists, a.waiting[d], d, a.first);
    a.threshold[d] = a.lists->value[(K - 1) * Dim + d];
  }
  template <class T> static KERNFOLD_HD_LAYER void clear(queue<T>& q) {
    KERNFOLD_NO_UNROLL
    for (int n = 0; n < q.longest; ++n) q.value[n] = T(math::infinity<math::real_of<T>>());
    for (int l = 0; l < math::lane_count<T>; ++l) q.count[l] = 0;
    q.longest = 0;
  }
  template <class T, int B>
  static KERNFOLD_HD_LAYER void wait(queue<T>& q, const T (&v)[B], const T& threshold, int c) {
    constexpr int lanes = math::lane_count<T>;
    math::real_of<T> value[B * lanes];
    std::uint64_t passed = 0;
    for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
      math::store(value + b * lanes, v[b]);
      passed |= std::uint64_t(math::bits(v[b] < threshold)) << (b * lanes);
    });
    int longest = q.longest;
    for (; passed != 0; passed &= passed - 1) {
      const int at = math::lowest_bit(passed), b = at / lanes, l = at % lanes;
      const int n = q.count[l]++;
      math::set(q.value[n], l, value[at]);
      math::set(q.column[n], l, c + b);
      longest = n < longest ? longest : n + 1;
    }
    q.longest = longest;
  }
  template <class T> static KERNFOLD_HD_LAYER void insert_all(state<T>& s, queue<T>& q, int d, std::int64_t first) {
    KERNFOLD_NO_UNROLL
    for (int n = 0; n < q.longest; ++n)
      insert(s, d, q.value[n], math::to_index<T>(q.column[n]) + math::index_t<T>(first));
    clear(q);
  }
  /// Into the lists of all lanes at once, from the end: the k-th is kept, or v, or the one before it, which moves up.
  template <class T>
  static KERNFOLD_HD_LAYER void insert(state<T>& s, int d, const T& v, const math::index_t<T>& column) {
    auto beaten = v < s.value[(K - 1) * Dim + d];
    KERNFOLD_NO_UNROLL
    for (int k = K - 1; k > 0; --k) {
      T& value = s.value[k * Dim + d];
      math::index_t<T>& at = s.column[k * Dim + d];
      const T& before = s.value[(k - 1) * Dim + d];
      const auto moves = v < before;
      value = math::select(beaten, math::select(moves, before, v), value);
      at = math::select(beaten, math::select(moves, s.column[(k - 1) * Dim + d], column), at);
      if (!math::any(moves)) return;
      beaten = moves;
    }
    s.value[d] = math::select(beaten, v, s.value[d]);
    s.column[d] = math::select(beaten, column, s.column[d]);
  }
  template <class T, class Real>
  static KERNFOLD_HD_LAYER void insert_lane(state<T>& s, int d, int l, Real v, std::int64_t column) {
    int k = K - 1;
    for (; k > 0 && v < math::get(s.value[(k - 1) * Dim + d], l); --k) {
      math::set(s.value[k * Dim + d], l, math::get(s.value[(k - 1) * Dim + d], l));
      math::set(s.column[k * Dim + d], l, math::get(s.column[(k - 1) * Dim + d], l));
    }
    math::set(s.value[k * Dim + d], l, v);
    math::set(s.column[k * Dim + d], l, column);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
namespace detail {
template <class F, int K, kind Result, lowering L> struct kmin_plan {
  using roots = roots_with_bound<typename lowered<F, L>::type, L>;
  using fold = kmin_fold<K, F::dim, Result, (roots::size > 1)>;
  using outer = Constant<1>;
};
}  // namespace detail

/// The columns of the K least values.
template <class F, int K> struct argkmin_spec {
  static_assert(K >= 1 && K <= 256, "kernfold: K neighbours need 1 <= K <= 256");
  using formulas = type_list<F>;
  static constexpr int count = K;
  static constexpr int dim = K * F::dim;
  static constexpr kind result = kind::index;
  static constexpr const char* name() { return "ArgKMin"; }
  template <lowering L, bool, accumulation> using plan = detail::kmin_plan<F, K, kind::index, L>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto) { return zero<decltype(v)::dim>; }
};

/// The K least values, ascending. The derivative of each is that of F at its column.
template <class F, int K> struct kmin_spec {
  static_assert(K >= 1 && K <= 256, "kernfold: K least values need 1 <= K <= 256");
  using formulas = type_list<F>;
  static constexpr int count = K;
  static constexpr int dim = K * F::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return "KMin"; }
  template <lowering L, bool, accumulation> using plan = detail::kmin_plan<F, K, kind::real, L>;
  /// sum_k e_k [column = column_k], for each component of F
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto chosen = detail::folded_index<Axis>() == folded<argkmin_spec<F, K>, Axis>{};
    constexpr auto weights = where(chosen, e, zero<1>);
    if constexpr (F::dim == 1) return detail::total_gradient(F{}, v, sum(weights));
    else return detail::total_gradient(F{}, v, vecmatmult(detail::spread<K>(constant<1>), weights));
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
