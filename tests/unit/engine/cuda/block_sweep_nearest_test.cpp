// The scheme of a CUDA block beside the CPU engine: nearest neighbours, which a device bounds before it computes their
// distances.
#include "block_sweep_cases.hpp"

using namespace emulated;

namespace {

/// Points around a few centres, which are far apart beside the clusters' size.
template <class Real>
std::vector<Real> clusters(std::int64_t count, unsigned seed, int centres, Real apart, Real size, Real offset) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<Real> uniform(-1, 1);
  std::vector<Real> v;
  for (std::int64_t n = 0; n < count; ++n) {
    const Real centre = offset + apart * Real(int(engine() % unsigned(centres)));
    for (int k = 0; k < 3; ++k) v.push_back(centre + size * uniform(engine));
  }
  return v;
}

template <class Real, class R> void check_clusters(device d, R r, int centres, Real apart, Real size, Real offset) {
  SCOPED_TRACE(std::to_string(centres) + " centres " + std::to_string(apart) + " apart, of size " +
               std::to_string(size) + ", at " + std::to_string(offset));
  check_same(d, r, clusters<Real>(150, 1, centres, apart, size, offset),
             clusters<Real>(700, 2, centres, apart, size, offset));
}

constexpr auto ten_nearest = kf::argkmin_reduction<10>(distance);
const device small_device{32, 2};

}  // namespace

TEST(block_sweep_nearest, points_of_any_spread) {
  for (const float size : {1.f, 1e-3f, 1e-6f, 0.f})
    for (const float offset : {0.f, 1000.f})
      for (const int centres : {1, 2, 5}) check_clusters(small_device, ten_nearest, centres, 1.f, size, offset);
}
TEST(block_sweep_nearest, points_of_any_size) {
  for (const float size :
       {1e-44f, 1e-24f, 1e-20f, 3e-20f, 1e-19f, 3e-19f, 1e-15f, 1e15f, 1e17f, 1e18f, 9e18f, 1e19f, 1e25f, 1e38f})
    check_clusters(small_device, ten_nearest, 3, size, size / 10, 0.f);
}
// The squares of some overflow, or are at the limit up to which the bound trusts them; the origin is among those near
// zero.
TEST(block_sweep_nearest, points_far_from_the_others) {
  for (const float far : {0x1p60f, 0x1p63f, 9e18f, 1.5e19f}) {
    auto rows = clusters<float>(100, 1, 1, 0, 1, 0), columns = clusters<float>(300, 2, 1, 0, 1, 0);
    const auto move = [far](std::vector<float>& points) {
      for (std::size_t n = 0; n < points.size() / 3; n += 1 + n % 3)
        if (n % 5 != 0) points[3 * n] = far * (1 + points[3 * n] / 64);
    };
    move(rows);
    move(columns);
    SCOPED_TRACE(std::to_string(far));
    check_same(small_device, ten_nearest, rows, columns);
  }
  const auto rows = clusters<float>(40, 1, 1, 0, 9e18f, 0), columns = clusters<float>(200, 2, 1, 0, 9e18f, 0);
  check_same(small_device, kf::argkmin_reduction<256>(distance), rows, columns);  // every distance that is finite
}
TEST(block_sweep_nearest, in_double_precision_and_along_the_other_axes) {
  for (const double size : {1., 1e-6, 1e-12}) check_clusters(small_device, ten_nearest, 3, 1., size, 100.);
  for (const double size : {1e-300, 1e-160, 1e154, 1e200})
    check_clusters(small_device, ten_nearest, 3, size, size / 10, 0.);
  for (const float size : {1.f, 1e-3f, 1e-6f}) {
    check_clusters(small_device, kf::kmin_reduction<4, kf::axis::i>(distance), 2, 1.f, size, 0.f);
    check_clusters(small_device, kf::argkmin_reduction<7, kf::axis::both>(distance), 2, 1.f, size, 0.f);
    check_clusters(small_device, kf::argkmin_reduction<1>(distance), 2, 1.f, size, 0.f);
    check_clusters(small_device, kf::argmin_reduction(distance), 2, 1.f, size, 0.f);
    check_clusters(small_device, kf::min_reduction<kf::axis::i>(distance), 2, 1.f, size, 0.f);
    check_clusters(small_device, kf::fold_all(kf::min_reduction(distance), kf::argmin_reduction(distance)), 2, 1.f,
                   size, 0.f);
  }
}
TEST(block_sweep_nearest, of_what_is_no_number) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  auto rows = clusters<float>(100, 1, 1, 0, 1, 0), columns = clusters<float>(90, 2, 1, 0, 1, 0);
  const float odd[] = {inf, -inf, nan, 3e38f, -3e38f};
  for (int n = 0; n < 5; ++n) {
    rows[std::size_t(3 * 20 * n)] = odd[n];
    for (int at = 0; at < 9; ++at) columns[std::size_t(7 * (n + 5 * at))] = odd[n];
  }
  for (const device d : {small_device, device{33, 1}}) {
    check_same(d, ten_nearest, rows, columns);
    check_same(d, kf::kmin_reduction<80>(distance), rows, columns);
    check_same(d, kf::argmin_reduction(distance), rows, columns);
    check_same(d, kf::min_reduction(distance), rows, columns);
  }
}
TEST(block_sweep_nearest, beside_other_reductions_and_of_other_dimensions) {
  const cloud<float> c(140, 300, 16);
  constexpr auto of_16 = sqdist(kf::Vi<0, 16>, kf::Vj<1, 16>);
  check_same(small_device, kf::argkmin_reduction<5>(of_16), c.X, c.Y);
  check_same(small_device, kf::argkmin_reduction<5>(sqdist(kf::Vj<1, 1>, kf::Vi<0, 1>)), c.E, c.B);
  const auto rows = clusters<float>(40, 1, 2, 1, 1e-3f, 0), columns = clusters<float>(200, 2, 2, 1, 1e-3f, 0);
  check_same(small_device, kf::argkmin_reduction<5>(sqdist(kf::constant<2> * x, y)), rows, columns);
  check_same(small_device, fold_all(kf::argkmin_reduction<3>(distance), kf::kmin_reduction<3>(distance)), rows,
             columns);
  check(small_device, fold_all(kf::argkmin_reduction<3>(distance), kf::logsumexp_reduction(-distance)), rows, columns);
}
