// kernfold/engine/cpu/intervals.hpp: sweeps in which intervals of rows meet intervals of columns.
#pragma once

#include "launch.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// A task is a group of rows of one interval, which meets the columns of its list.
class interval_sweep final : public sweep {
 public:
  static std::int64_t pairs(const sweep_arrays& a) { return a.over->pairs; }
  interval_sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads, int passes)
      : sweep(a, s, w, threads, passes, {block_count(*a.over), s.policy.group_rows, s.policy.tile_columns}),
        over_(*a.over),
        places_(over_.count + 1, 1) {
    places_[0] = {0, 0};
    for (std::int64_t b = 0; b < over_.count; ++b) {
      const std::int64_t rows = over_.rows[b].end - over_.rows[b].first;
      places_[b + 1] = {places_[b].task + (rows + group_rows_ - 1) / group_rows_,
                        places_[b].block + sweep::block_count(rows)};
    }
  }

 private:
  /// The numbers of the first task and the first block of an interval of rows.
  struct place_of_rows {
    std::int64_t task, block;
  };
  const interval_rows& over_;
  matrix<place_of_rows> places_;  // (intervals + 1)

  static std::int64_t block_count(const interval_rows& over) {
    std::int64_t blocks = 0;
    for (std::int64_t b = 0; b < over.count; ++b) blocks += sweep::block_count(over.rows[b].end - over.rows[b].first);
    return blocks;
  }
  /// The interval of rows that a task belongs to.
  std::int64_t interval_of(std::int64_t task) const {
    std::int64_t low = 0, high = over_.count;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (places_[middle].task <= task ? low : high) = middle;
    }
    return low;
  }

  std::int64_t task_count(int) const override { return places_[over_.count].task; }
  void run_task(workspace& mine, int, std::int64_t task, bool is_caller) override {
    const std::int64_t b = interval_of(task);
    const interval all = over_.rows[b];
    const std::int64_t first = all.first + (task - places_[b].task) * group_rows_, end = first + group_rows_;
    const stretch rows{first, end < all.end ? end : all.end};
    mine.has_columns = over_.starts[b] < over_.starts[b + 1];
    mine.blocks = {all.first, places_[b].block};
    prepare_rows(mine, rows);
    fold_intervals(mine, mine.states, rows, over_.columns + over_.starts[b], over_.starts[b + 1] - over_.starts[b],
                   true, is_caller);
    finish_rows(mine, mine.states, rows);
  }
};

/// kf::cpu, for calls over intervals.
struct cpu_over_intervals : cpu_runner {};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <> struct runner_of<cpu, space_kind::intervals> {
  using type = detail::cpu_over_intervals;
  static type from(const cpu& where) { return {{where}}; }
};
template <> struct executor_traits<detail::cpu_over_intervals> : detail::cpu_runner_traits {
  static constexpr bool takes_run_time_dims = true;
  template <class Plan>
  static void run(const detail::cpu_over_intervals& runner, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape, const pair_set* over) {
    detail::sweep_arrays arrays = detail::arrays_of<Plan>(leaves, outputs, shape);
    arrays.over = &interval_rows_of<Plan>(*over);
    detail::run_steps<detail::interval_sweep>(runner.where, arrays,
                                              detail::steps_for<Plan, detail::folds_tiles>(runner.where));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
