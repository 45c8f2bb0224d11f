// The numbers of the loop nest.
#include <kernfold/engine/policy.hpp>

#include <gtest/gtest.h>

namespace kf = kernfold;

TEST(policy, tiles_stay_in_the_first_cache) {
  EXPECT_EQ(kf::select_policy(0).tile_columns, 512);
  EXPECT_EQ(kf::select_policy(16).tile_columns, 512);
  EXPECT_EQ(kf::select_policy(20).tile_columns, 400);
  EXPECT_EQ(kf::select_policy(256).tile_columns, 32);
  EXPECT_EQ(kf::select_policy(1'000'000).tile_columns, 32);
  for (int bytes = 1; bytes < 5000; ++bytes) {
    const kf::tile_policy p = kf::select_policy(bytes);
    EXPECT_EQ(p.tile_columns % 16, 0) << bytes;
    EXPECT_TRUE(p.tile_columns * bytes <= 8192 || p.tile_columns == 32) << bytes;
    EXPECT_EQ(p.group_rows % kf::row_block, 0);
  }
}

// A split covers all columns once, in whole tiles but for the last, none of them empty; and there is none where rows
// are many or columns few.
TEST(policy, columns_are_split_where_rows_are_few) {
  const auto stretches = [](std::int64_t rows, std::int64_t columns) {
    return kf::split_columns(rows, columns, 512).stretches;
  };
  EXPECT_EQ(stretches(4096, 1'000'000), 1);
  EXPECT_EQ(stretches(2048, 1'000'000), 2);
  EXPECT_EQ(stretches(2049, 1'000'000), 1);
  EXPECT_EQ(stretches(1, 1'000'000), 64);
  EXPECT_EQ(stretches(64, 1'000'000), 64);
  EXPECT_EQ(stretches(65, 1'000'000), 32);
  EXPECT_EQ(stretches(1, 16'383), 1);
  EXPECT_EQ(stretches(1, 16'384), 2);
  EXPECT_EQ(stretches(0, 1'000'000), 1);
  EXPECT_EQ(stretches(1, 0), 1);
  for (const std::int64_t rows : {0, 1, 63, 64, 65, 100, 1000, 4095, 5000})
    for (const std::int64_t columns : {0, 1, 8191, 8192, 16384, 16385, 100'000, 999'999, 1 << 24})
      for (const int tile : {32, 400, 512}) {
        const kf::column_split s = kf::split_columns(rows, columns, tile);
        EXPECT_EQ(s.columns_each % tile == 0 || s.columns_each == 1, true);
        EXPECT_GE(s.stretches, 1);
        EXPECT_GE(s.stretches * s.columns_each, columns) << "all of them";
        if (columns > 0) {
          EXPECT_LT((s.stretches - 1) * s.columns_each, columns) << "the last is not empty";
        }
      }
}
