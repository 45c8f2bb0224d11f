// tests/unit/formula/composed.hpp: formulas at random, of all operations of the registry.
#pragma once

#include <kernfold/kernfold.hpp>

#include <kernfold/formula/print.hpp>
#include <kernfold/formula/registry.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <reference/call.hpp>
#include <reference/one_pair.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace composed {

namespace kf = kernfold;
using namespace reference;

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: SplitMix64.
constexpr std::uint64_t mixed(std::uint64_t s) {
  s += 0x9e3779b97f4a7c15;
  s = (s ^ (s >> 30)) * 0xbf58476d1ce4e5b9;
  s = (s ^ (s >> 27)) * 0x94d049bb133111eb;
  return s ^ (s >> 31);
}

/// A formula twice: as its nodes stand, and as make<Op> simplifies them.
template <class Op, class... Parts> struct tree {
  using plain = kf::node<Op, typename Parts::plain...>;
  using made = decltype(kf::make<Op>(typename Parts::made{}...));
};
/// Nothing is divided by what simplifies to zero, as |y - y|^2 does.
template <class A, class B>
  requires(kf::is_zero<kf::detail::bare<typename B::made>>)
struct tree<kf::Div, A, B> : tree<kf::Mul, A, B> {};
template <class V> struct leaf {
  using plain = V;
  using made = V;
};

/// A variable of dimension Dim and of any role, at a position of its own; sometimes a constant.
template <kf::role Role, int Dim> using variable_of = kf::variable<Role, 3 * Dim + int(Role), Dim>;
template <std::uint64_t Seed, int Dim> constexpr auto leaf_of() {
  constexpr int kind = int(mixed(Seed) % (Dim == 1 ? 12 : 9));
  if constexpr (kind == 9) return leaf<kf::Constant<2>>{};
  else if constexpr (kind == 10) return leaf<kf::Constant<-1, 3>>{};
  else if constexpr (kind == 11) return leaf<kf::Constant<1>>{};
  else return leaf<variable_of<kf::role(kind % 3), Dim>>{};
}

/// The dimension of an example's result, and whether the operation has arguments and results of any one dimension.
/// Some exist in lowered formulas only.
struct shape_of_entry {
  int dim = 0;
  bool any_dim = false;
};
template <class Entry, class... Args> constexpr shape_of_entry shape_of(kf::type_list<Args...>) {
  using op = typename Entry::op;
  if (std::is_same_v<op, kf::FusedMultiplyAdd> || std::is_same_v<op, kf::Exp2>) return {};
  constexpr int dim = kf::node<op, Args...>::dim;
  return {dim, dim == 3 && ((Args::dim == 3) && ...)};
}
template <class... Entries> constexpr auto shapes_of(kf::type_list<Entries...>) {
  return std::array<shape_of_entry, sizeof...(Entries)>{shape_of<Entries>(variables_of<Entries>{})...};
}
inline constexpr auto shapes = shapes_of(kf::operations{});
template <std::uint64_t Seed, int Dim> consteval int entry_of() {
  const auto fits = [](const shape_of_entry& s) { return s.dim == Dim || s.any_dim; };
  int count = 0;
  for (const auto& s : shapes) count += fits(s);
  int chosen = int(mixed(Seed) % std::uint64_t(count));
  for (int n = 0;; ++n)
    if (fits(shapes[std::size_t(n)]) && chosen-- == 0) return n;
}

template <std::uint64_t Seed, int Dim, int Nodes> struct any_formula;

/// An operation's first argument where it may lie: g^2 + 1/4, a flag, or g itself.
template <kf::domain Domain, class G> struct within {
  using type = G;
};
template <class G> struct within<kf::domain::positive, G> {
  using type = tree<kf::Add, tree<kf::Square, G>, leaf<kf::Constant<1, 4>>>;
};
template <class G> struct within<kf::domain::flag, G> {
  using type = tree<kf::Step, G>;
};

template <std::uint64_t Seed, int Dim, int Nodes, bool AnyDim, class Entry, class... Args, int... As>
auto operation_of(kf::type_list<Args...>, std::integer_sequence<int, As...>) {
  constexpr int share = (Nodes - 1) / int(sizeof...(Args)), rest = (Nodes - 1) % int(sizeof...(Args));
  return tree<typename Entry::op, typename within<As == 0 ? Entry::sampled : kf::domain::real,
                                                  typename any_formula<mixed(Seed + As + 1), AnyDim ? Dim : Args::dim,
                                                                       share + (As < rest)>::type>::type...>{};
}
template <std::uint64_t Seed, int Dim, int Nodes> struct any_formula {
  static constexpr int entry = Nodes > 1 ? entry_of<Seed, Dim>() : -1;
  static auto choose() {
    if constexpr (entry < 0) {
      return leaf_of<Seed, Dim>();
    } else {
      using chosen = kf::type_at<kf::operations, entry>;
      using list = variables_of<chosen>;
      return operation_of<Seed, Dim, Nodes, shapes[entry].any_dim, chosen>(
          list{}, std::make_integer_sequence<int, list::size>{});
    }
  }
  using type = decltype(choose());
};

/// Seed's formula, of 2 to 12 operations and leaves.
inline constexpr int result_dims[] = {1, 3, 1, 2, 1, 5};
template <std::uint64_t Seed>
using formula_of = typename any_formula<mixed(Seed), result_dims[Seed % 6], 2 + int(Seed % 11)>::type;

/// Numbers for all variables: five rows, nine columns.
inline arrays numbers_for_all(std::uint64_t seed) {
  sampler numbers(seed);
  arrays data;
  data.M = 5, data.N = 9;
  for (const int dim : {1, 2, 3, 4, 5, 6, 20})
    for (const int role : {0, 1, 2})
      data.at[3 * dim + role] = numbers.generic(dim, role == 0 ? 1 : role == int(kf::role::i) ? data.M : data.N);
  return data;
}

/// Whether F has a variable of a role. Of a role that it has none of, there is one row.
template <kf::role Role, class... Vs> constexpr bool has_role(kf::type_list<Vs...>) {
  return ((Vs::symbol_role == Role) || ...);
}

/// Whether all that F computes at all pairs is of ordinary size: float's range is not what is tested here.
template <class F> bool is_ordinary(const arrays& data) {
  for (std::int64_t i = 0; i < data.M; ++i)
    for (std::int64_t j = 0; j < data.N; ++j) {
      point p{data, i, j};
      evaluate<F>(p);
      for (const auto& [type, components] : p.known)
        for (const quantity& q : components)
          if (!(q.value == 0 || (std::fabs(q.value) > 1e-9L && std::fabs(q.value) < 1e9L)) || !(q.error < 1e12L))
            return false;
    }
  return true;
}

/// What simplification makes of a formula, beside the formula as it stands: in long double, so that no rounding hides
/// an error.
template <class Plain, class F> void check_rewriting(const arrays& data, const std::string& what) {
  for (std::int64_t j = 0; j < data.N && j < 2; ++j) {
    const values expected = value(Plain{}, data, 0, j), found = value(F{}, data, 0, j);
    ASSERT_EQ(expected.size(), found.size()) << what;
    for (std::size_t k = 0; k < found.size(); ++k)
      ASSERT_LE(std::fabs(found[k].value - expected[k].value),
                1e-18L * (expected[k].error + found[k].error + std::fabs(expected[k].value)))
          << what << " became " << kf::to_string(F{}).c_str() << ", component " << k;
  }
}

/// The gradient along e of <e, F>, beside dual numbers through the formula as it stands, and what the library computes
/// for it.
template <class Plain, class F, class V> void check_gradient(arrays data, V, const std::string& what) {
  constexpr int adjoint_position = 63;
  constexpr auto reverse = kf::grad(F{}, V{}, kf::variable<kf::role::i, adjoint_position, F::dim>{});
  static_assert(decltype(reverse)::dim == V::dim);
  const array e = sampler(5).generic(F::dim, data.M);
  data.at[adjoint_position] = e;
  const values gradient = value(reverse, data);
  const std::vector<real> by_library = computed<double>(reverse, data);
  for (int k = 0; k < V::dim; ++k) {
    arrays moving = data;
    moving.direction[V::position] = direction_like(data.at[V::position], k);
    const values along = value(Plain{}, moving);
    real dual = 0;
    for (std::size_t n = 0; n < along.size(); ++n) dual += along[n].derivative * e.numbers[n];
    if (!(std::fabs(gradient[std::size_t(k)].error) < 1e12L)) continue;
    ASSERT_LE(std::fabs(gradient[std::size_t(k)].value - dual), 1e-17L * gradient[std::size_t(k)].error + 1e-15L)
        << "the gradient of " << what << ": " << kf::to_string(reverse).c_str() << ", component " << k;
    ASSERT_LE(error_ratio(static_cast<double>(by_library[std::size_t(k)]), gradient[std::size_t(k)]), ratio_limit)
        << "the gradient of " << what << ": " << kf::to_string(reverse).c_str() << ", component " << k;
  }
}

/// A sum, or another reduction, of F over one of the axes.
template <std::uint64_t Seed, class F> constexpr auto reduction_of(F f) {
  constexpr kf::axis A = Seed % 2 == 0 ? kf::axis::j : kf::axis::i;
  constexpr int kind = int(mixed(Seed + 7) % 6);
  if constexpr (kind == 0) return kf::max_reduction<A>(f);
  else if constexpr (kind == 1) return kf::argmin_reduction<A>(f);
  else if constexpr (kind == 2 && F::dim == 1) return kf::logsumexp_reduction<A>(f);
  else if constexpr (kind == 3 && F::dim == 1) return kf::kmin_reduction<3, A>(f);
  else return kf::sum_reduction<A>(f);
}

inline int failures() { return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(); }

struct tally {
  int judged = 0, formulas = 0;
  std::string smallest = {};  // the shortest of the formulas that fail
};

template <std::uint64_t Seed> void check_seed(tally& t) {
  using formula = formula_of<Seed>;
  using plain = typename formula::plain;
  using made = typename formula::made;
  using all = kf::detail::variables_among<made>;
  if constexpr (all::size > 0) {
    ++t.formulas;
    const std::string what = "seed " + std::to_string(Seed) + ", " + kf::to_string(plain{}).c_str();
    SCOPED_TRACE(what);
    const int failures_before = failures();
    for (std::uint64_t numbers = 1; numbers <= 8; ++numbers) {
      arrays data = numbers_for_all(16 * Seed + numbers);
      if (!has_role<kf::role::i>(all{})) data.M = 1;
      if (!has_role<kf::role::j>(all{})) data.N = 1;
      if (!is_ordinary<plain>(data) || !is_ordinary<made>(data)) continue;
      ++t.judged;
      check_rewriting<plain, made>(data, what);
      check_gradient<plain, made>(data, kf::type_at<all, 0>{}, what);
      if constexpr (Seed % 2 == 0) check_reduction<float>(reduction_of<Seed>(made{}), data);
      else check_reduction<double>(reduction_of<Seed>(made{}), data);
      break;
    }
    if (failures() > failures_before && (t.smallest.empty() || what.size() < t.smallest.size())) t.smallest = what;
  }
}
template <std::uint64_t First, std::uint64_t... Seeds>
void check_seeds(std::integer_sequence<std::uint64_t, Seeds...>) {
  tally t;
  (check_seed<First + Seeds>(t), ...);
  EXPECT_EQ(t.smallest, "") << "the smallest formula that fails";
  EXPECT_GE(3 * t.judged, 2 * t.formulas) << "of most formulas, no numbers of ordinary size were found";
}

}  // namespace composed
