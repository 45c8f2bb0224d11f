#include <kernfold/core/callback.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace kf = kernfold;

namespace {

double last = 0;
void remember(double value) { last = value; }
bool always() { return true; }

struct counting {  // counts its living copies
  static inline int alive = 0;
  counting() { ++alive; }
  counting(const counting&) { ++alive; }
  counting(counting&&) noexcept { ++alive; }
  ~counting() { --alive; }
  int operator()(int n) const { return n + 1; }
};

struct options {
  kf::callback<void(double)> progress{};
  kf::stop_condition stop{};
};

}  // namespace

TEST(callback, is_empty_by_default) {
  EXPECT_FALSE(kf::callback<void(double)>{});
  EXPECT_FALSE(options{}.progress);
}

TEST(callback, calls_functions_and_lambdas) {
  kf::callback<void(double)> f = remember;
  ASSERT_TRUE(f);
  f(0.25);
  EXPECT_EQ(last, 0.25);
  double seen = 0;
  f = [&](double value) { seen = value; };
  f(0.5);
  EXPECT_EQ(seen, 0.5);
}

TEST(callback, discards_results_and_converts_them) {
  int calls = 0;
  const kf::callback<void(double)> f = [&](double) { return ++calls; };
  f(1);
  EXPECT_EQ(calls, 1);
  const kf::callback<double(int)> g = [](long n) { return static_cast<float>(n) / 2; };
  EXPECT_EQ(g(3), 1.5);
}

TEST(callback, is_empty_when_its_callable_is) {
  EXPECT_FALSE(kf::callback<void(double)>(static_cast<void (*)(double)>(nullptr)));
  EXPECT_FALSE(kf::callback<void(double)>(std::function<void(double)>()));
  EXPECT_TRUE(kf::callback<void(double)>(std::function<void(double)>(remember)));
  EXPECT_FALSE(kf::callback<void(double)>(kf::callback<void(float)>()));
}

TEST(callback, copies_own_their_state) {
  kf::callback<int()> f = [n = 0]() mutable { return ++n; };
  EXPECT_EQ(f(), 1);
  const kf::callback<int()> g = f;
  EXPECT_EQ(f(), 2);
  EXPECT_EQ(g(), 2);
  EXPECT_EQ(g(), 3);
}

TEST(callback, frees_what_it_holds) {
  {
    kf::callback<int(int)> a = counting{};
    EXPECT_EQ(counting::alive, 1);
    kf::callback<int(int)> b = a;
    EXPECT_EQ(counting::alive, 2);
    kf::callback<int(int)> c = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(counting::alive, 2);
    const auto& same = b;
    b = same;
    EXPECT_EQ(b(1) + c(2), 5);
    b = {};
    EXPECT_EQ(counting::alive, 1);
  }
  EXPECT_EQ(counting::alive, 0);
}

TEST(callback, passes_references_and_move_only_arguments) {
  const kf::callback<void(int&)> f = [](int& n) { n = 7; };
  int n = 0;
  f(n);
  EXPECT_EQ(n, 7);
  const kf::callback<int(std::unique_ptr<int>)> g = [](std::unique_ptr<int> p) { return *p; };
  EXPECT_EQ(g(std::make_unique<int>(9)), 9);
}

TEST(callback, refuses_what_it_cannot_call) {
  static_assert(!std::is_constructible_v<kf::callback<void(double)>, int>);
  static_assert(!std::is_constructible_v<kf::callback<void(double)>, void (*)(double, double)>);
  static_assert(!std::is_constructible_v<kf::callback<int(int)>, void (*)(int)>);
}

TEST(stop_condition, never_stops_by_default) {
  const kf::stop_condition stop;
  EXPECT_FALSE(stop);
  EXPECT_FALSE(stop.requested());
}

TEST(stop_condition, asks_a_callable) {
  bool now = false;
  const kf::stop_condition stop = [&] { return now; };
  EXPECT_TRUE(stop);
  EXPECT_FALSE(stop.requested());
  now = true;
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(kf::stop_condition(always).requested());
  EXPECT_FALSE(kf::stop_condition(static_cast<bool (*)()>(nullptr)).requested());
}

TEST(stop_condition, holds_a_token_by_value) {
  std::stop_source source;
  kf::stop_condition stop;
  {
    const std::stop_token token = source.get_token();
    stop = token;
  }
  EXPECT_FALSE(stop.requested());
  source.request_stop();
  EXPECT_TRUE(stop.requested());
}

TEST(stop_condition, watches_flags) {
  std::atomic<bool> atomic = false;
  const std::atomic<int> number = 3;
  bool plain = false;
  volatile std::sig_atomic_t signal = 0;
  const kf::stop_condition a = &atomic, p = &plain, s = &signal;
  EXPECT_TRUE(kf::stop_condition(&number).requested());
  EXPECT_FALSE(a.requested() || p.requested() || s.requested());
  atomic = true;
  EXPECT_TRUE(a.requested());
  plain = true;
  EXPECT_TRUE(p.requested());
  signal = 1;
  EXPECT_TRUE(s.requested());
  signal = 0;
  EXPECT_FALSE(s.requested());
}

TEST(stop_condition, ignores_null_flags) {
  EXPECT_FALSE(kf::stop_condition(static_cast<bool*>(nullptr)));
  EXPECT_FALSE(kf::stop_condition(static_cast<std::atomic<bool>*>(nullptr)));
}

TEST(stop_condition, stands_in_designated_initialisers) {
  std::stop_source source;
  std::atomic<bool> flag = true;
  double seen = 0;
  const options o{.progress = [&](double value) { seen = value; }, .stop = source.get_token()};
  o.progress(0.75);
  EXPECT_EQ(seen, 0.75);
  EXPECT_FALSE(o.stop.requested());
  EXPECT_TRUE((options{.stop = &flag}.stop.requested()));
  EXPECT_TRUE((options{.progress = remember, .stop = [] { return true; }}.stop.requested()));
}
