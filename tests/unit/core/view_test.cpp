#include <kernfold/core/columns.hpp>
#include <kernfold/core/matrix.hpp>
#include <kernfold/core/view.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace kf = kernfold;

// What users bring, reduced to the members that are asked for.
namespace users {

template <class T, int Rows, int Cols> struct eigen_like {  // a matrix or map with strides, column-major by default
  using Scalar = T;
  static constexpr bool IsVectorAtCompileTime = Rows == 1 || Cols == 1;
  T* p;
  long r, c, rs, cs;
  T* data() { return p; }
  const T* data() const { return p; }
  long rows() const { return r; }
  long cols() const { return c; }
  long rowStride() const { return rs; }
  long colStride() const { return cs; }
};

struct eigen_vector3 {  // a fixed vector that holds its numbers, as Eigen::Vector3f
  using Scalar = float;
  using PlainObject = eigen_vector3;
  static constexpr bool IsVectorAtCompileTime = true;
  static constexpr int SizeAtCompileTime = 3;
  float numbers[3];
  float* data() { return numbers; }
  const float* data() const { return numbers; }
  long rows() const { return 3; }
  long cols() const { return 1; }
  long rowStride() const { return 1; }
  long colStride() const { return 3; }
};

template <class T, std::size_t Rank> struct mdspan_like {
  T* p;
  std::array<int, Rank> extents, strides;
  static constexpr std::size_t rank() { return Rank; }
  T* const& data_handle() const { return p; }  // a reference, as the standard's
  int extent(std::size_t r) const { return extents[r]; }
  int stride(std::size_t r) const { return strides[r]; }
};

struct point2 {
  double x, y;
};
struct point3 {
  float x, y, z;
};
struct point4 {
  float x, y, z, w;
};
struct alignas(16) padded {
  float x, y, z;
};
struct with_mass {
  float x, y, z, mass;
};
struct reversed {
  float z, y, x;
};
struct mixed {
  float x;
  double y;
};
struct methods {
  float x() const, y() const;
};
struct rgb {
  float r, g, b;
};
struct holed {  // three numbers of four
  float a, b, c, unused;
};

struct particle {
  std::int64_t id;
  float position[3];
  std::array<float, 3> velocity;
  double charge;
  float mass;
  float frame[2][2];
};
struct charged : particle {
  double more;
};

}  // namespace users

namespace {

using namespace users;

std::vector<float> counted(int n) {
  std::vector<float> v(n);
  std::iota(v.begin(), v.end(), 0.0f);
  return v;
}

template <class A> std::string complaint(const A& a, std::int64_t dim) {
  try {
    kf::as_view(a, dim);
  } catch (const kf::shape_error& e) {
    return e.what();
  }
  return "fits";
}

}  // namespace

template <> struct kf::point_traits<rgb> {
  using element = float;
  static constexpr std::int64_t dim = 3;
};
template <> struct kf::point_traits<holed> {
  using element = float;
  static constexpr std::int64_t dim = 3;
};

// ---- view ----------------------------------------------------------------------------------------------------------

TEST(view, deduces_its_type_and_reads_rows) {
  auto numbers = counted(12);
  const std::size_t rows = 4;
  const kf::view v{numbers.data(), rows, 3};
  static_assert(std::is_same_v<decltype(v), const kf::view<float>>);
  static_assert(std::is_same_v<decltype(kf::view{static_cast<const double*>(nullptr), 1, 1}), kf::view<const double>>);
  EXPECT_EQ(v.rows(), 4);
  EXPECT_EQ(v.dim(), 3);
  EXPECT_EQ(v.row_stride(), 3);
  EXPECT_EQ(v.col_stride(), 1);
  EXPECT_EQ(v(2, 1), 7.0f);
  EXPECT_TRUE(v.is_contiguous());
  v(2, 1) = -1;
  EXPECT_EQ(numbers[7], -1.0f);
}

TEST(view, takes_any_strides) {
  const auto numbers = counted(12);
  const kf::view padded{numbers.data(), 3, 2, 4, 1};
  EXPECT_EQ(padded(2, 1), 9.0f);
  EXPECT_FALSE(padded.is_contiguous());
  const kf::view transposed{numbers.data(), 4, 3, 1, 4};
  EXPECT_EQ(transposed(3, 2), 11.0f);
  EXPECT_FALSE(transposed.is_contiguous());
  const kf::view backwards{numbers.data() + 11, 4, 3, -3, -1};
  EXPECT_EQ(backwards(0, 0), 11.0f);
  EXPECT_EQ(backwards(3, 2), 0.0f);
  EXPECT_FALSE(backwards.is_contiguous());
  const kf::view repeated{numbers.data() + 5, 1000, 2, 0, 1};
  EXPECT_EQ(repeated(999, 1), 6.0f);
  EXPECT_FALSE(repeated.is_contiguous());
}

TEST(view, strides_of_single_rows_and_components_do_not_matter) {
  const auto numbers = counted(4);
  EXPECT_TRUE((kf::view{numbers.data(), 1, 4, 77, 1}.is_contiguous()));
  EXPECT_TRUE((kf::view{numbers.data(), 4, 1, 1, 77}.is_contiguous()));
  EXPECT_TRUE((kf::view{numbers.data(), 0, 3, 9, 9}.is_contiguous()));
}

TEST(view, of_mutable_converts_to_view_of_const) {
  auto numbers = counted(6);
  const kf::view<const float> v = kf::view{numbers.data(), 2, 3, -1, 2};
  EXPECT_EQ(v.row_stride(), -1);
  EXPECT_EQ(v.col_stride(), 2);
  static_assert(!std::is_constructible_v<kf::view<float>, kf::view<const float>>);
  static_assert(!std::is_constructible_v<kf::view<const double>, kf::view<float>>);
}

TEST(view, works_in_constant_expressions) {
  static constexpr float numbers[] = {1, 2, 3, 4};
  constexpr kf::view v{numbers, 2, 2};
  static_assert(v(1, 0) == 3 && v.is_contiguous());
}

// ---- points --------------------------------------------------------------------------------------------------------

TEST(point, is_known_by_its_form) {
  static_assert(kf::point_traits<float>::dim == 1);
  static_assert(kf::point_traits<float[3]>::dim == 3);
  static_assert(kf::point_traits<double[3][2]>::dim == 6);
  static_assert(kf::point_traits<std::array<std::array<double, 2>, 5>>::dim == 10);
  static_assert(kf::point_traits<std::array<point3, 2>>::dim == 6);
  static_assert(kf::point_traits<point2>::dim == 2);
  static_assert(std::is_same_v<kf::point_traits<point2>::element, double>);
  static_assert(kf::point_traits<point3>::dim == 3);
  static_assert(kf::point_traits<point4>::dim == 4);
  static_assert(kf::point_traits<eigen_vector3>::dim == 3);
  static_assert(kf::point_traits<rgb>::dim == 3);
}

TEST(point, is_not_guessed) {
  static_assert(!kf::point_like<with_mass> && !kf::point_like<padded> && !kf::point_like<reversed>);
  static_assert(!kf::point_like<mixed> && !kf::point_like<methods> && !kf::point_like<particle>);
  static_assert(!kf::point_like<bool> && !kf::point_like<std::array<bool, 3>> && !kf::point_like<std::array<float, 0>>);
  static_assert(!kf::point_like<std::string> && !kf::point_like<std::vector<float>> && !kf::point_like<void()>);
}

// ---- every kind of argument ----------------------------------------------------------------------------------------

TEST(describe, numbers) {
  const double g = 0.5;
  const auto a = kf::describe(g);
  static_assert(std::is_same_v<decltype(a), const kf::raw_array<const double>>);
  EXPECT_TRUE(a.is_flat);
  EXPECT_EQ(a.total, 1);
  EXPECT_EQ(a.data, &g);
  static_assert(std::is_same_v<kf::element_of<int>, int>);
  EXPECT_EQ(kf::as_view(2.5f, 1)(0, 0), 2.5f);
}

template <class A> void expect_flat(const A& a, const void* data, std::int64_t total, std::int64_t stride = 1) {
  const auto raw = kf::describe(a);
  EXPECT_TRUE(raw.is_flat);
  EXPECT_EQ(raw.rows, -1);
  EXPECT_EQ(raw.dim, -1);
  EXPECT_EQ(raw.total, total);
  EXPECT_EQ(raw.col_stride, stride);
  EXPECT_EQ(raw.data, data);
}

TEST(describe, ranges_of_numbers) {
  const auto v = counted(6);
  expect_flat(v, v.data(), 6);
  expect_flat(std::span(v), v.data(), 6);
  std::vector<float> w = v;
  expect_flat(std::span(w).subspan(1), w.data() + 1, 5);
  const std::array<double, 4> a{};
  expect_flat(a, a.data(), 4);
  const std::int32_t c[5] = {};
  expect_flat(c, c, 5);
  static_assert(std::is_same_v<kf::element_of<std::span<const double>>, double>);
  static_assert(std::is_same_v<kf::element_of<const float[7]>, float>);
  static_assert(std::is_same_v<kf::element_of<std::vector<std::int64_t>>, std::int64_t>);
}

template <class A>
void expect_rows(const A& a, const void* data, std::int64_t rows, std::int64_t dim, std::int64_t row_stride,
                 std::int64_t col_stride) {
  const auto raw = kf::describe(a);
  EXPECT_FALSE(raw.is_flat);
  EXPECT_EQ(raw.rows, rows);
  EXPECT_EQ(raw.dim, dim);
  EXPECT_EQ(raw.total, rows * dim);
  EXPECT_EQ(raw.row_stride, row_stride);
  EXPECT_EQ(raw.col_stride, col_stride);
  EXPECT_EQ(raw.data, data);
}

TEST(describe, ranges_of_points) {
  const std::vector<std::array<float, 3>> arrays(4);
  expect_rows(arrays, arrays.data(), 4, 3, 3, 1);
  const std::array<std::array<double, 2>, 5> nested{};
  expect_rows(nested, nested.data(), 5, 2, 2, 1);
  const float c[6][3] = {};
  expect_rows(c, c, 6, 3, 3, 1);
  expect_rows(std::span(c), c, 6, 3, 3, 1);
  const float matrices[6][2][2] = {};
  expect_rows(matrices, matrices, 6, 4, 4, 1);
  const std::vector<point3> structs(7);
  expect_rows(structs, structs.data(), 7, 3, 3, 1);
  const std::vector<eigen_vector3> eigen(2);
  expect_rows(eigen, eigen.data(), 2, 3, 3, 1);
  const std::vector<rgb> own(3);
  expect_rows(own, own.data(), 3, 3, 3, 1);
  const std::vector<holed> spaced(3);
  expect_rows(spaced, spaced.data(), 3, 3, 4, 1);
  static_assert(std::is_same_v<kf::element_of<std::vector<point2>>, double>);
}

TEST(describe, single_points) {
  const point3 centre{1, 2, 3};
  expect_flat(centre, &centre, 3);
  const eigen_vector3 e{{4, 5, 6}};
  expect_flat(e, &e, 3);
  EXPECT_EQ(kf::as_view(centre, 3)(0, 2), 3.0f);
}

TEST(describe, eigen_matrices) {
  auto numbers = counted(12);
  const eigen_like<float, -1, -1> column_major{numbers.data(), 4, 3, 1, 4};
  expect_rows(column_major, numbers.data(), 4, 3, 1, 4);
  const eigen_like<float, -1, 3> row_major{numbers.data(), 4, 3, 3, 1};
  expect_rows(row_major, numbers.data(), 4, 3, 3, 1);
  const eigen_like<float, -1, 1> vector{numbers.data(), 12, 1, 1, 12};
  expect_flat(vector, numbers.data(), 12);
  const eigen_like<float, 1, -1> row_of_a_column_major_matrix{numbers.data() + 1, 1, 3, 1, 4};
  expect_flat(row_of_a_column_major_matrix, numbers.data() + 1, 3, 4);
  EXPECT_EQ(kf::as_view(row_of_a_column_major_matrix, 3)(0, 2), 9.0f);
}

TEST(describe, mdspans) {
  const auto numbers = counted(12);
  expect_rows(mdspan_like<const float, 2>{numbers.data(), {4, 3}, {1, 4}}, numbers.data(), 4, 3, 1, 4);
  expect_flat(mdspan_like<const float, 1>{numbers.data(), {4}, {3}}, numbers.data(), 4, 3);
  const auto batch = kf::describe(mdspan_like<const float, 3>{numbers.data(), {2, 3, 2}, {6, 2, 1}});
  EXPECT_EQ(batch.rows, 3);
  EXPECT_EQ(batch.dim, 2);
  ASSERT_EQ(batch.batch.rank, 1);
  EXPECT_EQ(batch.batch.extents[0], 2);
  EXPECT_EQ(batch.batch.strides[0], 6);
  static_assert(kf::array_like<mdspan_like<float, 10>> && !kf::array_like<mdspan_like<float, 11>>);
}

TEST(describe, views_and_matrices) {
  const auto numbers = counted(12);
  expect_rows(kf::view{numbers.data() + 11, 4, 2, -3, 0}, numbers.data() + 11, 4, 2, -3, 0);
  const kf::matrix<std::int64_t> m(5, 2);
  expect_rows(m, m.data(), 5, 2, 2, 1);
  static_assert(std::is_same_v<kf::element_of<kf::matrix<std::int64_t>>, std::int64_t>);
  static_assert(std::is_same_v<kf::element_of<kf::view<const float>>, float>);
}

TEST(describe, refuses_the_rest) {
  static_assert(!kf::array_like<float*> && !kf::array_like<std::vector<bool>> && !kf::array_like<bool>);
  static_assert(!kf::array_like<std::array<bool, 2>> && !kf::array_like<bool[3]> && !kf::array_like<std::string>);
  static_assert(!kf::array_like<std::vector<std::string>> && !kf::array_like<particle> && !kf::array_like<char[4]>);
  static_assert(!kf::array_like<std::vector<particle>> && !kf::array_like<std::vector<with_mass>>);
  static_assert(kf::array_like<std::vector<float>&> && kf::array_like<const std::vector<std::uint8_t>>);
}

// ---- fitting -------------------------------------------------------------------------------------------------------

TEST(fit, cuts_flat_arrays_into_rows) {
  const auto numbers = counted(12);
  for (const int dim : {1, 2, 3, 4, 6, 12}) {
    const auto v = kf::as_view(numbers, dim);
    EXPECT_EQ(v.rows(), 12 / dim);
    EXPECT_EQ(v.dim(), dim);
    EXPECT_TRUE(v.is_contiguous());
    EXPECT_EQ(v(12 / dim - 1, dim - 1), 11.0f);
  }
  const auto spaced = kf::as_view(mdspan_like<const float, 1>{numbers.data(), {6}, {2}}, 3);
  EXPECT_EQ(spaced(1, 1), 8.0f);
}

TEST(fit, keeps_rows_and_strides) {
  const auto numbers = counted(12);
  const auto v = kf::as_view(kf::view{numbers.data() + 11, 4, 3, -3, -1}, 3);
  EXPECT_EQ(v(1, 2), 6.0f);
  const std::vector<std::array<float, 3>> points{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(kf::as_view(points, 3)(1, 0), 4.0f);
}

TEST(fit, dimension_one_takes_a_run_or_a_column) {
  const auto numbers = counted(5);
  EXPECT_EQ(kf::as_view(numbers, 1).rows(), 5);
  EXPECT_EQ(kf::as_view(kf::view{numbers.data(), 5, 1}, 1).rows(), 5);
}

TEST(fit, empty_arrays_have_no_rows) {
  EXPECT_EQ(kf::as_view(std::vector<float>(), 3).rows(), 0);
  EXPECT_EQ(kf::as_view(std::vector<std::array<float, 3>>(), 3).rows(), 0);
  EXPECT_EQ(kf::as_view(kf::matrix<float>(0, 3), 3).rows(), 0);
  EXPECT_EQ(kf::as_view(kf::matrix<float>(), 3).rows(), 0);
  EXPECT_EQ(kf::as_view(kf::matrix<float>(), 3).dim(), 3);
}

TEST(fit, says_what_is_wrong) {
  EXPECT_EQ(complaint(counted(100), 3), "100 numbers are no whole number of rows of dimension 3");
  EXPECT_EQ(complaint(1.0f, 3), "1 number is no whole number of rows of dimension 3");
  const std::vector<std::array<float, 2>> flat_land(6);
  EXPECT_EQ(complaint(flat_land, 3), "rows of dimension 2 were given, 3 are needed");
  EXPECT_EQ(complaint(flat_land, 4), "rows of dimension 2 were given, 4 are needed");  // not cut anew
  EXPECT_EQ(complaint(flat_land, 1), "rows of dimension 2 were given, 1 is needed");
  EXPECT_EQ(complaint(kf::matrix<double>(3, 1), 3), "rows of dimension 1 were given, 3 are needed");
  EXPECT_EQ(complaint(kf::matrix<double>(0, 2), 3), "rows of dimension 2 were given, 3 are needed");
  const float number = 0;
  EXPECT_EQ(complaint(kf::view{&number, -2, 3}, 3), "-2 rows of dimension 3 were given, neither may be negative");
  EXPECT_EQ(complaint(kf::view{&number, -1, -1}, 3), "-1 rows of dimension -1 were given, neither may be negative");
}

// ---- targets -------------------------------------------------------------------------------------------------------

template <class A> auto target(A&& a, std::int64_t dim) {
  const auto result = kf::fit(kf::describe_output(a), dim);
  EXPECT_TRUE(result);
  return result.array;
}

TEST(describe_output, gives_the_callers_memory) {
  auto numbers = counted(6);
  target(numbers, 3)(1, 2) = 50;
  EXPECT_EQ(numbers[5], 50.0f);
  target(std::span(numbers), 2)(0, 1) = 10;
  EXPECT_EQ(numbers[1], 10.0f);
  const std::span constant_span(numbers);
  target(constant_span, 1)(2, 0) = 20;
  EXPECT_EQ(numbers[2], 20.0f);
  target(kf::view{numbers.data() + 5, 2, 3, -3, -1}, 3)(1, 1) = -4;
  EXPECT_EQ(numbers[1], -4.0f);
  std::vector<std::array<double, 2>> points(3);
  target(points, 2)(2, 1) = 7;
  EXPECT_EQ(points[2][1], 7.0);
  float c[2][3] = {};
  target(c, 3)(1, 0) = 8;
  EXPECT_EQ(c[1][0], 8.0f);
  auto m = kf::matrix<double>::zeros(2, 2);
  target(m, 2)(1, 0) = 9;
  EXPECT_EQ(m(1, 0), 9.0);
  eigen_like<float, -1, -1> e{numbers.data(), 2, 3, 1, 2};
  target(e, 3)(0, 2) = 44;
  EXPECT_EQ(numbers[4], 44.0f);
  double number = 0;
  target(number, 1)(0, 0) = 3;
  EXPECT_EQ(number, 3.0);
}

TEST(describe_output, gives_elements_that_can_be_written) {
  static_assert(
      std::is_same_v<decltype(kf::describe_output(std::declval<std::vector<float>&>())), kf::raw_array<float>>);
  static_assert(std::is_same_v<decltype(kf::describe_output(std::declval<kf::view<double>>())), kf::raw_array<double>>);
}

TEST(fit, refuses_targets_that_repeat_their_elements) {
  std::vector<float> memory(100);
  const auto why = [&](int rows, int dim, int row_stride, int col_stride) {
    const auto raw = kf::describe_output(kf::view{memory.data() + 50, rows, dim, row_stride, col_stride});
    const auto result = kf::fit(raw, dim);
    return std::string(kf::explain(result.why, raw, dim).c_str());
  };
  const std::string repeated = "its strides put several elements in one place, so it cannot be written";
  EXPECT_EQ(why(4, 3, 0, 1), repeated);
  EXPECT_EQ(why(4, 3, 3, 0), repeated);
  EXPECT_EQ(why(4, 3, 2, 1), repeated);
  EXPECT_EQ(why(4, 3, -1, 1), repeated);
  EXPECT_EQ(why(2, 1, 0, 1), repeated);
  EXPECT_EQ(why(1, 2, 1, 0), repeated);
  EXPECT_EQ(why(2, 2, 0, 0), repeated);
  EXPECT_EQ(why(4, 3, -3, 1), "");
  EXPECT_EQ(why(1, 3, 0, 1), "");
  EXPECT_EQ(why(4, 1, 1, 0), "");
  EXPECT_EQ(why(1, 1, 0, 0), "");
  EXPECT_EQ(why(0, 3, 0, 0), "");
  // and the same for every small case, by counting
  for (int rows = 1; rows < 5; ++rows)
    for (int dim = 1; dim < 5; ++dim)
      for (int row_stride = -6; row_stride <= 6; ++row_stride)
        for (int col_stride = -6; col_stride <= 6; ++col_stride) {
          std::vector<int> uses(100);
          bool twice = false;
          for (int i = 0; i < rows; ++i)
            for (int k = 0; k < dim; ++k) twice |= uses[50 + i * row_stride + k * col_stride]++ > 0;
          ASSERT_EQ(why(rows, dim, row_stride, col_stride), twice ? repeated : "")
              << rows << " x " << dim << ", strides " << row_stride << " and " << col_stride;
        }
  // an argument may repeat what it likes
  EXPECT_EQ(kf::as_view(kf::view{memory.data(), 9, 3, 0, 1}, 3).rows(), 9);
}

// ---- columns, field ------------------------------------------------------------------------------------------------

TEST(columns, turns_components_by_points_into_points) {
  auto numbers = counted(12);  // 3 x 4
  const auto from_pointer = kf::columns(numbers.data(), 3, 4);
  EXPECT_EQ(from_pointer.rows(), 4);
  EXPECT_EQ(from_pointer.dim(), 3);
  EXPECT_EQ(from_pointer(1, 2), 9.0f);
  const auto from_view = kf::columns(kf::view{numbers.data(), 3, 4});
  EXPECT_EQ(from_view(1, 2), 9.0f);
  auto m = kf::matrix<double>::zeros(3, 4);
  kf::columns(m)(1, 2) = 6;
  EXPECT_EQ(m(2, 1), 6.0);
  static_assert(std::is_same_v<decltype(kf::columns(std::as_const(m))), kf::view<const double>>);
  float c[3][4] = {};
  kf::columns(c)(3, 0) = 5;
  EXPECT_EQ(c[0][3], 5.0f);
  const eigen_like<float, 3, -1> eigen{numbers.data(), 3, 4, 1, 3};  // column-major: the points are contiguous
  EXPECT_TRUE(kf::columns(eigen).is_contiguous());
  EXPECT_EQ(kf::columns(eigen).rows(), 4);
  EXPECT_EQ(kf::columns(mdspan_like<float, 2>{numbers.data(), {3, 4}, {4, 1}})(3, 2), 11.0f);
}

TEST(columns, are_arguments) {
  const auto numbers = counted(12);
  EXPECT_EQ(kf::as_view(kf::columns(numbers.data(), 3, 4), 3)(3, 0), 3.0f);
  EXPECT_EQ(complaint(kf::columns(numbers.data(), 3, 4), 4), "rows of dimension 3 were given, 4 are needed");
}

TEST(field, shows_one_member_of_structs) {
  std::vector<particle> cloud(5);
  for (int n = 0; n < 5; ++n) {
    cloud[n].position[1] = static_cast<float>(n);
    cloud[n].velocity[2] = static_cast<float>(10 + n);
    cloud[n].charge = 20 + n;
    cloud[n].frame[1][0] = static_cast<float>(30 + n);
  }
  const auto position = kf::field(cloud, &particle::position);
  static_assert(std::is_same_v<decltype(position), const kf::view<float>>);
  EXPECT_EQ(position.rows(), 5);
  EXPECT_EQ(position.dim(), 3);
  EXPECT_EQ(position(3, 1), 3.0f);
  EXPECT_EQ(kf::field(cloud, &particle::velocity)(4, 2), 14.0f);
  const auto charge = kf::field(cloud, &particle::charge);
  EXPECT_EQ(charge.dim(), 1);
  EXPECT_EQ(charge(2, 0), 22.0);
  EXPECT_EQ(kf::field(cloud, &particle::frame).dim(), 4);
  EXPECT_EQ(kf::field(cloud, &particle::frame)(1, 2), 31.0f);
  kf::field(cloud, &particle::mass)(4, 0) = 2;
  EXPECT_EQ(cloud[4].mass, 2.0f);
}

TEST(field, takes_every_contiguous_range) {
  const std::array<point3, 3> constant{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  static_assert(std::is_same_v<decltype(kf::field(constant, &point3::y)), kf::view<const float>>);
  EXPECT_EQ(kf::field(constant, &point3::y)(2, 0), 8.0f);
  particle c[2] = {};
  c[1].mass = 3;
  EXPECT_EQ(kf::field(c, &particle::mass)(1, 0), 3.0f);
  EXPECT_EQ(kf::field(std::span(c), &particle::mass)(1, 0), 3.0f);
  EXPECT_EQ(kf::field(c, 2, &particle::mass)(1, 0), 3.0f);
  std::vector<charged> derived(2);
  derived[1].charge = 4;
  EXPECT_EQ(kf::field(derived, &particle::charge)(1, 0), 4.0);
  EXPECT_EQ(kf::field(std::vector<particle>(), &particle::charge).rows(), 0);
}
