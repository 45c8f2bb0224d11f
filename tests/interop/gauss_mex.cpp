// The function of mex_test.m.
#include <kernfold/interop/mex.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;

void mexFunction(int result_count, mxArray** results, int argument_count, const mxArray** arguments) {
  const kf::any_reduction<double> gauss(kf::sum_reduction(exp(-g * sqdist(x, y)) * b));
  const kf::any_reduction<float> in_float(kf::sum_reduction(exp(-g * sqdist(x, y)) * b));
  const kf::any_reduction<double> nearest(kf::argkmin_reduction<2>(sqdist(x, y)));
  if (argument_count == 2) kf::call_from_mex(nearest, result_count, results, argument_count, arguments);
  else if (argument_count > 0 && mxIsSingle(arguments[0]))
    kf::call_from_mex(in_float, result_count, results, argument_count, arguments);
  else kf::call_from_mex(gauss, result_count, results, argument_count, arguments);
}
