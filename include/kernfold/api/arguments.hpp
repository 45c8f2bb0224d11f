// kernfold/api/arguments.hpp: the arguments of a call: by position or by name, checked, and seen as rows of numbers.
#pragma once

#include "../core/view.hpp"
#include "../formula/print.hpp"
#include "../reduction/folded.hpp"

namespace kernfold {
namespace detail {

template <class F>
struct is_symbol {
  static constexpr bool value = is_variable<F>;
};
/// The variables of formulas, those of reductions used as symbols included.
template <class... Fs>
struct variables_of;
template <class List>
struct variables_in;
template <class... Fs>
struct variables_in<type_list<Fs...>> : variables_of<Fs...> {};
template <class F>
struct variables_behind {
  using type = type_list<>;
};
template <role R, int P, int D, class E>
struct variables_behind<variable<R, P, D, E>> {
  using type = type_list<variable<R, P, D, E>>;
};
template <class Spec, axis A>
struct variables_behind<folded<Spec, A>> : variables_in<typename Spec::formulas> {};
template <class Nodes>
struct variables_behind_all;
template <class... Ns>
struct variables_behind_all<type_list<Ns...>> {
  using type = unite<type_list<>, join<typename variables_behind<Ns>::type...>>;
};
template <class... Fs>
struct variables_of : variables_behind_all<nodes_of<Fs...>> {};

template <class... Vs>
consteval int next_position(type_list<Vs...>) {
  int next = 0;
  ((next = Vs::position >= next ? Vs::position + 1 : next), ...);
  return next;
}
template <class... Vs>
consteval bool positions_are_distinct(type_list<Vs...>) {
  const int positions[] = {Vs::position..., -1};
  for (unsigned a = 0; a < sizeof...(Vs); ++a)
    for (unsigned b = a + 1; b < sizeof...(Vs); ++b)
      if (positions[a] == positions[b]) return false;
  return true;
}

inline namespace KERNFOLD_ABI {

template <class A>
inline constexpr bool is_binding = false;
template <class S, class A>
inline constexpr bool is_binding<binding<S, A>> = true;

template <class A>
using plain = std::remove_cvref_t<A>;

/// An argument for each variable of a signature, whichever way it was given.
template <class Variable, class Array>
struct argument_slot {
  using array_type = Array;
  const Array* array;
};
template <class Variable, class Array>
KERNFOLD_INLINE const Array& argument_for(const argument_slot<Variable, Array>& slot) { return *slot.array; }

template <class... Slots>
struct argument_list : Slots... {};

template <class Variable, class... Arrays>
KERNFOLD_INLINE auto slot_at(const void* const* places) {
  if constexpr (Variable::position < int(sizeof...(Arrays))) {
    using array = type_at<type_list<Arrays...>, Variable::position>;
    return argument_slot<Variable, array>{static_cast<const array*>(places[Variable::position])};
  }
}

template <class... Vs, class... Arrays>
KERNFOLD_INLINE auto by_position(type_list<Vs...> signature, const Arrays&... arrays) {
  constexpr bool right = int(sizeof...(Arrays)) == next_position(signature);
  static_assert(right,
                "kernfold: a call takes one argument for each position of the formula's variables, in that order "
                "(or bind all of them by name: x = X)");
  if constexpr (right) {
    const void* const places[] = {static_cast<const void*>(__builtin_addressof(arrays))..., nullptr};
    return argument_list<decltype(slot_at<Vs, Arrays...>(places))...>{slot_at<Vs, Arrays...>(places)...};
  }
}

template <class Variable, class... Ss, class... As>
KERNFOLD_INLINE auto slot_named(const binding<Ss, As>&... bindings) {
  constexpr int times = (int(std::is_same_v<Variable, Ss>) + ... + 0);
  static_assert(times > 0, "kernfold: an argument is missing: each variable of the formula needs an array, as in x = X");
  static_assert(times < 2, "kernfold: an argument is given twice");
  if constexpr (times == 1) {
    constexpr int place = index_of<Variable>(type_list<Ss...>{});
    const void* const places[] = {static_cast<const void*>(__builtin_addressof(bindings.array))...};
    using array = type_at<type_list<As...>, place>;
    return argument_slot<Variable, array>{static_cast<const array*>(places[place])};
  }
}
template <class... Vs, class... Ss, class... As>
KERNFOLD_INLINE auto by_name(type_list<Vs...> signature, const binding<Ss, As>&... bindings) {
  constexpr bool known = (contains<Ss>(signature) && ...);
  static_assert(known, "kernfold: a name bound in this call is no variable of the formula (or differs in dimension or role)");
  if constexpr (known)
    return argument_list<decltype(slot_named<Vs>(bindings...))...>{slot_named<Vs>(bindings...)...};
}

/// The arguments of a call as an argument_list.
template <class Signature, class... Args>
KERNFOLD_INLINE auto collect_arguments(Signature signature, const Args&... args) {
  constexpr bool named = (is_binding<Args> || ...);
  static_assert(!named || (is_binding<Args> && ...),
                "kernfold: the arguments of a call are given all by position or all by name");
  if constexpr (named && (is_binding<Args> && ...)) return by_name(signature, args...);
  else if constexpr (!named) return by_position(signature, args...);
}

// ---- the real type of a call ---------------------------------------------------------------------------------------

/// Weight of an argument in the choice: arrays of float or double decide, plain numbers only where there is no array.
template <class Variable, class Arguments>
using array_of = plain<decltype(argument_for<Variable>(std::declval<const Arguments&>()))>;

enum class real_choice : unsigned { none = 0, float_array = 1, double_array = 2, float_number = 4, double_number = 8, other = 16 };
template <class Variable, class Arguments>
consteval unsigned choice_of() {
  if constexpr (!std::is_same_v<typename Variable::element, default_real>) {
    return unsigned(real_choice::none);
  } else {
    using array = array_of<Variable, Arguments>;
    using element = element_of<array>;
    if constexpr (std::is_arithmetic_v<array>)
      return unsigned(std::is_same_v<element, float> ? real_choice::float_number : real_choice::double_number);
    else
      return unsigned(std::is_same_v<element, float>    ? real_choice::float_array
                      : std::is_same_v<element, double> ? real_choice::double_array
                                                        : real_choice::other);
  }
}
template <class Arguments, class... Vs>
consteval auto real_type(type_list<Vs...>) {
  constexpr unsigned seen = (choice_of<Vs, Arguments>() | ... | 0u);
  static_assert((seen & unsigned(real_choice::other)) == 0,
                "kernfold: arrays hold float or double (declare the symbol with an element type, as in "
                "kf::Vi<0, 1, std::int64_t>, for any other)");
  static_assert((seen & 3u) != 3u, "kernfold: the arrays of one call are all float or all double");
  if constexpr (seen & unsigned(real_choice::float_array)) return type_identity_of<float>{};
  else if constexpr (seen & unsigned(real_choice::double_array)) return type_identity_of<double>{};
  else if constexpr (seen == unsigned(real_choice::float_number)) return type_identity_of<float>{};
  else return type_identity_of<double>{};
}
template <class Arguments, class Signature>
using real_type_of = typename decltype(real_type<Arguments>(Signature{}))::type;

// ---- arguments seen as rows ----------------------------------------------------------------------------------------

/// Element type as stored: numbers given for a symbol are converted to it first.
template <class Variable, class Real>
using stored_element =
    std::conditional_t<std::is_same_v<typename Variable::element, default_real>, Real, typename Variable::element>;

/// A variable's rows. A plain number is kept here, in the element type.
template <class Variable, class Real>
struct variable_rows {
  using element = stored_element<Variable, Real>;
  element number{};
  view<const element> array;
};
template <class Real, class Signature>
struct argument_rows;
template <class Real, class... Vs>
struct argument_rows<Real, type_list<Vs...>> : variable_rows<Vs, Real>... {
  std::int64_t i_count = 1, j_count = 1;
};
template <class Variable, class Real>
KERNFOLD_INLINE const variable_rows<Variable, Real>& rows_of(const variable_rows<Variable, Real>& rows) { return rows; }

/// What messages say of a symbol, and what is known of its array. Not a template: nothing here is compiled twice.
struct symbol_array {
  role symbol_role;
  int position, dim;
  std::int64_t rows = 0;
};
template <class Variable>
KERNFOLD_INLINE constexpr symbol_array symbol_of(std::int64_t rows = 0) {
  return {Variable::symbol_role, Variable::position, Variable::dim, rows};
}
using text_of_reduction = message (*)();

/// "argument 1 (y1, Vj<1, 3>) of Sum(exp(-p3 |x0 - y1|^2) y2)"
[[gnu::cold, gnu::noinline]] inline message name_argument(const symbol_array& s, text_of_reduction of) {
  const bool is_i = s.symbol_role == role::i, is_j = s.symbol_role == role::j;
  return message() << "argument " << s.position << " (" << (is_i ? "x" : is_j ? "y" : "p") << s.position << ", "
                   << (is_i ? "Vi<" : is_j ? "Vj<" : "Pm<") << s.position << ", " << s.dim << ">) of " << of();
}
[[gnu::cold, gnu::noinline]] inline void refuse_array(const symbol_array& s, text_of_reduction of, misfit why,
                                                      const array_shape& shape) {
  throw shape_error(name_argument(s, of) << ": " << explain(why, shape, s.dim));
}
[[gnu::cold, gnu::noinline]] inline void refuse_number(const symbol_array& s, text_of_reduction of) {
  throw shape_error(name_argument(s, of) << ": a number was given, a vector of dimension " << s.dim << " is needed");
}
[[gnu::cold, gnu::noinline]] inline void refuse_parameter(const symbol_array& s, text_of_reduction of) {
  throw shape_error(name_argument(s, of) << ": " << s.rows * s.dim << " numbers were given, a parameter has " << s.dim);
}
[[gnu::cold, gnu::noinline]] inline void refuse_count(const symbol_array& s, text_of_reduction of, const symbol_array& first) {
  throw shape_error(name_argument(s, of) << ": " << s.rows << (s.rows == 1 ? " row was" : " rows were")
                                         << " given, argument " << first.position << " has " << first.rows);
}
[[gnu::cold, gnu::noinline]] inline void refuse_overlap(const symbol_array& s, text_of_reduction of) {
  throw overlap_error(name_argument(s, of) << " lies in the memory that the result is written to");
}

/// The common number of rows of the symbols of one role; 1 where there is none.
inline std::int64_t common_rows(const symbol_array* symbols, int count, role of_role, text_of_reduction of) {
  const symbol_array* first = nullptr;
  for (const symbol_array* s = symbols; s != symbols + count; ++s) {
    if (s->symbol_role != of_role) continue;
    if (first == nullptr) first = s;
    if (s->rows != first->rows) refuse_count(*s, of, *first);
  }
  return first == nullptr ? 1 : first->rows;
}

template <class Variable, class Real, class Array>
[[gnu::noinline]] inline void fit_argument(variable_rows<Variable, Real>& rows, const Array& array, text_of_reduction of) {
  using element = stored_element<Variable, Real>;
  if constexpr (std::is_arithmetic_v<Array>) {
    rows.number = static_cast<element>(array);
    rows.array = {&rows.number, 1, 1};
    if constexpr (Variable::dim != 1) refuse_number(symbol_of<Variable>(), of);
  } else {
    static_assert(std::is_same_v<element_of<Array>, element>,
                  "kernfold: an array's element type is not that of its symbol");
    const auto raw = describe(array);
    const auto fitted = fit(raw, Variable::dim);
    if (!fitted) refuse_array(symbol_of<Variable>(), of, fitted.why, raw);
    rows.array = fitted.array;
  }
}

template <class Real, class... Vs, class Arguments>
[[gnu::noinline]] inline void fit_arguments(argument_rows<Real, type_list<Vs...>>& rows, const Arguments& arguments, text_of_reduction of) {
  (fit_argument(static_cast<variable_rows<Vs, Real>&>(rows), argument_for<Vs>(arguments), of), ...);
  constexpr int count = sizeof...(Vs);
  const symbol_array symbols[] = {symbol_of<Vs>(rows_of<Vs, Real>(rows).array.rows())..., symbol_array{}};
  for (int s = 0; s < count; ++s)
    if (symbols[s].symbol_role == role::parameter && symbols[s].rows != 1) refuse_parameter(symbols[s], of);
  rows.i_count = common_rows(symbols, count, role::i, of);
  rows.j_count = common_rows(symbols, count, role::j, of);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
