// examples/common/stopwatch.hpp: how long it took.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace examples {

class stopwatch {
 public:
  // Seconds since construction or the last restart.
  double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }
  void restart() { start_ = clock::now(); }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_ = clock::now();
};

// The median time of f() over some repetitions (at least one), after a call that is not counted: the first call
// starts threads and touches memory.
template <class F> double median_seconds(F&& f, std::size_t repetitions) {
  f();
  std::vector<double> times(std::max<std::size_t>(repetitions, 1));
  for (double& time : times) {
    const stopwatch watch;
    f();
    time = watch.seconds();
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  if (times.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(times.begin(), middle));
}

}  // namespace examples
