#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto S = sum_reduction(exp(-sqdist(x, y)) * b);
constexpr auto L = logsumexp_reduction(-sqdist(x, y));

const std::vector<float> X(6), Y(9), B(3), E(2);
const std::vector<double> Bd(3), Yd(9);

void stream() {
#if CASE == 1  // expect: this reduction needs the value of another one over all columns (as the gradient of a log-sum-exp does)
  auto slope = grad(L, x).start(x = X, kf::Vi<2, 1> = E);
#else
  auto slope = grad(S, x).start(x = X, kf::Vi<3, 1> = E);
#endif

#if CASE == 2  // expect: start takes its arguments by name, as in x = X
  auto state = S.start(X);
#else
  auto state = S.start(x = X);
#endif

#if CASE == 3  // expect: the arrays of a reduction are all float or all double, those of later columns too
  state.absorb(y = Yd, b = Bd);
#else
  state.absorb(y = Y, b = B);
#endif

#if CASE == 4  // expect: an argument is missing
  state.absorb(y = Y);
#else
  state.absorb(y = Y, b = B);
#endif

#if CASE == 5  // expect: a name bound in this call is no variable of the formula
  state.absorb(x = X, y = Y, b = B);
#else
  state.absorb(y = Y, b = B);
#endif

#if CASE == 6  // expect: reductions that share a stream of columns fold the same axis
  auto several = fold_all(S, sum_reduction<kf::axis::i>(b)).start(x = X);
#else
  auto several = fold_all(S, min_reduction(sqdist(x, y))).start(x = X);
#endif

#if CASE == 7  // expect: finish(out) writes one result; finish() returns several
  std::vector<float> out(2);
  several.finish(out);
#else
  auto [sum, least] = several.finish();
#endif

#if CASE == 8  // expect: the arrays that a reduction starts with are read until its end: a temporary would be gone by then
  auto gone = S.start(x = std::vector<float>(6));
#else
  auto kept = S.start(x = kf::view{X.data(), 2, 3});
#endif
}
