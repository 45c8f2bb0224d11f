// kernfold/api/taped.hpp: dense matrices whose origin a tape knows, and what may be done to them.
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

}  // namespace kernfold
KERNFOLD_STRICT_END
