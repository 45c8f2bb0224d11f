// States of blocks merge in one tree, whichever of them is there first.
#include <kernfold/engine/cpu/block_tree.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using kernfold::detail::block_tree;

/// A state that says how it was merged: "((01)(23))4".
struct text_state {
  char text[400];
};
void merge_texts(void* to, const void* later) {
  const std::string merged =
      "(" + std::string(static_cast<text_state*>(to)->text) + " " + static_cast<const text_state*>(later)->text + ")";
  std::strcpy(static_cast<text_state*>(to)->text, merged.c_str());
}
std::string merged_in_order(const std::vector<int>& order) {
  block_tree tree(std::int64_t(order.size()), sizeof(text_state), &merge_texts);
  for (const int block : order) {
    EXPECT_EQ(tree.result(), nullptr);
    text_state state;
    std::strcpy(state.text, std::to_string(block).c_str());
    tree.add(block, &state);
  }
  return tree.result() == nullptr ? "" : static_cast<text_state*>(tree.result())->text;
}
std::vector<int> first_numbers(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(block_tree, depends_on_the_number_of_blocks_only) {
  EXPECT_EQ(merged_in_order({}), "");
  EXPECT_EQ(merged_in_order({0}), "0");
  EXPECT_EQ(merged_in_order({1, 0}), "(0 1)");
  EXPECT_EQ(merged_in_order({2, 1, 0}), "((0 1) 2)");
  EXPECT_EQ(merged_in_order({4, 2, 3, 1, 0}), "(((0 1) (2 3)) 4)");
  EXPECT_EQ(merged_in_order({5, 4, 3, 2, 1, 0}), "(((0 1) (2 3)) (4 5))");
  std::mt19937 generator(1);
  for (int count = 1; count < 40; ++count) {
    std::vector<int> order = first_numbers(count);
    const std::string expected = merged_in_order(order);
    for (int n = 0; n < 20; ++n) {
      std::shuffle(order.begin(), order.end(), generator);
      EXPECT_EQ(merged_in_order(order), expected) << count;
    }
  }
}

TEST(block_tree, many_threads_at_once) {
  constexpr int blocks = 10'000, threads = 8;
  struct count_state {
    std::int64_t first, end;
    bool is_right;
  };
  block_tree tree(blocks, sizeof(count_state), [](void* to, const void* later) {
    auto& a = *static_cast<count_state*>(to);
    const auto& b = *static_cast<const count_state*>(later);
    a.is_right = a.is_right && b.is_right && a.end == b.first;
    a.end = b.end;
  });
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      for (std::int64_t block = t; block < blocks; block += threads) {
        count_state state{block, block + 1, true};
        tree.add(block, &state);
      }
    });
  for (auto& t : all) t.join();
  ASSERT_NE(tree.result(), nullptr);
  const auto& result = *static_cast<const count_state*>(tree.result());
  EXPECT_TRUE(result.is_right);
  EXPECT_EQ(result.first, 0);
  EXPECT_EQ(result.end, blocks);
}

}  // namespace
