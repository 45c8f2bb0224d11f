// Dimensions that are known at run time (kf::dynamic), beside the same formulas with theirs in the type.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::distance;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr auto x = kf::Vi<0, kf::dynamic>;
constexpr auto y = kf::Vj<1, kf::dynamic>;
constexpr auto b = kf::Vj<2, kf::dynamic>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto e = kf::Vi<4, kf::dynamic>;
constexpr auto w = kf::Pm<4, kf::dynamic>;
constexpr auto gauss = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);

constexpr std::int64_t M = 83, N = 601;

/// D components of the points and E of the values, in the type.
template <int D, int E> struct fixed {
  static constexpr auto x = kf::Vi<0, D>;
  static constexpr auto y = kf::Vj<1, D>;
  static constexpr auto b = kf::Vj<2, E>;
  static constexpr auto e = kf::Vi<4, E>;
  static constexpr auto w = kf::Pm<4, D>;
  static constexpr auto gauss = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
};

template <class Real, int D, int E> void expect_sums_and_gradients(const kf::cpu& where) {
  using of = fixed<D, E>;
  const auto X = numbers<Real>(1, M, D), Y = numbers<Real>(2, N, D), B = numbers<Real>(3, N, E),
             O = numbers<Real>(4, M, E);
  const Real G = Real(.3) / D;
  const double close = std::is_same_v<Real, float> ? 2e-5 : 1e-13;
  EXPECT_LT(distance(of::gauss.on(where)(X, Y, B, G), gauss.on(where)(X, Y, B, G)), close);
  EXPECT_LT(distance(kf::grad(of::gauss, of::x, of::e).on(where)(X, Y, B, G, O),
                     kf::grad(gauss, x, e).on(where)(X, Y, B, G, O)),
            close);
  EXPECT_LT(distance(kf::grad(of::gauss, of::y, of::e).on(where)(X, Y, B, G, O),
                     kf::grad(gauss, y, e).on(where)(X, Y, B, G, O)),
            close);
  EXPECT_LT(distance(kf::grad(of::gauss, of::b, of::e).on(where)(X, Y, B, G, O),
                     kf::grad(gauss, b, e).on(where)(X, Y, B, G, O)),
            close);
  EXPECT_LT(
      distance(kf::grad(of::gauss, g, of::e).on(where)(X, Y, B, G, O), kf::grad(gauss, g, e).on(where)(X, Y, B, G, O)),
      close);
}
template <class Real, int D, int E> void expect_sums_and_gradients() {
  for (const auto set : {kf::instruction_set::scalar, kf::instruction_set::avx2, kf::instruction_set::avx512})
    if (kf::is_usable(set)) expect_sums_and_gradients<Real, D, E>(kf::cpu{.threads = 2, .instructions = set});
}
TEST(Dimensions, SumsAndGradientsAreThoseOfTheSameDimensionInTheType) {
  expect_sums_and_gradients<float, 3, 1>();
  expect_sums_and_gradients<double, 17, 130>();
}

TEST(Dimensions, OneReductionServesEveryDimension) {
  const auto nearest = kf::any_reduction<float>(kf::argkmin_reduction<3>(sqdist(x, y)));
  for (const std::int64_t D : {1, 2, 7, 33}) {
    const auto X = numbers<float>(1, M, D), Y = numbers<float>(2, N, D);
    const auto found = nearest.indices(X, Y);
    for (std::int64_t i = 0; i < M; ++i) {
      const auto to = [&](std::int64_t j) {
        float sum = 0;
        for (std::int64_t k = 0; k < D; ++k) sum = std::fma(X(i, k) - Y(j, k), X(i, k) - Y(j, k), sum);
        return sum;
      };
      float before = 0;
      for (int k = 0; k < 3; ++k) {
        int nearer = 0;
        for (std::int64_t j = 0; j < N; ++j) nearer += to(j) < to(found(i, k));
        EXPECT_LE(nearer, k);
        EXPECT_LE(before, to(found(i, k)));
        before = to(found(i, k));
      }
    }
  }
}

template <class R, class S> void expect_same(R run_time, S in_type) {
  using of = fixed<9, 1>;
  const auto X = numbers<double>(1, M, 9), Y = numbers<double>(2, N, 9), W = numbers<double>(5, 1, 9);
  const auto over_j = run_time(x = X, y = Y, w = W);
  EXPECT_LT(distance(in_type(of::x = X, of::y = Y, of::w = W), over_j), 1e-13);
}
TEST(Dimensions, EveryOperationThatTakesThem) {
  using of = fixed<9, 1>;
  // Every case has all three vectors, so that one call fits all.
  expect_same(kf::logsumexp_reduction(dot(x, y) + norm2(y) - dot(w, x)),
              kf::logsumexp_reduction(dot(of::x, of::y) + norm2(of::y) - dot(of::w, of::x)));
  expect_same(kf::min_reduction(sqnorm2(x - y) + sqnorm2(w) * sum(x)),
              kf::min_reduction(sqnorm2(of::x - of::y) + sqnorm2(of::w) * sum(of::x)));
  expect_same(kf::sum_reduction(norm2(x) * y + 2_c * w), kf::sum_reduction(norm2(of::x) * of::y + 2_c * of::w));
  expect_same(kf::sum_reduction(dot(w * x, y)), kf::sum_reduction(dot(of::w * of::x, of::y)));
  expect_same(kf::sum_reduction(x + 0_c * dot(w, y)), kf::sum_reduction(of::x + 0_c * dot(of::w, of::y)));
  expect_same(kf::sum_reduction<kf::axis::i>(exp(-norm2(x - y)) * w),
              kf::sum_reduction<kf::axis::i>(exp(-norm2(of::x - of::y)) * of::w));
  expect_same(kf::sum_reduction<kf::axis::both>(exp(-norm2(x - y)) * (w + x)),
              kf::sum_reduction<kf::axis::both>(exp(-norm2(of::x - of::y)) * (of::w + of::x)));
  expect_same(kf::sum_reduction(where(sqdist(x, y) < 1_c, sqrt(abs(y)) / (1_c + square(w)), x)).with(kf::compensated),
              kf::sum_reduction(where(sqdist(of::x, of::y) < 1_c, sqrt(abs(of::y)) / (1_c + square(of::w)), of::x))
                  .with(kf::compensated));
}

TEST(Dimensions, StridesAndTheCallersMemory) {
  const auto all_x = numbers<float>(1, M, 12), all_y = numbers<float>(2, N, 14), B = numbers<float>(3, N, 70);
  const kf::view part_x{all_x.data() + 2, M, 7, 12, 1}, part_y{all_y.data(), N, 7, 14, 2};
  kf::matrix<float> X(M, 7), Y(N, 7);
  for (std::int64_t i = 0; i < M; ++i)
    for (int k = 0; k < 7; ++k) X(i, k) = part_x(i, k);
  for (std::int64_t j = 0; j < N; ++j)
    for (int k = 0; k < 7; ++k) Y(j, k) = part_y(j, k);
  const auto expected = gauss(X, Y, B, .5f);
  EXPECT_EQ(distance(expected, gauss(part_x, part_y, B, .5f)), 0);
  std::vector<float> memory(std::size_t(70 * M), -1.f);
  gauss.into(kf::view{memory.data(), M, 70, 1, M}, X, Y, B, .5f);
  gauss.add_to(kf::view{memory.data(), M, 70, 1, M}, X, Y, B, .5f);
  for (std::int64_t i = 0; i < M; ++i)
    for (std::int64_t k = 0; k < 70; ++k) EXPECT_EQ(memory[std::size_t(k * M + i)], 2 * expected(i, k));
}

TEST(Dimensions, SpacesAndBatches) {
  using of = fixed<6, 3>;
  const auto X = numbers<double>(1, N, 6), Y = numbers<double>(2, N, 6), B = numbers<double>(3, N, 3);
  EXPECT_LT(distance(of::gauss.over(kf::causal())(X, Y, B, .5), gauss.over(kf::causal())(X, Y, B, .5)), 1e-13);
  const std::vector<std::int64_t> rows{0, 100, 150, 400}, slices{1, 3}, columns{30, 90, 0, 10, 400, 601};
  const kf::ranges pairs{rows, slices, columns};
  EXPECT_LT(distance(of::gauss.over(pairs)(X, Y, B, .5), gauss.over(pairs)(X, Y, B, .5)), 1e-13);
  const auto batch_x = numbers<double>(1, 4 * M, 6);
  const kf::view problems{batch_x.data(), {4}, M, 6};
  EXPECT_LT(distance(of::gauss(problems, Y, B, .5), gauss(problems, Y, B, .5)), 1e-13);
}

TEST(Dimensions, SeveralResultsOfOneSweep) {
  using of = fixed<6, 80>;
  const auto X = numbers<double>(1, M, 6), Y = numbers<double>(2, N, 6), B = numbers<double>(3, N, 80);
  const auto [s, n] = kf::fold_all(kf::sum_reduction(exp(-sqdist(x, y)) * b), kf::min_reduction(sqdist(x, y)))(X, Y, B);
  EXPECT_LT(distance(kf::sum_reduction(exp(-sqdist(of::x, of::y)) * of::b)(X, Y, B), s), 1e-13);
  EXPECT_LT(distance(kf::min_reduction(sqdist(of::x, of::y))(X, Y), n), 1e-13);
}

TEST(Dimensions, LazyMatricesAndTheTape) {
  using of = fixed<6, 2>;
  const auto X = numbers<double>(1, M, 6), Y = numbers<double>(2, N, 6), B = numbers<double>(3, N, 2);
  const auto K = exp(-sqdist(kf::lazy_i<kf::dynamic>(X), kf::lazy_j<kf::dynamic>(Y)));
  const auto k = kf::sum_reduction(exp(-sqdist(of::x, of::y)));
  EXPECT_LT(distance(k(X, Y), K.sum_j()), 1e-13);
  EXPECT_LT(distance(kf::sum_reduction(exp(-sqdist(of::x, of::y)) * of::b)(X, Y, B), K.matvec(B)), 1e-13);
  kf::tape t;
  const auto [to_x] = t.gradient(sum(square(K.sum_j(t))), X);
  kf::matrix<double> twice = k(X, Y);
  for (double& v : twice) v *= 2;
  EXPECT_LT(distance(kf::grad(k, of::x, kf::Vi<2, 1>)(X, Y, twice), to_x), 1e-13);
  EXPECT_EQ(K.block(3, 5, 0, N).sum_j().rows(), 2);
}

TEST(Dimensions, NoColumnsAndNoRows) {
  const kf::matrix<float> none(0, 5);
  const auto X = numbers<float>(1, M, 5);
  const kf::matrix<float> B(0, 3), C(M, 3);
  const auto zeros = gauss(X, none, B, 1.f);
  ASSERT_EQ(zeros.rows(), M);
  ASSERT_EQ(zeros.cols(), 3);
  for (std::int64_t n = 0; n < M * 3; ++n) EXPECT_EQ(zeros.data()[n], 0.f);
  EXPECT_EQ(gauss(none, X, C, 1.f).rows(), 0);
}

TEST(Dimensions, WhatDoesNotFitIsSaid) {
  const auto X = numbers<float>(1, 5, 3), Y = numbers<float>(2, 6, 4), B = numbers<float>(3, 6, 2);
  EXPECT_EQ(sentence_of([&] { (void)gauss(X, Y, B, 1.f); }),
            "argument 1 (y1, Vj<1, dynamic>) of Sum(exp(-p3 |x0 - y1|^2) y2): rows of dimension 4 were given, argument "
            "0 has 3");
  const std::vector<float> flat(15);
  EXPECT_EQ(sentence_of([&] { (void)gauss(flat, X, B, 1.f); }),
            "argument 0 (x0, Vi<0, dynamic>) of Sum(exp(-p3 |x0 - y1|^2) y2): 15 numbers were given in a row, of a "
            "dimension that only the array can tell: give rows, as in kf::view{pointer, rows, dim}");
  const kf::view empty{flat.data(), 5, 0};
  EXPECT_EQ(
      sentence_of([&] { (void)gauss(empty, X, B, 1.f); }),
      "argument 0 (x0, Vi<0, dynamic>) of Sum(exp(-p3 |x0 - y1|^2) y2): rows of dimension 0 were given, 1 or more "
      "is needed");
  kf::matrix<float> narrow(5, 1);
  EXPECT_EQ(sentence_of([&] { gauss.into(narrow, X, numbers<float>(2, 6, 3), B, 1.f); }),
            "the memory for the result of Sum(exp(-p3 |x0 - y1|^2) y2): rows of dimension 1 were given, 2 are needed");
  EXPECT_EQ(sentence_of([&] { (void)kf::sum_reduction(dot(w, x))(w = X, x = X); }),
            "argument 4 (p4, Pm<4, dynamic>) of Sum((p4 | x0)): 15 numbers were given, a parameter has 3");
}

}  // namespace
