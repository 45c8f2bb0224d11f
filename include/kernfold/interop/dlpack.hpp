// kernfold/interop/dlpack.hpp: tensors of other libraries as arrays, without a copy, through DLPack.
//
// DLPack is a struct that PyTorch, JAX, NumPy, CuPy and others hand out: DLTensor, in a DLManagedTensor or, since its
// version 1, a DLManagedTensorVersioned. Their header is not needed here: whatever has their members will do.
#pragma once

#include "../core/device_view.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The codes of DLPack's DLDataTypeCode.
enum class dlpack_code : int { integer = 0, without_sign = 1, real = 2, bfloat = 4 };
/// Whether `code`, of so many bits, is T. Numbers of 16 bits that are no integers are told apart by the caller's T.
template <class T> bool is_dlpack_type(int code, int bits) {
  if (bits != int(8 * sizeof(T))) return false;
  if constexpr (std::is_integral_v<T>)
    return code == int(std::is_signed_v<T> ? dlpack_code::integer : dlpack_code::without_sign);
  else if constexpr (is_narrow_real<T>) return code == int(dlpack_code::real) || code == int(dlpack_code::bfloat);
  else return code == int(dlpack_code::real);
}
constexpr bool is_dlpack_host(int device) { return device == 1 || device == 3; }                  // also pinned
constexpr bool is_dlpack_cuda(int device) { return device == 2 || device == 3 || device == 13; }  // also managed

[[gnu::cold, gnu::noinline]] inline void refuse_dlpack_type(int code, int bits, int lanes, const char* wanted,
                                                            std::int64_t wanted_bits) {
  const char* const names[] = {"integers", "integers without sign", "real numbers", "handles", "bfloat numbers"};
  message m("a DLPack tensor of ");
  if (code >= 0 && code <= int(dlpack_code::bfloat)) m << names[code];
  else m << "type " << code;
  m << " of " << bits << " bits";
  if (lanes != 1) m << ", " << lanes << " at a time,";
  throw shape_error(m << " was given for " << wanted << " of " << wanted_bits << " bits");
}
[[gnu::cold, gnu::noinline]] inline void refuse_dlpack_device(int device, const char* wanted) {
  throw shape_error(message() << "a DLPack tensor in the memory of device type " << device << " was given as "
                              << wanted);
}
[[gnu::cold, gnu::noinline]] inline void refuse_dlpack_rank(int rank, int extents) {
  throw shape_error(message() << "a DLPack tensor of " << rank << " extents was given for rows of numbers with "
                              << extents << " batch extents, which have " << extents + 2);
}
[[gnu::cold, gnu::noinline]] inline void refuse_dlpack_version(std::int64_t version) {
  throw shape_error(message() << "a DLPack tensor of version " << version << " was given; versions up to 1 are known");
}
[[gnu::cold, gnu::noinline]] inline void refuse_dlpack_writing() {
  throw shape_error(message() << "a DLPack tensor that may only be read was given to be written; as "
                                 "kf::from_dlpack<const T>(tensor) it can be read");
}

/// The DLTensor in whatever holds it.
template <class Tensor> const auto& dlpack_tensor_in(const Tensor& t, bool is_written) {
  constexpr std::uint64_t read_only = 1;
  if constexpr (requires { t.version; }) {
    const auto& [number, minor_number] = t.version;  // some systems have macros by the names of these members
    (void)minor_number;
    if (number > 1) refuse_dlpack_version(std::int64_t(number));
    if (is_written && (std::uint64_t(t.flags) & read_only) != 0) refuse_dlpack_writing();
  }
  if constexpr (requires { t.dl_tensor; }) return t.dl_tensor;
  else return t;
}
/// The device of a tensor: DLPack before 0.6 calls it ctx.
template <class Tensor> int dlpack_device(const Tensor& t) {
  if constexpr (requires { t.device.device_type; }) return int(t.device.device_type);
  else return int(t.ctx.device_type);
}

/// A view of type View<T, BatchExtents> of a tensor.
template <template <class, int> class View, class T, int BatchExtents, class Tensor>
View<T, BatchExtents> view_dlpack(const Tensor& t) {
  using number = std::remove_const_t<T>;
  if (int(t.dtype.lanes) != 1 || !is_dlpack_type<number>(int(t.dtype.code), int(t.dtype.bits)))
    refuse_dlpack_type(
        int(t.dtype.code), int(t.dtype.bits), int(t.dtype.lanes),
        std::is_integral_v<number> ? (std::is_signed_v<number> ? "integers" : "integers without sign") : "real numbers",
        8 * std::int64_t(sizeof(number)));
  T* const data =
      reinterpret_cast<T*>(static_cast<char*>(const_cast<void*>(static_cast<const void*>(t.data))) + t.byte_offset);
  const int rank = int(t.ndim);
  if constexpr (BatchExtents == 0) {
    if (rank == 1) return {data, t.shape[0], 1, t.strides ? t.strides[0] : 1, 1};
  }
  if (rank != BatchExtents + 2) refuse_dlpack_rank(rank, BatchExtents);
  std::int64_t extents[BatchExtents + 2], strides[BatchExtents + 2], next = 1;
  for (int k = rank - 1; k >= 0; --k) {
    extents[k] = t.shape[k];
    strides[k] = t.strides ? t.strides[k] : next;
    next *= extents[k];
  }
  if constexpr (BatchExtents == 0) {
    return {data, extents[0], extents[1], strides[0], strides[1]};
  } else {
    std::int64_t leading[BatchExtents], leading_strides[BatchExtents];
    for (int k = 0; k < BatchExtents; ++k) {
      leading[k] = extents[k];
      leading_strides[k] = strides[k];
    }
    return {data,
            leading,
            leading_strides,
            extents[BatchExtents],
            extents[BatchExtents + 1],
            strides[BatchExtents],
            strides[BatchExtents + 1]};
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// A tensor in the memory of the host as an array: (N), (N, D), or, with BatchExtents leading extents, (B, ..., N, D).
/// Nothing is copied, and the tensor stays its owner's: it must live while the view does. T is the type of its numbers,
/// const where it is only read. Throws shape_error where it holds other numbers, has other extents, may not be written,
/// or lies elsewhere.
///   kf::from_dlpack<const float>(*managed_tensor)
template <class T, int BatchExtents = 0, class Tensor> view<T, BatchExtents> from_dlpack(const Tensor& tensor) {
  const auto& t = detail::dlpack_tensor_in(tensor, !std::is_const_v<T>);
  if (!detail::is_dlpack_host(detail::dlpack_device(t)))
    detail::refuse_dlpack_device(detail::dlpack_device(t), "an array of the host");
  return detail::view_dlpack<view, T, BatchExtents>(t);
}
/// The same for one in the memory of a CUDA device, for calls on kf::cuda.
template <class T, int BatchExtents = 0, class Tensor>
device_view<T, BatchExtents> from_dlpack_on_device(const Tensor& tensor) {
  const auto& t = detail::dlpack_tensor_in(tensor, !std::is_const_v<T>);
  if (!detail::is_dlpack_cuda(detail::dlpack_device(t)))
    detail::refuse_dlpack_device(detail::dlpack_device(t), "an array of a CUDA device");
  return detail::view_dlpack<device_view, T, BatchExtents>(t);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
