// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: gradients, and vectors longer than
// registers.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep_gradients, gradients) {
  constexpr auto h = kf::Pm<2, 1>;
  constexpr auto of_sum = backward(kf::sum_reduction(F), x, y, b, g);
  constexpr auto of_logsumexp = backward(kf::logsumexp_reduction(-h * distance), x, y, h);
  for (const shape s : {shape{1, 1}, {65, 513}, {130, 64}, {3, 0}, {0, 3}}) {
    const cloud<float> c(s.M, s.N);
    for (const emulated::device d : {emulated::device{32, 1}, {33, 2}}) {
      check(d, of_sum, c.X, c.Y, c.B, c.G, c.E);
      check(d, kf::grad(kf::min_reduction(distance), y, kf::Vi<2, 1>), c.X, c.Y, c.E);
    }
    if (s.N > 0 && s.M > 0) check({32, 2}, of_logsumexp, c.X, c.Y, c.G, c.E);
  }
}

// More values than registers: columns read from shared memory, parameters shared by the block, long rows and states.
TEST(block_sweep_gradients, long_vectors) {
  constexpr auto X = kf::Vi<0, 40>;
  constexpr auto Y = kf::Vj<1, 40>;
  constexpr auto P = kf::Pm<2, 40>;
  const cloud<float> c(67, 300, 40);
  const std::vector<float> p(40, 0.25f);
  for (const emulated::device d : {emulated::device{32, 1}, {33, 3}}) {
    check(d, kf::sum_reduction(exp(-sqdist(X * P, Y)) * Y), c.X, c.Y, p);
    check(d, kf::sum_reduction<kf::axis::both>(exp(-sqdist(X * P, Y)) * Y), c.X, c.Y, p);
  }
}
