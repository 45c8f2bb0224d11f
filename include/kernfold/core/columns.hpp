// kernfold/core/columns.hpp: arrays of other layouts as points: components along rows, members of structs, components
// in arrays of their own.
#pragma once

#include "matrix.hpp"
#include "view.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {

/// Whether arrays can be the components of points; if not, says why.
template <class First, class... Rest> consteval bool are_components() {
  constexpr bool are_arrays =
      is_array_or_says_why<const First>() && (is_array_or_says_why<const std::remove_reference_t<Rest>>() && ...);
  if constexpr (are_arrays) {
    constexpr bool same = (std::is_same_v<element_of<First>, element_of<Rest>> && ...);
    static_assert(same, "kernfold: columns(xs, ys, ...) needs arrays of one element type");
    return same;
  } else {
    return false;
  }
}

inline namespace KERNFOLD_ABI {

[[gnu::cold, gnu::noinline]] inline void refuse_component(int k, const message& why) {
  throw shape_error(message("kf::columns: array ") << k << ": " << why);
}
/// The numbers of component k, one for each of `points`; -1: as many as there are.
template <class T> view<const T> component_view(const raw_array<const T>& raw, int k, std::int64_t points) {
  if (raw.batch.rank > 0) refuse_component(k, "a batch was given, where one number for each point is needed");
  const auto found = fit(raw, 1);
  if (!found) refuse_component(k, explain(found.why, raw, 1));
  if (points >= 0 && found.array.rows() != points)
    refuse_component(k, message() << found.array.rows() << (found.array.rows() == 1 ? " number was" : " numbers were")
                                  << " given, array 0 has " << points);
  return found.array;
}
template <class T> void copy_component(matrix<T>& to, int k, view<const T> from) {
  for (std::int64_t i = 0; i < from.rows(); ++i) to(i, k) = from(i, 0);
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// A (dim, count) row-major array, components along rows and points along columns, as `count` points.
template <class T> view<T> columns(T* data, std::integral auto dim, std::integral auto count) {
  return {data, count, dim, 1, count};
}

/// The columns of a two-dimensional array of any layout, as points: its transpose. Const where the array is.
template <class A> auto columns(A&& a) {
  (void)detail::is_array_or_says_why<A>();
  const auto raw = detail::describe_as_it_comes(a);
  constexpr auto kind = detail::kind_of<std::remove_reference_t<A>>();
  static_assert(kind == detail::array_kind::none || kind == detail::array_kind::points ||
                    kind == detail::array_kind::mdspan_rows || kind == detail::array_kind::strided,
                "kernfold: columns(P) needs an array with rows and columns; for numbers in a row write "
                "kf::columns(pointer, dim, count)");
  return view{raw.data, raw.dim, raw.rows, raw.col_stride, raw.row_stride};
}

/// One member of `count` structs: a number, or a point of numbers. It is read where it lies.
template <class S, class Base, class Member> auto field(S* structs, std::integral auto count, Member Base::*member) {
  using M = std::remove_const_t<Member>;
  if constexpr (point_like<M>) {
    using T = typename point_traits<M>::element;
    constexpr bool whole = sizeof(S) % sizeof(T) == 0;
    static_assert(whole,
                  "kernfold: field(structs, &S::member) needs a struct whose size is a multiple of the size of the "
                  "member's numbers; this one's is not (is it packed?)");
    constexpr std::int64_t stride = sizeof(S) / sizeof(T);
    auto* const data = count > 0 ? detail::components_of(&(structs->*member)) : nullptr;
    return view{data, count, point_traits<M>::dim, stride, 1};
  } else {
    static_assert(point_like<M>,
                  "kernfold: field(structs, &S::member) needs a member that is a number or a fixed array of numbers");
    return view<const double>{};
  }
}

/// One member of each struct of a contiguous range.
template <class Range, class Base, class Member> auto field(Range&& structs, Member Base::*member) {
  constexpr bool contiguous = detail::contiguous_range<std::remove_reference_t<Range>>;
  static_assert(contiguous,
                "kernfold: field(structs, &S::member) needs a contiguous range of structs (data() and size())");
  if constexpr (contiguous) return field(detail::first_of(structs), detail::count_of(structs), member);
  else return view<const double>{};
}

/// Points whose components lie in arrays of their own, as rows:
///   P(i, k) = component number k of point i = a_k[i],     columns(a_0, a_1, ...) is (N, K) for K arrays of N numbers.
/// They are copied, once, N K numbers, beside the M N pairs of a call. Each array is a contiguous range of numbers, a
/// view of one component, a vector of Eigen, ... of one element type. Throws shape_error where one has more components,
/// another number of rows than the first, or batch extents.
template <class First, class Second, class... Rest>
  requires(!std::is_pointer_v<std::decay_t<First>> || std::is_array_v<First>)
auto columns(const First& first, const Second& second, const Rest&... rest) {
  constexpr bool fit = detail::are_components<First, Second, Rest...>();
  if constexpr (fit) {
    using T = element_of<First>;
    const auto beginning = detail::component_view(describe(first), 0, -1);
    const std::int64_t points = beginning.rows();
    matrix<T> all(points, 2 + int(sizeof...(Rest)));
    detail::copy_component(all, 0, beginning);
    int k = 1;
    const auto copy = [&](const auto& a) {
      detail::copy_component(all, k, detail::component_view(describe(a), k, points));
      ++k;
    };
    copy(second);
    (copy(rest), ...);
    return all;
  } else {
    return matrix<double>();
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
