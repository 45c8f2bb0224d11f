// kernfold/interop/torch.hpp: reductions as functions of PyTorch's tensors, which autograd goes through. Needs
// libtorch.
//
//   constexpr auto gauss = kernfold::torch_function(kernfold::sum_reduction(exp(-g * sqdist(x, y)) * b));
//   at::Tensor a = gauss(X, Y, B, 0.5);
//   a.sum().backward();
#pragma once

#include <ATen/ExpandUtils.h>
#include <torch/csrc/autograd/custom_function.h>

#include "torch_tensors.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

[[gnu::cold, gnu::noinline]] inline void refuse_torch_order() {
  throw error(
      "a function of tensors was asked for a derivative of higher order than it was made with: "
      "kf::torch_function<2>(r) has two, and so on");
}

/// The sum of a gradient (B, ..., N, D) over the extents that its argument repeats, in the argument's shape.
inline at::Tensor gradient_like(const at::Tensor& gradient, const at::Tensor& argument) {
  std::vector<std::int64_t> shape;
  for (std::int64_t k = 0; k < argument.dim() - 2; ++k) shape.push_back(argument.size(k));
  shape.push_back(gradient.size(-2));
  shape.push_back(gradient.size(-1));
  return at::sum_to(gradient, shape).reshape(argument.sizes()).to(argument.device());
}

std::vector<at::Tensor> apply_recipe(const torch_recipe& t, extents told, at::TensorList tensors);

/// A reduction in PyTorch's graph, whichever it is.
struct torch_node : torch::autograd::Function<torch_node> {
  using context = torch::autograd::AutogradContext;
  using tensor_list = torch::autograd::variable_list;

  static tensor_list forward(context* kept, const torch_recipe* t, extents told, at::TensorList tensors) {
    tensor_list outputs = compute_tensors(*t, told, tensors);
    tensor_list saved = tensors.vec(), indices;
    for (int k = 0; k < t->kept_count; ++k) saved.push_back(outputs[std::size_t(t->kept[k])]);
    for (const at::Tensor& o : outputs)
      if (!o.is_floating_point()) indices.push_back(o);
    kept->save_for_backward(std::move(saved));
    kept->mark_non_differentiable(indices);
    kept->set_materialize_grads(false);
    kept->saved_data["call"] =
        c10::List<std::int64_t>{std::int64_t(reinterpret_cast<std::intptr_t>(t)), told.i, told.j};
    return outputs;
  }
  /// Nothing for the recipe and the extents, and a gradient for each tensor that asks for one.
  static tensor_list backward(context* kept, const tensor_list& adjoints) {
    return with_errors_of_torch([&] {
      const auto call = kept->saved_data["call"].toIntVector();
      return differentiate(*reinterpret_cast<const torch_recipe*>(std::intptr_t(call[0])), {call[1], call[2]}, kept,
                           adjoints);
    });
  }

 private:
  static constexpr std::size_t before_tensors = 2;

  static tensor_list differentiate(const torch_recipe& t, extents told, context* kept, const tensor_list& adjoints) {
    const tensor_list saved = kept->get_saved_variables();
    const auto symbols = std::size_t(t.formula().symbol_count);
    tensor_list gradients(before_tensors + symbols);
    tensor_list arguments(saved.begin(), saved.begin() + std::ptrdiff_t(symbols));
    arguments.emplace_back();
    arguments.insert(arguments.end(), saved.begin() + std::ptrdiff_t(symbols), saved.end());
    for (std::size_t o = 0; o < adjoints.size(); ++o) {
      if (!adjoints[o].defined()) continue;
      if (t.gradients == nullptr) refuse_torch_order();
      arguments[symbols] = adjoints[o];
      for (std::size_t s = 0; s < symbols; ++s) {
        const torch_recipe* const gradient = t.gradients[o * symbols + s];
        if (gradient == nullptr || !kept->needs_input_grad(s)) continue;
        const at::Tensor more = gradient_like(apply_recipe(*gradient, told, arguments)[0], saved[s]);
        at::Tensor& all = gradients[before_tensors + s];
        all = all.defined() ? all.add(more) : more;
      }
    }
    return gradients;
  }
};

/// The outputs of a reduction, recorded where one of the tensors asks for it.
inline std::vector<at::Tensor> apply_recipe(const torch_recipe& t, extents told, at::TensorList tensors) {
  bool is_recorded = false;
  for (const at::Tensor& a : tensors) is_recorded |= a.defined() && a.requires_grad();
  if (is_recorded && at::GradMode::is_enabled()) return torch_node::apply(&t, told, tensors);
  return compute_tensors(t.alone != nullptr ? *t.alone : t, told, tensors);
}

/// Reals..., or both real types where none is named.
template <class... Reals>
using reals_for_torch = std::conditional_t<sizeof...(Reals) == 0, type_list<float, double>, type_list<Reals...>>;

/// The reduction as data; says in a sentence where there is none.
template <int Order, class Reals, class Reduction> consteval const torch_recipe* recipe_for_torch() {
  constexpr bool single = Reduction::items::size == 1;
  static_assert(Order >= 0, "kernfold: a function of tensors is differentiated 0 times or more");
  static_assert(single,
                "kernfold: a function of tensors has one result: make one for each reduction that was given to "
                "fold_all or backward");
  if constexpr (single && Order >= 0 && is_of_this_space<Reduction, space_kind::all>())
    return &torch_recipe_of<Order, Reals, Reduction>;
  else return nullptr;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// An argument of a function of tensors: a tensor, or a plain number for a parameter.
class torch_argument {
 public:
  torch_argument(at::Tensor tensor) : tensor_(std::move(tensor)) {}
  template <std::integral N> torch_argument(N number) : number_(static_cast<std::int64_t>(number)), is_number_(true) {}
  template <std::floating_point N> torch_argument(N number) : number_(static_cast<double>(number)), is_number_(true) {}

  bool is_number() const { return is_number_; }
  const at::Tensor& tensor() const { return tensor_; }
  const at::Scalar& number() const { return number_; }

 private:
  at::Tensor tensor_;
  at::Scalar number_;
  bool is_number_ = false;
};

/// A reduction as a function of tensors, made by torch_function. Little more than a pointer: to copy it is free.
///   f(arguments...)          one for each position of the formula's variables
///   f.rows(M).columns(N)     the same, for extents that no tensor gives: of row_index and column_index
class torch_reduction {
 public:
  explicit constexpr torch_reduction(const detail::torch_recipe* made) : made_(made) {}

  /// Tensors of shape (N), (N, D) or (B, ..., N, D), whose batch extents B, ... are those of the others or 1, read
  /// where they lie whatever their strides; a parameter may be of shape () or a plain number. All real ones are of
  /// float32, or all of float64; those for a variable of integers are of its type. They are on the processor, which
  /// computes with as many threads as at::set_num_threads() said; or, in a unit that nvcc compiles, all on one CUDA
  /// device, which computes on PyTorch's current stream. The result is a new tensor (B, ..., N, D), of int64 where it
  /// holds indices. Throws c10::ValueError where something does not fit, c10::TypeError for numbers that kernfold does
  /// not know.
  template <class... Args>
    requires(std::convertible_to<const Args&, torch_argument> && ...)
  at::Tensor operator()(const Args&... arguments) const {
    return call({torch_argument(arguments)...});
  }
  at::Tensor call(const std::vector<torch_argument>& arguments) const {
    return detail::with_errors_of_torch(
        [&] { return detail::apply_recipe(*made_, told_, tensors_from(arguments))[0]; });
  }

  torch_reduction rows(std::int64_t count) const {
    torch_reduction other = *this;
    other.told_.i = count;
    return other;
  }
  torch_reduction columns(std::int64_t count) const {
    torch_reduction other = *this;
    other.told_.j = count;
    return other;
  }
  /// "Sum(exp(-p3 |x0 - y1|^2) y2)"
  message text() const { return made_->formula().text(); }

 private:
  const detail::torch_recipe* made_;
  detail::extents told_{};

  /// The tensors by symbol, plain numbers being tensors of the type that is needed.
  std::vector<at::Tensor> tensors_from(const std::vector<torch_argument>& arguments) const {
    const detail::recipe& r = made_->formula();
    if (int(arguments.size()) != detail::position_count(r)) detail::refuse_argument_count(r, int(arguments.size()));
    const auto given_for = [&](int s) -> const torch_argument& {
      return arguments[std::size_t(r.symbols[s].position)];
    };
    std::vector<at::Tensor> tensors;
    bool has_numbers = false;
    for (int s = 0; s < r.symbol_count; ++s) {
      const torch_argument& given = given_for(s);
      if (!given.is_number() && !given.tensor().defined()) detail::refuse_undefined(r, r.symbols[s]);
      has_numbers |= given.is_number();
      tensors.push_back(given.tensor());
    }
    if (!has_numbers) return tensors;
    const at::ScalarType real = detail::real_type_of(*made_, tensors);
    for (int s = 0; s < r.symbol_count; ++s) {
      const torch_argument& given = given_for(s);
      if (!given.is_number()) continue;
      if (r.symbols[s].symbol_role != role::parameter || r.symbols[s].dim != 1) detail::refuse_number(r, r.symbols[s]);
      const at::ScalarType type = made_->is_real[s] ? real : detail::torch_type_of(r, r.symbols[s]);
      tensors[std::size_t(s)] = at::scalar_tensor(given.number(), at::TensorOptions(type));
    }
    return tensors;
  }
};

/// The reduction as a function of tensors that may be differentiated Order times, in the real types Reals, by default
/// float and double. Each order and each type compiles more: with n variables, n gradients, and n + 1 of each of these
/// for the second order. Gradients that no tensor asks for are not computed, that of a repeated tensor is summed to its
/// shape, and values that derivatives need (a log-sum-exp, the indices of a minimum) are kept from the call.
///   kf::torch_function(r)    kf::torch_function<1>(r)    kf::torch_function<2, double>(r)
template <int Order = 2, class... Reals, reduction_like R> constexpr torch_reduction torch_function(R) {
  constexpr bool are_real = ((std::is_same_v<Reals, float> || std::is_same_v<Reals, double>)&&...);
  static_assert(are_real, "kernfold: a function of tensors computes in float or in double");
  return torch_reduction(detail::recipe_for_torch<Order, detail::reals_for_torch<Reals...>, R>());
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
