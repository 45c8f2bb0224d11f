// kernfold/interop/torch_recipe.hpp: a reduction and its derivatives as data, so that what speaks to PyTorch is
// compiled once however many formulas there are.
#pragma once

#include "../kernfold.hpp"
#if KERNFOLD_CUDA && __has_include(<c10/cuda/impl/cuda_cmake_macros.h>)
#include "torch_cuda.cuh"
#else
#include "torch_no_cuda.hpp"
#endif

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// A reduction as a function that can be differentiated. Its first output is the result, the others are values of
/// reductions that derivatives ask for.
struct torch_recipe {
  const recipe* on_processor[2];  // in float, in double; null where it was not made for that
  const recipe* on_device[2];
  const bool* is_real;  // of each symbol: whether its numbers have the real type of the call
  /// The gradient of output o with respect to symbol s at [o * symbol_count + s], null where it is zero; null as a
  /// whole where there are no more derivatives. Its symbols are those of this reduction, the adjoint of output o, and
  /// the outputs that were kept.
  const torch_recipe* const* gradients;
  const int* kept;  // numbers of outputs
  int kept_count;
  const torch_recipe* alone;  // the same without values for derivatives

  const recipe& formula() const { return *on_processor[on_processor[0] == nullptr]; }
};

/// The values of reductions that the derivatives of Spec by Vs ask for, as far as there are derivatives.
template <int Order, class Spec, axis A, class... Vs> struct kept_for_torch {
  using formulas = join<decltype(asked_for<Spec, A, Vs...>::template formulas_of<Vs>())...>;
  using type = unite<type_list<>, typename folded_in<formulas>::type>;
};
template <class Spec, axis A, class... Vs> struct kept_for_torch<0, Spec, A, Vs...> {
  using type = type_list<>;
};

template <int Order, class Reals, class Reduction> struct made_for_torch;
/// A reduction, to be differentiated Order times, in the real types Reals.
template <int Order, class Reals, class Reduction>
inline constexpr torch_recipe torch_recipe_of = made_for_torch<Order, Reals, Reduction>::as_data();

template <class Leaf, class Leaves> inline constexpr int number_among = index_of<Leaf>(Leaves{});

/// The gradient of the value of Leaf, output number N, with respect to V; null where it is zero.
template <int Order, class Reals, class Signature, class Options, class Kept, class Leaf, int N, class V>
struct gradient_for_torch;
template <int Order, class Reals, class Signature, class Options, class... Kept, class Spec, axis A, int N, class V>
struct gradient_for_torch<Order, Reals, Signature, Options, type_list<Kept...>, folded<Spec, A>, N, V> {
  static consteval const torch_recipe* as_data() {
    if constexpr (Spec::result == kind::real && is_differentiable<V>) {
      using E = handed_adjoint<A, Spec::dim, Order, N>;
      using G = typename renamed<adjoint_formula<Spec, A, V, E>, hand_in<Order, Kept...>>::type;
      if constexpr (!is_zero<G>) {
        using variables = unite<unite<Signature, type_list<E>>,
                                type_list<handed_in<Kept, Order, number_among<Kept, type_list<Kept...>>>...>>;
        using gradient = reduction<variables, Options, item<axis_leaving(V::symbol_role), sum_spec<G>>>;
        return &torch_recipe_of<Order - 1, Reals, gradient>;
      }
    }
    return nullptr;
  }
};

template <int Order, class Reals, class... Vs, class Options, axis A, class Spec>
struct made_for_torch<Order, Reals, reduction<type_list<Vs...>, Options, item<A, Spec>>> {
  using signature = type_list<Vs...>;
  using kept = typename kept_for_torch<Order, Spec, A, Vs...>::type;
  using outputs = unite<type_list<folded<Spec, A>>, kept>;

  static consteval torch_recipe as_data() { return as_data(outputs{}, kept{}); }

 private:
  template <class Reduction, class Real> static consteval const recipe* on_processor() {
    if constexpr (contains<Real>(Reals{})) return &recipe_of<Reduction, cpu, Real>;
    else return nullptr;
  }
  template <class Reduction, class Real> static consteval const recipe* on_device() {
    if constexpr (contains<Real>(Reals{})) return torch_device::recipe_for<Reduction, Real>();
    else return nullptr;
  }
  template <class Leaf, class V> static consteval const torch_recipe* gradient() {
    return gradient_for_torch<Order, Reals, signature, Options, kept, Leaf, number_among<Leaf, outputs>, V>::as_data();
  }
  template <class Leaf> struct row_of_gradients {
    static constexpr const torch_recipe* by_symbol[] = {gradient<Leaf, Vs>()..., nullptr};
  };
  template <class... Leaves> struct all_gradients {
    static constexpr int symbols = sizeof...(Vs);
    struct table {
      const torch_recipe* row[symbols * sizeof...(Leaves) + 1];
    };
    static constexpr table made() {
      table all{};
      int next = 0;
      for (const torch_recipe* const* of_leaf : {&row_of_gradients<Leaves>::by_symbol[0]...})
        for (int s = 0; s < symbols; ++s) all.row[next++] = of_leaf[s];
      return all;
    }
    static constexpr table by_output = made();
  };
  template <class... Leaves> struct kept_numbers {
    static constexpr int row[] = {number_among<Leaves, outputs>..., -1};
  };
  static constexpr bool is_real[] = {is_differentiable<Vs>..., false};

  template <class... Leaves, class... Kept>
  static consteval torch_recipe as_data(type_list<Leaves...>, type_list<Kept...>) {
    using all = reduction<signature, Options, item<A, typename Leaves::spec>...>;
    torch_recipe made{{on_processor<all, float>(), on_processor<all, double>()},
                      {on_device<all, float>(), on_device<all, double>()},
                      is_real,
                      nullptr,
                      kept_numbers<Kept...>::row,
                      int(sizeof...(Kept)),
                      nullptr};
    if constexpr (Order > 0) made.gradients = all_gradients<Leaves...>::by_output.row;
    if constexpr (sizeof...(Leaves) > 1)
      made.alone = &torch_recipe_of<0, Reals, reduction<signature, Options, item<A, Spec>>>;
    return made;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
