// kernfold/formula/evaluate.hpp: the values of a program's nodes, for one stage and any type of lanes.
#pragma once

#include <cstdint>

#include "../core/math.hpp"
#include "../core/vec.hpp"
#include "program.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// What one stage of a program P works on. T is the type of its lanes: a scalar for parameters and columns, the lanes
/// of the output rows for rows and pairs. A stage reads what earlier ones kept, and writes what it keeps itself; what
/// it does not read need not be set.
template <class P, stage S, class T> struct frame {
  using program_type = P;
  using lanes = T;
  using real = math::real_of<T>;
  using indices = math::index_t<T>;
  static constexpr stage at = S;
  static constexpr stage_size size = P::size(S);

  const real* parameters;  // kept by the parameter stage
  const std::int64_t* parameter_indices;
  const T* rows;  // kept by the row stage
  const indices* row_indices;
  const real* columns;  // kept by the column stage
  const std::int64_t* column_indices;
  indices row_number;  // the rows' numbers
  std::int64_t column_number;
  T* kept;  // this stage's own
  indices* kept_indices;

  T local[size.local_reals > 0 ? size.local_reals : 1];
  indices local_indices[size.local_indices > 0 ? size.local_indices : 1];
};

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {

template <class P, int Node, class F, class Frame, class Source> struct operand;

/// The places of a node's arguments.
template <class F> struct places_of {
  using type = std::integer_sequence<int>;
};
template <class Op, class... Args> struct places_of<node<Op, Args...>> {
  using type = std::make_integer_sequence<int, sizeof...(Args)>;
};
template <class P, int Node, class F, class Frame, class Source, class Places = typename places_of<F>::type>
struct computed;

/// Component k of a node, computed: a leaf read from its array, an operation applied to its operands.
template <class P, int Node, class F, class Frame, class Source, class Places> struct computed {
  using T = typename Frame::lanes;
  static constexpr int number = index_of<F>(typename P::leaves{});
  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame&, const Source& source, int k) {
    if constexpr (F::result == kind::index) return source.template load_index<T, F>(number, k);
    else return source.template load<T, F>(number, k);
  }
};
template <class P, int Node, class Op, class... Args, class Frame, class Source, int... Places>
struct computed<P, Node, node<Op, Args...>, Frame, Source, std::integer_sequence<int, Places...>> {
  using T = typename Frame::lanes;
  template <int Place, class Arg> using argument = operand<P, P::argument(Node, Place), Arg, Frame, Source>;
  static constexpr bool on_indices =
      Op::accepts_index && (is_index_like<Args> && ...) && ((Args::result == kind::index) || ...);
  static constexpr bool gives_mask = requires { Op::gives_mask; };

  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame& f, const Source& source, int k) {
    if constexpr (!__is_base_of(elementwise<Op>, Op))
      return T(Op::template component<T>(k, argument<Places, Args>{f, source}...));
    else if constexpr (gives_mask && on_indices)
      return math::select(Op::compare(argument<Places, Args>{f, source}.index_at(k)...), T(1), T(0));
    else if constexpr (gives_mask)
      return math::select(Op::compare(argument<Places, Args>{f, source}(Args::dim == 1 ? 0 : k)...), T(1), T(0));
    else if constexpr (on_indices) return Op::eval(argument<Places, Args>{f, source}.index_at(k)...);
    else return T(Op::eval(argument<Places, Args>{f, source}(Args::dim == 1 ? 0 : k)...));
  }
};

/// A node as an argument: operand(k) is its component k in the lanes' real type, index_at(k) the exact index.
template <class P, int Node, class F, class Frame, class Source> struct operand {
  const Frame& f;
  Source source;

  using T = typename Frame::lanes;
  using real = typename Frame::real;
  using indices = typename Frame::indices;
  static constexpr instruction n = P::at(Node);
  static constexpr int offset = n.offset;
  static constexpr int dim = F::dim;

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T operator()(int k) const {
    if constexpr (n.where == home::immediate) {
      return T(constant_value());
    } else if constexpr (n.result == kind::index) {
      return math::to_real<T>(index_at(k));
    } else if constexpr (n.at == Frame::at) {
      if constexpr (n.where == home::kept) return f.kept[offset + k];
      else if constexpr (n.where == home::local) return f.local[offset + k];
      else return computed<P, Node, F, Frame, Source>::component(f, source, k);
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
      if constexpr (n.where == home::kept) return f.kept_indices[offset + k];
      else if constexpr (n.where == home::local) return f.local_indices[offset + k];
      else return computed<P, Node, F, Frame, Source>::component(f, source, k);
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

/// Computes a scheduled node into its place: short vectors component by component, long ones in a loop.
KERNFOLD_EXEC_CHECK_DISABLE
template <class P, int Node, class Frame, class Source, int... Ks>
KERNFOLD_HD_LAYER void evaluate_node(Frame& f, const Source& source, std::integer_sequence<int, Ks...>) {
  using F = typename P::template node_at<Node>;
  using value = computed<P, Node, F, Frame, Source>;
  constexpr instruction n = P::at(Node);
  constexpr int offset = n.offset;
  std::conditional_t<n.result == kind::index, typename Frame::indices, typename Frame::lanes>* place;
  if constexpr (n.result == kind::index) place = n.where == home::kept ? f.kept_indices : f.local_indices;
  else place = n.where == home::kept ? f.kept : f.local;
  ((place[offset + Ks] = value::component(f, source, Ks)), ...);
  if constexpr (sizeof...(Ks) == 0)
    for (int k = 0; k < F::dim; ++k) place[offset + k] = value::component(f, source, k);
}

/// The components of a node that are written out one by one: none of a long vector's.
template <int Dim> using unrolled_components = std::make_integer_sequence<int, Dim <= unrolled_dim ? Dim : 0>;

template <class P, stage S> struct scheduled_nodes {
  static constexpr auto nodes = P::scheduled(S);
};

/// The pair stage reads no arrays.
struct no_source {};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// The nodes Selection::nodes of a stage.
template <class Selection, class Places = std::make_integer_sequence<int, Selection::nodes.count>> struct selected {};
/// All of them.
template <class P, stage S> using whole_stage = selected<detail::scheduled_nodes<P, S>>;

/// Evaluates nodes of the frame's stage, each once. `source.load<T, Leaf>(number, k)` reads component k of leaf
/// `number` of the program, and load_index its integers.
template <class P, stage S, class T, class Source, class Selection, int... Places>
KERNFOLD_HD_LAYER void evaluate(frame<P, S, T>& f, const Source& source,
                                selected<Selection, std::integer_sequence<int, Places...>>) {
  (detail::evaluate_node<P, Selection::nodes.number[Places]>(
       f, source, detail::unrolled_components<P::at(Selection::nodes.number[Places]).dim>{}),
   ...);
}

/// Root number R of the program, as a function of the component.
template <int R, class Frame> KERNFOLD_HD_LAYER auto root_of(const Frame& f) {
  using P = typename Frame::program_type;
  constexpr int number = P::root(R);
  return detail::operand<P, number, typename P::template node_at<number>, Frame, detail::no_source>{f, {}};
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
