// kernfold/formula/evaluate.hpp: the values of a program's nodes, for one stage and any type of lanes.
#pragma once

#include <cstdint>

#include "../core/math.hpp"
#include "../core/vec.hpp"
#include "operand.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// What one stage of a program works on. T is the type of its lanes: a scalar for parameters and columns, the lanes
/// of the output rows for rows and pairs. Column is a scalar where all lanes meet the same column, T where each meets
/// its own. A stage reads what earlier ones kept, and writes what it keeps itself; what it does not read need not be
/// set.
template <stage S, class T, int LocalReals, int LocalIndices, class Column = math::real_of<T>> struct frame {
  using lanes = T;
  using real = math::real_of<T>;
  using indices = math::index_t<T>;
  using column_indices_type = std::conditional_t<std::is_same_v<Column, real>, std::int64_t, indices>;
  static constexpr stage at = S;

  const real* parameters;  // (kept reals of the parameter stage)
  const std::int64_t* parameter_indices;
  const T* rows;  // (kept reals of the row stage)
  const indices* row_indices;
  const Column* columns;  // (kept reals of the column stage)
  const column_indices_type* column_indices;
  indices row_number;  // the rows' numbers
  column_indices_type column_number;
  T* kept;  // (kept reals of this stage)
  indices* kept_indices;

  T local[LocalReals > 0 ? LocalReals : 1];
  indices local_indices[LocalIndices > 0 ? LocalIndices : 1];
};

/// Where the vectors of a leaf are whose dimension is known at run time: how many components, and which of those that
/// its stage keeps is the first.
struct vector_place {
  int dim = 0, first = 0;
};
/// A frame that sees such vectors, too. Those of columns are stored component by component: component k of a column is
/// at k column_stride.
template <stage S, class T, int LocalReals, int LocalIndices, class Column = math::real_of<T>>
struct vector_frame : frame<S, T, LocalReals, LocalIndices, Column> {
  const vector_place* places;  // (leaves)
  const math::real_of<T>* parameter_vectors;
  const T* row_vectors;
  const Column* column_vectors;
  std::int64_t column_stride;
  int first_component;  // of a result, of which some components are computed at a time
};
template <class P, stage S, class T, class Column = math::real_of<T>>
using frame_of = std::conditional_t<P::has_run_time_dims,
                                    vector_frame<S, T, P::size(S).local_reals, P::size(S).local_indices, Column>,
                                    frame<S, T, P::size(S).local_reals, P::size(S).local_indices, Column>>;

}  // namespace KERNFOLD_ABI

namespace detail {
inline namespace KERNFOLD_ABI {

/// An operand within a frame, as an operation sees it: a(k) is component k in the lanes' real type, a.broadcast(k) the
/// only one of a scalar, a.index_at(k) the exact index.
template <class Operand, class Frame, class Source> struct operand_in;

/// computed<...>::component(f, source, k): component k of an array's element, or of an operation on its operands.
template <class Computation, class Frame, class Source> struct computed;

template <class F, class Frame, class Source> struct operand_in<immediate<F>, Frame, Source> {
  const Frame& f;
  Source source;
  using T = typename Frame::lanes;
  static constexpr int dim = F::dim;

  KERNFOLD_HD_LAYER T operator()(int) const {
    using real = typename Frame::real;
    if constexpr (is_zero<F>) {
      return T(real(0));
    } else {
      constexpr real value = static_cast<real>(F::value);
      return T(value);
    }
  }
  KERNFOLD_HD_LAYER T broadcast(int) const { return operator()(0); }
  KERNFOLD_HD_LAYER typename Frame::indices index_at(int) const {
    if constexpr (is_zero<F>) {
      return typename Frame::indices(std::int64_t(0));
    } else {
      constexpr std::int64_t value = F::numerator;
      return typename Frame::indices(value);
    }
  }
};

template <stage At, home Where, kind Result, int Offset, int Dim, class Frame, class Source>
struct operand_in<held<At, Where, Result, Offset, Dim>, Frame, Source> {
  const Frame& f;
  Source source;
  using T = typename Frame::lanes;
  using indices = typename Frame::indices;
  static constexpr int dim = Dim;

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T operator()(int k) const {
    if constexpr (Result == kind::index) return math::to_real<T>(index_at(k));
    else if constexpr (At == Frame::at && Where == home::kept) return f.kept[Offset + k];
    else if constexpr (At == Frame::at) return f.local[Offset + k];
    else if constexpr (At == stage::parameter) return T(f.parameters[Offset + k]);
    else if constexpr (At == stage::row) return math::from_memory(f.rows[Offset + k]);
    else return T(f.columns[Offset + k]);
  }
  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T broadcast(int k) const { return operator()(Dim == 1 ? 0 : k); }

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER indices index_at(int component) const {
    [[maybe_unused]] const int k = Dim == 1 ? 0 : component;
    if constexpr (Where == home::number && At == stage::row) return f.row_number;
    else if constexpr (Where == home::number) return indices(f.column_number);
    else if constexpr (At == Frame::at && Where == home::kept) return f.kept_indices[Offset + k];
    else if constexpr (At == Frame::at) return f.local_indices[Offset + k];
    else if constexpr (At == stage::parameter) return indices(f.parameter_indices[Offset + k]);
    else if constexpr (At == stage::row) return f.row_indices[Offset + k];
    else return indices(f.column_indices[Offset + k]);
  }
};

/// Some components of a vector.
struct component_range {
  int first, count;
};
/// Of a result of run-time dimension, so many components are computed in a sweep.
inline constexpr int components_of_sweep = 64;
template <class Frame> KERNFOLD_HD_LAYER component_range components_of_this_sweep(const Frame& f, int size) {
  const int left = size - f.first_component;
  return {f.first_component, left < 0 ? 0 : left < components_of_sweep ? left : components_of_sweep};
}

template <stage At, class Leaf, int Number, class Frame, class Source>
struct operand_in<kept_vector<At, Leaf, Number>, Frame, Source> {
  const Frame& f;
  Source source;
  using T = typename Frame::lanes;
  static constexpr int dim = dynamic;

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T operator()(int k) const {
    if constexpr (At == Frame::at) return source.template load<T, Leaf>(Number, k);
    else if constexpr (At == stage::parameter) return T(f.parameter_vectors[f.places[Number].first + k]);
    else if constexpr (At == stage::row) return math::from_memory(f.row_vectors[f.places[Number].first + k]);
    else return T(f.column_vectors[(f.places[Number].first + k) * f.column_stride]);
  }
  KERNFOLD_HD_LAYER T broadcast(int k) const { return operator()(k); }
  KERNFOLD_HD_LAYER int size() const { return f.places[Number].dim; }
  KERNFOLD_HD_LAYER component_range computed_now() const { return components_of_this_sweep(f, size()); }
};

/// How many components a computed vector has whose dimension is known at run time.
template <class Frame, class Leaf, int Number>
KERNFOLD_HD_LAYER int run_time_size_in(const Frame& f, array_element<Leaf, Number>) {
  return f.places[Number].dim;
}
template <class Frame, stage At, class Leaf, int Number>
KERNFOLD_HD_LAYER int run_time_size_in(const Frame& f, kept_vector<At, Leaf, Number>) {
  return f.places[Number].dim;
}
template <class Frame, class Op, kind Result, int Dim, class... Operands>
KERNFOLD_HD_LAYER int run_time_size_in(const Frame& f, applied<Op, Result, Dim, Operands...>) {
  int size = 0;
  const auto ask = [&]<class Operand>(Operand operand) KERNFOLD_INLINE_LAMBDA {
    if constexpr (Operand::dim == dynamic)
      if (const int its = run_time_size_in(f, operand); its > size) size = its;
  };
  (ask(Operands{}), ...);
  return size;
}
template <class Frame, class F> KERNFOLD_HD_LAYER int run_time_size_in(const Frame&, immediate<F>) { return 0; }

/// What is computed where it is used.
template <class Computation, class Frame, class Source> struct operand_in {
  const Frame& f;
  Source source;
  using T = typename Frame::lanes;
  static constexpr int dim = Computation::dim;

  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T operator()(int k) const {
    if constexpr (Computation::result == kind::index) return math::to_real<T>(index_at(k));
    else return computed<Computation, Frame, Source>::component(f, source, k);
  }
  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER T broadcast(int k) const { return operator()(dim == 1 ? 0 : k); }
  KERNFOLD_EXEC_CHECK_DISABLE
  KERNFOLD_HD_LAYER typename Frame::indices index_at(int k) const {
    return computed<Computation, Frame, Source>::component(f, source, dim == 1 ? 0 : k);
  }
  KERNFOLD_HD_LAYER int size() const { return run_time_size_in(f, Computation{}); }
  KERNFOLD_HD_LAYER component_range computed_now() const { return components_of_this_sweep(f, size()); }
};

template <class Leaf, int Number, class Frame, class Source>
struct computed<array_element<Leaf, Number>, Frame, Source> {
  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame&, const Source& source, int k) {
    using T = typename Frame::lanes;
    if constexpr (Leaf::result == kind::index) return source.template load_index<T, Leaf>(Number, k);
    else return source.template load<T, Leaf>(Number, k);
  }
};
template <role Role, class Frame, class Source> struct computed<end_of_edge<Role>, Frame, Source> {
  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame& f, const Source&, int) {
    if constexpr (Role == role::i) return f.row_number;
    else return f.column_number;
  }
};
template <class Op, kind Result, int Dim, class... Operands, class Frame, class Source>
struct computed<applied<Op, Result, Dim, Operands...>, Frame, Source> {
  static constexpr bool on_indices =
      Op::accepts_index && (Operands::mixes_with_indices && ...) && ((Operands::result == kind::index) || ...);
  static constexpr bool gives_mask = requires { Op::gives_mask; };

  KERNFOLD_EXEC_CHECK_DISABLE
  static KERNFOLD_HD_LAYER auto component(const Frame& f, const Source& source, int k) {
    using T = typename Frame::lanes;
    if constexpr (!__is_base_of(elementwise<Op>, Op))
      return T(Op::template component<T>(k, operand_in<Operands, Frame, Source>{f, source}...));
    else if constexpr (gives_mask && on_indices)
      return math::select(Op::compare(operand_in<Operands, Frame, Source>{f, source}.index_at(k)...), T(1), T(0));
    else if constexpr (gives_mask)
      return math::select(Op::compare(operand_in<Operands, Frame, Source>{f, source}.broadcast(k)...), T(1), T(0));
    else if constexpr (on_indices) return Op::eval(operand_in<Operands, Frame, Source>{f, source}.index_at(k)...);
    else return T(Op::eval(operand_in<Operands, Frame, Source>{f, source}(Operands::dim == 1 ? 0 : k)...));
  }
};

/// Short vectors component by component, long ones in a loop.
KERNFOLD_EXEC_CHECK_DISABLE
template <int Offset, int Dim, class Computation, class Frame, class Source, class Value, int... Ks>
KERNFOLD_HD_LAYER void compute_components(Frame& f, const Source& source, Value* place,
                                          std::integer_sequence<int, Ks...>) {
  using value = computed<Computation, Frame, Source>;
  ((place[Offset + Ks] = value::component(f, source, Ks)), ...);
  if constexpr (sizeof...(Ks) == 0)
    for (int k = 0; k < Dim; ++k) place[Offset + k] = value::component(f, source, k);
}
/// Where a frame holds what its stage computes.
template <home Where, kind Result, class Frame> KERNFOLD_HD_LAYER auto* values_of(Frame& f) {
  if constexpr (Result == kind::index && Where == home::kept) return f.kept_indices;
  else if constexpr (Result == kind::index) return &f.local_indices[0];
  else if constexpr (Where == home::kept) return f.kept;
  else return &f.local[0];
}
KERNFOLD_EXEC_CHECK_DISABLE
template <stage At, home Where, kind Result, int Offset, int Dim, class Computation, class Frame, class Source>
KERNFOLD_HD_LAYER void run_step(Frame& f, const Source& source,
                                step<held<At, Where, Result, Offset, Dim>, Computation>) {
  constexpr std::make_integer_sequence<int, Dim <= unrolled_dim ? Dim : 0> unrolled{};
  compute_components<Offset, Dim, Computation>(f, source, values_of<Where, Result>(f), unrolled);
}
/// Component k of what a step computes, k known at run time.
KERNFOLD_EXEC_CHECK_DISABLE
template <stage At, home Where, kind Result, int Offset, int Dim, class Computation, class Frame, class Source>
KERNFOLD_HD_LAYER void run_component(Frame& f, const Source& source,
                                     step<held<At, Where, Result, Offset, Dim>, Computation>, int k) {
  values_of<Where, Result>(f)[Offset + k] = computed<Computation, Frame, Source>::component(f, source, k);
}

/// for_each_step(steps, f): f(step) for each of them, in their order.
KERNFOLD_EXEC_CHECK_DISABLE
template <class... Steps, class F> KERNFOLD_HD_LAYER void for_each_step(step_list<Steps...>, F&& f) {
  (f(Steps{}), ...);
}
KERNFOLD_EXEC_CHECK_DISABLE
template <class P, class Selection, int... Lists, class F>
KERNFOLD_HD_LAYER void for_each_step(step_lists<P, Selection, std::integer_sequence<int, Lists...>>, F&& f) {
  (for_each_step(step_list_at<P, Selection, Lists>{}, f), ...);
}

/// The pair stage reads no arrays.
struct no_source {};

/// Computes steps in their order, each once. `source.load<T, Leaf>(number, k)` reads component k of leaf `number` of
/// the program, and load_index its integers.
template <class Frame, class Source, class... Steps>
KERNFOLD_HD_LAYER void evaluate(Frame& f, [[maybe_unused]] const Source& source, step_list<Steps...>) {
  (run_step(f, source, Steps{}), ...);
}
template <class Frame, class Source, class P, class Selection, int... Lists>
KERNFOLD_HD_LAYER void evaluate(Frame& f, const Source& source,
                                step_lists<P, Selection, std::integer_sequence<int, Lists...>>) {
  (evaluate(f, source, step_list_at<P, Selection, Lists>{}), ...);
}

/// A contraction of vectors that are too long to be unrolled, or whose dimension is known at run time.
template <class Computation> inline constexpr bool is_long_contraction = false;
template <class Op, kind Result, class... Operands>
  requires(((Operands::dim > unrolled_dim) || ...) && Op::takes_run_time_dim)
inline constexpr bool is_long_contraction<applied<Op, Result, 1, Operands...>> = true;

template <int... Dims> consteval int longest_dim() {
  int longest = 0;
  ((longest = Dims > longest ? Dims : longest), ...);
  return longest;
}
/// It for several pairs at once: their sums do not wait for each other, and what they share is read once.
template <int Offset, int Count, class Frame, class Op, kind Result, class... Operands>
KERNFOLD_HD_LAYER void contract_pairs(Frame* frames, applied<Op, Result, 1, Operands...> contraction) {
  using T = typename Frame::lanes;
  constexpr int longest = longest_dim<Operands::dim...>();
  T totals[Count];
  for_each_component<Count>([&](int c) KERNFOLD_INLINE_LAMBDA { totals[c] = T(typename Frame::real(0)); });
  const auto add = [&](int k) KERNFOLD_INLINE_LAMBDA {
    for_each_component<Count>([&](int c) KERNFOLD_INLINE_LAMBDA {
      totals[c] = Op::add_component(k, totals[c], operand_in<Operands, Frame, no_source>{frames[c], {}}...);
    });
  };
  if constexpr (longest == dynamic) {
    const int size = run_time_size_in(frames[0], contraction);
    for (int k = 0; k < size; ++k) add(k);
  } else {
    KERNFOLD_NO_UNROLL
    for (int k = 0; k < longest; ++k) add(k);
  }
  for_each_component<Count>([&](int c) KERNFOLD_INLINE_LAMBDA { frames[c].local[Offset] = totals[c]; });
}
template <int Count, stage At, home Where, kind Result, int Offset, int Dim, class Computation, class Frame>
KERNFOLD_HD_LAYER void run_step_of_pairs(Frame* frames, step<held<At, Where, Result, Offset, Dim>, Computation> one) {
  if constexpr (is_long_contraction<Computation>) contract_pairs<Offset, Count>(frames, Computation{});
  else for_each_component<Count>([&](int c) KERNFOLD_INLINE_LAMBDA { run_step(frames[c], no_source{}, one); });
}
/// Computes steps of the pair stage for Count pairs, each step for all of them before the next.
template <int Count, class Frame, class Steps> KERNFOLD_HD_LAYER void evaluate_pairs(Frame* frames, Steps steps) {
  for_each_step(steps, [&](auto one) KERNFOLD_INLINE_LAMBDA { run_step_of_pairs<Count>(frames, one); });
}

/// Root R of the program P, as a function of the component.
template <class P, int R, class Frame> KERNFOLD_HD_LAYER auto root_of(const Frame& f) {
  return operand_in<operand<P, P::root(R)>, Frame, no_source>{f, {}};
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
