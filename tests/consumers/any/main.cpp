// main [first]: calls reductions whose formulas it does not see, those of one unit or of both, and catches their
// errors.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "gauss.hpp"

namespace kf = kernfold;

namespace {

constexpr int rows = 37, columns = 53;

template <class T> struct data {
  std::vector<T> X, Y, B;
  data() : X(3 * rows), Y(3 * columns), B(columns) {
    for (int k = 0; k < 3 * rows; ++k) X[k] = T(k * 7 % 11) / 8;
    for (int k = 0; k < 3 * columns; ++k) Y[k] = T(k * 5 % 13) / 8;
    for (int k = 0; k < columns; ++k) B[k] = T(k % 3 + 1);
  }
  double distance(int i, int j) const {
    double sum = 0;
    for (int k = 0; k < 3; ++k) sum += std::pow(double(X[3 * i + k]) - double(Y[3 * j + k]), 2);
    return sum;
  }
};

bool right_sum(kf::any_reduction<float> gauss) {
  const data<float> d;
  const auto a = gauss(d.X, d.Y, d.B, 0.5);
  for (int i = 0; i < rows; ++i) {
    double sum = 0;
    for (int j = 0; j < columns; ++j) sum += std::exp(-0.5 * d.distance(i, j)) * double(d.B[j]);
    if (!(std::fabs(double(a(i, 0)) - sum) <= 1e-4)) return false;
  }
  return a.rows() == rows;
}

bool right_indices(kf::any_reduction<double> nearest) {
  const data<double> d;
  const auto n = nearest.on(kf::cpu{.threads = 2}).indices(d.X, d.Y);
  for (int i = 0; i < rows; ++i) {
    int least = 0;
    for (int j = 1; j < columns; ++j)
      if (d.distance(i, j) < d.distance(i, least)) least = j;
    if (n(i, 0) != least) return false;
  }
  return n.rows() == rows;
}

bool right_error(kf::any_reduction<float> gauss) {
  const data<float> d;
  try {
    gauss(d.X, d.B, d.B, 0.5f);
  } catch (const kf::shape_error& e) {
    return std::string(e.what()) ==
           "argument 1 (y1, Vj<1, 3>) of Sum(exp(-p3 |x0 - y1|^2) y2): 53 numbers are no whole number of rows of "
           "dimension 3";
  }
  return false;
}

bool right(const char* name, kf::any_reduction<float> gauss, kf::any_reduction<double> nearest) {
  const bool sum = right_sum(gauss), indices = right_indices(nearest), error = right_error(gauss);
  std::printf("%s: sum %s, indices %s, error %s\n", name, sum ? "right" : "WRONG", indices ? "right" : "WRONG",
              error ? "caught" : "NOT CAUGHT");
  return sum && indices && error;
}

}  // namespace

int main(int argc, char** argv) {
  const bool only_first = argc > 1 && std::strcmp(argv[1], "first") == 0;
  const bool first_right = right("first", first_gauss(), first_nearest());
  const bool second_right = only_first || right("second", second_gauss(), second_nearest());
  return first_right && second_right ? 0 : 1;
}
