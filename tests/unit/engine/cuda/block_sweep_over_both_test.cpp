// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: every reduction to one value.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep_over_both, over_both) { check_axis<kf::axis::both>(); }

TEST(block_sweep_over_both, any_number_of_threads) {
  const cloud<float> c(700, 530);
  for (const int threads : {1, 32, 33, 128, 1024}) check({threads, 2}, choices<kf::axis::both>, c.X, c.Y);
}

TEST(block_sweep_over_both, same_bits_whatever_the_order_of_blocks) {
  const cloud<float> c(300, 700);
  const auto first = sums<kf::axis::both>.on(emulated::device{33, 3})(c.X, c.Y, c.B, c.G);
  const auto again = sums<kf::axis::both>.on(emulated::device{33, 3, true})(c.X, c.Y, c.B, c.G);
  EXPECT_EQ(get<0>(first)(0, 0), get<0>(again)(0, 0));
  EXPECT_EQ(get<1>(first)(0, 0), get<1>(again)(0, 0));
  for (int k = 0; k < 3; ++k) EXPECT_EQ(get<3>(first)(0, k), get<3>(again)(0, k));
}

// So long that not all threads of a block can fold their states at the same time.
TEST(block_sweep_over_both, long_states_over_both) {
  const cloud<float> c(150, 40);
  for (const emulated::device d : {emulated::device{32, 1}, {33, 2}})
    check(d, kf::kmin_reduction<100, kf::axis::both>(distance), c.X, c.Y);
}

// Equal values: the first column, in the order of rows and columns, whatever thread and stretch saw it.
TEST(block_sweep_over_both, ties_go_to_the_first) {
  std::vector<float> X(3 * 150, 1.f), Y(3 * 1030, 0.f);
  for (int n = 0; n < 3 * 20; ++n) X[std::size_t(n)] = 2;    // farther, so that the first is in no thread's
  for (int n = 0; n < 3 * 300; ++n) Y[std::size_t(n)] = -1;  // and no stretch's beginning
  constexpr auto r =
      fold_all(kf::argmin_reduction(distance), kf::argkmin_reduction<10>(distance),
               kf::argmin_reduction<kf::axis::both>(distance), kf::argkmin_reduction<10, kf::axis::both>(distance));
  for (const emulated::device d : {emulated::device{32, 1}, {33, 2}, {32, 5}}) check(d, r, X, Y);
}
