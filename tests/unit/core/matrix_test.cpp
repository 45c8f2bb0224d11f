#include <kernfold/core/matrix.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace kf = kernfold;
using reference::sentence_of;

template <class T> struct matrix : testing::Test {};
using element_types = testing::Types<float, double, std::int64_t, std::int32_t>;
TYPED_TEST_SUITE(matrix, element_types);

template <class T> kf::matrix<T> counted(std::int64_t rows, std::int64_t cols) {
  kf::matrix<T> m(rows, cols);
  for (std::int64_t n = 0; n < m.size(); ++n) m[n] = static_cast<T>(n + 1);
  return m;
}

TYPED_TEST(matrix, is_empty_by_default) {
  const kf::matrix<TypeParam> m;
  EXPECT_EQ(m.rows(), 0);
  EXPECT_EQ(m.cols(), 0);
  EXPECT_EQ(m.size(), 0);
  EXPECT_EQ(m.batch(), 1);
  EXPECT_EQ(m.begin(), m.end());
}

TYPED_TEST(matrix, keeps_the_shape_of_no_rows) {
  const kf::matrix<TypeParam> m(0, 3);
  EXPECT_EQ(m.rows(), 0);
  EXPECT_EQ(m.cols(), 3);
  EXPECT_EQ(m.data(), nullptr);
  EXPECT_EQ(kf::matrix<TypeParam>(m).cols(), 3);
}

TYPED_TEST(matrix, is_row_major) {
  const auto m = counted<TypeParam>(2, 3);
  EXPECT_EQ(m(0, 2), TypeParam(3));
  EXPECT_EQ(m(1, 0), TypeParam(4));
  EXPECT_EQ(&m(1, 2), m.data() + 5);
  EXPECT_EQ(m.end() - m.begin(), 6);
  EXPECT_EQ(m.row_stride(), 3);
  EXPECT_EQ(m.col_stride(), 1);
  TypeParam sum = 0;
  for (TypeParam value : m) sum += value;
  EXPECT_EQ(sum, TypeParam(21));
}

TYPED_TEST(matrix, is_aligned_to_64_bytes) {
  for (int n = 1; n < 40; ++n) {
    const kf::matrix<TypeParam> m(n, 1), other(3, n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(m.data()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(other.data()) % 64, 0u);
  }
}

TYPED_TEST(matrix, zeros_are_zero) {
  { auto dirty = counted<TypeParam>(50, 7); }  // whose memory is likely to come back
  const auto m = kf::matrix<TypeParam>::zeros(50, 7);
  for (TypeParam value : m) ASSERT_EQ(value, TypeParam(0));
  EXPECT_EQ(kf::matrix<TypeParam>::zeros(0, 7).cols(), 7);
}

TYPED_TEST(matrix, copies_are_independent) {
  const auto a = counted<TypeParam>(4, 5);
  auto b = a;
  EXPECT_EQ(a, b);
  EXPECT_NE(a.data(), b.data());
  b(3, 4) = 0;
  EXPECT_FALSE(a == b);
  EXPECT_EQ(a(3, 4), TypeParam(20));
  b = a;
  EXPECT_EQ(a, b);
  const auto& same = b;
  b = same;
  EXPECT_EQ(a, b);
}

TYPED_TEST(matrix, moves_leave_nothing_behind) {
  static_assert(std::is_nothrow_move_constructible_v<kf::matrix<TypeParam>>);
  static_assert(std::is_nothrow_move_assignable_v<kf::matrix<TypeParam>>);
  auto a = counted<TypeParam>(4, 5);
  const auto* const memory = a.data();
  auto b = std::move(a);
  EXPECT_EQ(b.data(), memory);
  EXPECT_EQ(a.size(), 0);
  EXPECT_EQ(a.data(), nullptr);
  a = std::move(b);
  EXPECT_EQ(a.data(), memory);
  EXPECT_EQ(b.rows(), 0);
  EXPECT_EQ(a, counted<TypeParam>(4, 5));
}

TYPED_TEST(matrix, equality_compares_shapes_too) {
  EXPECT_FALSE(counted<TypeParam>(2, 3) == counted<TypeParam>(3, 2));
  EXPECT_FALSE(counted<TypeParam>(0, 3) == counted<TypeParam>(0, 2));
  EXPECT_EQ(counted<TypeParam>(0, 3), counted<TypeParam>(0, 3));
}

TYPED_TEST(matrix, takes_sizes_of_any_integer_type) {
  const std::size_t rows = 3;
  const kf::matrix<TypeParam> m{rows, 2u};
  EXPECT_EQ(m.size(), 6);
}

TEST(matrix_shape, larger_than_memory_is_refused) {
  EXPECT_EQ(sentence_of([] { kf::matrix<float> m(std::int64_t{1} << 40, std::int64_t{1} << 40); }),
            "a matrix of 1099511627776 x 1099511627776 elements of 4 bytes is larger than any memory");
  // rows * cols fits 64 bits, the bytes do not
  EXPECT_EQ(sentence_of([] { kf::matrix<double> m(std::int64_t{1} << 31, std::int64_t{1} << 30); }),
            "a matrix of 2147483648 x 1073741824 elements of 8 bytes is larger than any memory");
}

TEST(matrix_shape, negative_is_refused) {
  EXPECT_EQ(sentence_of([] { kf::matrix<float> m(-1, 3); }), "a matrix of -1 x 3 elements cannot be: negative shape");
  EXPECT_EQ(sentence_of([] { kf::matrix<float>::zeros(2, -3); }),
            "a matrix of 2 x -3 elements cannot be: negative shape");
}

TEST(matrix_equality, is_that_of_the_numbers) {
  kf::matrix<float> a(1, 1), b(1, 1);
  a[0] = 0.0f, b[0] = -0.0f;
  EXPECT_EQ(a, b);
  a[0] = b[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(a == b);
}
