#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
const std::vector<float> X(6), Y(9);

#if CASE == 1  // expect: a log-sum-exp or softmax needs a formula of dimension 1
const auto of_vector = logsumexp_reduction(x * y)(X, Y);
#else
const auto of_scalar = logsumexp_reduction(x | y)(X, Y);
#endif

#if CASE == 2  // expect: a log-sum-exp or softmax needs a formula of dimension 1
const auto weighted = softmax_reduction(x * y, y)(X, Y);
#else
const auto weighted = softmax_reduction(x | y, y)(X, Y);
#endif
