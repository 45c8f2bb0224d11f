// kernfold/engine/cpu/launch.hpp: chooses the instruction set and runs a sweep on its threads.
#pragma once

#include <stdlib.h>

#include "sweep.hpp"
#include "threads.hpp"

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

/// Per set: its name, the lanes for a real type, whether the machine has it, and the function whose target it is.
template <class Isa>
struct instruction_set_entry;
template <>
struct instruction_set_entry<isa::scalar> {
  static constexpr instruction_set name = instruction_set::scalar;
  static bool is_available() { return true; }
  template <class Sweep>
  KERNFOLD_ENTRY static void work(Sweep& sweep, bool is_caller) {
    sweep.template work<typename Sweep::real>(is_caller);
  }
  template <class Real>
  using lanes = Real;
};
#if KERNFOLD_X86
template <>
struct instruction_set_entry<isa::avx2> {
  static constexpr instruction_set name = instruction_set::avx2;
  static bool is_available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
  template <class Real>
  using lanes = pack<Real, isa::avx2>;
  template <class Sweep>
  KERNFOLD_ENTRY_AVX2 static void work(Sweep& sweep, bool is_caller) {
    sweep.template work<lanes<typename Sweep::real>>(is_caller);
  }
};
template <>
struct instruction_set_entry<isa::avx512> {
  static constexpr instruction_set name = instruction_set::avx512;
  static bool is_available() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }
  template <class Real>
  using lanes = pack<Real, isa::avx512>;
  template <class Sweep>
  KERNFOLD_ENTRY_AVX512 static void work(Sweep& sweep, bool is_caller) {
    sweep.template work<lanes<typename Sweep::real>>(is_caller);
  }
};
#else
template <>
struct instruction_set_entry<isa::portable> {
  static constexpr instruction_set name = instruction_set::portable;
  static bool is_available() { return true; }
  template <class Real>
  using lanes = pack<Real, isa::portable>;
  template <class Sweep>
  KERNFOLD_ENTRY static void work(Sweep& sweep, bool is_caller) {
    sweep.template work<lanes<typename Sweep::real>>(is_caller);
  }
};
#endif

template <class... Isas>
inline instruction_set best_of(type_list<Isas...>) {
  instruction_set best = instruction_set::automatic;
  ((best == instruction_set::automatic && instruction_set_entry<Isas>::is_available()
        ? void(best = instruction_set_entry<Isas>::name)
        : void()),
   ...);
  return best;
}
template <class... Isas>
inline bool is_usable(type_list<Isas...>, instruction_set s) {
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
  for (const instruction_set s : {instruction_set::scalar, instruction_set::portable, instruction_set::avx2, instruction_set::avx512})
    if (__builtin_strcmp(wanted, name_of(s)) == 0 && is_usable(compiled_sets{}, s)) return s;
  refuse_instruction_set(wanted, "the environment variable KERNFOLD_INSTRUCTIONS");
  return instruction_set::automatic;
}

template <class Isa, class Sweep>
void run_with(Sweep& sweep) {
  using entry = instruction_set_entry<Isa>;
  using lanes = typename entry::template lanes<typename Sweep::real>;
  arena shared(sweep.template shared_bytes<lanes>());
  sweep.template share<lanes>(shared);
  const void* const caller = &shared;  // marks the calling thread: only there is `own` the caller's
  thread_local const void* own = nullptr;
  own = caller;
  for (bool finishing : {false, true}) {
    if (finishing && sweep.split().stretches == 1) break;
    sweep.is_finishing = finishing;
    sweep.restart();
    auto work = [&] {
      try {
        entry::work(sweep, own == caller);
      } catch (...) {
        sweep.watch->fail(std::current_exception());
      }
    };
    const std::int64_t tasks = sweep.task_count();
    const int threads = tasks < sweep.threads ? int(tasks) : sweep.threads;
    if (threads <= 1) work();
    else run_on_threads(threads, work);
  }
  own = nullptr;
  if (!sweep.watch->stopped()) sweep.finish();
}

template <class Sweep, class... Isas>
void run_with_one_of(type_list<Isas...>, instruction_set s, Sweep& sweep) {
  ((instruction_set_entry<Isas>::name == s ? run_with<Isas>(sweep) : void()), ...);
}

/// A sweep that takes less than this many pairs is over before a second thread has started.
inline constexpr std::int64_t pairs_worth_a_thread = 400'000;

/// Runs the plan over the arrays; throws what the callbacks throw, kf::stopped, kf::instruction_set_error, std::bad_alloc.
template <class Plan, class Space>
void run_on_cpu(const cpu& where, const leaf_array* leaves, const output_array* outputs, std::int64_t rows,
                std::int64_t columns, const Space& space) {
  const instruction_set chosen =
      where.instructions == instruction_set::automatic ? default_instruction_set() : where.instructions;
  if (!is_usable(compiled_sets{}, chosen)) refuse_instruction_set(name_of(chosen), "kf::cpu");
  monitor watch(where, rows * columns);
  cpu_sweep<Plan, Space> sweep(leaves, outputs, rows, columns, space, &watch);
  const std::int64_t worth = rows * columns / pairs_worth_a_thread;
  const int wanted = where.threads > 0 ? where.threads : worth > 1 ? available_threads() : 1;
  sweep.threads = where.threads > 0 || worth >= wanted ? wanted : int(worth < 1 ? 1 : worth);
  sweep.prepare();
  run_with_one_of(compiled_sets{}, chosen, sweep);
  watch.rethrow();
  if (watch.stopped()) throw stopped("the computation was stopped by its caller");
  if (where.progress) where.progress(1.0);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <>
struct executor_traits<cpu> {
  template <class Plan>
  static void run(const cpu& where, const leaf_array* leaves, const output_array* outputs, std::int64_t rows,
                  std::int64_t columns) {
    detail::run_on_cpu<Plan>(where, leaves, outputs, rows, columns, dense{columns});
  }
  static bool may_end_early(const cpu& where) { return where.stop || where.progress; }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
