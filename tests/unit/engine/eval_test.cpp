// A formula at one pair, on values in registers, without nvcc.
#include <kernfold/kernfold.hpp>

#include <kernfold/engine/eval.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <reference/judge.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;

template <class Real, int N> kf::vec<Real, N> vector_of(const reference::array& a) {
  kf::vec<Real, N> v;
  for (int k = 0; k < N; ++k) v[k] = static_cast<Real>(a.numbers[std::size_t(k)]);
  return v;
}

/// eval of a formula of x, y, b and g beside the independent evaluator.
template <class Real, class F> void expect_right(F f) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    reference::sampler numbers(seed);
    reference::arrays data;
    data.at[0] = numbers.generic(3);
    data.at[1] = numbers.generic(3);
    data.at[2] = numbers.generic(1);
    data.at[3] = numbers.positive(1);
    const auto expected = reference::value(f, data);
    const auto found = kf::eval(f, vector_of<Real, 3>(data.at[0]), vector_of<Real, 3>(data.at[1]),
                                static_cast<Real>(data.at[2].numbers[0]), static_cast<Real>(data.at[3].numbers[0]));
    static_assert(std::is_same_v<std::remove_const_t<decltype(found)>, kf::vec<Real, F::dim>>);
    for (int k = 0; k < F::dim; ++k)
      EXPECT_LE(reference::error_ratio(found[k], expected[std::size_t(k)]), reference::ratio_limit);
  }
}
template <class F> void expect_right_in_both(F f) {
  expect_right<float>(f);
  expect_right<double>(f);
}

}  // namespace

TEST(eval, values_and_derivatives) {
  constexpr auto f = exp(-g * sqdist(x, y)) * b;
  expect_right_in_both(f);
  expect_right_in_both(kf::grad(f, x));
  expect_right_in_both(kf::grad(kf::grad(f, x), y, kf::constant<2> * x));
  expect_right_in_both(kf::diff(f, x, y));
}

TEST(eval, every_stage_by_itself) {
  expect_right_in_both(square(g) + sin(g));
  expect_right_in_both(concat(x, x | x));
  expect_right_in_both(tensorprod(y, y));
  expect_right_in_both(kf::elem<1>(x - y) / (kf::constant<2> + b));
  expect_right_in_both(kf::constant<3> * kf::constant<1, 3> + kf::zero<1> * b);
}

TEST(eval, numbers_of_rows_and_columns) {
  constexpr auto f = where(kf::row_index < kf::column_index, b, g);
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return kf::eval_at<std::remove_const_t<decltype(f)>>(i, j, 0.f, 0.f, 1.f, 2.f)[0];
  };
  EXPECT_EQ(at(3, 4), 1);
  EXPECT_EQ(at(4, 4), 2);
  EXPECT_EQ(at((std::int64_t(1) << 60) + 1, std::int64_t(1) << 60), 2) << "exact beyond a float's integers";
  EXPECT_EQ(at(std::int64_t(1) << 60, (std::int64_t(1) << 60) + 1), 1);
}

TEST(eval, at_compile_time_known_types_only) {
  constexpr auto f = x | y;
  const auto value =
      kf::eval<std::remove_const_t<decltype(f)>>(kf::vec<double, 3>{1, 2, 3}, kf::vec<double, 3>{4, 5, 6});
  EXPECT_EQ(value[0], 32);
}
