// kernfold/interop/torch_tensors.hpp: tensors of PyTorch as the arrays of a call, and its results as new tensors.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <string>
#include <utility>
#include <vector>

#include "torch_recipe.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// f(), its errors as PyTorch's: a ValueError, in Python too, for what does not fit.
template <class F> auto with_errors_of_torch(const F& f) {
  try {
    return f();
  } catch (const shape_error& e) {
    C10_THROW_ERROR(ValueError, e.what());
  } catch (const error& e) {
    C10_THROW_ERROR(Error, e.what());
  }
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_tensor_type(const message& m) {
  C10_THROW_ERROR(TypeError, m.c_str());
}

[[gnu::cold, gnu::noinline]] inline void refuse_undefined(const recipe& r, const symbol& s) {
  throw shape_error(name_argument(r, s) << ": an undefined tensor was given");
}
[[gnu::cold, gnu::noinline]] inline void refuse_layout(const recipe& r, const symbol& s, const at::Tensor& a) {
  throw shape_error(name_argument(r, s) << ": a tensor of layout " << c10::str(a.layout())
                                        << " was given, one of strides is needed");
}
[[gnu::cold, gnu::noinline]] inline void refuse_device(const recipe& r, const symbol& s, at::Device given,
                                                       const char* why) {
  throw shape_error(name_argument(r, s) << ": a tensor on " << given.str() << " was given" << why);
}
[[gnu::cold, gnu::noinline]] inline void refuse_other_device(const recipe& r, const symbol& s, at::Device given,
                                                             const symbol& first, at::Device wanted) {
  throw shape_error(name_argument(r, s) << ": a tensor on " << given.str() << " was given, argument " << first.position
                                        << " is on " << wanted.str());
}
[[gnu::cold, gnu::noinline]] inline void refuse_real(const torch_recipe& t, const symbol& s, at::ScalarType given) {
  const bool in_float = t.on_processor[0] != nullptr, in_double = t.on_processor[1] != nullptr;
  throw shape_error(name_argument(t.formula(), s)
                    << ": numbers of PyTorch's type " << c10::toString(given) << " were given, "
                    << (in_float && in_double ? "float or double"
                        : in_float            ? "float"
                                              : "double")
                    << " is needed");
}
[[gnu::cold, gnu::noinline]] inline void refuse_extents(const recipe& r, const symbol& s, std::int64_t rank) {
  throw shape_error(name_argument(r, s) << ": a tensor of " << rank << " extents was given: at most "
                                        << batch_shape::most << " come before rows and components");
}

/// The type of a tensor's numbers. Throws a TypeError for those that no array of kernfold has.
inline element_code code_from_torch(const recipe& r, const symbol& s, at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return code_of<float>;
    case at::kDouble:
      return code_of<double>;
    case at::kHalf:
    case at::kBFloat16:
      return {'h', 2};
    case at::kBool:
    case at::kByte:
      return code_of<std::uint8_t>;
    case at::kChar:
      return code_of<std::int8_t>;
    case at::kShort:
      return code_of<std::int16_t>;
    case at::kInt:
      return code_of<std::int32_t>;
    case at::kLong:
      return code_of<std::int64_t>;
    default:
      refuse_tensor_type(name_argument(r, s) << ": numbers of PyTorch's type " << c10::toString(type)
                                             << " were given, which are none of kernfold's");
  }
}
/// The same the other way round. PyTorch has no wide integers without sign.
inline at::ScalarType torch_type_of(const recipe& r, const symbol& s) {
  const element_code e = s.element;
  if (e.kind == 'f') return e.bytes == 4 ? at::kFloat : at::kDouble;
  if (e.kind == 'i') return e.bytes == 8 ? at::kLong : e.bytes == 4 ? at::kInt : e.bytes == 2 ? at::kShort : at::kChar;
  if (e.kind == 'u' && e.bytes == 1) return at::kByte;
  refuse_tensor_type(name_argument(r, s) << ": PyTorch has no tensors of " << name_of(e) << ", which it needs");
}

/// Of the symbols for which is_one_of(s), the one that comes first in the call; -1 where there is none.
template <class F> int first_symbol(const recipe& r, const F& is_one_of) {
  int first = -1;
  for (int s = 0; s < r.symbol_count; ++s)
    if (is_one_of(s) && (first < 0 || r.symbols[s].position < r.symbols[first].position)) first = s;
  return first;
}

/// The real type of a call: that of the first real tensor, and PyTorch's default where there is none. An undefined
/// tensor stands for a plain number, which has any.
inline at::ScalarType real_type_of(const torch_recipe& t, at::TensorList tensors) {
  const recipe& r = t.formula();
  const auto is_made_for = [&](at::ScalarType type) {
    return (type == at::kFloat && t.on_processor[0] != nullptr) ||
           (type == at::kDouble && t.on_processor[1] != nullptr);
  };
  const auto type_of = [&](int s) { return tensors[std::size_t(s)].scalar_type(); };
  const auto is_real = [&](int s) { return t.is_real[s] && tensors[std::size_t(s)].defined(); };
  if (const int s = first_symbol(r, [&](int s) { return is_real(s) && is_made_for(type_of(s)); }); s >= 0)
    return type_of(s);
  if (const int s = first_symbol(r, is_real); s >= 0) {
    code_from_torch(r, r.symbols[s], type_of(s));
    refuse_real(t, r.symbols[s], type_of(s));
  }
  const at::ScalarType usual = c10::typeMetaToScalarType(c10::get_default_dtype());
  return is_made_for(usual) ? usual : t.on_processor[0] != nullptr ? at::kFloat : at::kDouble;
}

/// Whether a tensor is one number, which may lie in the processor's memory wherever the others are.
inline bool is_torch_number(const symbol& s, const at::Tensor& a) {
  return s.symbol_role == role::parameter && s.dim == 1 && a.dim() == 0 && a.device().is_cpu();
}
/// The device of a call: that of its tensors.
inline at::Device device_of_call(const torch_recipe& t, at::TensorList tensors) {
  const recipe& r = t.formula();
  for (int s = 0; s < r.symbol_count; ++s) {
    const at::Tensor& a = tensors[std::size_t(s)];
    if (!a.defined()) refuse_undefined(r, r.symbols[s]);
    if (a.layout() != at::kStrided) refuse_layout(r, r.symbols[s], a);
  }
  const auto is_number = [&](int s) { return is_torch_number(r.symbols[s], tensors[std::size_t(s)]); };
  const int first = first_symbol(r, [&](int s) { return !is_number(s); });
  if (first < 0) return at::kCPU;
  const at::Device device = tensors[std::size_t(first)].device();
  for (int s = 0; s < r.symbol_count; ++s)
    if (const at::Device other = tensors[std::size_t(s)].device(); other != device && !is_number(s))
      refuse_other_device(r, r.symbols[s], other, r.symbols[first], device);
  if (!device.is_cpu() && !device.is_cuda())
    refuse_device(r, r.symbols[first], device, ": kernfold computes on cpu and cuda");
  if (device.is_cuda() && t.on_device[0] == nullptr && t.on_device[1] == nullptr)
    refuse_device(r, r.symbols[first], device,
                  ", and this function has no code for it: compile it by nvcc, with a PyTorch that has CUDA");
  return device;
}

/// (), (N), (N, D) or (B, ..., N, D).
inline array_shape shape_of_tensor(const recipe& r, const symbol& s, const at::Tensor& a) {
  const std::int64_t rank = a.dim();
  if (rank < 2) return rank == 0 ? flat_shape(1) : flat_shape(a.size(0), a.stride(0));
  if (rank - 2 > batch_shape::most) refuse_extents(r, s, rank);
  array_shape found{
      .rows = a.size(-2), .dim = a.size(-1), .row_stride = a.stride(-2), .col_stride = a.stride(-1), .is_flat = false};
  for (std::int64_t k = 0; k < rank - 2; ++k) found.batch.add(a.size(k), a.stride(k));
  return found;
}

/// The tensors of a call as arrays, in the order of the symbols; it outlives them.
class torch_arrays {
 public:
  torch_arrays(const recipe& r, at::TensorList tensors)
      : recipe_(r),
        given_(std::size_t(r.symbol_count) + 1),
        arrays_(std::size_t(r.symbol_count) + 1),
        numbers_(std::size_t(r.symbol_count) + 1) {
    for (int s = 0; s < r.symbol_count; ++s) {
      const at::Tensor& a = tensors[std::size_t(s)];
      if (const element_code given = code_from_torch(r, r.symbols[s], a.scalar_type()); given != r.symbols[s].element)
        refuse_element(r, r.symbols[s], given);
      describe(s, a.is_neg() ? kept_.emplace_back(a.resolve_neg()) : a);
    }
  }
  /// How many rows and columns, of how many problems.
  domain bind(extents told) { return bind_arrays(recipe_, given_.data(), arrays_.data(), told, &batch_); }
  const leaf_array* arrays() const { return arrays_.data(); }
  const batch_shape& batch() const { return batch_.shape; }

 private:
  const recipe& recipe_;
  std::vector<given_array> given_;
  std::vector<leaf_array> arrays_;
  std::vector<std::int64_t> numbers_;
  std::vector<at::Tensor> kept_;  // copies of such as are stored with the other sign
  bound_batch batch_{.bind = &bind_batch};

  void describe(int n, const at::Tensor& a) {
    const symbol& s = recipe_.symbols[n];
    given_array& to = given_[std::size_t(n)];
    static_cast<array_shape&>(to) = shape_of_tensor(recipe_, s, a);
    to.data = a.data_ptr();
    to.is_number = is_torch_number(s, a);
    if (!to.is_number) return;
    __builtin_memcpy(&numbers_[std::size_t(n)], to.data, s.element.bytes);
    to.data = &numbers_[std::size_t(n)];
  }
};

/// A new tensor (B, ..., N, D) for an output.
inline at::Tensor allocate_tensor(const output_shape& wanted, const batch_shape& batch, domain counts,
                                  at::ScalarType real, at::Device device) {
  std::vector<std::int64_t> shape(batch.extents, batch.extents + batch.rank);
  shape.push_back(output_rows(wanted.folds, counts));
  shape.push_back(wanted.dim);
  return at::empty(shape, at::TensorOptions(wanted.element.kind == 'i' ? at::kLong : real).device(device));
}

/// The outputs of a reduction, as new tensors. Throws c10::ValueError where the tensors do not fit.
inline std::vector<at::Tensor> compute_tensors(const torch_recipe& t, extents told, at::TensorList tensors) {
  const at::Device device = device_of_call(t, tensors);
  const at::ScalarType real = real_type_of(t, tensors);
  const recipe& r = *(device.is_cuda() ? t.on_device : t.on_processor)[real == at::kDouble];
  torch_arrays arrays(r, tensors);
  const domain counts = arrays.bind(told);
  std::vector<at::Tensor> results;
  std::vector<output_array> outputs;
  for (int o = 0; o < r.output_count; ++o) {
    const output_shape wanted = output_in_call(r, o, arrays.arrays());
    results.push_back(allocate_tensor(wanted, arrays.batch(), counts, real, device));
    const std::int64_t each = output_rows(wanted.folds, counts) * wanted.dim * wanted.element.bytes;
    outputs.push_back({.data = results.back().data_ptr(),
                       .row_stride = wanted.dim,
                       .col_stride = 1,
                       .add = false,
                       .problems = counts.batch == nullptr
                                       ? nullptr
                                       : counts.batch->place_in_order(*counts.batch, r.symbol_count + o, each),
                       .dim = wanted.dim});
  }
  if (device.is_cuda()) {
    torch_device::compute(r, device, arrays.arrays(), counts, outputs.data());
  } else {
    const cpu where{.threads = at::get_num_threads()};
    r.compute(&where, arrays.arrays(), counts, outputs.data());
  }
  return results;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
