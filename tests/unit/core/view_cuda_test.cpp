// Arrays of CUDA's own libraries on the host: mdspan and span of cuda::std, host vectors of Thrust. Where they are
// installed.
#if __has_include(<cuda/std/mdspan>) && __has_include(<thrust/host_vector.h>)
#include <thrust/host_vector.h>
#include <cuda/std/array>
#include <cuda/std/mdspan>
#include <cuda/std/span>
#else
#define KERNFOLD_TEST_HAS_NO_CCCL
#endif
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace kf = kernfold;

#if defined(KERNFOLD_TEST_HAS_NO_CCCL)
TEST(view_cuda, arrays_of_cuda) { GTEST_SKIP() << "the libraries of a CUDA toolkit are not installed"; }
#else
namespace {
constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto r = kf::sum_reduction(sqdist(x, y));

namespace std_of_cuda = cuda::std;
using rows_of_3 = std_of_cuda::extents<int, std_of_cuda::dynamic_extent, 3>;
const std::vector<float> origin{0, 0, 0};
/// Of points 0 to 3, by a view that shows them in order.
template <class A> void expect_points(const A& points) {
  const auto squares = r(points, origin);
  ASSERT_EQ(squares.rows(), 4);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(squares[i], float(9 * i * i + (3 * i + 1) * (3 * i + 1) + (3 * i + 2) * (3 * i + 2)));
}
}  // namespace

TEST(view_cuda, mdspans_of_every_layout) {
  std::vector<float> by_rows(12), by_columns(12), apart(40);
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < 3; ++k) {
      const float value = float(3 * i + k);
      by_rows[std::size_t(3 * i + k)] = by_columns[std::size_t(i + 4 * k)] = apart[std::size_t(10 * i + 2 * k)] = value;
    }
  expect_points(std_of_cuda::mdspan<float, rows_of_3>(by_rows.data(), 4));
  expect_points(std_of_cuda::mdspan<const float, rows_of_3>(by_rows.data(), 4));
  expect_points(std_of_cuda::mdspan<float, rows_of_3, std_of_cuda::layout_left>(by_columns.data(), rows_of_3(4)));
  using strided = std_of_cuda::layout_stride::mapping<rows_of_3>;
  expect_points(std_of_cuda::mdspan<float, rows_of_3, std_of_cuda::layout_stride>(
      apart.data(), strided(rows_of_3(4), std_of_cuda::array<int, 2>{10, 2})));
  EXPECT_EQ(kf::columns(std_of_cuda::mdspan<float, rows_of_3>(by_rows.data(), 4))(2, 3), 11.0f);

  // One extent: a run of numbers; three: a batch.
  const std_of_cuda::mdspan<float, std_of_cuda::dextents<int, 1>> run(by_rows.data(), 12);
  expect_points(run);
  const std_of_cuda::mdspan<float, std_of_cuda::dextents<int, 3>> batch(by_rows.data(), 2, 2, 3);
  const auto squares = r(batch, origin);
  ASSERT_EQ(squares.batch(), 2);
  EXPECT_EQ(squares(1, 1, 0), 302.0f);

  std::vector<float> result(4);
  r.into(std_of_cuda::mdspan<float, std_of_cuda::dextents<int, 2>>(result.data(), 4, 1), run, origin);
  EXPECT_EQ(result[3], 302.0f);
}
TEST(view_cuda, spans_and_vectors_of_thrust) {
  thrust::host_vector<float> on_host(12);
  for (int n = 0; n < 12; ++n) on_host[std::size_t(n)] = float(n);
  expect_points(on_host);
  expect_points(std_of_cuda::span<const float>(thrust::raw_pointer_cast(on_host.data()), 12));
  std::vector<std_of_cuda::array<float, 3>> points(4);
  for (int n = 0; n < 12; ++n) points[std::size_t(n / 3)][std::size_t(n % 3)] = float(n);
  expect_points(points);
}
#endif
