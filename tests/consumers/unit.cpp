// A translation unit of somebody's program. It is compiled once as UNIT=first and once as UNIT=second, each time by
// other flags or another compiler, and both are linked into one program. Plain arrays only: what the two objects share
// is then kernfold's.
#include <kernfold/kernfold.hpp>

#include "unit.hpp"

namespace kf = kernfold;

namespace {

constexpr int rows = 37, columns = 53;
constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto e = kf::Vi<3, 1>;

float points_x[3 * rows], points_y[3 * columns], weights[columns], ones[rows];

void fill() {
  for (int k = 0; k < 3 * rows; ++k) points_x[k] = static_cast<float>(k * 7 % 11) / 8;
  for (int k = 0; k < 3 * columns; ++k) points_y[k] = static_cast<float>(k * 5 % 13) / 8;
  for (int k = 0; k < columns; ++k) weights[k] = static_cast<float>(k % 3 + 1);
  for (float& one : ones) one = 1;
}

bool near_enough(double found, double expected) { return __builtin_fabs(found - expected) <= 1e-4; }

}  // namespace

bool UNIT(bool wrong_shape) {
  fill();
  constexpr auto convolve = kf::sum_reduction(exp(-sqdist(x, y)) * b);
  if (wrong_shape) convolve(points_x, ones, weights);  // 37 numbers are no rows of dimension 3: throws

  const auto a = convolve(points_x, points_y, weights);
  const auto d = kf::grad(convolve, x, e)(points_x, points_y, weights, ones);
  for (int i = 0; i < rows; ++i) {
    double sum = 0, slope[3] = {};
    for (int j = 0; j < columns; ++j) {
      double distance = 0, step[3];
      for (int k = 0; k < 3; ++k) {
        step[k] = double(points_x[3 * i + k]) - double(points_y[3 * j + k]);
        distance += step[k] * step[k];
      }
      const double value = __builtin_exp(-distance) * double(weights[j]);
      sum += value;
      for (int k = 0; k < 3; ++k) slope[k] -= 2 * step[k] * value;
    }
    if (!near_enough(a(i, 0), sum)) return false;
    for (int k = 0; k < 3; ++k) {
      if (!near_enough(d(i, k), slope[k])) return false;
    }
  }
  return true;
}
