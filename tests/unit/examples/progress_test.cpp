// tests/unit/examples/progress_test.cpp: the bar and the stopwatch.
#include "../../../examples/common/progress.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

struct progress : testing::Test {
  std::FILE* stream = std::tmpfile();
  void TearDown() override { std::fclose(stream); }

  std::string shown() const {
    std::string text(4096, '\0');
    std::rewind(stream);
    text.resize(std::fread(text.data(), 1, text.size(), stream));
    return text;
  }
};

TEST_F(progress, is_silent_where_nobody_looks) {
  for (const auto visible : {examples::visibility::automatic, examples::visibility::never}) {
    const examples::progress_line line("density", {.visible = visible, .delay_seconds = 0, .stream = stream});
    line(0.25);
    line(1);
  }
  EXPECT_EQ(shown(), "");
}

TEST_F(progress, is_silent_on_quick_work) {
  {
    const examples::progress_line line("density", {.visible = examples::visibility::always, .stream = stream});
    for (int k = 0; k <= 100; ++k) line(k / 100.0);
  }
  EXPECT_EQ(shown(), "");
}

TEST_F(progress, draws_and_clears_itself) {
  const std::string bar = "\rdensity [########........................]  25 %, 0 s left\x1b[K", cleared = "\r\x1b[K";
  const examples::progress_options options{
      .visible = examples::visibility::always, .delay_seconds = 0, .stream = stream};
  {
    const std::function<void(double)> line = examples::progress_line("density", options);
    line(0.25);
    line(0.26);  // too soon after the last
    EXPECT_EQ(shown(), bar);
    line(1);
    EXPECT_EQ(shown(), bar + cleared);
  }
  EXPECT_EQ(shown(), bar + cleared);
  examples::progress_line("density", options)(0.25);  // work that was stopped
  EXPECT_EQ(shown(), bar + cleared + bar + cleared);
}

TEST(stopwatch, counts_seconds) {
  examples::stopwatch watch;
  std::this_thread::sleep_for(20ms);
  EXPECT_GE(watch.seconds(), 0.02);
  watch.restart();
  EXPECT_LT(watch.seconds(), 0.02);
}

TEST(stopwatch, median_is_not_moved_by_the_first_call_or_by_an_outlier) {
  int calls = 0;
  const double time = examples::median_seconds(
      [&] {
        ++calls;
        std::this_thread::sleep_for(calls == 1 || calls == 4 ? 100ms : 2ms);
      },
      5);
  EXPECT_EQ(calls, 6);
  EXPECT_GE(time, 0.002);
  EXPECT_LT(time, 0.1);
  EXPECT_GE(examples::median_seconds([] {}, 0), 0.0);
}

}  // namespace
