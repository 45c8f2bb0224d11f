// kernfold/formula/evaluate.hpp: the values of a program's nodes, for one stage and any type of lanes.
#pragma once

#include <cstdint>

#include "../core/math.hpp"
#include "../core/vec.hpp"
#include "program.hpp"

namespace kernfold {
inline namespace KERNFOLD_ABI {

/// What one stage of a program P works on. T is the type of its lanes: a scalar for parameters and columns, the lanes
/// of the output rows for rows and pairs. A stage reads what earlier ones kept, and writes what it keeps itself.
template <class P, stage S, class T>
struct frame {
  using program_type = P;
  using lanes = T;
  using real = math::real_of<T>;
  using indices = math::index_t<T>;
  static constexpr stage at = S;
  static constexpr stage_size size = P::size(S);

  const real* parameters = nullptr;                  // kept by the parameter stage
  const std::int64_t* parameter_indices = nullptr;
  const T* rows = nullptr;                           // kept by the row stage
  const indices* row_indices = nullptr;
  const real* columns = nullptr;                     // kept by the column stage
  const std::int64_t* column_indices = nullptr;
  indices row_number{};                              // the rows' numbers
  std::int64_t column_number = 0;
  T* kept = nullptr;                                 // this stage's own
  indices* kept_indices = nullptr;

  T local[size.local_reals > 0 ? size.local_reals : 1];
  indices local_indices[size.local_indices > 0 ? size.local_indices : 1];
};

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {

template <class P, int Node, class Frame, class Source>
struct operand;

/// The places of a node's arguments.
template <class F>
struct places_of;
template <class Op, class... Args>
struct places_of<node<Op, Args...>> {
  using type = std::make_integer_sequence<int, sizeof...(Args)>;
};

/// Component k of an operation applied to its operands.
template <class P, int Node, class Frame, class Source, class F, class Places = typename places_of<F>::type>
struct applied;
template <class P, int Node, class Frame, class Source, class Op, class... Args, int... Places>
struct applied<P, Node, Frame, Source, node<Op, Args...>, std::integer_sequence<int, Places...>> {
  using T = typename Frame::lanes;
  template <int Place>
  using argument = operand<P, P::argument(Node, Place), Frame, Source>;
  static constexpr bool on_indices =
      Op::accepts_index && (is_index_like<Args> && ...) && ((Args::result == kind::index) || ...);
  static constexpr bool gives_mask = requires { Op::gives_mask; };

  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame& f, const Source& source, int k) {
    if constexpr (!__is_base_of(elementwise<Op>, Op))
      return T(Op::template component<T>(k, argument<Places>{f, source}...));
    else if constexpr (gives_mask && on_indices)
      return math::select(Op::compare(argument<Places>{f, source}.index_at(k)...), T(1), T(0));
    else if constexpr (gives_mask)
      return math::select(Op::compare(argument<Places>{f, source}.broadcast(k)...), T(1), T(0));
    else if constexpr (on_indices)
      return Op::eval(argument<Places>{f, source}.index_at(k)...);
    else
      return T(Op::eval(argument<Places>{f, source}.broadcast(k)...));
  }
};

/// A node as an argument: operand(k) is its component k in the lanes' real type, index_at(k) the exact index.
template <class P, int Node, class Frame, class Source>
struct operand {
  const Frame& f;
  Source source;

  using T = typename Frame::lanes;
  using real = typename Frame::real;
  using indices = typename Frame::indices;
  using F = typename P::template node_at<Node>;
  static constexpr instruction n = P::at(Node);
  static constexpr int offset = P::at(Node).offset;
  static constexpr int dim = F::dim;

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T operator()(int k) const {
    if constexpr (n.where == home::immediate) {
      return T(constant_value());
    } else if constexpr (n.result == kind::index) {
      return math::to_real<T>(index_at(k));
    } else if constexpr (n.at == Frame::at) {
      if constexpr (n.where == home::array) return source.template load<T, F>(k);
      else if constexpr (n.where == home::kept) return f.kept[offset + k];
      else if constexpr (n.where == home::local) return f.local[offset + k];
      else return applied<P, Node, Frame, Source, F>::component(f, source, k);
    } else if constexpr (n.at == stage::parameter) {
      return T(f.parameters[offset + k]);
    } else if constexpr (n.at == stage::row) {
      return math::from_memory(f.rows[offset + k]);
    } else {
      return T(f.columns[offset + k]);
    }
  }
  /// A scalar meets every component.
  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T broadcast(int k) const { return operator()(dim == 1 ? 0 : k); }

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER indices index_at(int component) const {
    const int k = dim == 1 ? 0 : component;
    if constexpr (n.where == home::immediate) {
      return indices(integer_value());
    } else if constexpr (n.where == home::number) {
      if constexpr (n.at == stage::row) return f.row_number;
      else return indices(f.column_number);
    } else if constexpr (n.at == Frame::at) {
      if constexpr (n.where == home::array) return source.template load_index<T, F>(k);
      else if constexpr (n.where == home::kept) return f.kept_indices[offset + k];
      else if constexpr (n.where == home::local) return f.local_indices[offset + k];
      else return applied<P, Node, Frame, Source, F>::component(f, source, k);
    } else if constexpr (n.at == stage::parameter) {
      return indices(f.parameter_indices[offset + k]);
    } else if constexpr (n.at == stage::row) {
      return f.row_indices[offset + k];
    } else {
      return indices(f.column_indices[offset + k]);
    }
  }

 private:
  static KERNFOLD_HD_LAYER real constant_value() {
    if constexpr (is_zero<F>) {
      return real(0);
    } else {
      constexpr real value = static_cast<real>(F::value);
      return value;
    }
  }
  static KERNFOLD_HD_LAYER std::int64_t integer_value() {
    if constexpr (is_zero<F>) {
      return 0;
    } else {
      constexpr std::int64_t value = F::numerator;
      return value;
    }
  }
};

/// Component k of a scheduled node, evaluated or read, into its place.
KERNFOLD_EXEC_CHECK_DISABLE
template <class P, int Node, class Frame, class Source>
KERNFOLD_HD_LAYER void evaluate_component(Frame& f, const Source& source, int k) {
  using F = typename P::template node_at<Node>;
  using T = typename Frame::lanes;
  constexpr instruction n = P::at(Node);
  constexpr int offset = n.offset;
  if constexpr (n.result == kind::index) {
    auto& place = (n.where == home::kept ? f.kept_indices : f.local_indices)[offset + k];
    if constexpr (is_node<F>) place = applied<P, Node, Frame, Source, F>::component(f, source, k);
    else place = source.template load_index<T, F>(k);
  } else {
    auto& place = (n.where == home::kept ? f.kept : f.local)[offset + k];
    if constexpr (is_node<F>) place = applied<P, Node, Frame, Source, F>::component(f, source, k);
    else place = source.template load<T, F>(k);
  }
}

/// Evaluates one scheduled node into its place.
template <class P, int Node, class Frame, class Source>
KERNFOLD_HD_LAYER void evaluate_node(Frame& f, const Source& source) {
  constexpr int dim = P::template node_at<Node>::dim;
  if constexpr (dim == 1) evaluate_component<P, Node>(f, source, 0);
  else for_each_component<dim>([&](int k) KERNFOLD_INLINE_LAMBDA { evaluate_component<P, Node>(f, source, k); });
}

template <class P, class Selection, class Frame, class Source, int... Places>
KERNFOLD_HD_LAYER void evaluate_places(Frame& f, const Source& source, std::integer_sequence<int, Places...>) {
  (evaluate_node<P, Selection::nodes.number[Places]>(f, source), ...);
}

/// All nodes of a stage.
template <class P, stage S>
struct whole_stage {
  static constexpr auto nodes = P::scheduled(S);
};

/// The pair stage reads no arrays.
struct no_source {};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Evaluates nodes of the frame's stage, each once: those of Selection::nodes, or all. `source.load<T, Leaf>(k)` reads
/// component k of a leaf.
template <class Selection, class Frame, class Source = detail::no_source>
KERNFOLD_HD_LAYER void evaluate_selected(Frame& f, const Source& source = {}) {
  detail::evaluate_places<typename Frame::program_type, Selection>(
      f, source, std::make_integer_sequence<int, Selection::nodes.count>{});
}
template <class Frame, class Source = detail::no_source>
KERNFOLD_HD_LAYER void evaluate(Frame& f, const Source& source = {}) {
  evaluate_selected<detail::whole_stage<typename Frame::program_type, Frame::at>>(f, source);
}

/// Root number R of the program, as a function of the component.
template <int R, class Frame>
KERNFOLD_HD_LAYER auto root_of(const Frame& f) {
  using P = typename Frame::program_type;
  constexpr int number = P::root(R);
  return detail::operand<P, number, Frame, detail::no_source>{f, detail::no_source{}};
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
