#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

#if CASE == 1  // expect: division by the constant zero
constexpr auto quotient = kf::Vi<0, 3> / kf::constant<0>;
#else
constexpr auto quotient = kf::constant<0> / kf::Vi<0, 3>;
#endif
