// kernfold/engine/cpu/threads.hpp: several threads over one function: OpenMP's where it is enabled, a pool of the
// system's otherwise. <thread> costs half a second of compile time; what it stands on does not.
#pragma once

#include "../../core/config.hpp"

#if defined(_OPENMP)
#include <omp.h>
#elif __has_include(<pthread.h>)
#include "thread_pool.hpp"
#else
#include <thread>
#include <vector>
#endif

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// How many threads this process may keep busy.
inline int available_threads() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#elif __has_include(<pthread.h>)
  return available_processors();
#else
  return static_cast<int>(std::thread::hardware_concurrency());
#endif
}

/// An address that is this thread's alone.
inline const void* this_thread() {
  static thread_local const char mark = 0;
  return &mark;
}

/// Calls f() on up to `threads` threads at once, this one among them, and returns when all are done. f must not throw,
/// and takes its share of the work from a common counter: fewer threads than were asked for may come. False where the
/// others are gone, with what they had taken: in a process that was forked while f ran.
template <class F> bool run_on_threads(int threads, F& f) {
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
  f();
  return true;
#elif __has_include(<pthread.h>)
  return thread_pool::of_process().run(
      threads - 1, [](void* p) { (*static_cast<F*>(p))(); }, &f);
#else
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back([&f] { f(); });
  f();
  for (auto& t : others) t.join();
  return true;
#endif
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
