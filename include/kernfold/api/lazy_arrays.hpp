// kernfold/api/lazy_arrays.hpp: the arrays that a lazy matrix carries, and calls with them.
#pragma once

#include "reduction.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// A slot of a role as a position of a call.
consteval int slot_position(role r, int slot) { return 3 * slot + (r == role::i ? 0 : r == role::j ? 1 : 2); }
/// i and j change places, and so do their slots.
struct transposed_slots {
  static consteval role role_of(role r) { return r == role::i ? role::j : r == role::j ? role::i : r; }
  template <class V> struct moved;
  template <role R, int P, int D, class E> struct moved<variable<R, P, D, E>> {
    using type = variable<role_of(R), R == role::i ? P + 1 : R == role::j ? P - 1 : P, D, E>;
  };
  template <class V> using of = typename moved<V>::type;
};

/// Whether an array is held as it is: a view, which is little more than a pointer. So is a number that is a temporary.
template <class A>
inline constexpr bool is_shown = std::is_trivially_copyable_v<A> && !std::is_arithmetic_v<A> && !std::is_array_v<A> &&
                                 !requires { std::tuple_size<A>::value; };
[[gnu::cold, gnu::noinline]] inline void refuse_second_array(role r, int position) {
  const char* const made = r == role::i ? "kf::lazy_i" : r == role::j ? "kf::lazy_j" : "kf::lazy_p";
  throw binding_error(message() << "slot " << position / 3 << " of " << made
                                << " holds two arrays in one formula: give the second one a slot of its own, as in "
                                << made << "<dim, " << position / 3 + 1 << ">(array)");
}

/// A variable and its array.
template <class V, class Array, bool IsHeldByValue> struct bound_array {
  using variable = V;
  using array = Array;
  static constexpr bool is_held_by_value = IsHeldByValue;
  std::conditional_t<IsHeldByValue, Array, const Array*> kept;

  constexpr const Array& get() const {
    if constexpr (IsHeldByValue) return kept;
    else return *kept;
  }
  std::int64_t rows() const {
    if constexpr (std::is_arithmetic_v<Array>) {
      return 1;
    } else {
      const auto raw = describe_anywhere(get());
      return raw.is_flat ? raw.total / V::dim : raw.rows;
    }
  }
  constexpr bool is_same(const bound_array& other) const {
    if constexpr (IsHeldByValue && !std::is_arithmetic_v<Array>) {
      const auto a = describe_anywhere(kept), b = describe_anywhere(other.kept);
      return a.data == b.data && a.rows == b.rows && a.total == b.total && a.row_stride == b.row_stride &&
             a.col_stride == b.col_stride;
    } else {
      return kept == other.kept;
    }
  }
  template <class Other, bool IsValue> constexpr void check_same(const bound_array<V, Other, IsValue>& other) const {
    if constexpr (std::is_same_v<Other, Array> && IsValue == IsHeldByValue) {
      if (!is_same(other)) refuse_second_array(V::symbol_role, V::position);
    } else {
      static_assert(
          std::is_same_v<Other, Array>,
          "kernfold: one slot of a lazy matrix holds two arrays: give the second one a slot of its own, as in "
          "kf::lazy_i<3, 1>(array)");
    }
  }
  /// Rows first to end - 1 of an array of V's role, as a view.
  auto part(interval rows_wanted) const {
    const auto raw = describe(get());
    if (rows_wanted.first < 0 || rows_wanted.end < rows_wanted.first || rows_wanted.end > rows())
      throw shape_error(message() << "the block [" << rows_wanted.first << ", " << rows_wanted.end
                                  << ") of a lazy matrix with " << rows()
                                  << (V::symbol_role == role::i ? " rows" : " columns"));
    array_shape shape = raw;
    const std::int64_t dim = V::dim == dynamic && !raw.is_flat ? raw.dim : V::dim;
    if (const misfit why = fit_rows(shape, dim, false); why != misfit::none)
      throw shape_error(message("a block of a lazy matrix: ") << explain(why, raw, dim));
    return view{raw.data + rows_wanted.first * shape.row_stride, rows_wanted.end - rows_wanted.first, dim,
                shape.row_stride, shape.col_stride};
  }
  /// Its rows as a batch of one each.
  auto row_by_row() const {
    const auto all = part({0, rows()});
    const std::int64_t extents[] = {all.rows()}, strides[] = {all.row_stride()};
    return view{all.data(), extents, strides, 1, all.dim(), all.row_stride(), all.col_stride()};
  }
};
template <class V, bool IsHeldByValue, class Array>
constexpr bound_array<V, Array, IsHeldByValue> make_bound(const Array& array) {
  if constexpr (IsHeldByValue) return {array};
  else return {__builtin_addressof(array)};
}

/// Some variables and their arrays, each once.
template <class... Bound> struct bound_list {
  slot_list_of<Bound...> all;
  using numbers = std::make_integer_sequence<int, sizeof...(Bound)>;

  /// The place of a variable; -1 where it has none.
  template <class V> static consteval int place_of() {
    return index_of_or_none<V>(type_list<typename Bound::variable...>{});
  }

  template <role R> std::int64_t rows_of() const { return rows_of<R>(numbers{}); }
  /// call(x = X, ...), and the same with more arguments, or into the caller's memory.
  template <class Call, class... More> auto call(const Call& call, const More&... more) const {
    return with_bindings(numbers{}, [&](const auto&... bound) { return call(bound..., more...); });
  }
  template <class Call, class Output, class... More>
  void call_into(const Call& call, Output&& out, const More&... more) const {
    with_bindings(numbers{}, [&](const auto&... bound) { call.into(out, bound..., more...); });
  }
  template <class Map> auto renamed() const { return renamed<Map>(numbers{}); }
  auto block(interval rows, interval columns) const { return block(rows, columns, numbers{}); }
  /// The real type of a call of R with these and More.
  template <class R, class... More>
  using real_of =
      typename real_choice_of<typename R::signature,
                              type_list<binding<typename Bound::variable, typename Bound::array>..., More...>>::real;
  /// All rows of a reduction's result for each column alone.
  template <class R> auto dense(R r, std::int64_t rows, std::int64_t columns) const {
    return dense(r, rows, columns, numbers{});
  }

 private:
  template <class V, class... Vs> static consteval int index_of_or_none(type_list<Vs...>) {
    int at = 0, found = -1;
    ((std::is_same_v<V, Vs> ? void(found = at) : void(), ++at), ...);
    return found;
  }
  template <role R, int... Is> std::int64_t rows_of(std::integer_sequence<int, Is...>) const {
    std::int64_t rows = 1;
    ((Bound::variable::symbol_role == R ? void(rows = detail::get<Is>(all).rows()) : void()), ...);
    return rows;
  }
  template <int... Is, class Use> auto with_bindings(std::integer_sequence<int, Is...>, Use&& use) const {
    return use(binding<typename Bound::variable, typename Bound::array>{detail::get<Is>(all).get()}...);
  }
  template <class Map, int... Is> auto renamed(std::integer_sequence<int, Is...>) const {
    using list = bound_list<bound_array<typename Map::template of<typename Bound::variable>, typename Bound::array,
                                        Bound::is_held_by_value>...>;
    return list{{{{detail::get<Is>(all).kept}}...}};
  }
  /// Of the arrays of i and j, parts; parameters as they are.
  template <class B, class Part> static auto part_of(const B& bound, Part part) {
    if constexpr (B::variable::symbol_role == role::parameter) return bound;
    else return make_bound<typename B::variable, true>(part(bound));
  }
  template <int... Is> auto block(interval rows, interval columns, std::integer_sequence<int, Is...>) const {
    const auto part = [&](const auto& bound) {
      return bound.part(std::remove_cvref_t<decltype(bound)>::variable::symbol_role == role::i ? rows : columns);
    };
    using list = bound_list<decltype(part_of(detail::get<Is>(all), part))...>;
    return list{{{part_of(detail::get<Is>(all), part)}...}};
  }
  template <class B> static auto by_columns(const B& bound) {
    if constexpr (B::variable::symbol_role == role::j)
      return make_bound<typename B::variable, true>(bound.row_by_row());
    else return bound;
  }
  template <class R, int... Is>
  auto dense(R r, std::int64_t rows, std::int64_t columns, std::integer_sequence<int, Is...>) const {
    using list = bound_list<decltype(by_columns(detail::get<Is>(all)))...>;
    const list of_columns{{{by_columns(detail::get<Is>(all))}...}};
    using real = real_of<R>;
    constexpr std::int64_t dim = type_at<typename R::items, 0>::spec::dim;
    matrix<real> result(rows, columns * dim);
    const std::int64_t extents[] = {columns}, strides[] = {dim};
    if constexpr (((Bound::variable::symbol_role == role::j) || ...))
      of_columns.call_into(r, view{result.data(), extents, strides, rows, dim, columns * dim, 1});
    else of_columns.call_into(r, view{result.data(), rows, dim});
    return result;
  }
};

template <class... As, class B, int... Is>
constexpr auto appended(const bound_list<As...>& a, const B& b, std::integer_sequence<int, Is...>) {
  return bound_list<As..., B>{{{detail::get<Is>(a.all)}..., {b}}};
}
template <class... As, class B> constexpr auto with_bound(const bound_list<As...>& a, const B& b) {
  constexpr int at = bound_list<As...>::template place_of<typename B::variable>();
  if constexpr (at >= 0) {
    detail::get<at>(a.all).check_same(b);
    return a;
  } else {
    return appended(a, b, typename bound_list<As...>::numbers{});
  }
}
template <class B, class... Bs, int... Is>
constexpr bound_list<Bs...> without_first([[maybe_unused]] const bound_list<B, Bs...>& b,
                                          std::integer_sequence<int, Is...>) {
  return {{{detail::get<Is + 1>(b.all)}...}};
}
/// The arrays of several lazy matrices, each slot's once. Throws binding_error where one holds two.
template <class... As> constexpr auto merged(const bound_list<As...>& a) { return a; }
template <class... As, class... Lists>
constexpr auto merged(const bound_list<As...>& a, const bound_list<>&, const Lists&... rest) {
  return merged(a, rest...);
}
template <class... As, class B, class... Bs, class... Lists>
constexpr auto merged(const bound_list<As...>& a, const bound_list<B, Bs...>& b, const Lists&... rest) {
  return merged(with_bound(a, detail::get<0>(b.all)),
                without_first(b, std::make_integer_sequence<int, sizeof...(Bs)>{}), rest...);
}
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
