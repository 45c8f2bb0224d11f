// Every operation of the registry: the sign that it says its result has, from those of its arguments. An exponential
// takes the word of it, and one that is not true is a wrong exponential.
#include <kernfold/formula/print.hpp>
#include <kernfold/formula/registry.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <reference/one_pair.hpp>
#include <reference/sample.hpp>
#include <string>
#include <utility>

namespace kf = kernfold;
using namespace reference;

namespace {

/// The sign of argument A in combination Code: -1, 0 (not known) or 1.
template <int Code, int A> constexpr int sign_at() {
  int code = Code;
  for (int a = 0; a < A; ++a) code /= 3;
  return code % 3 - 1;
}

int claims = 0;

template <class Entry, int Code, int... As, class... Args>
void check_signs(sampler& numbers, kf::type_list<Args...> list, std::integer_sequence<int, As...>) {
  using op = typename Entry::op;
  constexpr int claimed = op::result_sign(sign_at<Code, As>()...);
  if constexpr (claimed == 0 || (Entry::sampled != kf::domain::real && sign_at<Code, 0>() < 0)) return;
  ++claims;
  for (int n = 0; n < 20; ++n) {
    arrays data;
    sample<Entry>(data, numbers, list);
    const auto give_sign = [&](int argument, int sign) {
      if (sign != 0)
        for (real& v : data.at[argument].numbers) v = sign * std::fabs(v);
    };
    (give_sign(As, sign_at<Code, As>()), ...);
    std::string given;
    ((given += " " + std::to_string(sign_at<Code, As>())), ...);
    using F = kf::node<op, Args...>;
    for (const auto v : computed<double>(F{}, data))
      EXPECT_GE(claimed * v, 0) << kf::to_string(F{}).c_str() << " of signs" << given;
  }
}

template <class Entry, class... Args> void check_entry(sampler& numbers, kf::type_list<Args...> list) {
  constexpr int combinations = sizeof...(Args) == 1 ? 3 : sizeof...(Args) == 2 ? 9 : 27;
  [&]<int... Codes>(std::integer_sequence<int, Codes...>) {
    (check_signs<Entry, Codes>(numbers, list, std::make_integer_sequence<int, int(sizeof...(Args))>{}), ...);
  }(std::make_integer_sequence<int, combinations>{});
}

template <class... Entries> void check_all(kf::type_list<Entries...>) {
  sampler numbers(1);
  (check_entry<Entries>(numbers, variables_of<Entries>{}), ...);
}

}  // namespace

TEST(registry, results_have_the_signs_that_operations_say) {
  check_all(kf::operations{});
  EXPECT_GT(claims, 100);
}
