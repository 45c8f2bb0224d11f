// kernfold/formula/print.hpp: formulas as text, as one would write them: exp(-p3 |x0 - y1|^2) y2.
//
// The distinct nodes of a formula become rows of a table, and one ordinary function prints any table: what a formula
// costs to print is data, not code.
#pragma once

#include "../core/error.hpp"
#include "graph.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// A node or leaf as data.
struct printed_node {
  enum what : unsigned char { symbol, constant, operation, leaf } kind = symbol;
  notation form{};             // of an operation
  const char* name = nullptr;  // of a symbol, or the text that an operation's name stands in
  number value{0, 1};          // of a constant; a symbol's position, -1 for none
  argument_numbers arguments{{-1, -1, -1, -1}};
  void (*print_leaf)(message&) = nullptr;
};

inline namespace KERNFOLD_ABI {

/// A text that contains "Op = " and the type's name.
template <class Op> constexpr const char* name_source() {
  if constexpr (requires { Op::name(); }) return Op::name();
  else return __PRETTY_FUNCTION__;
}

template <class F> [[gnu::cold, gnu::noinline]] void print_folded(message&);

/// What a variable of a role is called.
constexpr const char* letter_of(role r) {
  return r == role::parameter ? "p" : r == role::i ? "x" : r == role::j ? "y" : "v";
}

template <class F> struct printed_row {
  static consteval printed_node get() {
    if constexpr (requires { typename F::spec; }) {
      return {.kind = printed_node::leaf, .print_leaf = &print_folded<F>};
    } else if constexpr (is_index_variable<F>) {
      return {.name = F::depends == depends_on_i ? "row_index" : "column_index", .value = {-1, 1}};
    } else {
      return {.name = letter_of(F::symbol_role), .value = {F::position, 1}};
    }
  }
};
template <std::int64_t N, std::int64_t D> struct printed_row<Constant<N, D>> {
  static consteval printed_node get() { return {.kind = printed_node::constant, .value = {N, D}}; }
};
template <int D> struct printed_row<Zero<D>> {
  static consteval printed_node get() { return {.kind = printed_node::constant}; }
};
template <class Op, class... Args> struct printed_row<node<Op, Args...>> {
  static consteval printed_node get() {
    return {.kind = printed_node::operation, .form = Op::written, .name = name_source<Op>()};
  }
};

template <int N> struct printed_table {
  printed_node row[N];
};
template <class Graph, class... Fs> consteval auto make_printed_table(type_list<Fs...>) {
  printed_table<sizeof...(Fs)> table{{printed_row<Fs>::get()...}};
  for (int k = 0; k < Graph::count; ++k) table.row[k].arguments = Graph::node(k).arguments;
  return table;
}

/// Part of a text.
struct letters {
  const char* first;
  std::size_t count;
  const char* data() const { return first; }
  std::size_t size() const { return count; }
};

[[gnu::cold, gnu::noinline]] inline void print_letter(message& out, char c) { out << letters{&c, 1}; }

/// value >= 0 in as few digits as read back as the same double (17 at most).
[[gnu::cold, gnu::noinline]] inline void print_real(message& out, double value) {
  if (!(value > 0 && value < __builtin_inf())) {
    out << (value == 0 ? "0" : value == value ? "inf" : "nan");
    return;
  }
  const auto power_of_ten = [](int n) {
    long double power = 1, factor = 10;
    for (int k = n < 0 ? -n : n; k != 0; k /= 2, factor *= factor)
      if (k % 2 != 0) power *= factor;
    return n < 0 ? 1 / power : power;
  };
  int exponent = 0;
  while (power_of_ten(exponent + 1) <= value) ++exponent;
  while (power_of_ten(exponent) > value) --exponent;
  int count = 0;
  std::uint64_t digits = 0;
  do {
    const long double unit = power_of_ten(exponent - count);
    digits = static_cast<std::uint64_t>(value / unit + 0.5L);
    if (++count == 17 || static_cast<double>(digits * unit) == value) break;
  } while (true);
  char text[20];
  for (int k = count; k-- > 0; digits /= 10) text[k] = static_cast<char>('0' + digits % 10);
  const bool scientific = exponent < -5 || exponent > 16;
  const int point = scientific ? 1 : exponent + 1;  // digits before the decimal point
  if (point <= 0) {
    out << "0.";
    for (int k = point; k < 0; ++k) out << "0";
    out << letters{text, static_cast<std::size_t>(count)};
  } else {
    for (int k = 0; k < point; ++k) print_letter(out, k < count ? text[k] : '0');
    if (count > point) out << "." << letters{text + point, static_cast<std::size_t>(count - point)};
  }
  if (scientific) out << "e" << exponent;
}

/// The operation's name: its own, or its struct's. The library's structs are named Exp, ..., their functions exp, ...
[[gnu::cold, gnu::noinline]] inline void print_name(message& out, const char* source) {
  const char* first = __builtin_strstr(source, "Op = ");
  if (!first) {
    out << source;
    return;
  }
  first += 5;
  const bool ours = __builtin_strncmp(first, "kernfold::", 10) == 0;
  const char* last = first;
  for (int depth = 0; *last != '\0' && (depth > 0 || (*last != ';' && *last != ']' && *last != ',')); ++last) {
    if (*last == '<' || *last == '(' || *last == '[' || *last == '{') ++depth;
    else if (*last == '>' || *last == ')' || *last == ']' || *last == '}') --depth;
    else if (*last == ':' && last[1] == ':' && depth == 0) first = ++last + 1;
  }
  bool lower = ours;
  for (; first < last; ++first) {
    lower = lower && *first != '<';
    print_letter(out, lower && *first >= 'A' && *first <= 'Z' ? static_cast<char>(*first - 'A' + 'a') : *first);
  }
}

/// Prints the nodes of a table, in which children stand before parents.
struct printer {
  using strength = binding_strength;
  const printed_node* nodes;
  message& out;

  /// Node n where at least `least` is asked for. Without its sign where `magnitude`: the place has printed the minus.
  [[gnu::cold, gnu::noinline]] void print(int n, strength least, bool magnitude = false) const {
    const printed_node& f = nodes[n];
    if (magnitude && f.form.signs == sign_rule::product && is_minus_one(f.arguments.at[0]))
      return print(f.arguments.at[1], least > strength::product ? least : strength::product);
    const bool minus = !magnitude && is_negative(n);
    const bool enclosed = (minus ? strength::sum : strength_of(f)) < least;
    if (enclosed) out << "(";
    if (minus) {
      out << "-";
      print(n, f.form.signs == sign_rule::quotient ? strength::quotient : strength::product, true);
    } else {
      print_open(f, magnitude);
    }
    if (enclosed) out << ")";
  }

 private:
  /// c, c f and c f / g with a constant c < 0 begin with a minus, which merges with the sign before them.
  [[gnu::cold, gnu::noinline]] bool is_negative(int n) const {
    const printed_node& f = nodes[n];
    if (f.kind == printed_node::constant) return f.value.value() < 0;
    return (f.form.signs == sign_rule::product || f.form.signs == sign_rule::quotient) &&
           is_negative(f.arguments.at[0]);
  }
  [[gnu::cold, gnu::noinline]] bool is_minus_one(int n) const {
    const printed_node& f = nodes[n];
    return f.kind == printed_node::constant && f.value.num == -1 && f.value.den == 1;
  }
  [[gnu::cold, gnu::noinline]] bool begins_with_minus(int n) const {
    const printed_node& f = nodes[n];
    if (f.form.signs == sign_rule::difference) return begins_with_minus(f.arguments.at[0]);
    if (f.form.signs == sign_rule::sum) return begins_with_minus(f.arguments.at[is_swapped(f)]);
    return is_negative(n);
  }
  /// -f + g is printed as g - f.
  [[gnu::cold, gnu::noinline]] bool is_swapped(const printed_node& f) const {
    return is_negative(f.arguments.at[0]) && !begins_with_minus(f.arguments.at[1]);
  }
  static strength strength_of(const printed_node& f) {
    if (f.kind == printed_node::constant) return f.value.den > 1 ? strength::quotient : strength::atom;
    return f.form.strength;
  }

  [[gnu::cold, gnu::noinline]] void print_open(const printed_node& f, bool magnitude) const {
    switch (f.kind) {
      case printed_node::symbol:
        out << f.name;
        if (f.value.num >= 0) out << f.value.num;
        break;
      case printed_node::leaf:
        f.print_leaf(out);
        break;
      case printed_node::constant:
        print_constant(f.value);
        break;
      default:
        print_operation(f, magnitude);
    }
  }
  [[gnu::cold, gnu::noinline]] void print_operation(const printed_node& f, bool magnitude) const {
    const int* arguments = f.arguments.at;
    switch (f.form.signs) {
      case sign_rule::sum: {
        const int left = is_swapped(f);
        print(arguments[left], strength::sum);
        print_added(arguments[1 - left], false);
        break;
      }
      case sign_rule::difference:
        print(arguments[0], strength::sum);
        print_added(arguments[1], true);
        break;
      case sign_rule::product:
        // A fraction in front is no quotient of what follows: 1/2 x0.
        print(arguments[0], nodes[arguments[0]].kind == printed_node::constant ? strength::quotient : strength::product,
              magnitude);
        out << " ";
        print(arguments[1], strength::product);
        break;
      case sign_rule::quotient:
        print(arguments[0], strength::quotient, magnitude);
        out << " / ";
        print(arguments[1], strength::power);
        break;
      default:
        f.form.pattern ? print_pattern(f) : print_call(f);
    }
  }
  /// + f or - f, the signs merged
  [[gnu::cold, gnu::noinline]] void print_added(int n, bool subtracted) const {
    const bool negative = is_negative(n);
    out << (negative != subtracted ? " - " : " + ");
    const bool sum_may_follow = !negative && !subtracted && !begins_with_minus(n);
    print(n, sum_may_follow ? strength::sum : strength::quotient, negative);
  }
  [[gnu::cold, gnu::noinline]] void print_constant(number c) const {
    const bool minus = c.value() < 0;
    if (!c.rational()) return print_real(out, minus ? -c.value() : c.value());
    out << (minus ? -c.num : c.num);
    if (c.den != 1) out << "/" << c.den;
  }
  [[gnu::cold, gnu::noinline]] void print_pattern(const printed_node& f) const {
    for (const char* p = f.form.pattern; *p != '\0'; ++p) {
      if (*p == '#') {
        if (f.form.number.num < 0) out << "-";
        print_constant(f.form.number);
      } else if (*p >= 'A' && *p < 'A' + max_arguments) {
        print(f.arguments.at[*p - 'A'], f.form.argument[*p - 'A']);
      } else {
        print_letter(out, *p);
      }
    }
  }
  [[gnu::cold, gnu::noinline]] void print_call(const printed_node& f) const {
    print_name(out, f.name);
    for (int a = 0; a < max_arguments && f.arguments.at[a] >= 0; ++a) {
      out << (a == 0 ? "(" : ", ");
      print(f.arguments.at[a], strength::sum);
    }
    out << ")";
  }
};

template <class F> [[gnu::cold, gnu::noinline]] void print_formula(message& out) {
  using nodes = nodes_of<F>;
  static constexpr auto table = make_printed_table<graph<F>>(nodes{});
  printer{table.row, out}.print(nodes::size - 1, binding_strength::sum);
}

/// name(formulas...) of a reduction, or name<K>(formulas...) where it gives K values
template <class Spec, class... Fs> void print_reduction(message& out, const char* suffix, type_list<Fs...>) {
  out << Spec::name();
  if constexpr (requires { Spec::count; }) out << "<" << Spec::count << ">";
  out << suffix;
  const char* separator = "(";
  ((out << separator, separator = ", ", print_formula<Fs>(out)), ...);
  out << ")";
}
template <class F> [[gnu::cold, gnu::noinline]] void print_folded(message& out) {
  constexpr role r = F::symbol_role;
  constexpr const char* folded_indices = r == role::parameter ? "_ij" : r == role::i ? "_j" : r == role::j ? "_i" : "";
  print_reduction<typename F::spec>(out, folded_indices, typename F::spec::formulas{});
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// A formula as text: x0 stands for Vi<0, ...>, y1 for Vj<1, ...>, p2 for Pm<2, ...>, v3 for Ve<3, ...>; factors stand
/// side by side, (a | b) is a scalar product, a_[k] component k, [a < b] is 1 or 0, and the rest are calls.
template <formula F> message to_string(F) {
  message out;
  detail::print_formula<detail::bare<F>>(out);
  return out;
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
