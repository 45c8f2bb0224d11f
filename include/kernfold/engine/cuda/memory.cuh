// kernfold/engine/cuda/memory.cuh: memory of a device: what a call returns there, and failures of the runtime as
// exceptions.
#pragma once

#include "../../core/device_view.hpp"
#include "../../core/error.hpp"
#include "../../core/matrix.hpp"

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
/// While one exists, a device is the current one.
class device_guard {
 public:
  explicit device_guard(int device) noexcept : failure_(cudaGetDevice(&before_)) {
    if (failure_ != cudaSuccess || device == before_) return;
    failure_ = cudaSetDevice(device);
    changed_ = failure_ == cudaSuccess;
  }
  ~device_guard() {
    if (changed_) cudaSetDevice(before_);
  }
  device_guard(const device_guard&) = delete;
  device_guard& operator=(const device_guard&) = delete;
  /// Throws where the device cannot be the current one. The number of a stream's device need not be checked so.
  void check() const { check_cuda(failure_, "cudaSetDevice"); }

 private:
  int before_ = 0;
  cudaError_t failure_;
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

/// So much released memory of a device stays for later calls; more goes back when the device is waited for.
inline constexpr std::uint64_t most_kept_pool_bytes = std::uint64_t(256) << 20;
/// A new pool. Also while a stream is captured: the pool belongs to no stream.
inline cudaMemPool_t make_pool(int device) {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  check_cuda(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode");
  const cudaError_t made = cudaMemPoolCreate(&pool, &properties);
  cudaThreadExchangeStreamCaptureMode(&mode);
  check_cuda(made, "cudaMemPoolCreate");
  std::uint64_t kept = most_kept_pool_bytes;
  check_cuda(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept), "cudaMemPoolSetAttribute");
  return pool;
}
/// The library's own pool of a device, which lasts as long as the program. The runtime's default pool gives all that is
/// free back whenever the device is waited for, and a loop over calls would map its memory again each time.
inline cudaMemPool_t pool_of(int device) {
  constexpr int most_devices = 64;
  static cudaMemPool_t pools[most_devices];
  cudaMemPool_t& pool = pools[device % most_devices];
  if (cudaMemPool_t made = __atomic_load_n(&pool, __ATOMIC_ACQUIRE)) return made;
  cudaMemPool_t first = nullptr, mine = make_pool(device);
  if (__atomic_compare_exchange_n(&pool, &first, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return mine;
  cudaMemPoolDestroy(mine);  // another thread was faster
  return first;
}
/// Memory of a stream's device, in the order of the stream; cudaFreeAsync releases it. `what` says what it is for.
inline void* allocate_on(cudaStream_t stream, int device, std::int64_t bytes, const char* what) {
  void* memory = nullptr;
  if (bytes > 0) check_cuda(cudaMallocFromPoolAsync(&memory, std::size_t(bytes), pool_of(device), stream), what);
  return memory;
}

/// Memory for the time of a call, in the order of its stream.
class temporary_memory {
 public:
  temporary_memory(cudaStream_t stream, int device, std::int64_t bytes)
      : stream_(stream), data_(allocate_on(stream, device, bytes, "cudaMallocFromPoolAsync of a workspace")) {}
  temporary_memory(const temporary_memory&) = delete;
  ~temporary_memory() {
    if (data_) cudaFreeAsync(data_, stream_);
  }
  void* data() const { return data_; }

 private:
  cudaStream_t stream_;
  void* data_;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
inline namespace KERNFOLD_VERSION_NAME {

/// An owning row-major array of rows() x cols() elements in the memory of its stream's device, allocated and released
/// in the order of a stream: it may be an argument of the next call on that stream without waiting for this one, and be
/// destroyed while they run. Contents are not initialised. Throws cuda_error.
template <class T> class device_matrix {
 public:
  using value_type = T;

  device_matrix() = default;
  device_matrix(cudaStream_t stream, std::integral auto rows, std::integral auto cols)
      : stream_(stream), rows_(static_cast<std::int64_t>(rows)), cols_(static_cast<std::int64_t>(cols)) {
    device_ = detail::device_of(stream);
    const detail::device_guard guard(device_);
    data_ = static_cast<T*>(detail::allocate_on(stream, device_, size() * std::int64_t(sizeof(T)),
                                                "cudaMallocFromPoolAsync for a device_matrix"));
  }
  /// `batch` of them, one behind the other.
  device_matrix(cudaStream_t stream, std::integral auto batch, std::integral auto rows, std::integral auto cols)
      : device_matrix(stream, detail::rows_of_batch(batch, rows), cols) {
    rows_ = static_cast<std::int64_t>(rows);
    batch_ = static_cast<std::int64_t>(batch);
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
    exchange(batch_, other.batch_);
    exchange(data_, other.data_);
  }

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t cols() const noexcept { return cols_; }
  std::int64_t batch() const noexcept { return batch_; }
  std::int64_t size() const noexcept { return batch_ * rows_ * cols_; }
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
  std::int64_t rows_ = 0, cols_ = 0, batch_ = 1;
  T* data_ = nullptr;
};

}  // namespace KERNFOLD_VERSION_NAME
}  // namespace kernfold
KERNFOLD_STRICT_END
