// examples/common/backend.hpp: the GPU where the program was built by nvcc and one is there, else the CPU.
#pragma once

#include <kernfold/kernfold.hpp>

#include <string>

namespace examples {

struct backend {
  kernfold::cpu cpu{};
  std::string gpu{};  // its name; empty: the CPU

  // r(args...), with arrays of the host; a GPU gets copies.
  template <class Reduction, class... Args> auto compute(Reduction r, const Args&... args) const {
#if defined(__CUDACC__)
    if (!gpu.empty()) return r.on(kernfold::cuda_host{})(args...);
#endif
    return r.on(cpu)(args...);
  }
};

// The name of the GPU that calls run on; empty where there is none, or where the program cannot use it.
inline std::string name_of_gpu() {
#if defined(__CUDACC__)
  int devices = 0;
  cudaDeviceProp properties;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0 &&
      cudaGetDeviceProperties(&properties, 0) == cudaSuccess)
    return properties.name;
#endif
  return "";
}

}  // namespace examples
