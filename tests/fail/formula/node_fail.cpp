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

// Labels of 64 bits without sign are held in signed integers.
constexpr auto label = kf::Vi<2, 1, std::uint64_t>;
constexpr auto other = kf::Vj<3, 1, std::uint64_t>;
constexpr auto with_sign = kf::Vj<3, 1, std::int64_t>;
constexpr auto narrow = kf::Vj<3, 1, std::uint32_t>;

#if CASE == 4  // expect: labels of 64 bits without sign are compared for equality only
constexpr auto order = label < other;
#else
constexpr auto order = with_sign < narrow;
#endif

#if CASE == 5  // expect: labels of 64 bits without sign are compared for equality only
constexpr auto mixed = label == with_sign;
#else
constexpr auto mixed = label == narrow;
#endif

#if CASE == 6  // expect: labels of 64 bits without sign are compared for equality only
constexpr auto computed = exp(label);
#else
constexpr auto computed = exp(narrow);
#endif

#if CASE == 7  // expect: labels of 64 bits without sign are compared for equality only
constexpr auto least = kf::min_reduction(other);
#else
constexpr auto least = kf::min_reduction(with_sign);
#endif

#if CASE == 8  // expect: labels of 64 bits without sign are compared for equality only
constexpr auto negative = label == kf::constant<-1>;
#else
constexpr auto negative = label == kf::constant<1>;
#endif
