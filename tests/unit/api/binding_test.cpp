// Arrays wherever they lie: the bits of contiguous copies.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace kf = kernfold;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 3>;

using array = kf::view<const float>;

kf::matrix<float> copy_of(const array& v) {
  kf::matrix<float> m(v.rows(), v.dim());
  for (std::int64_t i = 0; i < v.rows(); ++i)
    for (std::int64_t k = 0; k < v.dim(); ++k) m(i, k) = v(i, k);
  return m;
}
/// Arrays of so many rows of dimension 3, in one piece of memory: offset, backwards, transposed, repeated, parts.
std::vector<array> layouts(const std::vector<float>& memory, std::int64_t rows) {
  const float* const p = memory.data();
  std::vector<array> all;
  for (std::int64_t offset = 1; offset <= 7; ++offset) all.push_back({p + offset, rows, 3});
  all.push_back({p + 3 * (rows - 1), rows, 3, -3, 1});  // the last row first
  all.push_back({p + 3 * rows - 1, rows, 3, -3, -1});   // and the last component
  all.push_back({p, rows, 3, 1, rows});                 // components along rows
  all.push_back({p + rows - 1, rows, 3, -1, rows});
  all.push_back({p + 2, rows, 3, 7, 2});  // some of the columns of a wider matrix
  all.push_back({p, rows, 3, 0, 1});      // one row, repeated
  all.push_back({p, rows, 3, 5, 0});      // one component, repeated
  return all;
}
/// r of every layout and of its copy.
template <class R> void check(R r) {
  constexpr std::int64_t M = 21, N = 37;
  const kf::matrix<float> X_numbers = numbers<float>(1, 400, 1), Y_numbers = numbers<float>(2, 400, 1),
                          B_numbers = numbers<float>(3, 400, 1);
  const std::vector<float> X_memory(X_numbers.begin(), X_numbers.end()), Y_memory(Y_numbers.begin(), Y_numbers.end()),
      B_memory(B_numbers.begin(), B_numbers.end());
  const std::vector<array> Xs = layouts(X_memory, M), Ys = layouts(Y_memory, N), Bs = layouts(B_memory, N);
  const std::vector<std::int64_t> rows{0, 9, 12, 20}, ends{2, 3}, columns{0, 5, 11, 30, 3, 37};
  const kf::ranges some{rows, ends, columns};
  const kf::edges listed = kf::edges::coo(std::vector<int>{0, 0, 20, 7, 7}, std::vector<int>{36, 1, 0, 5, 9});
  for (std::size_t n = 0; n < Xs.size(); ++n)
    for (std::size_t m = 0; m < Ys.size(); ++m) {
      const array &X = Xs[n], &Y = Ys[m], &B = Bs[(n + 2 * m) % Bs.size()];
      const kf::matrix<float> X_copy = copy_of(X), Y_copy = copy_of(Y), B_copy = copy_of(B);
      const auto compare = [&](auto placed) {
        EXPECT_EQ(placed(x = X, y = Y, b = B), placed(x = X_copy, y = Y_copy, b = B_copy)) << n << " " << m;
      };
      compare(r);
      if (n != m) continue;
      compare(r.over(some));
      compare(r.over(listed));
      compare(r.over(kf::band(5, 20)));
    }
}

}  // namespace

TEST(binding, layouts) {
  check(kf::sum_reduction(exp(-sqdist(x, y)) * b));
  check(kf::sum_reduction<kf::axis::i>(exp(-sqdist(x, y)) * b));
  check(kf::sum_reduction<kf::axis::both>(exp(-sqdist(x, y)) * b));
  check(kf::min_reduction(sqdist(x, y) * b));
  check(kf::argmax_reduction(sqdist(x, y) * b));
  check(kf::argkmin_reduction<4>(sqdist(x, y) + sum(b)));
  check(kf::logsumexp_reduction(-sqdist(x, y), b * b));
  check(kf::sum_reduction(kf::grad(exp(-sqdist(x, y)) * sum(b), x)).with(kf::compensated));
}
TEST(binding, layouts_of_results) {
  const auto X = numbers<float>(1, 21, 3), Y = numbers<float>(2, 37, 3);
  constexpr auto r = kf::sum_reduction(exp(-sqdist(x, y)) * y);
  const auto wanted = r(X, Y);
  for (const auto& [first, row, col] :
       {std::array<std::int64_t, 3>{1, 3, 1}, {60, -3, 1}, {62, -3, -1}, {0, 1, 21}, {20, -1, 21}, {5, 7, 2}}) {
    std::vector<float> memory(300, -1.f);
    r.into(kf::view{memory.data() + first, 21, 3, row, col}, X, Y);
    for (std::int64_t i = 0; i < 21; ++i)
      for (std::int64_t k = 0; k < 3; ++k) EXPECT_EQ(memory[std::size_t(first + i * row + k * col)], wanted(i, k));
  }
}
// A matrix as a parameter: its numbers row by row.
TEST(binding, matrices_as_parameters) {
  constexpr auto A = kf::Pm<1, 6>;
  constexpr auto r = kf::sum_reduction(matvecmult(A, x));
  const auto X = numbers<float>(1, 5, 3), W = numbers<float>(2, 2, 3), wide = numbers<float>(3, 2, 5);
  const float rows[2][3] = {{W(0, 0), W(0, 1), W(0, 2)}, {W(1, 0), W(1, 1), W(1, 2)}};
  const auto product = r(X, W);
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t k = 0; k < 2; ++k)
      EXPECT_NEAR(product(i, k), W(k, 0) * X(i, 0) + W(k, 1) * X(i, 1) + W(k, 2) * X(i, 2), 1e-6);
  EXPECT_EQ(r(X, rows), product);
  EXPECT_EQ(r(X, kf::view{W.data(), 6, 1}), product);
  const std::string begin = "argument 1 (p1, Pm<1, 6>) of Sum(matvecmult(p1, x0)): ";
  EXPECT_EQ(sentence_of([&] {
              r(X, kf::columns(kf::view{W.data(), 3, 2}));
            }),
            begin +
                "a matrix of 2 x 3 numbers was given that does not lie row by row: a parameter's numbers do; give a "
                "row-major one, or a copy");
  EXPECT_EQ(sentence_of([&] {
              r(X, kf::view{wide.data(), 2, 3, 5, 1});
            }),
            begin +
                "a matrix of 2 x 3 numbers was given that does not lie row by row: a parameter's numbers do; give a "
                "row-major one, or a copy");
}
