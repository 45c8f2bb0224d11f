// kernfold/engine/cpu/edges.hpp: sweeps over pairs that are listed one by one. Lanes are rows, and each meets a column
// of its own: what the column stage kept is gathered, where a tile's columns are broadcast.
#pragma once

#include "../partial_agent.hpp"
#include "launch.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// What rows meet: the columns that their edges lead to, which a fold numbers 0, 1, ... for each row; over all rows,
/// it numbers the edges.
struct own_columns {
  const edge_rows& edges;
  explicit own_columns(const sweep_arrays& arrays, const workspace&) : edges(*arrays.edges) {}
  KERNFOLD_LAYER bool has_columns(std::int64_t row) const { return edges.starts[row] < edges.starts[row + 1]; }
  template <class T>
  KERNFOLD_LAYER T unless_empty(const T& product, const T& sum, std::int64_t first, int valid) const {
    return choose_by_row(*this, product, sum, first, valid);
  }
  KERNFOLD_LAYER std::int64_t number(std::int64_t row, std::int64_t n) const {
    return n < 0 ? n : edges.columns[edges.starts[row] + n];
  }
  static KERNFOLD_LAYER std::int64_t first_pair(const sweep_arrays& arrays, std::int64_t row) {
    return arrays.edges->starts[row];
  }
  struct of_all {
    const sweep_arrays& arrays;
    explicit of_all(const sweep_arrays& a) : arrays(a) {}
    std::int64_t number(std::int64_t, std::int64_t n) const {
      if (n < 0) return n;
      const std::int64_t* const starts = arrays.edges->starts;
      std::int64_t low = 0, high = arrays.rows;
      while (high - low > 1) {
        const std::int64_t middle = (low + high) / 2;
        (starts[middle] <= n ? low : high) = middle;
      }
      return low * arrays.columns + arrays.edges->columns[n];
    }
    template <class T> T unless_empty(const T&, const T& sum, std::int64_t, int) const { return sum; }
  };
};

/// From one column to the next in the table of all columns: what lanes gather is read four numbers at a time.
template <class Plan> inline constexpr int gathered_reals = (Plan::column_size.kept_reals + 3) / 4 * 4;

/// The edges of a pack of rows: where they begin, how many there are, and one that there is.
template <class T> struct lane_edges {
  static constexpr int lanes = math::lane_count<T>;
  std::int64_t first[lanes], count[lanes], longest = 0, any = 0;

  KERNFOLD_LAYER lane_edges(const edge_rows& edges, std::int64_t row, std::int64_t end) {
    for (int l = 0; l < lanes; ++l) {
      first[l] = row + l < end ? edges.starts[row + l] : 0;
      count[l] = row + l < end ? edges.starts[row + l + 1] - first[l] : 0;
      if (count[l] <= longest) continue;
      longest = count[l];
      any = first[l];
    }
  }
  /// How many of them are left after `before`, in the lanes' own width.
  KERNFOLD_LAYER math::ints_t<T> left_after(std::int64_t before, int most) const {
    math::ints_t<T> left(0);
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t n = count[l] - before;
      math::set(left, l, n < 0 ? 0 : n < most ? n : most);
    }
    return left;
  }
};

/// The edges that lanes follow at the same time; a lane that has none left repeats one that there is.
template <class T> struct edge_source {
  const leaf_array* leaves;
  const std::int64_t* numbers;  // per lane

  template <class, class Leaf> KERNFOLD_LAYER T load(int leaf, int k) const {
    T v;
    for (int l = 0; l < math::lane_count<T>; ++l)
      math::set(v, l, read_element<Leaf, math::real_of<T>>(leaves[leaf], numbers[l], k));
    return v;
  }
  template <class, class Leaf> KERNFOLD_LAYER math::index_t<T> load_index(int leaf, int k) const {
    math::index_t<T> v;
    for (int l = 0; l < math::lane_count<T>; ++l)
      math::set(v, l, std::int64_t(read_element<Leaf, math::real_of<T>>(leaves[leaf], numbers[l], k)));
    return v;
  }
};

template <class... Leaves> consteval bool reads_edges(type_list<Leaves...>) {
  return (((Leaves::depends & depends_on_edge) != 0) || ...);
}

/// The rows of a group meet the columns that their edges lead to.
template <class Plan, class T> struct fold_edges_step {
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  using loop = partial_agent<P, typename Plan::folds, T, T>;
  using states = typename loop::states;
  static constexpr int lanes = math::lane_count<T>, tile_columns = Plan::policy.tile_columns;

  static KERNFOLD_LAYER void run(const sweep_arrays& arrays, const workspace& mine, char* to, stretch rows) {
    for (std::int64_t pack = 0; pack < pack_count(rows, lanes); ++pack) {
      states& s = reinterpret_cast<states*>(to)[pack];
      loop::identity(s);
      const lane_edges<T> edges(*arrays.edges, rows.first + pack * lanes, rows.end);
      const row_values<T> of_rows = rows_of<P, T>(mine, pack, rows.first);
      for (std::int64_t first = 0; first < edges.longest; first += tile_columns)
        fold_edges(s, arrays, mine, of_rows, edges, first);
    }
  }

 private:
  static constexpr stage_size columns = P::size(stage::column);
  static constexpr bool reads_column_number = (P::graph::numbers_read() & (depends_on_both & ~role_bit(P::rows))) != 0;
  static constexpr bool reads_edge_values = reads_edges(typename P::leaves{});
  static constexpr bool reads_columns = reads_column_number || columns.kept_indices > 0;

  /// Where some edges of each row lead to, found before they are followed: by then, memory has been asked for it.
  static constexpr int found_at_once = 16;
  struct found_edges {
    std::int64_t place[found_at_once][lanes];  // of the column in the table
    std::int64_t column[reads_columns ? found_at_once : 1][lanes];
    std::int64_t number[reads_edge_values ? found_at_once : 1][lanes];
  };

  /// Edges first, ..., first + tile_columns - 1 of each row, as far as there are any.
  static KERNFOLD_LAYER void fold_edges(states& s, const sweep_arrays& arrays, const workspace& mine,
                                        const row_values<T>& rows, const lane_edges<T>& edges, std::int64_t first) {
    typename loop::accumulators a;
    loop::open(a, s, first);
    const int count = edges.longest - first < tile_columns ? int(edges.longest - first) : tile_columns;
    const math::ints_t<T> left = edges.left_after(first, tile_columns);
    for (int c = 0; c < count; c += found_at_once) {
      const int end = count < c + found_at_once ? count : c + found_at_once;
      found_edges found;
      find(found, arrays, mine, edges, first + c, end - c);
      int n = c;
      for (; n + loop::column_block <= end; n += loop::column_block)
        fold_block<loop::column_block>(a, arrays, mine, rows, found, n - c, left, n);
      if constexpr (loop::column_block > 1)
        for (; n < end; ++n) fold_block<1>(a, arrays, mine, rows, found, n - c, left, n);
    }
    loop::close(s, a, first);
  }
  static KERNFOLD_LAYER void find(found_edges& found, const sweep_arrays& arrays, const workspace& mine,
                                  const lane_edges<T>& edges, std::int64_t first, int count) {
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t begin = edges.first[l] + first, left = edges.count[l] - first;
      const int has = left < 0 ? 0 : left < count ? int(left) : count;
      int n = 0;
      for (; n < has; ++n) find_edge(found, arrays, mine, begin + n, n, l);
      for (; n < count; ++n) find_edge(found, arrays, mine, edges.any, n, l);
    }
  }
  static KERNFOLD_LAYER void find_edge(found_edges& found, const sweep_arrays& arrays, const workspace& mine,
                                       std::int64_t at, int n, int l) {
    const edge_rows& all = *arrays.edges;
    const std::int64_t place = all.columns[at] * gathered_reals<Plan>;
    __builtin_prefetch(static_cast<const real*>(mine.column_reals) + place);
    found.place[n][l] = place;
    if constexpr (reads_columns) found.column[n][l] = all.columns[at];
    if constexpr (reads_edge_values) found.number[n][l] = all.numbers ? all.numbers[at] : at;
  }
  /// Columns c, ..., c + Count - 1 of the tile, which begin at number n of those found.
  template <int Count>
  static KERNFOLD_LAYER void fold_block(typename loop::accumulators& a, const sweep_arrays& arrays,
                                        const workspace& mine, const row_values<T>& rows, const found_edges& found,
                                        int n, const math::ints_t<T>& left, int c) {
    typename loop::pair_frame frames[Count];
    math::mask_t<T> is_present[Count];
    gathered_column columns[Count];
    for_each_component<Count>([&](int k) KERNFOLD_INLINE_LAMBDA {
      is_present[k] = math::ints_t<T>(c + k) < left;
      evaluate_pairs(frames[k], columns[k], arrays, mine, rows, found, n + k);
    });
    loop::template absorb<Count>(a, frames, is_present, c);
  }
  /// What the column stage kept of the column that each lane meets.
  struct gathered_column {
    T reals[gathered_reals<Plan> + 1];
    math::index_t<T> indices[columns.kept_indices + 1];
  };
  static KERNFOLD_LAYER void evaluate_pairs(typename loop::pair_frame& f, gathered_column& g,
                                            const sweep_arrays& arrays, const workspace& mine,
                                            const row_values<T>& rows, const found_edges& found, int n) {
    gather(g, mine, found, n);
    see_rows(f, parameters_of<real>(mine), rows);
    f.columns = g.reals;
    f.column_indices = g.indices;
    if constexpr (reads_column_number)
      for (int l = 0; l < lanes; ++l) math::set(f.column_number, l, found.column[n][l]);
    if constexpr (reads_edge_values)
      evaluate(f, edge_source<T>{arrays.leaves, found.number[n]}, whole_stage<P, stage::pair>{});
    else evaluate(f, no_source{}, whole_stage<P, stage::pair>{});
  }
  static KERNFOLD_LAYER void gather(gathered_column& g, const workspace& mine, const found_edges& found, int n) {
    for_each_component<gathered_reals<Plan> / 4>([&](int k) KERNFOLD_INLINE_LAMBDA {
      math::gather_four(g.reals + 4 * k, static_cast<const real*>(mine.column_reals) + 4 * k, found.place[n]);
    });
    for (int k = 0; k < columns.kept_indices; ++k)
      for (int l = 0; l < lanes; ++l)
        math::set(g.indices[k], l, mine.column_indices[found.column[n][l] * columns.kept_indices + k]);
  }
};

/// All columns are prepared first, some per task, since edges lead to them in any order; then a task is a group of
/// rows, which meets the columns that its edges lead to.
class edge_sweep final : public sweep {
 public:
  static std::int64_t pairs(const sweep_arrays& a) { return a.edges->count; }
  edge_sweep(const sweep_arrays& a, const sweep_steps& s, monitor& w, int threads, int passes)
      : sweep(a, s, w, threads, passes, {block_count(a.rows), most_rows, 0}),
        table_(bytes(s.column_bytes) + bytes(s.column_index_bytes) + 2 * arena::alignment),
        reals_(static_cast<char*>(table_.take(bytes(s.column_bytes)))),
        indices_(static_cast<char*>(table_.take(bytes(s.column_index_bytes)))) {}

 private:
  static constexpr int most_rows = 256;  // few, since some may have many edges
  static constexpr std::int64_t columns_at_once = 4096;
  arena table_;
  char *reals_, *indices_;  // (problems, columns)

  std::int64_t bytes(int each) const { return arrays_.problems * arrays_.columns * each; }
  int phase_count() const override { return 2; }
  std::int64_t task_count(int phase) const override {
    return phase == 0 ? (arrays_.columns + columns_at_once - 1) / columns_at_once : group_count();
  }
  void run_task(workspace& mine, int phase, std::int64_t task, bool is_caller) override {
    if (phase == 0) prepare_columns(mine, task * columns_at_once);
    else follow_edges(mine, rows_of_group(task), is_caller);
  }
  void prepare_columns(workspace& mine, std::int64_t first) const {
    const std::int64_t end = first + columns_at_once;
    point_to_columns(mine, first);
    steps_.prepare_columns(mine.arrays, mine, {first, end < arrays_.columns ? end : arrays_.columns});
  }
  void follow_edges(workspace& mine, stretch rows, bool is_caller) {
    point_to_columns(mine, 0);
    prepare_rows(mine, rows);
    steps_.fold_edges(mine.arrays, mine, mine.states, rows);
    const std::int64_t* const starts = arrays_.edges->starts;
    if (watch_.is_watching()) watch_.advance(starts[rows.end] - starts[rows.first], is_caller);
    finish_rows(mine, mine.states, rows);
  }
  void point_to_columns(workspace& mine, std::int64_t first) const {
    const std::int64_t column = mine.problem * arrays_.columns + first;
    mine.column_reals = reals_ + column * steps_.column_bytes;
    mine.column_indices = reinterpret_cast<std::int64_t*>(indices_ + column * steps_.column_index_bytes);
  }
};

/// The steps that follow edges.
struct folds_edges {
  template <class Plan, class Isa> static consteval sweep_steps steps() {
    using entry = instruction_set_entry<Isa>;
    using T = typename entry::template lanes<typename Plan::real>;
    sweep_steps steps = steps_around_fold<Plan, Isa, own_columns, gathered_reals<Plan>>();
    steps.fold_edges =
        &entry::template call<fold_edges_step<Plan, T>, const sweep_arrays&, const workspace&, char*, stretch>;
    return steps;
  }
};

/// kf::cpu, for calls over edges.
struct cpu_over_edges : cpu_runner {};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <> struct runner_of<cpu, space_kind::edges> {
  using type = detail::cpu_over_edges;
  static type from(const cpu& where) { return {{where}}; }
};
template <> struct executor_traits<detail::cpu_over_edges> : detail::cpu_runner_traits {
  template <class Plan>
  static void run(const detail::cpu_over_edges& runner, const leaf_array* leaves, const output_array* outputs,
                  const sweep_shape& shape, const pair_set* over) {
    detail::sweep_arrays arrays = detail::arrays_of<Plan>(leaves, outputs, shape);
    if constexpr (Plan::folded_axis == axis::none) {
      arrays.ends = &over->ends;
      detail::run_steps<detail::tile_sweep>(runner.where, arrays,
                                            detail::steps_for<Plan, detail::folds_tiles>(runner.where));
    } else {
      arrays.edges = &edge_rows_of<Plan>(*over);
      detail::run_steps<detail::edge_sweep>(runner.where, arrays,
                                            detail::steps_for<Plan, detail::folds_edges>(runner.where));
    }
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
