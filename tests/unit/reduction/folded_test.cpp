// The gradients of reductions: the formula that is summed against dual numbers through the reduction itself, and the
// library's sum against the reference's.
#include <kernfold/reduction/folded.hpp>

#include <reference/call.hpp>

namespace kf = kernfold;
using namespace reference;
using namespace kf::literals;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto w = kf::Vj<2, 2>;
constexpr auto g = kf::Pm<3, 1>;

arrays numbers_for(std::int64_t M, std::int64_t N) {
  sampler numbers(5);
  arrays data;
  data.M = M;
  data.N = N;
  data.at[0] = numbers.generic(3, M);
  data.at[1] = numbers.generic(3, N);
  data.at[2] = numbers.positive(2, N);
  data.at[3] = numbers.positive(1);
  return data;
}

template <class... Vs> void fill(arrays& data, sampler& numbers, kf::type_list<Vs...>) {
  const auto rows = [&](kf::role r) { return r == kf::role::i ? data.M : r == kf::role::j ? data.N : 1; };
  ((data.at.count(Vs::position) != 0 ? void()
                                     : void(data.at[Vs::position] = numbers.generic(Vs::dim, rows(Vs::symbol_role)))),
   ...);
}

/// The formula of grad(r, v) is right by the reference alone; with a real type, what the library computes is also
/// judged.
struct formula_only {};
template <class Real = formula_only, class Signature, class Options, kf::axis A, class Spec, class V>
void check_gradient(kf::reduction<Signature, Options, kf::item<A, Spec>> r, V v) {
  const auto gradient = kf::grad(r, v);
  using item = kf::type_at<typename decltype(kf::grad(r, v))::items, 0>;
  static_assert(item::spec::dim == V::dim);
  arrays data = numbers_for(7, 11);
  sampler numbers(6);
  constexpr int next = kf::detail::next_position(Signature{});
  data.at.erase(next);
  fill(data, numbers, typename decltype(kf::grad(r, v))::signature{});
  if constexpr (!std::is_same_v<Real, formula_only>) check_reduction<Real>(gradient, data);

  // Each number of v moves on its own.
  const std::int64_t rows = row_count(data, item::folds);
  const array& e = data.at[next];  // the incoming gradient
  for (std::int64_t row = 0; row < rows; ++row) {
    const values pulled_back = reduce_row<typename item::spec, item::folds>(data, row);
    for (int k = 0; k < V::dim; ++k) {
      arrays moving = data;
      moving.direction[V::position] = direction_like(data.at[V::position], -1);
      for (real& d : moving.direction[V::position].numbers) d = 0;
      moving.direction[V::position].numbers[static_cast<std::size_t>(row * V::dim + k)] = 1;
      real dual = 0;
      for (std::int64_t out = 0; out < row_count(data, A); ++out) {
        const values along = reduce_row<Spec, A>(moving, out);
        for (int d = 0; d < Spec::dim; ++d)
          dual += along[d].derivative * e.numbers[static_cast<std::size_t>(out * Spec::dim + d)];
      }
      EXPECT_NEAR(static_cast<double>(pulled_back[k].value), static_cast<double>(dual),
                  1e-15 * (1 + std::fabs(static_cast<double>(dual))))
          << gradient.text().c_str() << ", row " << row << ", component " << k;
    }
  }
}

}  // namespace

TEST(gradient, of_sums) {
  constexpr auto F = exp(-g * sqdist(x, y)) * w;
  check_gradient<float>(kf::sum_reduction(F), x);
  check_gradient<float>(kf::sum_reduction(F), y);
  check_gradient<double>(kf::sum_reduction(F), g);
  check_gradient(kf::sum_reduction(F), w);
  check_gradient(kf::sum_reduction<kf::axis::i>(F), x);
  check_gradient(kf::sum_reduction<kf::axis::i>(F), w);
  check_gradient<double>(kf::sum_reduction<kf::axis::both>(F), y);
}
TEST(gradient, of_extrema) {
  check_gradient(kf::min_reduction(sqdist(x, y)), x);
  check_gradient<float>(kf::max_reduction(x * y), y);
  check_gradient(kf::min_reduction(tensorprod(x, w)), w);
  check_gradient(kf::max_reduction<kf::axis::i>(g * sqdist(x, y)), g);
}
TEST(gradient, of_the_k_least) {
  check_gradient<double>(kf::kmin_reduction<3>(sqdist(x, y)), x);
  check_gradient(kf::kmin_reduction<2>(x * y), y);
  check_gradient(kf::kmin_reduction<3, kf::axis::i>(sqdist(x, y)), x);
}
TEST(gradient, of_logsumexp) {
  check_gradient<float>(kf::logsumexp_reduction(-g * sqdist(x, y)), x);
  check_gradient(kf::logsumexp_reduction(-g * sqdist(x, y)), y);
  check_gradient(kf::logsumexp_reduction<kf::axis::i>(-g * sqdist(x, y)), y);
  check_gradient(kf::logsumexp_reduction<kf::axis::both>(-g * sqdist(x, y)), g);
  check_gradient(kf::logsumexp_reduction((x | y), w), x);
  check_gradient<double>(kf::logsumexp_reduction((x | y), w), w);
}
TEST(gradient, of_softmax) {
  check_gradient<float>(kf::softmax_reduction((x | y), w), y);
  check_gradient(kf::softmax_reduction((x | y), w), x);
  check_gradient(kf::softmax_reduction((x | y), w), w);
  check_gradient(kf::softmax_reduction<kf::axis::i>((x | y), x), x);
}

// A gradient is a reduction, and has gradients. Here a reduction is a symbol inside the formula (the softmax weights).
TEST(gradient, of_gradients) {
  constexpr auto e = kf::Vi<4, 3>;
  constexpr auto d = kf::Vi<4, 1>;
  check_gradient(kf::grad(kf::sum_reduction(exp(-g * sqdist(x, y))), x, d), y);
  check_gradient<double>(kf::grad(kf::logsumexp_reduction(-g * sqdist(x, y)), x, d), x);
  check_gradient(kf::grad(kf::logsumexp_reduction(-g * sqdist(x, y)), x, d), y);
  check_gradient(kf::grad(kf::softmax_reduction(g * (x | y), y), x, e), g);
}

// Where every column lies at -inf the log-sum-exp is -inf, and its gradient is 0 and not NaN.
TEST(gradient, of_a_logsumexp_of_nothing) {
  arrays data = numbers_for(3, 5);
  data.at[2] = {1, {1, 1, 1}};  // the incoming gradient
  for (real& v : data.at[1].numbers) v = 1e30L;
  const auto gradient = call<float>(kf::grad(kf::logsumexp_reduction(-sqdist(x, y)), y), data);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(gradient(0, k), 0);
}
