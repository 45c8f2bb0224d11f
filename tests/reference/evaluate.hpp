// tests/reference/evaluate.hpp: a formula's value at one pair, by recursion over its type.
#pragma once

#include <kernfold/reduction/folded.hpp>

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "operations.hpp"

namespace reference {

/// The array of one argument: `dim` numbers a row. Integers up to 2^63 and doubles both fit into a long double.
struct array {
  int dim = 1;
  std::vector<real> numbers;
  std::size_t rows() const { return numbers.size() / static_cast<std::size_t>(dim); }
};

/// Reductions inside formulas are computed once per row. A copy of the arrays, which may be changed, starts anew.
struct folded_rows {
  std::map<std::pair<const void*, std::int64_t>, values> known;
  folded_rows() = default;
  folded_rows(const folded_rows&) {}
  folded_rows& operator=(const folded_rows&) {
    known.clear();
    return *this;
  }
};

/// The arguments of a call by position, and the direction along which derivatives are taken: the same shapes, or
/// nothing for the arguments that do not move.
struct arrays {
  std::map<int, array> at;
  std::map<int, array> direction;
  std::int64_t M = 1, N = 1;
  mutable reference::folded_rows folded_rows = {};
};

/// A pair, and what has been evaluated there: sub-formulas are shared.
struct point {
  const arrays& data;
  std::int64_t i = 0, j = 0;
  std::map<const void*, values> known = {};
};

/// One address per type.
template <class F> inline constexpr char identity_of = 0;

template <class Spec, kf::axis Axis> values folded_row(const arrays& data, std::int64_t row);  // reduce.hpp

template <class F> struct evaluator;

template <class F> const values& evaluate(point& p) {
  const void* key = &identity_of<F>;
  if (const auto found = p.known.find(key); found != p.known.end()) return found->second;
  values v = evaluator<F>::at(p);
  return p.known.emplace(key, std::move(v)).first->second;
}

/// A leaf's row: its index in its own role.
inline std::int64_t row_of(const point& p, kf::role r) { return r == kf::role::i ? p.i : r == kf::role::j ? p.j : 0; }

template <kf::role R, int Position, int Dim, class Element> struct evaluator<kf::variable<R, Position, Dim, Element>> {
  static values at(point& p) {
    const std::size_t row = static_cast<std::size_t>(row_of(p, R));
    const array& a = p.data.at.at(Position);
    const auto moving = p.data.direction.find(Position);
    values v(Dim);
    for (std::size_t k = 0; k < Dim; ++k) {
      v[k].value = a.numbers.at(row * Dim + k);
      if (moving != p.data.direction.end()) v[k].derivative = moving->second.numbers.at(row * Dim + k);
    }
    return v;
  }
};
template <kf::role R> struct evaluator<kf::index_variable<R>> {
  static values at(point& p) { return {{static_cast<real>(row_of(p, R)), 0, 0}}; }
};
template <std::int64_t Num, std::int64_t Den> struct evaluator<kf::Constant<Num, Den>> {
  static values at(point&) {
    // The constant itself is rounded to the working precision, unless it is an integer of moderate size.
    const real v =
        Den != 0 ? static_cast<real>(Num) / static_cast<real>(Den) : static_cast<real>(std::bit_cast<double>(Num));
    return {{v, 0, static_cast<real>(static_cast<float>(v)) == v || !std::isfinite(v) ? 0 : std::fabs(v)}};
  }
};
template <int Dim> struct evaluator<kf::Zero<Dim>> {
  static values at(point&) { return values(Dim); }
};
template <class F, class... Vs> struct evaluator<kf::declared<F, Vs...>> {
  static values at(point& p) { return evaluate<F>(p); }
};
template <class Spec, kf::axis Axis> struct evaluator<kf::folded<Spec, Axis>> {
  static values at(point& p) { return folded_row<Spec, Axis>(p.data, row_of(p, kf::output_role(Axis))); }
};

/// An index that is used as a real number is rounded, unless it is small.
inline void round_index(values& v) {
  for (quantity& q : v)
    if (std::fabs(q.value) > 16777216) q.error += std::fabs(q.value);
}

template <class Op, class... Args> struct evaluator<kf::node<Op, Args...>> {
  static constexpr bool stays_exact =
      Op::accepts_index && ((Args::result == kf::kind::index || kf::is_zero<Args> || kf::is_constant<Args>)&&...);
  static values at(point& p) {
    arguments a;
    a.reserve(sizeof...(Args));
    ((a.push_back(evaluate<Args>(p)), Args::result == kf::kind::index && !stays_exact ? round_index(a.back()) : void()),
     ...);
    values v = compute(op<Op>{}, a);
    if constexpr (kf::node<Op, Args...>::result == kf::kind::index)
      for (quantity& q : v) q.error = 0;
    return v;
  }
};

/// The value of a formula at the pair (i, j).
template <class F> values value(F, const arrays& data, std::int64_t i = 0, std::int64_t j = 0) {
  point p{data, i, j};
  return evaluate<F>(p);
}

}  // namespace reference
