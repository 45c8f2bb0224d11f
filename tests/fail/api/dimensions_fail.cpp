#include <kernfold/kernfold.hpp>

#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, kf::dynamic>;
constexpr auto y = kf::Vj<1, kf::dynamic>;
constexpr auto short_x = kf::Vi<0, 3>;
constexpr auto short_y = kf::Vj<1, 3>;

#if CASE == 1  // expect: this operation, named in the check's template arguments, needs a dimension that is known
constexpr auto joined = concat(x, y);
#else
constexpr auto joined = concat(short_x, short_y);
#endif

#if CASE == 2  // expect: this operation, named in the check's template arguments, needs a dimension that is known
constexpr auto first = kf::elem<0>(x);
#else
constexpr auto first = kf::elem<0>(short_x);
#endif

#if CASE == 3  // expect: the dimensions of an operation's arguments do not fit
constexpr auto product = dot(x, short_y);
#else
constexpr auto product = dot(x, y);
#endif

#if CASE == 4  // expect: a vector whose dimension is known at run time (kf::dynamic) is summed
constexpr auto least = kf::min_reduction(x - y);
#else
constexpr auto least = kf::min_reduction(sqdist(x, y));
#endif

#if CASE == 5  // expect: a value for each edge has a dimension that is known at compile time
constexpr auto edge = kf::Ve<2, kf::dynamic>;
#else
constexpr auto edge = kf::Ve<2, 3>;
#endif

const kf::matrix<float> X(4, 3), Y(5, 3);
const std::vector<std::int64_t> offsets{0, 1, 1, 1, 1}, columns{2};
constexpr auto nearest = kf::argmin_reduction(sqdist(x, y));

void call() {
#if CASE == 6  // expect: are for calls on the processor, over all pairs, ranges or a band
  (void)nearest.over(kf::edges::csr(offsets, columns))(X, Y);
#else
  (void)nearest.over(kf::causal())(X, Y);
#endif

#if CASE == 7  // expect: columns that arrive in pieces have dimensions that are known at compile time
  (void)nearest.start(x = X);
#else
  (void)kf::argmin_reduction(sqdist(short_x, short_y)).start(short_x = X);
#endif

#if CASE == 8  // expect: no array tells the dimension of a vector of this reduction, which is known at run time
  (void)kf::grad(kf::sum_reduction(sum(x) * sum(y)), y, kf::Vi<2, 1>)(X, Y, std::vector<float>(4));
#else
  (void)kf::grad(kf::sum_reduction(dot(x, y)), y, kf::Vi<2, 1>)(X, Y, std::vector<float>(4));
#endif

#if CASE == 9  // expect: no array tells the dimension of a vector of this reduction, which is known at run time
  (void)kf::sum_reduction(sum(kf::pow<0>(x)))(X);
#else
  (void)kf::sum_reduction(sum(kf::pow<0>(short_x)))(X);
#endif
}
