// kernfold/engine/cpu/band.hpp: sweeps over the pairs near the diagonal. Most packs of rows meet a tile of columns as a
// whole, or not at all; the others meet it column by column, some lanes left out.
#pragma once

#include "../partial_agent.hpp"
#include "launch.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// What rows meet: the columns near the diagonal.
struct near_columns {
  diagonals band;
  std::int64_t columns;
  explicit near_columns(const sweep_arrays& arrays, const workspace&) : band(*arrays.band), columns(arrays.columns) {}
  KERNFOLD_LAYER bool has_columns(std::int64_t row) const {
    return band.first_column(row) < band.end_column(row, columns);
  }
  template <class T>
  KERNFOLD_LAYER T unless_empty(const T& product, const T& sum, std::int64_t first, int valid) const {
    return choose_by_row(*this, product, sum, first, valid);
  }
  KERNFOLD_LAYER std::int64_t number(std::int64_t, std::int64_t n) const { return n; }
  static KERNFOLD_LAYER std::int64_t first_pair(const sweep_arrays& arrays, std::int64_t row) {
    return shared_columns::first_pair(arrays, row);
  }
  using of_all = shared_columns::of_all;
};

/// As fold_tile_step, for the columns that each row is near.
template <class Plan, class T> struct fold_near_tile_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  using whole = agent<P, typename Plan::folds, T, 2>;
  using partial = partial_agent<P, typename Plan::folds, T, real>;
  using states = typename whole::states;
  static constexpr int lanes = math::lane_count<T>;

  static KERNFOLD_LAYER void run(const workspace& mine, char* to, stretch rows, stretch columns, bool is_first) {
    const column_tile<real> tile = tile_of<real>(mine, columns);
    for (std::int64_t pack = 0; pack < pack_count(rows, lanes); ++pack) {
      states& s = reinterpret_cast<states*>(to)[pack];
      if (is_first) whole::identity(s);
      const std::int64_t row = rows.first + pack * lanes,
                         last = row + lanes < rows.end ? row + lanes - 1 : rows.end - 1;
      const row_values<T> of_rows = rows_of<P, T>(mine, pack, rows.first);
      if (mine.band.first_column(last) <= columns.first && columns.end <= mine.band.end_column(row, columns.end))
        whole::fold_tile(s, parameters_of<real>(mine), of_rows, tile);
      else if (mine.band.first_column(row) < columns.end && columns.first < mine.band.end_column(last, columns.end))
        fold_partially(s, mine, of_rows, row, last, tile);
    }
  }

 private:
  /// Column blocks lie where they lie in a whole tile, so that no result depends on the width of a pack.
  static KERNFOLD_LAYER void fold_partially(states& s, const workspace& mine, const row_values<T>& rows,
                                            std::int64_t row, std::int64_t last, const column_tile<real>& tile) {
    constexpr int block = partial::column_block;
    const diagonals band = mine.band;
    const std::int64_t begin = band.first_column(row) - tile.first,
                       end = band.end_column(last, tile.first + tile.count) - tile.first;
    math::ints_t<T> before(0), up_to(0);  // what each lane meets of the tile lies between
    for (int l = 0; l < lanes; ++l) {
      math::set(before, l, clamp(band.first_column(row + l) - tile.first, tile.count) - 1);
      math::set(up_to, l, clamp(row + l + band.last + 1 - tile.first, tile.count));
    }
    typename partial::accumulators a;
    partial::open(a, s, tile.first);
    int c = begin < 0 ? 0 : int(begin) / block * block;
    for (; c + block <= tile.count && c < end; c += block) fold_block<block>(a, mine, rows, tile, before, up_to, c);
    if constexpr (block > 1)
      for (; c < end; ++c) fold_block<1>(a, mine, rows, tile, before, up_to, c);
    partial::close(s, a, tile.first);
  }
  static KERNFOLD_LAYER int clamp(std::int64_t n, int most) { return n < 0 ? 0 : n < most ? int(n) : most; }

  template <int Count>
  static KERNFOLD_LAYER void fold_block(typename partial::accumulators& a, const workspace& mine,
                                        const row_values<T>& rows, const column_tile<real>& tile,
                                        const math::ints_t<T>& before, const math::ints_t<T>& up_to, int c) {
    typename partial::pair_frame frames[Count];
    math::mask_t<T> is_present[Count];
    for_each_component<Count>([&](int n) KERNFOLD_INLINE_LAMBDA {
      const math::ints_t<T> column(c + n);
      is_present[n] = (column > before) & (column < up_to);
      partial::see_pair(frames[n], parameters_of<real>(mine), rows, tile, c + n);
      evaluate(frames[n], no_source{}, whole_stage<P, stage::pair>{});
    });
    partial::template absorb<Count>(a, frames, is_present, c);
  }
};

/// A task is a group of rows, which meets the columns near the diagonal. Tiles lie where they lie without a group, and
/// begin with whole column blocks, so that no result depends on how rows are grouped.
class band_sweep final : public sweep {
 public:
  static std::int64_t pairs(const sweep_arrays& a) { return a.band->pairs({0, a.rows}, {0, a.columns}); }
  band_sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads, int passes)
      : sweep(a, s, w, threads, passes, {block_count(a.rows), s.policy.group_rows, s.policy.tile_columns}) {}

 private:
  std::int64_t task_count(int) const override { return group_count(); }
  void run_task(workspace& mine, int, std::int64_t task, bool is_caller) override {
    constexpr std::int64_t whole_blocks = 16;
    const std::int64_t tile = steps_.policy.tile_columns;
    const stretch rows = rows_of_group(task);
    mine.band = *arrays_.band;
    prepare_rows(mine, rows);
    const std::int64_t begin = mine.band.first_column(rows.first) / whole_blocks * whole_blocks;
    const std::int64_t last = mine.band.end_column(rows.end - 1, arrays_.columns) + whole_blocks - 1;
    const std::int64_t end =
        last / whole_blocks * whole_blocks < arrays_.columns ? last / whole_blocks * whole_blocks : arrays_.columns;
    bool is_first = true;
    for (std::int64_t c = begin; c < end && !watch_.stopped(); c = (c / tile + 1) * tile) {
      const std::int64_t tile_end = (c / tile + 1) * tile;
      const stretch met{c, tile_end < end ? tile_end : end};
      steps_.prepare_columns(mine.arrays, mine, met);
      steps_.fold_tile(mine, mine.states, rows, met, is_first);
      is_first = false;
      if (watch_.is_watching()) watch_.advance(mine.band.pairs(rows, met), is_caller);
    }
    if (is_first) steps_.fold_tile(mine, mine.states, rows, {0, 0}, true);
    finish_rows(mine, mine.states, rows);
  }
};

/// The steps that fold what is near the diagonal.
struct folds_band {
  template <class Plan, class Isa> static consteval sweep_steps steps() {
    using entry = instruction_set_entry<Isa>;
    using T = typename entry::template lanes<typename Plan::real>;
    sweep_steps steps = steps_around_fold<Plan, Isa, near_columns, Plan::column_size.kept_reals>();
    steps.fold_tile =
        &entry::template call<fold_near_tile_step<Plan, T>, const workspace&, char*, stretch, stretch, bool>;
    return steps;
  }
};

/// kf::cpu, for calls over a band.
struct cpu_over_band : cpu_runner {};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <> struct runner_of<cpu, space_kind::band> {
  using type = detail::cpu_over_band;
  static type from(const cpu& where) { return {{where}}; }
};
template <> struct executor_traits<detail::cpu_over_band> : detail::cpu_runner_traits {
  static constexpr bool takes_run_time_dims = true;
  template <class Plan>
  static void run(const detail::cpu_over_band& runner, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape, const pair_set* over) {
    const diagonals band = diagonals_of<Plan>(*over);
    detail::sweep_arrays arrays = detail::arrays_of<Plan>(leaves, outputs, shape);
    arrays.band = &band;
    detail::run_steps<detail::band_sweep>(runner.where, arrays,
                                          detail::steps_for<Plan, detail::folds_band>(runner.where));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
