#include <kernfold/kernfold.hpp>

#if CASE == 1  // expect: a constant's denominator must not be 0
constexpr auto half = kernfold::constant<1, 0>;
#else
constexpr auto half = kernfold::constant<1, 2>;
#endif
