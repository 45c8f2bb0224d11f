// kernfold/core/view.hpp: arrays as they come. A view shows rows of numbers somewhere in memory; describe() finds them
// in whatever the caller has, fit() cuts them into rows of the dimension that a symbol asks for.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "error.hpp"
#include "point.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_VERSION_NAME {
// ---- views ---------------------------------------------------------------------------------------------------------

/// Rows of numbers in memory that belongs to somebody else: element (i, k) is data()[i row_stride() + k col_stride()],
/// for 0 <= i < rows() and 0 <= k < dim(). Strides count elements and may have any sign; 0 repeats a row or a
/// component.
///
///     kf::view{p, rows, dim}                            contiguous, row-major
///     kf::view{p, rows, dim, row_stride, col_stride}
///
/// With batch extents before the rows it shows one such array for each of B x H x ... problems:
///
///     kf::view{p, {B, H}, rows, dim}                    contiguous, the last extent fastest
///     kf::view{p, {B, H}, {batch_stride, head_stride}, rows, dim, row_stride, col_stride}
template <class T, int BatchExtents = 0> class view;
template <class T> class view<T, 0> {
  static_assert(is_element<std::remove_const_t<T>>,
                "kernfold: a view shows numbers; bool, characters and classes are no numbers");

 public:
  using element_type = T;

  KERNFOLD_HD constexpr view() {}
  KERNFOLD_HD constexpr view(T* data, std::integral auto rows, std::integral auto dim)
      : view(data, rows, dim, dim, 1) {}
  KERNFOLD_HD constexpr view(T* data, std::integral auto rows, std::integral auto dim, std::integral auto row_stride,
                             std::integral auto col_stride)
      : data_(data),
        rows_(static_cast<std::int64_t>(rows)),
        dim_(static_cast<std::int64_t>(dim)),
        row_stride_(static_cast<std::int64_t>(row_stride)),
        col_stride_(static_cast<std::int64_t>(col_stride)) {}
  /// What may be written may also be read.
  template <class U>
    requires std::is_same_v<const U, T>
  KERNFOLD_HD constexpr view(const view<U>& other)
      : view(other.data(), other.rows(), other.dim(), other.row_stride(), other.col_stride()) {}

  KERNFOLD_HD constexpr T* data() const { return data_; }
  KERNFOLD_HD constexpr std::int64_t rows() const { return rows_; }
  KERNFOLD_HD constexpr std::int64_t dim() const { return dim_; }
  KERNFOLD_HD constexpr std::int64_t row_stride() const { return row_stride_; }
  KERNFOLD_HD constexpr std::int64_t col_stride() const { return col_stride_; }
  KERNFOLD_HD constexpr T& operator()(std::int64_t i, std::int64_t k) const {
    return data_[i * row_stride_ + k * col_stride_];
  }

  /// Whether the elements are rows() * dim() neighbours in memory, row by row.
  KERNFOLD_HD constexpr bool is_contiguous() const {
    return rows_ == 0 || dim_ == 0 || ((dim_ == 1 || col_stride_ == 1) && (rows_ == 1 || row_stride_ == dim_));
  }

 private:
  T* data_ = nullptr;
  std::int64_t rows_ = 0, dim_ = 0, row_stride_ = 0, col_stride_ = 1;
};

/// The same for each problem of a batch; data(), rows() and (i, k) are those of the first one.
template <class T, int BatchExtents> class view : public view<T, 0> {
 public:
  static constexpr int batch_extents = BatchExtents;

  KERNFOLD_HD constexpr view() {}
  template <std::integral Extent>
  KERNFOLD_HD constexpr view(T* data, const Extent (&extents)[BatchExtents], std::integral auto rows,
                             std::integral auto dim)
      : view<T, 0>(data, rows, dim) {
    std::int64_t next = static_cast<std::int64_t>(rows) * static_cast<std::int64_t>(dim);
    for (int k = BatchExtents - 1; k >= 0; --k) {
      extents_[k] = static_cast<std::int64_t>(extents[k]);
      strides_[k] = next;
      next *= extents_[k];
    }
  }
  template <std::integral Extent, std::integral Stride>
  KERNFOLD_HD constexpr view(T* data, const Extent (&extents)[BatchExtents], const Stride (&strides)[BatchExtents],
                             std::integral auto rows, std::integral auto dim, std::integral auto row_stride,
                             std::integral auto col_stride)
      : view<T, 0>(data, rows, dim, row_stride, col_stride) {
    for (int k = 0; k < BatchExtents; ++k) {
      extents_[k] = static_cast<std::int64_t>(extents[k]);
      strides_[k] = static_cast<std::int64_t>(strides[k]);
    }
  }
  /// What may be written may also be read.
  template <class U>
    requires std::is_same_v<const U, T>
  KERNFOLD_HD constexpr view(const view<U, BatchExtents>& other) : view<T, 0>(other) {
    for (int k = 0; k < BatchExtents; ++k) {
      extents_[k] = other.batch_extent(k);
      strides_[k] = other.batch_stride(k);
    }
  }

  KERNFOLD_HD constexpr std::int64_t batch_extent(int k) const { return extents_[k]; }
  KERNFOLD_HD constexpr std::int64_t batch_stride(int k) const { return strides_[k]; }

 private:
  std::int64_t extents_[BatchExtents] = {}, strides_[BatchExtents] = {};
};

template <class T> view(T*, std::integral auto, std::integral auto) -> view<T>;
template <class T> view(T*, std::integral auto, std::integral auto, std::integral auto, std::integral auto) -> view<T>;
template <class T, std::integral Extent, std::size_t N>
view(T*, const Extent (&)[N], std::integral auto, std::integral auto) -> view<T, int(N)>;
template <class T, std::integral Extent, std::integral Stride, std::size_t N>
view(T*, const Extent (&)[N], const Stride (&)[N], std::integral auto, std::integral auto, std::integral auto,
     std::integral auto) -> view<T, int(N)>;

// ---- what an argument is -------------------------------------------------------------------------------------------

/// The leading extents of an array that has rows for each problem of a batch, and from one to the next in elements.
struct batch_shape {
  static constexpr int most = 8;
  int rank = 0;
  std::int64_t extents[most], strides[most];
  // Copies of most arrays' copy one number, 0.
  KERNFOLD_HD constexpr batch_shape() {}
  KERNFOLD_HD constexpr batch_shape(const batch_shape& other) { *this = other; }
  KERNFOLD_HD constexpr batch_shape& operator=(const batch_shape& other) {
    rank = other.rank;
    for (int k = 0; k < rank; ++k) {
      extents[k] = other.extents[k];
      strides[k] = other.strides[k];
    }
    return *this;
  }
  KERNFOLD_HD constexpr void add(std::int64_t extent, std::int64_t stride) {
    extents[rank] = extent;
    strides[rank++] = stride;
  }
};

/// What describe() finds out about an argument. A flat array is a run of `total` numbers, col_stride apart, that any
/// whole number of rows may share: its rows and dim are -1.
struct array_shape {
  std::int64_t rows = -1, dim = -1, total = 0, row_stride = 0, col_stride = 1;
  bool is_flat = true;
  batch_shape batch{};
};

/// `total` numbers in a row, `stride` apart.
KERNFOLD_INLINE constexpr array_shape flat_shape(std::int64_t total, std::int64_t stride = 1) {
  return {.total = total, .col_stride = stride};
}

template <class T> struct raw_array : array_shape {
  T* data = nullptr;
};

}  // namespace KERNFOLD_VERSION_NAME

namespace detail {

enum class array_kind { none, number, numbers, points, point, mdspan_1, mdspan_rows, strided, strided_vector };

template <class A>
concept contiguous_range = std::is_bounded_array_v<A> || requires(A& a) {
  { a.size() } -> std::convertible_to<std::size_t>;
  requires std::is_pointer_v<decltype(a.data())>;
};

template <contiguous_range A> KERNFOLD_INLINE constexpr auto* first_of(A& a) {
  if constexpr (std::is_array_v<A>) return &a[0];
  else return a.data();
}

template <contiguous_range A> KERNFOLD_INLINE constexpr std::int64_t count_of(A& a) {
  if constexpr (std::is_array_v<A>) return std::extent_v<A>;
  else return static_cast<std::int64_t>(a.size());
}

template <contiguous_range A> using item_of = std::remove_pointer_t<decltype(first_of(std::declval<A&>()))>;

// The components of the first of several points (a pointer, perhaps to none).
template <class P> KERNFOLD_INLINE auto* components_of(P* point) {
  return reinterpret_cast<with_const_of<P, typename point_traits<std::remove_const_t<P>>::element>*>(point);
}

template <class A>
concept our_strided = requires(A& a) {
  requires is_element<std::remove_const_t<std::remove_pointer_t<decltype(a.data())>>>;
  a.rows(), a.row_stride(), a.col_stride();
};

template <class A>
concept eigen_strided = requires(A& a) {
  requires is_element<std::remove_const_t<std::remove_pointer_t<decltype(a.data())>>>;
  a.rows(), a.cols(), a.rowStride(), a.colStride();
};

template <class A>
concept mdspan_like = requires(A& a) {
  requires std::is_pointer_v<std::remove_cvref_t<decltype(a.data_handle())>>;
  requires is_element<std::remove_const_t<std::remove_pointer_t<std::remove_cvref_t<decltype(a.data_handle())>>>>;
  a.extent(0), a.stride(0), A::rank();
};

// Answers for the type as it comes, const or not: what a const array shows may differ from what it shows otherwise.
template <class A> consteval array_kind kind_of() {
  using P = std::remove_const_t<A>;
  if constexpr (is_element<P>) {
    return array_kind::number;
  } else if constexpr (our_strided<A>) {
    return array_kind::strided;
  } else if constexpr (eigen_strided<A>) {
    if constexpr (requires { requires bool(P::IsVectorAtCompileTime); }) return array_kind::strided_vector;
    return array_kind::strided;
  } else if constexpr (mdspan_like<A>) {
    constexpr auto rank = P::rank();
    return rank == 1                                              ? array_kind::mdspan_1
           : rank >= 2 && int(rank) - 2 <= int(batch_shape::most) ? array_kind::mdspan_rows
                                                                  : array_kind::none;
  } else if constexpr (contiguous_range<A>) {
    using item = std::remove_const_t<item_of<A>>;
    return is_element<item> ? array_kind::numbers : point_like<item> ? array_kind::points : array_kind::none;
  } else {
    return point_like<P> ? array_kind::point : array_kind::none;
  }
}

template <class A> inline constexpr bool holds_bool = std::is_same_v<std::remove_all_extents_t<A>, bool>;
template <class A>
  requires requires { typename A::value_type; }
inline constexpr bool holds_bool<A> = std::is_same_v<std::remove_const_t<typename A::value_type>, bool>;

/// Says in a sentence why a type is no array.
template <class A> consteval bool is_array_or_says_why() {
  using V = std::remove_cvref_t<A>;
  constexpr bool known = kind_of<std::remove_reference_t<A>>() != array_kind::none;
  static_assert(known || !std::is_pointer_v<V>,
                "kernfold: a pointer does not say how many numbers stand behind it; pass kf::view{pointer, rows, dim}");
  static_assert(known || !holds_bool<V>,
                "kernfold: an array of bool is no array of numbers; pass 0 and 1 as std::uint8_t or in the real type");
  static_assert(known || std::is_pointer_v<V> || holds_bool<V>,
                "kernfold: this argument is no array of numbers; pass a number, a contiguous range of numbers or of "
                "points, a matrix or mdspan with rows and strides, or kf::view{pointer, rows, dim}");
  return known;
}

template <class T>
KERNFOLD_INLINE constexpr raw_array<T> flat_array(T* data, std::int64_t total, std::int64_t stride = 1) {
  return {flat_shape(total, stride), data};
}

template <class T>
KERNFOLD_INLINE constexpr raw_array<T> row_array(T* data, std::int64_t rows, std::int64_t dim, std::int64_t row_stride,
                                                 std::int64_t col_stride) {
  return {{.rows = rows,
           .dim = dim,
           .total = rows * dim,
           .row_stride = row_stride,
           .col_stride = col_stride,
           .is_flat = false},
          data};
}

inline namespace KERNFOLD_ABI {

// The batch extents of one of our own arrays.
template <class A> KERNFOLD_INLINE void add_batch(batch_shape& to, const A& a) {
  if constexpr (requires { A::batch_extents; }) {
    static_assert(A::batch_extents <= batch_shape::most, "kernfold: an array has at most eight batch extents");
    for (int k = 0; k < A::batch_extents; ++k) to.add(a.batch_extent(k), a.batch_stride(k));
  } else if constexpr (requires { a.batch(); }) {
    if (a.batch() != 1) to.add(a.batch(), a.rows() * a.row_stride());
  }
}

// The numbers of `a`: const where they may only be read.
template <class A> auto describe_as_it_comes(A& a) {
  constexpr array_kind kind = kind_of<A>();
  if constexpr (kind == array_kind::number) {
    return flat_array(&a, 1);
  } else if constexpr (kind == array_kind::numbers) {
    return flat_array(first_of(a), count_of(a));
  } else if constexpr (kind == array_kind::points) {
    using P = point_traits<std::remove_const_t<item_of<A>>>;
    constexpr std::int64_t stride = sizeof(item_of<A>) / sizeof(typename P::element);
    return row_array(components_of(first_of(a)), count_of(a), P::dim, stride, 1);
  } else if constexpr (kind == array_kind::point) {
    return flat_array(components_of(__builtin_addressof(a)), point_traits<std::remove_const_t<A>>::dim);
  } else if constexpr (kind == array_kind::mdspan_1) {
    return flat_array(a.data_handle(), a.extent(0), a.stride(0));
  } else if constexpr (kind == array_kind::mdspan_rows) {
    constexpr auto leading = std::remove_const_t<A>::rank() - 2;
    auto raw =
        row_array(a.data_handle(), a.extent(leading), a.extent(leading + 1), a.stride(leading), a.stride(leading + 1));
    for (int k = 0; k < int(leading); ++k)
      raw.batch.add(static_cast<std::int64_t>(a.extent(std::size_t(k))),
                    static_cast<std::int64_t>(a.stride(std::size_t(k))));
    return raw;
  } else if constexpr (kind == array_kind::strided_vector) {
    return flat_array(a.data(), a.rows() * a.cols(), a.cols() == 1 ? a.rowStride() : a.colStride());
  } else if constexpr (eigen_strided<A>) {
    return row_array(a.data(), a.rows(), a.cols(), a.rowStride(), a.colStride());
  } else if constexpr (kind == array_kind::strided) {
    const auto dim = [&] {
      if constexpr (requires { a.dim(); }) return a.dim();
      else return a.cols();
    }();
    auto raw = row_array(a.data(), a.rows(), dim, a.row_stride(), a.col_stride());
    add_batch(raw.batch, a);
    return raw;
  } else {
    return raw_array<const double>{};
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

/// What can be an argument: a number; a contiguous range of numbers (flat) or of points (rows); an Eigen matrix, map or
/// block; an mdspan, whose extents before the last two are those of a batch; a kf::matrix or kf::view. No header of
/// theirs is needed.
template <class A>
concept array_like = detail::kind_of<const std::remove_reference_t<A>>() != detail::array_kind::none;

inline namespace KERNFOLD_ABI {

/// The numbers of an argument, to be read while the argument lives.
template <class A> auto describe(const A& a) {
  (void)detail::is_array_or_says_why<const A>();
  const auto raw = detail::describe_as_it_comes(a);
  return raw_array<const std::remove_pointer_t<decltype(raw.data)>>{raw, raw.data};
}

/// The numbers of a target, to be written: whatever can be an argument and is not const; a view or span may be a
/// temporary.
template <class A> auto describe_output(A&& a) {
  using R = std::remove_reference_t<A>;
  (void)detail::is_array_or_says_why<R>();
  const auto raw = detail::describe_as_it_comes(a);
  using T = std::remove_pointer_t<decltype(raw.data)>;
  constexpr bool known = detail::kind_of<R>() != detail::array_kind::none;
  static_assert(!known || !std::is_const_v<T>,
                "kernfold: the result cannot be written to an array of const elements; pass one that is not const");
  static_assert(!known || !is_element<R> || std::is_lvalue_reference_v<A>,
                "kernfold: the result would be written to a temporary number and lost; pass a variable");
  return raw_array<std::remove_const_t<T>>{raw, const_cast<std::remove_const_t<T>*>(raw.data)};
}

}  // namespace KERNFOLD_ABI

/// The type of an argument's numbers, without const.
template <class A>
using element_of = std::remove_const_t<std::remove_pointer_t<decltype(describe(std::declval<const A&>()).data)>>;

// ---- rows of the dimension asked for -------------------------------------------------------------------------------

/// Why an array does not fit a dimension.
enum class misfit : unsigned char { none, ragged, other_dim, negative, repeated };

template <class T> struct fitted {
  view<T> array;
  misfit why = misfit::none;
  KERNFOLD_INLINE explicit operator bool() const { return why == misfit::none; }
};

inline namespace KERNFOLD_ABI {

/// Whether two index pairs of a strided array are one place in memory. The shortest way from a place back to itself is
/// col_stride / g rows one way and row_stride / g components the other, with g = gcd(row_stride, col_stride).
inline bool repeats_elements(const array_shape& a) {
  const auto magnitude = [](std::int64_t n) { return n < 0 ? -n : n; };
  if (a.is_flat) return a.total > 1 && a.col_stride == 0;
  if (a.rows <= 0 || a.dim <= 0) return false;
  if (a.rows == 1) return a.dim > 1 && a.col_stride == 0;
  if (a.dim == 1) return a.row_stride == 0;
  const std::int64_t row = magnitude(a.row_stride), col = magnitude(a.col_stride);
  std::int64_t g = row;
  for (std::int64_t rest = col; rest != 0;) {
    const std::int64_t next = g % rest;
    g = rest;
    rest = next;
  }
  return g == 0 || (col / g < a.rows && row / g < a.dim);
}

/// Cuts an array into rows of dimension `dim` > 0: flat arrays are cut, the others must have that dimension. An array
/// that is to be written may not hold the same place twice.
inline misfit fit_rows(array_shape& a, std::int64_t dim, bool is_written) {
  if (is_written && repeats_elements(a)) return misfit::repeated;
  if (a.is_flat) {
    if (a.total % dim != 0) return misfit::ragged;
    a = {.rows = a.total / dim,
         .dim = dim,
         .total = a.total,
         .row_stride = dim * a.col_stride,
         .col_stride = a.col_stride,
         .is_flat = false};
    return misfit::none;
  }
  if (a.rows < 0 || a.dim < 0) return misfit::negative;
  // An array that was never given a shape is one of no rows.
  if (a.dim != dim && (a.rows != 0 || a.dim != 0)) return misfit::other_dim;
  a.dim = dim;
  return misfit::none;
}

/// The rows of dimension `dim` > 0 of an array.
template <class T> fitted<T> fit(const raw_array<T>& a, std::int64_t dim) {
  array_shape rows = a;
  if (const misfit why = fit_rows(rows, dim, !std::is_const_v<T>); why != misfit::none) return {{}, why};
  return {{a.data, rows.rows, dim, rows.row_stride, rows.col_stride}};
}

/// The end of the sentence that says why `a` does not fit `dim`; the caller writes its beginning, the argument's name.
[[gnu::cold, gnu::noinline]] inline message explain(misfit why, const array_shape& a, std::int64_t dim) {
  message m;
  if (why == misfit::ragged)
    m << a.total << (a.total == 1 ? " number is" : " numbers are") << " no whole number of rows of dimension " << dim;
  if (why == misfit::other_dim)
    m << "rows of dimension " << a.dim << " were given, " << dim << (dim == 1 ? " is" : " are") << " needed";
  if (why == misfit::negative) m << a.rows << " rows of dimension " << a.dim << " were given, neither may be negative";
  if (why == misfit::repeated) m << "its strides put several elements in one place, so it cannot be written";
  return m;
}

/// The rows of dimension `dim` of an argument. Throws shape_error where it has none.
template <class A> view<const element_of<A>> as_view(const A& a, std::int64_t dim) {
  const auto raw = describe(a);
  const auto result = fit(raw, dim);
  if (!result) throw shape_error(explain(result.why, raw, dim));
  return result.array;
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
