// kernfold/core/footprint.hpp: which bytes an array touches, so that results are never written over what is still to be
// read.
#pragma once

#include <cstdint>

#include "config.hpp"
#include "view.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// The bytes that a strided array touches: pieces of `piece` bytes, the first at `first`, `pitch` bytes from one to the
/// next, ending before `last`.
struct footprint {
  std::int64_t first = 0, last = 0, piece = 0, pitch = 0;
};

inline footprint footprint_of(const void* data, const array_shape& a, std::int64_t size) {
  if (a.rows <= 0 || a.dim <= 0) return {};
  const std::int64_t row = a.row_stride * size, col = a.col_stride * size;
  const std::int64_t rows = row * (a.rows - 1), cols = col * (a.dim - 1);
  const auto magnitude = [](std::int64_t n) { return n < 0 ? -n : n; };
  const auto start = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(data));
  const std::int64_t first = start + (rows < 0 ? rows : 0) + (cols < 0 ? cols : 0);
  const std::int64_t last = first + magnitude(rows) + magnitude(cols) + size;
  // The longer of the two strides separates the pieces. An axis of one element has no stride.
  const bool by_rows = a.dim == 1 || (a.rows > 1 && magnitude(row) >= magnitude(col));
  return {first, last, magnitude(by_rows ? cols : rows) + size, magnitude(by_rows ? row : col)};
}

/// Whether two strided arrays may touch a byte in common. Empty ones touch none. Two members of the same structs, or
/// two columns of a matrix, lie between each other without touching: arrays of the same pitch are compared piece by
/// piece, all others by the whole stretch of memory from first to last byte.
inline bool overlaps(const footprint& f, const footprint& g) {
  if (f.last <= g.first || g.last <= f.first) return false;
  if (f.pitch != g.pitch || f.piece > f.pitch || g.piece > g.pitch) return true;
  const std::int64_t ahead = ((f.first - g.first) % f.pitch + f.pitch) % f.pitch;  // of f's piece in g's pitch
  return ahead < g.piece || ahead + f.piece > f.pitch;
}
template <class T, class U> bool overlaps(const view<T>& a, const view<U>& b) {
  const auto touched = [](const auto& v) {
    return footprint_of(v.data(), {v.rows(), v.dim(), 0, v.row_stride(), v.col_stride(), false}, sizeof(*v.data()));
  };
  return overlaps(touched(a), touched(b));
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
