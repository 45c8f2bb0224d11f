// kernfold/reduction/extrema.hpp: a_i = min_j F, max_j F, and the columns where they are reached.
#pragma once

#include "bounded.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

enum class extreme : unsigned char { min, max };

/// Whether a comes before b. A NaN comes before nothing, so it is never chosen.
template <extreme E, class T> KERNFOLD_HD_LAYER auto precedes(T a, T b) {
  if constexpr (E == extreme::min) return a < b;
  else return b < a;
}
/// The one that comes first; a where b is NaN.
template <extreme E, class T> KERNFOLD_HD_LAYER T better_of(T a, T b) {
  return E == extreme::min ? math::min(a, b) : math::max(a, b);
}
template <extreme E, class T> KERNFOLD_HD_LAYER T last_of_all() {
  return T(E == extreme::min ? math::infinity<math::real_of<T>>() : -math::infinity<math::real_of<T>>());
}

/// a_k = min_j F_k or max_j F_k; +inf or -inf where there is nothing to choose from. Where IsBounded, root 0 is seldom
/// asked for, as in bounded.hpp.
template <int Dim, extreme E, bool IsBounded = false> struct extremum_fold {
  static_assert(!IsBounded || (Dim == 1 && E == extreme::min));
  static constexpr int dim = Dim;
  static constexpr kind result = kind::real;
  static constexpr int column_block = IsBounded ? 4 : 1;
  static constexpr int late_roots = IsBounded;

  template <class T> struct state {
    vec<T, Dim> best;
  };
  template <class T> struct accumulator : kept_bound<T, IsBounded> {
    vec<T, Dim> best;
  };

  template <class T> static KERNFOLD_HD_LAYER T absent() { return last_of_all<E, T>(); }
  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.best[k] = last_of_all<E, T>(); });
  }
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, const state<T>& s, std::int64_t) {
    a.best = s.best;
    a.let_all_pass();
  }
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int) {
    if constexpr (IsBounded) {
      absorb_bounded<false, B, T>(a, values, [&](const T(&v)[B]) KERNFOLD_INLINE_LAMBDA {
        for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { choose(a.best[0], v[b]); });
        return a.best[0];
      });
    } else {
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA {
        const auto f = values.template root<0>(b);
        for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { choose(a.best[k], f(k)); });
      });
    }
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, const accumulator<T>& a, std::int64_t) {
    s.best = a.best;
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { choose(s.best[k], other.best[k]); });
  }
  template <class T> static KERNFOLD_HD_LAYER T finish(const state<T>& s, int k) { return s.best[k]; }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA { s.best[k] = math::get(from.best[k], l); });
  }

 private:
  template <class T> static KERNFOLD_HD_LAYER void choose(T& best, T v) { best = better_of<E>(best, v); }
};

/// a_k = the first column where F_k is least (greatest), as a 64-bit integer; -1 where no column has a value below +inf
/// (above -inf): no columns, or none but infinities and NaN. Within a tile columns are counted in the lanes' own width.
/// Where IsBounded, root 0 is seldom asked for, as in bounded.hpp.
template <int Dim, extreme E, bool IsBounded = false> struct arg_extremum_fold {
  static_assert(!IsBounded || (Dim == 1 && E == extreme::min));
  static constexpr int dim = Dim;
  static constexpr int late_roots = IsBounded;
  static constexpr kind result = kind::index;
  static constexpr int column_block = 4;

  template <class T> struct state {
    vec<T, Dim> best;
    vec<math::index_t<T>, Dim> column;
  };
  template <class T> struct accumulator : kept_bound<T, IsBounded> {
    vec<T, Dim> best;
    vec<math::ints_t<T>, Dim> column;  // within the tile; -1 while the tile has nothing better
  };

  template <class T> static KERNFOLD_HD_LAYER T absent() { return last_of_all<E, T>(); }
  template <class T> static KERNFOLD_HD_LAYER void identity(state<T>& s) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      s.best[k] = last_of_all<E, T>();
      s.column[k] = math::index_t<T>(-1);
    });
  }
  template <class T> static KERNFOLD_HD_LAYER void open(accumulator<T>& a, const state<T>& s, std::int64_t) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      a.best[k] = s.best[k];
      a.column[k] = math::ints_t<T>(-1);
    });
    a.let_all_pass();
  }
  /// A column block is looked at one by one only if some lane's best is beaten: about log(N) times a row when the
  /// columns come in random order.
  template <int B, class T, class Values>
  static KERNFOLD_HD_LAYER void absorb(accumulator<T>& a, const Values& values, int c) {
    const auto choose_all = [&](int k, const T(&v)[B]) KERNFOLD_INLINE_LAMBDA {
      for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { choose(a, k, v[b], c + b); });
    };
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      if constexpr (IsBounded) {
        absorb_bounded<false, B, T>(a, values, [&](const T(&v)[B]) KERNFOLD_INLINE_LAMBDA {
          choose_all(0, v);
          return a.best[0];
        });
      } else if constexpr (B == 1) {
        choose(a, k, values.template root<0>(0)(k), c);
      } else {
        T v[B];
        for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { v[b] = values.template root<0>(b)(k); });
        T best = a.best[k];  // keeps its value where the other is NaN
        for_each_component<B>([&](int b) KERNFOLD_INLINE_LAMBDA { best = better_of<E>(best, v[b]); });
        if (math::any(precedes<E>(best, a.best[k]))) [[unlikely]]
          choose_all(k, v);
      }
    });
  }
  template <class T> static KERNFOLD_HD_LAYER void close(state<T>& s, const accumulator<T>& a, std::int64_t first) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      const auto found = precedes<E>(a.best[k], s.best[k]);
      s.best[k] = a.best[k];
      s.column[k] = math::select(found, math::to_index<T>(a.column[k]) + math::index_t<T>(first), s.column[k]);
    });
  }
  template <class T> static KERNFOLD_HD_LAYER void merge(state<T>& s, const state<T>& other) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      const auto better = precedes<E>(other.best[k], s.best[k]);
      s.best[k] = math::select(better, other.best[k], s.best[k]);
      s.column[k] = math::select(better, other.column[k], s.column[k]);
    });
  }
  template <class T> static KERNFOLD_HD_LAYER math::index_t<T> finish(const state<T>& s, int k) { return s.column[k]; }
  template <class Real, class T>
  static KERNFOLD_HD_LAYER void extract(state<Real>& s, const state<T>& from, int l, std::int64_t first) {
    for_each_component<Dim>([&](int k) KERNFOLD_INLINE_LAMBDA {
      const std::int64_t column = math::get(from.column[k], l);
      s.best[k] = math::get(from.best[k], l);
      s.column[k] = column < 0 ? column : first + column;
    });
  }

 private:
  template <class T> static KERNFOLD_HD_LAYER void choose(accumulator<T>& a, int k, T v, int column) {
    const auto better = precedes<E>(v, a.best[k]);
    a.best[k] = math::select(better, v, a.best[k]);
    a.column[k] = math::select(better, math::ints_t<T>(column), a.column[k]);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
namespace detail {
template <class F, extreme E, lowering L, template <int, extreme, bool> class Fold> struct extremum_plan {
  using value = typename lowered<F, L>::type;
  using roots = std::conditional_t<E == extreme::min, roots_with_bound<value, L>, type_list<value>>;
  using fold = Fold<F::dim, E, (roots::size > 1)>;
  using outer = Constant<1>;
};
}  // namespace detail

/// The column of an extremum; -1 where there is none.
template <class F, detail::extreme E> struct arg_extremum_spec {
  using formulas = type_list<F>;
  static constexpr int dim = F::dim;
  static constexpr kind result = kind::index;
  static constexpr const char* name() { return E == detail::extreme::min ? "ArgMin" : "ArgMax"; }
  template <lowering L, bool, accumulation> using plan = detail::extremum_plan<F, E, L, detail::arg_extremum_fold>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto) { return zero<decltype(v)::dim>; }
};

/// a = min_j F or max_j F. Its derivative is that of F at the column where it is reached, the first one on ties.
template <class F, detail::extreme E> struct extremum_spec {
  using formulas = type_list<F>;
  static constexpr int dim = F::dim;
  static constexpr kind result = kind::real;
  static constexpr const char* name() { return E == detail::extreme::min ? "Min" : "Max"; }
  template <lowering L, bool, accumulation> using plan = detail::extremum_plan<F, E, L, detail::extremum_fold>;
  template <axis Axis> static constexpr auto adjoint(auto v, auto e) {
    constexpr auto chosen = detail::folded_index<Axis>() == folded<arg_extremum_spec<F, E>, Axis>{};
    if constexpr (F::dim == 1) return where(chosen, detail::total_gradient(F{}, v, e), zero<1>);
    else return detail::total_gradient(F{}, v, where(chosen, e, zero<1>));
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
