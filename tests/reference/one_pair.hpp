// tests/reference/one_pair.hpp: a formula's value at one pair as the library computes it: lowered, as a program, stage
// by stage, on scalar lanes.
#pragma once

#include <kernfold/formula/evaluate.hpp>

#include <cstdint>
#include <type_traits>
#include <vector>

#include "evaluate.hpp"

namespace reference {

/// Reads the leaves of a program from the reference's arrays.
struct one_row {
  const arrays& data;
  std::int64_t i, j;

  template <class T, class Leaf> T load(int, int k) const {
    if constexpr (kf::is_variable<Leaf>)
      return static_cast<T>(element(Leaf::position, Leaf::dim, Leaf::symbol_role, k));
    else return static_cast<T>(folded_row<typename Leaf::spec, Leaf::folds>(data, row(Leaf::symbol_role)).at(k).value);
  }
  template <class T, class Leaf> std::int64_t load_index(int, int k) const {
    if constexpr (kf::is_variable<Leaf>)
      return static_cast<std::int64_t>(element(Leaf::position, Leaf::dim, Leaf::symbol_role, k));
    else
      return static_cast<std::int64_t>(
          folded_row<typename Leaf::spec, Leaf::folds>(data, row(Leaf::symbol_role)).at(k).value);
  }

 private:
  std::int64_t row(kf::role r) const { return r == kf::role::i ? i : r == kf::role::j ? j : 0; }
  real element(int position, int dim, kf::role r, int k) const {
    return data.at.at(position).numbers.at(static_cast<std::size_t>(row(r) * dim + k));
  }
};

/// What the stages keep for later ones, by stage.
template <class Real> struct kept_values {
  std::vector<Real> reals[4];
  std::vector<std::int64_t> indices[4];
};

template <kf::stage S, class Program, class Real> auto run_stage(kept_values<Real>& kept, const one_row& source) {
  constexpr kf::stage_size size = Program::size(S);
  constexpr bool rows_are_i = Program::rows == kf::role::i;
  kf::frame_of<Program, S, Real> f;
  f.parameters = kept.reals[0].data();
  f.parameter_indices = kept.indices[0].data();
  f.rows = kept.reals[1].data();
  f.row_indices = kept.indices[1].data();
  f.columns = kept.reals[2].data();
  f.column_indices = kept.indices[2].data();
  f.row_number = rows_are_i ? source.i : source.j;
  f.column_number = rows_are_i ? source.j : source.i;
  if constexpr (Program::scheduled_count(S) > 0) {
    kept.reals[int(S)].resize(size.kept_reals);
    kept.indices[int(S)].resize(size.kept_indices);
    f.kept = kept.reals[int(S)].data();
    f.kept_indices = kept.indices[int(S)].data();
    kf::detail::evaluate(f, source, kf::whole_stage<Program, S>{});
  }
  return f;
}

/// The components of a program's only root at the pair (i, j), with rows i (or j where Rows says so) as output rows.
template <class Program, class Real> std::vector<real> run_program(const arrays& data, std::int64_t i, std::int64_t j) {
  const one_row source{data, i, j};
  kept_values<Real> kept;
  run_stage<kf::stage::parameter, Program>(kept, source);
  run_stage<kf::stage::row, Program>(kept, source);
  run_stage<kf::stage::column, Program>(kept, source);
  const auto at_pair = run_stage<kf::stage::pair, Program>(kept, source);

  using root = kf::type_at<typename Program::roots, 0>;
  const auto result = kf::detail::root_of<Program, 0>(at_pair);
  std::vector<real> components(root::dim);
  for (int k = 0; k < root::dim; ++k) {
    if constexpr (root::result == kf::kind::index) components[k] = static_cast<real>(result.index_at(k));
    else components[k] = result(k);
  }
  return components;
}

/// A formula's components at a pair, computed by the library in the precision Real, with rows i (or j) along the lanes.
template <class Real, kf::role Rows = kf::role::i, class F>
std::vector<real> computed(F, const arrays& data, std::int64_t i = 0, std::int64_t j = 0) {
  return run_program<kf::program<Rows, typename kf::detail::lowered<kf::detail::bare<F>, kf::lowering{Rows}>::type>,
                     Real>(data, i, j);
}

}  // namespace reference
