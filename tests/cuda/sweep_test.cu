// Sweeps on a device beside the CPU engine: whole and split columns, several axes, offsets that matter, the same bits
// again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <kernfold/api/any_reduction.hpp>
#include <kernfold/api/cuda_host.cuh>
#include <kernfold/api/gradient.hpp>
#include <kernfold/api/lazy.hpp>
#include <kernfold/engine/cuda/executor.cuh>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "device_arrays.cuh"

namespace kf = kernfold;
using namespace kf::literals;

namespace {

/// A host that plays the device (tests/unit/engine/cuda/executor_test.cpp) is given less to do.
constexpr int less = KERNFOLD_CUDA ? 1 : 10;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto e = kf::Vi<4, 1>;
constexpr auto i = kf::row_index;
constexpr auto j = kf::column_index;
constexpr auto F = exp(-square(g) * sqdist(x, y)) * b;

struct cloud {
  std::int64_t M, N;
  std::vector<float> at[5];
  cloud(std::int64_t rows, std::int64_t columns) : M(rows), N(columns) {
    std::mt19937 engine(7);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const std::int64_t sizes[] = {3 * M, 3 * N, N, 1, M};
    for (int n = 0; n < 5; ++n)
      for (std::int64_t k = 0; k < sizes[n]; ++k) at[n].push_back(uniform(engine));
  }
};

template <class Element>
void expect_near(const std::vector<Element>& found, const kf::matrix<Element>& expected, const std::string& what) {
  ASSERT_EQ(std::int64_t(found.size()), expected.size()) << what;
  double largest = 0;
  for (std::int64_t n = 0; n < expected.size(); ++n)
    largest = std::fmax(largest, std::fabs(double(expected.data()[n])));
  std::int64_t different = 0;
  for (std::int64_t n = 0; n < expected.size(); ++n) {
    if constexpr (std::is_integral_v<Element>) different += found[std::size_t(n)] != expected.data()[n];
    else ASSERT_NEAR(found[std::size_t(n)], expected.data()[n], 1e-5 * largest) << what << ", number " << n;
  }
  // columns whose distances agree to the last bit or so may change places
  EXPECT_LE(different, expected.size() / 1000) << what;
}

class sweep_on_device : public testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU here";
  }
};

struct shape {
  std::int64_t M, N;
};
void PrintTo(const shape& s, std::ostream* to) { *to << s.M << " x " << s.N; }
std::string name_of(const testing::TestParamInfo<shape>& s) {
  return std::to_string(s.param.M) + "x" + std::to_string(s.param.N);
}

/// Sizes; those of small_arrays also run under compute-sanitizer, which takes a hundred times as long.
class sweep_of_shape : public sweep_on_device, public testing::WithParamInterface<shape> {};
// Around a block of 512 rows and a tile of 512 columns; few rows and many columns, which are then split.
INSTANTIATE_TEST_SUITE_P(small_arrays, sweep_of_shape,
                         testing::Values(shape{1, 1}, shape{5, 0}, shape{511, 513}, shape{513, 511}, shape{3, 3000}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(arrays, sweep_of_shape,
                         testing::Values(shape{512, 512}, shape{3, 100'000 / less}, shape{20'000 / less, 3},
                                         shape{5000 / less, 7000 / less}),
                         name_of);

/// A call on the device, twice: the same bits.
template <class R, class... Args> auto twice(R r, const Args&... args) {
  const auto found = values_of(r.on(kf::cuda{})(args...));
  EXPECT_EQ(values_of(r.on(kf::cuda{})(args...)), found) << "the second run of " << to_string(r).c_str();
  return found;
}

constexpr auto sum = kf::sum_reduction(F);

TEST_P(sweep_of_shape, agrees_with_the_host) {
  constexpr auto x_gradient = kf::grad(sum, x, e);
  constexpr auto g_gradient = kf::grad(sum, g, e);
  constexpr auto lse = kf::logsumexp_reduction(-square(kf::Pm<2, 1>) * sqdist(x, y));
  constexpr auto lse_gradient = kf::grad(lse, x, kf::Vi<3, 1>);
  constexpr auto nearest = kf::argkmin_reduction<10, kf::axis::i>(sqdist(x, y));
  constexpr auto first = kf::argmin_reduction(sqdist(x, y));
  const shape s = GetParam();
  const cloud c(s.M, s.N);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B), g_array = copy_of(G),
             e_array = copy_of(E);
  const auto dx = rows_of(x_array, 3), dy = rows_of(y_array, 3);
  const auto db = rows_of(b_array, 1), dg = rows_of(g_array, 1), de = rows_of(e_array, 1);
  const std::string what = std::to_string(s.M) + " x " + std::to_string(s.N);
  expect_near(twice(sum, dx, dy, db, dg), sum(X, Y, B, G), "sum, " + what);
  expect_near(twice(sum, dx, dy, db, G[0]), sum(X, Y, B, G), "sum with a plain number, " + what);
  expect_near(twice(x_gradient, dx, dy, db, dg, de), x_gradient(X, Y, B, G, E), "x-gradient, " + what);
  expect_near(twice(g_gradient, dx, dy, db, dg, de), g_gradient(X, Y, B, G, E), "g-gradient, " + what);
  expect_near(twice(first, dx, dy), first(X, Y), "argmin, " + what);
  expect_near(twice(nearest, dx, dy), nearest(X, Y), "10 nearest, " + what);
  if (s.N == 0) return;
  expect_near(twice(lse, dx, dy, 0.7f), lse(X, Y, 0.7f), "log-sum-exp, " + what);
  expect_near(twice(lse_gradient, dx, dy, 0.7f, de), lse_gradient(X, Y, 0.7f, E), "its gradient, " + what);
}

// Where the bound of a distance decides little: each row is as near to a third of the columns as the bound can tell.
TEST_F(sweep_on_device, neighbours_within_clusters) {
  cloud c(1500 / less, 5000 / less);
  for (int array = 0; array < 2; ++array)
    for (std::size_t k = 0; k < c.at[array].size(); ++k) c.at[array][k] = 1e-3f * c.at[array][k] + float(k / 3 % 3);
  const auto x_array = copy_of(c.at[0]), y_array = copy_of(c.at[1]);
  const auto check = [&](auto r, const char* what) {
    expect_near(values_of(r.on(kf::cuda{})(rows_of(x_array, 3), rows_of(y_array, 3))), r(c.at[0], c.at[1]), what);
  };
  check(kf::argkmin_reduction<10>(sqdist(x, y)), "10 nearest");
  check(kf::kmin_reduction<4, kf::axis::i>(sqdist(x, y)), "4 least over the rows");
  check(kf::argmin_reduction(sqdist(x, y)), "the nearest");
  check(kf::min_reduction(sqdist(x, y)), "the least");
}

// Rows of any number, some without columns; intervals longer than a block's rows.
TEST_F(sweep_on_device, over_block_sparse_spaces) {
  cloud c(20000 / less + 7, 3000 / less + 5);
  c.at[0][0] = std::numeric_limits<float>::infinity();  // of a row without columns: nothing is multiplied by it
  const auto& [X, Y, B, G, E] = c.at;
  std::mt19937 engine(3);
  const auto below = [&](std::int64_t n) { return std::int64_t(engine() % std::uint64_t(n)); };
  std::vector<std::int64_t> rows, ends, columns;
  for (std::int64_t first = 3; first < c.M;) {
    const std::int64_t end = std::min(c.M, first + 1 + below(below(3) == 0 ? c.M : 200));
    rows.insert(rows.end(), {first, end});
    for (std::int64_t l = below(4); l-- > 0;) {
      const std::int64_t from = below(c.N);
      columns.insert(columns.end(), {from, std::min(c.N, from + below(400))});
    }
    ends.push_back(std::int64_t(columns.size() / 2));
    first = end + below(2) * below(100);
  }
  const kf::ranges near{rows, ends, columns};
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B), e_array = copy_of(E);
  const auto check = [&](auto r, const char* what) {
    const auto found =
        r.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array, g = G[0]);
    expect_near(values_of(found), r.over(near)(x = X, y = Y, b = B, g = G[0]), what);
    const auto copied = r.over(near).on(kf::cuda_host{})(x = X, y = Y, b = B, g = G[0]);
    expect_near(std::vector<typename decltype(copied)::value_type>(copied.begin(), copied.end()),
                r.over(near)(x = X, y = Y, b = B, g = G[0]), what);
  };
  check(sum, "sum");
  check(kf::sum_reduction<kf::axis::i>(F), "sum over i");
  check(kf::sum_reduction<kf::axis::both>(F), "sum over both");
  check(kf::softmax_reduction(F, b).with(kf::empty_is_zero), "softmax");
  check(kf::argkmin_reduction<3>(sqdist(x, y) + (b + g) * 1e-30_c), "nearest");
  check(kf::sum_reduction(g * kf::elem<0>(x) * F), "a factor of the rows");
  constexpr auto gradient = kf::grad(sum, y, e);
  const auto found = gradient.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array,
                                                        g = G[0], e = e_array);
  expect_near(values_of(found), gradient.over(near)(x = X, y = Y, b = B, g = G[0], e = E), "a gradient");
}

TEST_F(sweep_on_device, batches) {
  const cloud c(3 * 90, 3 * 700);  // three problems of a third of the rows and columns
  const auto& [X, Y, B, G, E] = c.at;
  const std::vector<float> scales{0.5f, 1.f, 2.f};
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B), e_array = copy_of(E),
             g_array = copy_of(scales);
  const auto on_device = [&](auto r) {
    return r.on(kf::cuda{})(x = kf::device_view<const float, 1>(x_array.device_data(), {3}, 90, 3),
                            y = kf::device_view<const float, 1>(y_array.device_data(), {3}, 700, 3),
                            b = kf::device_view<const float, 1>(b_array.device_data(), {3}, 700, 1),
                            g = kf::device_view<const float, 1>(g_array.device_data(), {3}, 1, 1));
  };
  const auto on_host = [&](auto r) {
    return r(x = kf::view{X.data(), {3}, 90, 3}, y = kf::view{Y.data(), {3}, 700, 3},
             b = kf::view{B.data(), {3}, 700, 1}, g = kf::view{scales.data(), {3}, 1, 1});
  };
  const auto check = [&](auto r, const char* what) {
    const auto found = on_device(r);
    EXPECT_EQ(found.batch(), 3);
    expect_near(values_of(found), on_host(r), what);
  };
  check(sum, "sums");
  check(kf::sum_reduction<kf::axis::i>(F), "sums over i");
  check(kf::sum_reduction<kf::axis::both>(F), "sums over both");
  check(kf::argkmin_reduction<3>(sqdist(x, y) + (b + g) * 1e-30_c), "nearest");
  check(kf::grad(kf::softmax_reduction(F, b), y, 1_c), "a gradient that needs results");
  const auto check_over = [&](const auto& space, const char* what) {
    expect_near(values_of(on_device(sum.over(space))), on_host(sum.over(space)), what);
    constexpr auto both = kf::sum_reduction<kf::axis::both>(F);
    expect_near(values_of(on_device(both.over(space))), on_host(both.over(space)), what);
  };
  check_over(kf::band(40, 300), "over a band");
  check_over(kf::block_diagonal(kf::view{std::vector<std::int64_t>{0, 50, 50, 90}.data(), 2, 2},
                                kf::view{std::vector<std::int64_t>{0, 300, 300, 650}.data(), 2, 2}),
             "over blocks");
  std::vector<std::int64_t> offsets{0}, columns;
  for (std::int64_t r = 0; r < 90; ++r) {
    for (std::int64_t s = 0; s < r % 7; ++s) columns.push_back((31 * r + 97 * s) % 700);
    offsets.push_back(std::int64_t(columns.size()));
  }
  check_over(kf::edges::csr(offsets, columns), "over edges");
  // Few problems of few rows: their columns are split.
  const auto few = [&](auto rows) {
    return kf::argmin_reduction(sqdist(x, y))
        .on(kf::cuda{})(x = rows(x_array.device_data(), 2),
                        y = kf::device_view<const float, 1>(y_array.device_data(), {1}, 2100, 3));
  };
  expect_near(values_of(few([](const float* p, int n) { return kf::device_view<const float, 1>(p, {n}, 5, 3); })),
              kf::argmin_reduction(sqdist(x, y))(x = kf::view{X.data(), {2}, 5, 3}, y = Y), "split columns");
  const auto out = copy_of(std::vector<float>(3 * 90, 1.f));
  const auto one_more = sum.on(kf::cuda{});
  one_more.add_to(kf::device_view<float, 1>(const_cast<float*>(out.device_data()), {3}, 90, 1),
                  x = kf::device_view<const float, 1>(x_array.device_data(), {3}, 90, 3),
                  y = kf::device_view<const float, 1>(y_array.device_data(), {1}, 700, 3),
                  b = kf::device_view<const float, 1>(b_array.device_data(), {3}, 700, 1), g = scales[1]);
  auto expected = sum(x = kf::view{X.data(), {3}, 90, 3}, y = kf::view{Y.data(), {1}, 700, 3},
                      b = kf::view{B.data(), {3}, 700, 1}, g = scales[1]);
  for (float& value : expected) value += 1;
  expect_near(values_of(out), expected, "added, with columns that all problems share");
  const auto copied =
      sum.on(kf::cuda_host{})(x = kf::view{X.data(), {3}, 90, 3}, y = kf::view{Y.data(), {3}, 700, 3},
                              b = kf::view{B.data(), {3}, 700, 1}, g = kf::view{scales.data(), {3}, 1, 1});
  expect_near(std::vector<float>(copied.begin(), copied.end()), on_host(sum), "copies");
}

TEST_F(sweep_on_device, lazy_matrices) {
  const cloud c(130, 400);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  const auto xi = kf::lazy_i<3>(rows_of(x_array, 3));
  const auto yj = kf::lazy_j<3>(rows_of(y_array, 3));
  const auto K = exp(-sqdist(xi, yj)).on(kf::cuda{});
  const auto on_host = exp(-sqdist(kf::lazy_i<3>(X), kf::lazy_j<3>(Y)));
  expect_near(values_of(K.sum_j()), on_host.sum_j(), "sums");
  expect_near(values_of(K.over(kf::causal()).sum_i()), on_host.over(kf::causal()).sum_i(), "over a band");
  expect_near(values_of(K.matvec(rows_of(b_array, 1))), on_host.matvec(B), "a product");
  const std::vector<float> wide(400 * 5, 0.5f);
  const auto wide_array = copy_of(wide);
  expect_near(values_of(K.matvec(rows_of(wide_array, 5))), on_host.matvec(kf::view{wide.data(), 400, 5}), "products");
}

TEST_F(sweep_on_device, over_bands) {
  const cloud c(20000 / less + 7, 3000 / less + 5);
  const auto& [X, Y, B, G, E] = c.at;
  auto X_inf = X;
  X_inf[0] = std::numeric_limits<float>::infinity();  // of a row without columns: nothing is multiplied by it
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B), e_array = copy_of(E),
             inf_array = copy_of(X_inf);
  for (const auto& near : {kf::causal(), kf::band(-2, 700), kf::band(c.M - 100, -3), kf::band(5, 4), kf::band(-1, 0)}) {
    const auto check = [&](auto r, const char* what) {
      const auto found =
          r.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array, g = G[0]);
      expect_near(values_of(found), r.over(near)(x = X, y = Y, b = B, g = G[0]), what);
    };
    check(sum, "sum");
    check(kf::sum_reduction<kf::axis::i>(F), "sum over i");
    check(kf::sum_reduction<kf::axis::both>(F), "sum over both");
    check(kf::softmax_reduction(F, b).with(kf::empty_is_zero), "softmax");
    check(kf::argkmin_reduction<3>(sqdist(x, y) + (b + g) * 1e-30_c), "nearest");
    check(kf::sum_reduction(g * kf::elem<0>(x) * F), "a factor of the rows");
    constexpr auto gradient = kf::grad(sum, y, e);
    const auto found = gradient.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array,
                                                          g = G[0], e = e_array);
    expect_near(values_of(found), gradient.over(near)(x = X, y = Y, b = B, g = G[0], e = E), "a gradient");
  }
  constexpr auto scaled = kf::sum_reduction(g * kf::elem<0>(x) * b);
  const auto found = scaled.over(kf::band(c.M, -1)).on(kf::cuda{})(x = rows_of(inf_array, 3), b = b_array, g = G[0]);
  EXPECT_EQ(values_of(found)[0], 0);
}

TEST_F(sweep_on_device, over_edges) {
  cloud c(20000 / less + 7, 3000 / less + 5);
  c.at[0][0] = std::numeric_limits<float>::infinity();  // of a row without edges: nothing is multiplied by it
  const auto& [X, Y, B, G, E] = c.at;
  std::mt19937 engine(3);
  const auto below = [&](std::int64_t n) { return std::int64_t(engine() % std::uint64_t(n)); };
  std::vector<std::int64_t> i, j;
  for (std::int64_t n = 0; n < 6 * c.M; ++n) {
    i.push_back(1 + below(c.M - 1));
    j.push_back(below(c.N));
  }
  for (std::int64_t n = 0; n < c.N; ++n) {  // a row that meets all columns
    i.push_back(5);
    j.push_back(n);
  }
  const auto near = kf::edges::coo(i, j);
  constexpr auto v = kf::Ve<5, 2>;
  constexpr auto u = kf::Vi<6, 2>;
  std::vector<float> V(2 * i.size()), U(2 * std::size_t(c.M), 0.5f);
  for (std::size_t n = 0; n < V.size(); ++n) V[n] = float(n % 7) * 0.25f - 0.5f;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B), e_array = copy_of(E),
             v_array = copy_of(V), u_array = copy_of(U);
  const auto check = [&](auto r, const char* what) {
    const auto found =
        r.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array, g = G[0]);
    expect_near(values_of(found), r.over(near)(x = X, y = Y, b = B, g = G[0]), what);
  };
  check(sum, "sum");
  check(kf::sum_reduction<kf::axis::i>(F), "sum over i");
  check(kf::sum_reduction<kf::axis::both>(F), "sum over both");
  check(kf::sum_reduction<kf::axis::none>(F), "each edge");
  check(kf::softmax_reduction(F, b).with(kf::empty_is_zero), "softmax");
  check(kf::argkmin_reduction<3>(sqdist(x, y) + (b + g) * 1e-30_c), "nearest");
  check(kf::argmin_reduction<kf::axis::both>(sqdist(x, y) + (b + g) * 1e-30_c), "nearest of all");
  check(kf::sum_reduction(g * kf::elem<0>(x) * F), "a factor of the rows");
  check(kf::sum_reduction(F * (kf::column_index - kf::row_index)), "numbers");
  constexpr auto gradient = kf::grad(sum, y, e);
  const auto found = gradient.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array,
                                                        g = G[0], e = e_array);
  expect_near(values_of(found), gradient.over(near)(x = X, y = Y, b = B, g = G[0], e = E), "a gradient");
  constexpr auto of_edges = kf::sum_reduction(F * v);
  constexpr auto by_edge = kf::grad(of_edges, v, u);
  const auto sums = of_edges.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array,
                                                       g = G[0], v = rows_of(v_array, 2));
  expect_near(values_of(sums), of_edges.over(near)(x = X, y = Y, b = B, g = G[0], v = V), "values of edges");
  const auto slopes = by_edge.over(near).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array,
                                                        g = G[0], v = rows_of(v_array, 2), u = rows_of(u_array, 2));
  expect_near(values_of(slopes), by_edge.over(near)(x = X, y = Y, b = B, g = G[0], v = V, u = U),
              "a gradient of edges");
}

TEST_F(sweep_on_device, writes_and_adds_where_it_is_told_to) {
  const cloud c(700, 900);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  auto out = copy_of(std::vector<float>(2 * 700, 1.f));
  const kf::device_view<float> every_second{out.device_data(), 700, 1, 2, 1};
  sum.on(kf::cuda{}).into(every_second, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
  sum.on(kf::cuda{}).add_to(every_second, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
  const auto all = values_of(out);
  const auto expected = sum(X, Y, B, G);
  for (std::size_t i = 0; i < 700; ++i) {
    EXPECT_NEAR(all[2 * i], 2 * expected(std::int64_t(i), 0), 1e-3);
    EXPECT_EQ(all[2 * i + 1], 1.f);
  }
}

TEST_F(sweep_on_device, refuses_what_does_not_fit_and_writes_nothing) {
  const auto x_array = copy_of(std::vector<float>(30)), y_array = copy_of(std::vector<float>(31));
  auto out = copy_of(std::vector<float>(10, 5.f));
  const auto b_array = copy_of(std::vector<float>(10));
  EXPECT_THROW(sum.on(kf::cuda{}).into(out, rows_of(x_array, 3), y_array, b_array, 1.f), kf::shape_error);
  EXPECT_THROW(sum.on(kf::cuda{})
                   .into(rows_of(x_array, 3).rows() ? out : out, rows_of(x_array, 3), rows_of(x_array, 3), out, 1.f),
               kf::overlap_error);
  EXPECT_EQ(values_of(out), std::vector<float>(10, 5.f));
}

TEST_F(sweep_on_device, plans_are_captured_in_a_graph) {
  const cloud c(3000 / less, 5000 / less);
  const auto& [X, Y, B, G, E] = c.at;
  cudaStream_t stream;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const auto x_array = copy_of(X, stream), y_array = copy_of(Y, stream), b_array = copy_of(B, stream);
    kf::device_matrix<float> out(stream, c.M, 1);
    constexpr auto lse_gradient = kf::grad(kf::logsumexp_reduction(F), x, e);
    const auto e_array = copy_of(E, stream);
    kf::device_matrix<float> gradient(stream, c.M, 3);
    const auto plan = sum.on(kf::cuda{stream}).plan<float>({c.M, c.N});
    const auto gradient_plan = lse_gradient.on(kf::cuda{stream}).plan<float>({c.M, c.N});
    kf::device_matrix<char> workspace(stream, plan.workspace_bytes(), 1),
        more(stream, gradient_plan.workspace_bytes(), 1);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    plan.run(workspace.device_data(), out, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
    gradient_plan.run(more.device_data(), gradient, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0], e_array);
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&replay, graph, 0), cudaSuccess);
    for (int n = 0; n < 3; ++n) ASSERT_EQ(cudaGraphLaunch(replay, stream), cudaSuccess);
    expect_near(values_of(out), sum(X, Y, B, G), "a graph");
    expect_near(values_of(gradient), lse_gradient(X, Y, B, G, E), "a gradient in a graph");
    const auto short_plan = sum.on(kf::cuda{stream}).plan<float>({c.M - 1, c.N});
    EXPECT_THROW(short_plan.run(workspace.device_data(), out, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]),
                 kf::shape_error);
    EXPECT_EQ(cudaGraphExecDestroy(replay), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  }
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(sweep_on_device, streams_do_not_disturb_each_other) {
  const cloud c(4000 / less, 6000 / less);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  const auto expected = values_of(sum.on(kf::cuda{})(rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]));
  cudaStream_t streams[2];
  for (auto& s : streams) ASSERT_EQ(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), cudaSuccess);
  {
    std::vector<kf::device_matrix<float>> results;
    for (int n = 0; n < 20; ++n)
      results.push_back(sum.on(kf::cuda{streams[n % 2]})(rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]));
    for (const auto& r : results) EXPECT_EQ(values_of(r), expected);
  }
  for (auto& s : streams) EXPECT_EQ(cudaStreamDestroy(s), cudaSuccess);
}

TEST_F(sweep_on_device, arrays_of_the_host_go_there_in_chunks) {
  const cloud c(5000 / less, 700);
  const auto& [X, Y, B, G, E] = c.at;
  constexpr auto y_gradient = kf::grad(sum, y, e);
  constexpr auto g_gradient = kf::grad(sum, g, e);
  constexpr auto nearest = kf::argkmin_reduction<3>(sqdist(x, y));
  constexpr auto marked = kf::sum_reduction(where(i == j, b, kf::constant<2>) * sqdist(x, y));
  for (const std::int64_t rows : {std::int64_t(0), c.M / 5, c.M / 5 - 1, c.M - 1, c.M}) {
    const kf::cuda_host where{.chunk_rows = rows};
    const auto as_vector = [](const auto& m) { return std::vector(m.begin(), m.end()); };
    expect_near(as_vector(sum.on(where)(X, Y, B, G)), sum(X, Y, B, G), "sum");
    expect_near(as_vector(y_gradient.on(where)(X, Y, B, G, E)), y_gradient(X, Y, B, G, E), "y-gradient");
    expect_near(as_vector(g_gradient.on(where)(X, Y, B, G, E)), g_gradient(X, Y, B, G, E), "g-gradient");
    expect_near(as_vector(nearest.on(where)(X, Y)), nearest(X, Y), "3 nearest");
    expect_near(as_vector(marked.on(where)(X, Y, B)), marked(X, Y, B), "row numbers");
  }
}

TEST_F(sweep_on_device, a_last_chunk_of_few_rows_splits_its_columns) {
  const int chunk = 32 * 512;  // eight rounds of the four blocks of a device that the host plays
  const cloud c(chunk + 100, 600);
  const auto& [X, Y, B, G, E] = c.at;
  const auto found = sum.on(kf::cuda_host{.chunk_rows = chunk})(X, Y, B, G);
  expect_near(std::vector(found.begin(), found.end()), sum(X, Y, B, G), "sum");
}

TEST_F(sweep_on_device, columns_of_the_host_go_there_in_pieces) {
  const cloud c(1500 / less, 5000 / less);
  const auto& [X, Y, B, G, E] = c.at;
  constexpr auto y_gradient = kf::grad(sum, y, e);
  constexpr auto g_gradient = kf::grad(sum, g, e);
  constexpr auto nearest = kf::argkmin_reduction<3>(sqdist(x, y));
  constexpr auto later = kf::sum_reduction(where(j < kf::constant<100>, b, kf::constant<2>) * sqdist(x, y));
  constexpr auto several = kf::fold_all(kf::min_reduction(sqdist(x, y)), kf::argmin_reduction(sqdist(x, y)));
  const auto as_vector = [](const auto& m) { return std::vector(m.begin(), m.end()); };
  for (const std::int64_t columns : {std::int64_t(1) + c.N / 4, c.N - 1, c.N, 3 * c.N})
    for (const std::int64_t rows : {std::int64_t(0), c.M / 2 + 1}) {
      const kf::cuda_host where{.chunk_rows = rows, .chunk_columns = columns};
      expect_near(as_vector(sum.on(where)(X, Y, B, G)), sum(X, Y, B, G), "sum");
      expect_near(as_vector(y_gradient.on(where)(X, Y, B, G, E)), y_gradient(X, Y, B, G, E), "y-gradient");
      expect_near(as_vector(g_gradient.on(where)(X, Y, B, G, E)), g_gradient(X, Y, B, G, E), "g-gradient, all at once");
      expect_near(as_vector(nearest.on(where)(X, Y)), nearest(X, Y), "3 nearest");
      expect_near(as_vector(later.on(where)(X, Y, B)), later(X, Y, B), "column numbers");
      const auto [least, at] = several.on(where)(X, Y);
      expect_near(as_vector(least), kf::min_reduction(sqdist(x, y))(X, Y), "least");
      expect_near(as_vector(at), kf::argmin_reduction(sqdist(x, y))(X, Y), "where it is");
    }
  const std::vector<float> none;
  EXPECT_EQ(as_vector(sum.on(kf::cuda_host{.chunk_columns = 10})(X, none, none, G)),
            std::vector<float>(std::size_t(c.M), 0.0f));
}

TEST_F(sweep_on_device, a_last_piece_may_split_in_more_stretches) {
  const int piece =
      32 * 256 + 1;  // 26 stretches of 320 columns on a device that the host plays; one column less: 32 of 256
  const cloud c(10, 2 * piece - 1);
  const auto& [X, Y, B, G, E] = c.at;
  const auto found = sum.on(kf::cuda_host{.chunk_columns = piece})(X, Y, B, G);
  expect_near(std::vector(found.begin(), found.end()), sum(X, Y, B, G), "sum");
}

TEST_F(sweep_on_device, an_any_reduction_runs_where_it_was_made_for) {
  const cloud c(3000 / less, 700);
  const auto& [X, Y, B, G, E] = c.at;
  const kf::any_reduction<float> any(sum, kf::cuda_host{.chunk_rows = 100});
  const auto found = any(X, Y, B, G[0]);
  expect_near(std::vector(found.begin(), found.end()), sum(X, Y, B, G), "any_reduction");
  EXPECT_THROW(any.on(kf::cpu{}), kf::error);
}

TEST_F(sweep_on_device, columns_arrive_in_pieces) {
  const cloud c(2000 / less, 9000 / less);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  constexpr auto nearest = kf::argkmin_reduction<5>(sqdist(x, y) * b);
  const auto piece = [&](const kf::device_matrix<float>& m, std::int64_t first, std::int64_t end, int dim) {
    return kf::device_view<const float>{m.device_data() + first * dim, end - first, dim};
  };
  const auto all = [&](auto r, auto... parameters) {
    const auto begin = [&] { return r.on(kf::cuda{}).start(x = rows_of(x_array, 3), parameters...); };
    auto state = begin(), later = begin();
    const auto absorb = [&](auto& to, std::int64_t first, std::int64_t end) {
      to.absorb(y = piece(y_array, first, end, 3), b = piece(b_array, first, end, 1));
    };
    absorb(state, 0, 1);
    absorb(state, 1, 1);
    absorb(state, 1, c.N / 2);
    later.number_columns_from(c.N / 2);
    absorb(later, c.N / 2, c.N);
    state.merge(later);
    return values_of(state.finish());
  };
  expect_near(all(sum, g = G[0]), sum(X, Y, B, G), "a stream of a sum");
  expect_near(all(nearest), nearest(X, Y, B), "a stream of neighbours");
  constexpr auto total = kf::sum_reduction<kf::axis::both>(F);
  expect_near(all(total, g = G[0]), total(X, Y, B, G), "a stream over both");
}

// The block that merges the states of all blocks takes less shared memory than they did, or more than 48 KiB of its
// own.
TEST_F(sweep_on_device, vectors_of_thousands_of_components_over_both_axes) {
  const auto check = [](auto dim) {
    constexpr int D = dim;
    constexpr auto total = kf::sum_reduction<kf::axis::both>(kf::Vi<0, D> * kf::Vj<1, 1>);
    const std::vector<float> V(5 * D, 0.5f), W{1, 2, 3};
    const auto v = copy_of(V), w = copy_of(W);
    EXPECT_EQ(values_of(total.on(kf::cuda{})(rows_of(v, D), w)), std::vector<float>(D, 15.f)) << D << " components";
    constexpr auto of_columns = kf::sum_reduction<kf::axis::both>(kf::Vi<0, 1> * kf::Vj<1, D>);
    EXPECT_EQ(values_of(of_columns.on(kf::cuda{})(w, rows_of(v, D))), std::vector<float>(D, 15.f)) << D;
  };
  check(std::integral_constant<int, 4096>{});
  check(std::integral_constant<int, 7000>{});
}

TEST_F(sweep_on_device, many_calls_leave_no_memory_behind) {
  const cloud c(300, 400);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  const auto free_memory = [] {
    std::size_t free = 0, total = 0;
    cudaDeviceSynchronize();
    cudaMemGetInfo(&free, &total);
    return free;
  };
  const auto call = [&] { (void)sum.on(kf::cuda{})(rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]); };
  for (int n = 0; n < 100 / less; ++n) call();
  const std::size_t before = free_memory();
  for (int n = 0; n < 2000 / less; ++n) call();
  EXPECT_EQ(free_memory(), before);
}

TEST_F(sweep_on_device, memory_that_is_not_there_is_an_error_with_its_formula) {
  try {
    kf::device_matrix<float> m(nullptr, std::int64_t(1) << 40, 16);
    FAIL() << "64 TiB";
  } catch (const kf::cuda_error& e) {
    EXPECT_NE(std::string(e.what()).find("cudaErrorMemoryAllocation"), std::string::npos) << e.what();
  }
}

/// Offsets beyond 2^31: the last of many rows, and of many columns.
TEST_F(sweep_on_device, offsets_beyond_31_bits) {
  std::size_t free = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  if (free < (std::size_t(12) << 30)) GTEST_SKIP() << "needs 12 GiB of free memory";
  constexpr auto s = kf::Vi<0, 1>;
  constexpr auto t = kf::Vj<1, 1>;
  constexpr auto product = kf::sum_reduction(s * t);
  const std::int64_t M = (std::int64_t(1) << 31) + 77;
  kf::device_matrix<float> rows(nullptr, M, 1), out(nullptr, 1, 1);
  ASSERT_EQ(cudaMemset(rows.device_data(), 0, std::size_t(M) * sizeof(float)), cudaSuccess);
  const float two = 2;
  ASSERT_EQ(cudaMemcpy(rows.device_data() + (M - 1), &two, sizeof two, cudaMemcpyHostToDevice), cudaSuccess);
  const auto column = copy_of(std::vector<float>{3});
  product.on(kf::cuda{}).into(out, column, rows);  // one row, many columns
  EXPECT_EQ(values_of(out), std::vector<float>{6});
  const auto all = product.on(kf::cuda{})(rows, column);
  float last = 0;
  ASSERT_EQ(cudaMemcpy(&last, all.device_data() + (M - 1), sizeof last, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(last, 6);
}

}  // namespace
