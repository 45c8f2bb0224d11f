// A fold inside a user's kernel, its block run by threads of this machine, beside the CPU engine.
#include <kernfold/api/block_fold.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../engine/cuda/emulated_device.hpp"

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto distance = sqdist(x, y);
constexpr auto convolve = kf::sum_reduction(exp(-square(g) * distance) * b);

using point = kf::vec<float, 3>;

struct cloud {
  std::int64_t M, N;
  std::vector<float> X, Y, B;
  cloud(std::int64_t rows, std::int64_t columns)
      : M(rows), N(columns), X(numbers(3 * M, 1)), Y(numbers(3 * N, 2)), B(numbers(N, 3)) {}
  static std::vector<float> numbers(std::int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> v(static_cast<std::size_t>(count));
    for (float& n : v) n = uniform(engine);
    return v;
  }
  point row(std::int64_t i) const {
    const float* const p = X.data() + 3 * (i < M ? i : M - 1);
    return {{p[0], p[1], p[2]}};
  }
};

template <class R, int Threads, int Rows = 1, class Real = float>
using fold_of = kf::detail::basic_block_fold<R, Real, Threads, Rows, emulated::block>;

/// kernel(fold, first row of the thread) by all threads of enough blocks; neighbouring threads have neighbouring rows.
template <class Fold, int Threads, int Rows, class Kernel> void launch(std::int64_t rows, const Kernel& kernel) {
  const std::int64_t each = Threads * Rows;
  emulated::launch({.threads = Threads}, (rows + each - 1) / each, 1, int(sizeof(typename Fold::storage)),
                   [&](const emulated::block& block) {
                     const std::int64_t first = block.group() * each + block.thread();
                     kernel(Fold(*reinterpret_cast<typename Fold::storage*>(block.shared()), first, Threads, block),
                            first);
                   });
}

template <class Element> void expect_near(Element found, Element expected, const std::string& what) {
  if constexpr (std::is_integral_v<Element>) EXPECT_EQ(found, expected) << what;
  else if (std::isinf(expected)) EXPECT_EQ(found, expected) << what;
  else EXPECT_NEAR(found, expected, 1e-5 * (1 + std::fabs(expected))) << what;
}

/// All rows of r(X, args...), by `call(fold, row)`.
template <int Threads, class R, class Call> void check(const cloud& c, R, const auto& expected, const Call& call) {
  launch<fold_of<R, Threads>, Threads, 1>(c.M, [&](const auto& fold, std::int64_t i) {
    const auto a = call(fold, c.row(i));
    for (int k = 0; k < expected.cols() && i < c.M; ++k)
      expect_near(a[k], expected(i, k), std::string(to_string(R{}).c_str()) + ", row " + std::to_string(i));
  });
}

template <int Threads> void check_reductions(const cloud& c) {
  SCOPED_TRACE(std::to_string(Threads) + " threads, " + std::to_string(c.M) + " x " + std::to_string(c.N));
  const float* const Y = c.Y.data();
  check<Threads>(c, convolve, convolve(c.X, c.Y, c.B, 0.7f),
                 [&](const auto& fold, point p) { return fold.run(c.N, p, Y, c.B.data(), 0.7f); });
  const auto on_distance = [&](auto r) {
    check<Threads>(c, r, r(c.X, c.Y), [&](const auto& fold, point p) { return fold.run(c.N, p, Y); });
  };
  on_distance(kf::min_reduction(x - y));
  on_distance(kf::argmin_reduction(distance));
  on_distance(kf::argkmin_reduction<10>(distance));
  on_distance(kf::logsumexp_reduction(-distance));
  on_distance(kf::sum_reduction(distance).with(kf::compensated));
  on_distance(kf::sum_reduction(where(kf::row_index == kf::column_index, kf::constant<5>, distance)));
  on_distance(kf::sum_reduction(exp(x | y) * x));  // a vector leaves the sum
}

}  // namespace

// Around a block and a tile of 128 columns (or one per thread).
TEST(block_fold, agrees_with_a_call) {
  for (const auto& [M, N] : {std::pair{1, 1}, {31, 127}, {32, 128}, {33, 129}, {40, 700}, {5, 0}}) {
    const cloud c(M, N);
    check_reductions<1>(c);
    check_reductions<32>(c);
    check_reductions<33>(c);
  }
  check_reductions<128>(cloud(130, 300));
  check_reductions<200>(cloud(130, 401));
}

TEST(block_fold, several_rows_of_a_thread) {
  const cloud c(300, 257);
  const auto expected = convolve(c.X, c.Y, c.B, 0.7f);
  constexpr auto marked = kf::sum_reduction(where(kf::row_index == kf::column_index, kf::constant<5>, distance));
  const auto numbered = marked(c.X, c.Y);
  const auto rows_from = [&](std::int64_t first, point(&rows)[4]) {
    for (int l = 0; l < 4; ++l) rows[l] = c.row(first + 32 * l);
  };
  launch<fold_of<decltype(convolve), 32, 4>, 32, 4>(c.M, [&](const auto& fold, std::int64_t first) {
    point rows[4];
    rows_from(first, rows);
    const kf::vec<kf::vec<float, 1>, 4> a = fold.run(c.N, rows, c.Y.data(), c.B.data(), 0.7f);
    for (int l = 0; l < 4 && first + 32 * l < c.M; ++l) expect_near(a[l][0], expected(first + 32 * l, 0), "sum");
  });
  launch<fold_of<decltype(marked), 32, 4>, 32, 4>(c.M, [&](const auto& fold, std::int64_t first) {
    point rows[4];
    rows_from(first, rows);
    const auto a = fold.run(c.N, rows, c.Y.data());
    for (int l = 0; l < 4 && first + 32 * l < c.M; ++l)
      expect_near(a[l][0], numbered(first + 32 * l, 0), "row numbers");
  });
}

// Columns in an order of their own: every third one, by functions.
TEST(block_fold, columns_by_a_function) {
  const cloud c(40, 300);
  std::vector<float> Y, B;
  for (std::int64_t j = 0; j < c.N; j += 3) {
    for (int k = 0; k < 3; ++k) Y.push_back(c.Y[std::size_t(3 * j + k)]);
    B.push_back(c.B[std::size_t(j)]);
  }
  check<32>(c, convolve, convolve(c.X, Y, B, 0.7f), [&](const auto& fold, point p) {
    const auto third_point = [&](std::int64_t j) {
      const float* const q = c.Y.data() + 9 * j;
      return point{{q[0], q[1], q[2]}};
    };
    return fold.run(
        c.N / 3, p, third_point, [&](std::int64_t j) { return c.B[std::size_t(3 * j)]; }, 0.7f);
  });
}

TEST(block_fold, several_results_and_runs_in_one_storage) {
  const cloud c(70, 200);
  constexpr auto r = fold_all(kf::min_reduction(distance), kf::argmin_reduction(distance));
  const auto expected = r(c.X, c.Y);
  launch<fold_of<decltype(r), 32>, 32, 1>(c.M, [&](const auto& fold, std::int64_t i) {
    for (int run = 0; run < 3; ++run) {
      const auto [least, where] = fold.run(run == 0 ? c.N / 2 : c.N, c.row(i), c.Y.data());
      if (run == 0 || i >= c.M) continue;
      expect_near(least[0], get<0>(expected)(i, 0), "minimum");
      expect_near(where[0], get<1>(expected)(i, 0), "its column");
    }
  });
}

TEST(block_fold, over_i_the_rows_are_those_of_j) {
  const cloud c(50, 200);  // what check calls rows is y here
  constexpr auto r = kf::sum_reduction<kf::axis::i>(exp(-distance) * kf::Vi<2, 1>);
  const auto expected = r(c.Y, c.X, c.B);
  check<32>(c, r, expected, [&](const auto& fold, point p) { return fold.run(c.N, c.Y.data(), p, c.B.data()); });
}

// So many parameters that the block shares them; two runs with different ones in the same storage.
TEST(block_fold, shared_parameters) {
  using row = kf::vec<float, 40>;
  constexpr auto r = kf::sum_reduction(exp(-sqdist(kf::Vi<0, 40> * kf::Pm<2, 40>, kf::Vj<1, 40>)));
  const std::vector<float> X = cloud::numbers(40 * 40, 1), Y = cloud::numbers(40 * 150, 2);
  const std::vector<float> one(40, 0.25f), two(40, 0.5f);
  const auto first = r(X, Y, one), second = r(X, Y, two);
  launch<fold_of<decltype(r), 32>, 32, 1>(40, [&](const auto& fold, std::int64_t i) {
    for (const auto* given : {&one, &two, &one}) {
      row p, values;
      for (int k = 0; k < 40; ++k) {
        p[k] = (*given)[std::size_t(k)];
        values[k] = X[std::size_t(i < 40 ? 40 * i + k : k)];
      }
      const auto a = fold.run(150, values, Y.data(), p);
      if (i < 40) expect_near(a[0], (given == &one ? first : second)(i, 0), "shared parameters");
    }
  });
}

TEST(block_fold, the_sum_of_no_columns_is_zero) {
  constexpr auto r = kf::sum_reduction(exp(x | y) * x);
  const float inf = std::numeric_limits<float>::infinity();
  launch<fold_of<decltype(r), 32>, 32, 1>(1, [&](const auto& fold, std::int64_t) {
    const auto a = fold.run(0, point{{inf, inf, inf}}, static_cast<const float*>(nullptr));
    for (int k = 0; k < 3; ++k) EXPECT_EQ(a[k], 0.f);
  });
}

TEST(block_fold, double_precision) {
  const cloud c(40, 300);
  const std::vector<double> X(c.X.begin(), c.X.end()), Y(c.Y.begin(), c.Y.end()), B(c.B.begin(), c.B.end());
  const auto expected = convolve(X, Y, B, 0.7);
  launch<fold_of<decltype(convolve), 32, 1, double>, 32, 1>(c.M, [&](const auto& fold, std::int64_t i) {
    const point p = c.row(i);
    const auto a = fold.run(c.N, kf::vec<double, 3>{{p[0], p[1], p[2]}}, Y.data(), B.data(), 0.7);
    if (i < c.M) {
      EXPECT_NEAR(a[0], expected(i, 0), 1e-13);
    }
  });
}
