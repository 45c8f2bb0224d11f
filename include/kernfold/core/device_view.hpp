// kernfold/core/device_view.hpp: arrays in the memory of a device. They are of other types than arrays of the host, so
// a pointer never goes to the wrong side. Plain C++: no CUDA header is needed to speak of them.
#pragma once

#include "view.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_VERSION_NAME {

/// Rows of numbers in the memory of a device, which belongs to somebody else: a view, but nothing here reads it.
///
///     kf::device_view{p, rows, dim}                            contiguous, row-major
///     kf::device_view{p, rows, dim, row_stride, col_stride}
///     kf::device_view{p, {B, H}, rows, dim}                    with batch extents, as kf::view
template <class T, int BatchExtents = 0> class device_view {
 public:
  using element_type = T;

  constexpr device_view() = default;
  template <std::integral Extent, std::size_t N>
  constexpr device_view(T* data, const Extent (&extents)[N], std::integral auto rows, std::integral auto dim)
      : on_device_(data, extents, rows, dim) {}
  template <std::integral Extent, std::integral Stride, std::size_t N>
  constexpr device_view(T* data, const Extent (&extents)[N], const Stride (&strides)[N], std::integral auto rows,
                        std::integral auto dim, std::integral auto row_stride, std::integral auto col_stride)
      : on_device_(data, extents, strides, rows, dim, row_stride, col_stride) {}
  constexpr device_view(T* data, std::integral auto rows, std::integral auto dim) : on_device_(data, rows, dim) {}
  constexpr device_view(T* data, std::integral auto rows, std::integral auto dim, std::integral auto row_stride,
                        std::integral auto col_stride)
      : on_device_(data, rows, dim, row_stride, col_stride) {}
  /// What may be written may also be read.
  template <class U>
    requires std::is_same_v<const U, T>
  constexpr device_view(const device_view<U, BatchExtents>& other) : on_device_(other.shown()) {}

  /// A pointer that only the device may follow.
  constexpr T* device_data() const { return on_device_.data(); }
  constexpr std::int64_t rows() const { return on_device_.rows(); }
  constexpr std::int64_t dim() const { return on_device_.dim(); }
  constexpr std::int64_t row_stride() const { return on_device_.row_stride(); }
  constexpr std::int64_t col_stride() const { return on_device_.col_stride(); }
  /// The same addresses as a view, whose numbers only the device may read.
  constexpr const view<T, BatchExtents>& shown() const { return on_device_; }

 private:
  view<T, BatchExtents> on_device_;
};

template <class T> device_view(T*, std::integral auto, std::integral auto) -> device_view<T>;
template <class T>
device_view(T*, std::integral auto, std::integral auto, std::integral auto, std::integral auto) -> device_view<T>;
template <class T, std::integral Extent, std::size_t N>
device_view(T*, const Extent (&)[N], std::integral auto, std::integral auto) -> device_view<T, int(N)>;
template <class T, std::integral Extent, std::integral Stride, std::size_t N>
device_view(T*, const Extent (&)[N], const Stride (&)[N], std::integral auto, std::integral auto, std::integral auto,
            std::integral auto) -> device_view<T, int(N)>;

}  // namespace KERNFOLD_VERSION_NAME

namespace detail {

/// kf::device_view and kf::device_matrix.
template <class A>
concept strided_device_array = requires(A& a) { a.device_data(), a.rows(), a.row_stride(), a.col_stride(); };
/// Vectors of other libraries, flat: data() gives a class that wraps a pointer, as thrust::device_vector's does.
template <class A>
concept wrapped_device_range = requires(A& a) {
  requires std::is_class_v<decltype(a.data())>;
  requires std::is_pointer_v<decltype(a.data().get())>;
  { a.size() } -> std::convertible_to<std::size_t>;
};

}  // namespace detail

/// What can be an argument of a call on a device, beside plain numbers.
template <class A>
concept device_array_like = detail::strided_device_array<std::remove_reference_t<A>> ||
                            detail::wrapped_device_range<std::remove_reference_t<A>>;

namespace detail {
inline namespace KERNFOLD_ABI {

/// The numbers of an array, wherever it is; const where they may only be read.
template <class A> auto describe_on_device(A& a) {
  if constexpr (strided_device_array<A>) {
    const auto dim = [&] {
      if constexpr (requires { a.dim(); }) return a.dim();
      else return a.cols();
    }();
    auto raw = row_array(a.device_data(), a.rows(), dim, a.row_stride(), a.col_stride());
    if constexpr (requires { a.shown(); }) add_batch(raw.batch, a.shown());
    else add_batch(raw.batch, a);
    return raw;
  } else {
    return flat_array(a.data().get(), static_cast<std::int64_t>(a.size()));
  }
}

/// The numbers of an argument, to be read, in the memory of either side.
template <class A> auto describe_anywhere(const A& a) {
  if constexpr (device_array_like<const A>) {
    const auto raw = describe_on_device(a);
    return raw_array<const std::remove_pointer_t<decltype(raw.data)>>{raw, raw.data};
  } else {
    return describe(a);
  }
}
/// The numbers of a target, to be written.
template <class A> auto describe_output_anywhere(A&& a) {
  using R = std::remove_reference_t<A>;
  if constexpr (device_array_like<R>) {
    const auto raw = describe_on_device(a);
    using T = std::remove_pointer_t<decltype(raw.data)>;
    static_assert(!std::is_const_v<T>,
                  "kernfold: the result cannot be written to an array of const elements; pass one that is not const");
    return raw_array<std::remove_const_t<T>>{raw, const_cast<std::remove_const_t<T>*>(raw.data)};
  } else {
    return describe_output(static_cast<A&&>(a));
  }
}

template <class A>
using element_anywhere =
    std::remove_const_t<std::remove_pointer_t<decltype(describe_anywhere(std::declval<const A&>()).data)>>;

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
