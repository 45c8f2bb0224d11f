// The scheme of a CUDA block, run by threads of this machine, beside the CPU engine: every reduction over the rows.
#include "block_sweep_cases.hpp"

namespace kf = kernfold;
using namespace emulated;

TEST(block_sweep_over_i, over_i) { check_axis<kf::axis::i>(); }
