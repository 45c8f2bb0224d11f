// kernfold/engine/pair_passes.hpp: where the pair stage of a program is cut in two.
#pragma once

#include "../formula/program.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

/// The pair stage in two passes; nothing is carried from the first to the second where one is better.
template <int N> struct pair_passes {
  node_selection<N> first, second;
  int carried_reals = 0;
  static constexpr int most_carried = 2;  // more are not worth the memory traffic
  int carried_offset[most_carried]{};     // where in a frame each of them is
};

/// Whether a node takes one operation per component, on values of earlier stages.
template <class P> consteval bool is_one_operation(const instruction* row, int node) {
  bool is = !row[node].is_chain;
  for (int a = 0; a < max_arguments; ++a)
    if (const int from = P::argument(node, a); from >= 0)
      is = is && row[from].at != stage::pair && row[from].dim <= row[node].dim;
  return is;
}

/// The pair stage cut in two before its first chains: processors overlap the pairs of two short loops better than
/// those of a long one. What a chain starts from is carried from the first pass to the second; so is all else that
/// the second needs, but for what one operation gives again. `folds_are_chains`: the roots are where the second pass
/// starts.
template <class P> consteval pair_passes<P::count> cut_pair_stage(bool folds_are_chains) {
  constexpr int count = P::count, root_count = P::root_count;
  instruction row[count + 1];
  for (int k = 0; k < count; ++k) row[k] = P::at(k);
  bool is_second[count + 1]{}, is_needed[count + 1]{}, starts_chain[count + 1]{};
  for (int k = 0; k < count; ++k) {
    if (!P::is_scheduled(k, stage::pair)) continue;
    for (int a = 0; a < max_arguments; ++a) {
      const int from = P::argument(k, a);
      if (from < 0 || row[from].at != stage::pair) continue;
      const bool starts = row[k].is_chain && !folds_are_chains && !is_second[from];
      is_second[k] = is_second[k] || is_second[from] || starts;
      starts_chain[from] = starts_chain[from] || starts;
    }
  }
  for (int k = 0; k < count; ++k)
    for (int a = 0; a < max_arguments && is_second[k]; ++a)
      if (const int from = P::argument(k, a); from >= 0) is_needed[from] = true;
  for (int r = 0; r < root_count; ++r) {
    is_needed[P::root(r)] = true;
    starts_chain[P::root(r)] = starts_chain[P::root(r)] || folds_are_chains;
  }

  pair_passes<count> passes;
  for (int k = 0; k < count; ++k) {
    if (row[k].at == stage::pair && row[k].where == home::streamed) return {};
    if (!P::is_scheduled(k, stage::pair)) continue;
    if (is_second[k]) {
      passes.second.add(k);
      continue;
    }
    passes.first.add(k);
    if (!is_needed[k]) continue;
    if (!starts_chain[k] && is_one_operation<P>(row, k)) {
      passes.second.add(k);
    } else {
      if (row[k].result != kind::real || passes.carried_reals + row[k].dim > passes.most_carried) return {};
      for (int d = 0; d < row[k].dim; ++d) passes.carried_offset[passes.carried_reals++] = row[k].offset + d;
    }
  }
  bool is_cut = false;
  for (int k = 0; k < count; ++k) is_cut = is_cut || (starts_chain[k] && P::is_scheduled(k, stage::pair));
  return is_cut ? passes : pair_passes<count>{};
}

}  // namespace kernfold::detail
KERNFOLD_STRICT_END
