// tests/reference/reduce.hpp: every reduction as a plain double loop in long double.
#pragma once

#include <kernfold/reduction/extrema.hpp>
#include <kernfold/reduction/kmin.hpp>
#include <kernfold/reduction/logsumexp.hpp>
#include <kernfold/reduction/sum.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include "evaluate.hpp"

namespace reference {

/// The pairs that one output row folds, in the order of their columns; over both axes, column i N + j.
template <kf::axis Axis, class Visit> void for_each_pair(const arrays& data, std::int64_t row, Visit visit) {
  const std::int64_t first_i = Axis == kf::axis::j ? row : 0, last_i = Axis == kf::axis::j ? row + 1 : data.M;
  const std::int64_t first_j = Axis == kf::axis::i ? row : 0, last_j = Axis == kf::axis::i ? row + 1 : data.N;
  for (std::int64_t i = first_i; i < last_i; ++i)
    for (std::int64_t j = first_j; j < last_j; ++j) {
      point p{data, i, j};
      visit(p, Axis == kf::axis::i ? i : Axis == kf::axis::j ? j : i * data.N + j);
    }
}
inline std::int64_t row_count(const arrays& data, kf::axis a) {
  return a == kf::axis::j ? data.M : a == kf::axis::i ? data.N : 1;
}

/// How a sum of n terms rounds, in units of u times the sum of their magnitudes. Tiles hold at most 512 columns.
inline real sum_growth(kf::accumulation a, std::int64_t n) {
  const real count = static_cast<real>(n);
  switch (a) {
    case kf::accumulation::plain:
      return count;
    case kf::accumulation::block:
      return std::min(count, 512 + count / 32);
    default:
      return 2;
  }
}

/// Sums of several components with their bounds.
struct sum_of_pairs {
  values sum;
  std::vector<real> magnitude;
  std::int64_t count = 0;
  explicit sum_of_pairs(std::size_t dim) : sum(dim), magnitude(dim) {}
  void add(const values& v) {
    ++count;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      sum[k].value += v[k].value;
      sum[k].derivative += v[k].derivative;
      sum[k].error += v[k].error;
      magnitude[k] += std::fabs(v[k].value);
    }
  }
  values finish(kf::accumulation a) {
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k].error += magnitude[k] * sum_growth(a, count);
    return sum;
  }
};

/// A reduction of one row; for index reductions the values are the columns.
template <class Spec> struct reducer;

template <class F> struct reducer<kf::sum_spec<F>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation a) {
    sum_of_pairs s(F::dim);
    for_each_pair<Axis>(data, r, [&](point& p, std::int64_t) { s.add(evaluate<F>(p)); });
    return s.finish(a);
  }
};

/// A value and its column.
struct candidate {
  quantity value;
  std::int64_t column;
};

/// All that can be chosen for each component, best first, the earlier column first on ties; NaN and what lies at the
/// far end (`worst`) cannot.
template <class F, kf::axis Axis, class Before>
std::vector<std::vector<candidate>> ranking(const arrays& data, std::int64_t r, Before before, real worst) {
  std::vector<std::vector<candidate>> list(F::dim);
  for_each_pair<Axis>(data, r, [&](point& p, std::int64_t column) {
    const values& v = evaluate<F>(p);
    for (std::size_t k = 0; k < F::dim; ++k)
      if (before(v[k].value, worst)) list[k].push_back({v[k], column});
  });
  for (auto& component : list)
    std::stable_sort(component.begin(), component.end(),
                     [&](const candidate& a, const candidate& b) { return before(a.value.value, b.value.value); });
  return list;
}
inline bool less(real a, real b) { return a < b; }
inline bool greater(real a, real b) { return a > b; }

template <class F, kf::detail::extreme E, kf::axis Axis> auto extremes(const arrays& data, std::int64_t r) {
  constexpr bool least = E == kf::detail::extreme::min;
  return ranking<F, Axis>(data, r, least ? less : greater, least ? INFINITY : -INFINITY);
}
template <class F, kf::detail::extreme E> struct reducer<kf::extremum_spec<F, E>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation) {
    values result;
    for (const auto& list : extremes<F, E, Axis>(data, r))
      result.push_back(list.empty() ? quantity{E == kf::detail::extreme::min ? INFINITY : -INFINITY, 0, 0}
                                    : list[0].value);
    return result;
  }
};
template <class F, kf::detail::extreme E> struct reducer<kf::arg_extremum_spec<F, E>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation) {
    values result;
    for (const auto& list : extremes<F, E, Axis>(data, r))
      result.push_back({list.empty() ? real(-1) : static_cast<real>(list[0].column), 0, 0});
    return result;
  }
};

template <class F, int K, kf::axis Axis> values k_least(const arrays& data, std::int64_t r, bool columns) {
  const auto lists = ranking<F, Axis>(data, r, less, INFINITY);
  values result(K * F::dim);
  for (std::size_t k = 0; k < K; ++k)
    for (std::size_t d = 0; d < F::dim; ++d) {
      const bool there = k < lists[d].size();
      if (columns) result[k * F::dim + d].value = there ? static_cast<real>(lists[d][k].column) : -1;
      else result[k * F::dim + d] = there ? lists[d][k].value : quantity{INFINITY, 0, 0};
    }
  return result;
}
template <class F, int K> struct reducer<kf::kmin_spec<F, K>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation) {
    return k_least<F, K, Axis>(data, r, false);
  }
};
template <class F, int K> struct reducer<kf::argkmin_spec<F, K>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation) {
    return k_least<F, K, Axis>(data, r, true);
  }
};

/// sum_j exp(F - m) (1, W), with m the greatest F: the sum of the weights, then those of exp(F - m) W_d.
template <class F, class W, kf::axis Axis>
std::pair<real, values> exponential_sums(const arrays& data, std::int64_t r, kf::accumulation a) {
  real m = -INFINITY;
  bool finite = true;
  for_each_pair<Axis>(data, r, [&](point& p, std::int64_t) {
    const real f = evaluate<F>(p)[0].value;
    if (f > m) m = f;
    finite = finite && !std::isnan(f);
  });
  if (m == -INFINITY || m == INFINITY) m = 0;
  sum_of_pairs s(1 + W::dim);
  for_each_pair<Axis>(data, r, [&](point& p, std::int64_t) {
    quantity f = evaluate<F>(p)[0];
    f.value -= m;
    if (std::isfinite(f.value))
      f.error += 3 * std::fabs(f.value);  // of the difference, of log2(e), and of their product
    const quantity e = compute(op<kf::Exp>{}, {{f}})[0];
    values terms{e};
    for (const quantity& w : evaluate<W>(p)) terms.push_back(e * w);
    s.add(terms);
  });
  return {m, s.finish(a)};
}
inline quantity shifted_log(real m, const quantity& sum) {
  const quantity l = compute(op<kf::Log>{}, {{sum}})[0];
  return {m + l.value, l.derivative, l.error + 2 * std::fabs(m) + std::fabs(m + l.value)};
}
template <class F> struct reducer<kf::logsumexp_spec<F>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation a) {
    const auto [m, s] = exponential_sums<F, kf::Constant<1>, Axis>(data, r, a);
    return {shifted_log(m, s[0])};
  }
};
template <class F, class W> struct reducer<kf::weighted_logsumexp_spec<F, W>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation a) {
    const auto [m, s] = exponential_sums<F, W, Axis>(data, r, a);
    values result;
    for (std::size_t d = 0; d < W::dim; ++d) result.push_back(shifted_log(m, s[d + 1]));
    return result;
  }
};
template <class F, class V> struct reducer<kf::softmax_spec<F, V>> {
  template <kf::axis Axis> static values row(const arrays& data, std::int64_t r, kf::accumulation a) {
    const auto [m, s] = exponential_sums<F, V, Axis>(data, r, a);
    values result;
    for (std::size_t d = 0; d < V::dim; ++d) result.push_back(s[d + 1] / s[0]);
    return result;
  }
};

/// Row r of a reduction.
template <class Spec, kf::axis Axis>
values reduce_row(const arrays& data, std::int64_t r, kf::accumulation a = kf::accumulation::block) {
  return reducer<Spec>::template row<Axis>(data, r, a);
}

template <class Spec, kf::axis Axis> values folded_row(const arrays& data, std::int64_t row) {
  const auto key = std::pair<const void*, std::int64_t>{&identity_of<kf::folded<Spec, Axis>>, row};
  auto& known = data.folded_rows.known;
  if (const auto found = known.find(key); found != known.end()) return found->second;
  return known.emplace(key, reduce_row<Spec, Axis>(data, row)).first->second;
}

}  // namespace reference
