// The tape beside symbolic gradients and central differences, to second order.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace kf = kernfold;
using namespace kf::literals;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr std::int64_t M = 9, N = 7;

/// What losses are made of.
struct cloud {
  kf::matrix<double> X = numbers<double>(1, M, 3), Y = numbers<double>(2, N, 3), B = numbers<double>(3, N, 2),
                     W = numbers<double>(4, 2, 4);
  double scale = 0.75;
};
/// Central differences of f() by each number of an array.
template <class F> std::vector<double> differences(F f, double* data, std::int64_t count, double h) {
  std::vector<double> slopes;
  for (std::int64_t n = 0; n < count; ++n) {
    const double kept = data[n];
    data[n] = kept + h;
    const double above = f();
    data[n] = kept - h;
    const double below = f();
    data[n] = kept;
    slopes.push_back((above - below) / (2 * h));
  }
  return slopes;
}
void expect_near(const kf::matrix<double>& found, const std::vector<double>& wanted, double tolerance,
                 const char* what) {
  ASSERT_EQ(found.size(), std::int64_t(wanted.size())) << what;
  double size = 1;
  for (const double w : wanted) size = std::max(size, std::abs(w));
  for (std::int64_t n = 0; n < found.size(); ++n)
    EXPECT_NEAR(found[n], wanted[std::size_t(n)], tolerance * size) << what << " " << n;
}
/// By differences of the loss.
template <class Loss> void check(Loss loss) {
  cloud c;
  const auto value = [&] {
    kf::tape t;
    return loss(t, c)[0];
  };
  kf::tape t;
  auto [gX, gY, gB, gs] = t.gradient(loss(t, c), c.X, c.Y, c.B, c.scale);
  expect_near(gX, differences(value, c.X.data(), c.X.size(), 1e-6), 1e-7, "by X");
  expect_near(gY, differences(value, c.Y.data(), c.Y.size(), 1e-6), 1e-7, "by Y");
  expect_near(gB, differences(value, c.B.data(), c.B.size(), 1e-6), 1e-7, "by B");
  expect_near(gs, differences(value, &c.scale, 1, 1e-6), 1e-7, "by the scale");
}
/// Second order, of losses of x and y: by differences of the gradient along a direction.
template <class Loss> void check_twice(Loss loss) {
  cloud c;
  const auto direction = numbers<double>(9, M, 3);
  const auto slope = [&] {
    kf::tape t;
    auto [g] = t.gradient(loss(t, c), c.X);
    double all = 0;
    for (std::int64_t n = 0; n < g.size(); ++n) all += g[n] * direction[n];
    return all;
  };
  kf::tape<2> t;
  auto [g] = t.taped_gradient(loss(t, c), c.X);
  auto [hX, hY] = t.gradient(dot(g, t.variable(direction)), c.X, c.Y);
  expect_near(hX, differences(slope, c.X.data(), c.X.size(), 1e-6), 1e-6, "twice by X");
  expect_near(hY, differences(slope, c.Y.data(), c.Y.size(), 1e-6), 1e-6, "by X and Y");
}
template <class C> auto plain_distance(const C& c) { return sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.Y)); }
template <class C> auto squared_distance(const C& c) {
  return sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.Y)) * kf::lazy_p<1>(c.scale);
}
template <class C> auto values(const C& c) { return kf::lazy_j<2, 1>(c.B); }

}  // namespace

TEST(tape, sums) {
  check([](auto& t, const cloud& c) { return sum(square((exp(-squared_distance(c)) * values(c)).sum_j(t))); });
  check([](auto& t, const cloud& c) { return sum(square((exp(-squared_distance(c)) * values(c)).sum_i(t))); });
  check([](auto& t, const cloud& c) { return square((exp(-squared_distance(c)) * sum(values(c))).sum_ij(t)); });
}
TEST(tape, exponentials) {
  check([](auto& t, const cloud& c) { return sum(square((-squared_distance(c)).logsumexp_j(t))); });
  check([](auto& t, const cloud& c) { return sum(square((-squared_distance(c)).logsumexp_i(t))); });
  check([](auto& t, const cloud& c) {
    return sum(square((-squared_distance(c)).logsumexp_j(values(c) * values(c), t)));
  });
  check([](auto& t, const cloud& c) { return sum(square((-squared_distance(c)).softmax_j(values(c), t))); });
}
TEST(tape, extrema) {
  check([](auto& t, const cloud& c) { return sum(square((squared_distance(c) + sum(values(c))).min_j(t))); });
  check([](auto& t, const cloud& c) { return sum(square((squared_distance(c) * values(c)).max_i(t))); });
  check([](auto& t, const cloud& c) {
    return sum(square((squared_distance(c) + sum(values(c))).template kmin_j<3>(t)));
  });
}
// One array as rows and as columns, results as arrays of further reductions, and two reductions in one loss.
TEST(tape, what_several_reductions_share) {
  check([](auto& t, const cloud& c) {
    const auto s = kf::lazy_p<1>(c.scale);
    const auto self = (exp(-sqdist(kf::lazy_i<3>(c.X), kf::lazy_j<3>(c.X)) * s)).sum_j(t);
    const auto other = (exp(-squared_distance(c)) * values(c)).sum_j(t);
    return sum(self * self) - dot(other, other) + sum(self);
  });
  check([](auto& t, const cloud& c) {
    const auto moved = (exp(-squared_distance(c)) * kf::lazy_j<3, 1>(c.Y)).sum_j(t);
    const auto again = exp(-sqdist(kf::lazy_i<3>(moved), kf::lazy_j<3>(c.X)) * sum(kf::lazy_p<1>(c.scale)));
    return sum((again * kf::lazy_i<3>(moved)).sum_j(t) / 3) + sum(values(c).sum_j(t));
  });
}
TEST(tape, dense_matrices) {
  check([](auto& t, const cloud& c) {
    const auto a = (exp(-squared_distance(c)) * values(c)).sum_j(t);
    const auto hidden = tanh(matmul(a, t.variable(c.W)) * 0.5 + 0.25);
    return sum(square(hidden)) + sum(matmul(transposed(hidden), hidden));
  });
  check([](auto& t, const cloud& c) {
    const auto a = (exp(-squared_distance(c)) * (2_c + values(c))).sum_j(t);
    return sum(log(1.5 + square(a)) * inv(a * a + 1) - sqrt(square(a) + 2) / (2 - cos(a))) + sum(abs(a) * sin(a)) -
           sum(exp(-a)) * (1 / (sum(square(a)) + 1));
  });
}
TEST(tape, twice) {
  check_twice([](auto& t, const cloud& c) { return sum(square(exp(-plain_distance(c)).sum_j(t))); });
  check_twice([](auto& t, const cloud& c) { return sum(square((-plain_distance(c)).logsumexp_j(t))); });
  check_twice(
      [](auto& t, const cloud& c) { return sum(square((-plain_distance(c)).softmax_j(kf::lazy_j<3>(c.Y), t))); });
  check_twice([](auto& t, const cloud& c) { return sum(exp(-square(plain_distance(c)).min_j(t))); });
  check_twice([](auto& t, const cloud& c) {
    const auto a = exp(-plain_distance(c)).sum_j(t);
    return sum(log(1.5 + square(a)) * inv(a * a + 1) - sqrt(a) / (2 - cos(a))) + sum(tanh(a) * sin(a)) - sum(exp(-a));
  });
}
// The gradient of the weights of a layer.
TEST(tape, by_a_dense_matrix) {
  cloud c;
  const auto loss = [&](auto& t) {
    return sum(square(matmul((exp(-squared_distance(c)) * values(c)).sum_j(t), t.variable(c.W))));
  };
  const auto value = [&] {
    kf::tape t;
    return loss(t)[0];
  };
  kf::tape t;
  auto [gW] = t.gradient(loss(t), c.W);
  expect_near(gW, differences(value, c.W.data(), c.W.size(), 1e-6), 1e-7, "by W");
}
// The bits of the symbolic gradient; single precision, flat arrays, other places and spaces.
TEST(tape, beside_symbolic_gradients) {
  const auto X = numbers<float>(1, 50, 3), Y = numbers<float>(2, 60, 3);
  const std::vector<float> E(50, 1.f);
  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto e = kf::Vi<2, 1>;
  const auto xi = kf::lazy_i<3>(X);
  const auto yj = kf::lazy_j<3>(Y);
  const auto D = sqdist(xi, yj);
  const auto check_bits = [&](const auto& found, const kf::matrix<float>& wanted) { EXPECT_EQ(found, wanted); };
  {
    kf::tape t;
    auto [gX, gY] = t.gradient(sum((-D).logsumexp_j(t)), X, Y);
    const auto wanted = kf::grad(kf::logsumexp_reduction(-sqdist(x, y)), x, e)(X, Y, E);
    for (std::int64_t n = 0; n < wanted.size(); ++n) EXPECT_NEAR(gX[n], wanted[n], 1e-5);
    EXPECT_EQ(gY.rows(), 60);
  }
  {
    kf::tape t;
    auto [gX, gY] = t.gradient(sum(D.over(kf::causal()).on(kf::cpu{.threads = 1}).min_j(t)), X, Y);
    check_bits(gX, kf::grad(kf::min_reduction(sqdist(x, y)), x, e).over(kf::causal())(X, Y, E));
    check_bits(gY, kf::grad(kf::min_reduction(sqdist(x, y)), y, e).over(kf::causal())(X, Y, E));
  }
  {
    const std::vector<float> flat(X.begin(), X.end()), unused(5);
    kf::tape t;
    auto [gX, none] = t.gradient(sum(exp(-sqdist(kf::lazy_i<3>(flat), yj)).sum_j(t)), flat, unused);
    check_bits(gX, kf::grad(kf::sum_reduction(exp(-sqdist(x, y))), x, e)(X, Y, E));
    EXPECT_EQ(none, kf::matrix<float>::zeros(5, 1));
  }
}
// Symbolic derivatives of lazy matrices, too.
TEST(tape, derivatives_of_lazy_matrices) {
  const cloud c;
  constexpr auto x = kf::Vi<0, 3>;
  constexpr auto y = kf::Vj<1, 3>;
  constexpr auto u = kf::Vi<2, 3>;
  const auto U = numbers<double>(7, M, 3);
  const auto xi = kf::lazy_i<3>(c.X);
  const auto yj = kf::lazy_j<3>(c.Y);
  const auto K = exp(-sqdist(xi, yj));
  EXPECT_EQ(grad(K, xi).sum_j(), kf::sum_reduction(kf::grad(exp(-sqdist(x, y)), x))(c.X, c.Y));
  EXPECT_EQ(diff(K, xi, kf::lazy_i<3, 1>(U)).sum_j(),
            kf::sum_reduction(kf::diff(exp(-sqdist(x, y)), x, u))(x = c.X, y = c.Y, u = U));
  EXPECT_EQ(grad(xi * yj, yj, kf::lazy_i<3, 1>(U)).sum_i().rows(), N);
}

TEST(tape, what_does_not_fit_is_said) {
  const cloud c;
  kf::tape t;
  const auto a = exp(-squared_distance(c)).sum_j(t);
  EXPECT_EQ(sentence_of([&] { t.gradient(a, c.X); }),
            "the gradient of a matrix of 9 x 1 elements was asked for: that of one number can be had, as of its sum");
  EXPECT_EQ(sentence_of([&] { (void)(a + t.variable(c.W)); }),
            "the sum of matrices on a tape: 9 x 1 and 2 x 4 do not fit each other");
  EXPECT_EQ(sentence_of([&] { matmul(a, a); }),
            "the matrix product of matrices on a tape: 9 x 1 and 9 x 1 do not fit each other");
  const auto batch = kf::lazy_i<3>(kf::view{c.X.data(), {3}, 3, 3});
  EXPECT_EQ(sentence_of([&] { sqdist(batch, kf::lazy_j<3>(c.Y)).sum_j(t); }),
            "a tape takes no batches: Sum(|x0 - y1|^2) is one of 3 problems");
  auto [g] = t.taped_gradient(sum(a), c.X);
  try {
    t.gradient(sum(g), c.X);
    FAIL();
  } catch (const kf::error& e) {
    EXPECT_STREQ(e.what(),
                 "a tape was asked for a derivative of higher order than it records: kf::tape<2> has two, and so on");
  }
}
