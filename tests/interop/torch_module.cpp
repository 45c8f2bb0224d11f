// The module of torch_test.py.
#include <kernfold/interop/torch_python.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto label = kf::Vi<2, 1, std::int64_t>;
constexpr auto other_label = kf::Vj<3, 1, std::int64_t>;

constexpr auto gauss = kf::torch_function(kf::sum_reduction(exp(-g * sqdist(x, y)) * b));

at::Tensor called_from_cpp(const at::Tensor& points, const at::Tensor& weights) {
  return gauss(points, points, weights, 0.5);
}
bool throws_errors_of_torch(const at::Tensor& points) {
  try {
    gauss(points, points, at::Tensor(), 0.5);
  } catch (const c10::ValueError& e) {
    return std::string(e.what_without_backtrace()) ==
           "argument 2 (y2, Vj<2, 1>) of Sum(exp(-p3 |x0 - y1|^2) y2): an undefined tensor was given";
  }
  return false;
}

PYBIND11_MODULE(kernels, m) {
  m.def("called_from_cpp", &called_from_cpp);
  m.def("throws_errors_of_torch", &throws_errors_of_torch);
  kf::def_torch(m, "gauss", gauss);
  kf::def_torch<2, double>(m, "by_column", kf::sum_reduction<kf::axis::i>(exp(-sqdist(x, y)) * kf::Vi<2, 1>));
  kf::def_torch<2, double>(m, "in_all", kf::sum_reduction<kf::axis::both>(exp(-kf::Pm<2, 3> * square(x - y))));
  kf::def_torch<2, double>(m, "logsumexp", kf::logsumexp_reduction(-kf::Pm<2, 1> * sqdist(x, y)));
  kf::def_torch<2, double>(m, "nearest_by", kf::min_reduction(sqdist(x, y) * kf::Vj<2, 1>));
  kf::def_torch<2, double>(m, "forces", kf::sum_reduction(exp(-sqdist(x, y)) * (x - y) * b));
  kf::def_torch<2, double>(m, "softmax", kf::softmax_reduction(-sqdist(x, y), kf::Vj<2, 2>));
  kf::def_torch(m, "nearest", kf::argkmin_reduction<2>(sqdist(x, y)));
  kf::def_torch<1>(m, "labelled", kf::sum_reduction(where(label == other_label, sqdist(x, y), kf::constant<0>)));
  kf::def_torch<1>(m, "numbers", kf::sum_reduction(kf::column_index * kf::Pm<0, 1>));
  kf::def_torch<0, float>(m, "once", kf::sum_reduction(sqdist(x, y)));
}
