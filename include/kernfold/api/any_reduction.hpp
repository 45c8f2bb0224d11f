// kernfold/api/any_reduction.hpp: a reduction whose type does not depend on its formula: compiled in one unit, called
// from any.
#pragma once

#include "cuda_host.hpp"
#include "reduction.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Argument number `position` of a call: its role, and its components per row, kf::dynamic where its array tells how
/// many; dim 0 where no variable has this position.
struct argument_shape {
  role symbol_role;
  int position, dim;
};

namespace detail {

/// An argument of any array-like type, its element type as data.
struct loose_array : given_array {
  element_code element{};
};

/// How a call finds its arguments: by position as they were given, and in the order of the symbols as they are used.
/// There are at most as many symbols as positions.
struct loose_call {
  const loose_array* by_position;
  int count;
  given_array* given;
  leaf_array* arrays;
  std::int64_t* numbers;
};

inline namespace KERNFOLD_ABI {

constexpr int position_count(const recipe& r) {
  int next = 0;
  for (int s = 0; s < r.symbol_count; ++s)
    if (r.symbols[s].position >= next) next = r.symbols[s].position + 1;
  return next;
}

/// "float", "std::int64_t", ...
constexpr const char* name_of(element_code e) {
  constexpr const char* integers[2][4] = {{"std::uint8_t", "std::uint16_t", "std::uint32_t", "std::uint64_t"},
                                          {"std::int8_t", "std::int16_t", "std::int32_t", "std::int64_t"}};
  if (e.kind == 'h') return "a real number of 16 bits";
  if (e.kind == 'f') return e.bytes == 4 ? "float" : e.bytes == 8 ? "double" : "long double";
  return integers[e.kind == 'i'][e.bytes == 1 ? 0 : e.bytes == 2 ? 1 : e.bytes == 4 ? 2 : 3];
}

[[gnu::cold, gnu::noinline]] inline void refuse_argument_count(const recipe& r, int given) {
  throw shape_error(message() << r.text() << ": " << given << (given == 1 ? " argument was" : " arguments were")
                              << " given, a call takes " << position_count(r)
                              << ", one for each position of the formula's variables");
}
[[gnu::cold, gnu::noinline]] inline void refuse_element(const recipe& r, const symbol& s, element_code given) {
  throw shape_error(name_argument(r, s) << ": numbers of " << name_of(given) << " were given, " << name_of(s.element)
                                        << " is needed");
}
[[gnu::cold, gnu::noinline]] inline void refuse_result(const recipe& r, element_code asked) {
  message m("the result of ");
  m << r.text() << " holds ";
  if (asked.kind == 'i')
    throw shape_error(m << "numbers of " << name_of(r.outputs[0].element)
                        << ", not indices: call it as (...) or into(out, ...)");
  throw shape_error(m << "indices, not numbers of " << name_of(asked) << ": call indices(...) or into(out, ...)");
}
[[gnu::cold, gnu::noinline]] inline void refuse_output_element(const recipe& r, element_code given) {
  throw shape_error(message("the memory for the result of ")
                    << r.text() << ": numbers of " << name_of(given) << " were given, " << name_of(r.outputs[0].element)
                    << " is needed");
}

template <class Value> inline void store_number(void* to, element_code as, Value value) {
  const auto store = [&](auto number) { __builtin_memcpy(to, &number, sizeof number); };
  if (as == code_of<float>) store(static_cast<float>(value));
  else if (as == code_of<double>) store(static_cast<double>(value));
  else if (as == code_of<std::int64_t>) store(static_cast<std::int64_t>(value));
  else if (as == code_of<std::int32_t>) store(static_cast<std::int32_t>(value));
  else if (as == code_of<std::int16_t>) store(static_cast<std::int16_t>(value));
  else if (as == code_of<std::int8_t>) store(static_cast<std::int8_t>(value));
  else if (as == code_of<std::uint64_t>) store(static_cast<std::uint64_t>(value));
  else if (as == code_of<std::uint32_t>) store(static_cast<std::uint32_t>(value));
  else if (as == code_of<std::uint16_t>) store(static_cast<std::uint16_t>(value));
  else store(static_cast<std::uint8_t>(value));
}
template <class Number> inline Number load_number(const void* from) {
  Number number;
  __builtin_memcpy(&number, from, sizeof number);
  return number;
}
/// A plain number, converted to a symbol's element type. Numbers come as double, std::int64_t or std::uint64_t.
KERNFOLD_ONCE void convert_number(void* to, element_code as, const void* from, element_code given) {
  if (given.kind == 'f') store_number(to, as, load_number<double>(from));
  else if (given.kind == 'i') store_number(to, as, load_number<std::int64_t>(from));
  else store_number(to, as, load_number<std::uint64_t>(from));
}

/// Finds the argument of each symbol. Throws shape_error where their number or an element type does not fit.
KERNFOLD_ONCE void match_arguments(const recipe& r, const loose_call& t) {
  if (t.count != position_count(r)) refuse_argument_count(r, t.count);
  for (int s = 0; s < r.symbol_count; ++s) {
    const symbol& wanted = r.symbols[s];
    const loose_array& found = t.by_position[wanted.position];
    t.given[s] = found;
    if (found.is_number) {
      convert_number(&t.numbers[s], wanted.element, found.data, found.element);
      t.given[s].data = &t.numbers[s];
    } else if (!(found.element == wanted.element)) {
      refuse_element(r, wanted, found.element);
    }
  }
}

/// The result as new memory of element type T.
template <class T>
KERNFOLD_ONCE void compute_any_new(const recipe& r, const void* executor, const loose_call& t, extents told,
                                   matrix<T>& result) {
  if (!(r.outputs[0].element == code_of<T>)) refuse_result(r, code_of<T>);
  match_arguments(r, t);
  bound_batch batch{.bind = &bind_batch};
  const domain counts = bind_arrays(r, t.given, t.arrays, told, &batch);
  const output_array output = allocate_result(result, output_in_call(r, 0, t.arrays), counts, r.symbol_count);
  r.compute(executor, t.arrays, counts, &output);
}
/// The result in the caller's memory of element type T, or added to it.
template <class T>
KERNFOLD_ONCE void compute_any_into(const recipe& r, const void* executor, const loose_call& t, const raw_array<T>& out,
                                    bool add, extents told = {}) {
  if (!(r.outputs[0].element == code_of<T>)) refuse_output_element(r, code_of<T>);
  match_arguments(r, t);
  bound_batch batch{.bind = &bind_batch};
  compute_into(r, executor, t.arrays, bind_arrays(r, t.given, t.arrays, told, &batch), out, add);
}

/// A plain number in the widest type of its kind.
template <class Number>
using widest = std::conditional_t<std::is_floating_point_v<Number>, double,
                                  std::conditional_t<std::is_signed_v<Number>, std::int64_t, std::uint64_t>>;

/// The arguments of a call, by position.
template <int Count> class loose_arguments {
 public:
  template <class... Args> explicit loose_arguments(const Args&... args) {
    [[maybe_unused]] int n = 0;
    (describe_loose(n++, args), ...);
  }
  loose_call call() { return {by_position_, Count, given_, arrays_, numbers_}; }

 private:
  loose_array by_position_[Count + 1];
  given_array given_[Count + 1];
  leaf_array arrays_[Count + 1];
  std::int64_t numbers_[Count + 1];
  std::uint64_t wide_[Count + 1];

  template <class A> void describe_loose(int n, const A& array) {
    static_assert(!argument<A>::is_named,
                  "kernfold: an any_reduction takes its arguments by position: it has forgotten their names");
    if constexpr (argument<A>::is_named) {
      return;
    } else if constexpr (std::is_arithmetic_v<A>) {
      const auto value = static_cast<widest<A>>(array);
      __builtin_memcpy(&wide_[n], &value, sizeof value);
      by_position_[n] = {{flat_shape(1), &wide_[n], true}, code_of<widest<A>>};
    } else {
      const auto raw = describe(array);
      by_position_[n] = {{raw, raw.data, false}, code_of<element_of<A>>};
    }
  }
};

/// A reduction of any formula together with where it runs.
template <class T> struct placed_any {
  const recipe* made;
  cpu where;
  cuda_host device{};
  bool is_on_device = false;
  extents told{};

  /// The same for so many rows i, or columns j, where no array says how many there are.
  placed_any rows(std::int64_t count) const {
    placed_any other = *this;
    other.told.i = count;
    return other;
  }
  placed_any columns(std::int64_t count) const {
    placed_any other = *this;
    other.told.j = count;
    return other;
  }

  /// The result, as a new matrix.
  template <class... Args> matrix<T> operator()(const Args&... args) const { return compute_new<T>(args...); }
  /// The result of a reduction to indices, as a new matrix.
  template <class... Args> matrix<std::int64_t> indices(const Args&... args) const {
    return compute_new<std::int64_t>(args...);
  }
  /// Writes the result to the caller's memory.
  template <class Output, class... Args> void into(Output&& out, const Args&... args) const {
    write(false, static_cast<Output&&>(out), args...);
  }
  /// Adds the result to the caller's memory.
  template <class Output, class... Args> void add_to(Output&& out, const Args&... args) const {
    write(true, static_cast<Output&&>(out), args...);
  }

 private:
  const void* executor() const { return is_on_device ? static_cast<const void*>(&device) : &where; }
  template <class Element, class... Args> matrix<Element> compute_new(const Args&... args) const {
    loose_arguments<sizeof...(Args)> arguments(args...);
    matrix<Element> result;
    compute_any_new(*made, executor(), arguments.call(), told, result);
    return result;
  }
  template <class Output, class... Args> void write(bool add, Output&& out, const Args&... args) const {
    const auto target = describe_output(static_cast<Output&&>(out));
    using Element = std::remove_pointer_t<decltype(target.data)>;
    constexpr bool fits = std::is_same_v<Element, T> || std::is_same_v<Element, std::int64_t>;
    static_assert(fits,
                  "kernfold: the result's memory must have the any_reduction's real type, or std::int64_t for indices");
    if constexpr (fits) {
      loose_arguments<sizeof...(Args)> arguments(args...);
      compute_any_into(*made, executor(), arguments.call(), target, add, told);
    }
  }
};

[[gnu::cold, gnu::noinline]] inline void refuse_processor(const recipe& r) {
  throw instruction_set_error(
      message() << "an any_reduction of " << r.text()
                << " that was made for a device (kf::cuda_host) was asked to run on the processor");
}

/// The reduction as data, on an executor; says in a sentence where there is none.
template <class T, class Reduction, class Executor> consteval const recipe* recipe_for_any() {
  constexpr bool single = Reduction::items::size == 1;
  static_assert(single,
                "kernfold: an any_reduction has one result: make one for each reduction that was given to fold_all or "
                "backward (or call them directly, to share their sweeps)");
  if constexpr (single && is_of_this_space<Reduction, space_kind::all>()) return &recipe_of<Reduction, Executor, T>;
  else return nullptr;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

/// A reduction a_i = Reduction_j F(p, x_i, y_j) that has forgotten its formula: its type says only that it computes in
/// T, float or double. Declared in a header, made in one .cpp or .cu, it is compiled there and nowhere else:
///   kf::any_reduction<float> gauss();                                                    in the header
///   kf::any_reduction<float> gauss() { return kf::sum_reduction(exp(-sqdist(x, y)) * b); }   in one unit
///   kf::matrix<float> a = gauss()(X, Y, B);                                              in any other
///   r(args...)                one argument for each position up to the last; one that no variable has is ignored
///   r.indices(args...)        the same for argmin, argmax and argkmin, whose result are indices
///   r.into(out, args...)      writes to the caller's memory; r.add_to(out, args...) adds to it
///   r.rows(M).columns(N)      the same, for extents that no array gives
///   r.on(kf::cpu{...})        the same, with these threads, this instruction set, this progress and stop condition
/// Made in a .cu with an executor, kf::any_reduction<float>(reduction, kf::cuda_host{}), it runs on that device.
/// It is little more than a pointer to constants: to copy it is free. What a reduction's call checks at compile time is
/// checked here at run time: throws shape_error where the number of arguments, an element type or a size does not fit,
/// and what that call throws.
template <class T> class any_reduction {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                "kernfold: an any_reduction computes in float or in double");

 public:
  // Always inlined: units built for different instruction sets share these names, and must not share a body that calls
  // into the inline namespace of one of them.
  template <reduction_like R>
  [[gnu::always_inline]] constexpr any_reduction(R) : made_(detail::recipe_for_any<T, R, cpu>()) {}
  template <reduction_like R>
  [[gnu::always_inline]] constexpr any_reduction(R, cuda_host device)
      : made_(detail::recipe_for_any<T, R, cuda_host>()), device_(device), is_on_device_(true) {}

  template <class... Args> [[gnu::always_inline]] matrix<T> operator()(const Args&... args) const {
    return placed()(args...);
  }
  template <class... Args> [[gnu::always_inline]] matrix<std::int64_t> indices(const Args&... args) const {
    return placed().indices(args...);
  }
  template <class Output, class... Args> [[gnu::always_inline]] void into(Output&& out, const Args&... args) const {
    placed().into(static_cast<Output&&>(out), args...);
  }
  template <class Output, class... Args> [[gnu::always_inline]] void add_to(Output&& out, const Args&... args) const {
    placed().add_to(static_cast<Output&&>(out), args...);
  }
  [[gnu::always_inline]] detail::placed_any<T> on(cpu where) const {
    if (is_on_device_) detail::refuse_processor(*made_);
    return {made_, static_cast<cpu&&>(where)};
  }

  [[gnu::always_inline]] detail::placed_any<T> rows(std::int64_t count) const { return placed().rows(count); }
  [[gnu::always_inline]] detail::placed_any<T> columns(std::int64_t count) const { return placed().columns(count); }

  /// How many arguments a call takes.
  [[gnu::always_inline]] int argument_count() const { return detail::position_count(*made_); }
  /// Argument number `position`.
  [[gnu::always_inline]] argument_shape argument(int position) const {
    for (int s = 0; s < made_->symbol_count; ++s)
      if (made_->symbols[s].position == position)
        return {made_->symbols[s].symbol_role, position, made_->symbols[s].dim};
    return {role::parameter, position, 0};
  }
  /// Components of each row of the result; kf::dynamic where the arguments tell how many.
  [[gnu::always_inline]] int dim() const { return made_->outputs[0].dim; }
  /// The axis that is folded: the result has a row for each index of the other one, and one row in all for axis::both.
  [[gnu::always_inline]] axis folds() const { return made_->outputs[0].folds; }
  /// Whether the result are indices, std::int64_t.
  [[gnu::always_inline]] bool gives_indices() const {
    return made_->outputs[0].element == detail::code_of<std::int64_t>;
  }
  /// Whether it was made for a device, and for which.
  [[gnu::always_inline]] bool is_on_device() const { return is_on_device_; }
  [[gnu::always_inline]] cuda_host device() const { return device_; }
  /// As data, for adapters.
  [[gnu::always_inline]] const detail::recipe& as_data() const { return *made_; }

 private:
  const detail::recipe* made_;
  cuda_host device_{};
  bool is_on_device_ = false;

  [[gnu::always_inline]] detail::placed_any<T> placed() const { return {made_, cpu{}, device_, is_on_device_}; }
};

inline namespace KERNFOLD_ABI {
/// "Sum(exp(-p3 |x0 - y1|^2) y2)"
template <class T> message to_string(const any_reduction<T>& r) { return r.as_data().text(); }
}  // namespace KERNFOLD_ABI

}  // namespace kernfold
KERNFOLD_STRICT_END
