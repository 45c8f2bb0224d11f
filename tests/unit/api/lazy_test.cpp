// Lazy matrices beside the reductions that they stand for, and beside all of their elements.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr std::int64_t M = 43, N = 61;
constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto s = kf::Pm<2, 1>;
constexpr auto b = kf::Vj<3, 2>;

template <class Real> struct cloud {
  kf::matrix<Real> X = numbers<Real>(1, M, 3), Y = numbers<Real>(2, N, 3), B = numbers<Real>(3, N, 2);
  Real scale = Real(0.75);
};
template <class Real>
void expect_near(const kf::matrix<Real>& found, const kf::matrix<Real>& wanted, double tolerance) {
  ASSERT_EQ(found.rows(), wanted.rows());
  ASSERT_EQ(found.cols(), wanted.cols());
  for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_NEAR(double(found[n]), double(wanted[n]), tolerance);
}

}  // namespace

// What is written with arrays computes the bits of what is written with symbols.
TEST(lazy, reductions) {
  const cloud<float> c;
  const auto xi = kf::lazy_i<3>(c.X);
  const auto yj = kf::lazy_j<3>(c.Y);
  const auto bj = kf::lazy_j<2, 1>(c.B);
  const auto g = kf::lazy_p<1>(c.scale);
  const auto D = sqdist(xi, yj) * g;
  constexpr auto F = sqdist(x, y) * s;
  const auto named = [&](auto r) { return r(x = c.X, y = c.Y, s = c.scale); };
  EXPECT_EQ(exp(-D).sum_j(), named(kf::sum_reduction(exp(-F))));
  EXPECT_EQ(exp(-D).sum_i(), named(kf::sum_reduction<kf::axis::i>(exp(-F))));
  EXPECT_EQ(exp(-D).sum_ij(), named(kf::sum_reduction<kf::axis::both>(exp(-F))));
  EXPECT_EQ(D.min_j(), named(kf::min_reduction(F)));
  EXPECT_EQ(D.max_i(), named(kf::max_reduction<kf::axis::i>(F)));
  EXPECT_EQ(D.argmin_j(), named(kf::argmin_reduction(F)));
  EXPECT_EQ(D.argmax_i(), named(kf::argmax_reduction<kf::axis::i>(F)));
  EXPECT_EQ(D.kmin_j<4>(), named(kf::kmin_reduction<4>(F)));
  EXPECT_EQ(D.argkmin_i<4>(), named(kf::argkmin_reduction<4, kf::axis::i>(F)));
  EXPECT_EQ((-D).logsumexp_j(), named(kf::logsumexp_reduction(-F)));
  EXPECT_EQ((-D).logsumexp_i(), named(kf::logsumexp_reduction<kf::axis::i>(-F)));
  EXPECT_EQ((-D).logsumexp_ij(), named(kf::logsumexp_reduction<kf::axis::both>(-F)));
  EXPECT_EQ((-D).logsumexp_j(bj * bj), kf::logsumexp_reduction(-F, b * b)(x = c.X, y = c.Y, s = c.scale, b = c.B));
  EXPECT_EQ((-D).softmax_j(bj), kf::softmax_reduction(-F, b)(x = c.X, y = c.Y, s = c.scale, b = c.B));
  const auto [least, where] = D.min_argmin_j();
  EXPECT_EQ(least, D.min_j());
  EXPECT_EQ(where, D.argmin_j());
  const auto [greatest, place] = D.max_argmax_i();
  EXPECT_EQ(greatest, D.max_i());
  EXPECT_EQ(place, D.argmax_i());
  const auto [values, columns] = D.kmin_argkmin_j<3>();
  EXPECT_EQ(values, D.kmin_j<3>());
  EXPECT_EQ(columns, D.argkmin_j<3>());
  EXPECT_EQ(D.rows(), M);
  EXPECT_EQ(D.cols(), N);
}
// Every function of formulas takes them, beside each other, constants and numbers of rows and columns.
TEST(lazy, operations) {
  const cloud<double> c;
  const auto xi = kf::lazy_i<3>(c.X);
  const auto yj = kf::lazy_j<3>(c.Y);
  const auto bj = kf::lazy_j<2, 1>(c.B);
  const auto with_all = [](auto f, auto u, auto v, auto w) { return f + sum(u + v) * 0_c + sum(w) * 0_c; };
  const auto compare = [&](auto f) {
    const auto found = f(xi, yj, bj).sum_j();
    constexpr auto formula = decltype(with_all(f(x, y, b), x, y, b)){};
    const auto wanted = kf::sum_reduction(formula)(x = c.X, y = c.Y, b = c.B);
    expect_near(found, wanted, 1e-11);
  };
  compare([](auto u, auto v, auto) { return u + v - u * v / (2_c + square(u)); });
  compare([](auto u, auto v, auto w) { return (u | v) * w; });
  compare([](auto u, auto v, auto w) { return exp(-abs(u - v)) * sum(w); });
  compare([](auto u, auto v, auto) {
    return kf::pow<3>(u) + sqrt(square(v)) + rsqrt(sqnorm2(u) + 1_c) * inv(2_c + v * v);
  });
  compare(
      [](auto u, auto v, auto) { return sin(u) * cos(v) + tanh(u) + log(1_c + v * v) + sign(u) * step(v) + relu(u); });
  compare([](auto u, auto v, auto) { return norm2(u - v) + sum(normalize(u + 3_c)) + kf::elem<1>(v); });
  compare([](auto u, auto v, auto w) { return concat(kf::extract<0, 2>(u), w, v); });
  compare([](auto u, auto v, auto w) {
    return matvecmult(tensorprod(w, u), v) + vecmatmult(w, tensorprod(w, kf::extract<1, 2>(u)));
  });
  compare([](auto u, auto v, auto) { return where(u < v, u, v) + if_else(u - v, u, 1_c) + (u == v) + (u >= v); });
  compare([](auto u, auto v, auto) { return where(kf::row_index == kf::column_index, sqdist(u, v), kf::zero<1>) + u; });
  compare([](auto u, auto v, auto) { return kf::kernels::matern<5>(u, v, 1_c) + grouped(u * v); });
  compare([](auto u, auto v, auto) { return kf::pow(square(u) + 1_c, v) - (+u); });
}
TEST(lazy, products) {
  const cloud<float> c;
  const auto K = exp(-sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.Y)));
  const auto all = K.dense();
  ASSERT_EQ(all.rows(), M);
  ASSERT_EQ(all.cols(), N);
  for (const std::int64_t columns : {1, 2, 3, 4, 5, 7, 8, 11}) {
    const auto right = numbers<float>(7, N, columns), left = numbers<float>(8, M, columns);
    const auto product = K.matvec(right), transposed = K.t().matvec(left);
    ASSERT_EQ(product.rows(), M);
    ASSERT_EQ(product.cols(), columns);
    ASSERT_EQ(transposed.rows(), N);
    for (std::int64_t k = 0; k < columns; ++k) {
      for (std::int64_t i = 0; i < M; ++i) {
        double wanted = 0;
        for (std::int64_t j = 0; j < N; ++j) wanted += double(all(i, j)) * double(right(j, k));
        EXPECT_NEAR(product(i, k), wanted, 1e-5);
      }
      for (std::int64_t j = 0; j < N; ++j) {
        double wanted = 0;
        for (std::int64_t i = 0; i < M; ++i) wanted += double(all(i, j)) * double(left(i, k));
        EXPECT_NEAR(transposed(j, k), wanted, 1e-5);
      }
    }
  }
  const std::vector<float> flat(std::size_t(N), 2.f);
  const auto twice = K.matvec(flat), sums = K.sum_j();
  for (std::int64_t i = 0; i < M; ++i) EXPECT_NEAR(twice(i, 0), 2 * sums(i, 0), 1e-5);
}
TEST(lazy, elements) {
  const cloud<double> c;
  const auto xi = kf::lazy_i<3>(c.X);
  const auto yj = kf::lazy_j<3>(c.Y);
  const auto differences = (xi - yj).dense();
  ASSERT_EQ(differences.cols(), N * 3);
  for (std::int64_t i = 0; i < M; ++i)
    for (std::int64_t j = 0; j < N; ++j)
      for (std::int64_t k = 0; k < 3; ++k) EXPECT_EQ(differences(i, j * 3 + k), c.X(i, k) - c.Y(j, k));
  const auto D = sqdist(xi, yj);
  const auto all = D.dense(), part = D.block(3, 20, 11, 12).dense(), turned = D.t().dense();
  ASSERT_EQ(part.rows(), 17);
  ASSERT_EQ(part.cols(), 1);
  for (std::int64_t i = 0; i < 17; ++i) EXPECT_EQ(part(i, 0), all(i + 3, 11));
  for (std::int64_t i = 0; i < M; ++i)
    for (std::int64_t j = 0; j < N; ++j) EXPECT_EQ(turned(j, i), all(i, j));
  EXPECT_EQ(D.block(0, M, 0, N).sum_j(), D.sum_j());
  const auto square = sqdist(xi, kf::lazy_j<3>(kf::view{c.Y.data(), M, 3}));
  const auto diagonal = square.diagonal();
  ASSERT_EQ(diagonal.rows(), M);
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(diagonal(i, 0), all(i, i));
  const auto of_rows = (xi * kf::lazy_p<1>(2.0)).dense();
  for (std::int64_t i = 0; i < M; ++i) EXPECT_EQ(of_rows(i, 2), 2 * c.X(i, 2));
}
TEST(lazy, with_a_multiple_of_the_identity) {
  const cloud<float> c;
  const auto K = exp(-sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.X)));
  const auto A = K + 0.5 * kf::identity;
  const auto v = numbers<float>(9, M, 2);
  const auto plain = K.matvec(v), shifted = A.matvec(v), turned = A.t().matvec(v);
  for (std::int64_t n = 0; n < plain.size(); ++n) {
    EXPECT_NEAR(shifted[n], plain[n] + 0.5f * v[n], 1e-6);
    EXPECT_NEAR(turned[n], shifted[n], 1e-5);
  }
  const auto all = A.dense();
  const auto diagonal = A.diagonal();
  for (std::int64_t i = 0; i < M; ++i) {
    EXPECT_EQ(all(i, i), 1.5f);
    EXPECT_EQ(diagonal(i, 0), 1.5f);
  }
  EXPECT_EQ((K + kf::identity).diagonal()(3, 0), 2.f);
  const auto both = (K + K.t()).sum_j();
  const auto sums = K.sum_j();
  for (std::int64_t i = 0; i < M; ++i) EXPECT_NEAR(both(i, 0), 2 * sums(i, 0), 1e-4);
}
TEST(lazy, somewhere_else_and_over_some_pairs) {
  const cloud<float> c;
  const auto K = exp(-sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.Y)));
  constexpr auto r = kf::sum_reduction(exp(-sqdist(x, y)));
  const kf::cpu one{.threads = 1};
  EXPECT_EQ(K.on(one).sum_j(), r(c.X, c.Y));
  EXPECT_EQ(K.over(kf::causal()).on(one).sum_j(), r.over(kf::causal())(c.X, c.Y));
  EXPECT_EQ(K.on(one).over(kf::band(2, 5)).softmax_j(kf::lazy_j<2, 1>(c.B)).rows(), M);
  const auto v = numbers<float>(9, N, 3);
  EXPECT_EQ(K.over(kf::band(N, N)).on(one).matvec(v).cols(), 3);
  expect_near(K.over(kf::band(N, N)).matvec(v), K.matvec(v), 1e-5);
}
// Arrays as they come: what they hold when a reduction computes.
TEST(lazy, arrays) {
  std::vector<std::array<float, 3>> points{{1, 2, 3}, {4, 5, 6}};
  float corners[3][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
  const std::vector<std::int64_t> labels{0, 1}, others{1, 1, 0};
  const auto D = sqdist(kf::lazy_i<3>(points), kf::lazy_j<3>(corners));
  EXPECT_EQ(D.sum_j()(0, 0), 14 + 13 + 11);
  points[0] = {0, 0, 0};
  EXPECT_EQ(D.sum_j()(0, 0), 2);
  const auto same = where(kf::lazy_i<1, 1>(labels) == kf::lazy_j<1, 1>(others), D, kf::zero<1>);
  EXPECT_EQ(same.sum_j()(0, 0), 1);
  const auto batch = kf::lazy_i<3>(kf::view{&points[0][0], {2}, 1, 3});
  EXPECT_EQ(sqdist(batch, kf::lazy_j<3>(corners)).sum_j().batch(), 2);
  EXPECT_EQ(sqdist(batch, kf::lazy_j<3>(corners)).sum_j()(1, 0, 0), D.sum_j()(1, 0));
}

TEST(lazy, what_does_not_fit_is_said) {
  const cloud<float> c;
  const auto xi = kf::lazy_i<3>(c.X);
  const auto yj = kf::lazy_j<3>(c.Y);
  const kf::matrix<float> other = c.X;
  const auto binding_sentence = [](auto f) -> std::string {
    try {
      f();
    } catch (const kf::binding_error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(binding_sentence([&] { (void)(xi + kf::lazy_i<3>(other)); }),
            "slot 0 of kf::lazy_i holds two arrays in one formula: give the second one a slot of its own, as in "
            "kf::lazy_i<dim, 1>(array)");
  EXPECT_EQ(binding_sentence([&] { (void)(kf::lazy_p<1, 2>(1.f) * yj * kf::lazy_p<1, 2>(2.f)); }),
            "slot 2 of kf::lazy_p holds two arrays in one formula: give the second one a slot of its own, as in "
            "kf::lazy_p<dim, 3>(array)");
  EXPECT_EQ(binding_sentence([&] { (void)(xi + kf::lazy_i<3>(c.X)); }), "no error");
  EXPECT_EQ(sentence_of([&] { sqdist(xi, yj).block(0, M + 1, 0, 1).sum_j(); }),
            "the block [0, 44) of a lazy matrix with 43 rows");
  EXPECT_EQ(sentence_of([&] { sqdist(xi, yj).block(0, 1, 5, 4).sum_j(); }),
            "the block [5, 4) of a lazy matrix with 61 columns");
  EXPECT_EQ(sentence_of([&] { sqdist(xi, yj).diagonal(); }),
            "argument 1 (x1, Vi<1, 3>) of Sum(|x0 - x1|^2): 61 rows were given, argument 0 has 43");
  const auto K = exp(-sqdist(xi, yj)) + 2 * kf::identity;
  EXPECT_EQ(sentence_of([&] { K.matvec(numbers<float>(9, N, 1)); }),
            "a multiple of the identity is added to a matrix of 43 x 61: it is not square");
}
