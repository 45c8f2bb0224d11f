// kernfold/api/cuda_host.hpp: kf::cuda_host, a plain struct: units that g++ compiles may name it for an any_reduction
// that a .cu unit has made.
#pragma once

#include <cstdint>

namespace kernfold {

/// Runs on a device with arrays of the host, which are copied; the call returns when the result is there.
struct cuda_host {
  int device = 0;
  std::int64_t chunk_rows = 0;     // rows of the output that are copied and computed at a time; 0: chosen
  std::int64_t chunk_columns = 0;  // columns on the device at a time; 0: all, or as many as its free memory allows
};

}  // namespace kernfold
