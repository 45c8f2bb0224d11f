#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto distance = sqdist(kf::Vi<0, 3>, kf::Vj<1, 3>);

#if CASE == 1  // expect: K neighbours need 1 <= K <= 256
constexpr auto none = kf::argkmin_reduction<0>(distance);
#else
constexpr auto one = kf::argkmin_reduction<1>(distance);
#endif

#if CASE == 2  // expect: K neighbours need 1 <= K <= 256
constexpr auto too_many = kf::argkmin_reduction<257>(distance);
#else
constexpr auto many = kf::argkmin_reduction<256>(distance);
#endif

#if CASE == 3  // expect: K least values need 1 <= K <= 256
constexpr auto no_values = kf::kmin_reduction<0>(distance);
#else
constexpr auto one_value = kf::kmin_reduction<1>(distance);
#endif

#if CASE == 4  // expect: K least values need 1 <= K <= 256
constexpr auto too_many_values = kf::kmin_reduction<257>(distance);
#else
constexpr auto many_values = kf::kmin_reduction<256>(distance);
#endif
