// Every operation of the registry: the library's value against the reference.
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

// A single operation has little to hide behind.
constexpr real operation_limit = 1.5;

template <class Real>
void expect_close(const std::vector<real>& computed, const values& expected, const char* formula) {
  ASSERT_EQ(computed.size(), expected.size()) << formula;
  for (std::size_t k = 0; k < expected.size(); ++k)
    EXPECT_LE(error_ratio(static_cast<Real>(computed[k]), expected[k]), operation_limit)
        << formula << ", component " << k << ": " << static_cast<double>(computed[k]) << " instead of "
        << static_cast<double>(expected[k].value);
}

template <class Real, class F> void check(const arrays& data) {
  expect_close<Real>(computed<Real>(F{}, data), value(F{}, data), kf::to_string(F{}).c_str());
}

template <class Entry, class... Args> void check_entry(arrays& data, sampler& numbers, kf::type_list<Args...> list) {
  using op = typename Entry::op;
  using weight = kf::variable<kf::role::j, 4, 1>;
  for (int n = 0; n < 10; ++n) {
    sample<Entry>(data, numbers, list);
    data.at[4] = numbers.positive(1);
    check<double, kf::node<op, Args...>>(data);                            // some at the row stage
    check<float, kf::node<op, kf::node<kf::Mul, Args, weight>...>>(data);  // all at the pair stage
  }
}

template <class... Entries> void check_all(kf::type_list<Entries...>) {
  sampler numbers(1);
  arrays data;
  (check_entry<Entries>(data, numbers, variables_of<Entries>{}), ...);
}

}  // namespace

TEST(registry, every_operation_has_the_value_of_its_definition) { check_all(kf::operations{}); }
