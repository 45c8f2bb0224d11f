// The scheme of a CUDA block at more block sizes and more sizes of arrays: every reduction over both axes.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep_over_both_long, more_blocks_and_shapes) { check_axis_at_length<kf::axis::both>(); }
