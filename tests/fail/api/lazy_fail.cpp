#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;
using namespace kf::literals;

const std::vector<float> X(6), Y(9);
const std::vector<double> in_double(9);

void call() {
  const auto xi = kf::lazy_i<3>(X);
  const auto yj = kf::lazy_j<3>(Y);
  const auto D = sqdist(xi, yj);

#if CASE == 1  // expect: a lazy matrix reads its arrays when it is reduced: a temporary would be gone by then
  const auto zi = kf::lazy_i<3>(std::vector<float>(6));
#else
  const auto zi = kf::lazy_i<3>(kf::view{X.data(), 2, 3});
#endif

#if CASE == 2  // expect: a number beside a lazy matrix is one of its parameters: kf::lazy_p<1>(number)
  const auto K = exp(-D * 0.5f);
#else
  const auto K = exp(-D * kf::lazy_p<1>(0.5f) * 2_c);
#endif

#if CASE == 3  // expect: a number is a parameter of a lazy matrix: kf::lazy_p<1>(number)
  const auto one = kf::lazy_j<1>(1.f);
#else
  const auto one = kf::lazy_p<1>(1.f);
#endif

#if CASE == 4  // expect: a lazy matrix is reduced by its members, as in K.sum_j()
  const auto a = kf::sum_reduction(K);
#else
  const auto a = K.sum_j();
#endif

#if CASE == 5  // expect: one slot of a lazy matrix holds two arrays: give the second one a slot of its own
  const auto sums = xi + kf::lazy_i<3>(kf::view{X.data(), 2, 3});
#else
  const auto sums = xi + kf::lazy_i<3, 1>(kf::view{X.data(), 2, 3});
#endif

#if CASE == 6  // expect: matvec multiplies a matrix of numbers; this one's elements are vectors
  const auto b = (xi - yj).matvec(Y);
#else
  const auto b = sum(xi - yj).matvec(kf::view{Y.data(), 3, 3});
#endif

#if CASE == 7  // expect: the arrays of one call are all float or all double
  const auto c = sqdist(xi, kf::lazy_j<3>(in_double)).sum_j();
#else
  const auto c = sqdist(xi, kf::lazy_j<3>(Y)).sum_j();
#endif

#if CASE == 8  // expect: a lazy matrix is reduced over one space
  const auto d = D.over(kf::causal()).over(kf::band(1, 1)).sum_j();
#else
  const auto d = D.over(kf::causal()).sum_j();
#endif

#if CASE == 9  // expect: the rows and columns of a block are numbered from 0 again
  const auto e = (D * (kf::row_index == kf::column_index)).block(0, 1, 0, 1).sum_j();
#else
  const auto e = D.block(0, 1, 0, 1).sum_j();
#endif

#if CASE == 10  // expect: the dimensions of an operation's arguments do not fit
  const auto f = xi + kf::lazy_p<2>(X);
#else
  const auto f = xi + kf::lazy_p<3>(X);
#endif
}
