#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto g = kf::Pm<2, 1>;
constexpr auto F = exp(-g * sqdist(x, y));
constexpr auto R = sum_reduction(F);

#if CASE == 1  // expect: the incoming gradient has the dimension of the reduction's result
constexpr auto wide = grad(R, x, kf::Vi<3, 3>);
#else
constexpr auto wide = grad(R, x, kf::Vi<3, 1>);
#endif

#if CASE == 2  // expect: the incoming gradient has one row per row of the reduction's result: Vi for axis::j
constexpr auto other_role = grad(R, x, kf::Vj<3, 1>);
#else
constexpr auto other_role = grad(sum_reduction<kf::axis::i>(F), x, kf::Vj<3, 1>);
#endif

#if CASE == 3  // expect: the incoming gradient has one row per row of the reduction's result: Vi for axis::j
constexpr auto of_both = grad(sum_reduction<kf::axis::both>(F), x, kf::Vi<3, 1>);
#else
constexpr auto of_both = grad(sum_reduction<kf::axis::both>(F), x, kf::Pm<3, 1>);
#endif

#if CASE == 4  // expect: an index has no gradient
constexpr auto of_index = grad(argmin_reduction(F), x);
#else
constexpr auto of_index = grad(min_reduction(F), x);
#endif

#if CASE == 5  // expect: an index has no gradient
constexpr auto of_indices = grad(argkmin_reduction<3>(F), x);
#else
constexpr auto of_indices = grad(logsumexp_reduction(F), x);
#endif

#if CASE == 6  // expect: the gradient is asked for with respect to a variable that the reduction lacks
constexpr auto lacking = grad(R, kf::Vj<4, 1>);
#else
constexpr auto lacking = grad(R, g);
#endif

#if CASE == 7  // expect: the gradient is asked for with respect to a variable that the reduction lacks
constexpr auto one_lacking = backward(R, x, kf::Vj<4, 1>);
#else
constexpr auto one_lacking = backward(R, x, y);
#endif

#if CASE == 8  // expect: the gradient of an extremum over both axes is not available
constexpr auto of_extremum = grad(max_reduction<kf::axis::both>(F), x);
#else
constexpr auto of_extremum = grad(max_reduction<kf::axis::j>(F), x);
#endif
