// tests/reference/sample.hpp: numbers to try formulas on. The same ones in every run.
#pragma once

#include <kernfold/formula/registry.hpp>

#include <cstdint>
#include <random>

#include "evaluate.hpp"

namespace reference {

class sampler {
 public:
  explicit sampler(std::uint64_t seed) : engine_(seed) {}

  /// Between 1/4 and 2 in magnitude, either sign: away from where functions have kinks and poles. A float, so that the
  /// same number is what both precisions start from.
  real generic() { return flip() ? -positive() : positive(); }
  real positive() { return static_cast<float>(std::uniform_real_distribution<double>(0.25, 2)(engine_)); }
  bool flip() { return (engine_() >> 40 & 1) != 0; }
  std::int64_t integer(std::int64_t below) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(below));
  }

  array generic(int dim, std::int64_t rows = 1) {
    return make(dim, rows, [&] { return generic(); });
  }
  array positive(int dim, std::int64_t rows = 1) {
    return make(dim, rows, [&] { return positive(); });
  }
  array flags(int dim, std::int64_t rows = 1) {
    return make(dim, rows, [&] { return flip() ? real(1) : real(0); });
  }
  template <class Number> static array make(int dim, std::int64_t rows, Number number) {
    array a{dim, std::vector<real>(static_cast<std::size_t>(dim * rows))};
    for (real& v : a.numbers) v = number();
    return a;
  }

 private:
  std::mt19937_64 engine_;
};

/// Component k of every row moves, or all of them where k is -1.
inline array direction_like(const array& a, int k) {
  array d = a;
  for (std::size_t n = 0; n < d.numbers.size(); ++n) d.numbers[n] = k < 0 || static_cast<int>(n) % a.dim == k ? 1 : 0;
  return d;
}

/// Variables for the arguments of an operation, one of each role: Vi<0, ...>, Vj<1, ...>, Pm<2, ...>.
template <int D0> auto variables_for(kf::dims<D0>) -> kf::type_list<kf::variable<kf::role::i, 0, D0>>;
template <int D0, int D1>
auto variables_for(kf::dims<D0, D1>)
    -> kf::type_list<kf::variable<kf::role::i, 0, D0>, kf::variable<kf::role::j, 1, D1>>;
template <int D0, int D1, int D2>
auto variables_for(kf::dims<D0, D1, D2>)
    -> kf::type_list<kf::variable<kf::role::i, 0, D0>, kf::variable<kf::role::j, 1, D1>,
                     kf::variable<kf::role::parameter, 2, D2>>;
template <class Entry> using variables_of = decltype(variables_for(typename Entry::dimensions{}));

/// New numbers for these variables, from where the entry wants them.
template <class Entry, class... Args> void sample(arrays& data, sampler& numbers, kf::type_list<Args...>) {
  ((data.at[Args::position] = numbers.generic(Args::dim)), ...);
  array& first = data.at[0];
  if (Entry::sampled == kf::domain::positive) first = numbers.positive(first.dim);
  if (Entry::sampled == kf::domain::flag) first = numbers.flags(first.dim);
}

}  // namespace reference
