// kernfold/interop/numpy.hpp: reductions as functions of a Python module, for arrays of NumPy. Needs pybind11.
//
//   PYBIND11_MODULE(kernels, m) {
//     kernfold::def_numpy(m, "gauss", kf::any_reduction<float>(kf::sum_reduction(exp(-g * sqdist(x, y)) * b)));
//   }
//   >>> kernels.gauss(X, Y, B, 0.5)
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "loose.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The type of an array's numbers. Throws a TypeError for those that no array of kernfold has.
inline element_code code_from_numpy(const pybind11::array& a) {
  const pybind11::dtype type = a.dtype();
  const char kind = type.kind() == 'b' ? 'u' : type.kind();
  const auto bytes = static_cast<unsigned char>(type.itemsize());
  const bool is_real = kind == 'f' && bytes <= 8, is_integer = kind == 'i' || kind == 'u';
  if (!is_real && !is_integer)
    throw pybind11::type_error("numbers of NumPy's type " + pybind11::cast<std::string>(type.attr("name")) +
                               " were given, which are none of kernfold's");
  return {bytes == 2 && is_real ? 'h' : kind, bytes};
}
/// Whether a program can read its numbers where they are.
inline bool is_readable(const pybind11::array& a) {
  return pybind11::cast<bool>(a.attr("dtype").attr("isnative")) &&
         pybind11::cast<bool>(a.attr("flags").attr("aligned"));
}

/// (), (N), (N, D) or (B, ..., N, D), where they are.
inline loose_array describe_numpy(const pybind11::array& a) {
  loose_array found;
  found.element = code_from_numpy(a);
  found.data = a.data();
  if (!is_readable(a))
    throw shape_error(message() << "an array of NumPy whose numbers are not aligned, or have the byte order of another "
                                   "machine, was given: copy it first");
  const int rank = int(a.ndim());
  const auto stride = [&](int k) {
    if (a.strides(k) % a.itemsize() != 0)
      throw shape_error(message() << "an array of NumPy whose numbers are " << std::int64_t(a.strides(k))
                                  << " bytes apart, which is no multiple of their size, was given: copy it first");
    return std::int64_t(a.strides(k) / a.itemsize());
  };
  if (rank < 2) {
    static_cast<array_shape&>(found) = rank == 0 ? flat_shape(1) : flat_shape(a.shape(0), stride(0));
    return found;
  }
  const int leading = rank - 2;
  if (leading > batch_shape::most)
    throw shape_error(message() << "an array of NumPy of " << rank << " extents was given: at most "
                                << batch_shape::most << " come before rows and components");
  found.rows = a.shape(leading);
  found.dim = a.shape(leading + 1);
  found.row_stride = stride(leading);
  found.col_stride = stride(leading + 1);
  found.is_flat = false;
  found.batch.rank = leading;
  for (int k = 0; k < leading; ++k) {
    found.batch.extents[k] = a.shape(k);
    found.batch.strides[k] = stride(k);
  }
  return found;
}

inline void describe_argument(loose_memory& memory, int n, const pybind11::handle& argument) {
  if (PyFloat_Check(argument.ptr())) return memory.set_number(n, pybind11::cast<double>(argument));
  if (PyLong_Check(argument.ptr())) return memory.set_number(n, pybind11::cast<std::int64_t>(argument));
  if (!pybind11::isinstance<pybind11::array>(argument))
    throw pybind11::type_error("an argument of a reduction is an array of NumPy or a number");
  memory[n] = describe_numpy(pybind11::reinterpret_borrow<pybind11::array>(argument));
}

/// What a call is told besides its arguments.
struct numpy_options {
  pybind11::object out;
  extents told;
  int threads;
};

/// f(), with other threads of Python running, and with its errors as those of Python. Ctrl-C ends it.
template <class F> void compute_beside_python(int threads, const F& f) {
  try {
    const pybind11::gil_scoped_release others_run;
    f(cpu{.threads = threads, .stop = [] {
            const pybind11::gil_scoped_acquire here;
            return PyErr_CheckSignals() != 0;
          }});
  } catch (const stopped& e) {
    if (PyErr_Occurred() != nullptr) throw pybind11::error_already_set();
    throw std::runtime_error(e.what());
  } catch (const shape_error& e) {
    throw pybind11::value_error(e.what());
  } catch (const overlap_error& e) {
    throw pybind11::value_error(e.what());
  }
}

/// The numbers of a matrix as an array of NumPy, which owns them: (B, ..., N, D), where B, ... are the batch's extents.
template <class T> pybind11::array array_of(matrix<T>&& values, const batch_shape& batch) {
  std::vector<pybind11::ssize_t> shape(batch.extents, batch.extents + batch.rank);
  shape.push_back(values.rows());
  shape.push_back(values.cols());
  auto kept = std::make_unique<matrix<T>>(std::move(values));
  T* const data = kept->data();
  const pybind11::capsule owner(kept.release(), [](void* m) { delete static_cast<matrix<T>*>(m); });
  return pybind11::array_t<T>(std::move(shape), data, owner);
}

template <class T>
pybind11::object compute_new_array(const recipe& r, const cuda_host* device, loose_call call, const batch_shape& batch,
                                   const numpy_options& options) {
  matrix<T> result;
  compute_beside_python(options.threads, [&](const cpu& where) {
    compute_any_new(r, device ? static_cast<const void*>(device) : &where, call, options.told, result);
  });
  return array_of(std::move(result), batch);
}
template <class T>
pybind11::object compute_into_array(const recipe& r, const cuda_host* device, loose_call call,
                                    const numpy_options& options) {
  auto out = pybind11::cast<pybind11::array>(options.out);
  if (!out.writeable()) throw pybind11::value_error("out: an array of NumPy that may only be read was given");
  loose_array target;
  compute_beside_python(options.threads, [&](const cpu& where) {
    {
      const pybind11::gil_scoped_acquire here;
      target = describe_numpy(out);
    }
    if (!(target.element == code_of<T>)) refuse_output_element(r, target.element);
    compute_any_into<T>(r, device ? static_cast<const void*>(device) : &where, call,
                        {static_cast<const array_shape&>(target), static_cast<T*>(const_cast<void*>(target.data))},
                        false, options.told);
  });
  return out;
}

template <class T>
pybind11::object compute_numpy(const any_reduction<T>& reduction, const pybind11::args& args,
                               const numpy_options& options) {
  const recipe& r = reduction.as_data();
  const cuda_host device = reduction.device();
  const cuda_host* const there = reduction.is_on_device() ? &device : nullptr;
  std::unique_ptr<loose_memory> memory;
  compute_beside_python(0, [&](const cpu&) {
    const pybind11::gil_scoped_acquire here;
    memory = std::make_unique<loose_memory>(r, int(args.size()));
    for (int n = 0; n < memory->count(); ++n) describe_argument(*memory, n, args[std::size_t(n)]);
  });
  const loose_call call = memory->call();
  const bool is_new = options.out.is_none();
  if (reduction.gives_indices())
    return is_new ? compute_new_array<std::int64_t>(r, there, call, memory->batch(), options)
                  : compute_into_array<std::int64_t>(r, there, call, options);
  return is_new ? compute_new_array<T>(r, there, call, memory->batch(), options)
                : compute_into_array<T>(r, there, call, options);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Adds a function of Python to a module:
///   name(*arguments, out=None, rows=None, columns=None, threads=0)
/// One argument for each position: arrays of NumPy of the element type that the formula has, which are read where they
/// are, whatever their strides: (N), (N, D), or (B, ..., N, D) for several problems, whose extents B, ... are those of
/// the others or 1; or numbers. The result is a new array (B, ..., N, D), or is written to `out`. rows and columns say
/// how many there are where no array does. Other threads of Python run in the meantime, and Ctrl-C ends the call.
/// ValueError says what does not fit, TypeError which argument is no array of numbers.
template <class T> void def_numpy(pybind11::module_& module, const char* name, const any_reduction<T>& reduction) {
  const message formula = to_string(reduction);
  module.def(
      name,
      [reduction](const pybind11::args& args, pybind11::object out, std::optional<std::int64_t> rows,
                  std::optional<std::int64_t> columns, int threads) {
        const detail::extents told{rows.value_or(-1), columns.value_or(-1)};
        return detail::compute_numpy(reduction, args, {std::move(out), told, threads});
      },
      pybind11::kw_only(), pybind11::arg("out") = pybind11::none(), pybind11::arg("rows") = pybind11::none(),
      pybind11::arg("columns") = pybind11::none(), pybind11::arg("threads") = 0, formula.c_str());
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
