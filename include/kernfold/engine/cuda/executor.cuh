// kernfold/engine/cuda/executor.cuh: kf::cuda, where a reduction runs on the current device.
#pragma once

#include "launch.cuh"
#include "memory.cuh"

namespace kernfold {

/// Runs on the current device, on a stream: arguments are device arrays (and plain numbers), nothing waits. Temporary memory is
/// allocated and released in the order of the stream; .plan(shape) does without.
struct cuda {
  cudaStream_t stream = nullptr;
};

namespace detail {
inline namespace KERNFOLD_ABI {

/// The limits of the current device. The driver keeps them: asking costs less than a microsecond.
inline device_limits current_limits() {
  device_limits limits;
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  check_cuda(read_limits(limits, device), "cudaDeviceGetAttribute");
  return limits;
}

/// One pass over what a call computes on a device: with memory, it launches; without, it only finds out how much it takes.
struct cuda_pass {
  cudaStream_t stream = nullptr;
  char* memory = nullptr;
  device_limits limits;
  message (*text)() = nullptr;
  bool measures = false;
  mutable std::int64_t used = 0;

  char* take(std::int64_t bytes) const {
    constexpr std::int64_t alignment = 256;
    char* const piece = memory + used;
    used += (bytes + alignment - 1) / alignment * alignment;
    return piece;
  }
  void check(cudaError_t e, const char* what) const {
    if (e != cudaSuccess) refuse_cuda(e, message() << what << " for " << text());
  }
};

/// Memory of a pass: released with all of it.
template <class T>
struct pass_memory {
  T* data = nullptr;
  std::int64_t row_count = 0, col_count = 0;
  std::int64_t rows() const { return row_count; }
  std::int64_t cols() const { return col_count; }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <>
struct executor_traits<detail::cuda_pass> {
  static constexpr bool is_device = true;
  template <class T>
  using memory = detail::pass_memory<T>;
  template <class T>
  static memory<T> allocate(const detail::cuda_pass& pass, std::int64_t rows, std::int64_t cols) {
    return {reinterpret_cast<T*>(pass.take(rows * cols * std::int64_t(sizeof(T)))), rows, cols};
  }
  template <class T>
  static T* data_of(const memory<T>& m) { return m.data; }

  template <class Plan>
  static void run(const detail::cuda_pass& pass, const leaf_array* leaves, const output_array* outputs, std::int64_t rows,
                  std::int64_t columns) {
    char* const workspace = pass.take(cuda_sweep<Plan>::workspace_bytes(rows, columns, pass.limits));
    if (pass.measures) return;
    pass.check(cuda_sweep<Plan>::launch(pass.stream, leaves, outputs, rows, columns, workspace, pass.limits), "a kernel's launch");
  }
};

template <>
struct executor_traits<cuda> {
  static constexpr bool is_device = true;
  template <class T>
  using memory = device_matrix<T>;
  template <class T>
  static memory<T> allocate(const cuda& where, std::int64_t rows, std::int64_t cols) {
    return device_matrix<T>(where.stream, rows, cols);
  }
  template <class T>
  static T* data_of(memory<T>& m) { return m.device_data(); }
  static bool may_end_early(const void*) { return false; }

  using pass = detail::cuda_pass;
  static pass measuring_pass(const cuda& where, message (*text)()) {
    return {where.stream, nullptr, detail::current_limits(), text, true};
  }
  /// Computes in `memory`, which a measuring pass has found enough.
  static pass computing_pass(const pass& measured, const cuda& where, void* memory) {
    return {where.stream, static_cast<char*>(memory), measured.limits, measured.text};
  }
  /// f(pass) twice: to measure, and to compute.
  template <class F>
  static void run_passes(const cuda& where, message (*text)(), F&& f) {
    const pass measured = measuring_pass(where, text);
    f(measured);
    const temporary_memory memory(measured);
    f(computing_pass(measured, where, memory.data));
  }

 private:
  struct temporary_memory {
    cudaStream_t stream;
    void* data = nullptr;
    explicit temporary_memory(const pass& measured) : stream(measured.stream) {
      if (measured.used > 0)
        measured.check(cudaMallocAsync(&data, std::size_t(measured.used), stream), "cudaMallocAsync of a workspace");
    }
    temporary_memory(const temporary_memory&) = delete;
    ~temporary_memory() {
      if (data) cudaFreeAsync(data, stream);
    }
  };
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
