// Calls on a device take arrays of a device.
#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto R = kf::sum_reduction(exp(-sqdist(x, y)));

auto on_device(const std::vector<float>& X, kf::device_view<const float> Y) {
#if CASE == 1  // expect: an array in the memory of the host was given to a call on a device; pass kf::device_view{pointer,
  return R.on(kf::cuda{})(X, Y);
#else
  (void)X;
  return R.on(kf::cuda{})(Y, Y);
#endif
}

using fold = kf::block_fold<decltype(R), float, 128>;
__global__ void kernel(const float* columns, const double* in_double, float* out) {
  __shared__ fold::storage shared;
  const kf::vec<float, 3> row{{1, 2, 3}};

#if CASE == 2  // expect: run(count, arguments...) takes one argument for each position of the formula's variables
  fold(shared).run(10, row);
#else
  out[0] = fold(shared).run(10, row, columns)[0];
#endif

#if CASE == 3  // expect: the columns of a block_fold have the element type of their variable
  out[1] = fold(shared).run(10, row, in_double)[0];
#else
  (void)in_double;
#endif

#if CASE == 4  // expect: a value's dimension is not that of its variable
  out[2] = fold(shared).run(10, 1.f, columns)[0];
#endif
}
