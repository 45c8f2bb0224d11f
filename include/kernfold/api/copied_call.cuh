// kernfold/api/copied_call.cuh: a reduction of arrays of the host, computed on a device. The rows of the output go
// there in chunks, two under way at a time, so that copies overlap with what is computed; the columns stay. Where not
// even the columns fit, they come in pieces, one copied while the one before is folded, and the rows' states stay.
#pragma once

#include "../engine/cuda/executor.cuh"
#include "computation.hpp"
#include "cuda_host.hpp"

KERNFOLD_STRICT_BEGIN
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

/// What folds the columns of a reduction in pieces, and which of the call's arrays its leaves are.
struct piecewise {
  std::int64_t (*states_bytes)(std::int64_t rows);
  std::int64_t (*workspace_bytes)(std::int64_t rows, std::int64_t columns, const device_limits&);
  cudaError_t (*launch)(cudaStream_t, const leaf_array*, const output_array*, std::int64_t rows, std::int64_t columns,
                        void*, const device_limits&, const block_part&);
  const int* places;
  int leaf_count;
};
template <class Plan, class Symbols>
inline constexpr piecewise piecewise_of{&cuda_sweep<Plan>::states_bytes, &cuda_sweep<Plan>::workspace_bytes,
                                        &cuda_sweep<Plan>::launch,
                                        leaf_places<typename Plan::program_type::leaves, Symbols>::row,
                                        leaf_places<typename Plan::program_type::leaves, Symbols>::count};

/// A reduction of arrays of the host, computed on a device.
class copied_call {
 public:
  using compute_function = void (*)(const cuda_pass&, const leaf_array*, row_counts, const output_array*);

  /// `in_pieces` is null where all has to be there at once: see may_chunk.
  copied_call(const recipe& r, const piecewise* in_pieces, compute_function compute, const leaf_array* arrays,
              row_counts counts, const output_array* outputs)
      : recipe_(r),
        compute_(compute),
        in_pieces_(in_pieces),
        arrays_(arrays),
        counts_(counts),
        outputs_(outputs),
        rows_are_(in_pieces ? output_role(r.outputs[0].folds) : role::parameter),
        columns_are_(!in_pieces             ? role::parameter
                     : rows_are_ == role::i ? role::j
                                            : role::i),
        rows_(output_rows(r.outputs[0].folds, counts)),
        columns_(rows_of(columns_are_)),
        device_(device_of(nullptr)),
        limits_(limits_of(device_)) {
    if (r.symbol_count > most_arrays || r.output_count > most_arrays)
      throw cuda_error(message() << "kf::cuda_host takes " << most_arrays << " arrays at most, for " << r.text());
  }
  void run(const cuda_host& where) {
    const std::int64_t piece = in_pieces_ ? piece_columns(where) : 0;
    if (piece > 0) run_in_pieces(where, piece);
    else run_in_chunks(where);
  }

 private:
  static constexpr int most_arrays = 32;
  static constexpr std::int64_t alignment = 256;
  static std::int64_t aligned(std::int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

  /// Memory of both sides, and the stream on which what is in it goes up, is computed, and comes down.
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
    void upload(std::int64_t bytes) {
      if (bytes > 0)
        check_cuda(cudaMemcpyAsync(device.data(), host.data(), std::size_t(bytes), cudaMemcpyHostToDevice, stream),
                   "cudaMemcpyAsync to the device");
    }
    void wait() { check_cuda(cudaStreamSynchronize(stream), "waiting for a chunk"); }
  };

  // Arrays by the role of their rows.

  std::int64_t rows_of(role r) const { return r == role::i ? counts_.i : r == role::j ? counts_.j : 1; }
  std::int64_t bytes_of(int s, std::int64_t rows) const {
    return aligned(rows * recipe_.symbols[s].dim * recipe_.symbols[s].element.bytes);
  }
  std::int64_t bytes_of(role of_role, std::int64_t rows) const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (recipe_.symbols[s].symbol_role == of_role) bytes += bytes_of(s, rows);
    return bytes;
  }
  /// Rows first to first + count - 1 of the arrays of a role, each with room for `room` rows, to the host's memory;
  /// `to` says where they will be on the device.
  void gather(role of_role, char* host, char* device, leaf_array* to, std::int64_t first, std::int64_t count,
              std::int64_t room) const {
    std::int64_t at = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s) {
      if (recipe_.symbols[s].symbol_role != of_role) continue;
      gather_bytes(host + at, arrays_[s], recipe_.symbols[s], first, count);
      to[s] = {device + at, recipe_.symbols[s].dim, 1, count};
      at += bytes_of(s, room);
    }
  }
  /// All rows of the arrays of a role, to the device's memory.
  std::int64_t upload_all(role of_role, char* device) {
    const std::int64_t rows = rows_of(of_role), bytes = bytes_of(of_role, rows);
    matrix<char> host(1, bytes);
    gather(of_role, host.data(), device, on_device_, 0, rows, rows);
    if (bytes > 0) {
      check_cuda(cudaMemcpy(device, host.data(), std::size_t(bytes), cudaMemcpyHostToDevice),
                 "cudaMemcpy to the device");
      // cudaMemcpy of pageable memory may return before the last bytes are there, and the lanes' streams do not wait
      // for it
      check_cuda(cudaStreamSynchronize(nullptr), "cudaMemcpy to the device");
    }
    return bytes;
  }

  /// A chunk as asked for, but no larger than what there is, nor empty.
  static std::int64_t at_most(std::int64_t chunk, std::int64_t all) { return chunk < all ? chunk : all > 0 ? all : 1; }
  /// What is left for the last chunk. Fewer rows split their columns more, and may need a larger workspace.
  static std::int64_t last_of(std::int64_t all, std::int64_t chunk) { return all % chunk > 0 ? all % chunk : chunk; }

  // Results.

  std::int64_t output_chunk(int o, std::int64_t count) const {
    return rows_are_ == role::parameter ? output_rows(recipe_.outputs[o].folds, counts_) : count;
  }
  std::int64_t output_bytes(int o, std::int64_t count) const {
    return aligned(output_chunk(o, count) * recipe_.outputs[o].dim * recipe_.outputs[o].element.bytes);
  }
  std::int64_t output_bytes(std::int64_t count) const {
    std::int64_t bytes = 0;
    for (int o = 0; o < recipe_.output_count; ++o) bytes += output_bytes(o, count);
    return bytes;
  }
  void place_outputs(output_array* outputs, char* device, std::int64_t room) const {
    for (int o = 0; o < recipe_.output_count; ++o) {
      outputs[o] = {device, recipe_.outputs[o].dim, 1, false};
      device += output_bytes(o, room);
    }
  }
  /// Writes the results of rows first to first + count - 1.
  void scatter(const char* from, std::int64_t first, std::int64_t count, std::int64_t room) const {
    for (int o = 0; o < recipe_.output_count; ++o) {
      const output_shape& shape = recipe_.outputs[o];
      const std::int64_t rows = output_chunk(o, count);
      if (shape.element == code_of<float>)
        scatter_result(outputs_[o], reinterpret_cast<const float*>(from), first, rows, shape.dim);
      else if (shape.element == code_of<double>)
        scatter_result(outputs_[o], reinterpret_cast<const double*>(from), first, rows, shape.dim);
      else scatter_result(outputs_[o], reinterpret_cast<const std::int64_t*>(from), first, rows, shape.dim);
      from += output_bytes(o, room);
    }
  }

  // The rows in chunks, all columns there.

  /// Half a million rows keep a device busy for longer than their copies take; fewer chunks than two overlap nothing.
  std::int64_t chunk_rows(const cuda_host& where) const {
    if (rows_are_ == role::parameter) return rows_ > 0 ? rows_ : 1;
    if (where.chunk_rows > 0) return at_most(where.chunk_rows, rows_);
    const std::int64_t half = (rows_ + 1) / 2;
    return half < 65536 ? (rows_ > 0 ? rows_ : 1) : half < 524288 ? half : 524288;
  }
  row_counts counts_of(std::int64_t count) const {
    row_counts c = counts_;
    if (rows_are_ == role::i) c.i = count;
    if (rows_are_ == role::j) c.j = count;
    return c;
  }
  bool is_chunked(role r) const { return r == rows_are_ && rows_are_ != role::parameter; }

  void run_in_chunks(const cuda_host& where) {
    const std::int64_t chunk = chunk_rows(where);
    std::int64_t resident_bytes = 0;
    for (const role r : {role::parameter, role::i, role::j})
      if (!is_chunked(r)) resident_bytes += bytes_of(r, rows_of(r));
    const cuda_bytes resident(resident_bytes, false);
    char* next = resident.data();
    for (const role r : {role::parameter, role::i, role::j})
      if (!is_chunked(r)) next += upload_all(r, next);
    lane lanes[2] = {make_lane(chunk), make_lane(chunk)};
    std::int64_t number = 0;
    for (std::int64_t first = 0; first < rows_ || number == 0; first += chunk, ++number) {
      lane& l = lanes[number % 2];
      receive(l, chunk);
      send(l, first, rows_ - first < chunk ? rows_ - first : chunk, chunk);
    }
    receive(lanes[number % 2], chunk);
    receive(lanes[(number + 1) % 2], chunk);
  }
  std::int64_t in_bytes(std::int64_t chunk) const {
    return rows_are_ == role::parameter ? 0 : bytes_of(rows_are_, chunk);
  }
  lane make_lane(std::int64_t chunk) {
    const output_array none[most_arrays] = {};
    const leaf_array nowhere[most_arrays] = {};
    std::int64_t workspace = 0;
    for (const std::int64_t count : {chunk, last_of(rows_, chunk)}) {
      const cuda_pass measured{nullptr, device_, nullptr, limits_, recipe_.text, true};
      compute_(measured, nowhere, counts_of(count), none);
      if (measured.used > workspace) workspace = measured.used;
    }
    const std::int64_t bytes = in_bytes(chunk) + output_bytes(chunk);
    return lane(cuda_bytes(bytes, true), cuda_bytes(bytes + workspace, false));
  }
  void send(lane& l, std::int64_t first, std::int64_t count, std::int64_t chunk) {
    leaf_array arrays[most_arrays];
    for (int s = 0; s < recipe_.symbol_count; ++s) arrays[s] = on_device_[s];
    const std::int64_t in = in_bytes(chunk), out = output_bytes(chunk);
    if (rows_are_ != role::parameter) gather(rows_are_, l.host.data(), l.device.data(), arrays, first, count, chunk);
    l.upload(in);
    output_array outputs[most_arrays];
    place_outputs(outputs, l.device.data() + in, chunk);
    compute_({l.stream, device_, l.device.data() + in + out, limits_, recipe_.text}, arrays, counts_of(count), outputs);
    if (out > 0)
      check_cuda(
          cudaMemcpyAsync(l.host.data() + in, l.device.data() + in, std::size_t(out), cudaMemcpyDeviceToHost, l.stream),
          "cudaMemcpyAsync from the device");
    l.first = first;
    l.count = count;
    l.is_busy = true;
  }
  /// Waits for a lane's chunk and writes its results.
  void receive(lane& l, std::int64_t chunk) {
    if (!l.is_busy) return;
    l.is_busy = false;
    l.wait();
    scatter(l.host.data() + in_bytes(chunk), l.first, l.count, chunk);
  }

  // The columns in pieces.

  /// Columns at a time: as many as asked for; 0, which is all, where they take at most half of the free memory; else
  /// two pieces in half of it.
  std::int64_t piece_columns(const cuda_host& where) const {
    if (where.chunk_columns > 0) return at_most(where.chunk_columns, columns_);
    const std::int64_t bytes = bytes_of(columns_are_, columns_), half = free_bytes() / 2;
    if (bytes <= half) return 0;
    const std::int64_t piece = half / 2 / (bytes / columns_ + 1);
    return piece > 0 ? piece : 1;
  }
  static std::int64_t free_bytes() {
    std::size_t free = 0, total = 0;
    check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return std::int64_t(free);
  }
  /// Every chunk of rows sees all columns go by, so there are as few as memory allows.
  std::int64_t rows_beside(const cuda_host& where, std::int64_t piece) const {
    if (where.chunk_rows > 0) return at_most(where.chunk_rows, rows_);
    const std::int64_t quarter = free_bytes() / 4;
    std::int64_t chunk = rows_ > 0 ? rows_ : 1;
    while (chunk > 1 && chunk_bytes(chunk, piece) > quarter) chunk = (chunk + 1) / 2;
    return chunk;
  }
  std::int64_t chunk_bytes(std::int64_t rows, std::int64_t piece) const {
    return in_bytes(rows) + output_bytes(rows) + aligned(in_pieces_->states_bytes(rows)) + piece_workspace(rows, piece);
  }
  std::int64_t piece_workspace(std::int64_t rows, std::int64_t piece) const {
    std::int64_t most = 0;
    for (const std::int64_t row_count : {rows, last_of(rows_, rows)})
      for (const std::int64_t column_count : {piece, last_of(columns_, piece)}) {
        const std::int64_t bytes = in_pieces_->workspace_bytes(row_count, column_count, limits_);
        if (bytes > most) most = bytes;
      }
    return most;
  }

  void run_in_pieces(const cuda_host& where, std::int64_t piece) {
    const cuda_bytes parameters(bytes_of(role::parameter, 1), false);
    upload_all(role::parameter, parameters.data());
    const std::int64_t chunk = rows_beside(where, piece), piece_bytes = bytes_of(columns_are_, piece);
    lane rows(cuda_bytes(in_bytes(chunk) + output_bytes(chunk), true), cuda_bytes(chunk_bytes(chunk, piece), false));
    lane pieces[2] = {lane(cuda_bytes(piece_bytes, true), cuda_bytes(piece_bytes, false)),
                      lane(cuda_bytes(piece_bytes, true), cuda_bytes(piece_bytes, false))};
    for (std::int64_t first = 0; first < rows_; first += chunk) {
      rows.count = rows_ - first < chunk ? rows_ - first : chunk;
      gather(rows_are_, rows.host.data(), rows.device.data(), on_device_, first, rows.count, chunk);
      rows.upload(in_bytes(chunk));
      rows.wait();
      fold_pieces(rows, pieces, chunk, piece);
      const std::int64_t out = output_bytes(chunk);
      check_cuda(
          cudaMemcpy(rows.host.data(), rows.device.data() + in_bytes(chunk), std::size_t(out), cudaMemcpyDeviceToHost),
          "cudaMemcpy from the device");
      scatter(rows.host.data(), first, rows.count, chunk);
    }
  }
  /// All columns meet a chunk of rows. A piece goes up while the one before is folded.
  void fold_pieces(const lane& rows, lane (&pieces)[2], std::int64_t chunk, std::int64_t piece) {
    output_array outputs[most_arrays];
    char* const results = rows.device.data() + in_bytes(chunk);
    place_outputs(outputs, results, chunk);
    char* const states = results + output_bytes(chunk);
    char* const workspace = states + aligned(in_pieces_->states_bytes(chunk));
    std::int64_t first = 0;
    for (std::int64_t number = 0; first < columns_ || number == 0; first += piece, ++number) {
      lane& l = pieces[number % 2];
      const std::int64_t end = first + piece < columns_ ? first + piece : columns_;
      gather(columns_are_, l.host.data(), l.device.data(), on_device_, first, end - first, piece);
      l.upload(bytes_of(columns_are_, piece));
      pieces[(number + 1) % 2].wait();
      leaf_array leaves[2 * most_arrays];  // an origin may come with each
      pick_arrays(leaves, on_device_, in_pieces_->places, in_pieces_->leaf_count);
      check_cuda(in_pieces_->launch(l.stream, leaves, outputs, rows.count, end, workspace, limits_,
                                    {states, number == 0, end == columns_, first}),
                 "a kernel's launch");
    }
    for (lane& l : pieces) l.wait();
  }

  const recipe& recipe_;
  compute_function compute_;
  const piecewise* in_pieces_;
  const leaf_array* arrays_;
  row_counts counts_;
  const output_array* outputs_;
  role rows_are_, columns_are_;
  std::int64_t rows_, columns_;
  int device_;
  device_limits limits_;
  leaf_array on_device_[most_arrays] = {};
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
