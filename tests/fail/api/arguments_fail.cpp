#include <kernfold/kernfold.hpp>

#include <list>
#include <string>
#include <vector>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto z = kf::Vj<2, 2>;
constexpr auto label = kf::Vj<2, 1, int>;
constexpr auto R = sum_reduction(exp(-sqdist(x, y)) * b);
constexpr auto L = sum_reduction(exp(-sqdist(x, y)) * label);

const std::vector<float> X(6), Y(9), B(3);
const std::vector<double> in_double(3);
const std::vector<int> whole(3);
const std::vector<std::uint64_t> without_sign(3);

// ---- by name -------------------------------------------------------------------------------------------------------

#if CASE == 1  // expect: a name bound in this call is no variable of the formula (or differs in dimension or role)
const auto unknown = R(x = X, y = Y, z = B);
#else
const auto unknown = R(x = X, y = Y, b = B);
#endif

#if CASE == 2  // expect: an argument is missing: each variable of the formula needs an array, as in x = X
const auto missing = R(x = X, y = Y);
#else
const auto missing = R(b = B, y = Y, x = X);
#endif

#if CASE == 3  // expect: an argument is given twice
const auto twice = R(x = X, y = Y, b = B, y = Y);
#else
const auto twice = R(y = Y, x = X, b = B);
#endif

#if CASE == 4  // expect: the arguments of a call are given all by position or all by name
const auto mixed = R(X, y = Y, b = B);
#else
const auto mixed = R(X, Y, B);
#endif

// ---- by position ---------------------------------------------------------------------------------------------------

#if CASE == 5  // expect: a call takes one argument for each position of the formula's variables, in that order
const auto too_few = R(X, Y);
#else
const auto too_few = R(X, Y, B);
#endif

#if CASE == 6  // expect: a call takes one argument for each position of the formula's variables, in that order
const auto too_many = R(X, Y, B, B);
#else
const auto too_many = R(X, Y, B);
#endif

#if CASE == 7  // expect: two different variables of a formula have the same position
constexpr auto ambiguous = sum_reduction((x | y) * kf::Vj<1, 1>);
#else
constexpr auto ambiguous = sum_reduction((x | y) * kf::Vj<2, 1>);
#endif

// ---- element types -------------------------------------------------------------------------------------------------

#if CASE == 8  // expect: the arrays of one call are all float or all double
const auto two_reals = R(X, Y, in_double);
#else
const auto two_reals = R(X, Y, B);
#endif

#if CASE == 9  // expect: arrays hold float or double (declare the symbol with an element type
const auto integers = R(X, Y, whole);
#else
const auto integers = L(X, Y, whole);
#endif

#if CASE == 10  // expect: an array's element type is not that of its symbol
const auto other_integers = L(X, Y, without_sign);
#else
const auto other_integers = L(X, Y, whole);
#endif

#if CASE == 11  // expect: a pointer does not say how many numbers stand behind it; pass kf::view{pointer, rows, dim}
const auto pointer = R(X.data(), Y, B);
#else
const auto pointer = R(kf::view{X.data(), 2, 3}, Y, B);
#endif

#if CASE == 12  // expect: this argument is no array of numbers; pass a number, a contiguous range of numbers or of points
const auto list = R(std::list<float>(3), Y, B);
#else
const auto one_of_each = R(X, Y, B);
#endif

#if CASE == 13  // expect: argument_of_variable<kernfold::variable<kernfold::role::j, 1
const auto strings = R(X, std::vector<std::string>(3), B);
#else
const auto no_strings = R(X, Y, B);
#endif

#if CASE == 14  // expect: kf::cuda runs on a device, which only nvcc compiles for: compile this unit as a .cu with nvcc
const auto device = R.on(kf::cuda{})(X, Y, B);
#else
const auto processor = R.on(kf::cpu{})(X, Y, B);
#endif

#if CASE == 15  // expect: a position below that of the last variable has no variable: the argument given there would be ignored
const auto gap = sum_reduction(kf::Vi<0, 3> | kf::Vj<2, 3>)(X, Y, Y);
#else
const auto named = sum_reduction(kf::Vi<0, 3> | kf::Vj<2, 3>)(kf::Vi<0, 3> = X, kf::Vj<2, 3> = Y);
#endif
