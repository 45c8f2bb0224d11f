#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;

#if CASE == 1  // expect: a number inside a formula must be known at compile time: write 2_c or 0.5_c
constexpr auto twice = 2 * x;
#else
constexpr auto twice = kf::constant<2> * x;
#endif

#if CASE == 2  // expect: a number inside a formula must be known at compile time
constexpr auto half = x / 2.0;
#else
constexpr auto half = x / kf::constant<2>;
#endif

#if CASE == 3  // expect: the denominator of a power must not be 0
constexpr auto power = pow<3, 0>(x);
#else
constexpr auto power = pow<3, 2>(x);
#endif
