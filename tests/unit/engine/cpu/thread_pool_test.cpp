// Threads that start once: shared by callers, begun anew in a forked process, ended with the process.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#if defined(__unix__) && !defined(_OPENMP)

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace kf = kernfold;
using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__)
// Left to itself, the thread sanitizer ends a forked process that starts threads.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace {

constexpr auto x = kf::Vi<0, 2>;
constexpr auto y = kf::Vj<1, 2>;
constexpr auto sum = kf::sum_reduction(exp(-sqdist(x, y)));
constexpr std::int64_t count = 1500;

std::vector<float> points() {
  std::vector<float> p(2 * count);
  for (std::size_t n = 0; n < p.size(); ++n) p[n] = float(n % 97) * 0.02f;
  return p;
}
/// Whether a call on several threads gives what one thread gives.
bool is_right(const kf::cpu& where = {.threads = 3}) {
  const auto p = points();
  const auto expected = sum.on(kf::cpu{.threads = 1})(p, p), found = sum.on(where)(p, p);
  for (std::int64_t i = 0; i < count; ++i)
    if (found[i] != expected[i]) return false;
  return true;
}
/// Runs f on `threads` threads of the pool.
template <class F> bool run(int threads, F& f) { return kf::detail::run_on_threads(threads, f); }
/// Waits until it is true, two seconds at most.
template <class F> bool becomes_true(F f) {
  for (int n = 0; n < 2000; ++n) {
    if (f()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}
/// The status of a process that is forked from this one and returns what f returns.
template <class F> int status_of_fork(F f) {
  const pid_t child = fork();
  if (child == 0) _exit(f());
  int status = -1;
  for (int n = 0; n < 1000 && waitpid(child, &status, WNOHANG) == 0; ++n) std::this_thread::sleep_for(10ms);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST(thread_pool, has_as_many_threads_as_are_asked_for_and_keeps_them) {
  const auto threads_of_a_run = [](int wanted) {
    std::atomic<int> here{0};
    std::mutex m;
    std::set<std::thread::id> ids;
    auto f = [&] {
      {
        const std::lock_guard lock(m);
        ids.insert(std::this_thread::get_id());
      }
      ++here;
      becomes_true([&] { return here == wanted; });
    };
    EXPECT_TRUE(run(wanted, f));
    EXPECT_EQ(here, wanted);
    return ids;
  };
  const auto first = threads_of_a_run(4), second = threads_of_a_run(4);
  EXPECT_EQ(first.size(), 4u);
  EXPECT_EQ(first, second);
  for (const auto id : threads_of_a_run(2)) EXPECT_TRUE(first.contains(id));
  EXPECT_EQ(threads_of_a_run(6).size(), 6u);
}
TEST(thread_pool, callers_at_once_share_it_and_none_waits_for_the_other) {
  std::atomic<bool> goes_on{true};
  auto busy = [&] { becomes_true([&] { return !goes_on; }); };
  std::thread other([&] { run(3, busy); });  // takes all there are
  EXPECT_TRUE(is_right());
  EXPECT_TRUE(is_right());
  goes_on = false;
  other.join();

  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c)
    callers.emplace_back([&] {
      for (int n = 0; n < 5; ++n) wrong += !is_right({.threads = 2 + n % 3});
    });
  for (auto& c : callers) c.join();
  EXPECT_EQ(wrong, 0);
}
TEST(thread_pool, a_job_may_start_another) {
  std::atomic<int> right{0}, runs{0};
  auto nested = [&] {
    ++runs;
    right += is_right();
  };
  EXPECT_TRUE(run(3, nested));
  EXPECT_EQ(right, runs);
  const auto p = points();
  bool inner = false;
  const auto where = kf::cpu{.threads = 2, .progress = [&](double) {
                               if (!inner) inner = is_right();
                             }};
  sum.on(where)(p, p);
  EXPECT_TRUE(inner);
}
TEST(thread_pool, sleeps_while_there_is_nothing_to_do) {
  EXPECT_TRUE(is_right({.threads = 2}));  // no more than there are processors
  std::this_thread::sleep_for(20ms);
  const std::clock_t before = std::clock();  // of all threads
  std::this_thread::sleep_for(200ms);
  EXPECT_LT(double(std::clock() - before) / CLOCKS_PER_SEC, 0.05);
}
TEST(thread_pool, an_exception_leaves_it_as_it_was) {
  const auto p = points();
  for (int n = 0; n < 5; ++n) {
    EXPECT_THROW(sum.on(kf::cpu{.threads = 3, .progress = [](double) { throw std::runtime_error("enough"); }})(p, p),
                 std::runtime_error);
    EXPECT_TRUE(is_right());
  }
}
TEST(thread_pool, begins_anew_in_a_forked_process) {
  EXPECT_TRUE(is_right());
  for (int n = 0; n < 3; ++n) EXPECT_EQ(status_of_fork([] { return is_right() && is_right() ? 7 : 1; }), 7);
  // Also while other threads are in calls of their own.
  std::atomic<bool> goes_on{true};
  std::thread other([&] {
    while (goes_on) is_right();
  });
  for (int n = 0; n < 5; ++n) EXPECT_EQ(status_of_fork([] { return is_right() ? 7 : 1; }), 7);
  goes_on = false;
  other.join();
  EXPECT_TRUE(is_right());
}
// The threads are not there any more, nor what they had taken: the call says so, and does not wait for them.
TEST(thread_pool, a_job_that_was_forked_is_not_whole) {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> here{0};
  pid_t child = -1;
  auto f = [&] {
    ++here;
    becomes_true([&] { return here == 2; });
    if (std::this_thread::get_id() == caller) child = fork();
  };
  const bool is_whole = run(2, f);
  if (child == 0) _exit(is_whole ? 1 : 7);
  EXPECT_TRUE(is_whole);
  int status = -1;
  EXPECT_TRUE(becomes_true([&] { return waitpid(child, &status, WNOHANG) == child; }));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(is_right());
}
TEST(thread_pool, a_computation_that_was_forked_is_right_or_ends_with_a_sentence) {
  const auto p = points();
  const auto expected = sum.on(kf::cpu{.threads = 1})(p, p);
  pid_t child = -1;
  const auto fork_once = [&](double) {
    if (child < 0) child = fork();
  };
  int result = 1;
  try {
    const auto found = sum.on(kf::cpu{.threads = 2, .progress = fork_once})(p, p);
    result = 7;
    for (std::int64_t i = 0; i < count; ++i)
      if (found[i] != expected[i]) result = 2;
  } catch (const kf::error& e) {
    result = std::string(e.what()) == "a process that was forked during a computation cannot end it" ? 7 : 3;
  }
  if (child == 0) _exit(result);
  EXPECT_EQ(result, 7);
  int status = -1;
  EXPECT_TRUE(becomes_true([&] { return waitpid(child, &status, WNOHANG) == child; }));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}
TEST(thread_pool, ends_with_the_process) {
  const auto in_a_process = [](auto f) {
    EXPECT_EXIT(
        {
          f();
          std::exit(3);
        },
        ::testing::ExitedWithCode(3), "");
  };
  in_a_process([] { is_right(); });
  // What is destroyed after the pool's end computes on its own thread.
  struct late {
    ~late() {
      if (!is_right()) std::_Exit(4);
    }
  };
  in_a_process([] {
    static const late before_the_pool;
    is_right();
  });
  // Others are still in a call when the process ends.
  in_a_process([] {
    std::thread([] {
      while (true) is_right();
    }).detach();
    std::this_thread::sleep_for(20ms);
  });
}

#endif
