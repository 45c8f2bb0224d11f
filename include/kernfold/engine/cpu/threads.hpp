// kernfold/engine/cpu/threads.hpp: several threads over one function: OpenMP's where it is enabled, the system's
// otherwise. <thread> costs half a second of compile time; what it stands on does not.
#pragma once

#include "../../core/config.hpp"

#if defined(_OPENMP)
#include <omp.h>
#elif __has_include(<pthread.h>)
#include <pthread.h>
#include <sched.h>
#else
#include <thread>
#include <vector>
#endif

namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// How many threads this process may keep busy.
inline int available_threads() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#elif __has_include(<pthread.h>)
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
#else
  return static_cast<int>(std::thread::hardware_concurrency());
#endif
}

/// An address that is this thread's alone.
inline const void* this_thread() {
  static thread_local const char mark = 0;
  return &mark;
}

/// Calls f() on `threads` threads at once, this one among them, and returns when all are done. f must not throw. Where
/// a thread cannot be had, fewer run: f takes its share of the work from a common counter.
template <class F> void run_on_threads(int threads, F& f) {
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
  f();
#elif __has_include(<pthread.h>)
  constexpr int most = 1024;
  pthread_t others[most];
  int started = 0;
  const auto call = [](void* p) -> void* {
    (*static_cast<F*>(p))();
    return nullptr;
  };
  for (int t = 1; t < threads && started < most; ++t)
    if (pthread_create(&others[started], nullptr, call, &f) == 0) ++started;
  f();
  for (int t = 0; t < started; ++t) pthread_join(others[t], nullptr);
#else
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back([&f] { f(); });
  f();
  for (auto& t : others) t.join();
#endif
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
