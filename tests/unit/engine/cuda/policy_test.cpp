// The numbers of a launch: what they promise to the kernel, for programs of any size and devices of any kind.
#include <kernfold/engine/cuda/policy.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace kf = kernfold;

namespace {

constexpr kf::program_bytes small_program{12, 8, 8, 16, 16, 0, 4, 0};  // a Gaussian convolution, D = 3
constexpr kf::program_bytes program_64{256, 8, 8, 260, 272, 0, 4, 0};  // D = 64
constexpr kf::program_bytes long_program{12000, 8, 8, 12000, 12016, 0, 400, 4000};

static_assert(kf::select_block_policy(small_program).lanes == 4);
static_assert(kf::select_block_policy(small_program).tile_columns == 512);
static_assert(kf::select_block_policy(small_program).resident == 8);
static_assert(kf::select_block_policy(small_program).registers == 64);
static_assert(kf::select_block_policy(program_64).lanes == 2);
static_assert(kf::select_block_policy(long_program).lanes == 1);
static_assert(kf::select_block_policy(long_program).shares_parameters);

const kf::device_limits h200{132, 65536, 2048, 32, 233472, 232448};

}  // namespace

TEST(block_policy, fits_every_block_without_asking) {
  for (int reals = 0; reals <= 3000; ++reals) {
    kf::program_bytes p{
        4 * reals, 8, 8, 4 * reals, 4 * (reals | 3) + 4, 8, 4 * (reals % 40), reals % 3 ? 0 : 4 * reals};
    const kf::block_policy policy = kf::select_block_policy(p);
    ASSERT_EQ(policy.tile_columns % 4, 0) << reals;
    ASSERT_GE(policy.tile_columns, 4) << reals;
    ASSERT_LE(policy.tile_columns, 512) << reals;
    ASSERT_GE(policy.shared_bytes, policy.tile_columns * (p.column_stride + p.column_index)) << reals;
    ASSERT_GE(policy.shared_bytes, policy.fold_width * p.block_state) << reals;
    if (reals < 2500) {
      ASSERT_LE(policy.shared_bytes, 49152) << reals;
    }
    ASSERT_GE(kf::resident_blocks(policy, h200, policy.threads), 1) << reals;
    ASSERT_GE(policy.resident, 1) << reals;
    ASSERT_LE(policy.resident * policy.threads, 1024) << reals << ": what every device holds";
    ASSERT_LE(policy.resident * policy.threads * policy.registers, 65536) << reals;
    ASSERT_LE(policy.registers, 255) << reals;
    ASSERT_GE(policy.registers, 64) << reals;
  }
}

TEST(block_policy, stretches_cover_the_columns_once) {
  const kf::block_policy policy = kf::select_block_policy(small_program);
  for (const std::int64_t rows : {0, 1, 511, 513, 10'000, 1'000'000})
    for (const std::int64_t columns : {0, 1, 255, 256, 10'000, 1'000'003}) {
      const kf::block_grid grid = kf::split_blocks(policy, h200, rows, columns);
      ASSERT_GE(grid.groups * grid.threads * policy.lanes, rows);
      ASSERT_TRUE(grid.threads == 32 || grid.threads == policy.threads);
      ASSERT_GE(grid.stretches, 1);
      ASSERT_LE(grid.stretches, 65535);
      ASSERT_GE(grid.stretches * grid.columns_each, columns);
      if (columns > 0) {
        ASSERT_LT((grid.stretches - 1) * grid.columns_each, columns) << "an empty stretch";
      }
    }
}

TEST(block_policy, keeps_a_device_busy) {
  const kf::block_policy policy = kf::select_block_policy(small_program);
  EXPECT_EQ(kf::split_blocks(policy, {}, 1'000'000, 1000).stretches, 1);  // a small device: rows enough
  for (const auto& [rows, columns] :
       {std::pair(1, 10'000'000), std::pair(100, 10'000'000), std::pair(1000, 1'000'000), std::pair(10'000, 10'000)}) {
    const kf::block_grid grid = kf::split_blocks(policy, h200, rows, columns);
    EXPECT_GE(grid.groups * grid.stretches * grid.threads, 3 * 128 * h200.multiprocessors) << rows;
  }
  // A thousand squared is less than a device could do at a time: a merge in one launch is worth more.
  const kf::block_grid small = kf::split_blocks(policy, h200, 1000, 1000);
  EXPECT_GE(small.stretches, 8);
  EXPECT_LE(small.stretches, kf::merged_at_once);
}

TEST(block_policy, few_rows_leave_few_lanes_without_one) {
  const kf::block_policy policy = kf::select_block_policy(small_program);
  const kf::block_grid grid = kf::split_blocks(policy, h200, 100, 10'000'000);
  EXPECT_LE(grid.groups * grid.threads * policy.lanes, 128);
}

TEST(block_policy, lists_are_begun_anew_where_that_is_worth_it) {
  kf::program_bytes lists = small_program;
  lists.stored_state = 120;
  lists.restart_columns = 10'000;
  const kf::block_policy policy = kf::select_block_policy(lists);
  const auto stretches = [&](std::int64_t rows, std::int64_t columns) {
    return kf::split_blocks(policy, h200, rows, columns).stretches;
  };
  EXPECT_LT(stretches(1'000'000, 1'000'000), 3);
  EXPECT_LT(stretches(50'000, 50'000),
            kf::split_blocks(kf::select_block_policy(small_program), h200, 50'000, 50'000).stretches);
  EXPECT_GT(stretches(1000, 1'000'000), 16);
}

TEST(block_policy, states_of_stretches_are_bounded) {
  kf::program_bytes wide = small_program;
  wide.stored_state = 16'000;
  const kf::block_policy policy = kf::select_block_policy(wide);
  for (const std::int64_t rows : {1, 1000, 10'000, 100'000}) {
    const kf::block_grid grid = kf::split_blocks(policy, h200, rows, 1'000'000);
    const std::int64_t bytes = grid.groups * grid.stretches * grid.threads * policy.state_bytes;
    EXPECT_TRUE(bytes <= std::int64_t(64) << 20 || grid.groups * (grid.stretches - 1) <= h200.multiprocessors) << rows;
  }
}
