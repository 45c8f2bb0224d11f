// tests/unit/engine/cuda/fake_runtime.hpp: as much of the CUDA runtime as the library uses, on the host: device memory
// is plain memory, a stream runs what it is given at once or as late as it may, and a kernel's threads are threads, one
// block after the other. There are two devices; launches that ask for memory that their kernel has not, or on a stream
// of another device than the current one, are refused. So that everything around the kernels (arguments, workspaces,
// plans, graphs, chunks, streams of columns) runs where there is no device.
#pragma once

#include <barrier>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#define CUDART_VERSION 13000
#define __global__
#define __device__
#define __shared__
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorStreamCaptureUnsupported = 900
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaMemAllocationType { cudaMemAllocationTypePinned };
enum cudaMemLocationType { cudaMemLocationTypeDevice };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold };
struct cudaMemPoolProps {
  cudaMemAllocationType allocType;
  struct {
    cudaMemLocationType type;
    int id;
  } location;
};
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount,
  cudaDevAttrMaxRegistersPerMultiprocessor,
  cudaDevAttrMaxThreadsPerMultiProcessor,
  cudaDevAttrMaxBlocksPerMultiprocessor,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor,
  cudaDevAttrMaxSharedMemoryPerBlockOptin
};
struct fake_graph {
  std::vector<std::function<void()>> work;
};
struct fake_stream {
  fake_graph* recorded_to = nullptr;
  int device = 0;
  std::vector<std::function<bool()>> late = {};  // what runs late: false where it has to wait for another stream
};
struct fake_event {
  bool has_happened = false;
  int uses = 1;
};
/// Memory in use, and what of it is mapped: all that was in use at a time, but for what is given back.
struct fake_pool {
  int device = 0;
  std::uint64_t kept = 0;
  std::size_t used = 0, mapped = 0, most_used = 0;
};
using cudaMemPool_t = fake_pool*;
using cudaEvent_t = fake_event*;
using cudaStream_t = fake_stream*;
using cudaGraph_t = fake_graph*;
using cudaGraphExec_t = fake_graph*;
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  explicit dim3(unsigned a = 1, unsigned b = 1) : x(a), y(b) {}
};

namespace fake_device {

inline constexpr std::int64_t shared_bytes = 232448;  // of a block, as on sm_90
inline thread_local dim3 thread_number, block_number, block_size;
inline std::barrier<>* block_barrier = nullptr;

/// Threads that wait for the next block.
class pool {
 public:
  /// run(thread) on `count` threads at a time, which may wait for each other.
  void run(int count, const std::function<void(int)>& run) {
    std::unique_lock lock(mutex_);
    while (int(threads_.size()) < count) threads_.emplace_back([this, number = int(threads_.size())] { work(number); });
    run_ = &run;
    wanted_ = count;
    finished_ = 0;
    ++round_;
    begin_.notify_all();
    end_.wait(lock, [&] { return finished_ == int(threads_.size()); });
  }
  ~pool() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    begin_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

 private:
  void work(int number) {
    for (std::uint64_t seen = 0;;) {
      std::unique_lock lock(mutex_);
      begin_.wait(lock, [&] { return ends_ || round_ != seen; });
      if (ends_) return;
      seen = round_;
      const bool takes_part = number < wanted_;
      const auto* const run = run_;
      lock.unlock();
      if (takes_part) (*run)(number);
      lock.lock();
      if (++finished_ == int(threads_.size())) end_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  std::vector<std::thread> threads_;
  const std::function<void(int)>* run_ = nullptr;
  int wanted_ = 0, finished_ = 0;
  std::uint64_t round_ = 0;
  bool ends_ = false;
};

inline void launch(dim3 grid, dim3 block, const std::function<void()>& kernel) {
  static pool threads;
  for (unsigned y = 0; y < grid.y; ++y)
    for (unsigned x = 0; x < grid.x; ++x) {
      std::barrier<> all(block.x);
      block_barrier = &all;
      threads.run(int(block.x), [&](int thread) {
        thread_number = dim3(unsigned(thread));
        block_number = dim3(x, y);
        block_size = block;
        kernel();
        all.arrive_and_drop();
      });
    }
}

/// While a stream is captured, what its thread enqueues elsewhere, allocates or waits for is refused.
inline thread_local fake_stream* captured = nullptr;

inline thread_local int current_device = 0;
inline constexpr int device_count = 2;
/// Whether streams run what they are given as late as they may: when somebody waits for them. The last stream that was
/// made then goes first, so that work which ought to have waited for another stream's comes before it.
inline bool runs_late = false;
inline std::vector<fake_stream*>& streams() {
  static std::vector<fake_stream*> all;
  return all;
}
inline bool step(fake_stream& s) {
  if (s.late.empty() || !s.late.front()()) return false;
  s.late.erase(s.late.begin());
  return true;
}
inline void run_all() {
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t n = streams().size(); n-- > 0;)
      while (step(*streams()[n])) moved = true;
  }
}
inline cudaError_t enqueue(fake_stream* stream, std::function<void()> work) {
  if (captured != nullptr && stream != captured) return cudaErrorStreamCaptureUnsupported;
  if (captured != nullptr) captured->recorded_to->work.push_back(std::move(work));
  else if (runs_late && stream != nullptr) stream->late.push_back([work = std::move(work)] { return work(), true; });
  else run_all(), work();
  return cudaSuccess;
}

/// What is allocated, to find what is not released and what was never allocated.
struct memory {
  std::mutex mutex;
  std::map<void*, std::size_t> blocks;
  std::map<void*, cudaMemPool_t> pool_of;
  std::vector<cudaMemPool_t> pools;
  std::size_t used = 0;
  std::size_t host_used = 0;  // of it, page-locked memory of the host
  int mappings = 0, lockings = 0;
  int copies_in = 0;  // what went to the device and was not page-locked
};
inline memory& heap() {
  static memory m;
  return m;
}
/// Whether memory is a device's, or page-locked.
inline bool is_of_runtime(const void* p) {
  const char* const at = static_cast<const char*>(p);
  for (const auto& [first, bytes] : heap().blocks)
    if (at >= static_cast<const char*>(first) && at < static_cast<const char*>(first) + bytes) return true;
  return false;
}
inline constexpr std::size_t total_bytes = std::size_t(1) << 30;

/// What lies behind each block, and has to lie there still when the block is released.
inline constexpr std::size_t guard_bytes = std::size_t(1) << 16;
inline constexpr unsigned char guard = 0xa5;
inline void check_guard(const void* block, std::size_t bytes) {
  const auto* const behind = static_cast<const unsigned char*>(block) + bytes;
  for (std::size_t b = 0; b < guard_bytes; ++b)
    if (behind[b] != guard) {
      std::fprintf(stderr, "byte %zu behind a block of %zu bytes has been written\n", b, bytes);
      std::abort();
    }
}

}  // namespace fake_device

#define threadIdx fake_device::thread_number
#define blockIdx fake_device::block_number
#define blockDim fake_device::block_size
inline void __syncthreads() { fake_device::block_barrier->arrive_and_wait(); }

inline cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  if (fake_device::captured != nullptr) return cudaErrorStreamCaptureUnsupported;
  auto& heap = fake_device::heap();
  const std::lock_guard lock(heap.mutex);
  if (heap.used + bytes > fake_device::total_bytes) return cudaErrorMemoryAllocation;
  *p = std::aligned_alloc(256, (bytes + fake_device::guard_bytes + 255) / 256 * 256);
  std::memset(*p, 0xff, bytes);  // NaN, and -1
  std::memset(static_cast<char*>(*p) + bytes, fake_device::guard, fake_device::guard_bytes);
  heap.blocks[*p] = bytes;
  heap.used += bytes;
  return cudaSuccess;
}
template <class T> cudaError_t cudaMalloc(T** p, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(p), bytes);
}
inline cudaError_t cudaFree(void* p) {
  if (fake_device::captured != nullptr) return cudaErrorStreamCaptureUnsupported;
  auto& heap = fake_device::heap();
  const std::lock_guard lock(heap.mutex);
  if (p == nullptr) return cudaSuccess;
  const auto at = heap.blocks.find(p);
  if (at == heap.blocks.end()) return cudaErrorInvalidValue;
  fake_device::check_guard(p, at->second);
  std::memset(p, 0xff, at->second);
  heap.used -= at->second;
  heap.blocks.erase(at);
  std::free(p);
  return cudaSuccess;
}
inline cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return cudaSuccess; }
inline cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  *pool = new fake_pool{.device = properties->location.id};
  fake_device::heap().pools.push_back(*pool);
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  std::erase(fake_device::heap().pools, pool);
  delete pool;
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr, void* value) {
  pool->kept = *static_cast<std::uint64_t*>(value);
  return cudaSuccess;
}
inline cudaError_t cudaMallocFromPoolAsync(void** p, std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  if (stream != nullptr && stream->device != pool->device) return cudaErrorInvalidValue;
  if (const cudaError_t e = cudaMalloc(p, bytes); e != cudaSuccess) return e;
  auto& heap = fake_device::heap();
  heap.pool_of[*p] = pool;
  pool->used += bytes;
  if (pool->used > pool->most_used) pool->most_used = pool->used;
  if (pool->used > pool->mapped) {
    pool->mapped = pool->used;
    ++heap.mappings;
  }
  return cudaSuccess;
}
inline cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  const auto free = [=] {
    auto& heap = fake_device::heap();
    heap.pool_of[p]->used -= heap.blocks[p];
    heap.pool_of.erase(p);
    return cudaFree(p);
  };
  return fake_device::runs_late && stream != nullptr ? fake_device::enqueue(stream, [=] { free(); }) : free();
}
inline void give_back_free_memory() {
  for (fake_pool* pool : fake_device::heap().pools)
    if (pool->mapped > pool->kept) pool->mapped = pool->used > pool->kept ? pool->used : std::size_t(pool->kept);
}
inline cudaError_t cudaMallocHost(void** p, std::size_t bytes) {
  fake_device::heap().host_used += bytes;
  ++fake_device::heap().lockings;
  return cudaMalloc(p, bytes);
}
inline cudaError_t cudaFreeHost(void* p) {
  fake_device::heap().host_used -= fake_device::heap().blocks[p];
  return cudaFree(p);
}
/// What is not page-locked is read before this returns, and written in the stream's order.
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream) {
  if (kind != cudaMemcpyHostToDevice || fake_device::is_of_runtime(from))
    return fake_device::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  ++fake_device::heap().copies_in;
  const char* const first = static_cast<const char*>(from);
  return fake_device::enqueue(stream, [to, staged = std::vector<char>(first, first + bytes)] {
    std::memcpy(to, staged.data(), staged.size());
  });
}
inline cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
inline cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = fake_device::total_bytes;
  *free = *total - fake_device::heap().used;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = fake_device::current_device;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= fake_device::device_count) return cudaErrorInvalidValue;
  fake_device::current_device = device;
  return cudaSuccess;
}
inline cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  *device = stream->device;
  return cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new fake_event;
  return cudaSuccess;
}
inline void release_event(cudaEvent_t event) {
  if (--event->uses == 0) delete event;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) { return release_event(event), cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  ++event->uses;
  return fake_device::enqueue(stream, [event] {
    event->has_happened = true;
    release_event(event);
  });
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (!fake_device::runs_late || stream == nullptr) return fake_device::run_all(), cudaSuccess;
  ++event->uses;
  stream->late.push_back([event] {
    if (!event->has_happened) return false;
    release_event(event);
    return true;
  });
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = fake_device::device_count;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() {
  if (fake_device::captured == nullptr) fake_device::run_all(), give_back_free_memory();
  return fake_device::captured != nullptr ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr what, int) {
  // one multiprocessor, of four blocks of 128 threads at most, so that little work fills it
  const int values[] = {1, 65536, 512, 4, 233472, int(fake_device::shared_bytes)};
  *value = values[what];
  return cudaSuccess;
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "as a text"; }
inline const char* cudaGetErrorName(cudaError_t e) {
  return e == cudaErrorMemoryAllocation           ? "cudaErrorMemoryAllocation"
         : e == cudaErrorStreamCaptureUnsupported ? "cudaErrorStreamCaptureUnsupported"
                                                  : "cudaErrorInvalidValue";
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) {
  *s = new fake_stream{.device = fake_device::current_device};
  fake_device::streams().push_back(*s);
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t s) {
  fake_device::run_all();
  std::erase(fake_device::streams(), s);
  delete s;
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
  if (s == nullptr || fake_device::captured != nullptr) return cudaErrorStreamCaptureUnsupported;
  s->recorded_to = new fake_graph;
  fake_device::captured = s;
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* graph) {
  if (s != fake_device::captured) return cudaErrorInvalidValue;
  fake_device::captured = nullptr;
  *graph = s->recorded_to;
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* replay, cudaGraph_t graph, unsigned) {
  *replay = new fake_graph(*graph);
  return cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t replay, cudaStream_t) {
  for (const auto& work : replay->work) work();
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replay) { return cudaGraphDestroy(replay); }
/// The shared memory that a kernel may have: 48 KiB, or what it has asked for.
inline std::map<const void*, int>& asked_shared_bytes() {
  static std::map<const void*, int> bytes;
  return bytes;
}
inline cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int bytes) {
  if (bytes > fake_device::shared_bytes) return cudaErrorInvalidValue;
  asked_shared_bytes()[kernel] = bytes;
  return cudaSuccess;
}
namespace fake_device {
inline int launches = 0;
}
template <class Task>
cudaError_t cudaLaunchKernel(void (*kernel)(Task), dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                             cudaStream_t stream) {
  ++fake_device::launches;
  const auto asked = asked_shared_bytes().find(reinterpret_cast<const void*>(kernel));
  if (shared_bytes > std::size_t(asked == asked_shared_bytes().end() ? 49152 : asked->second))
    return cudaErrorInvalidValue;
  if (stream != nullptr && stream->device != fake_device::current_device) return cudaErrorInvalidValue;
  const auto task = *static_cast<const std::remove_const_t<Task>*>(arguments[0]);
  return fake_device::enqueue(stream, [=] { fake_device::launch(grid, block, [&] { kernel(task); }); });
}
