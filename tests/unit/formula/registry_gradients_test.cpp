// The gradient of every operation of the registry, with respect to each argument and along each of its components, by
// four routes: the reverse formula, the forward formula, dual numbers, and differences.
#include <kernfold/formula/gradient.hpp>
#include <kernfold/formula/print.hpp>
#include <kernfold/formula/registry.hpp>

#include <gtest/gtest.h>

#include <reference/judge.hpp>
#include <reference/one_pair.hpp>
#include <reference/reduce.hpp>
#include <reference/sample.hpp>

namespace kf = kernfold;
using namespace reference;

namespace {

/// sum_k a_k b_k
real inner(const values& a, const array& b) {
  real sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k].value * b.numbers.at(k);
  return sum;
}
real inner(const array& a, const values& b) { return inner(b, a); }

void expect_same(real route, real expected, real tolerance, const char* name, const char* formula, int place, int k) {
  EXPECT_LE(std::fabs(route - expected), tolerance * (1 + std::fabs(expected)))
      << name << " of " << formula << ", argument " << place << ", component " << k << ": "
      << static_cast<double>(route) << " instead of " << static_cast<double>(expected);
}

/// F, with its argument number Place moving in every direction.
template <int Place, class F, class V> void check_argument(arrays& data, sampler& numbers) {
  using adjoint = kf::variable<kf::role::i, 5, F::dim>;
  using direction = kf::variable<kf::role::i, 6, V::dim>;
  constexpr auto reverse = kf::grad(F{}, V{}, adjoint{});
  constexpr auto forward = kf::diff(F{}, V{}, direction{});
  static_assert(decltype(reverse)::dim == V::dim);
  static_assert(decltype(forward)::dim == F::dim);
  const kf::message text = kf::to_string(F{});

  data.at[5] = numbers.generic(F::dim);
  const array& e = data.at[5];
  const values pulled_back = value(reverse, data);
  const std::vector<real> by_library = computed<double>(reverse, data);
  for (int k = 0; k < V::dim; ++k) {
    array unit = direction_like(data.at[Place], k);
    data.at[6] = unit;
    arrays moving = data;
    moving.direction[Place] = unit;
    real dual = 0;
    const values along = value(F{}, moving);
    for (std::size_t n = 0; n < along.size(); ++n) dual += along[n].derivative * e.numbers[n];

    const real h = 1e-5L;
    arrays left = data, right = data;
    left.at[Place].numbers[k] -= h;
    right.at[Place].numbers[k] += h;
    const real differences = (inner(value(F{}, right), e) - inner(value(F{}, left), e)) / (2 * h);

    expect_same(dual, differences, 1e-8L, "dual numbers", text.c_str(), Place, k);
    expect_same(inner(unit, pulled_back), dual, 1e-16L, "reverse", text.c_str(), Place, k);
    expect_same(inner(e, value(forward, data)), dual, 1e-16L, "forward", text.c_str(), Place, k);
    EXPECT_LE(error_ratio(static_cast<double>(by_library[k]), pulled_back[k]), ratio_limit)
        << kf::to_string(reverse).c_str();
  }
}

template <class F, class... Args, int... Places>
void check_arguments(arrays& data, sampler& numbers, kf::type_list<Args...>, std::integer_sequence<int, Places...>) {
  (check_argument<Places, F, Args>(data, numbers), ...);
}
template <class Entry, class... Args> void check_entry(arrays& data, sampler& numbers, kf::type_list<Args...> list) {
  using op = typename Entry::op;
  if constexpr (!std::is_same_v<op, kf::FusedMultiplyAdd>) {  // exists in lowered formulas only
    sample<Entry>(data, numbers, list);
    check_arguments<kf::node<op, Args...>>(data, numbers, list, std::make_integer_sequence<int, sizeof...(Args)>{});
  }
}

template <class... Entries> void check_all(kf::type_list<Entries...>) {
  sampler numbers(2);
  arrays data;
  (check_entry<Entries>(data, numbers, variables_of<Entries>{}), ...);
}

}  // namespace

TEST(registry, every_operation_has_its_gradient_by_four_routes) { check_all(kf::operations{}); }
