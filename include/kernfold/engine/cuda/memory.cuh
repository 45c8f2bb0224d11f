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

inline cudaError_t stream_device(cudaStream_t stream, int* device) {
#if CUDART_VERSION >= 12080
  return cudaStreamGetDevice(stream, device);
#else
  (void)stream;  // earlier runtimes know the current device only
  return cudaGetDevice(device);
#endif
}
/// The device of a stream; the current one for the default stream. A call does everything there: what a program's
/// current device is when memory is released or a kernel is launched may be another one.
inline int device_of(cudaStream_t stream) {
  int device = 0;
  if (stream == nullptr) check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  else check_cuda(stream_device(stream, &device), "the device of a stream");
  return device;
}
/// While one exists, a device is the current one. Where that cannot be, what follows is refused on its own.
class device_guard {
 public:
  explicit device_guard(int device) noexcept {
    if (cudaGetDevice(&before_) == cudaSuccess && device != before_) changed_ = cudaSetDevice(device) == cudaSuccess;
  }
  ~device_guard() {
    if (changed_) cudaSetDevice(before_);
  }
  device_guard(const device_guard&) = delete;
  device_guard& operator=(const device_guard&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};
/// What `stream` is given from now on waits for what `before` has been given so far.
inline void wait_for(cudaStream_t stream, cudaStream_t before) {
  if (stream == before) return;
  const device_guard guard(device_of(before));
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
  const cudaError_t recorded = cudaEventRecord(event, before);
  const cudaError_t waits = recorded == cudaSuccess ? cudaStreamWaitEvent(stream, event, 0) : recorded;
  cudaEventDestroy(event);  // when it has happened
  check_cuda(waits, "one stream's wait for another");
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

/// An owning row-major array of rows() x cols() elements in the memory of its stream's device, allocated and released
/// in the order of a stream: it may be an argument of the next call on that stream without waiting for this one, and be
/// destroyed while they run. Contents are not initialised. Throws cuda_error.
template <class T> class device_matrix {
 public:
  using value_type = T;

  device_matrix() = default;
  device_matrix(cudaStream_t stream, std::integral auto rows, std::integral auto cols)
      : stream_(stream), rows_(static_cast<std::int64_t>(rows)), cols_(static_cast<std::int64_t>(cols)) {
    void* memory = nullptr;
    device_ = detail::device_of(stream);
    const detail::device_guard guard(device_);
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
    if (!data_) return;
    const detail::device_guard guard(device_);  // the default stream is that of the current device
    cudaFreeAsync(data_, stream_);
  }
  /// The number of the device whose memory this is.
  int device() const noexcept { return device_; }
  void swap(device_matrix& other) noexcept {
    const auto exchange = [](auto& a, auto& b) {
      const auto kept = a;
      a = b;
      b = kept;
    };
    exchange(stream_, other.stream_);
    exchange(device_, other.device_);
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
  int device_ = 0;
  std::int64_t rows_ = 0, cols_ = 0;
  T* data_ = nullptr;
};

}  // namespace kernfold
KERNFOLD_STRICT_END
