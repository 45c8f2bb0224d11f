#include <kernfold/kernfold.hpp>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;

#if CASE == 1  // expect: grad(f, v) needs a scalar f; give the adjoint, as in grad(f, v, e)
constexpr auto of_vector = kf::grad(x * y, x);
#else
constexpr auto of_vector = kf::grad(x * y, x, kf::Vi<2, 3>);
#endif

#if CASE == 2  // expect: grad(f, v, e) needs e of the dimension of f
constexpr auto wide = kf::grad(x * y, x, kf::Vi<2, 2>);
#else
constexpr auto wide = kf::grad(x | y, x, kf::Vi<2, 1>);
#endif

#if CASE == 3  // expect: diff(f, v, u) needs u of the dimension of v
constexpr auto forward = kf::diff(x | y, x, kf::Vi<2, 2>);
#else
constexpr auto forward = kf::diff(x | y, x, kf::Vi<2, 3>);
#endif
