// kernfold/api/copied_call.cuh: a reduction of arrays of the host, computed on a device. The rows of the output go
// there in chunks, two under way at a time, so that copies overlap with what is computed; the columns stay. Where not
// even the columns fit, they come in pieces, one copied while the one before is folded, and the rows' states stay.
#pragma once

#include "../engine/cuda/executor.cuh"
#include "../engine/cuda/transfer.cuh"
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

/// Whether the rows of an array lie one after the other, their components side by side.
inline bool is_contiguous(std::int64_t row_stride, std::int64_t col_stride, int dim, std::int64_t rows) {
  return (col_stride == 1 || dim == 1) && (row_stride == dim || rows <= 1);
}
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
  static constexpr std::int64_t most_chunk_bytes = std::int64_t(64) << 20;  // arrays and results of the rows at a time
  static constexpr std::int64_t part_bytes = std::int64_t(16) << 20;  // of what is put in order before it is copied
  static std::int64_t aligned(std::int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

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
  bool is_contiguous(int s) const {
    return detail::is_contiguous(arrays_[s].row_stride, arrays_[s].col_stride, recipe_.symbols[s].dim, arrays_[s].rows);
  }
  /// What of the arrays of a role has to be put in order before a device can copy it, in so many rows.
  std::int64_t gathered_bytes(role of_role, std::int64_t rows) const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (recipe_.symbols[s].symbol_role == of_role && !is_contiguous(s)) bytes += bytes_of(s, rows);
    return bytes;
  }
  /// Rows first to first + count - 1 of an array, from where they lie, or from `host`, where they are put in order.
  void upload(transfer& t, int s, char* device, char* host, std::int64_t first, std::int64_t count) const {
    const symbol& of = recipe_.symbols[s];
    const std::int64_t row_bytes = of.dim * of.element.bytes;
    if (is_contiguous(s)) {
      t.upload(device, static_cast<const char*>(arrays_[s].data) + first * row_bytes, count * row_bytes);
    } else {
      gather_bytes(host, arrays_[s], of, first, count);
      t.upload(device, host, count * row_bytes);
    }
  }
  /// Rows first to first + count - 1 of the arrays of a role, each with room for `room` rows on the device. `to` says
  /// where they will be. What was gathered before has been copied.
  void upload(transfer& t, role of_role, char* device, leaf_array* to, std::int64_t first, std::int64_t count,
              std::int64_t room) const {
    char* host = t.host(gathered_bytes(of_role, room));
    for (int s = 0; s < recipe_.symbol_count; ++s) {
      if (recipe_.symbols[s].symbol_role != of_role) continue;
      upload(t, s, device, host, first, count);
      to[s] = {.data = device, .row_stride = recipe_.symbols[s].dim, .col_stride = 1, .rows = count};
      device += bytes_of(s, room);
      if (!is_contiguous(s)) host += bytes_of(s, room);
    }
  }
  /// All rows of the arrays of a role, which stay on the device; what has to be put in order, a part at a time.
  std::int64_t upload_all(transfer& t, role of_role, char* device) {
    const std::int64_t rows = rows_of(of_role);
    char* next = device;
    for (int s = 0; s < recipe_.symbol_count; ++s) {
      const symbol& of = recipe_.symbols[s];
      if (of.symbol_role != of_role) continue;
      const std::int64_t row_bytes = of.dim * of.element.bytes,
                         part = is_contiguous(s) ? rows : rows_in(part_bytes, row_bytes);
      for (std::int64_t first = 0; first < rows; first += part) {
        const std::int64_t count = rows - first < part ? rows - first : part;
        upload(t, s, next + first * row_bytes, is_contiguous(s) ? nullptr : t.host(count * row_bytes), first, count);
        if (!is_contiguous(s)) t.wait();
      }
      on_device_[s] = {.data = next, .row_stride = of.dim, .col_stride = 1, .rows = rows};
      next += bytes_of(s, rows);
    }
    return next - device;
  }
  static std::int64_t rows_in(std::int64_t bytes, std::int64_t row_bytes) {
    return bytes / row_bytes > 0 ? bytes / row_bytes : 1;
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
      outputs[o] = {.data = device, .row_stride = recipe_.outputs[o].dim, .col_stride = 1, .add = false};
      device += output_bytes(o, room);
    }
  }
  bool is_written_at_once(int o) const {
    const output_array& out = outputs_[o];
    return !out.add &&
           detail::is_contiguous(out.row_stride, out.col_stride, recipe_.outputs[o].dim, output_chunk(o, rows_));
  }
  /// The results of rows first to first + count - 1, to where they belong.
  void download(transfer& t, const char* from, std::int64_t first, std::int64_t count, std::int64_t room) const {
    std::int64_t bytes = 0;
    for (int o = 0; o < recipe_.output_count; ++o)
      if (!is_written_at_once(o)) bytes += output_bytes(o, room);
    t.wait();  // what was gathered for this chunk has been copied, and its memory may be another one
    char* host = t.host(bytes);
    const char* const gathered = host;
    for (int o = 0; o < recipe_.output_count; from += output_bytes(o, room), ++o) {
      const output_shape& shape = recipe_.outputs[o];
      const std::int64_t row_bytes = shape.dim * shape.element.bytes, result_bytes = output_chunk(o, count) * row_bytes;
      if (is_written_at_once(o)) {
        t.download(static_cast<char*>(outputs_[o].data) + first * row_bytes, from, result_bytes);
      } else {
        t.download(host, from, result_bytes);
        host += output_bytes(o, room);
      }
    }
    t.wait();
    scatter(gathered, first, count, room);
  }
  /// Writes the results that are not written at once.
  void scatter(const char* from, std::int64_t first, std::int64_t count, std::int64_t room) const {
    for (int o = 0; o < recipe_.output_count; ++o) {
      if (is_written_at_once(o)) continue;
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
  /// Wide rows come in chunks of so many bytes.
  std::int64_t chunk_rows(const cuda_host& where) const {
    if (rows_are_ == role::parameter) return rows_ > 0 ? rows_ : 1;
    if (where.chunk_rows > 0) return at_most(where.chunk_rows, rows_);
    const std::int64_t half = (rows_ + 1) / 2;
    const std::int64_t wanted = half < 65536 ? (rows_ > 0 ? rows_ : 1) : half < 524288 ? half : 524288;
    constexpr std::int64_t many = 1024;  // so that alignment does not count
    const std::int64_t most = rows_in(most_chunk_bytes, (in_bytes(many) + output_bytes(many)) / many + 1);
    return wanted < most ? wanted : most;
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
    chunk_transfer chunks[2] = {{device_, chunk_bytes(chunk) + resident_bytes}, {device_, chunk_bytes(chunk)}};
    char* next = chunks[0].device() + chunk_bytes(chunk);
    for (const role r : {role::parameter, role::i, role::j})
      if (!is_chunked(r)) next += upload_all(chunks[0], r, next);
    wait_for(chunks[1].stream(), chunks[0].stream());
    std::int64_t number = 0;
    for (std::int64_t first = 0; first < rows_ || number == 0; first += chunk, ++number) {
      chunk_transfer& c = chunks[number % 2];
      receive(c, chunk);
      send(c, first, rows_ - first < chunk ? rows_ - first : chunk, chunk);
    }
    receive(chunks[number % 2], chunk);
    receive(chunks[(number + 1) % 2], chunk);
  }
  std::int64_t in_bytes(std::int64_t chunk) const {
    return rows_are_ == role::parameter ? 0 : bytes_of(rows_are_, chunk);
  }
  /// A chunk of rows under way.
  struct chunk_transfer : transfer {
    using transfer::transfer;
    std::int64_t first = 0, count = 0;
    bool is_busy = false;
  };
  /// Arrays, results, workspace.
  std::int64_t chunk_bytes(std::int64_t chunk) const {
    const output_array none[most_arrays] = {};
    const leaf_array nowhere[most_arrays] = {};
    std::int64_t workspace = 0;
    for (const std::int64_t count : {chunk, last_of(rows_, chunk)}) {
      const cuda_pass measured{nullptr, device_, nullptr, limits_, recipe_.text, true};
      compute_(measured, nowhere, counts_of(count), none);
      if (measured.used > workspace) workspace = measured.used;
    }
    return in_bytes(chunk) + output_bytes(chunk) + aligned(workspace);
  }
  void send(chunk_transfer& c, std::int64_t first, std::int64_t count, std::int64_t chunk) {
    leaf_array arrays[most_arrays];
    for (int s = 0; s < recipe_.symbol_count; ++s) arrays[s] = on_device_[s];
    if (rows_are_ != role::parameter) upload(c, rows_are_, c.device(), arrays, first, count, chunk);
    output_array outputs[most_arrays];
    char* const results = c.device() + in_bytes(chunk);
    place_outputs(outputs, results, chunk);
    compute_({c.stream(), device_, results + output_bytes(chunk), limits_, recipe_.text}, arrays, counts_of(count),
             outputs);
    c.first = first;
    c.count = count;
    c.is_busy = true;
  }
  /// Waits for a chunk and writes its results.
  void receive(chunk_transfer& c, std::int64_t chunk) {
    if (!c.is_busy) return;
    c.is_busy = false;
    download(c, c.device() + in_bytes(chunk), c.first, c.count, chunk);
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
    while (chunk > 1 && chunk_bytes_beside(chunk, piece) > quarter) chunk = (chunk + 1) / 2;
    return chunk;
  }
  std::int64_t chunk_bytes_beside(std::int64_t rows, std::int64_t piece) const {
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
    const std::int64_t chunk = rows_beside(where, piece), piece_bytes = bytes_of(columns_are_, piece);
    const std::int64_t row_bytes = chunk_bytes_beside(chunk, piece);
    transfer rows(device_, row_bytes + bytes_of(role::parameter, 1));
    transfer pieces[2] = {{device_, piece_bytes}, {device_, piece_bytes}};
    upload_all(rows, role::parameter, rows.device() + row_bytes);
    for (std::int64_t first = 0; first < rows_; first += chunk) {
      const std::int64_t count = rows_ - first < chunk ? rows_ - first : chunk;
      upload(rows, rows_are_, rows.device(), on_device_, first, count, chunk);
      rows.wait();
      fold_pieces(rows, count, pieces, chunk, piece);
      download(rows, rows.device() + in_bytes(chunk), first, count, chunk);
    }
  }
  /// All columns meet a chunk of rows. A piece goes up while the one before is folded.
  void fold_pieces(const transfer& rows, std::int64_t row_count, transfer (&pieces)[2], std::int64_t chunk,
                   std::int64_t piece) {
    output_array outputs[most_arrays];
    char* const results = rows.device() + in_bytes(chunk);
    place_outputs(outputs, results, chunk);
    char* const states = results + output_bytes(chunk);
    char* const workspace = states + aligned(in_pieces_->states_bytes(chunk));
    std::int64_t first = 0;
    for (std::int64_t number = 0; first < columns_ || number == 0; first += piece, ++number) {
      transfer& t = pieces[number % 2];
      const std::int64_t end = first + piece < columns_ ? first + piece : columns_;
      upload(t, columns_are_, t.device(), on_device_, first, end - first, piece);
      pieces[(number + 1) % 2].wait();
      leaf_array leaves[2 * most_arrays];  // an origin may come with each
      pick_arrays(leaves, on_device_, in_pieces_->places, in_pieces_->leaf_count);
      check_cuda(in_pieces_->launch(t.stream(), leaves, outputs, row_count, end, workspace, limits_,
                                    {states, number == 0, end == columns_, first}),
                 "a kernel's launch");
    }
    for (transfer& t : pieces) t.wait();
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
