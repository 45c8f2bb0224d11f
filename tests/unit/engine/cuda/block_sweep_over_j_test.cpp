// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: every reduction over the columns.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep_over_j, over_j) { check_axis<kf::axis::j>(); }

TEST(block_sweep_over_j, any_number_of_threads) {
  const cloud<float> c(700, 530);
  for (const int threads : {1, 32, 33, 128, 1024}) check({threads, 2}, sums<kf::axis::j>, c.X, c.Y, c.B, c.G);
}
