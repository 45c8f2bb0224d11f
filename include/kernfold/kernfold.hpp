// kernfold/kernfold.hpp: everything but the adapters in interop/; with nvcc, devices too.
#pragma once

#include "api/any_reduction.hpp"
#include "api/gradient.hpp"
#include "api/lazy.hpp"
#include "api/tape.hpp"
#include "core/config.hpp"
#include "engine/eval.hpp"
#include "formula/kernels.hpp"
#if KERNFOLD_CUDA
#include "api/block_fold.cuh"
#include "api/cuda_host.cuh"
#include "engine/cuda/executor.cuh"
#else
#include "api/no_cuda.hpp"
#endif
