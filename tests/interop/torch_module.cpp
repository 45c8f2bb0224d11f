// The module of torch_test.py.
#include <kernfold/interop/torch_python.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto label = kf::Vi<2, 1, std::int64_t>;
constexpr auto other_label = kf::Vj<3, 1, std::int64_t>;

PYBIND11_MODULE(kernels, m) {
  kf::def_torch(m, "gauss", kf::sum_reduction(exp(-g * sqdist(x, y)) * b));
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
