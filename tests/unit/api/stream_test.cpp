// A reduction whose columns arrive in pieces gives what a call with all of them gives, whatever the pieces are.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto u = kf::Vi<4, 1>;
constexpr auto D = sqdist(x, y);

// Few programs, many reductions: those of one axis share a sweep. u leaves the sum over j, b the one over i.
template <kf::axis A, class Real>
constexpr auto all_along = fold_all(kf::sum_reduction<A>(u * exp(-g * D) * b), kf::argkmin_reduction<10, A>(D),
                                    kf::logsumexp_reduction<A>(-g* D, b));
template <kf::axis A>
constexpr auto all_along<A, float> =
    fold_all(kf::sum_reduction<A>(u * exp(-g * D) * b), kf::min_reduction<A>(D), kf::max_reduction<A>(x - y),
             kf::argmin_reduction<A>(D), kf::argmax_reduction<A>(x - y), kf::kmin_reduction<3, A>(D),
             kf::argkmin_reduction<10, A>(D), kf::logsumexp_reduction<A>(-g* D), kf::logsumexp_reduction<A>(-g* D, b),
             kf::softmax_reduction<A>(-g* D, y - x));
constexpr auto S = kf::sum_reduction(u * exp(-g * D) * b);
constexpr auto N = kf::argkmin_reduction<3>(D);

template <class Real> std::vector<Real> uniform(std::int64_t count, unsigned seed, float low, float high) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> between(low, high);
  std::vector<Real> v(static_cast<std::size_t>(count));
  for (Real& n : v) n = between(engine);
  return v;
}

/// The output's rows and the columns: points and weights of either.
template <class Real> struct clouds {
  std::int64_t rows, columns;
  std::vector<Real> P, W, Q, V;
  clouds(std::int64_t row_count, std::int64_t column_count)
      : rows(row_count),
        columns(column_count),
        P(uniform<Real>(3 * rows, 1, -1, 1)),
        W(uniform<Real>(rows, 2, 0.5f, 2)),
        Q(uniform<Real>(3 * columns, 3, -1, 1)),
        V(uniform<Real>(columns, 4, 0.5f, 2)) {}
};

template <kf::axis A, class R, class Real> auto whole(const R& r, const clouds<Real>& c) {
  if constexpr (A == kf::axis::i) return r(x = c.Q, u = c.V, y = c.P, b = c.W, g = Real(0.75));
  else return r(x = c.P, u = c.W, y = c.Q, b = c.V, g = Real(0.75));
}
template <kf::axis A, class R, class Real> auto begin(const R& r, const clouds<Real>& c) {
  if constexpr (A == kf::axis::i) return r.start(b = c.W, g = Real(0.75), y = c.P);
  else return r.start(x = c.P, u = c.W, g = Real(0.75));
}
/// Columns first, ..., first + count - 1 of the clouds, copied: the piece is gone when the next one comes.
template <kf::axis A, class State, class Real>
void absorb(State& state, const clouds<Real>& c, std::int64_t first, std::int64_t count) {
  const std::vector<Real> points(c.Q.begin() + 3 * first, c.Q.begin() + 3 * (first + count));
  const std::vector<Real> weights(c.V.begin() + first, c.V.begin() + first + count);
  if constexpr (A == kf::axis::i) state.absorb(u = weights, x = points);
  else state.absorb(y = points, b = weights);
}

using pieces = std::vector<std::int64_t>;
std::int64_t total(const pieces& sizes) {
  std::int64_t sum = 0;
  for (const std::int64_t n : sizes) sum += n;
  return sum;
}
const pieces mixed{0, 1, 7, 1000, 0, 7, 1};

template <kf::axis A, class State, class Real>
std::int64_t absorb_pieces(State& state, const clouds<Real>& c, const pieces& sizes, std::int64_t first = 0) {
  for (const std::int64_t count : sizes) {
    absorb<A>(state, c, first, count);
    first += count;
  }
  return first;
}

void expect_same(const kf::matrix<std::int64_t>& found, const kf::matrix<std::int64_t>& expected,
                 const std::string& what) {
  EXPECT_TRUE(found == expected) << what;
}
/// Sums are rounded in another order: within 64 roundings of the largest number.
template <class Real>
void expect_same(const kf::matrix<Real>& found, const kf::matrix<Real>& expected, const std::string& what) {
  ASSERT_EQ(found.rows(), expected.rows()) << what;
  ASSERT_EQ(found.cols(), expected.cols()) << what;
  double largest = 0;
  for (const Real v : expected)
    if (std::isfinite(v)) largest = std::max(largest, std::fabs(double(v)));
  const double tolerance = 64 * largest * (sizeof(Real) == 4 ? 0x1p-24 : 0x1p-53);
  for (std::int64_t n = 0; n < found.size(); ++n) {
    if (std::isnan(expected[n])) EXPECT_TRUE(std::isnan(found[n])) << what;
    else if (std::isinf(expected[n])) EXPECT_EQ(found[n], expected[n]) << what;
    else EXPECT_NEAR(double(found[n]), double(expected[n]), tolerance) << what << ", number " << n;
  }
}
template <class... Ms>
void expect_same(const kf::results<Ms...>& found, const kf::results<Ms...>& expected, const std::string& what) {
  [&]<int... Is>(std::integer_sequence<int, Is...>) {
    (expect_same(get<Is>(found), get<Is>(expected), what + ", result " + std::to_string(Is)), ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
}
template <class T> bool same_bits(const kf::matrix<T>& a, const kf::matrix<T>& c) {
  return a.size() == c.size() && std::memcmp(a.data(), c.data(), sizeof(T) * static_cast<std::size_t>(a.size())) == 0;
}
template <class... Ms> bool same_bits(const kf::results<Ms...>& a, const kf::results<Ms...>& c) {
  return [&]<int... Is>(std::integer_sequence<int, Is...>) {
    return (same_bits(get<Is>(a), get<Is>(c)) && ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
}

const char* name(kf::axis a) { return a == kf::axis::j ? "over j" : a == kf::axis::i ? "over i" : "over both"; }

/// f<A, Real>() for each axis and real type.
template <class F> void for_each_kind(F f) {
  f.template operator()<kf::axis::j, float>();
  f.template operator()<kf::axis::i, float>();
  f.template operator()<kf::axis::both, float>();
  f.template operator()<kf::axis::j, double>();
  f.template operator()<kf::axis::i, double>();
  f.template operator()<kf::axis::both, double>();
}

std::vector<kf::instruction_set> sets_of_machine() {
  std::vector<kf::instruction_set> sets;
  for (const auto set : {kf::instruction_set::scalar, kf::instruction_set::portable, kf::instruction_set::avx2,
                         kf::instruction_set::avx512})
    if (kf::detail::is_usable(kf::detail::compiled_sets{}, set)) sets.push_back(set);
  return sets;
}

/// The sentence of the error that f throws.
template <class Error, class F> std::string sentence(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST(stream, equals_a_call) {
  for_each_kind([]<kf::axis A, class Real>() {
    for (const std::int64_t rows : {0, 1, 5, 70})
      for (const pieces& sizes : {mixed, pieces{}, pieces{0}, pieces{7}, pieces{1, 1, 1}}) {
        const clouds<Real> c(rows, total(sizes));
        auto state = begin<A>(all_along<A, Real>, c);
        absorb_pieces<A>(state, c, sizes);
        EXPECT_EQ(state.columns(), c.columns);
        expect_same(
            state.finish(), whole<A>(all_along<A, Real>, c),
            std::string(name(A)) + ", " + std::to_string(rows) + " rows, " + std::to_string(sizes.size()) + " pieces");
      }
  });
}

TEST(stream, goes_on_after_finish) {
  for_each_kind([]<kf::axis A, class Real>() {
    const clouds<Real> c(70, 2 * total(mixed));
    auto state = begin<A>(all_along<A, Real>, c);
    const std::int64_t half = absorb_pieces<A>(state, c, mixed);
    const auto once = state.finish(), again = state.finish();
    EXPECT_TRUE(same_bits(once, again)) << name(A);
    absorb_pieces<A>(state, c, mixed, half);
    expect_same(state.finish(), whole<A>(all_along<A, Real>, c), name(A));
  });
}

TEST(stream, states_merge) {
  for_each_kind([]<kf::axis A, class Real>() {
    const clouds<Real> c(70, 3 * total(mixed));
    auto first = begin<A>(all_along<A, Real>, c), second = begin<A>(all_along<A, Real>, c),
         third = begin<A>(all_along<A, Real>, c);
    const std::int64_t one = absorb_pieces<A>(first, c, mixed);
    second.number_columns_from(one);
    const std::int64_t two = absorb_pieces<A>(second, c, mixed, one);
    third.number_columns_from(two);
    absorb_pieces<A>(third, c, mixed, two);
    const auto alone = second.finish();
    first.merge(second.merge(third));
    EXPECT_EQ(first.columns(), c.columns);
    expect_same(first.finish(), whole<A>(all_along<A, Real>, c), name(A));
    EXPECT_FALSE(same_bits(second.finish(), alone));
    // A state without columns changes nothing, on either side.
    const auto full = first.finish();
    EXPECT_TRUE(same_bits(first.merge(begin<A>(all_along<A, Real>, c)).finish(), full)) << name(A);
    auto empty = begin<A>(all_along<A, Real>, c);
    expect_same(empty.merge(first).finish(), full, name(A));
  });
}

TEST(stream, same_bits_on_every_set_and_any_number_of_threads) {
  for_each_kind([]<kf::axis A, class Real>() {
    const clouds<Real> c(150, 2 * total(mixed));
    bool has_first = false;
    decltype(begin<A>(all_along<A, Real>, c).finish()) first;
    for (const auto set : sets_of_machine())
      for (const int threads : {1, 3}) {
        const auto placed = all_along<A, Real>.on(kf::cpu{.threads = threads, .instructions = set});
        auto state = begin<A>(placed, c), later = begin<A>(placed, c);
        later.number_columns_from(absorb_pieces<A>(state, c, mixed));
        absorb_pieces<A>(later, c, mixed, total(mixed));
        auto result = state.merge(later).finish();
        if (!has_first) first = result;
        else EXPECT_TRUE(same_bits(result, first)) << name(A) << ", " << name_of(set) << ", " << threads << " threads";
        has_first = true;
      }
  });
}

TEST(stream, few_rows_and_many_columns) {
  // Enough columns for a piece to be split between threads.
  const pieces sizes{40000, 3, 20000};
  for (const std::int64_t rows : {1, 3}) {
    const clouds<float> c(rows, total(sizes));
    for (const int threads : {1, 3}) {
      auto state = begin<kf::axis::j>(all_along<kf::axis::j, float>.on(kf::cpu{.threads = threads}), c);
      absorb_pieces<kf::axis::j>(state, c, sizes);
      expect_same(state.finish(), whole<kf::axis::j>(all_along<kf::axis::j, float>, c),
                  std::to_string(threads) + " threads");
    }
  }
}

TEST(stream, columns_are_numbered_from_anywhere) {
  constexpr std::int64_t far = 5'000'000'000;
  const clouds<float> c(5, 20);
  auto state = begin<kf::axis::j>(all_along<kf::axis::j, float>, c);
  state.number_columns_from(far);
  absorb<kf::axis::j>(state, c, 0, 20);
  EXPECT_EQ(state.columns(), far + 20);
  const auto found = get<3>(state.finish()), expected = get<3>(whole<kf::axis::j>(all_along<kf::axis::j, float>, c));
  for (std::int64_t i = 0; i < 5; ++i) EXPECT_EQ(found[i], far + expected[i]);
  // The number of a column is also what column_index says.
  constexpr auto last = kf::max_reduction(u * kf::column_index);
  const std::vector<double> one{1};
  auto numbered = last.start(u = one);
  numbered.number_columns_from(far).absorb().absorb();
  EXPECT_EQ(numbered.finish()[0], double(far + 1));
}

TEST(stream, an_infinite_factor_of_no_columns) {
  // The factor of the rows leaves the sum; the sum of no columns is 0 whatever it is.
  const float infinite = INFINITY;
  const std::vector<float> X(3), U{infinite};
  auto state = S.start(x = X, u = U, g = 1.f);
  EXPECT_EQ(state.finish()[0], 0);
  state.number_columns_from(7);
  EXPECT_EQ(state.finish()[0], 0);
  const std::vector<float> Y(3), B{1};
  state.absorb(y = Y, b = B);
  EXPECT_EQ(state.finish()[0], infinite);
  auto empty = S.start(x = X, u = U, g = 1.f);
  EXPECT_EQ(empty.merge(state).finish()[0], infinite);
}

TEST(stream, pieces_far_from_each_other) {
  // The distance is scaled about a point among the columns, of each piece anew. The rows lie near one of them: what
  // they share with it is as accurate as if there were no other.
  constexpr auto s = kf::Pm<3, 1>;
  constexpr auto K = kf::sum_reduction(exp(-square(s) * D) * b);
  constexpr std::int64_t rows = 9, columns = 300;
  const auto B = uniform<float>(columns, 7, 0.5f, 2);
  const auto around = [](float center, std::int64_t count, unsigned seed) {
    auto points = uniform<float>(3 * count, seed, -1, 1);
    for (float& v : points) v += center;
    return points;
  };
  for (const float center : {0.f, 4096.f}) {
    const auto X = around(center, rows, 6), near = around(center, columns, 5), far = around(-4096, columns, 8);
    auto state = K.start(x = X, s = 0.5f);
    state.absorb(y = far, b = B).absorb(y = near, b = B).absorb(y = far, b = B);
    const auto found = state.finish();
    for (std::size_t i = 0; i < rows; ++i) {
      double expected = 0;
      for (std::size_t j = 0; j < columns; ++j) {
        double distance = 0;
        for (std::size_t k = 0; k < 3; ++k) distance += std::pow(double(X[3 * i + k]) - double(near[3 * j + k]), 2);
        expected += std::exp(-0.25 * distance) * double(B[j]);
      }
      EXPECT_NEAR(double(found[std::int64_t(i)]), expected, 4e-6 * expected) << center;
    }
  }
}

TEST(stream, options_and_gradients) {
  const clouds<float> c(20, total(mixed));
  constexpr auto compensated = S.with(kf::compensated);
  auto state = begin<kf::axis::j>(compensated, c);
  absorb_pieces<kf::axis::j>(state, c, mixed);
  expect_same(state.finish(), whole<kf::axis::j>(compensated, c), "compensated");

  constexpr auto dS = grad(S, x);
  constexpr auto e = kf::Vi<5, 1>;
  const auto E = uniform<float>(c.rows, 8, -1, 1);
  auto slope = dS.start(x = c.P, u = c.W, g = 0.75f, e = E);
  absorb_pieces<kf::axis::j>(slope, c, mixed);
  expect_same(slope.finish(), dS(x = c.P, y = c.Q, b = c.V, g = 0.75f, u = c.W, e = E), "gradient along the rows");
  // With respect to y the rows are the columns of S: e is one of the arrays that arrive.
  constexpr auto dSy = grad(S, y);
  auto other = dSy.start(y = c.Q, b = c.V, g = 0.75f);
  for (std::int64_t first = 0; first < c.rows; first += 5)
    other.absorb(x = kf::view{c.P.data() + 3 * first, 5, 3}, u = kf::view{c.W.data() + first, 5, 1},
                 e = kf::view{E.data() + first, 5, 1});
  expect_same(other.finish(), dSy(x = c.P, y = c.Q, b = c.V, g = 0.75f, u = c.W, e = E), "gradient along the columns");
}

TEST(stream, finishes_into_the_callers_memory) {
  const clouds<float> c(6, 30);
  auto state = begin<kf::axis::j>(S, c);
  absorb<kf::axis::j>(state, c, 0, 30);
  const auto expected = state.finish();
  auto wide = kf::matrix<float>::zeros(6, 2);
  state.finish(kf::view{wide.data() + 1, 6, 1, 2, 1});
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(wide(i, 0), 0);
    EXPECT_EQ(wide(i, 1), expected[i]);
  }
  auto nearest = N.start(x = c.P);
  nearest.absorb(y = c.Q);
  std::vector<std::int64_t> indices(18);
  nearest.finish(indices);
  const auto all = N(c.P, c.Q);
  for (std::size_t n = 0; n < 18; ++n) EXPECT_EQ(indices[n], all[std::int64_t(n)]);
}

TEST(stream, moves_and_numbers) {
  // A number given at the start is kept, wherever the state goes.
  const clouds<float> c(6, 30);
  std::vector<decltype(begin<kf::axis::j>(S, c))> states;
  for (int k = 0; k < 3; ++k) states.push_back(begin<kf::axis::j>(S, c));
  for (auto& state : states) absorb<kf::axis::j>(state, c, 0, 30);
  const auto expected = whole<kf::axis::j>(S, c);
  for (auto& state : states) EXPECT_TRUE(state.finish() == expected);
}

TEST(stream, a_state_that_was_stopped_says_so) {
  const clouds<float> c(600, 3000);
  bool is_enough = false;
  auto state = S.on(kf::cpu{.threads = 1, .stop = &is_enough}).start(x = c.P, u = c.W, g = 0.75f);
  auto other = begin<kf::axis::j>(S, c);
  absorb<kf::axis::j>(state, c, 0, 1000);
  EXPECT_TRUE(same_bits(state.finish(), (absorb<kf::axis::j>(other, c, 0, 1000), other.finish())));
  is_enough = true;
  EXPECT_THROW(absorb<kf::axis::j>(state, c, 1000, 2000), kf::stopped);
  is_enough = false;
  const std::string why =
      "a state of Sum(x4 exp(-p3 |x0 - y1|^2) y2) was stopped while it absorbed columns: some rows have seen more of "
      "them than others";
  EXPECT_EQ(sentence<kf::stopped>([&] { absorb<kf::axis::j>(state, c, 1000, 2000); }), why);
  EXPECT_EQ(sentence<kf::stopped>([&] { (void)state.finish(); }), why);
}

TEST(stream, refuses_what_does_not_fit) {
  const clouds<float> c(6, 30);
  auto state = begin<kf::axis::j>(S, c);
  absorb<kf::axis::j>(state, c, 0, 30);
  const auto before = state.finish();
  const std::vector<float> three(3), four(4), two(2);
  EXPECT_EQ(sentence<kf::shape_error>([&] { state.absorb(y = three, b = two); }),
            "argument 2 (y2, Vj<2, 1>) of Sum(x4 exp(-p3 |x0 - y1|^2) y2): 2 rows were given, argument 1 has 1");
  EXPECT_EQ(sentence<kf::shape_error>([&] { state.absorb(y = four, b = two); }),
            "argument 1 (y1, Vj<1, 3>) of Sum(x4 exp(-p3 |x0 - y1|^2) y2): 4 numbers are no whole number of rows of "
            "dimension 3");
  EXPECT_EQ(
      sentence<kf::shape_error>([&] {
        state.absorb(y = kf::view{four.data(), 2, 2}, b = two);
      }),
      "argument 1 (y1, Vj<1, 3>) of Sum(x4 exp(-p3 |x0 - y1|^2) y2): rows of dimension 2 were given, 3 are needed");
  EXPECT_EQ(state.columns(), 30);
  EXPECT_TRUE(same_bits(state.finish(), before));

  EXPECT_EQ(sentence<kf::shape_error>([&] { (void)S.start(x = c.P, u = two, g = 1.f); }),
            "argument 0 (x0, Vi<0, 3>) of Sum(x4 exp(-p3 |x0 - y1|^2) y2): 6 rows were given, argument 4 has 2");
  const clouds<float> fewer(5, 30);
  EXPECT_EQ(sentence<kf::shape_error>([&] { state.merge(begin<kf::axis::j>(S, fewer)); }),
            "two states of Sum(x4 exp(-p3 |x0 - y1|^2) y2) differ in their number of rows or their instruction set, "
            "and cannot be merged");
  std::vector<float> small(5), weights = c.W;
  EXPECT_EQ(sentence<kf::shape_error>([&] { state.finish(small); }),
            "the memory for the result of Sum(x4 exp(-p3 |x0 - y1|^2) y2): 5 rows were given, 6 are needed");
  auto over = S.start(x = c.P, u = weights, g = 0.75f);
  EXPECT_EQ(
      sentence<kf::overlap_error>([&] { over.finish(weights); }),
      "argument 4 (x4, Vi<4, 1>) of Sum(x4 exp(-p3 |x0 - y1|^2) y2) lies in the memory that the result is written to");
  EXPECT_TRUE(weights == c.W);
}
