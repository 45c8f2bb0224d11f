// The K least values and their columns, called as users call them.
#include <kernfold/reduction/kmin.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto s = kf::Vi<0, 1>;
constexpr auto t = kf::Vj<1, 1>;
const real inf = std::numeric_limits<real>::infinity();

arrays numbers_for(std::int64_t M, std::int64_t N) {
  sampler numbers(3);
  arrays data;
  data.M = M;
  data.N = N;
  data.at[0] = numbers.generic(3, M);
  data.at[1] = numbers.generic(3, N);
  return data;
}
template <class Real, class R> void check_shapes(R r) {
  for (const std::int64_t M : {0, 1, 17, 65}) check_reduction<Real>(r, numbers_for(M, 9));
  for (const std::int64_t N : {0, 1, 4, 5, 6, 9, 10, 11, 257, 700}) check_reduction<Real>(r, numbers_for(5, N));
  check_reduction<Real>(r, numbers_for(2, 20000));
}
template <class Real, class R> auto over_columns(R r, std::vector<real> columns) {
  arrays data;
  data.N = static_cast<std::int64_t>(columns.size());
  data.at[0] = {1, {1}};
  data.at[1] = {1, std::move(columns)};
  const auto result = call<Real>(r, data);
  std::vector<real> row;
  for (std::int64_t k = 0; k < result.cols(); ++k) row.push_back(static_cast<real>(result(0, k)));
  return row;
}
using row = std::vector<real>;
constexpr auto three_least = kf::kmin_reduction<3>(s * t);
constexpr auto three_nearest = kf::argkmin_reduction<3>(s * t);

/// The values of a block of columns in the form that folds take them, the same for every lane but for its own shift.
template <class T> struct block_values {
  const float* of_column;
  template <int> auto root(int b) const {
    T v(of_column[b]);
    for (int l = 0; l < kf::math::lane_count<T>; ++l) kf::math::set(v, l, of_column[b] + 10.f * float(l));
    return [v](int) { return v; };
  }
};
using nearest_fold = kf::detail::kmin_fold<3, 1, kf::kind::index>;
template <class T> void fold_block(nearest_fold::state<T>& s, std::int64_t first, const std::vector<float>& columns) {
  nearest_fold::accumulator<T> a;
  nearest_fold::open(a, s, first);
  for (int c = 0; c < int(columns.size()); c += 4) nearest_fold::absorb<4>(a, block_values<T>{columns.data() + c}, c);
  nearest_fold::close(s, a, first);
}
template <class T> void check_far_columns() {
  constexpr std::int64_t far = (std::int64_t(1) << 32) + 5, farther = std::int64_t(1) << 40;
  nearest_fold::state<T> s, later;
  nearest_fold::identity(s);
  nearest_fold::identity(later);
  fold_block<T>(s, 0, {4, 9, 7, 8});
  fold_block<T>(s, far, {9, 9, 3, 9, 9, 9, 9, 2});  // 3 at far + 2, 2 at far + 7
  fold_block<T>(later, farther, {9, 9, 9, 1});
  for (int l = 0; l < kf::math::lane_count<T>; ++l) {
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 0), l), far + 7);
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 1), l), far + 2);
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 2), l), 0);
  }
  nearest_fold::merge(s, later);
  for (int l = 0; l < kf::math::lane_count<T>; ++l) {
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 0), l), farther + 3);
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 1), l), far + 7);
    EXPECT_EQ(kf::math::get(nearest_fold::finish(s, 2), l), far + 2);
  }
}

}  // namespace

TEST(kmin, over_j) {
  check_shapes<float>(kf::argkmin_reduction<10>(sqdist(x, y)));
  check_shapes<double>(kf::argkmin_reduction<10>(sqdist(x, y)));
  check_shapes<float>(kf::kmin_reduction<5>(sqdist(x, y)));
}
TEST(kmin, over_i_and_both) {
  check_shapes<double>(kf::kmin_reduction<5, kf::axis::i>(sqdist(x, y)));
  check_shapes<float>(kf::argkmin_reduction<5, kf::axis::both>(sqdist(x, y)));
}
TEST(kmin, component_by_component) {
  check_shapes<float>(kf::argkmin_reduction<4>(x * y));
  check_shapes<double>(kf::kmin_reduction<1>(x * y));
}
TEST(kmin, of_the_greatest_k) { check_reduction<float>(kf::argkmin_reduction<256>(sqdist(x, y)), numbers_for(3, 600)); }

TEST(kmin, missing_neighbours) {
  EXPECT_EQ(over_columns<float>(three_least, {2, 1}), (row{1, 2, inf}));
  EXPECT_EQ(over_columns<float>(three_nearest, {2, 1}), (row{1, 0, -1}));
  EXPECT_EQ(over_columns<float>(three_nearest, {}), (row{-1, -1, -1}));
  EXPECT_EQ(over_columns<float>(three_least, {NAN, 4, inf, NAN, 3}), (row{3, 4, inf}));
  EXPECT_EQ(over_columns<float>(three_nearest, {NAN, 4, inf, NAN, 3}), (row{4, 1, -1}));
  EXPECT_EQ(over_columns<double>(three_nearest, {0, -inf, 5}), (row{1, 0, 2}));
}
TEST(kmin, ties_come_in_the_order_of_columns) {
  EXPECT_EQ(over_columns<float>(three_nearest, {1, 1, 1, 1, 1}), (row{0, 1, 2}));
  EXPECT_EQ(over_columns<double>(three_nearest, {2, 1, 2, 1, 2, 1, 0}), (row{6, 1, 3}));
  EXPECT_EQ(over_columns<float>(three_nearest, std::vector<real>(20000, 1)), (row{0, 1, 2}));  // split columns
  std::vector<real> columns(1200, 5);
  columns[1199] = columns[700] = columns[3] = columns[5] = 1;
  EXPECT_EQ(over_columns<float>(three_nearest, columns), (row{3, 5, 700}));
}
TEST(kmin, ties_over_both_axes) {
  arrays data;
  data.M = 100;
  data.N = 7;
  data.at[0] = {1, std::vector<real>(100, 1)};
  data.at[1] = {1, std::vector<real>(7, 1)};
  const auto nearest = call<float>(kf::argkmin_reduction<3, kf::axis::both>(s * t), data);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(nearest(0, k), k);
}
// Descending columns pass the threshold every time.
TEST(kmin, of_columns_in_the_worst_order) {
  std::vector<real> columns(3000);
  for (std::size_t n = 0; n < columns.size(); ++n) columns[n] = 3000 - static_cast<real>(n);
  EXPECT_EQ(over_columns<float>(three_nearest, columns), (row{2999, 2998, 2997}));
  EXPECT_EQ(over_columns<float>(three_least, columns), (row{1, 2, 3}));
}
// Candidates are counted within their tile, and in 32 bits beside float.
TEST(kmin, of_columns_beyond_32_bits) {
  check_far_columns<float>();
  check_far_columns<double>();
  check_far_columns<kf::pack<float, kf::isa::portable>>();
  check_far_columns<kf::pack<double, kf::isa::portable>>();
}
// Every lane fills its queue at its own time.
TEST(kmin, of_rows_whose_candidates_come_at_different_times) {
  arrays data;
  data.M = 40;
  data.N = 900;
  for (int i = 0; i < 40; ++i) data.at[0].numbers.push_back(i * 22.5);
  for (int j = 0; j < 900; ++j) data.at[1].numbers.push_back(j);
  check_reduction<float>(kf::argkmin_reduction<7>(sqdist(s, t)), data);
  check_reduction<double>(kf::argkmin_reduction<7>(sqdist(s, t)), data);
}
