// tests/reference/operations.hpp: every operation once more, in long double, from its definition. Nothing here is
// shared with the library but the names of the operations.
#pragma once

#include <kernfold/formula/registry.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include "quantity.hpp"

namespace reference {

// Roundings are those that core/math.hpp promises: n ulp are at most 2 n units of roundoff.

/// `compute(op<Exp>{}, arguments)` gives the components of an operation's result.
template <class Op> struct op {};

using arguments = std::vector<values>;

/// An element-wise operation: a scalar argument meets every component.
inline values each(const arguments& a, quantity (*rule)(const quantity*)) {
  std::size_t dim = 1;
  for (const values& v : a) dim = std::max(dim, v.size());
  values result(dim);
  for (std::size_t k = 0; k < dim; ++k) {
    quantity at_k[4];
    for (std::size_t p = 0; p < a.size(); ++p) at_k[p] = a[p].size() == 1 ? a[p][0] : a[p][k];
    result[k] = rule(at_k);
  }
  return result;
}

namespace kf = kernfold;

// arithmetic
inline values compute(op<kf::Add>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0] + q[1]; });
}
inline values compute(op<kf::Sub>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0] - q[1]; });
}
inline values compute(op<kf::Mul>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0] * q[1]; });
}
inline values compute(op<kf::Div>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0] / q[1]; });
}
inline values compute(op<kf::FusedMultiplyAdd>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0] * q[1] + q[2]; });
}
inline values compute(op<kf::Grouped>, const arguments& a) { return a[0]; }
inline values compute(op<kf::Square>, const arguments& a) {
  return each(a, [](const quantity* q) { return smooth(q[0], q[0].value * q[0].value, 2 * q[0].value, 1); });
}
inline values compute(op<kf::Inv>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real v = 1 / q[0].value;
    return smooth(q[0], v, -v * v, 1);
  });
}

/// f^(Num/Den) has the derivative p f^(p-1).
inline quantity rational_power(const quantity& a, std::int64_t num, std::int64_t den) {
  const real p = static_cast<real>(num) / static_cast<real>(den);
  // Integer powers are products and half powers products of a root, a rounding each.
  const bool continued = a.value == 0 && den > 1 && num < den;  // an infinite slope, by 0
  const real slope = num == 0 || continued ? 0 : p * std::pow(a.value, p - 1);
  return smooth(a, std::pow(a.value, p), slope, den <= 2 ? std::fabs(static_cast<real>(num)) + 2 : 3);
}
template <std::int64_t Num, std::int64_t Den> values compute(op<kf::Pow<Num, Den>>, const arguments& a) {
  return each(a, [](const quantity* q) { return rational_power(q[0], Num, Den); });
}
/// At f = 0 the derivative with respect to g is the limit 0 of log(f) f^g, that with respect to f 0 where it is
/// infinite.
inline values compute(op<kf::Powf>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real f = q[0].value, g = q[1].value, v = std::pow(f, g);
    return smooth(q[0], q[1], v, f == 0 && g < 1 ? 0 : g * std::pow(f, g - 1), f == 0 && g >= 0 ? 0 : std::log(f) * v,
                  3);
  });
}
/// The gradient at 0 is 0.
inline values compute(op<kf::Sqrt>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real v = std::sqrt(q[0].value);
    return smooth(q[0], v, q[0].value == 0 ? 0 : 1 / (2 * v), 1);
  });
}
/// 0 at 0, with gradient 0.
inline values compute(op<kf::Rsqrt>, const arguments& a) {
  return each(a, [](const quantity* q) {
    if (q[0].value == 0) return quantity{};
    const real v = 1 / std::sqrt(q[0].value);
    return smooth(q[0], v, -v / (2 * q[0].value), 3);
  });
}

// elementary
/// Lowering multiplies the argument by log2(e), which rounds: one more half ulp of the exponent.
inline values compute(op<kf::Exp>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real v = std::exp(q[0].value);
    return smooth(q[0], v, v, std::isfinite(q[0].value) ? 3 + 2 * std::fabs(q[0].value) : 0);
  });
}
inline values compute(op<kf::Exp2>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real v = std::exp2(q[0].value);
    return smooth(q[0], v, v * std::log(2.0L), 3);
  });
}
inline values compute(op<kf::Log>, const arguments& a) {
  return each(a, [](const quantity* q) { return smooth(q[0], std::log(q[0].value), 1 / q[0].value, 3); });
}
inline values compute(op<kf::Sin>, const arguments& a) {
  return each(a, [](const quantity* q) { return smooth(q[0], std::sin(q[0].value), std::cos(q[0].value), 3); });
}
inline values compute(op<kf::Cos>, const arguments& a) {
  return each(a, [](const quantity* q) { return smooth(q[0], std::cos(q[0].value), -std::sin(q[0].value), 3); });
}
inline values compute(op<kf::Tanh>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real v = std::tanh(q[0].value);
    return smooth(q[0], v, 1 / (std::cosh(q[0].value) * std::cosh(q[0].value)), 5);
  });
}
inline values compute(op<kf::SqSech>, const arguments& a) {
  return each(a, [](const quantity* q) {
    const real c = std::cosh(q[0].value), v = 1 / (c * c);
    return smooth(q[0], v, -2 * v * std::tanh(q[0].value), 6 + 4 * std::fabs(q[0].value));
  });
}
inline real sign_of(real v) { return v > 0 ? 1 : v < 0 ? -1 : v; }
inline values compute(op<kf::Abs>, const arguments& a) {
  return each(a, [](const quantity* q) { return smooth(q[0], std::fabs(q[0].value), sign_of(q[0].value), 0); });
}
inline values compute(op<kf::Sign>, const arguments& a) {
  return each(a, [](const quantity* q) { return quantity{sign_of(q[0].value), 0, 0}; });
}
inline values compute(op<kf::Step>, const arguments& a) {
  return each(a, [](const quantity* q) { return quantity{q[0].value < 0 ? real(0) : real(1), 0, 0}; });
}
inline values compute(op<kf::ReLU>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0].value < 0 ? quantity{} : q[0]; });
}

// vectors
inline values compute(op<kf::Sum>, const arguments& a) { return {total(a[0])}; }
template <int D> values compute(op<kf::SumT<D>>, const arguments& a) { return values(D, a[0][0]); }
template <int M> values compute(op<kf::Elem<M>>, const arguments& a) { return {a[0].at(M)}; }
template <int M, int D> values compute(op<kf::ElemT<M, D>>, const arguments& a) {
  values result(D);
  result.at(M) = a[0][0];
  return result;
}
template <int Start, int Length> values compute(op<kf::Extract<Start, Length>>, const arguments& a) {
  return values(a[0].begin() + Start, a[0].begin() + Start + Length);
}
template <int Start, int D> values compute(op<kf::ExtractT<Start, D>>, const arguments& a) {
  values result(D);
  for (std::size_t k = 0; k < a[0].size(); ++k) result.at(Start + k) = a[0][k];
  return result;
}
inline values compute(op<kf::Concat>, const arguments& a) {
  values result = a[0];
  result.insert(result.end(), a[1].begin(), a[1].end());
  return result;
}

// inner products, norms and distances
inline values products(const values& a, const values& b) {
  values terms(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) terms[k] = a[k] * b[k];
  return terms;
}
inline values compute(op<kf::Scalprod>, const arguments& a) { return {total(products(a[0], a[1]))}; }
inline values compute(op<kf::SqNorm2>, const arguments& a) { return {total(compute(op<kf::Square>{}, a))}; }
inline values compute(op<kf::SqDist>, const arguments& a) {
  return compute(op<kf::SqNorm2>{}, {compute(op<kf::Sub>{}, a)});
}

// small matrices, row by row
inline values compute(op<kf::MatVecMult>, const arguments& a) {
  const std::size_t columns = a[1].size(), rows = a[0].size() / columns;
  values result(rows);
  for (std::size_t k = 0; k < rows; ++k)
    result[k] = total(products(values(a[0].begin() + k * columns, a[0].begin() + (k + 1) * columns), a[1]));
  return result;
}
inline values compute(op<kf::VecMatMult>, const arguments& a) {
  const std::size_t rows = a[0].size(), columns = a[1].size() / rows;
  values result(columns);
  for (std::size_t l = 0; l < columns; ++l) {
    values column(rows);
    for (std::size_t k = 0; k < rows; ++k) column[k] = a[1][k * columns + l];
    result[l] = total(products(a[0], column));
  }
  return result;
}
inline values compute(op<kf::TensorProd>, const arguments& a) {
  values result;
  for (const quantity& left : a[0])
    for (const quantity& right : a[1]) result.push_back(left * right);
  return result;
}

// choices
inline quantity truth(bool b) { return {b ? real(1) : real(0), 0, 0}; }
inline values compute(op<kf::Equal>, const arguments& a) {
  return each(a, [](const quantity* q) { return truth(q[0].value == q[1].value); });
}
inline values compute(op<kf::NotEqual>, const arguments& a) {
  return each(a, [](const quantity* q) { return truth(q[0].value != q[1].value); });
}
inline values compute(op<kf::LessThan>, const arguments& a) {
  return each(a, [](const quantity* q) { return truth(q[0].value < q[1].value); });
}
inline values compute(op<kf::LessOrEqual>, const arguments& a) {
  return each(a, [](const quantity* q) { return truth(q[0].value <= q[1].value); });
}
inline values compute(op<kf::IfElse>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0].value >= 0 ? q[1] : q[2]; });
}
inline values compute(op<kf::Where>, const arguments& a) {
  return each(a, [](const quantity* q) { return q[0].value != 0 ? q[1] : q[2]; });
}

}  // namespace reference
