// Vectors too long for registers, which the loop nest evaluates in blocks of pairs, whatever folds them.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/space.hpp>

#include <cstdint>
#include <vector>

namespace kf = kernfold;
using reference::distance;
using reference::numbers;

namespace {

constexpr std::int64_t M = 83, N = 601;

template <int D> struct fixed {
  static constexpr auto x = kf::Vi<0, D>;
  static constexpr auto y = kf::Vj<1, D>;
  static constexpr auto b = kf::Vj<2, D>;
};

template <int D> void expect_all_folds() {
  using of = fixed<D>;
  const auto X = numbers<float>(1, M, D), Y = numbers<float>(2, N, D), B = numbers<float>(3, N, D);
  const auto Xd = numbers<double>(1, M, D), Yd = numbers<double>(2, N, D), Bd = numbers<double>(3, N, D);
  const auto check = [&](auto r) {
    kf::matrix<double> exact = r(Xd, Yd, Bd);
    for (const auto set : {kf::instruction_set::scalar, kf::instruction_set::avx2, kf::instruction_set::avx512}) {
      if (!kf::is_usable(set)) continue;
      const auto found = r.on(kf::cpu{.instructions = set})(X, Y, B);
      kf::matrix<double> wide(found.rows(), found.cols());
      for (std::int64_t n = 0; n < found.rows() * found.cols(); ++n) wide.data()[n] = double(found.data()[n]);
      EXPECT_LT(distance(exact, wide), 2e-5) << r.text().c_str();
    }
  };
  check(kf::sum_reduction(exp(-sqdist(of::x, of::y) / kf::constant<D>) * of::b));
  check(kf::softmax_reduction(dot(of::x, of::y) / kf::constant<D>, of::b));
  check(kf::logsumexp_reduction(dot(of::x, of::y), square(of::b)));
  check(kf::kmin_reduction<5>(sqdist(of::x, of::y) + sqnorm2(of::b)));
  check(kf::max_reduction(dot(of::x - of::b, of::y)));
}
TEST(Agent, EveryFoldOfLongVectorsOnEverySet) { expect_all_folds<35>(); }
TEST(Agent, LongVectorsForNeighboursBesideALogOfASumAndOverEdges) {
  using of = fixed<20>;
  const auto X = numbers<double>(1, M, 20), Y = numbers<double>(2, N, 20);
  const auto nearest = kf::argkmin_reduction<4>(sqdist(of::x, of::y));
  const auto log_of_sum = kf::logsumexp_reduction(-sqdist(of::x, of::y));
  const auto [n, l] = kf::fold_all(nearest, log_of_sum)(X, Y);
  EXPECT_EQ(distance(n, nearest(X, Y)), 0);
  EXPECT_LT(distance(l, log_of_sum(X, Y)), 1e-14);
  std::vector<std::int64_t> offsets(1, 0), columns;
  for (std::int64_t i = 0; i < M; ++i) {
    for (std::int64_t j = 0; j < N; ++j) columns.push_back(j);
    offsets.push_back(std::int64_t(columns.size()));
  }
  EXPECT_EQ(distance(n, nearest.over(kf::edges::csr(offsets, columns))(X, Y)), 0);
}

}  // namespace
