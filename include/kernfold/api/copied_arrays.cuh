// kernfold/api/copied_arrays.cuh: the arrays of a call on the host, and their copies on a device.
#pragma once

#include "../engine/cuda/transfer.cuh"
#include "computation.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Whether the rows of an array lie one after the other, their components side by side.
inline bool is_in_order(std::int64_t row_stride, std::int64_t col_stride, int dim, std::int64_t rows) {
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

/// The arrays of a call, and what of them is on the device: by the role of their rows, some or all rows at a time.
class copied_arrays {
 protected:
  static constexpr int most_arrays = 32;
  static constexpr std::int64_t part_bytes = std::int64_t(16) << 20;  // of what is put in order before it is copied

  /// `rows_are`: the role of the rows that are computed some at a time; role::parameter where all are at once.
  copied_arrays(const recipe& r, role rows_are, const leaf_array* arrays, domain counts, const output_array* outputs)
      : recipe_(r),
        arrays_(arrays),
        counts_(counts),
        outputs_(outputs),
        rows_are_(rows_are),
        rows_(output_rows(r.outputs[0].folds, counts)) {
    if (r.symbol_count > most_arrays || r.output_count > most_arrays)
      throw cuda_error(message() << "kf::cuda_host takes " << most_arrays << " arrays at most, for " << r.text());
  }

  static std::int64_t aligned(std::int64_t bytes) {
    constexpr std::int64_t alignment = 256;
    return (bytes + alignment - 1) / alignment * alignment;
  }

  // Arrays by the role of their rows.

  std::int64_t rows_of(role r) const {
    return r == role::i ? counts_.i : r == role::j ? counts_.j : r == role::edge ? counts_.edges : 1;
  }
  std::int64_t bytes_of(int s, std::int64_t rows) const {
    return aligned(rows * recipe_.symbols[s].dim * recipe_.symbols[s].element.bytes);
  }
  std::int64_t bytes_of(role of_role, std::int64_t rows) const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (recipe_.symbols[s].symbol_role == of_role) bytes += bytes_of(s, rows);
    return bytes;
  }
  bool is_in_order(int s) const {
    return detail::is_in_order(arrays_[s].row_stride, arrays_[s].col_stride, recipe_.symbols[s].dim, arrays_[s].rows);
  }
  /// What of the arrays of a role has to be put in order before a device can copy it, in so many rows.
  std::int64_t gathered_bytes(role of_role, std::int64_t rows) const {
    std::int64_t bytes = 0;
    for (int s = 0; s < recipe_.symbol_count; ++s)
      if (recipe_.symbols[s].symbol_role == of_role && !is_in_order(s)) bytes += bytes_of(s, rows);
    return bytes;
  }
  /// Rows first to first + count - 1 of an array, from where they lie, or from `host`, where they are put in order.
  void upload(transfer& t, int s, char* device, char* host, std::int64_t first, std::int64_t count) const {
    const symbol& of = recipe_.symbols[s];
    const std::int64_t row_bytes = of.dim * of.element.bytes;
    if (is_in_order(s)) {
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
      if (!is_in_order(s)) host += bytes_of(s, room);
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
                         part = is_in_order(s) ? rows : rows_in(part_bytes, row_bytes);
      for (std::int64_t first = 0; first < rows; first += part) {
        const std::int64_t count = rows - first < part ? rows - first : part;
        upload(t, s, next + first * row_bytes, is_in_order(s) ? nullptr : t.host(count * row_bytes), first, count);
        if (!is_in_order(s)) t.wait();
      }
      on_device_[s] = {.data = next, .row_stride = of.dim, .col_stride = 1, .rows = rows};
      next += bytes_of(s, rows);
    }
    return next - device;
  }
  static std::int64_t rows_in(std::int64_t bytes, std::int64_t row_bytes) {
    return bytes / row_bytes > 0 ? bytes / row_bytes : 1;
  }

  std::int64_t in_bytes(std::int64_t chunk) const {
    return rows_are_ == role::parameter ? 0 : bytes_of(rows_are_, chunk);
  }

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
           detail::is_in_order(out.row_stride, out.col_stride, recipe_.outputs[o].dim, output_chunk(o, rows_));
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

  const recipe& recipe_;
  const leaf_array* arrays_;
  domain counts_;
  const output_array* outputs_;
  role rows_are_;
  std::int64_t rows_;
  leaf_array on_device_[most_arrays] = {};
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
