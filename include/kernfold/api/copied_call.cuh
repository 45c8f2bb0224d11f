// kernfold/api/copied_call.cuh: a reduction of arrays of the host, computed on a device. The rows of the output go
// there in chunks, two under way at a time, so that copies overlap with what is computed; the columns stay. Where not
// even the columns fit, they come in pieces, one copied while the one before is folded, and the rows' states stay.
#pragma once

#include "../engine/cuda/executor.cuh"
#include "copied_arrays.cuh"
#include "cuda_host.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
inline namespace KERNFOLD_ABI {

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
class copied_call : copied_arrays {
 public:
  using compute_function = void (*)(const cuda_attempt&, const leaf_array*, domain, const output_array*);

  /// `in_pieces` is null where all has to be there at once: see may_chunk.
  copied_call(const recipe& r, const piecewise* in_pieces, compute_function compute, const leaf_array* arrays,
              domain counts, const output_array* outputs)
      : copied_arrays(r, in_pieces ? output_role(r.outputs[0].folds) : role::parameter, arrays, counts, outputs),
        compute_(compute),
        in_pieces_(in_pieces),
        columns_are_(!in_pieces             ? role::parameter
                     : rows_are_ == role::i ? role::j
                                            : role::i),
        columns_(rows_of(columns_are_)),
        device_(device_of(nullptr)),
        limits_(limits_of(device_)) {}
  void run(const cuda_host& where) {
    const std::int64_t piece = in_pieces_ ? piece_columns(where) : 0;
    if (piece > 0) run_in_pieces(where, piece);
    else run_in_chunks(where);
  }

 private:
  static constexpr std::int64_t most_chunk_bytes = std::int64_t(64) << 20;  // arrays and results of the rows at a time

  /// A chunk as asked for, but no larger than what there is, nor empty.
  static std::int64_t at_most(std::int64_t chunk, std::int64_t all) { return chunk < all ? chunk : all > 0 ? all : 1; }
  /// What is left for the last chunk. Fewer rows split their columns more, and may need a larger workspace.
  static std::int64_t last_of(std::int64_t all, std::int64_t chunk) { return all % chunk > 0 ? all % chunk : chunk; }

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
  domain counts_of(std::int64_t count) const {
    domain c = counts_;
    if (rows_are_ == role::i) c.i = count;
    if (rows_are_ == role::j) c.j = count;
    return c;
  }
  bool is_chunked(role r) const { return r == rows_are_ && rows_are_ != role::parameter; }

  void run_in_chunks(const cuda_host& where) {
    const std::int64_t chunk = chunk_rows(where), bytes = chunk_bytes(chunk);
    std::int64_t resident_bytes = 0;
    for (const role r : {role::parameter, role::i, role::j, role::edge})
      if (!is_chunked(r)) resident_bytes += bytes_of(r, rows_of(r));
    chunk_transfer chunks[2] = {{device_, bytes + resident_bytes}, {device_, bytes}};
    char* next = chunks[0].device() + bytes;
    for (const role r : {role::parameter, role::i, role::j, role::edge})
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
      const cuda_attempt measured{nullptr, device_, nullptr, limits_, recipe_.text, true};
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

  compute_function compute_;
  const piecewise* in_pieces_;
  role columns_are_;
  std::int64_t columns_;
  int device_;
  device_limits limits_;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
