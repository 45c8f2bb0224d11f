// The scheme of a CUDA block in every accumulation over every axis, and in double precision.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

namespace {

template <class Real, kf::axis A, class Accumulation> void check_accumulation(Accumulation how) {
  constexpr auto scaled = -kf::Pm<3, 1> * distance;
  for (const shape s : {shape{65, 1100}, {257, 513}, {1030, 67}}) {
    SCOPED_TRACE(std::to_string(s.M) + " x " + std::to_string(s.N));
    const cloud<Real> c(s.M, s.N);
    for (const device d : {device{32, 1}, {33, 3}, {128, 2}}) {
      check(d, kf::sum_reduction<A>(F).with(how), c.X, c.Y, c.B, c.G);
      check(d, kf::logsumexp_reduction<A>(scaled, b * b).with(how), c.X, c.Y, c.B, c.G);
    }
  }
}
template <class Accumulation> void check_accumulation_of_axes(Accumulation how) {
  check_accumulation<float, kf::axis::j>(how);
  check_accumulation<float, kf::axis::i>(how);
  check_accumulation<float, kf::axis::both>(how);
}

}  // namespace

TEST(block_sweep_accumulations_long, plain_sums) { check_accumulation_of_axes(kf::plain_sum); }
TEST(block_sweep_accumulations_long, compensated_sums) { check_accumulation_of_axes(kf::compensated); }
TEST(block_sweep_accumulations_long, sums_in_double) { check_accumulation_of_axes(kf::in_double); }
TEST(block_sweep_accumulations_long, compensated_sums_of_doubles) {
  check_accumulation<double, kf::axis::j>(kf::compensated);
}

TEST(block_sweep_accumulations_long, double_precision) {
  const cloud<double> c(65, 600);
  check({32, 2}, sums<kf::axis::j>, c.X, c.Y, c.B, c.G);
  check({33, 2}, choices<kf::axis::i>, c.X, c.Y);
}
