// kernfold/api/cuda_host.cuh: kf::cuda_host, where a reduction of arrays of the host runs on a device. The rows of the output
// go there in chunks, two under way at a time, so that copies overlap with what is computed; the columns stay.
#pragma once

#include "../engine/cuda/executor.cuh"
#include "computation.hpp"
#include "cuda_host.hpp"

namespace kernfold {

namespace detail {
inline namespace KERNFOLD_ABI {

/// Makes a device the current one, and the one before again at the end.
class current_device {
 public:
  explicit current_device(int device) {
    check_cuda(cudaGetDevice(&before_), "cudaGetDevice");
    check_cuda(cudaSetDevice(device), "cudaSetDevice");
  }
  current_device(const current_device&) = delete;
  ~current_device() { cudaSetDevice(before_); }

 private:
  int before_ = 0;
};

/// Bytes on the device, or on the host where the device can copy them while others compute.
class cuda_bytes {
 public:
  cuda_bytes() = default;
  cuda_bytes(std::int64_t bytes, bool on_host) : on_host_(on_host) {
    if (bytes == 0) return;
    void* memory = nullptr;
    if (on_host) check_cuda(cudaMallocHost(&memory, std::size_t(bytes)), "cudaMallocHost of a chunk");
    else check_cuda(cudaMalloc(&memory, std::size_t(bytes)), "cudaMalloc of arrays of the host");
    data_ = static_cast<char*>(memory);
  }
  cuda_bytes(cuda_bytes&& other) noexcept : data_(other.data_), on_host_(other.on_host_) { other.data_ = nullptr; }
  cuda_bytes& operator=(cuda_bytes&&) = delete;
  ~cuda_bytes() {
    if (data_ && on_host_) cudaFreeHost(data_);
    else if (data_) cudaFree(data_);
  }
  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  bool on_host_ = false;
};

/// Rows `first` to first + count - 1 of an array, one after the other.
inline void gather_bytes(char* to, const leaf_array& a, const symbol& s, std::int64_t first, std::int64_t count) {
  const std::int64_t size = s.element.bytes, width = s.dim * size;
  const char* const from = static_cast<const char*>(a.data);
  for (std::int64_t r = 0; r < count; ++r) {
    const char* const row = from + (first + r) * a.row_stride * size;
    if (a.col_stride == 1 || s.dim == 1) __builtin_memcpy(to + r * width, row, std::size_t(width));
    else
      for (int k = 0; k < s.dim; ++k)
        __builtin_memcpy(to + r * width + k * size, row + k * a.col_stride * size, std::size_t(size));
  }
}
template <class T>
void scatter_result(const output_array& out, const T* from, std::int64_t first, std::int64_t count, int dim) {
  for (std::int64_t r = 0; r < count; ++r)
    for (int k = 0; k < dim; ++k) {
      T& place = static_cast<T*>(out.data)[(first + r) * out.row_stride + k * out.col_stride];
      place = out.add ? static_cast<T>(place + from[r * dim + k]) : from[r * dim + k];
    }
}

/// A reduction of arrays of the host, computed on a device.
class copied_call {
 public:
  using compute_function = void (*)(const cuda_pass&, const leaf_array*, row_counts, const output_array*);

  copied_call(const cuda_host& where, const recipe& r, bool may_chunk, compute_function compute, const leaf_array* arrays,
              row_counts counts, const output_array* outputs)
      : recipe_(r),
        compute_(compute),
        arrays_(arrays),
        counts_(counts),
        outputs_(outputs),
        chunked_(may_chunk ? output_role(r.outputs[0].folds) : role::parameter),
        rows_(output_rows(r.outputs[0].folds, counts)),
        chunk_(chunk_rows(where)),
        limits_(current_limits()) {
    if (r.symbol_count > most_arrays)
      throw cuda_error(message() << "kf::cuda_host takes " << most_arrays << " arrays at most, for " << r.text());
  }

  void run() {
    cuda_bytes resident(resident_bytes(), false);
    upload_resident(resident.data());
    lane lanes[2] = {make_lane(), make_lane()};
    std::int64_t number = 0;
    for (std::int64_t first = 0; first < rows_ || number == 0; first += chunk_, ++number) {
      lane& l = lanes[number % 2];
      receive(l);
      send(l, first, rows_ - first < chunk_ ? rows_ - first : chunk_);
    }
    receive(lanes[number % 2]);
    receive(lanes[(number + 1) % 2]);
  }

 private:
  static constexpr int most_arrays = 32;
  static constexpr std::int64_t alignment = 256;
  static std::int64_t aligned(std::int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

  /// A chunk on its way: up, computed, down.
  struct lane {
    cudaStream_t stream = nullptr;
    cuda_bytes host, device;
    std::int64_t first = 0, count = 0;
    bool is_busy = false;
    lane(cuda_bytes&& h, cuda_bytes&& d) : host(static_cast<cuda_bytes&&>(h)), device(static_cast<cuda_bytes&&>(d)) {
      check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    }
    lane(const lane&) = delete;
    ~lane() {
      if (stream) cudaStreamSynchronize(stream);  // an error has been reported, or is being
      if (stream) cudaStreamDestroy(stream);
    }
  };

  bool is_chunked(const symbol& s) const { return s.symbol_role == chunked_ && chunked_ != role::parameter; }
  /// Half a million rows keep a device busy for longer than their copies take; fewer chunks than two overlap nothing.
  std::int64_t chunk_rows(const cuda_host& where) const {
    if (chunked_ == role::parameter) return rows_ > 0 ? rows_ : 1;
    if (where.chunk_rows > 0) return where.chunk_rows;
    const std::int64_t half = (rows_ + 1) / 2;
    return half < 65536 ? (rows_ > 0 ? rows_ : 1) : half < 524288 ? half : 524288;
  }
  std::int64_t bytes_of(int s, std::int64_t rows) const {
    return aligned(rows * recipe_.symbols[s].dim * recipe_.symbols[s].element.bytes);
  }
  std::int64_t resident_bytes() const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (!is_chunked(recipe_.symbols[s])) bytes += bytes_of(s, arrays_[s].rows);
    return bytes;
  }
  std::int64_t chunk_in_bytes() const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (is_chunked(recipe_.symbols[s])) bytes += bytes_of(s, chunk_);
    return bytes;
  }
  std::int64_t chunk_out_bytes() const {
    std::int64_t bytes = 0;
    for (int o = 0; o < recipe_.output_count; ++o)
      bytes += output_bytes(o);
    return bytes;
  }
  std::int64_t output_chunk(int o, std::int64_t count) const {
    return chunked_ == role::parameter ? output_rows(recipe_.outputs[o].folds, counts_) : count;
  }
  std::int64_t output_bytes(int o) const {
    return aligned(output_chunk(o, chunk_) * recipe_.outputs[o].dim * recipe_.outputs[o].element.bytes);
  }
  row_counts counts_of(std::int64_t count) const {
    row_counts c = counts_;
    if (chunked_ == role::i) c.i = count;
    if (chunked_ == role::j) c.j = count;
    return c;
  }

  void upload_resident(char* memory) {
    for (int s = 0; s < recipe_.symbol_count; ++s) {
      on_device_[s] = {nullptr, recipe_.symbols[s].dim, 1, arrays_[s].rows};
      if (is_chunked(recipe_.symbols[s])) continue;
      const std::int64_t bytes = bytes_of(s, arrays_[s].rows);
      if (bytes == 0) continue;
      matrix<char> rows(1, bytes);
      gather_bytes(rows.data(), arrays_[s], recipe_.symbols[s], 0, arrays_[s].rows);
      check_cuda(cudaMemcpy(memory, rows.data(), std::size_t(bytes), cudaMemcpyHostToDevice), "cudaMemcpy to the device");
      on_device_[s].data = memory;
      memory += bytes;
    }
  }
  lane make_lane() {
    const cuda_pass measured{nullptr, nullptr, limits_, recipe_.text, true};
    output_array none[most_arrays] = {};
    compute_(measured, on_device_, counts_of(chunk_), none);
    workspace_bytes_ = measured.used;
    return lane(cuda_bytes(chunk_in_bytes() + chunk_out_bytes(), true),
                cuda_bytes(chunk_in_bytes() + chunk_out_bytes() + workspace_bytes_, false));
  }
  void send(lane& l, std::int64_t first, std::int64_t count) {
    leaf_array arrays[most_arrays];
    std::int64_t at = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s) {
      arrays[s] = on_device_[s];
      if (!is_chunked(recipe_.symbols[s])) continue;
      gather_bytes(l.host.data() + at, arrays_[s], recipe_.symbols[s], first, count);
      arrays[s].data = l.device.data() + at;
      arrays[s].rows = count;
      at += bytes_of(s, chunk_);
    }
    if (at > 0)
      check_cuda(cudaMemcpyAsync(l.device.data(), l.host.data(), std::size_t(at), cudaMemcpyHostToDevice, l.stream),
                 "cudaMemcpyAsync to the device");
    output_array outputs[most_arrays];
    std::int64_t out = at;
    for (int o = 0; o < recipe_.output_count; ++o) {
      outputs[o] = {l.device.data() + out, recipe_.outputs[o].dim, 1, false};
      out += output_bytes(o);
    }
    compute_({l.stream, l.device.data() + out, limits_, recipe_.text}, arrays, counts_of(count), outputs);
    if (out > at)
      check_cuda(cudaMemcpyAsync(l.host.data() + at, l.device.data() + at, std::size_t(out - at), cudaMemcpyDeviceToHost, l.stream),
                 "cudaMemcpyAsync from the device");
    l.first = first;
    l.count = count;
    l.is_busy = true;
  }
  /// Waits for a lane's chunk and writes its results.
  void receive(lane& l) {
    if (!l.is_busy) return;
    l.is_busy = false;
    check_cuda(cudaStreamSynchronize(l.stream), "waiting for a chunk");
    const char* from = l.host.data() + chunk_in_bytes();
    for (int o = 0; o < recipe_.output_count; ++o) {
      const output_shape& shape = recipe_.outputs[o];
      const std::int64_t count = output_chunk(o, l.count);
      if (shape.element == code_of<float>)
        scatter_result(outputs_[o], reinterpret_cast<const float*>(from), l.first, count, shape.dim);
      else if (shape.element == code_of<double>)
        scatter_result(outputs_[o], reinterpret_cast<const double*>(from), l.first, count, shape.dim);
      else
        scatter_result(outputs_[o], reinterpret_cast<const std::int64_t*>(from), l.first, count, shape.dim);
      from += output_bytes(o);
    }
  }

  const recipe& recipe_;
  compute_function compute_;
  const leaf_array* arrays_;
  row_counts counts_;
  const output_array* outputs_;
  role chunked_;
  std::int64_t rows_, chunk_;
  device_limits limits_;
  std::int64_t workspace_bytes_ = 0;
  leaf_array on_device_[most_arrays];
};

/// Whether the rows of a reduction's output can be computed chunk by chunk: its results all have the same rows, no other
/// reduction's value is needed, and no formula asks for a row's number.
template <class... Items, class... Fs>
consteval bool may_chunk(type_list<Items...>, type_list<Fs...> formulas) {
  constexpr axis folds = type_at<type_list<Items...>, 0>::folds;
  using all = nodes_of<Fs...>;
  return folds != axis::both && ((Items::folds == folds) && ...) &&
         folded_in<type_list<Fs...>>::type::size == 0 && formulas.size > 0 &&
         !contains<index_variable<output_role(folds) == role::i ? role::i : role::j>>(all{});
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <>
struct executor_traits<cuda_host> {
  static constexpr bool is_device = false;
  template <class T>
  using memory = matrix<T>;
  template <class T>
  static matrix<T> allocate(const cuda_host&, std::int64_t rows, std::int64_t cols) { return matrix<T>(rows, cols); }
  template <class T>
  static T* data_of(matrix<T>& m) { return m.data(); }
  static bool may_end_early(const void*) { return false; }

  using copies_to = detail::cuda_pass;
  template <class Reduction, class Real>
  static void run_copied(const cuda_host& where, const leaf_array* arrays, detail::row_counts counts,
                         const output_array* outputs) {
    const detail::current_device guard(where.device);
    detail::copied_call(where, detail::recipe_of<Reduction, cuda_host, Real>,
                        detail::may_chunk(typename Reduction::items{}, typename Reduction::formulas{}),
                        &detail::computation<Reduction, detail::cuda_pass, Real>::compute, arrays, counts, outputs)
        .run();
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
