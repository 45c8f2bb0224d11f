#include <kernfold/core/columns.hpp>
#include <kernfold/core/footprint.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace kf = kernfold;

namespace {

struct particle {
  std::int64_t id;
  float position[3];
  std::array<float, 3> velocity;
  double charge;
};

TEST(overlaps, compares_stretches_of_memory) {
  const std::vector<float> numbers(12);
  const float* p = numbers.data();
  EXPECT_TRUE(kf::overlaps(kf::view{p, 4, 3}, kf::view{p, 4, 3}));
  EXPECT_TRUE(kf::overlaps(kf::view{p, 2, 3}, kf::view{p + 5, 1, 1}));
  EXPECT_FALSE(kf::overlaps(kf::view{p, 2, 3}, kf::view{p + 6, 2, 3}));
  EXPECT_FALSE(kf::overlaps(kf::view{p + 6, 2, 3}, kf::view{p, 2, 3}));
}

TEST(overlaps, follows_strides_of_any_sign) {
  const std::vector<float> numbers(12);
  const float* p = numbers.data();
  const kf::view backwards{p + 5, 2, 3, -3, -1};  // p .. p + 5
  EXPECT_TRUE(kf::overlaps(backwards, kf::view{p, 1, 1}));
  EXPECT_TRUE(kf::overlaps(backwards, kf::view{p + 5, 1, 1}));
  EXPECT_FALSE(kf::overlaps(backwards, kf::view{p + 6, 1, 1}));
  const kf::view repeated{p + 3, 1000000, 1, 0, 1};
  EXPECT_TRUE(kf::overlaps(repeated, kf::view{p, 2, 2}));
  EXPECT_FALSE(kf::overlaps(repeated, kf::view{p + 4, 8, 1}));
}

TEST(overlaps, never_with_an_empty_view) {
  const std::vector<float> numbers(12);
  const kf::view all{numbers.data(), 4, 3};
  EXPECT_FALSE(kf::overlaps(all, kf::view{numbers.data() + 3, 0, 3}));
  EXPECT_FALSE(kf::overlaps(kf::view{numbers.data() + 3, 3, 0}, all));
  EXPECT_FALSE(kf::overlaps(kf::view<float>(), kf::view<float>()));
}

TEST(overlaps, compares_different_types_by_bytes) {
  std::array<double, 4> memory{};
  auto* floats = reinterpret_cast<float*>(memory.data());
  EXPECT_TRUE(kf::overlaps(kf::view{memory.data() + 1, 1, 1}, kf::view{floats + 3, 1, 1}));
  EXPECT_FALSE(kf::overlaps(kf::view{memory.data() + 1, 1, 1}, kf::view{floats + 4, 1, 1}));
}

TEST(overlaps, lets_members_of_the_same_structs_be) {
  std::vector<particle> cloud(5);
  const auto position = kf::field(cloud, &particle::position), velocity = kf::field(cloud, &particle::velocity);
  const auto charge = kf::field(cloud, &particle::charge);
  EXPECT_FALSE(kf::overlaps(position, velocity));
  EXPECT_FALSE(kf::overlaps(charge, velocity));
  EXPECT_TRUE(kf::overlaps(charge, charge));
  EXPECT_TRUE(kf::overlaps(position, kf::view{&cloud[2].position[2], 1, 1}));
}

// For views of one pitch the answer is exact wherever the pieces are dense: compare with counting bytes.
TEST(overlaps, is_exact_for_dense_pieces_of_one_pitch) {
  std::vector<float> memory(200);
  for (const int pitch : {4, -4, 5})
    for (int rows_a = 1; rows_a < 4; ++rows_a)
      for (int dim_a = 1; dim_a <= 4; ++dim_a)
        for (int dim_b = 1; dim_b <= 4; ++dim_b)
          for (int shift = -20; shift <= 20; ++shift) {
            const kf::view a{memory.data() + 100, rows_a, dim_a, pitch, 1};
            const kf::view b{memory.data() + 100 + shift, 3, dim_b, pitch, 1};
            std::vector<int> uses(200);
            for (int i = 0; i < a.rows(); ++i)
              for (int k = 0; k < dim_a; ++k) uses[&a(i, k) - memory.data()] = 1;
            bool common = false;
            for (int i = 0; i < b.rows(); ++i)
              for (int k = 0; k < dim_b; ++k) common |= uses[&b(i, k) - memory.data()] == 1;
            const bool exact = rows_a > 1 && dim_a > 1 && dim_b > 1;
            ASSERT_TRUE(kf::overlaps(a, b) == common || (!exact && !common))
                << pitch << ' ' << rows_a << ' ' << dim_a << ' ' << dim_b << ' ' << shift;
            ASSERT_EQ(kf::overlaps(a, b), kf::overlaps(b, a));
          }
}

}  // namespace
