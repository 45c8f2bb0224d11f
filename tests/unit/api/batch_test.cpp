// Batches: one call for many problems of one shape, beside a call for each of them.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 2>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto kernel = exp(-sqdist(x, y) * g);

constexpr std::int64_t B = 3, H = 2, M = 37, N = 1100;

/// x has both extents, y the last one, b the first one, and g none or both.
template <class Real> struct problems {
  kf::matrix<Real> X = numbers<Real>(1, B* H* M, 3), Y = numbers<Real>(2, H* N, 3), W = numbers<Real>(3, B* N, 2),
                   G = numbers<Real>(4, B* H, 1), E = numbers<Real>(5, B* H* M, 2);
  auto all_x() const { return kf::view{X.data(), {B, H}, M, 3}; }
  auto all_y() const { return kf::view{Y.data(), {H}, N, 3}; }
  auto all_b() const { return kf::view{W.data(), {B, std::int64_t(1)}, N, 2}; }
  auto all_g() const { return kf::view{G.data(), {B, H}, 1, 1}; }
  auto all_e() const { return kf::view{E.data(), {B, H}, M, 2}; }
  auto x_of(std::int64_t p) const { return kf::view{X.data() + p * M * 3, M, 3}; }
  auto y_of(std::int64_t p) const { return kf::view{Y.data() + p % H * N * 3, N, 3}; }
  auto b_of(std::int64_t p) const { return kf::view{W.data() + p / H * N * 2, N, 2}; }
  auto e_of(std::int64_t p) const { return kf::view{E.data() + p * M * 2, M, 2}; }
  Real g_of(std::int64_t p) const { return G[p]; }
};
template <class T> void expect_problem(const kf::matrix<T>& all, std::int64_t p, const kf::matrix<T>& one) {
  ASSERT_EQ(all.batch(), B * H);
  ASSERT_EQ(all.rows(), one.rows());
  ASSERT_EQ(all.cols(), one.cols());
  for (std::int64_t i = 0; i < one.rows(); ++i)
    for (std::int64_t k = 0; k < one.cols(); ++k)
      EXPECT_TRUE(all(p, i, k) == one(i, k) || one(i, k) != one(i, k)) << "problem " << p << ", row " << i;
}
/// The bits of a call for each problem.
template <class Real, class R> void check(R r) {
  const problems<Real> a;
  const auto all = r(x = a.all_x(), y = a.all_y(), b = a.all_b(), g = a.all_g());
  const auto on_threads = r.on(kf::cpu{.threads = 3})(x = a.all_x(), y = a.all_y(), b = a.all_b(), g = a.all_g());
  for (std::int64_t p = 0; p < B * H; ++p) {
    const auto one = r.on(kf::cpu{.threads = 1})(x = a.x_of(p), y = a.y_of(p), b = a.b_of(p), g = a.g_of(p));
    expect_problem(all, p, one);
    expect_problem(on_threads, p, one);
  }
}

}  // namespace

TEST(batch, reductions) {
  check<float>(kf::sum_reduction(kernel * b));
  check<double>(kf::sum_reduction(kernel * b * sum(x)).with(kf::compensated));
  check<float>(kf::sum_reduction<kf::axis::i>(kernel * b));
  check<double>(kf::sum_reduction<kf::axis::both>(kernel * b));
  check<float>(kf::argkmin_reduction<3>(sqdist(x, y) * g + sum(b)));
  check<float>(kf::argmin_reduction<kf::axis::both>(sqdist(x, y) * g + sum(b)));
  check<double>(kf::logsumexp_reduction(-sqdist(x, y) * g, b * b));
  check<float>(kf::sum_reduction(kernel * b * (kf::column_index - kf::row_index)));
}
TEST(batch, over_spaces) {
  const std::vector<std::int64_t> rows{0, 5, 9, 30}, ends{2, 3}, columns{3, 40, 600, 900, 0, 1100};
  const kf::ranges some{rows, ends, columns};
  std::vector<int> i, j;
  for (int n = 0; n < 300; ++n) {
    i.push_back(n * 7 % 31);
    j.push_back(n * 13 % int(N));
  }
  const problems<float> a;
  const auto check_over = [&](auto r, const auto& space) {
    const auto all = r.over(space)(x = a.all_x(), y = a.all_y(), b = a.all_b(), g = a.all_g());
    for (std::int64_t p = 0; p < B * H; ++p)
      expect_problem(all, p, r.over(space)(x = a.x_of(p), y = a.y_of(p), b = a.b_of(p), g = a.g_of(p)));
  };
  check_over(kf::sum_reduction(kernel * b), some);
  check_over(kf::sum_reduction<kf::axis::i>(kernel * b), some);
  check_over(kf::sum_reduction<kf::axis::both>(kernel * b), some);
  check_over(kf::sum_reduction(kernel * b), kf::edges::coo(i, j));
  check_over(kf::argmin_reduction<kf::axis::both>(sqdist(x, y) * g + sum(b)), kf::edges::coo(i, j));
  check_over(kf::sum_reduction<kf::axis::none>(kernel * b), kf::edges::coo(i, j));
  check_over(kf::sum_reduction(kernel * b), kf::band(10, 700));
  check_over(kf::sum_reduction<kf::axis::both>(kernel * b), kf::band(10, 700));
}
TEST(batch, gradients) {
  constexpr auto r = kf::logsumexp_reduction(-sqdist(x, y) * g, exp(b));
  constexpr auto e = kf::Vi<4, 2>;
  const problems<double> a;
  const auto compare = [&](auto gradient) {
    const auto all = gradient(x = a.all_x(), y = a.all_y(), b = a.all_b(), g = a.all_g(), e = a.all_e());
    for (std::int64_t p = 0; p < B * H; ++p)
      expect_problem(all, p, gradient(x = a.x_of(p), y = a.y_of(p), b = a.b_of(p), g = a.g_of(p), e = a.e_of(p)));
  };
  compare(kf::grad(r, x, e));
  compare(kf::grad(r, y, e));
  compare(kf::grad(r, g, e));
}
// Strides of a batch may be any: repeated, negative, transposed.
TEST(batch, strides) {
  constexpr auto r = kf::sum_reduction(kernel * b);
  const problems<float> a;
  const std::int64_t extents[] = {B, H}, turned[] = {-M * 3, B * M * 3}, repeated[] = {0, N * 3};
  const kf::view X{a.X.data() + (B - 1) * M * 3, extents, turned, M, 3, 3, 1};
  const kf::view Y{a.Y.data(), extents, repeated, N, 3, 3, 1};
  const auto all = r(X, Y, a.b_of(0), 0.5f);
  for (std::int64_t p = 0; p < B * H; ++p)
    expect_problem(all, p, r(a.x_of(B - 1 - p / H + p % H * B), a.y_of(p), a.b_of(0), 0.5f));
}
TEST(batch, into_the_callers_memory) {
  constexpr auto r = kf::sum_reduction(kernel * b);
  const problems<float> a;
  const auto wanted = r(a.all_x(), a.all_y(), a.all_b(), a.all_g());
  kf::matrix<float> out(B * H, M, 2), wide = kf::matrix<float>::zeros(B * H * M, 4);
  const std::int64_t extents[] = {B, H}, strides[] = {M * 4, B * M * 4};
  const kf::view turned{wide.data(), extents, strides, M, 2, 4, 1};
  r.into(out, a.all_x(), a.all_y(), a.all_b(), a.all_g());
  EXPECT_EQ(out, wanted);
  r.into(turned, a.all_x(), a.all_y(), a.all_b(), a.all_g());
  r.on(kf::cpu{.progress = [](double) {}}).add_to(turned, a.all_x(), a.all_y(), a.all_b(), a.all_g());
  for (std::int64_t p = 0; p < B * H; ++p)
    for (std::int64_t i = 0; i < M; ++i) {
      EXPECT_EQ(wide((p / H + p % H * B) * M + i, 1), 2 * wanted(p, i, 1));
      EXPECT_EQ(wide((p / H + p % H * B) * M + i, 2), 0);
    }
  // Results are a batch again.
  const auto scaled = kf::sum_reduction<kf::axis::i>(kf::Vi<0, 2> * kf::Pm<1, 1>)(wanted, 2.f);
  ASSERT_EQ(scaled.batch(), B * H);
  float sum = 0;
  for (std::int64_t i = 0; i < M; ++i) sum += 2 * wanted(4, i, 1);
  EXPECT_NEAR(scaled(4, 0, 1), sum, 1e-3);
}
TEST(batch, of_none_and_of_one) {
  constexpr auto r = kf::sum_reduction(kernel * b);
  const problems<float> a;
  const auto none = r(kf::view{a.X.data(), {0}, M, 3}, a.y_of(0), a.b_of(0), 1.f);
  EXPECT_EQ(none.batch(), 0);
  EXPECT_EQ(none.rows(), M);
  const auto one = r(kf::view{a.X.data(), {1, 1}, M, 3}, a.y_of(0), a.b_of(0), 1.f);
  EXPECT_EQ(one, r(a.x_of(0), a.y_of(0), a.b_of(0), 1.f));
  kf::any_reduction<float> any = r;
  EXPECT_EQ(any(a.all_x(), a.all_y(), a.all_b(), a.all_g()), r(a.all_x(), a.all_y(), a.all_b(), a.all_g()));
}

TEST(batch, what_does_not_fit_is_said) {
  constexpr auto r = kf::sum_reduction(kernel * b);
  const problems<float> a;
  const std::string text = " of Sum(exp(-|x0 - y1|^2 p3) y2)";
  EXPECT_EQ(sentence_of([&] {
              r(a.all_x(), kf::view{a.Y.data(), {4}, 10, 3}, kf::view{a.W.data(), 10, 2}, 1.f);
            }),
            "argument 1 (y1, Vj<1, 3>)" + text +
                ": batch extents 4 were given, those of the arguments before it are 3 x 2: extents agree, counted from "
                "the last, or are 1");
  kf::matrix<float> out(5, M, 2);
  EXPECT_EQ(sentence_of([&] { r.into(out, a.all_x(), a.y_of(0), a.b_of(0), 1.f); }),
            "the memory for the result" + text + ": batch extents 5 were given, and 3 x 2 are needed");
  EXPECT_EQ(sentence_of([&] { r.into(out, a.x_of(0), a.y_of(0), a.b_of(0), 1.f); }),
            "the memory for the result" + text + ": it is that of a batch, and no argument is one");
  const std::int64_t extents[] = {B, H}, strides[] = {0, M * 2};
  EXPECT_EQ(sentence_of([&] {
              r.into(kf::view{out.data(), extents, strides, M, 2, 2, 1}, a.all_x(), a.y_of(0), a.b_of(0), 1.f);
            }),
            "the memory for the result" + text +
                ": its strides put the results of several problems in one place, so it cannot be written");
  EXPECT_THROW(kf::sum_reduction(kernel * kf::Vi<2, 3>)
                   .into(kf::view{const_cast<float*>(a.X.data()), {B, H}, M, 3}, a.all_x(), a.y_of(0), a.x_of(0), 1.f),
               kf::overlap_error);
  EXPECT_EQ(sentence_of([&] {
              const auto points = a.all_x();
              r.start(x = points, g = 1.f);
            }),
            "argument 0 (x0, Vi<0, 3>)" + text +
                ": a batch was given to a call that takes none: neither pieces of columns nor plans do");
}
