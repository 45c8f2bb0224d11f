// kernfold/engine/cpu/launch.hpp: chooses the instruction set and runs a sweep on its threads.
#pragma once

#include <stdlib.h>

#include "../../core/matrix.hpp"
#include "pack.hpp"
#include "steps.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The sets that are compiled, best first: all of them by default; with -march=native only what the flags promise.
#if !KERNFOLD_X86
using compiled_sets = type_list<isa::portable>;
#elif KERNFOLD_FLAGS_AVX512
using compiled_sets = type_list<isa::avx512>;
#elif KERNFOLD_FLAGS_AVX2
using compiled_sets = type_list<isa::avx2>;
#else
using compiled_sets = type_list<isa::avx512, isa::avx2, isa::scalar>;
#endif

/// Per set: its name, the lanes for a real type, whether the machine has it, and the entry function that carries its
/// target: call<Step> inlines a step.
template <class Isa> struct instruction_set_entry;
template <> struct instruction_set_entry<isa::scalar> {
  static constexpr instruction_set name = instruction_set::scalar;
  static bool is_available() { return true; }
  template <class Step, class... Args> KERNFOLD_ENTRY static void call(Args... args) { Step::run(args...); }
  template <class Real> using lanes = Real;
};
#if KERNFOLD_X86
template <> struct instruction_set_entry<isa::avx2> {
  static constexpr instruction_set name = instruction_set::avx2;
  static bool is_available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
  template <class Real> using lanes = pack<Real, isa::avx2>;
  template <class Step, class... Args> KERNFOLD_ENTRY_AVX2 static void call(Args... args) { Step::run(args...); }
};
template <> struct instruction_set_entry<isa::avx512> {
  static constexpr instruction_set name = instruction_set::avx512;
  static bool is_available() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }
  template <class Real> using lanes = pack<Real, isa::avx512>;
  template <class Step, class... Args> KERNFOLD_ENTRY_AVX512 static void call(Args... args) { Step::run(args...); }
};
#else
template <> struct instruction_set_entry<isa::portable> {
  static constexpr instruction_set name = instruction_set::portable;
  static bool is_available() { return true; }
  template <class Real> using lanes = pack<Real, isa::portable>;
  template <class Step, class... Args> KERNFOLD_ENTRY static void call(Args... args) { Step::run(args...); }
};
#endif

template <class... Isas> inline instruction_set best_of(type_list<Isas...>) {
  instruction_set best = instruction_set::automatic;
  ((best == instruction_set::automatic && instruction_set_entry<Isas>::is_available()
        ? void(best = instruction_set_entry<Isas>::name)
        : void()),
   ...);
  return best;
}
template <class... Isas> inline bool is_usable(type_list<Isas...>, instruction_set s) {
  return ((instruction_set_entry<Isas>::name == s && instruction_set_entry<Isas>::is_available()) || ...);
}

[[gnu::cold, gnu::noinline]] inline void refuse_instruction_set(const char* wanted, const char* who) {
  throw instruction_set_error(message() << "the instruction set '" << wanted << "' asked for by " << who
                                        << " is not one of this machine's, or was not compiled into this program");
}

/// The set that KERNFOLD_INSTRUCTIONS names, or the best of the machine's.
inline instruction_set default_instruction_set() {
  const char* const wanted = getenv("KERNFOLD_INSTRUCTIONS");
  if (wanted == nullptr || *wanted == '\0') return best_of(compiled_sets{});
  for (const instruction_set s :
       {instruction_set::scalar, instruction_set::portable, instruction_set::avx2, instruction_set::avx512})
    if (__builtin_strcmp(wanted, name_of(s)) == 0 && is_usable(compiled_sets{}, s)) return s;
  refuse_instruction_set(wanted, "the environment variable KERNFOLD_INSTRUCTIONS");
  return instruction_set::automatic;
}

/// The set whose entry runs the scalar steps: AVX-512's are those of AVX2.
template <class Isa>
using scalar_steps_of =
    std::conditional_t<std::is_same_v<Isa, isa::avx512> && contains<isa::avx2>(compiled_sets{}), isa::avx2, Isa>;

/// A plan's steps for an instruction set, but for the one that folds. What does not depend on the formula is shared
/// with other plans. Columns: what the rows of a task meet; ColumnReals: from one column to the next.
template <class Plan, class Isa, class Columns, int ColumnReals> consteval sweep_steps steps_around_fold() {
  using entry = instruction_set_entry<Isa>;
  using prepare = instruction_set_entry<scalar_steps_of<Isa>>;
  using P = typename Plan::program_type;
  using real = typename Plan::real;
  using T = typename entry::template lanes<real>;
  using states = fold_states<typename Plan::folds, T>;
  using block_states = fold_states<typename Plan::folds, real>;
  using factors = std::conditional_t<states::has_factors, row_factors<P, T>, no_factors>;
  constexpr stage_size p = P::size(stage::parameter), r = P::size(stage::row), c = P::size(stage::column);
  constexpr int index_bytes = sizeof(std::int64_t);

  sweep_steps steps{};
  if constexpr (P::has_run_time_dims) steps.lay_out_vectors = &vector_leaves<P>::lay_out;
  steps.real_bytes = sizeof(real);
  steps.prepare_parameters =
      &prepare::template call<prepare_parameters_step<Plan>, const sweep_arrays&, const workspace&>;
  steps.prepare_rows =
      &prepare::template call<prepare_rows_step<Plan>, const sweep_arrays&, const workspace&, stretch, int>;
  steps.prepare_columns =
      &prepare::template call<prepare_columns_step<Plan, ColumnReals>, const sweep_arrays&, const workspace&, stretch>;
  steps.merge = &entry::template call<merge_step<states>, char*, const char*, std::int64_t>;
  if constexpr (Plan::folds_rows) {
    using fold_rows = fold_rows_step<states, block_states, factors, Columns>;
    steps.finish_rows =
        &entry::template call<fold_rows, const sweep_arrays&, const workspace&, char*, stretch, block_tree&>;
    steps.finish = &fold_rows::finish;
    steps.merge_blocks = &fold_rows::merge_blocks;
    steps.block_state_bytes = sizeof(typename block_states::states);
  } else {
    steps.finish_rows = &entry::template call<write_rows_step<states, factors, Columns>, const sweep_arrays&,
                                              const workspace&, char*, stretch, block_tree&>;
  }
  steps.lanes = math::lane_count<T>;
  steps.parameter_bytes = p.kept_reals * int(sizeof(real));
  steps.parameter_index_bytes = p.kept_indices * index_bytes;
  steps.row_bytes = r.kept_reals * int(sizeof(T));
  steps.row_index_bytes = r.kept_indices * int(sizeof(math::index_t<T>));
  steps.state_bytes = sizeof(typename states::states);
  steps.column_bytes = ColumnReals * int(sizeof(real));
  steps.column_index_bytes = c.kept_indices * index_bytes;
  steps.policy = Plan::policy;
  return steps;
}
/// The steps that fold tiles of columns.
struct folds_tiles {
  template <class Plan, class Isa> static consteval sweep_steps steps() {
    using entry = instruction_set_entry<Isa>;
    using T = typename entry::template lanes<typename Plan::real>;
    sweep_steps steps = steps_around_fold<Plan, Isa, shared_columns, Plan::column_size.kept_reals>();
    steps.fold_tile = &entry::template call<fold_tile_step<Plan, T>, const workspace&, char*, stretch, stretch, bool>;
    return steps;
  }
};
/// A plan's steps for each of the sets that are compiled, in their order.
template <class Plan, class Folds = folds_tiles, class Isas = compiled_sets> struct steps_of;
template <class Plan, class Folds, class... Isas> struct steps_of<Plan, Folds, type_list<Isas...>> {
  static constexpr sweep_steps with[] = {Folds::template steps<Plan, Isas>()...};
};
template <class... Isas> inline int place_of_set(type_list<Isas...>, instruction_set s) {
  const instruction_set compiled[] = {instruction_set_entry<Isas>::name...};
  int place = 0;
  while (compiled[place] != s) ++place;
  return place;
}

inline instruction_set chosen_instruction_set(const cpu& where) {
  const instruction_set s =
      where.instructions == instruction_set::automatic ? default_instruction_set() : where.instructions;
  if (!is_usable(compiled_sets{}, s)) refuse_instruction_set(name_of(s), "kf::cpu");
  return s;
}
/// Its place among the sets that are compiled.
inline int chosen_set(const cpu& where) { return place_of_set(compiled_sets{}, chosen_instruction_set(where)); }

/// A plan's steps for the chosen set. No device code begins here: nvcc's second pass need not instantiate it, and could
/// not.
template <class Plan, class Folds> const sweep_steps& steps_for([[maybe_unused]] const cpu& where) {
#if KERNFOLD_DEVICE_PASS
  static constexpr sweep_steps none{};
  return none;
#else
  return steps_of<Plan, Folds>::with[chosen_set(where)];
#endif
}

/// What a thread has to do to be worth waking: two threads take .75 of one's time for 250,000 pairs of a Gaussian
/// convolution (AVX-512, Sapphire Rapids, 2 cores), .6 for a million.
inline constexpr std::int64_t pairs_worth_a_thread = 125'000;
inline int thread_count(const cpu& where, std::int64_t pairs) {
  if (where.threads > 0) return where.threads;
  const std::int64_t worth = pairs / pairs_worth_a_thread;
  if (worth <= 1) return 1;
  const int available = available_threads();
  return worth < available ? int(worth) : available;
}

/// Passes over the columns that suit the processor best, where both are there (with AVX-512). Convolution, x-gradient
/// and log-sum-exp: Intel's Sapphire Rapids takes .6 to .9 cycles less per pack of pairs in one; AMD's Zen 4 less in
/// two.
inline int passes_that_suit(bool is_amd) { return is_amd ? 2 : 1; }
inline int pass_count(const cpu& where) {
#if KERNFOLD_X86
  if (where.passes == 0) return passes_that_suit(__builtin_cpu_is("amd"));
#endif
  return where.passes;
}

template <class Plan>
sweep_arrays arrays_of(const leaf_array* leaves, const output_array* outputs, const sweep_shape& shape) {
  return {.leaves = leaves,
          .outputs = outputs,
          .rows = shape.rows,
          .columns = shape.columns,
          .leaf_count = Plan::program_type::leaves::size,
          .output_count = Plan::output_count,
          .problems = shape.problems,
          .first_component = shape.first_component};
}

/// The steps of a plan with vectors of run-time dimension, and the policy for their size.
[[gnu::cold, gnu::noinline]] inline sweep_steps sized_steps(const sweep_arrays& arrays, const sweep_steps& steps) {
  sweep_steps sized = steps;
  vector_layout vectors;
  steps.lay_out_vectors(arrays, vectors);
  sized.policy = select_policy(steps.column_bytes + steps.column_index_bytes + vectors.columns * steps.real_bytes);
  return sized;
}

template <class Sweep>
[[gnu::cold, gnu::noinline]] void run_steps(const cpu& where, const sweep_arrays& arrays, const sweep_steps& steps) {
  const sweep_steps sized = steps.lay_out_vectors != nullptr ? sized_steps(arrays, steps) : steps;
  const std::int64_t pairs = arrays.problems * Sweep::pairs(arrays);
  monitor watch(where, pairs);
  Sweep(arrays, sized, watch, thread_count(where, pairs), pass_count(where)).run();
  if (where.progress) where.progress(1.0);
}

/// The states of a reduction's rows between two pieces of its columns. They belong to the instruction set that began
/// them.
class cpu_states {
 public:
  cpu_states(const sweep_steps& steps, std::int64_t rows)
      : steps_(steps),
        rows_(rows),
        memory_(sweep::states_bytes(steps, rows) + arena::alignment),
        states_(static_cast<char*>(memory_.take(sweep::states_bytes(steps, rows)))) {}

  void run(const cpu& where, const sweep_arrays& arrays, bool begins, bool ends) {
    const std::int64_t pairs = arrays.rows * (arrays.columns - arrays.first_column);
    monitor watch(where, pairs);
    tile_sweep(arrays, steps_, watch, thread_count(where, pairs), pass_count(where), {states_, begins, ends}).run();
  }
  /// The columns of `later` come after these. Both belong to the same instruction set.
  void merge(const cpu_states& later) {
    steps_.merge(states_, later.states_, sweep::states_bytes(steps_, rows_) / steps_.state_bytes);
  }
  bool has_shape_of(const cpu_states& other) const {
    return rows_ == other.rows_ && steps_.merge == other.steps_.merge;
  }

 private:
  sweep_steps steps_;
  std::int64_t rows_;
  arena memory_;
  char* states_;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Whether a set was compiled into this program and is one of the machine's.
inline bool is_usable(instruction_set s) { return detail::is_usable(detail::compiled_sets{}, s); }
/// The set that instruction_set::automatic stands for: what the environment variable KERNFOLD_INSTRUCTIONS names, else
/// the best that is usable. Throws instruction_set_error where the variable names one that is not.
inline instruction_set automatic_instruction_set() { return detail::default_instruction_set(); }

template <> struct executor_traits<cpu> {
  static constexpr bool is_device = false;
  static constexpr lowering lowers{};
  static constexpr bool takes_problems = true, takes_run_time_dims = true;
  template <class T> using memory = matrix<T>;
  template <class T> static matrix<T> allocate(const cpu&, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return matrix<T>(batch, rows, cols);
  }
  template <class T> static T* data_of(matrix<T>& m) { return m.data(); }

  template <class Plan>
  static void run(const cpu& where, const leaf_array* leaves, const output_array* outputs, const sweep_shape& shape) {
    detail::run_steps<detail::tile_sweep>(where, detail::arrays_of<Plan>(leaves, outputs, shape),
                                          detail::steps_for<Plan, detail::folds_tiles>(where));
  }
  static bool may_end_early(const void* where) {
    return static_cast<const cpu*>(where)->stop || static_cast<const cpu*>(where)->progress;
  }

  using states = detail::cpu_states;
  template <class Plan> static states begin(const cpu& where, const leaf_array* leaves, std::int64_t rows) {
    states fresh(detail::steps_for<Plan, detail::folds_tiles>(where), rows);
    fresh.run(where, {leaves, nullptr, rows, 0}, true, false);
    return fresh;
  }
  static void absorb(const cpu& where, states& to, const leaf_array* leaves, std::int64_t rows, std::int64_t first,
                     std::int64_t end) {
    to.run(where, {leaves, nullptr, rows, end, first}, false, false);
  }
  static void merge(states& to, const states& later, const leaf_array*) { to.merge(later); }
  static void finish(const cpu& where, states& from, const leaf_array* leaves, const output_array* outputs,
                     std::int64_t rows, std::int64_t columns) {
    from.run(where, {leaves, outputs, rows, columns, columns}, false, true);
  }
};

}  // namespace KERNFOLD_ABI
namespace detail {
inline namespace KERNFOLD_ABI {
/// kf::cpu, for calls over other spaces, which have steps of their own.
struct cpu_runner {
  const cpu& where;
};
struct cpu_runner_traits {
  static constexpr bool is_device = false, takes_spaces = true, takes_problems = true;
  static constexpr lowering lowers{};
  template <class T> using memory = matrix<T>;
  template <class T>
  static matrix<T> allocate(const cpu_runner&, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return matrix<T>(batch, rows, cols);
  }
  template <class T> static T* data_of(matrix<T>& m) { return m.data(); }
  static bool may_end_early(const void* runner) {
    return executor_traits<cpu>::may_end_early(&static_cast<const cpu_runner*>(runner)->where);
  }
};
}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
