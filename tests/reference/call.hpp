// tests/reference/call.hpp: reductions called the way users call them, and judged row by row.
#pragma once

#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "judge.hpp"
#include "reduce.hpp"
#include "sample.hpp"

namespace reference {

template <class Variable, class Real>
using element_of_variable =
    std::conditional_t<std::is_same_v<typename Variable::element, kf::default_real>, Real, typename Variable::element>;

/// The array of a variable in the precision of the call.
template <class Variable, class Real> auto numbers_of(const arrays& data) {
  const array& a = data.at.at(Variable::position);
  std::vector<element_of_variable<Variable, Real>> v(a.numbers.size());
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = static_cast<element_of_variable<Variable, Real>>(a.numbers[n]);
  return v;
}

/// The result of a reduction, its arguments bound by name.
template <class Real, class Options, class... Items, class... Vs>
auto call(kf::reduction<kf::type_list<Vs...>, Options, Items...> r, const arrays& data, const kf::cpu& where = {}) {
  const std::tuple arguments{numbers_of<Vs, Real>(data)...};
  return [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    return r.on(where)((Vs{} = std::get<Is>(arguments))...);
  }(std::index_sequence_for<Vs...>{});
}

/// All rows of a small result, some of a large one.
inline std::vector<std::int64_t> rows_to_judge(std::int64_t count) {
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < count; r += count <= 24 ? 1 : r < 4 ? 1 : count / 16) rows.push_back(r);
  if (count > 0) rows.push_back(count - 1);
  return rows;
}

/// The largest ratio of all that was judged, printed at the end of a run.
inline real worst_ratio = 0;
struct worst_ratio_report : ::testing::Environment {
  void TearDown() override {
    std::printf("largest error: %.2f of its bound (the limit is %.0f)\n", double(worst_ratio), double(ratio_limit));
  }
};
inline ::testing::Environment* const worst_ratio_reported = ::testing::AddGlobalTestEnvironment(new worst_ratio_report);

template <class Real>
void judge_row(const std::vector<Real>& computed, const values& expected, std::int64_t folded,
               const std::string& what) {
  ASSERT_EQ(computed.size(), expected.size()) << what;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const real ratio = error_ratio(computed[k], expected[k], static_cast<real>(folded + 1));
    if (std::isfinite(ratio)) worst_ratio = std::max(worst_ratio, ratio);
    EXPECT_LE(ratio, ratio_limit) << what << ", component " << k << ": " << computed[k] << " instead of "
                                  << static_cast<double>(expected[k].value);
  }
}

/// Columns may differ from the reference's where their values do not differ by more than rounding explains.
template <class Real, class F, kf::axis Axis>
void judge_columns(const std::vector<std::int64_t>& computed, const values& expected, const arrays& data,
                   std::int64_t row, const std::string& what) {
  ASSERT_EQ(computed.size(), expected.size()) << what;
  const auto at_column = [&](std::int64_t column, std::size_t k) {
    point p{data,
            Axis == kf::axis::j   ? row
            : Axis == kf::axis::i ? column
                                  : column / data.N,
            Axis == kf::axis::j   ? column
            : Axis == kf::axis::i ? row
                                  : column % data.N};
    return evaluate<F>(p).at(k % F::dim);
  };
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const auto wanted = static_cast<std::int64_t>(expected[k].value);
    if (computed[k] == wanted) continue;
    ASSERT_TRUE(wanted >= 0 && computed[k] >= 0)
        << what << ", component " << k << ": column " << computed[k] << " instead of " << wanted;
    const quantity best = at_column(wanted, k), chosen = at_column(computed[k], k);
    const real u = std::numeric_limits<Real>::epsilon() / 2;
    EXPECT_TRUE(best.value != chosen.value &&
                std::fabs(best.value - chosen.value) <= ratio_limit * u * (best.error + chosen.error))
        << what << ", component " << k << ": column " << computed[k] << " instead of " << wanted;
  }
}

/// Calls a reduction on M rows and N columns and judges it against the reference.
template <class Real, class Signature, class Options, kf::axis A, class Spec>
void check_reduction(kf::reduction<Signature, Options, kf::item<A, Spec>> r, const arrays& data,
                     const kf::cpu& where = {}) {
  const auto result = call<Real>(r, data, where);
  const std::int64_t count = row_count(data, A);
  ASSERT_EQ(result.rows(), count);
  ASSERT_EQ(result.cols(), Spec::dim);
  const std::int64_t folded = A == kf::axis::j ? data.N : A == kf::axis::i ? data.M : data.M * data.N;
  for (const std::int64_t row : rows_to_judge(count)) {
    const std::string what = std::string(r.text().c_str()) + (sizeof(Real) == 4 ? " in float" : " in double") +
                             ", axis " + std::to_string(int(A)) + ", M = " + std::to_string(data.M) +
                             ", N = " + std::to_string(data.N) + ", row " + std::to_string(row);
    const values expected = reduce_row<Spec, A>(data, row, kf::detail::accumulation_of(Options{}));
    std::vector<std::conditional_t<Spec::result == kf::kind::index, std::int64_t, Real>> found;
    for (int k = 0; k < Spec::dim; ++k) found.push_back(result(row, k));
    if constexpr (Spec::result == kf::kind::index)
      judge_columns<Real, kf::type_at<typename Spec::formulas, 0>, A>(found, expected, data, row, what);
    else judge_row<Real>(found, expected, folded, what);
  }
}

}  // namespace reference
