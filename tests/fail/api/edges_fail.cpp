#include <kernfold/kernfold.hpp>

#include <cstdint>
#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto v = kf::Ve<2, 1>;
constexpr auto R = sum_reduction(exp(-sqdist(x, y)) * v);

const std::vector<float> X(6), Y(9), V(2);
std::vector<float> out(2);
const std::vector<std::int64_t> I{0, 1}, J{2, 0};
const std::vector<float> reals{0, 1};

void call() {
  const auto edges = kf::edges::coo(I, J);

#if CASE == 1  // expect: a kf::Ve has a row for each edge, and so has what is left by kf::axis::none
  const auto a = R(X, Y, V);
#else
  const auto a = R.over(edges)(X, Y, V);
#endif

#if CASE == 2  // expect: a kf::Ve has a row for each edge, and so has what is left by kf::axis::none
  R.into(out, X, Y, V);
#else
  R.over(edges).into(out, X, Y, V);
#endif

#if CASE == 3  // expect: a kf::Ve has a row for each edge, and so has what is left by kf::axis::none
  const auto each = kf::sum_reduction<kf::axis::none>(sqdist(x, y)).over(kf::causal())(X, Y);
#else
  const auto each = kf::sum_reduction<kf::axis::none>(sqdist(x, y)).over(edges)(X, Y);
#endif

#if CASE == 4  // expect: kf::edges takes arrays of integers
  const auto others = kf::edges::coo(reals, J);
#else
  const auto others = kf::edges::coo(J, I);
#endif

#if CASE == 5  // expect: a call runs over one space
  const auto b = R.over(edges).over(kf::causal())(X, Y, V);
#else
  const auto b = R.over(edges).on(kf::cpu{.threads = 1})(X, Y, V);
#endif

#if CASE == 6  // expect: a value for each edge is a sum of one term; there is nothing to choose from
  const auto c = kf::grad(kf::min_reduction<kf::axis::none>(sqdist(x, y)), x).over(edges)(X, Y, V);
#else
  const auto c = kf::grad(kf::sum_reduction<kf::axis::none>(sqdist(x, y)), x).over(edges)(X, Y, V);
#endif

#if CASE == 7  // expect: a kf::Ve has a row for each edge, and so has what is left by kf::axis::none
  const kf::any_reduction<float> any = R;
#else
  const kf::any_reduction<float> any = sum_reduction(exp(-sqdist(x, y)));
#endif
}
