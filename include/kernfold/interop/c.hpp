// kernfold/interop/c.hpp: the body of a function that C can call.
//
//   extern "C" int gauss(kf_array result, const kf_array* arguments, int argument_count, char* message, size_t
//   message_size) {
//     return kernfold::into_from_c(kf::any_reduction<float>(kf::sum_reduction(exp(-g * sqdist(x, y)) * b)), result,
//     arguments,
//                                  argument_count, message, message_size);
//   }
#pragma once

#include <exception>
#include <new>

#include "c.h"
#include "loose.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

inline element_code code_from_c(std::int32_t element) {
  constexpr element_code codes[] = {code_of<float>,        code_of<double>,        code_of<std::int8_t>,
                                    code_of<std::int16_t>, code_of<std::int32_t>,  code_of<std::int64_t>,
                                    code_of<std::uint8_t>, code_of<std::uint16_t>, code_of<std::uint32_t>,
                                    code_of<std::uint64_t>};
  if (element < 0 || element > kf_uint64)
    throw shape_error(message() << "element type " << element << " is no kf_element");
  return codes[element];
}

inline loose_array array_from_c(const kf_array& a) {
  if (a.data == nullptr && a.rows > 0 && a.dim > 0)
    throw shape_error(message() << "an array of " << a.rows << " rows of dimension " << a.dim
                                << " has no memory: its data is NULL");
  return {{{.rows = a.rows, .dim = a.dim, .row_stride = a.row_stride, .col_stride = a.col_stride, .is_flat = false},
           a.data,
           false},
          code_from_c(a.element)};
}

template <class T>
void compute_into_c(const recipe& r, const void* executor, const loose_array& result, const loose_call& call) {
  T* const data = static_cast<T*>(const_cast<void*>(result.data));
  compute_any_into<T>(r, executor, call, {static_cast<const array_shape&>(result), data}, false);
}

KERNFOLD_ONCE void compute_from_c(const recipe& r, const void* executor, const kf_array& result,
                                  const kf_array* arguments, int count) {
  loose_memory memory(r, count);
  for (int n = 0; n < count; ++n) memory[n] = array_from_c(arguments[n]);
  const loose_call call = memory.call();
  const loose_array target = array_from_c(result);
  if (target.element == code_of<float>) compute_into_c<float>(r, executor, target, call);
  else if (target.element == code_of<double>) compute_into_c<double>(r, executor, target, call);
  else if (target.element == code_of<std::int64_t>) compute_into_c<std::int64_t>(r, executor, target, call);
  else refuse_output_element(r, target.element);
}

/// The beginning of a sentence, as long as there is room.
inline void copy_sentence(char* to, std::size_t size, const char* sentence) noexcept {
  if (to == nullptr || size == 0) return;
  std::size_t n = 0;
  for (; n + 1 < size && sentence[n] != '\0'; ++n) to[n] = sentence[n];
  to[n] = '\0';
}

KERNFOLD_ONCE kf_status into_from_c(const recipe& r, const void* executor, const kf_array& result,
                                    const kf_array* arguments, int count, char* message,
                                    std::size_t message_size) noexcept {
  const auto say = [&](kf_status status, const char* sentence) {
    copy_sentence(message, message_size, sentence);
    return status;
  };
  try {
    if (executor == nullptr) refuse_processor(r);
    compute_from_c(r, executor, result, arguments, count);
    return say(kf_ok, "");
  } catch (const shape_error& e) {
    return say(kf_shape_error, e.what());
  } catch (const overlap_error& e) {
    return say(kf_overlap_error, e.what());
  } catch (const stopped& e) {
    return say(kf_stopped, e.what());
  } catch (const instruction_set_error& e) {
    return say(kf_instruction_set_error, e.what());
  } catch (const std::bad_alloc&) {
    return say(kf_out_of_memory, "there is not enough memory");
  } catch (const std::exception& e) {
    return say(kf_other_error, e.what());
  } catch (...) {
    return say(kf_other_error, "an exception that is no std::exception");
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Writes the result of a reduction to the caller's memory: any_reduction::into for arrays that come from C, one for
/// each position. Never throws: returns the status, and writes the error's sentence, or an empty one, to
/// message[message_size], which may be NULL.
template <class T>
kf_status into_from_c(const any_reduction<T>& r, const kf_array& result, const kf_array* arguments, int argument_count,
                      char* message, std::size_t message_size) noexcept {
  const cuda_host device = r.device();
  const cpu processor;
  const void* const executor = r.is_on_device() ? static_cast<const void*>(&device) : &processor;
  return detail::into_from_c(r.as_data(), executor, result, arguments, argument_count, message, message_size);
}
/// The same, on the processor, with these threads, this instruction set, this progress and stop condition.
template <class T>
kf_status into_from_c(const any_reduction<T>& r, const kf_array& result, const kf_array* arguments, int argument_count,
                      char* message, std::size_t message_size, const cpu& where) noexcept {
  return detail::into_from_c(r.as_data(), r.is_on_device() ? nullptr : &where, result, arguments, argument_count,
                             message, message_size);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
