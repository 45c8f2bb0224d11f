// kernfold/core/matrix.hpp: the library's own array, in which results come back.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "config.hpp"
#include "error.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {

inline constexpr std::align_val_t matrix_alignment{64};  // a cache line, and the widest register

inline namespace KERNFOLD_ABI {

// Memory for rows x cols elements of `size` bytes, none for an empty matrix. Throws shape_error, std::bad_alloc.
KERNFOLD_ONCE void* allocate_matrix(std::int64_t rows, std::int64_t cols, std::int64_t size) {
  if (rows < 0 || cols < 0)
    throw shape_error(message() << "a matrix of " << rows << " x " << cols << " elements cannot be: negative shape");
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(rows, cols, &bytes) || __builtin_mul_overflow(bytes, size, &bytes))
    throw shape_error(message() << "a matrix of " << rows << " x " << cols << " elements of " << size
                                << " bytes is larger than any memory");
  return bytes == 0 ? nullptr : ::operator new(static_cast<std::size_t>(bytes), matrix_alignment);
}

[[gnu::cold, gnu::noinline]] inline void refuse_index(std::int64_t i, std::int64_t k, std::int64_t rows,
                                                      std::int64_t cols) {
  throw index_error(message() << "element (" << i << ", " << k << ") of a matrix of " << rows << " x " << cols);
}
/// The rows of a batch of matrices. Throws shape_error.
KERNFOLD_ONCE std::int64_t rows_of_batch(std::int64_t batch, std::int64_t rows) {
  std::int64_t all = 0;
  if (batch < 0 || rows < 0 || __builtin_mul_overflow(batch, rows, &all))
    throw shape_error(message() << batch << " matrices of " << rows << " rows cannot be");
  return all;
}
[[gnu::cold, gnu::noinline]] inline void refuse_problem(std::int64_t b, std::int64_t batch) {
  throw index_error(message() << "problem " << b << " of a batch of " << batch);
}
[[gnu::cold, gnu::noinline]] inline void refuse_index(std::int64_t n, std::int64_t size) {
  throw index_error(message() << "element [" << n << "] of a matrix of " << size
                              << (size == 1 ? " element" : " elements"));
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
inline namespace KERNFOLD_VERSION_NAME {

/// An owning row-major array of rows() x cols() elements, aligned to 64 bytes; or of batch() such arrays, one behind
/// the other. A new matrix(rows, cols) is not initialised, since whoever makes one is about to fill it; zeros(rows,
/// cols) is.
template <class T> class matrix {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T> && !std::is_const_v<T>,
                "kernfold: a matrix holds plain numbers");

 public:
  using value_type = T;

  matrix() = default;
  /// Throws shape_error where the shape is negative or its size is not representable, std::bad_alloc.
  KERNFOLD_INLINE matrix(std::integral auto rows, std::integral auto cols)
      : rows_(static_cast<std::int64_t>(rows)),
        cols_(static_cast<std::int64_t>(cols)),
        data_(static_cast<T*>(detail::allocate_matrix(rows_, cols_, sizeof(T)))) {}
  KERNFOLD_INLINE matrix(std::integral auto batch, std::integral auto rows, std::integral auto cols)
      : matrix(detail::rows_of_batch(batch, rows), cols) {
    rows_ = static_cast<std::int64_t>(rows);
    batch_ = static_cast<std::int64_t>(batch);
  }
  KERNFOLD_INLINE static matrix zeros(std::integral auto rows, std::integral auto cols) {
    matrix m(rows, cols);
    if (m.size() > 0) __builtin_memset(m.data_, 0, m.bytes());
    return m;
  }

  KERNFOLD_INLINE matrix(const matrix& other) : matrix(other.batch_, other.rows_, other.cols_) {
    if (data_) __builtin_memcpy(data_, other.data_, bytes());
  }
  KERNFOLD_INLINE matrix(matrix&& other) noexcept { swap(other); }
  KERNFOLD_INLINE matrix& operator=(matrix other) noexcept {
    swap(other);
    return *this;
  }
  KERNFOLD_INLINE ~matrix() {
    if (data_) ::operator delete(data_, detail::matrix_alignment);
  }
  KERNFOLD_INLINE void swap(matrix& other) noexcept {
    const auto exchange = [](auto& a, auto& b) KERNFOLD_INLINE_LAMBDA {
      const auto kept = a;
      a = b;
      b = kept;
    };
    exchange(data_, other.data_);
    exchange(rows_, other.rows_);
    exchange(cols_, other.cols_);
    exchange(batch_, other.batch_);
  }

  KERNFOLD_INLINE std::int64_t rows() const noexcept { return rows_; }
  KERNFOLD_INLINE std::int64_t cols() const noexcept { return cols_; }
  KERNFOLD_INLINE std::int64_t batch() const noexcept { return batch_; }
  KERNFOLD_INLINE std::int64_t size() const noexcept { return batch_ * rows_ * cols_; }
  KERNFOLD_INLINE std::int64_t row_stride() const noexcept { return cols_; }
  KERNFOLD_INLINE std::int64_t col_stride() const noexcept { return 1; }

  KERNFOLD_INLINE T* data() noexcept { return data_; }
  KERNFOLD_INLINE const T* data() const noexcept { return data_; }
  KERNFOLD_INLINE T* begin() noexcept { return data_; }
  KERNFOLD_INLINE const T* begin() const noexcept { return data_; }
  KERNFOLD_INLINE T* end() noexcept { return data_ + size(); }
  KERNFOLD_INLINE const T* end() const noexcept { return data_ + size(); }

  /// Element k of row i (of problem b), and element n of all. Throws index_error in debug builds (NDEBUG not defined)
  /// where there is none.
  KERNFOLD_INLINE T& operator()(std::int64_t i, std::int64_t k) { return data_[place(i, k)]; }
  KERNFOLD_INLINE const T& operator()(std::int64_t i, std::int64_t k) const { return data_[place(i, k)]; }
  KERNFOLD_INLINE T& operator()(std::int64_t b, std::int64_t i, std::int64_t k) { return data_[place(b, i, k)]; }
  KERNFOLD_INLINE const T& operator()(std::int64_t b, std::int64_t i, std::int64_t k) const {
    return data_[place(b, i, k)];
  }
  KERNFOLD_INLINE T& operator[](std::int64_t n) { return data_[place(n)]; }
  KERNFOLD_INLINE const T& operator[](std::int64_t n) const { return data_[place(n)]; }

  /// The same shape and equal elements: 0 equals -0, and NaN equals nothing.
  friend KERNFOLD_INLINE bool operator==(const matrix& a, const matrix& b) noexcept {
    if (a.rows_ != b.rows_ || a.cols_ != b.cols_ || a.batch_ != b.batch_) return false;
    for (std::int64_t n = 0; n < a.size(); ++n)
      if (!(a.data_[n] == b.data_[n])) return false;
    return true;
  }

 private:
  KERNFOLD_INLINE std::int64_t place(std::int64_t i, std::int64_t k) const {
#if KERNFOLD_CHECKS_INDICES
    if (i < 0 || i >= rows_ || k < 0 || k >= cols_) [[unlikely]]
      detail::refuse_index(i, k, rows_, cols_);
#endif
    return i * cols_ + k;
  }
  KERNFOLD_INLINE std::int64_t place(std::int64_t b, std::int64_t i, std::int64_t k) const {
#if KERNFOLD_CHECKS_INDICES
    if (b < 0 || b >= batch_) [[unlikely]]
      detail::refuse_problem(b, batch_);
#endif
    return b * rows_ * cols_ + place(i, k);
  }
  KERNFOLD_INLINE std::int64_t place(std::int64_t n) const {
#if KERNFOLD_CHECKS_INDICES
    if (n < 0 || n >= size()) [[unlikely]]
      detail::refuse_index(n, size());
#endif
    return n;
  }
  KERNFOLD_INLINE std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }

  std::int64_t rows_ = 0, cols_ = 0, batch_ = 1;
  T* data_ = nullptr;
};

}  // namespace KERNFOLD_VERSION_NAME
}  // namespace kernfold
KERNFOLD_STRICT_END
