#include <kernfold/kernfold.hpp>

#include <cstdint>
#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto R = sum_reduction(exp(-sqdist(x, y)));
constexpr auto nearest = argmin_reduction(sqdist(x, y));

const std::vector<float> X(6), Y(9);
std::vector<float> out(2);
const std::vector<float> read_only(2);
std::vector<double> in_double(2);
std::vector<std::int64_t> indices(2);
std::vector<int> narrow_indices(2);

void write() {
#if CASE == 1  // expect: the result's memory must have the real type of the call, or std::int64_t for indices
  R.into(in_double, X, Y);
#else
  R.into(out, X, Y);
#endif

#if CASE == 2  // expect: the result's memory must have the real type of the call, or std::int64_t for indices
  nearest.into(narrow_indices, X, Y);
#else
  nearest.into(indices, X, Y);
#endif

#if CASE == 3  // expect: the result cannot be written to an array of const elements; pass one that is not const
  R.into(read_only, X, Y);
#else
  R.into(out, X, Y);
#endif

#if CASE == 4  // expect: the result cannot be written to an array of const elements; pass one that is not const
  R.add_to(read_only, X, Y);
#else
  R.add_to(out, X, Y);
#endif

#if CASE == 5  // expect: into and add_to write one result; call the reduction for several
  fold_all(R, nearest).into(out, X, Y);
#else
  const auto [density, index] = fold_all(R, nearest)(X, Y);
#endif

#if CASE == 6  // expect: the result would be written to a temporary number and lost; pass a variable
  R.into(1.0f, X, Y);
#else
  R.into(kf::view{out.data(), 2, 1}, X, Y);
#endif
}
