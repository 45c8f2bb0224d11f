// The module of numpy_test.py.
#include <kernfold/interop/numpy.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;

PYBIND11_MODULE(kernels, m) {
  kf::def_numpy(m, "gauss", kf::any_reduction<float>(kf::sum_reduction(exp(-g * sqdist(x, y)) * b)));
  kf::def_numpy(m, "gauss_in_double", kf::any_reduction<double>(kf::sum_reduction(exp(-g * sqdist(x, y)) * b)));
  kf::def_numpy(m, "nearest", kf::any_reduction<float>(kf::argkmin_reduction<2>(sqdist(x, y))));
  kf::def_numpy(m, "numbers", kf::any_reduction<double>(kf::sum_reduction(kf::column_index * kf::Pm<0, 1>)));
}
