// kernfold/api/arguments.hpp: which argument of a call belongs to which variable, by position or by name, and the real
// type that the arguments decide.
#pragma once

#include "binding.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// The variables of formulas, those of reductions used as symbols included.
template <class... Fs> struct variables_of;
template <class List> struct variables_in;
template <class... Fs> struct variables_in<type_list<Fs...>> : variables_of<Fs...> {};
template <class F> struct variables_behind {
  using type = type_list<>;
};
template <role R, int P, int D, class E> struct variables_behind<variable<R, P, D, E>> {
  using type = type_list<variable<R, P, D, E>>;
};
template <class Spec, axis A> struct variables_behind<folded<Spec, A>> : variables_in<typename Spec::formulas> {};
template <class Leaves> struct variables_behind_all;
template <class... Leaves> struct variables_behind_all<type_list<Leaves...>> {
  using type = unite<type_list<>, join<typename variables_behind<Leaves>::type...>>;
};
template <class... Fs> struct variables_of : variables_behind_all<leaves_of<Fs...>> {};

template <class... Vs> consteval int next_position(type_list<Vs...>) {
  int next = 0;
  ((next = Vs::position >= next ? Vs::position + 1 : next), ...);
  return next;
}
template <class... Vs> consteval bool positions_are_distinct(type_list<Vs...>) {
  const int positions[] = {Vs::position..., -1};
  for (int a = 0; a < int(sizeof...(Vs)); ++a)
    for (int b = a + 1; b < int(sizeof...(Vs)); ++b)
      if (positions[a] == positions[b]) return false;
  return true;
}

inline namespace KERNFOLD_ABI {

/// An argument: the variable it names, if any, and its array.
template <class A> struct argument {
  static constexpr bool is_named = false;
  static constexpr bool is_temporary = false;
  using name = void;
  using array = A;
  static const void* address(const A& a) { return __builtin_addressof(a); }
};
template <class S, class A, bool IsTemporary> struct argument<binding<S, A, IsTemporary>> {
  static constexpr bool is_named = true;
  /// Whether the numbers end with it: not those of a view, which is copied as it is.
  static constexpr bool is_temporary = IsTemporary && !std::is_arithmetic_v<A> &&
                                       (!std::is_trivially_copyable_v<A> || requires { std::tuple_size<A>::value; });
  using name = S;
  using array = A;
  static const void* address(const binding<S, A, IsTemporary>& b) { return __builtin_addressof(b.array); }
};

/// Whether each variable of a signature has one argument; if not, says so in a sentence.
template <class... Vs, class... Args> consteval bool arguments_match(type_list<Vs...> signature, type_list<Args...>) {
  constexpr bool named = (argument<Args>::is_named || ... || false);
  constexpr bool all_named = (argument<Args>::is_named && ...);
  static_assert(!named || all_named, "kernfold: the arguments of a call are given all by position or all by name");
  if constexpr (!named) {
    constexpr bool right = int(sizeof...(Args)) == next_position(signature);
    static_assert(right,
                  "kernfold: a call takes one argument for each position of the formula's variables, in that order "
                  "(or bind all of them by name: x = X)");
    constexpr bool used = !right || int(sizeof...(Vs)) == next_position(signature);
    static_assert(
        used,
        "kernfold: a position below that of the last variable has no variable: the argument given there would be "
        "ignored; number the variables without a gap, or bind them by name");
    return right && used;
  } else if constexpr (all_named) {
    constexpr bool known = (contains<typename argument<Args>::name>(signature) && ...);
    static_assert(
        known, "kernfold: a name bound in this call is no variable of the formula (or differs in dimension or role)");
    constexpr auto times = []<class V>(type_identity_of<V>) {
      return (int(std::is_same_v<V, typename argument<Args>::name>) + ...);
    };
    constexpr bool enough = ((times(type_identity_of<Vs>{}) > 0) && ...),
                   once = ((times(type_identity_of<Vs>{}) < 2) && ...);
    static_assert(enough, "kernfold: an argument is missing: each variable of the formula needs an array, as in x = X");
    static_assert(once, "kernfold: an argument is given twice");
    return known && enough && once;
  } else {
    return false;
  }
}

/// The place of V's argument among those of a call.
template <class V, class... Args> consteval int place_of(type_list<Args...>) {
  if constexpr ((argument<Args>::is_named || ...)) return index_of<V>(type_list<typename argument<Args>::name...>{});
  else return V::position;
}

/// Arrays of float or double decide the real type of a call, plain numbers only where there is no array; where none is
/// wider than 16 bits, it is float.
enum class real_choice : unsigned {
  none = 0,
  float_array = 1,
  double_array = 2,
  float_number = 4,
  double_number = 8,
  other = 16,
  narrow_array = 32,
  stored_narrower = 64  // elements of 16 bits, or narrower labels, than the variable says: see retyped.hpp
};

/// Whether all numbers of the integer type E are numbers of T.
template <class E, class T>
inline constexpr bool is_narrower_integer = std::is_integral_v<E> && std::is_integral_v<T> && sizeof(E) < sizeof(T) &&
                                            (std::is_signed_v<T> || std::is_unsigned_v<E>);
template <class V, class Array> consteval unsigned choice_of() {
  if constexpr (is_narrow_real<typename V::element>) {
    return unsigned(real_choice::narrow_array);
  } else if constexpr (!std::is_same_v<typename V::element, default_real>) {
    if constexpr (!std::is_arithmetic_v<Array>)
      if (is_narrower_integer<element_anywhere<Array>, typename V::element>)
        return unsigned(real_choice::stored_narrower);
    return unsigned(real_choice::none);
  } else {
    using element = element_anywhere<Array>;
    constexpr unsigned narrow = unsigned(real_choice::narrow_array) | unsigned(real_choice::stored_narrower);
    if constexpr (std::is_arithmetic_v<Array>)
      return unsigned(std::is_same_v<element, float> ? real_choice::float_number : real_choice::double_number);
    else
      return unsigned(std::is_same_v<element, float>    ? real_choice::float_array
                      : std::is_same_v<element, double> ? real_choice::double_array
                      : is_narrow_real<element>         ? real_choice(narrow)
                                                        : real_choice::other);
  }
}
template <unsigned Seen> consteval bool is_one_real_type() {
  constexpr bool is_real = (Seen & unsigned(real_choice::other)) == 0, is_one = !is_real || (Seen & 3u) != 3u;
  static_assert(is_real,
                "kernfold: arrays hold float or double (declare the symbol with an element type, as in "
                "kf::Vi<0, 1, std::int64_t>, for any other)");
  static_assert(is_one, "kernfold: the arrays of one call are all float or all double");
  return is_real && is_one;
}
template <unsigned Seen> consteval auto real_type() {
  if constexpr (Seen & unsigned(real_choice::float_array)) return type_identity_of<float>{};
  else if constexpr (Seen & unsigned(real_choice::double_array)) return type_identity_of<double>{};
  else if constexpr (Seen & unsigned(real_choice::narrow_array)) return type_identity_of<float>{};
  else if constexpr ((Seen & ~unsigned(real_choice::stored_narrower)) == unsigned(real_choice::float_number))
    return type_identity_of<float>{};
  else return type_identity_of<double>{};
}

/// Element type as stored: numbers given for a symbol are converted to it first.
template <class V, class Real>
using stored_element = std::conditional_t<std::is_same_v<typename V::element, default_real>, Real, typename V::element>;

/// An argument's array as data. A plain number is converted to the element type and kept in `number`.
template <class Element, bool OnDevice, class Array>
KERNFOLD_ONCE void describe_given(given_array& to, std::int64_t& number, const void* address) {
  const Array& array = *static_cast<const Array*>(address);
  if constexpr (std::is_arithmetic_v<Array>) {
    const Element value = static_cast<Element>(array);
    __builtin_memcpy(&number, &value, sizeof value);
    to = {flat_shape(1), &number, true};
  } else {
    constexpr bool is_on_device = device_array_like<const Array>;
    static_assert(
        OnDevice || !is_on_device,
        "kernfold: an array in the memory of a device was given to a call on the processor; run it there with "
        ".on(kf::cuda{stream})");
    static_assert(
        !OnDevice || is_on_device,
        "kernfold: an array in the memory of the host was given to a call on a device; pass kf::device_view{pointer, "
        "rows, dim} of device memory, or run it with .on(kf::cuda_host{}), which copies");
    static_assert(std::is_same_v<element_anywhere<Array>, Element>,
                  "kernfold: an array's element type is not that of its symbol");
    const auto raw = describe_anywhere(array);
    to = {raw, raw.data, false};
  }
}

/// Whether the argument for the variable Variable is a number or an array; if not, says so, and which it is by its own
/// name.
template <class Variable, class Array> struct argument_of_variable {
  static constexpr bool is_array = [] {
    if constexpr (std::is_arithmetic_v<Array> || device_array_like<const Array>) return true;
    else return is_array_or_says_why<const Array>();
  }();
};
template <class Signature, class Args> struct arrays_of_call;
template <class... Vs, class... Args> struct arrays_of_call<type_list<Vs...>, type_list<Args...>> {
  template <class V>
  using array_of = typename argument<type_at<type_list<Args...>, place_of<V>(type_list<Args...>{})>>::array;
  static constexpr bool are_known = (argument_of_variable<Vs, array_of<Vs>>::is_array && ...);
  static constexpr unsigned seen = [] {
    if constexpr (are_known) return (choice_of<Vs, array_of<Vs>>() | ... | 0u);
    else return 0u;
  }();
};
template <class Signature, class Args> consteval bool arrays_match() {
  if constexpr (arguments_match(Signature{}, Args{})) {
    using arrays = arrays_of_call<Signature, Args>;
    return arrays::are_known && is_one_real_type<arrays::seen>();
  } else {
    return false;
  }
}

/// The real type that the arguments of a call decide; void where they do not fit its variables.
template <class Signature, class Args, bool Match = arrays_match<Signature, Args>()> struct real_choice_of {
  using real = void;
  static constexpr bool match = false, is_stored_narrower = false;
};
template <class... Vs, class... Args> struct real_choice_of<type_list<Vs...>, type_list<Args...>, true> {
  static constexpr unsigned seen = arrays_of_call<type_list<Vs...>, type_list<Args...>>::seen;
  using real = typename decltype(real_type<seen>())::type;
  static constexpr bool match = true;
  static constexpr bool has_reals = (seen & ~unsigned(real_choice::stored_narrower)) != 0;
  static constexpr bool is_stored_narrower = (seen & unsigned(real_choice::stored_narrower)) != 0;
};

/// The arguments Args of a call, in the order of the variables of its signature.
template <class Signature, class Args, class Real, bool OnDevice> struct call_arguments;
template <class... Vs, class... Args, class Real, bool OnDevice>
struct call_arguments<type_list<Vs...>, type_list<Args...>, Real, OnDevice> {
  static constexpr int count = sizeof...(Vs);
  given_array given[count + 1];
  leaf_array arrays[count + 1];
  std::int64_t numbers[count + 1] = {};

  KERNFOLD_ONCE explicit call_arguments(const Args&... args) {
    [[maybe_unused]] const void* const places[] = {argument<Args>::address(args)..., nullptr};
    [[maybe_unused]] int s = 0;
    ((describe_given<stored_element<Vs, Real>, OnDevice, array_of<Vs>>(given[s], numbers[s], places[place<Vs>]), ++s),
     ...);
  }

 private:
  template <class V> static constexpr int place = place_of<V>(type_list<Args...>{});
  template <class V> using array_of = typename argument<type_at<type_list<Args...>, place<V>>>::array;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
