// Arrays of a device and of the host: a call takes those of its own side. (Plain C++: a device's array of one's own suffices.)
#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto R = sum_reduction(exp(-sqdist(x, y)));

const std::vector<float> X(6), Y(9);
const kf::device_view<const float> on_device{X.data(), 2, 3};

#if CASE == 1  // expect: an array in the memory of a device was given to a call on the processor; run it there with
const auto on_cpu = R(on_device, Y);
#else
const auto on_cpu = R(X, Y);
#endif
