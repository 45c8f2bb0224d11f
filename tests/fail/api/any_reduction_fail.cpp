#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto S = sum_reduction(exp(-sqdist(x, y)));

const std::vector<float> X(6), Y(9);
std::vector<float> out(2);
std::vector<int> narrow(2);

#if CASE == 1  // expect: an any_reduction has one result: make one for each reduction
kf::any_reduction<float> any() { return fold_all(S, argmin_reduction(sqdist(x, y))); }
#else
kf::any_reduction<float> any() { return S; }
#endif

#if CASE == 2  // expect: an any_reduction computes in float or in double
kf::any_reduction<int> integers() { return S; }
#else
kf::any_reduction<double> in_double() { return S; }
#endif

void call() {
#if CASE == 3  // expect: an any_reduction takes its arguments by position
  any()(x = X, y = Y);
#else
  any()(X, Y);
#endif

#if CASE == 4  // expect: the result's memory must have the any_reduction's real type, or std::int64_t for indices
  any().into(narrow, X, Y);
#else
  any().into(out, X, Y);
#endif

#if CASE == 5  // expect: a pointer does not say how many numbers stand behind it
  any()(X.data(), Y);
#else
  any()(kf::view{X.data(), 2, 3}, Y);
#endif
}
