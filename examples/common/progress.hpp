// examples/common/progress.hpp: a bar for work that lets a person wait.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "stopwatch.hpp"

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace examples {

enum class visibility { automatic, always, never };  // automatic: where the stream is a terminal

struct progress_options {
  visibility visible = visibility::automatic;
  double delay_seconds = 2;  // quicker work shows nothing
  std::FILE* stream = stderr;
};

// Call it with the fraction done, in [0, 1], from any thread and as often as you like: it draws at most ten times a
// second. The bar clears itself at 1, or with the last copy of the object.
class progress_line {
 public:
  explicit progress_line(std::string label = {}, progress_options options = {})
      : state_(std::make_shared<state>(std::move(label), options)) {}

  void operator()(double fraction) const { state_->show(fraction); }

 private:
  class state {
   public:
    state(std::string label, progress_options options)
        : label_(std::move(label)), options_(options), visible_(is_visible(options)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { clear(); }

    void show(double fraction) {
      if (!visible_) return;
      const std::lock_guard lock(mutex_);
      if (fraction >= 1) return clear();
      const double now = watch_.seconds();
      if (now < options_.delay_seconds || now < next_) return;
      next_ = now + 0.1;
      draw(std::max(fraction, 0.0), now);
    }

   private:
    static bool is_visible(const progress_options& options) {
#if __has_include(<unistd.h>)
      if (options.visible == visibility::automatic) return isatty(fileno(options.stream)) == 1;
#endif
      return options.visible == visibility::always;
    }

    void draw(double fraction, double now) {
      constexpr std::size_t width = 32;
      const auto full = static_cast<std::size_t>(fraction * width);
      const std::string bar = std::string(full, '#') + std::string(width - full, '.');
      std::fprintf(options_.stream, "\r%s%s[%s] %3d %%", label_.c_str(), label_.empty() ? "" : " ", bar.c_str(),
                   static_cast<int>(fraction * 100));
      // The rest will take as long per fraction as what is done has taken; too little is done to say so before 1 %.
      if (fraction > 0.01) std::fprintf(options_.stream, ", %.0f s left", now * (1 - fraction) / fraction);
      std::fputs("\x1b[K", options_.stream);  // what an earlier, longer line left over
      std::fflush(options_.stream);
      drawn_ = true;
    }

    void clear() {
      if (!std::exchange(drawn_, false)) return;
      std::fputs("\r\x1b[K", options_.stream);
      std::fflush(options_.stream);
    }

    std::string label_;
    progress_options options_;
    bool visible_;
    bool drawn_ = false;
    double next_ = 0;
    stopwatch watch_;
    std::mutex mutex_;
  };

  std::shared_ptr<state> state_;
};

}  // namespace examples
