// Compiled once as WHICH=first, once as WHICH=second.
#include <kernfold/kernfold.hpp>

#include "gauss.hpp"

#define JOIN(a, b) a##_##b
#define NAME(a, b) JOIN(a, b)

namespace kf = kernfold;

namespace {
constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
}  // namespace

kf::any_reduction<float> NAME(WHICH, gauss)() { return kf::sum_reduction(exp(-g * sqdist(x, y)) * b); }
kf::any_reduction<double> NAME(WHICH, nearest)() { return kf::argmin_reduction(sqdist(x, y)); }
