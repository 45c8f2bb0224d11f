// kernfold/formula/operand.hpp: where the arguments of a program's nodes are found, as types that name places and not
// formulas. What evaluates a node is made from these: its name stays short however long the formula is, and formulas
// share what applies the same operation at the same places.
#pragma once

#include "program.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

/// A constant F.
template <class F> struct immediate {
  static constexpr int dim = F::dim;
  static constexpr kind result = kind::real;
  static constexpr bool mixes_with_indices = is_index_like<F>;
};
/// What a stage holds: a row's or a column's number, or a value that it kept or keeps in its registers.
template <stage At, home Where, kind Result, int Offset, int Dim> struct held {
  static constexpr int dim = Dim;
  static constexpr kind result = Result;
  static constexpr bool mixes_with_indices = Result == kind::index;
};
/// Leaf number Number of the program, read from its array.
template <class Leaf, int Number> struct array_element {
  static constexpr int dim = Leaf::dim;
  static constexpr kind result = Leaf::result;
  static constexpr bool mixes_with_indices = Leaf::result == kind::index;
};
/// Leaf number Number, of a dimension that is known at run time, as the stage At keeps it.
template <stage At, class Leaf, int Number> struct kept_vector {
  static constexpr int dim = dynamic;
  static constexpr kind result = kind::real;
  static constexpr bool mixes_with_indices = false;
};
/// The number of the row, or of the column, that an edge belongs to.
template <role Role> struct end_of_edge {
  static constexpr int dim = 1;
  static constexpr kind result = kind::index;
  static constexpr bool mixes_with_indices = true;
};
/// An operation on operands.
template <class Op, kind Result, int Dim, class... Operands> struct applied {
  static constexpr int dim = Dim;
  static constexpr kind result = Result;
  static constexpr bool mixes_with_indices = Result == kind::index;
};

/// A node of the program P as an argument of another.
template <class P, int Node, home Where = P::at(Node).where> struct operand_at {
  static constexpr instruction n = P::at(Node);
  using type = held<n.at, n.where, n.result, n.offset, n.dim>;
};
template <class P, int Node> using operand = typename operand_at<P, Node>::type;

/// How a node of the program P is computed.
template <class P, int Node, class F = typename P::template node_at<Node>> struct computation_at {
  using type = array_element<F, index_of<F>(typename P::leaves{})>;
};
template <class P, int Node, role R> struct computation_at<P, Node, index_variable<R>> {
  using type = end_of_edge<R>;
};
template <class P, int Node, class F, class Places> struct application;
template <class P, int Node, class Op, class... Args, int... Places>
struct application<P, Node, node<Op, Args...>, std::integer_sequence<int, Places...>> {
  static_assert((identity_check<Args, typename P::template node_at<P::argument(Node, Places)>>::value && ...));
  using type = applied<Op, P::at(Node).result, P::at(Node).dim, operand<P, P::argument(Node, Places)>...>;
};
template <class P, int Node, class Op, class... Args>
struct computation_at<P, Node, node<Op, Args...>>
    : application<P, Node, node<Op, Args...>, std::make_integer_sequence<int, sizeof...(Args)>> {};

template <class P, int Node> struct operand_at<P, Node, home::immediate> {
  using type = immediate<typename P::template node_at<Node>>;
};
template <class P, int Node> struct operand_at<P, Node, home::array> : computation_at<P, Node> {};
template <class P, int Node> struct operand_at<P, Node, home::streamed> : computation_at<P, Node> {};
template <class P, int Node> struct operand_at<P, Node, home::vector> {
  using leaf = typename P::template node_at<Node>;
  using type = kept_vector<P::at(Node).at, leaf, index_of<leaf>(typename P::leaves{})>;
};

/// Computes what belongs at Target.
template <class Target, class Computation> struct step {
  using target = Target;
};
template <class... Steps> struct step_list {};

/// The nodes Selection::nodes of the program P as steps, `steps_per_list` in each list: no list is so long that its
/// own name, or an expression over it, costs a compiler much.
inline constexpr int steps_per_list = 16;
template <class P, class Selection, int First, class Places> struct steps_from;
template <class P, class Selection, int First, int... Places>
struct steps_from<P, Selection, First, std::integer_sequence<int, Places...>> {
  using type = step_list<step<operand<P, Selection::nodes.number[First + Places]>,
                              typename computation_at<P, Selection::nodes.number[First + Places]>::type>...>;
};
template <class P, class Selection, int List>
using step_list_at =
    typename steps_from<P, Selection, List * steps_per_list,
                        std::make_integer_sequence<int, (Selection::nodes.count < (List + 1) * steps_per_list
                                                             ? Selection::nodes.count
                                                             : (List + 1) * steps_per_list) -
                                                            List * steps_per_list>>::type;
template <class P, class Selection, class Lists> struct step_lists {};

template <class P, class Selection, bool IsShort = (Selection::nodes.count <= steps_per_list)>
struct steps_of_selection {
  using type = step_list_at<P, Selection, 0>;
};
template <class P, class Selection> struct steps_of_selection<P, Selection, false> {
  static constexpr int lists = (Selection::nodes.count + steps_per_list - 1) / steps_per_list;
  using type = step_lists<P, Selection, std::make_integer_sequence<int, lists>>;
};

template <class P, stage S> struct scheduled_nodes {
  static constexpr auto nodes = P::scheduled(S);
};

template <class P, stage S> struct copied_nodes {
  static constexpr auto nodes = P::copied(S);
};
template <class P, stage S> struct computed_nodes {
  static constexpr auto nodes = P::computed(S);
};

template <class P, class Roots = std::make_integer_sequence<int, P::root_count>> struct roots_of;
template <class P, int... Roots> struct roots_of<P, std::integer_sequence<int, Roots...>> {
  using type = type_list<operand<P, P::root(Roots)>...>;
};

}  // namespace kernfold::detail
namespace kernfold {

/// The nodes Selection::nodes of a stage, as steps for evaluate().
template <class P, class Selection> using selected = typename detail::steps_of_selection<P, Selection>::type;
/// All of them.
template <class P, stage S> using whole_stage = selected<P, detail::scheduled_nodes<P, S>>;
/// Of what a stage evaluates, the leaves that it keeps as they are, and the rest.
template <class P, stage S> using copies_of_stage = selected<P, detail::copied_nodes<P, S>>;
template <class P, stage S> using computations_of_stage = selected<P, detail::computed_nodes<P, S>>;
/// The program's roots, as places in a frame of the pair stage.
template <class P> using root_operands = typename detail::roots_of<P>::type;

}  // namespace kernfold
KERNFOLD_STRICT_END
