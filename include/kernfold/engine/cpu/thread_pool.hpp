// kernfold/engine/cpu/thread_pool.hpp: threads that start once and wait for work.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include <cstdint>

#include "../../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The processors that this process may use.
inline int available_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// Starting a thread takes 0.1 to 0.2 ms, waking one some microseconds, on a virtual machine so many that two threads
/// were slower than one at 0.1 ms of work. So who waits looks out for a while before it sleeps. The pool has as many
/// threads as any caller has asked for at once; several callers share them, and each works on its own job as well, so
/// that none waits for a thread that is busy elsewhere, be it that a job starts another.
///
/// The threads of a process are gone in one that is forked from it: there the pool begins anew. At the end of the
/// process, or when a library is unloaded, they are waited for; a job that comes later runs on its caller's thread.
class thread_pool {
 public:
  static thread_pool& of_process() {
    static thread_pool pool;  // never destroyed, but ended
    static const ending at_end{pool};
    return pool;
  }

  /// Calls function(argument) on this thread and up to `helpers` others at once. It must not throw. False where a fork
  /// took the others away.
  bool run(int helpers, void (*function)(void*), void* argument) {
    job mine{function, argument, helpers};
    pthread_mutex_lock(&mutex_);
    const unsigned process = process_;
    add(mine);
    pthread_mutex_unlock(&mutex_);
    function(argument);
    pthread_mutex_lock(&mutex_);
    remove(mine);
    if (process == process_ && mine.running > 0)
      look_out([&] { return __atomic_load_n(&mine.running, __ATOMIC_ACQUIRE) == 0; });
    while (mine.running > 0 && process == process_) pthread_cond_wait(&is_done_, &mutex_);
    const bool is_whole = process == process_ || mine.helped == 0;
    pthread_mutex_unlock(&mutex_);
    return is_whole;
  }

 private:
  /// A caller's work, on its stack while it runs.
  struct job {
    void (*function)(void*);
    void* argument;
    int wanted;       // threads that may still come
    int running = 0;  // threads that have come and not left
    int helped = 0;   // threads that have come
    job* next = nullptr;
  };
  static constexpr int most_threads = 1024;
  static constexpr std::int64_t watchful_ns = 100'000;  // more than lies between two calls of a loop

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t is_work_ = PTHREAD_COND_INITIALIZER, is_done_ = PTHREAD_COND_INITIALIZER;
  job* first_ = nullptr;
  unsigned added_ = 0;  // jobs so far
  pthread_t threads_[most_threads];
  int count_ = 0;
  unsigned process_ = 0;  // how many forks lie between this process and the first
  bool has_ended_ = false;
  int processors_ = available_processors();

  thread_pool() {
    pthread_atfork(nullptr, nullptr, [] { of_process().begin_anew(); });
  }

  struct ending {
    thread_pool& pool;
    ~ending() { pool.end(); }
  };

  void add(job& mine) {
    if (has_ended_ || mine.wanted <= 0) return;
    while (count_ < mine.wanted && count_ < most_threads && start_thread()) ++count_;
    job** last = &first_;
    while (*last) last = &(*last)->next;
    *last = &mine;
    __atomic_store_n(&added_, added_ + 1, __ATOMIC_RELEASE);
    if (mine.wanted < count_)
      for (int n = 0; n < mine.wanted; ++n) pthread_cond_signal(&is_work_);
    else pthread_cond_broadcast(&is_work_);
  }
  void remove(job& mine) {
    for (job** at = &first_; *at; at = &(*at)->next)
      if (*at == &mine) {
        *at = mine.next;
        return;
      }
  }

  bool start_thread() {
    // Signals are for the threads that the program made.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&threads_[count_], nullptr, &work, this) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
  }
  static void* work(void* pool) {
    static_cast<thread_pool*>(pool)->take_jobs();
    return nullptr;
  }
  void take_jobs() {
    bool is_watchful = true;
    pthread_mutex_lock(&mutex_);
    while (true) {
      job* mine = first_;
      while (mine && mine->wanted == 0) mine = mine->next;
      if (mine) {
        --mine->wanted;
        __atomic_store_n(&mine->running, mine->running + 1, __ATOMIC_RELAXED);
        ++mine->helped;
        pthread_mutex_unlock(&mutex_);
        mine->function(mine->argument);
        pthread_mutex_lock(&mutex_);
        const int left = mine->running - 1;
        __atomic_store_n(&mine->running, left, __ATOMIC_RELEASE);
        if (left == 0) pthread_cond_broadcast(&is_done_);
        is_watchful = true;
      } else if (has_ended_) {
        break;
      } else if (is_watchful) {
        is_watchful = false;
        look_out([this, seen = added_] { return __atomic_load_n(&added_, __ATOMIC_ACQUIRE) != seen; });
      } else {
        pthread_cond_wait(&is_work_, &mutex_);
        is_watchful = true;  // also where others have done the work meanwhile
      }
    }
    pthread_mutex_unlock(&mutex_);
  }
  /// Waits for a while until has_come(), without the mutex. Not where there are more threads than processors: the
  /// others need them.
  template <class F> void look_out(F&& has_come) {
    if (count_ >= processors_) return;
    pthread_mutex_unlock(&mutex_);
    for (const std::int64_t end = nanoseconds() + watchful_ns; !has_come() && nanoseconds() < end;) {
#if KERNFOLD_X86
      __builtin_ia32_pause();
#endif
    }
    pthread_mutex_lock(&mutex_);
  }
  static std::int64_t nanoseconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  }

  void end() {
    pthread_mutex_lock(&mutex_);
    has_ended_ = true;
    const int count = count_;
    count_ = 0;
    pthread_cond_broadcast(&is_work_);
    pthread_mutex_unlock(&mutex_);
    for (int n = 0; n < count; ++n) pthread_join(threads_[n], nullptr);
  }
  /// In a forked process, before anything else happens there.
  void begin_anew() {
    mutex_ = PTHREAD_MUTEX_INITIALIZER;
    is_work_ = is_done_ = PTHREAD_COND_INITIALIZER;
    first_ = nullptr;
    count_ = 0;
    ++process_;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
