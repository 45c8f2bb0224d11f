// kernfold/api/lazy.hpp: matrices that are formulas: variables bound to arrays, and what their reductions compute.
#pragma once

#include "../formula/roles.hpp"
#include "gradient.hpp"
#include "lazy_arrays.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

template <class F, class... Bound> class lazy;

namespace detail {

/// kf::tape, which is tape.hpp's.
template <class T>
concept tape_like = requires { requires T::is_tape; };

/// The reductions of a lazy matrix, each of which computes: a new matrix, or, with a kf::tape as the last argument, one
/// that the tape knows. Self::reduce(reduction) calls it with the matrix's arrays; Self::reduce_with(other, f) that of
/// f(formula, other's), where another lazy matrix joins.
template <class Self> struct lazy_reductions {
  auto sum_j(tape_like auto&... t) const { return self().reduce(sum_reduction<axis::j>(f()), t...); }
  auto sum_i(tape_like auto&... t) const { return self().reduce(sum_reduction<axis::i>(f()), t...); }
  auto sum_ij(tape_like auto&... t) const { return self().reduce(sum_reduction<axis::both>(f()), t...); }
  auto min_j(tape_like auto&... t) const { return self().reduce(min_reduction<axis::j>(f()), t...); }
  auto min_i(tape_like auto&... t) const { return self().reduce(min_reduction<axis::i>(f()), t...); }
  auto max_j(tape_like auto&... t) const { return self().reduce(max_reduction<axis::j>(f()), t...); }
  auto max_i(tape_like auto&... t) const { return self().reduce(max_reduction<axis::i>(f()), t...); }
  auto argmin_j() const { return self().reduce(argmin_reduction<axis::j>(f())); }
  auto argmin_i() const { return self().reduce(argmin_reduction<axis::i>(f())); }
  auto argmax_j() const { return self().reduce(argmax_reduction<axis::j>(f())); }
  auto argmax_i() const { return self().reduce(argmax_reduction<axis::i>(f())); }
  template <int K> auto kmin_j(tape_like auto&... t) const {
    return self().reduce(kmin_reduction<K, axis::j>(f()), t...);
  }
  template <int K> auto kmin_i(tape_like auto&... t) const {
    return self().reduce(kmin_reduction<K, axis::i>(f()), t...);
  }
  template <int K> auto argkmin_j() const { return self().reduce(argkmin_reduction<K, axis::j>(f())); }
  template <int K> auto argkmin_i() const { return self().reduce(argkmin_reduction<K, axis::i>(f())); }
  auto logsumexp_j(tape_like auto&... t) const { return self().reduce(logsumexp_reduction<axis::j>(f()), t...); }
  auto logsumexp_i(tape_like auto&... t) const { return self().reduce(logsumexp_reduction<axis::i>(f()), t...); }
  auto logsumexp_ij(tape_like auto&... t) const { return self().reduce(logsumexp_reduction<axis::both>(f()), t...); }

  // Two results, for auto [least, where] = ...
  auto min_argmin_j() const { return both(min_reduction<axis::j>(f()), argmin_reduction<axis::j>(f())); }
  auto min_argmin_i() const { return both(min_reduction<axis::i>(f()), argmin_reduction<axis::i>(f())); }
  auto max_argmax_j() const { return both(max_reduction<axis::j>(f()), argmax_reduction<axis::j>(f())); }
  auto max_argmax_i() const { return both(max_reduction<axis::i>(f()), argmax_reduction<axis::i>(f())); }
  template <int K> auto kmin_argkmin_j() const {
    return both(kmin_reduction<K, axis::j>(f()), argkmin_reduction<K, axis::j>(f()));
  }
  template <int K> auto kmin_argkmin_i() const {
    return both(kmin_reduction<K, axis::i>(f()), argkmin_reduction<K, axis::i>(f()));
  }

  // With a weight, or the values that are averaged, which are lazy, too.
  template <formula W> auto logsumexp_j(W weight, tape_like auto&... t) const {
    return self().reduce_with(
        weight, [](auto a, auto w) { return logsumexp_reduction<axis::j>(a, w); }, t...);
  }
  template <formula W> auto logsumexp_i(W weight, tape_like auto&... t) const {
    return self().reduce_with(
        weight, [](auto a, auto w) { return logsumexp_reduction<axis::i>(a, w); }, t...);
  }
  template <formula V> auto softmax_j(V values, tape_like auto&... t) const {
    return self().reduce_with(
        values, [](auto a, auto v) { return softmax_reduction<axis::j>(a, v); }, t...);
  }
  template <formula V> auto softmax_i(V values, tape_like auto&... t) const {
    return self().reduce_with(
        values, [](auto a, auto v) { return softmax_reduction<axis::i>(a, v); }, t...);
  }

  /// sum_j K_ij b_j for the columns of an array b of N rows, as an (M, columns) array; K is a matrix of numbers.
  template <class Array> auto matvec(const Array& b) const { return multiply(self(), b); }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
  static constexpr auto f() { return typename Self::formula_type{}; }
  template <class R, class S> auto both(R r, S s) const { return self().reduce(fold_all(r, s)); }
};

/// A view in the memory where an array is.
template <class Beside, class T>
auto array_beside(const Beside&, T* data, std::int64_t rows, std::int64_t dim, std::int64_t row_stride,
                  std::int64_t col_stride) {
  if constexpr (device_array_like<const Beside>) return device_view{data, rows, dim, row_stride, col_stride};
  else return view{data, rows, dim, row_stride, col_stride};
}
template <class M> auto* data_of_result(M& m) {
  if constexpr (device_array_like<M>) return m.device_data();
  else return m.data();
}
/// to += alpha b
template <class T, class Array> void add_multiple(matrix<T>& to, T alpha, const Array& b) {
  const view<const T> all = as_view(b, to.cols());
  if (all.rows() != to.rows())
    throw shape_error(message() << "a multiple of the identity is added to a matrix of " << to.rows() << " x "
                                << all.rows() << ": it is not square");
  for (std::int64_t i = 0; i < to.rows(); ++i)
    for (std::int64_t k = 0; k < to.cols(); ++k) to(i, k) += alpha * all(i, k);
}

/// What a formula of a reduction is made of, and the arrays that come with it.
template <class F> struct lazy_parts {
  using formula_type = F;
  static constexpr bound_list<> arrays(const F&) { return {}; }
};
template <carries_arrays F> struct lazy_parts<F> {
  using formula_type = typename F::formula_type;
  static auto arrays(const F& f) { return f.arrays(); }
};
template <class F, class... Bound> constexpr lazy<F, Bound...> make_lazy(F, const bound_list<Bound...>& arrays) {
  return lazy<F, Bound...>(arrays);
}

/// An array as a variable that carries it.
template <role R, int Dim, int Slot, class Array> constexpr auto bind_lazily(Array&& array) {
  using A = std::remove_cvref_t<Array>;
  static_assert(Slot >= 0, "kernfold: slots of a lazy matrix are numbered from 0");
  constexpr bool by_value = is_shown<A> || (std::is_arithmetic_v<A> && !std::is_lvalue_reference_v<Array>);
  static_assert(
      std::is_lvalue_reference_v<Array> || by_value,
      "kernfold: a lazy matrix reads its arrays when it is reduced: a temporary would be gone by then; give the "
      "array a name");
  static_assert(R == role::parameter || !std::is_arithmetic_v<A>,
                "kernfold: a number is a parameter of a lazy matrix: kf::lazy_p<1>(number)");
  using element = std::conditional_t<!std::is_arithmetic_v<A> && std::is_integral_v<element_anywhere<A>>,
                                     element_anywhere<A>, default_real>;
  using V = variable<R, slot_position(R, Slot), Dim, element>;
  return make_lazy(V{},
                   bound_list<bound_array<V, A, by_value>>{{{make_bound<V, by_value>(static_cast<const A&>(array))}}});
}

/// K b, for the columns of b four at a time.
template <class Matrix, class Array> auto multiply(const Matrix& K, const Array& b) {
  using F = typename Matrix::formula_type;
  static_assert(F::dim == 1, "kernfold: matvec multiplies a matrix of numbers; this one's elements are vectors");
  constexpr int position = slot_position(role::j, 1000), at_once = 4;
  using one = variable<role::j, position, 1>;
  using several = variable<role::j, position, at_once>;
  const auto raw = describe_anywhere(b);
  const std::int64_t columns = raw.is_flat ? 1 : raw.dim;
  constexpr auto product = sum_reduction(F{} * one{});
  using real = typename Matrix::template real_of<std::remove_const_t<decltype(product)>, binding<one, Array>>;
  auto result = K.template allocate<real>(K.rows(), columns);
  const auto write = [&](auto of, auto part, std::int64_t first) {
    constexpr int width = decltype(of)::dim;
    auto* const to = data_of_result(result) + first;
    const auto of_result = array_beside(b, to, K.rows(), width, columns, std::int64_t(1));
    K.reduce_into(sum_reduction(F{} * of), of_result, binding<decltype(of), decltype(part)>{part});
  };
  const auto some = [&](std::int64_t first, std::int64_t width) {
    const std::int64_t rows = raw.is_flat ? raw.total : raw.rows;
    return array_beside(b, raw.data + first * (raw.is_flat ? 0 : raw.col_stride), rows, width,
                        raw.is_flat ? raw.col_stride : raw.row_stride, raw.col_stride);
  };
  if (columns >= at_once)  // the last four may begin among those before: to compute twice is cheaper than one by one
    for (std::int64_t c = 0; c < columns; c += at_once) {
      const std::int64_t first = c + at_once <= columns ? c : columns - at_once;
      write(several{}, some(first, at_once), first);
    }
  else
    for (std::int64_t c = 0; c < columns; ++c) write(one{}, some(c, 1), c);
  return result;
}

/// What r computes from arrays, or records on a tape.
template <class Matrix, class R, class List> auto call_or_record(const Matrix& K, R r, const List& arrays) {
  return arrays.call(K.placed_call(r));
}
template <class Matrix, class R, class List, tape_like Tape>
auto call_or_record(const Matrix& K, R r, const List& arrays, Tape& tape) {
  return tape.record(K, r, arrays);
}

/// A lazy matrix together with where, or over which pairs, it is reduced.
template <class Matrix, class Executor, class Space>
struct placed_lazy : lazy_reductions<placed_lazy<Matrix, Executor, Space>> {
  using formula_type = typename Matrix::formula_type;
  Matrix matrix;
  Executor where;
  Space pairs;

  placed_lazy(Matrix m, Executor e, Space s)
      : matrix(m), where(static_cast<Executor&&>(e)), pairs(static_cast<Space&&>(s)) {}
  template <class Other> auto on(Other executor) const {
    return placed_lazy<Matrix, Other, Space>(matrix, static_cast<Other&&>(executor), pairs);
  }
  template <space Other> auto over(Other other) const {
    static_assert(space_traits<Space>::kind == space_kind::all, "kernfold: a lazy matrix is reduced over one space");
    return placed_lazy<Matrix, Executor, Other>(matrix, where, static_cast<Other&&>(other));
  }
  std::int64_t rows() const { return matrix.rows(); }
  std::int64_t cols() const { return matrix.cols(); }

  template <class R> auto reduce(R r) const { return matrix.arrays().call(placed_call(r)); }
  template <class R, class Output, class... More> void reduce_into(R r, Output&& out, const More&... more) const {
    matrix.arrays().call_into(placed_call(r), out, more...);
  }
  template <class R, tape_like Tape> auto reduce(R r, Tape& tape) const {
    return tape.record(*this, r, matrix.arrays());
  }
  template <class G, class Make, tape_like... Tape> auto reduce_with(const G& other, Make make, Tape&... tape) const {
    using parts = lazy_parts<G>;
    return call_or_record(*this, make(formula_type{}, typename parts::formula_type{}),
                          merged(matrix.arrays(), parts::arrays(other)), tape...);
  }
  /// The call of a reduction that this one's place makes.
  template <class R> auto placed_call(R) const { return placed<R, Executor, Space>{where, {}, pairs}; }

  template <class R, class... More> using real_of = typename Matrix::template real_of<R, More...>;
  template <class T> auto allocate(std::int64_t count, std::int64_t columns) const {
    return executor_traits<Executor>::template allocate<T>(where, 1, count, columns);
  }
};

}  // namespace detail

/// A matrix F(p, x_i, y_j), never stored: F, and the arrays of its variables, made by kf::lazy_i, lazy_j and lazy_p and
/// all operations of formulas. Its members compute, from what the arrays hold by then:
///   K.sum_j(), K.argkmin_j<10>(), ...   reductions over j (one row per i), or over i: the list is lazy_reductions
///   K.matvec(b)                         K b for an array b of any number of columns
///   K.t(), K.diagonal(), K.dense()      the transpose, as a lazy matrix; the diagonal; all of it, stored
///   K.block(i0, i1, j0, j1)             the rows i0 <= i < i1 and columns j0 <= j < j1, as a lazy matrix
///   K.on(executor), K.over(space)       the same, somewhere else, or over some of the pairs
///   K + alpha * kf::identity            with matvec, t, diagonal and dense
/// An operation throws binding_error where one slot holds two arrays; members throw what a call throws.
template <class F, class... Bound> class lazy : public formula_base, public detail::lazy_reductions<lazy<F, Bound...>> {
 public:
  static constexpr bool is_lazy = true;
  using formula_type = F;
  static constexpr int dim = F::dim;
  static constexpr role_set depends = F::depends;
  static constexpr kind result = F::result;
  static constexpr std::uint64_t positions = F::positions;

  constexpr explicit lazy(const detail::bound_list<Bound...>& arrays) : arrays_(arrays) {}

  /// How many rows and columns its arrays give it; 1 where none does.
  std::int64_t rows() const { return arrays_.template rows_of<role::i>(); }
  std::int64_t cols() const { return arrays_.template rows_of<role::j>(); }

  template <class Executor> auto on(Executor where) const {
    return detail::placed_lazy<lazy, Executor, all_pairs>(*this, static_cast<Executor&&>(where), {});
  }
  template <detail::space Space> auto over(Space pairs) const {
    return detail::placed_lazy<lazy, cpu, Space>(*this, cpu{}, static_cast<Space&&>(pairs));
  }

  /// The matrix F(p, x_j, y_i).
  auto t() const { return renamed<detail::transposed_slots>(); }
  /// (F(p, x_i, y_i))_i
  auto diagonal() const { return renamed<detail::on_the_diagonal>().sum_j(); }
  /// (rows(), cols() dim): component k of F(p, x_i, y_j) is element (i, j dim + k).
  auto dense() const {
    static_assert((detail::numbers_read_by(type_list<detail::bare<F>>{}) & depends_on_j) == 0,
                  "kernfold: dense() takes the columns one by one, so column_index would always be 0");
    return arrays_.dense(sum_reduction(F{}), rows(), cols());
  }
  /// The rows i0 <= i < i1 and columns j0 <= j < j1. Throws shape_error where there are no such.
  auto block(std::int64_t i0, std::int64_t i1, std::int64_t j0, std::int64_t j1) const {
    static_assert(detail::numbers_read_by(type_list<detail::bare<F>>{}) == no_roles,
                  "kernfold: the rows and columns of a block are numbered from 0 again, so that row_index and "
                  "column_index would not be those of the whole");
    return detail::make_lazy(F{}, arrays_.block({i0, i1}, {j0, j1}));
  }

  // What operations and members are made of.
  constexpr const detail::bound_list<Bound...>& arrays() const { return arrays_; }
  template <class R> auto reduce(R r) const { return arrays_.call(r); }
  template <class R, class Output, class... More> void reduce_into(R r, Output&& out, const More&... more) const {
    arrays_.call_into(r, out, more...);
  }
  template <class R, detail::tape_like Tape> auto reduce(R r, Tape& tape) const {
    return tape.record(*this, r, arrays_);
  }
  template <class G, class Make, detail::tape_like... Tape>
  auto reduce_with(const G& other, Make make, Tape&... tape) const {
    return on(cpu{}).reduce_with(other, make, tape...);
  }
  template <class R> static constexpr R placed_call(R r) { return r; }
  template <class R, class... More> using real_of = typename detail::bound_list<Bound...>::template real_of<R, More...>;
  template <class T> static matrix<T> allocate(std::int64_t rows, std::int64_t columns) { return {rows, columns}; }
  template <class Op, class... Fs> static constexpr auto apply(const Fs&... fs) {
    return detail::make_lazy(make<Op>(typename detail::lazy_parts<Fs>::formula_type{}...),
                             detail::merged(detail::lazy_parts<Fs>::arrays(fs)...));
  }

 private:
  detail::bound_list<Bound...> arrays_;

  template <class Map> auto renamed() const {
    return detail::make_lazy(typename detail::renamed<F, Map>::type{}, arrays_.template renamed<Map>());
  }
};

/// (dF/dV)^T E and (dF/dV) U of lazy matrices, as of formulas; V is one that kf::lazy_i, lazy_j or lazy_p made.
template <formula F, formula V, formula E>
  requires(detail::carries_arrays<F> || detail::carries_arrays<V> || detail::carries_arrays<E>)
auto grad(const F& f, const V& v, const E& e) {
  return detail::make_lazy(
      grad(typename detail::lazy_parts<F>::formula_type{}, typename detail::lazy_parts<V>::formula_type{},
           typename detail::lazy_parts<E>::formula_type{}),
      detail::merged(detail::lazy_parts<F>::arrays(f), detail::lazy_parts<V>::arrays(v),
                     detail::lazy_parts<E>::arrays(e)));
}
template <detail::carries_arrays F, formula V> auto grad(const F& f, const V& v) { return grad(f, v, constant<1>); }
template <formula F, formula V, formula U>
  requires(detail::carries_arrays<F> || detail::carries_arrays<V> || detail::carries_arrays<U>)
auto diff(const F& f, const V& v, const U& u) {
  return detail::make_lazy(
      diff(typename detail::lazy_parts<F>::formula_type{}, typename detail::lazy_parts<V>::formula_type{},
           typename detail::lazy_parts<U>::formula_type{}),
      detail::merged(detail::lazy_parts<F>::arrays(f), detail::lazy_parts<V>::arrays(v),
                     detail::lazy_parts<U>::arrays(u)));
}

/// x_i from the rows of an array (M, Dim). Slots are numbered per role: a second array of rows goes to another one,
/// kf::lazy_i<3, 1>(U). The array is read when a reduction computes; until then it must live: a temporary is refused.
template <int Dim, int Slot = 0, class Array> constexpr auto lazy_i(Array&& array) {
  return detail::bind_lazily<role::i, Dim, Slot>(static_cast<Array&&>(array));
}
/// y_j from the rows of an array (N, Dim).
template <int Dim, int Slot = 0, class Array> constexpr auto lazy_j(Array&& array) {
  return detail::bind_lazily<role::j, Dim, Slot>(static_cast<Array&&>(array));
}
/// A parameter, the same for all pairs: an array of Dim numbers, or a number.
template <int Dim, int Slot = 0, class Array> constexpr auto lazy_p(Array&& array) {
  return detail::bind_lazily<role::parameter, Dim, Slot>(static_cast<Array&&>(array));
}

/// The matrix that is 1 where i = j; multiples of it are added to lazy matrices: K + alpha * kf::identity.
struct identity_matrix {};
inline constexpr identity_matrix identity{};
namespace detail {
template <class T> struct scaled_identity {
  T factor;
};

/// K + alpha I. K is square.
template <class Matrix, class T> struct shifted_lazy {
  Matrix matrix;
  T alpha;

  std::int64_t rows() const { return matrix.rows(); }
  std::int64_t cols() const { return matrix.cols(); }
  auto t() const { return shifted_lazy<decltype(matrix.t()), T>{matrix.t(), alpha}; }
  /// K b + alpha b
  template <class Array> auto matvec(const Array& b) const {
    auto product = matrix.matvec(b);
    add_multiple(product, static_cast<typename decltype(product)::value_type>(alpha), b);
    return product;
  }
  auto diagonal() const {
    auto all = matrix.diagonal();
    for (auto& v : all) v += static_cast<std::remove_reference_t<decltype(v)>>(alpha);
    return all;
  }
  auto dense() const {
    auto all = matrix.dense();
    for (std::int64_t i = 0; i < all.rows(); ++i)
      all(i, i) += static_cast<std::remove_reference_t<decltype(all(i, i))>>(alpha);
    return all;
  }
};
}  // namespace detail
template <class T>
  requires std::is_arithmetic_v<T>
constexpr detail::scaled_identity<T> operator*(T alpha, identity_matrix) {
  return {alpha};
}
template <class F, class... Bound, class T>
constexpr detail::shifted_lazy<lazy<F, Bound...>, T> operator+(const lazy<F, Bound...>& K,
                                                               detail::scaled_identity<T> i) {
  static_assert(F::dim == 1, "kernfold: a multiple of the identity is added to a matrix of numbers");
  return {K, i.factor};
}
template <class F, class... Bound>
constexpr detail::shifted_lazy<lazy<F, Bound...>, int> operator+(const lazy<F, Bound...>& K, identity_matrix) {
  return K + 1 * identity;
}

}  // namespace kernfold
KERNFOLD_STRICT_END
