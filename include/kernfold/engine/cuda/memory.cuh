// kernfold/engine/cuda/memory.cuh: memory of a device: what a call returns there, and failures of the runtime as
// exceptions.
#pragma once

#include "../../core/device_view.hpp"
#include "../../core/error.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Throws cuda_error where a call of the CUDA runtime failed; `what` says which, and for what.
[[gnu::cold, gnu::noinline]] inline void refuse_cuda(cudaError_t e, const message& what) {
  cudaGetLastError();  // the error is reported once, here
  throw cuda_error(message() << what << ": " << cudaGetErrorString(e) << " (" << cudaGetErrorName(e) << ")");
}
inline void check_cuda(cudaError_t e, const char* what) {
  if (e != cudaSuccess) refuse_cuda(e, what);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

/// An owning row-major array of rows() x cols() elements in the memory of the current device, allocated and released in
/// the order of a stream: it may be an argument of the next call on that stream without waiting for this one, and be
/// destroyed while they run. Contents are not initialised. Throws cuda_error.
template <class T> class device_matrix {
 public:
  using value_type = T;

  device_matrix() = default;
  device_matrix(cudaStream_t stream, std::integral auto rows, std::integral auto cols)
      : stream_(stream), rows_(static_cast<std::int64_t>(rows)), cols_(static_cast<std::int64_t>(cols)) {
    void* memory = nullptr;
    if (size() > 0)
      detail::check_cuda(cudaMallocAsync(&memory, std::size_t(size()) * sizeof(T), stream),
                         "cudaMallocAsync for a device_matrix");
    data_ = static_cast<T*>(memory);
  }
  device_matrix(device_matrix&& other) noexcept { swap(other); }
  device_matrix& operator=(device_matrix other) noexcept {
    swap(other);
    return *this;
  }
  ~device_matrix() {
    if (data_) cudaFreeAsync(data_, stream_);
  }
  void swap(device_matrix& other) noexcept {
    const auto exchange = [](auto& a, auto& b) {
      const auto kept = a;
      a = b;
      b = kept;
    };
    exchange(stream_, other.stream_);
    exchange(rows_, other.rows_);
    exchange(cols_, other.cols_);
    exchange(data_, other.data_);
  }

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t cols() const noexcept { return cols_; }
  std::int64_t batch() const noexcept { return 1; }
  std::int64_t size() const noexcept { return rows_ * cols_; }
  std::int64_t row_stride() const noexcept { return cols_; }
  std::int64_t col_stride() const noexcept { return 1; }
  /// A pointer that only the device may follow.
  T* device_data() noexcept { return data_; }
  const T* device_data() const noexcept { return data_; }
  cudaStream_t stream() const noexcept { return stream_; }

  /// Copies to memory of the host, for size() elements, and waits for that. Throws cuda_error: also for what failed in
  /// a kernel before.
  void copy_to(T* host) const {
    if (size() == 0) return;
    detail::check_cuda(cudaMemcpyAsync(host, data_, std::size_t(size()) * sizeof(T), cudaMemcpyDeviceToHost, stream_),
                       "cudaMemcpyAsync from a device_matrix");
    detail::check_cuda(cudaStreamSynchronize(stream_), "waiting for a device_matrix");
  }

 private:
  cudaStream_t stream_ = nullptr;
  std::int64_t rows_ = 0, cols_ = 0;
  T* data_ = nullptr;
};

}  // namespace kernfold
KERNFOLD_STRICT_END
