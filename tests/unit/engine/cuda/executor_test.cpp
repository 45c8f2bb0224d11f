// tests/unit/engine/cuda/executor_test.cpp: the tests that launch kernels (tests/cuda/sweep_test.cu), on a device that
// the host plays: what they find wrong here is wrong there.
#include "fake_runtime.hpp"

#include <kernfold/core/config.hpp>

namespace kernfold::detail {
inline namespace KERNFOLD_ABI {
alignas(256) char kernfold_shared[fake_device::shared_bytes];  // the shared memory of the one block that runs
}
}  // namespace kernfold::detail

#include <kernfold/kernfold.hpp>

#include <kernfold/api/cuda_host.cuh>
#include <kernfold/engine/cuda/executor.cuh>

#include "../../../cuda/sweep_test.cu"
