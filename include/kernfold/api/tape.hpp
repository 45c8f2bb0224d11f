// kernfold/api/tape.hpp: a reverse tape over lazy reductions, and dense matrices between them.
#pragma once

#include "lazy.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

template <int Order> class tape;

namespace detail {

class adjoint_list;

/// One computation: where its result is, and how the result's adjoint flows on.
struct tape_step {
  tape_step* before = nullptr;
  virtual bool has_result(const void* data) const = 0;  // one of its results is there
  virtual void pull(class tape_record& onto, adjoint_list& adjoints) = 0;
  virtual ~tape_step() = default;
};

/// The steps of a tape, and their results.
class tape_record {
 public:
  tape_record() = default;
  tape_record(const tape_record&) = delete;
  ~tape_record() {
    while (last_ != nullptr) {
      tape_step* const before = last_->before;
      delete last_;
      last_ = before;
    }
  }
  template <class Step> Step& add(Step* step) {
    step->before = last_;
    last_ = step;
    return *step;
  }
  tape_step* last() const { return last_; }
  bool has_result(const void* data) const {
    for (const tape_step* s = last_; s != nullptr; s = s->before)
      if (s->has_result(data)) return true;
    return false;
  }

 private:
  tape_step* last_ = nullptr;
};

}  // namespace detail

/// A matrix whose origin a tape knows: a result of K.sum_j(tape), or of operations on such. It is little more than a
/// pointer to numbers that the tape keeps; wherever an array goes, it goes.
template <class T> class taped {
 public:
  taped() = default;
  taped(detail::tape_record& tape, const matrix<T>& value) : tape_(&tape), value_(&value) {}

  std::int64_t rows() const { return value_->rows(); }
  std::int64_t cols() const { return value_->cols(); }
  std::int64_t row_stride() const { return value_->row_stride(); }
  std::int64_t col_stride() const { return value_->col_stride(); }
  std::int64_t size() const { return value_->size(); }
  const T* data() const { return value_->data(); }
  const T& operator()(std::int64_t i, std::int64_t k) const { return (*value_)(i, k); }
  const T& operator[](std::int64_t n) const { return (*value_)[n]; }
  /// A copy that outlives the tape.
  matrix<T> value() const { return *value_; }

  detail::tape_record& record() const { return *tape_; }
  /// The same numbers, what is made of them being recorded elsewhere.
  taped on(detail::tape_record& other) const { return {other, *value_}; }

 private:
  detail::tape_record* tape_ = nullptr;
  const matrix<T>* value_ = nullptr;
};

namespace detail {

/// The adjoints of results and arrays, by where their numbers are.
class adjoint_list {
 public:
  adjoint_list(const tape_record& of, const void* const* wanted, int count) : of_(of), wanted_(wanted), count_(count) {}
  adjoint_list(const adjoint_list&) = delete;
  ~adjoint_list() {
    while (first_ != nullptr) {
      entry* const next = first_->next;
      delete first_;
      first_ = next;
    }
  }

  /// Whether anybody asks for the adjoint of what is there: the caller, or an earlier step.
  bool wants(const void* data) const {
    for (int k = 0; k < count_; ++k)
      if (wanted_[k] == data) return true;
    return of_.has_result(data);
  }
  template <class T> void add(const void* data, const taped<T>& more) {
    for (entry* e = first_; e != nullptr; e = e->next)
      if (e->data == data) {
        taped<T>& all = e->get<T>();
        all = all + more;
        return;
      }
    entry* const e = new entry{first_, data, {}, {}};
    e->get<T>() = more;
    first_ = e;
  }
  /// Null where nothing depends on what is there.
  template <class T> const taped<T>* find(const void* data) const {
    for (entry* e = first_; e != nullptr; e = e->next)
      if (e->data == data) return &e->get<T>();
    return nullptr;
  }

 private:
  struct entry {
    entry* next;
    const void* data;
    taped<float> single;
    taped<double> real;
    template <class T> taped<T>& get() {
      if constexpr (std::is_same_v<T, float>) return single;
      else return real;
    }
  };
  const tape_record& of_;
  const void* const* wanted_;
  int count_;
  entry* first_ = nullptr;
};

/// A dense operation: its result, and pull(e, adjoints), which hands on the adjoint e of that.
template <class T, class Pull> struct dense_step final : tape_step {
  matrix<T> value;
  Pull hand_on;
  dense_step(matrix<T> v, Pull p) : value(static_cast<matrix<T>&&>(v)), hand_on(p) {}
  bool has_result(const void* data) const override { return value.data() == data; }
  void pull(tape_record& onto, adjoint_list& adjoints) override {
    if (const taped<T>* const e = adjoints.find<T>(value.data())) hand_on(e->on(onto), adjoints);
  }
};
template <class T, class Pull> taped<T> record_dense(tape_record& on, matrix<T> value, Pull pull) {
  auto& step = on.add(new dense_step<T, Pull>(static_cast<matrix<T>&&>(value), pull));
  return {on, step.value};
}

[[gnu::cold, gnu::noinline]] inline void refuse_shapes(const char* what, std::int64_t rows, std::int64_t cols,
                                                       std::int64_t other_rows, std::int64_t other_cols) {
  throw shape_error(message() << what << " of matrices on a tape: " << rows << " x " << cols << " and " << other_rows
                              << " x " << other_cols << " do not fit each other");
}
template <class T> bool is_number(const taped<T>& a) { return a.rows() == 1 && a.cols() == 1; }

/// f(a, b) element by element; a matrix of one number meets all elements of the other.
template <class T, class F> matrix<T> elementwise_of(const char* what, const taped<T>& a, const taped<T>& b, F f) {
  const bool repeats_a = is_number(a) && !is_number(b), repeats_b = is_number(b) && !is_number(a);
  if (!repeats_a && !repeats_b && (a.rows() != b.rows() || a.cols() != b.cols()))
    refuse_shapes(what, a.rows(), a.cols(), b.rows(), b.cols());
  matrix<T> value(repeats_a ? b.rows() : a.rows(), repeats_a ? b.cols() : a.cols());
  for (std::int64_t n = 0; n < value.size(); ++n) value[n] = f(a[repeats_a ? 0 : n], b[repeats_b ? 0 : n]);
  return value;
}
template <class T, class F> matrix<T> transformed(const taped<T>& a, F f) {
  matrix<T> value(a.rows(), a.cols());
  for (std::int64_t n = 0; n < value.size(); ++n) value[n] = f(a[n]);
  return value;
}
/// The adjoint of an operand that may have been repeated.
template <class T> void add_adjoint(adjoint_list& adjoints, const taped<T>& operand, const taped<T>& adjoint) {
  if (!adjoints.wants(operand.data())) return;
  if (is_number(operand) && !is_number(adjoint)) adjoints.add(operand.data(), sum(adjoint));
  else adjoints.add(operand.data(), adjoint);
}
/// A number as a matrix.
template <class T> taped<T> number_on(tape_record& on, T number) {
  matrix<T> value(1, 1);
  value[0] = number;
  return record_dense(on, static_cast<matrix<T>&&>(value), [](const taped<T>&, adjoint_list&) {});
}
/// f(a) whose adjoint is slope(e, a, f(a)).
template <class T, class F, class Slope> taped<T> record_unary(const taped<T>& a, F f, Slope slope) {
  // The result is its own argument of the slope: found again by the step, whose value it is.
  struct hand_on {
    taped<T> a;
    const matrix<T>* value;
    Slope slope;
    void operator()(const taped<T>& e, adjoint_list& adjoints) const {
      if (adjoints.wants(a.data())) adjoints.add(a.data(), slope(e, a.on(e.record()), taped<T>(e.record(), *value)));
    }
  };
  auto& step = a.record().add(new dense_step<T, hand_on>(transformed(a, f), {a, nullptr, slope}));
  step.hand_on.value = &step.value;
  return {a.record(), step.value};
}

}  // namespace detail

// ---- dense matrices on a tape --------------------------------------------------------------------------------------
// Matrices of the same shape element by element; one of a single number meets all elements of the other.

template <class T> taped<T> operator+(const taped<T>& a, const taped<T>& b) {
  return detail::record_dense(a.record(), detail::elementwise_of("the sum", a, b, [](T x, T y) { return x + y; }),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                detail::add_adjoint(adjoints, a, e);
                                detail::add_adjoint(adjoints, b, e);
                              });
}
template <class T> taped<T> operator-(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return -x; }, [](const auto& e, const auto&, const auto&) { return -e; });
}
template <class T> taped<T> operator-(const taped<T>& a, const taped<T>& b) {
  return detail::record_dense(a.record(),
                              detail::elementwise_of("the difference", a, b, [](T x, T y) { return x - y; }),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                detail::add_adjoint(adjoints, a, e);
                                detail::add_adjoint(adjoints, b, -e);
                              });
}
template <class T> taped<T> operator*(const taped<T>& a, const taped<T>& b) {
  return detail::record_dense(a.record(), detail::elementwise_of("the product", a, b, [](T x, T y) { return x * y; }),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                detail::add_adjoint(adjoints, a, e * b.on(e.record()));
                                detail::add_adjoint(adjoints, b, e * a.on(e.record()));
                              });
}
template <class T> taped<T> operator/(const taped<T>& a, const taped<T>& b) {
  return detail::record_dense(a.record(), detail::elementwise_of("the quotient", a, b, [](T x, T y) { return x / y; }),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                const taped<T> A = a.on(e.record()), B = b.on(e.record());
                                detail::add_adjoint(adjoints, a, e / B);
                                detail::add_adjoint(adjoints, b, -(e * A / (B * B)));
                              });
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator+(const taped<T>& a, N n) {
  return a + detail::number_on(a.record(), static_cast<T>(n));
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator+(N n, const taped<T>& a) {
  return detail::number_on(a.record(), static_cast<T>(n)) + a;
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator-(const taped<T>& a, N n) {
  return a - detail::number_on(a.record(), static_cast<T>(n));
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator-(N n, const taped<T>& a) {
  return detail::number_on(a.record(), static_cast<T>(n)) - a;
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator*(const taped<T>& a, N n) {
  return a * detail::number_on(a.record(), static_cast<T>(n));
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator*(N n, const taped<T>& a) {
  return detail::number_on(a.record(), static_cast<T>(n)) * a;
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator/(const taped<T>& a, N n) {
  return a / detail::number_on(a.record(), static_cast<T>(n));
}
template <class T, std::convertible_to<T> N>
  requires std::is_arithmetic_v<N>
taped<T> operator/(N n, const taped<T>& a) {
  return detail::number_on(a.record(), static_cast<T>(n)) / a;
}

template <class T> taped<T> exp(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::exp(x); }, [](const auto& e, const auto&, const auto& v) { return e * v; });
}
template <class T> taped<T> log(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::log(x); }, [](const auto& e, const auto& x, const auto&) { return e / x; });
}
template <class T> taped<T> sqrt(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::sqrt(x); }, [](const auto& e, const auto&, const auto& v) { return e / (v + v); });
}
template <class T> taped<T> square(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return x * x; }, [](const auto& e, const auto& x, const auto&) { return e * (x + x); });
}
template <class T> taped<T> inv(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return T(1) / x; }, [](const auto& e, const auto&, const auto& v) { return -(e * (v * v)); });
}
template <class T> taped<T> cos(const taped<T>& a);
template <class T> taped<T> sin(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::sin(x); }, [](const auto& e, const auto& x, const auto&) { return e * cos(x); });
}
template <class T> taped<T> cos(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::cos(x); }, [](const auto& e, const auto& x, const auto&) { return -(e * sin(x)); });
}
template <class T> taped<T> tanh(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::tanh(x); }, [](const auto& e, const auto&, const auto& v) { return e * (1 - v * v); });
}
template <class T> taped<T> sign(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return T((x > 0) - (x < 0)); }, [](const auto& e, const auto&, const auto&) { return e * 0; });
}
template <class T> taped<T> abs(const taped<T>& a) {
  return detail::record_unary(
      a, [](T x) { return math::abs(x); }, [](const auto& e, const auto& x, const auto&) { return e * sign(x); });
}

/// The number a repeated in `rows` rows and `cols` columns.
template <class T> taped<T> repeated(const taped<T>& a, std::int64_t rows, std::int64_t cols) {
  if (!detail::is_number(a)) detail::refuse_shapes("a repetition", a.rows(), a.cols(), rows, cols);
  matrix<T> value(rows, cols);
  for (T& v : value) v = a[0];
  return detail::record_dense(a.record(), static_cast<matrix<T>&&>(value),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                if (adjoints.wants(a.data())) adjoints.add(a.data(), sum(e));
                              });
}
/// sum_ik a_ik, a matrix of one number
template <class T> taped<T> sum(const taped<T>& a) {
  matrix<T> value(1, 1);
  double all = 0;
  for (std::int64_t n = 0; n < a.size(); ++n) all += double(a[n]);
  value[0] = static_cast<T>(all);
  return detail::record_dense(a.record(), static_cast<matrix<T>&&>(value),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                if (adjoints.wants(a.data())) adjoints.add(a.data(), repeated(e, a.rows(), a.cols()));
                              });
}
/// sum_ik a_ik b_ik
template <class T> taped<T> dot(const taped<T>& a, const taped<T>& b) { return sum(a * b); }
/// a_ki
template <class T> taped<T> transposed(const taped<T>& a) {
  matrix<T> value(a.cols(), a.rows());
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t k = 0; k < a.cols(); ++k) value(k, i) = a(i, k);
  return detail::record_dense(a.record(), static_cast<matrix<T>&&>(value),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                if (adjoints.wants(a.data())) adjoints.add(a.data(), transposed(e));
                              });
}
/// sum_k a_ik b_kl: for the small matrices of a layer; plain loops.
template <class T> taped<T> matmul(const taped<T>& a, const taped<T>& b) {
  if (a.cols() != b.rows()) detail::refuse_shapes("the matrix product", a.rows(), a.cols(), b.rows(), b.cols());
  matrix<T> value = matrix<T>::zeros(a.rows(), b.cols());
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t k = 0; k < a.cols(); ++k)
      for (std::int64_t l = 0; l < b.cols(); ++l) value(i, l) += a(i, k) * b(k, l);
  return detail::record_dense(a.record(), static_cast<matrix<T>&&>(value),
                              [=](const taped<T>& e, detail::adjoint_list& adjoints) {
                                if (adjoints.wants(a.data()))
                                  adjoints.add(a.data(), matmul(e, transposed(b.on(e.record()))));
                                if (adjoints.wants(b.data()))
                                  adjoints.add(b.data(), matmul(transposed(a.on(e.record())), e));
                              });
}

// ---- reductions on a tape ------------------------------------------------------------------------------------------

namespace detail {

/// What a formula means by a reduction's value, once that is an array: number `Number` of the outputs of a step that
/// may be differentiated Order times.
template <class Leaf, int Order, int Number>
using handed_in = variable<Leaf::symbol_role, slot_position(Leaf::symbol_role, 10'000 + 100 * Order + Number),
                           Leaf::dim, typename Leaf::element>;
/// The adjoint of output number Number of such a step.
template <axis A, int Dim, int Order, int Number>
using handed_adjoint = variable<output_role(A), slot_position(output_role(A), 20'000 + 100 * Order + Number), Dim>;

/// The values of reductions among Leaves become arrays.
template <int Order, class... Leaves> struct hand_in {
  static consteval role role_of(role r) { return r; }
  template <class V> using of = V;
  template <class Leaf> struct found {
    using type = Leaf;
  };
  template <class Leaf>
    requires(contains<Leaf>(type_list<Leaves...>{}))
  struct found<Leaf> {
    using type = handed_in<Leaf, Order, index_of<Leaf>(type_list<Leaves...>{})>;
  };
};
template <class Spec, axis A, int Order, class... Leaves> struct renamed<folded<Spec, A>, hand_in<Order, Leaves...>> {
  using type = typename hand_in<Order, Leaves...>::template found<folded<Spec, A>>::type;
};

template <class V> inline constexpr bool is_differentiable = std::is_same_v<typename V::element, default_real>;
template <class Spec, axis A, class V, class E>
using adjoint_formula = bare<decltype(Spec::template adjoint<A>(V{}, E{}))>;

/// The values of reductions that the derivatives of Spec by Vs ask for, its own first.
template <class Spec, axis A, class... Vs> struct asked_for {
  using E = handed_adjoint<A, Spec::dim, 0, 0>;
  template <class V> static constexpr auto formulas_of() {
    if constexpr (is_differentiable<V>) return type_list<adjoint_formula<Spec, A, V, E>>{};
    else return type_list<>{};
  }
  using type = unite<type_list<folded<Spec, A>>, typename folded_in<join<decltype(formulas_of<Vs>())...>>::type>;
};

[[gnu::cold, gnu::noinline]] inline void refuse_order() {
  throw error("a tape was asked for a derivative of higher order than it records: kf::tape<2> has two, and so on");
}

/// Where a bound array's numbers are.
template <class Bound> const void* data_of_bound(const Bound& bound) {
  if constexpr (std::is_arithmetic_v<typename Bound::array>) return __builtin_addressof(bound.get());
  else return describe(bound.get()).data;
}

template <int Order, class Matrix, class R, class List>
auto record_reduction(tape_record& on, const Matrix& K, R r, const List& arrays);

/// A reduction on a tape: its value, and those that its derivatives need.
template <int Order, class Matrix, class R, class List, class Leaves> struct reduction_step;
template <int Order, class Matrix, class Signature, class Options, axis A, class Spec, class... Bound, class... Leaves>
struct reduction_step<Order, Matrix, reduction<Signature, Options, item<A, Spec>>, bound_list<Bound...>,
                      type_list<Leaves...>>
    final : tape_step {
  using all_outputs = reduction<Signature, Options, item<A, typename Leaves::spec>...>;
  using numbers = std::make_integer_sequence<int, sizeof...(Leaves)>;
  using real = typename bound_list<Bound...>::template real_of<all_outputs>;
  template <class Leaf> using element = std::conditional_t<Leaf::result == kind::index, std::int64_t, real>;

  Matrix place;  // where it runs, and over which pairs
  bound_list<Bound...> arrays;
  slot_list_of<matrix<element<Leaves>>...> outputs;

  reduction_step(const Matrix& K, const bound_list<Bound...>& a) : place(K), arrays(a) {
    if constexpr (sizeof...(Leaves) == 1) {
      detail::get<0>(outputs) = arrays.call(place.placed_call(all_outputs{}));
    } else {
      auto all = arrays.call(place.placed_call(all_outputs{}));
      keep(all, numbers{});
    }
    if (detail::get<0>(outputs).batch() != 1)
      throw shape_error(message() << "a tape takes no batches: " << all_outputs::text() << " is one of "
                                  << detail::get<0>(outputs).batch() << " problems");
  }
  bool has_result(const void* data) const override { return has_result(data, numbers{}); }
  void pull(tape_record& onto, adjoint_list& adjoints) override { pull_all(onto, adjoints, numbers{}); }

 private:
  template <int... Ns> bool has_result(const void* data, std::integer_sequence<int, Ns...>) const {
    return ((static_cast<const void*>(detail::get<Ns>(outputs).data()) == data) || ...);
  }
  template <class All, int... Ns> void keep(All& all, std::integer_sequence<int, Ns...>) {
    ((detail::get<Ns>(outputs) = static_cast<matrix<element<Leaves>>&&>(detail::get<Ns>(all))), ...);
  }
  template <int... Ns> void pull_all(tape_record& onto, adjoint_list& adjoints, std::integer_sequence<int, Ns...>) {
    (pull_output<Ns>(onto, adjoints), ...);
  }
  template <int N> void pull_output(tape_record& onto, adjoint_list& adjoints) {
    using leaf = type_at<type_list<Leaves...>, N>;
    if constexpr (leaf::result == kind::real) {
      const taped<real>* const e = adjoints.find<real>(detail::get<N>(outputs).data());
      if (e == nullptr) return;
      if constexpr (Order == 0) refuse_order();
      else hand_on<N>(e->on(onto), onto, adjoints, std::make_integer_sequence<int, sizeof...(Bound)>{});
    }
  }
  template <int N, int... Is>
  void hand_on(const taped<real>& e, tape_record& onto, adjoint_list& adjoints, std::integer_sequence<int, Is...>) {
    (hand_on_to<N, Is>(e, onto, adjoints), ...);
  }
  /// What flows from output N to array number At.
  template <int N, int At> void hand_on_to(const taped<real>& e, tape_record& onto, adjoint_list& adjoints) {
    using leaf = type_at<type_list<Leaves...>, N>;
    using V = typename type_at<type_list<Bound...>, At>::variable;
    if constexpr (is_differentiable<V>) {
      using E = handed_adjoint<A, leaf::dim, Order, N>;
      using G = typename renamed<adjoint_formula<typename leaf::spec, A, V, E>, hand_in<Order, Leaves...>>::type;
      const void* const data = data_of_bound(detail::get<At>(arrays.all));
      if constexpr (!is_zero<G>) {
        if (!adjoints.wants(data)) return;
        using gradient =
            reduction<unite<unite<Signature, type_list<E>>,
                            type_list<handed_in<Leaves, Order, index_of<Leaves>(type_list<Leaves...>{})>...>>,
                      Options, item<axis_leaving(V::symbol_role), sum_spec<G>>>;
        adjoints.add(data,
                     record_reduction<Order - 1>(
                         onto, place, gradient{},
                         with_outputs(with_bound(arrays, bound_array<E, taped<real>, true>{e}), onto, numbers{})));
      }
    }
  }
  template <class Arrays, int... Ns>
  auto with_outputs(const Arrays& a, tape_record& onto, std::integer_sequence<int, Ns...>) const {
    return merged(a, bound_list<decltype(bound_output<Ns>(onto))...>{{{bound_output<Ns>(onto)}...}});
  }
  template <int N> auto bound_output(tape_record& onto) const {
    using leaf = type_at<type_list<Leaves...>, N>;
    using V = handed_in<leaf, Order, N>;
    const auto& m = detail::get<N>(outputs);
    if constexpr (leaf::result == kind::index) {
      using shown = view<const std::int64_t>;
      return bound_array<V, shown, true>{shown{m.data(), m.rows(), m.cols()}};
    } else {
      return bound_array<V, taped<real>, true>{taped<real>(onto, m)};
    }
  }
};

template <class Spec, axis A, class List> struct leaves_asked_for;
template <class Spec, axis A, class... Bound> struct leaves_asked_for<Spec, A, bound_list<Bound...>> {
  using type = typename asked_for<Spec, A, typename Bound::variable...>::type;
};
template <int Order, class Matrix, class Signature, class Options, axis A, class Spec, class List>
auto record_spec(tape_record& on, const Matrix& K, reduction<Signature, Options, item<A, Spec>>, const List& arrays) {
  static_assert(Spec::result == kind::real, "kernfold: an index has no gradient, so a tape has no use for it");
  static_assert(A != axis::none);
  using leaves =
      std::conditional_t<(Order > 0), typename leaves_asked_for<Spec, A, List>::type, type_list<folded<Spec, A>>>;
  using step = reduction_step<Order, Matrix, reduction<Signature, Options, item<A, Spec>>, List, leaves>;
  const step& made = on.add(new step(K, arrays));
  return taped<typename step::real>(on, detail::get<0>(made.outputs));
}
template <int Order, class Matrix, class R, class List>
auto record_reduction(tape_record& on, const Matrix& K, R r, const List& arrays) {
  return record_spec<Order>(on, K, r, arrays);
}

}  // namespace detail

/// Records lazy reductions and what is made of their results, and gives derivatives of it:
///   kf::tape t;
///   auto a = K.sum_j(t);                             a taped matrix: + - * /, exp, sum, dot, matmul, ... are recorded,
///   too auto [gX, gY] = t.gradient(sum(square(a)), X, Y);    with respect to any array that a lazy matrix was made of
/// An array that is used several times, as rows and as columns, gets the sum of what flows to it; arrays are told apart
/// by where they begin. Taped matrices may be
/// arrays of further lazy matrices. The tape keeps the results, and what their derivatives need of other reductions
/// (the columns of a minimum, the log-sum-exp of a softmax), computed in the same sweep; nothing is computed twice.
/// kf::tape<2> has derivatives of derivatives: of t.taped_gradient(...), whose results are on the tape again.
template <int Order = 1> class tape {
 public:
  static constexpr bool is_tape = true;
  tape() = default;
  tape(const tape&) = delete;
  tape& operator=(const tape&) = delete;

  /// A matrix of the caller's as one on the tape, for dense operations: it must live as long as the tape.
  template <class T> taped<T> variable(const matrix<T>& m) { return {record_, m}; }
  template <class T> taped<T> variable(const matrix<T>&&) = delete;

  /// dloss/dA for each of the arrays, as new matrices of a row for each point; zeros where nothing flows. The loss is a
  /// matrix of one number. Throws shape_error, and what a call throws.
  template <class T, class... Arrays> auto gradient(const taped<T>& loss, const Arrays&... arrays) {
    detail::tape_record scratch;
    const void* const wanted[] = {data_of(arrays)..., nullptr};
    detail::adjoint_list adjoints(record_, wanted, int(sizeof...(Arrays)));
    pull(loss, scratch, adjoints);
    return results<matrix<real_of<Arrays>>...>{{{value_of<real_of<Arrays>>(adjoints, arrays)}...}};
  }
  /// The same on the tape, to be differentiated once more.
  template <class T, class... Arrays> auto taped_gradient(const taped<T>& loss, const Arrays&... arrays) {
    const void* const wanted[] = {data_of(arrays)..., nullptr};
    detail::adjoint_list adjoints(record_, wanted, int(sizeof...(Arrays)));
    pull(loss, record_, adjoints);
    return results<taped<real_of<Arrays>>...>{{{taped_of<real_of<Arrays>>(adjoints, arrays)}...}};
  }

  /// What K.sum_j(t) and its like do.
  template <class Matrix, class R, class List> auto record(const Matrix& K, R r, const List& arrays) {
    return detail::record_reduction<Order>(record_, K, r, arrays);
  }

 private:
  detail::tape_record record_;

  template <class A> using real_of = std::conditional_t<is_narrow_real<element_of<A>>, float, element_of<A>>;
  template <class A> static const void* data_of(const A& a) { return describe(a).data; }
  template <class T> void pull(const taped<T>& loss, detail::tape_record& onto, detail::adjoint_list& adjoints) {
    if (!detail::is_number(loss))
      throw shape_error(message() << "the gradient of a matrix of " << loss.rows() << " x " << loss.cols()
                                  << " elements was asked for: that of one number can be had, as of its sum");
    adjoints.add(loss.data(), detail::number_on(onto, T(1)));
    for (detail::tape_step* s = last_before(loss); s != nullptr; s = s->before) s->pull(onto, adjoints);
  }
  /// The step whose result the loss is: later ones do not matter.
  template <class T> detail::tape_step* last_before(const taped<T>& loss) const {
    detail::tape_step* s = record_.last();
    while (s != nullptr && !s->has_result(loss.data())) s = s->before;
    return s;
  }
  template <class T, class A> static matrix<T> zeros_like(const A& a) {
    const auto raw = describe(a);
    return raw.is_flat ? matrix<T>::zeros(raw.total, 1) : matrix<T>::zeros(raw.rows, raw.dim);
  }
  template <class T, class A> static matrix<T> value_of(const detail::adjoint_list& adjoints, const A& a) {
    const taped<T>* const found = adjoints.find<T>(data_of(a));
    return found != nullptr ? found->value() : zeros_like<T>(a);
  }
  template <class T, class A> taped<T> taped_of(const detail::adjoint_list& adjoints, const A& a) {
    if (const taped<T>* const found = adjoints.find<T>(data_of(a))) return *found;
    return detail::record_dense(record_, zeros_like<T>(a), [](const taped<T>&, detail::adjoint_list&) {});
  }
};

}  // namespace kernfold
KERNFOLD_STRICT_END
