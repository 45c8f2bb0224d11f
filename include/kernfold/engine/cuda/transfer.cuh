// kernfold/engine/cuda/transfer.cuh: what arrays of the host need on their way to a device and back: a stream, memory
// of the device, and memory of the host that a device reads and writes while both compute.
#pragma once

#include "memory.cuh"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Page-locked memory of the host, and a stream. To lock pages takes longer than to copy them, so both are kept from
/// call to call.
struct staging {
  int device = -1;
  cudaStream_t stream = nullptr;
  char* host = nullptr;
  std::int64_t host_bytes = 0;
  bool is_taken = false;
};

/// One of those that are kept, for as long as this exists; where all are taken, one of its own.
class staging_lease {
 public:
  explicit staging_lease(int device) : at_(take(device)) {
    if (at_ == nullptr) at_ = &own_;
    at_->device = device;
  }
  staging_lease(const staging_lease&) = delete;
  ~staging_lease() {
    if (at_ == &own_ || at_->host_bytes > most_kept_bytes) release_host();
    if (at_ == &own_ && own_.stream) cudaStreamDestroy(own_.stream);
    if (at_ != &own_) __atomic_store_n(&at_->is_taken, false, __ATOMIC_RELEASE);
  }
  cudaStream_t stream() {
    if (at_->stream == nullptr)
      check_cuda(cudaStreamCreateWithFlags(&at_->stream, cudaStreamNonBlocking), "cudaStreamCreate");
    return at_->stream;
  }
  /// So many bytes of the host, whose contents are lost where there were fewer.
  char* host(std::int64_t bytes) {
    if (bytes <= at_->host_bytes) return at_->host;
    release_host();
    void* memory = nullptr;
    check_cuda(cudaMallocHost(&memory, std::size_t(bytes)), "cudaMallocHost of a chunk");
    at_->host = static_cast<char*>(memory);
    at_->host_bytes = bytes;
    return at_->host;
  }

 private:
  static constexpr int most_kept = 8;
  static constexpr std::int64_t most_kept_bytes = std::int64_t(64) << 20;

  /// One that was used on the device before; else one that was never used; else none.
  static staging* take(int device) {
    static staging kept[most_kept];
    for (const int wanted : {device, -1})
      for (staging& s : kept) {
        if (__atomic_exchange_n(&s.is_taken, true, __ATOMIC_ACQUIRE)) continue;
        if (s.device == wanted) return &s;
        __atomic_store_n(&s.is_taken, false, __ATOMIC_RELEASE);
      }
    return nullptr;
  }
  void release_host() {
    if (at_->host) cudaFreeHost(at_->host);
    at_->host = nullptr;
    at_->host_bytes = 0;
  }

  staging own_;
  staging* at_;
};

/// What goes to a device, is computed there, and comes back, in the order of one stream. Its memory is that of the
/// current device; the last of its work is waited for before it ends.
class transfer {
 public:
  transfer(int device, std::int64_t device_bytes)
      : lease_(device), stream_(lease_.stream()), memory_(stream_, device, device_bytes) {}
  transfer(const transfer&) = delete;
  ~transfer() {
    cudaStreamSynchronize(stream_);  // an error has been reported, or is being
  }
  cudaStream_t stream() const { return stream_; }
  char* device() const { return static_cast<char*>(memory_.data()); }
  char* host(std::int64_t bytes) { return lease_.host(bytes); }

  void upload(char* to, const void* from, std::int64_t bytes) {
    if (bytes > 0)
      check_cuda(cudaMemcpyAsync(to, from, std::size_t(bytes), cudaMemcpyHostToDevice, stream_),
                 "cudaMemcpyAsync to the device");
  }
  void download(void* to, const char* from, std::int64_t bytes) {
    if (bytes > 0)
      check_cuda(cudaMemcpyAsync(to, from, std::size_t(bytes), cudaMemcpyDeviceToHost, stream_),
                 "cudaMemcpyAsync from the device");
  }
  void wait() { check_cuda(cudaStreamSynchronize(stream_), "waiting for a chunk"); }

 private:
  staging_lease lease_;
  cudaStream_t stream_;
  temporary_memory memory_;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
