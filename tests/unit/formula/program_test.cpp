// What the engine sees of a formula: which nodes there are after lowering, at which stage each is known, and where its
// value lives.
#include <kernfold/formula/operand.hpp>
#include <kernfold/formula/print.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto s = kf::Vi<4, 1>;

template <class P, int Node> constexpr kf::instruction instruction_of = P::at(Node);

/// One line for each node: "column kept 0: y1".
template <class P> std::string lines_of() {
  constexpr const char* stages[] = {"parameter", "row", "column", "pair"};
  constexpr const char* homes[] = {"immediate", "number", "array", "kept", "vector", "local", "streamed"};
  std::string text;
  [&]<int... Ks>(std::integer_sequence<int, Ks...>) {
    const auto add = [&](const kf::instruction& n, const char* node) {
      text += std::string(stages[int(n.at)]) + " " + homes[int(n.where)];
      if (n.where == kf::home::kept || n.where == kf::home::local) text += " " + std::to_string(n.offset);
      text += std::string(": ") + node + "\n";
    };
    (add(instruction_of<P, Ks>, to_string(typename P::template node_at<Ks>{}).c_str()), ...);
  }(std::make_integer_sequence<int, P::count>{});
  return text;
}
/// The sweep of a reduction.
template <class Reduction> struct plan_of;
template <class Signature, class Options, class Item, template <class, class, class...> class Reduction>
struct plan_of<Reduction<Signature, Options, Item>> {
  using type = kf::sweep_plan<Item::folds, kf::accumulation::block, kf::lowering{}, float, typename Item::spec>;
};
template <class Reduction> using program_of = typename plan_of<std::remove_cv_t<Reduction>>::type::program_type;

constexpr auto convolution = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);

}  // namespace

TEST(program, of_a_gaussian_convolution) {
  EXPECT_EQ(lines_of<program_of<decltype(convolution)>>(),
            "row kept 0: x0\n"
            "column kept 1: y1\n"
            "pair local 0: |x0 - y1|^2\n"
            "parameter immediate: -1.4426950408889634\n"
            "parameter array: p3\n"
            "parameter kept 0: -1.4426950408889634 p3\n"
            "pair local 1: |x0 - y1|^2 (-1.4426950408889634 p3)\n"
            "pair local 2: exp2(|x0 - y1|^2 (-1.4426950408889634 p3))\n"
            "column kept 0: y2\n");
}
// The nodes' types, exactly.
TEST(program, of_a_gaussian_convolution_as_types) {
  using P = program_of<decltype(convolution)>;
  using distance = kf::node<kf::SqDist, kf::variable<kf::role::i, 0, 3>, kf::variable<kf::role::j, 1, 3>>;
  using scale = kf::node<kf::Mul, decltype(kf::detail::constant_product(kf::constant<-1>, kf::detail::log2_of_e())),
                         kf::variable<kf::role::parameter, 3, 1>>;
  using exponential = kf::node<kf::Exp2, kf::node<kf::Mul, distance, scale>>;
  static_assert(std::is_same_v<P::roots, kf::type_list<exponential, kf::variable<kf::role::j, 2, 1>>>);
  static_assert(
      std::is_same_v<P::leaves,
                     kf::type_list<kf::variable<kf::role::i, 0, 3>, kf::variable<kf::role::j, 1, 3>,
                                   kf::variable<kf::role::parameter, 3, 1>, kf::variable<kf::role::j, 2, 1>>>);
  // What evaluates a node is told places, and no formula.
  using kf::home, kf::stage, kf::kind;
  using kf::detail::held;
  using step =
      kf::detail::step<held<stage::pair, home::local, kind::real, 0, 1>,
                       kf::detail::applied<kf::SqDist, kind::real, 1, held<stage::row, home::kept, kind::real, 0, 3>,
                                           held<stage::column, home::kept, kind::real, 1, 3>>>;
  using product =
      kf::detail::step<held<stage::pair, home::local, kind::real, 1, 1>,
                       kf::detail::applied<kf::Mul, kind::real, 1, held<stage::pair, home::local, kind::real, 0, 1>,
                                           held<stage::parameter, home::kept, kind::real, 0, 1>>>;
  using power =
      kf::detail::step<held<stage::pair, home::local, kind::real, 2, 1>,
                       kf::detail::applied<kf::Exp2, kind::real, 1, held<stage::pair, home::local, kind::real, 1, 1>>>;
  static_assert(std::is_same_v<kf::whole_stage<P, stage::pair>, kf::detail::step_list<step, product, power>>);
  EXPECT_EQ(P::size(stage::pair).local_reals, 3);
  EXPECT_EQ(P::size(stage::column).kept_reals, 4);
}
TEST(program, of_its_x_gradient) {
  constexpr auto r = kf::grad(convolution, x, s);
  EXPECT_EQ(lines_of<program_of<decltype(r)>>(),
            "row kept 0: x0\n"
            "column kept 1: y1\n"
            "pair local 0: |x0 - y1|^2\n"
            "parameter immediate: -1.4426950408889634\n"
            "parameter array: p3\n"
            "parameter kept 0: -1.4426950408889634 p3\n"
            "pair local 1: |x0 - y1|^2 (-1.4426950408889634 p3)\n"
            "pair local 2: exp2(|x0 - y1|^2 (-1.4426950408889634 p3))\n"
            "column kept 0: y2\n"
            "pair local 3: exp2(|x0 - y1|^2 (-1.4426950408889634 p3)) y2\n"
            "pair local 4: x0 - y1\n"
            "parameter immediate: -2\n"
            "parameter kept 1: -2 p3\n"
            "row array: x4\n"
            "row kept 3: -2 p3 x4\n");
}
TEST(program, of_nearest_neighbours_over_i) {
  constexpr auto r = kf::argmin_reduction<kf::axis::i>(sqdist(x, y));
  EXPECT_EQ(lines_of<program_of<decltype(r)>>(),
            "column kept 0: x0\n"
            "row kept 0: y1\n"
            "pair local 0: |x0 - y1|^2\n");
}
TEST(program, of_labels_and_numbers) {
  constexpr auto l = kf::Vi<0, 1, int>;
  constexpr auto m = kf::Vj<1, 1, int>;
  constexpr auto r = kf::sum_reduction(where(l + kf::row_index == m, b, kf::constant<1, 2>));
  EXPECT_EQ(lines_of<program_of<decltype(r)>>(),
            "row array: x0\n"
            "row number: row_index\n"
            "row kept 0: x0 + row_index\n"
            "column kept 0: y1\n"
            "pair local 0: [x0 + row_index == y1]\n"
            "column kept 0: y2\n"
            "parameter immediate: 1/2\n"
            "pair local 1: where([x0 + row_index == y1], y2, 1/2)\n");
}
TEST(program, of_long_vectors) {
  constexpr auto r = kf::sum_reduction(sum(exp(kf::Vi<0, 40> + kf::Vj<1, 40>)));
  EXPECT_EQ(lines_of<program_of<decltype(r)>>(),
            "parameter immediate: 1.4426950408889634\n"
            "row kept 0: x0\n"
            "column kept 0: y1\n"
            "pair streamed: x0 + y1\n"
            "pair streamed: 1.4426950408889634 (x0 + y1)\n"
            "pair streamed: exp2(1.4426950408889634 (x0 + y1))\n"
            "pair local 0: sum(exp2(1.4426950408889634 (x0 + y1)))\n");
}
