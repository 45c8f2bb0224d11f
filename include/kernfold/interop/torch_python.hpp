// kernfold/interop/torch_python.hpp: reductions as functions of a Python module, for tensors of PyTorch. Needs PyTorch
// with its headers, and pybind11.
//
//   PYBIND11_MODULE(kernels, m) {
//     kernfold::def_torch(m, "gauss", kernfold::sum_reduction(exp(-g * sqdist(x, y)) * b));
//   }
//   >>> kernels.gauss(X, Y, B, 0.5).sum().backward()
#pragma once

#include <pybind11/stl.h>
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/pybind.h>

#include <optional>

#include "torch.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

inline torch_argument argument_from_python(const message& formula, std::size_t position,
                                           const pybind11::handle& given) {
  if (THPVariable_Check(given.ptr())) return pybind11::cast<at::Tensor>(given);
  if (PyFloat_Check(given.ptr())) return pybind11::cast<double>(given);
  if (PyLong_Check(given.ptr())) return pybind11::cast<std::int64_t>(given);
  refuse_tensor_type(message() << "argument " << position << " of " << formula << ": a "
                               << Py_TYPE(given.ptr())->tp_name
                               << " was given, a tensor of PyTorch or a number is needed");
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Adds a function of Python to a module:
///   name(*arguments, rows=None, columns=None)
/// One argument for each position: see torch_reduction's call. rows and columns say how many there are where no tensor
/// does. Other threads of Python run in the meantime. ValueError says what does not fit, TypeError which argument is
/// no tensor of numbers.
inline void def_torch(pybind11::module_& module, const char* name, const torch_reduction& function) {
  const message formula = function.text();
  module.def(
      name,
      torch::wrap_pybind_function([function, formula](const pybind11::args& given, std::optional<std::int64_t> rows,
                                                      std::optional<std::int64_t> columns) {
        std::vector<torch_argument> arguments;
        for (const pybind11::handle& one : given)
          arguments.push_back(detail::argument_from_python(formula, arguments.size(), one));
        const pybind11::gil_scoped_release others_run;
        return function.rows(rows.value_or(-1)).columns(columns.value_or(-1)).call(arguments);
      }),
      pybind11::kw_only(), pybind11::arg("rows") = pybind11::none(), pybind11::arg("columns") = pybind11::none(),
      formula.c_str());
}
/// The same for torch_function<Order, Reals...>(reduction).
template <int Order = 2, class... Reals, reduction_like R>
void def_torch(pybind11::module_& module, const char* name, R reduction) {
  def_torch(module, name, torch_function<Order, Reals...>(reduction));
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
