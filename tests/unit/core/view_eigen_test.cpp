// Arrays of Eigen: vectors of fixed vectors, matrices, maps and blocks. Where Eigen is installed.
#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#elif __has_include(<eigen3/Eigen/Core>)
#include <eigen3/Eigen/Core>
#else
#define KERNFOLD_TEST_HAS_NO_EIGEN
#endif
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace kf = kernfold;

#if defined(KERNFOLD_TEST_HAS_NO_EIGEN)
TEST(view_eigen, arrays_of_eigen) { GTEST_SKIP() << "Eigen is not installed (libeigen3-dev)"; }
#else
namespace {
constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto r = kf::sum_reduction(sqdist(x, y));
}  // namespace

TEST(view_eigen, vectors_of_fixed_vectors) {
  const std::vector<Eigen::Vector3f> X(2, Eigen::Vector3f(1, 2, 3));
  const std::vector<Eigen::RowVector3f> Y(3, Eigen::RowVector3f(0, 0, 1));
  EXPECT_EQ(r(X, Y)[1], 27);
  const std::vector<Eigen::Vector3d> A(2, Eigen::Vector3d(1, 2, 3)), B(1, Eigen::Vector3d(0, 2, 3));
  EXPECT_EQ(r(A, B)[1], 1);
  EXPECT_EQ(kf::sum_reduction(sqnorm2(kf::Vi<0, 4>))(std::vector<Eigen::Vector4f>(2, Eigen::Vector4f(1, 2, 3, 4)))[1],
            30);
  EXPECT_EQ(kf::sum_reduction(sqnorm2(kf::Vi<0, 2>))(std::vector<Eigen::Vector2d>(2, Eigen::Vector2d(1, 2)))[1], 5);
}
TEST(view_eigen, matrices_maps_and_blocks) {
  Eigen::Matrix<float, Eigen::Dynamic, 3> M(2, 3);
  M << 1, 2, 3, 4, 5, 6;
  const Eigen::Matrix<float, Eigen::Dynamic, 3, Eigen::RowMajor> N = M;
  EXPECT_EQ(r(M, N)[1], 27);
  EXPECT_EQ(r(M.topRows(1), N)[0], 27);
  const Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, 3>> map(M.data(), 2, 3);
  EXPECT_EQ(r(map, N)[1], 27);
  const Eigen::Matrix3Xf columns = M.transpose();
  EXPECT_EQ(r(kf::columns(columns), N)[1], 27);
  Eigen::VectorXf v(3);
  v << 1, 2, 3;
  EXPECT_EQ(kf::sum_reduction(kf::Vj<0, 1>)(v)[0], 6);
}
#endif
