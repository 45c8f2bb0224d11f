// Points whose components lie in arrays of their own.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>
#include <reference/space.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace kf = kernfold;
using reference::numbers;
using reference::sentence_of;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto gauss = kf::sum_reduction(exp(-sqdist(x, y)) * b);

TEST(Columns, ArraysOfAnyKindAreComponents) {
  const std::vector<float> xs{1, 2, 3, 4};
  const std::array<float, 4> ys{5, 6, 7, 8};
  const float memory[8] = {9, 0, 10, 0, 11, 0, 12, 0};
  const std::vector<float> ws{13, 14, 15, 16};
  const kf::matrix<float> P = kf::columns(xs, ys, kf::view{memory, 4, 1, 2, 1}, std::span(ws));
  ASSERT_EQ(P.rows(), 4);
  ASSERT_EQ(P.cols(), 4);
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t k = 0; k < 4; ++k) EXPECT_EQ(P(i, k), float(4 * k + i + 1));
}

TEST(Columns, AreArgumentsOfACall) {
  const auto X = numbers<double>(1, 40, 3), Y = numbers<double>(2, 50, 3), B = numbers<double>(3, 50, 1);
  std::vector<double> component[3];
  for (int k = 0; k < 3; ++k)
    for (std::int64_t i = 0; i < 40; ++i) component[k].push_back(X(i, k));
  const auto expected = gauss(X, Y, B);
  const auto by_position = gauss(kf::columns(component[0], component[1], component[2]), Y, B);
  const auto by_name = gauss(y = Y, x = kf::columns(component[0], component[1], component[2]), b = B);
  for (std::int64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(by_position(i, 0), expected(i, 0));
    EXPECT_EQ(by_name(i, 0), expected(i, 0));
  }
}

TEST(Columns, IntegersAndNoPoints) {
  const std::vector<std::int64_t> ones{1, 2}, twos{3, 4}, none;
  EXPECT_EQ(kf::columns(ones, twos)(1, 1), 4);
  EXPECT_EQ(kf::columns(none, none).rows(), 0);
  EXPECT_EQ(kf::columns(none, none).cols(), 2);
}

TEST(Columns, WhatDoesNotFitIsSaid) {
  const std::vector<float> four(4), five(5);
  const kf::matrix<float> pairs(2, 2);
  EXPECT_EQ(sentence_of([&] { (void)kf::columns(four, four, five); }),
            "kf::columns: array 2: 5 numbers were given, array 0 has 4");
  EXPECT_EQ(sentence_of([&] { (void)kf::columns(pairs, four); }),
            "kf::columns: array 0: rows of dimension 2 were given, 1 is needed");
  EXPECT_EQ(sentence_of([&] {
              (void)kf::columns(four, kf::view{four.data(), {2}, 2, 1});
            }),
            "kf::columns: array 1: a batch was given, where one number for each point is needed");
}

}  // namespace
