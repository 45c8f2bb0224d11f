#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto z = kf::Vj<1, 2>;

// Operation and dimensions are named in the message.
#if CASE == 1  // expect: dimension_check<kernfold::SqDist, kernfold::dims<3, 2>
constexpr auto distance = sqdist(x, z);
#else
constexpr auto distance = sqdist(x, y);
#endif

#if CASE == 2  // expect: the dimensions of an operation's arguments do not fit
constexpr auto sum = x + z;
#else
constexpr auto sum = x + y;
#endif

#if CASE == 3  // expect: the dimensions of an operation's arguments do not fit
constexpr auto product = x | z;
#else
constexpr auto product = x | y;
#endif
