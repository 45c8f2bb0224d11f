// kernfold/interop/mex.hpp: reductions as functions of MATLAB and GNU Octave. Needs their mex.h.
//
//   void mexFunction(int result_count, mxArray** results, int argument_count, const mxArray** arguments) {
//     kernfold::call_from_mex(kf::any_reduction<double>(kf::sum_reduction(exp(-g * sqdist(x, y)) * b)), result_count,
//                             results, argument_count, arguments);
//   }
//   >> a = gauss(X, Y, b, 0.5);
#pragma once

#include <mex.h>

#include "c.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The type of an array's numbers. Throws shape_error for those that no array of kernfold has.
inline element_code code_from_mex(const mxArray* a) {
  if (mxIsSparse(a) || mxIsComplex(a))
    throw shape_error(message() << "a " << (mxIsSparse(a) ? "sparse" : "complex")
                                << " array was given: kernfold takes full arrays of real numbers");
  switch (mxGetClassID(a)) {
    case mxSINGLE_CLASS:
      return code_of<float>;
    case mxDOUBLE_CLASS:
      return code_of<double>;
    case mxINT8_CLASS:
      return code_of<std::int8_t>;
    case mxINT16_CLASS:
      return code_of<std::int16_t>;
    case mxINT32_CLASS:
      return code_of<std::int32_t>;
    case mxINT64_CLASS:
      return code_of<std::int64_t>;
    case mxUINT16_CLASS:
      return code_of<std::uint16_t>;
    case mxUINT32_CLASS:
      return code_of<std::uint32_t>;
    case mxUINT64_CLASS:
      return code_of<std::uint64_t>;
    case mxUINT8_CLASS:
    case mxLOGICAL_CLASS:
      return code_of<std::uint8_t>;
    default:
      throw shape_error(message() << "an argument of class " << mxGetClassName(a) << " was given: no numbers");
  }
}

/// N x D, or N x D x B x ... for several problems: column by column, as these programs keep it.
inline loose_array describe_mex(const mxArray* a) {
  loose_array found;
  found.element = code_from_mex(a);
  found.data = mxGetData(a);
  const mwSize* const size = mxGetDimensions(a);
  const int pages = int(mxGetNumberOfDimensions(a)) - 2;
  if (pages > batch_shape::most)
    throw shape_error(message() << "an array of " << pages + 2 << " dimensions was given: at most " << batch_shape::most
                                << " come behind rows and components");
  found.rows = std::int64_t(size[0]);
  found.dim = std::int64_t(size[1]);
  found.row_stride = 1;
  found.col_stride = found.rows;
  found.is_flat = false;
  found.batch.rank = pages;
  std::int64_t stride = found.rows * found.dim;
  for (int k = 0; k < pages; ++k) {  // dimensions that agree are counted from the third here, from the last there
    found.batch.extents[pages - 1 - k] = std::int64_t(size[2 + k]);
    found.batch.strides[pages - 1 - k] = stride;
    stride *= std::int64_t(size[2 + k]);
  }
  return found;
}

inline bool is_parameter(const recipe& r, int position) {
  for (int s = 0; s < r.symbol_count; ++s)
    if (r.symbols[s].position == position) return r.symbols[s].symbol_role == role::parameter;
  return false;
}
/// A scalar of any class as number n of a call's arguments.
inline void set_number_from_mex(loose_memory& memory, int n, const mxArray* scalar) {
  switch (mxGetClassID(scalar)) {  // what a double may not hold
    case mxINT64_CLASS:
      return memory.set_number(n, load_number<std::int64_t>(mxGetData(scalar)));
    case mxUINT64_CLASS:
      return memory.set_number(n, load_number<std::uint64_t>(mxGetData(scalar)));
    default:
      return memory.set_number(n, double(mxGetScalar(scalar)));
  }
}

/// A matrix as an array of these programs; indices are counted from 1 there, and 0 says that there is none.
template <class T> mxArray* array_for_mex(const matrix<T>& values, const batch_shape& batch) {
  constexpr bool counts = std::is_same_v<T, std::int64_t>;
  mwSize size[2 + batch_shape::most] = {mwSize(values.rows()), mwSize(values.cols())};
  for (int k = 0; k < batch.rank; ++k) size[2 + k] = mwSize(batch.extents[batch.rank - 1 - k]);
  mxArray* const result = mxCreateNumericArray(mwSize(2 + batch.rank), size,
                                               counts                     ? mxINT64_CLASS
                                               : std::is_same_v<T, float> ? mxSINGLE_CLASS
                                                                          : mxDOUBLE_CLASS,
                                               mxREAL);
  T* const to = static_cast<T*>(mxGetData(result));
  const std::int64_t rows = values.rows(), columns = values.cols(), each = rows * columns;
  for (std::int64_t p = 0; p < values.batch(); ++p)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        to[p * each + c * rows + r] = values.data()[p * each + r * columns + c] + T(counts ? 1 : 0);
  return result;
}

template <class Element>
mxArray* compute_for_mex(const recipe& r, const void* executor, const loose_call& call, const batch_shape& batch) {
  matrix<Element> result;
  compute_any_new(r, executor, call, {}, result);
  return array_for_mex(result, batch);
}
template <class T> mxArray* compute_from_mex(const any_reduction<T>& reduction, int count, const mxArray** arguments) {
  const recipe& r = reduction.as_data();
  loose_memory memory(r, count);
  for (int n = 0; n < count; ++n) {
    memory[n] = describe_mex(arguments[n]);
    if (mxGetNumberOfElements(arguments[n]) == 1 && is_parameter(r, n)) set_number_from_mex(memory, n, arguments[n]);
  }
  const batch_shape batch = memory.batch();
  const loose_call call = memory.call();
  const cpu processor;
  const cuda_host device = reduction.device();
  const void* const executor = reduction.is_on_device() ? static_cast<const void*>(&device) : &processor;
  return reduction.gives_indices() ? compute_for_mex<std::int64_t>(r, executor, call, batch)
                                   : compute_for_mex<T>(r, executor, call, batch);
}
/// The result, or null and the beginning of a sentence.
template <class T>
mxArray* try_from_mex(const any_reduction<T>& reduction, int count, const mxArray** arguments, char* sentence,
                      std::size_t size) {
  try {
    return compute_from_mex(reduction, count, arguments);
  } catch (const std::exception& e) {
    copy_sentence(sentence, size, e.what());
  }
  return nullptr;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// The body of a mexFunction: results[0] becomes the reduction of the arguments, one for each position: N x D arrays of
/// the class that the formula has (`single` for float), read where they are; N x D x B x ... for several problems,
/// whose extents B, ... are those of the others or 1; for a parameter of one component, any scalar. Indices in the
/// result are counted from 1. What does not fit is an error of MATLAB, "kernfold:call", in a sentence.
template <class T>
void call_from_mex(const any_reduction<T>& reduction, int result_count, mxArray** results, int argument_count,
                   const mxArray** arguments) {
  static char sentence[2000];  // an error of MATLAB leaves this function without unwinding it
  if (result_count > 1) mexErrMsgIdAndTxt("kernfold:call", "a reduction has one result");
  results[0] = detail::try_from_mex(reduction, argument_count, arguments, sentence, sizeof sentence);
  if (results[0] == nullptr) mexErrMsgIdAndTxt("kernfold:call", "%s", sentence);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
