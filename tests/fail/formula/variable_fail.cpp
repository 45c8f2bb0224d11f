#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

#if CASE == 1  // expect: a variable's position in the call must be 0 or more
constexpr auto position = kf::Vi<-1, 3>;
#else
constexpr auto position = kf::Vi<0, 3>;
#endif

#if CASE == 2  // expect: a variable's dimension must be 1 or more
constexpr auto dimension = kf::Vj<0, 0>;
#else
constexpr auto dimension = kf::Vj<0, 1>;
#endif

#if CASE == 3  // expect: a variable's dimension must be 1 or more, and less than 2^20
constexpr auto long_vector = kf::Vi<0, kf::dynamic + 1>;
#else
constexpr auto long_vector = kf::Vi<0, kf::dynamic - 1>;
#endif

#if CASE == 4  // expect: a variable's element type must be an arithmetic type
constexpr auto element = kf::Pm<0, 1, void*>;
#else
constexpr auto element = kf::Pm<0, 1, int>;
#endif

#if CASE == 5  // expect: a variable is bound to an array, not to another formula
const auto bound = (position = dimension);
#else
constexpr float numbers[3] = {};
const auto bound = (position = numbers);
#endif
