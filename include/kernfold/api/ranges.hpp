// kernfold/api/ranges.hpp: block-sparse spaces: intervals of rows meet intervals of columns.
#pragma once

#include <stdlib.h>

#include "../core/matrix.hpp"
#include "../core/view.hpp"
#include "../engine/space.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The rows of dimension `dim` of an array. Throws shape_error, which begins with the function's name.
template <class A> auto rows_for(const char* who, const A& a, std::int64_t dim) {
  const auto raw = describe(a);
  const auto result = fit(raw, dim);
  if (!result) throw shape_error(message(who) << ": " << explain(result.why, raw, dim));
  return result.array;
}
/// An interval_rows that owns what it shows.
struct owned_rows {
  matrix<interval> rows, columns;
  matrix<std::int64_t> starts;
  std::int64_t count = 0;

  owned_rows() = default;
  owned_rows(std::int64_t most_rows, std::int64_t most_columns)
      : rows(most_rows, 1), columns(most_columns, 1), starts(most_rows + 1, 1) {
    starts.data()[0] = 0;
  }
  /// Begins a list of columns for rows that come after all so far.
  void add_rows(interval r) {
    rows.data()[count++] = r;
    starts.data()[count] = starts.data()[count - 1];
  }
  /// Columns for the rows that were added last, not before those of their list: touching ones become one.
  void add_columns(interval c) {
    std::int64_t& end = starts.data()[count];
    interval* const all = columns.data();
    if (end > starts.data()[count - 1] && c.first <= all[end - 1].end)
      all[end - 1].end = c.end > all[end - 1].end ? c.end : all[end - 1].end;
    else if (c.first < c.end) all[end++] = c;
  }
  [[gnu::cold, gnu::noinline]] interval_rows show() const {
    std::int64_t pairs = 0;
    for (std::int64_t b = 0; b < count; ++b)
      for (std::int64_t k = starts.data()[b]; k < starts.data()[b + 1]; ++k)
        pairs += (rows.data()[b].end - rows.data()[b].first) * (columns.data()[k].end - columns.data()[k].first);
    return {rows.data(), starts.data(), columns.data(), count, pairs};
  }
};

inline int compare_intervals(const void* a, const void* b) {
  const std::int64_t first = static_cast<const interval*>(a)->first, other = static_cast<const interval*>(b)->first;
  return first < other ? -1 : first > other;
}
inline int compare_numbers(const void* a, const void* b) {
  const std::int64_t first = *static_cast<const std::int64_t*>(a), other = *static_cast<const std::int64_t*>(b);
  return first < other ? -1 : first > other;
}
inline void sort_intervals(interval* all, std::int64_t count) {
  if (count > 1) qsort(all, static_cast<std::size_t>(count), sizeof(interval), &compare_intervals);
}

/// The same pairs, by their columns: the columns' ends cut `width` columns into stretches, each of which meets the same
/// rows throughout.
[[gnu::cold, gnu::noinline]] inline owned_rows transpose_rows(const interval_rows& by, std::int64_t width) {
  const std::int64_t intervals = by.count > 0 ? by.starts[by.count] : 0;
  matrix<std::int64_t> cuts(2 * intervals + 2, 1);
  std::int64_t* const cut = cuts.data();
  cut[0] = 0;
  cut[1] = width;
  for (std::int64_t k = 0; k < intervals; ++k) {
    cut[2 * k + 2] = by.columns[k].first;
    cut[2 * k + 3] = by.columns[k].end;
  }
  qsort(cut, static_cast<std::size_t>(cuts.size()), sizeof(std::int64_t), &compare_numbers);
  std::int64_t stretches = 0;
  for (std::int64_t k = 1; k < cuts.size(); ++k)
    if (cut[k] != cut[stretches]) cut[++stretches] = cut[k];

  const auto stretch_at = [&](std::int64_t column) {  // the one that begins there
    std::int64_t low = 0, high = stretches;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (cut[middle] <= column ? low : high) = middle;
    }
    return low;
  };
  const auto for_each_meeting = [&](auto&& f) {  // f(stretch, rows), the rows of a stretch in ascending order
    for (std::int64_t b = 0; b < by.count; ++b)
      for (std::int64_t k = by.starts[b]; k < by.starts[b + 1]; ++k)
        for (std::int64_t s = stretch_at(by.columns[k].first); s < stretches && cut[s] < by.columns[k].end; ++s)
          f(s, by.rows[b]);
  };
  matrix<std::int64_t> places(stretches + 1, 1);
  for (std::int64_t s = 0; s <= stretches; ++s) places.data()[s] = 0;
  for_each_meeting([&](std::int64_t s, interval) { ++places.data()[s + 1]; });
  for (std::int64_t s = 0; s < stretches; ++s) places.data()[s + 1] += places.data()[s];
  matrix<interval> met(places.data()[stretches], 1);
  for_each_meeting([&](std::int64_t s, interval rows) { met.data()[places.data()[s]++] = rows; });

  owned_rows result(stretches, met.size());
  for (std::int64_t s = 0, k = 0; s < stretches; ++s) {
    result.add_rows({cut[s], cut[s + 1]});
    for (; k < places.data()[s]; ++k) result.add_columns(met.data()[k]);
  }
  return result;
}

/// A pair_set that owns what it shows.
struct owned_pairs {
  owned_rows by_i, by_j;
  pair_set set;
  /// For sweeps over i.
  void transpose(std::int64_t columns) {
    by_j = transpose_rows(set.by_i, columns);
    set.by_j = by_j.show();
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// The pairs (i, j) with i in row interval k and j in one of its column intervals,
///   { (i, j) : row_intervals(k, 0) <= i < row_intervals(k, 1) and
///              column_intervals(l, 0) <= j < column_intervals(l, 1) for one l, ends(k - 1) <= l < ends(k) },
/// with ends(-1) = 0. Row intervals are apart, in any order; column intervals of one list may overlap: a pair is in the
/// set or it is not. Rows and columns that no interval has meet nothing, and their results are those of no columns. The
/// arrays are copied.
class ranges {
 public:
  /// row_intervals: (K, 2), ends: (K), column_intervals: (L, 2), of integers. Throws shape_error where they do not fit
  /// each other.
  template <array_like Rows, array_like Ends, array_like Columns>
  ranges(const Rows& row_intervals, const Ends& ends, const Columns& column_intervals)
      : rows_(read<interval>(detail::rows_for("kf::ranges: row intervals", row_intervals, 2))),
        ends_(read<std::int64_t>(detail::rows_for("kf::ranges: ends", ends, 1))),
        columns_(read<interval>(detail::rows_for("kf::ranges: column intervals", column_intervals, 2))) {
    check();
  }
  ranges(matrix<interval> row_intervals, matrix<std::int64_t> ends, matrix<interval> column_intervals)
      : rows_(static_cast<matrix<interval>&&>(row_intervals)),
        ends_(static_cast<matrix<std::int64_t>&&>(ends)),
        columns_(static_cast<matrix<interval>&&>(column_intervals)) {
    check();
  }

  // Functions of their own: a call compiles none of them into itself.
  [[gnu::noinline]] ranges(const ranges&) = default;
  [[gnu::noinline]] ranges(ranges&&) = default;
  [[gnu::noinline]] ranges& operator=(const ranges&) = default;
  [[gnu::noinline]] ranges& operator=(ranges&&) = default;
  [[gnu::noinline]] ~ranges() = default;

  /// The pairs (j, i).
  [[gnu::cold, gnu::noinline]] ranges transposed() const {
    std::int64_t rows = 0, columns = 0;
    for (const interval r : rows_) rows = r.end > rows ? r.end : rows;
    for (const interval c : columns_) columns = c.end > columns ? c.end : columns;
    const detail::owned_rows by_i = by_rows(rows, columns, [] { return message("kf::ranges"); });
    const detail::owned_rows by_j = detail::transpose_rows(by_i.show(), columns);
    matrix<interval> stretches(by_j.count, 1), met(by_j.starts.data()[by_j.count], 1);
    matrix<std::int64_t> ends(by_j.count, 1);
    for (std::int64_t b = 0; b < by_j.count; ++b) {
      stretches.data()[b] = by_j.rows.data()[b];
      ends.data()[b] = by_j.starts.data()[b + 1];
    }
    for (std::int64_t k = 0; k < met.size(); ++k) met.data()[k] = by_j.columns.data()[k];
    return {static_cast<matrix<interval>&&>(stretches), static_cast<matrix<std::int64_t>&&>(ends),
            static_cast<matrix<interval>&&>(met)};
  }

  /// The pairs among `rows` x `columns`, as sweeps over j want them. Throws shape_error where an interval lies outside,
  /// or rows overlap; `whose` names the reduction.
  void bind(detail::owned_pairs& bound, std::int64_t rows, std::int64_t columns, message (*whose)()) const {
    bound.by_i = by_rows(rows, columns, whose);
    bound.set.by_i = bound.by_i.show();
  }

 private:
  matrix<interval> rows_;  // (K)
  matrix<std::int64_t> ends_;
  matrix<interval> columns_;  // (L)

  template <class T, class Element> static matrix<T> read(view<const Element> a) {
    static_assert(std::is_integral_v<Element>, "kernfold: kf::ranges takes arrays of integers");
    matrix<T> m(a.rows(), 1);
    for (std::int64_t k = 0; k < a.rows(); ++k) {
      if constexpr (std::is_same_v<T, interval>) m.data()[k] = {std::int64_t(a(k, 0)), std::int64_t(a(k, 1))};
      else m.data()[k] = std::int64_t(a(k, 0));
    }
    return m;
  }

  [[gnu::cold, gnu::noinline]] static void refuse(const message& why) { throw shape_error(why); }
  [[gnu::cold, gnu::noinline]] void check() const {
    if (rows_.size() != ends_.size())
      refuse(message() << "kf::ranges: " << rows_.size() << " row intervals and " << ends_.size()
                       << " ends of their lists were given: there is one for each");
    std::int64_t before = 0;
    for (std::int64_t k = 0; k < ends_.size(); before = ends_.data()[k++])
      if (ends_.data()[k] < before || ends_.data()[k] > columns_.size())
        refuse(message() << "kf::ranges: the list of row interval " << k << " ends at " << ends_.data()[k]
                         << ", after one that ends at " << before << ", of " << columns_.size()
                         << " column intervals: ends ascend, up to that number");
    for (std::int64_t k = 0; k < rows_.size(); ++k) check_order("row", k, rows_.data()[k]);
    for (std::int64_t k = 0; k < columns_.size(); ++k) check_order("column", k, columns_.data()[k]);
  }
  static void check_order(const char* what, std::int64_t k, interval v) {
    if (v.first < 0 || v.end < v.first)
      refuse(message() << "kf::ranges: " << what << " interval " << k << " is [" << v.first << ", " << v.end
                       << "): intervals begin at 0 or later, and do not end before they begin");
  }
  static void check_end(message (*whose)(), const char* what, std::int64_t k, interval v, std::int64_t end) {
    if (v.first < v.end && v.end > end)
      refuse(message() << "the ranges of " << whose() << ": " << what << " interval " << k << " is [" << v.first << ", "
                       << v.end << "), and there are " << end << " " << what << "s");
  }

  /// All rows in ascending order, those that no interval has with empty lists.
  [[gnu::cold, gnu::noinline]] detail::owned_rows by_rows(std::int64_t rows, std::int64_t columns,
                                                          message (*whose)()) const {
    const std::int64_t count = rows_.size();
    matrix<std::int64_t> sorted(count, 3);  // an interval, and its number
    for (std::int64_t k = 0; k < count; ++k) {
      check_end(whose, "row", k, rows_.data()[k], rows);
      sorted(k, 0) = rows_.data()[k].first;
      sorted(k, 1) = rows_.data()[k].end;
      sorted(k, 2) = k;
    }
    for (std::int64_t l = 0; l < columns_.size(); ++l) check_end(whose, "column", l, columns_.data()[l], columns);
    if (count > 1)
      qsort(sorted.data(), static_cast<std::size_t>(count), 3 * sizeof(std::int64_t), &detail::compare_numbers);

    detail::owned_rows result(2 * count + 1, columns_.size());
    matrix<interval> list(columns_.size(), 1);
    std::int64_t end = 0, last = -1;
    for (std::int64_t n = 0; n < count; ++n) {
      const interval met{sorted(n, 0), sorted(n, 1)};
      const std::int64_t k = sorted(n, 2);
      if (met.first == met.end) continue;
      if (met.first < end)
        refuse(message() << "the ranges of " << whose() << ": row intervals " << (last < k ? last : k) << " and "
                         << (last < k ? k : last) << " overlap");
      if (end < met.first) result.add_rows({end, met.first});
      result.add_rows(met);
      const std::int64_t first = k > 0 ? ends_.data()[k - 1] : 0, length = ends_.data()[k] - first;
      for (std::int64_t l = 0; l < length; ++l) list.data()[l] = columns_.data()[first + l];
      detail::sort_intervals(list.data(), length);
      for (std::int64_t l = 0; l < length; ++l) result.add_columns(list.data()[l]);
      end = met.end;
      last = k;
    }
    if (end < rows) result.add_rows({end, rows});
    return result;
  }
};

/// The pairs of row intervals (K, 2) and column intervals (L, 2) with keep(k, l) != 0: a function, or what is called
/// like one, as a matrix.
template <array_like Rows, array_like Columns, class Keep>
  requires requires(const Keep& keep) { keep(std::int64_t(0), std::int64_t(0)) ? 0 : 1; }
ranges from_matrix(const Rows& row_intervals, const Columns& column_intervals, const Keep& keep) {
  const auto rows = detail::rows_for("kf::from_matrix: row intervals", row_intervals, 2);
  const auto columns = detail::rows_for("kf::from_matrix: column intervals", column_intervals, 2);
  std::int64_t kept = 0;
  for (std::int64_t k = 0; k < rows.rows(); ++k)
    for (std::int64_t l = 0; l < columns.rows(); ++l) kept += keep(k, l) ? 1 : 0;
  matrix<std::int64_t> ends(rows.rows(), 1), lists(kept, 2);
  kept = 0;
  for (std::int64_t k = 0; k < rows.rows(); ++k) {
    for (std::int64_t l = 0; l < columns.rows(); ++l) {
      if (!keep(k, l)) continue;
      lists(kept, 0) = columns(l, 0);
      lists(kept++, 1) = columns(l, 1);
    }
    ends.data()[k] = kept;
  }
  return {row_intervals, ends, lists};
}
/// Row interval k meets column interval k.
template <array_like Rows, array_like Columns>
ranges block_diagonal(const Rows& row_intervals, const Columns& column_intervals) {
  const auto rows = detail::rows_for("kf::block_diagonal: row intervals", row_intervals, 2);
  const auto columns = detail::rows_for("kf::block_diagonal: column intervals", column_intervals, 2);
  if (rows.rows() != columns.rows())
    throw shape_error(message() << "kf::block_diagonal: " << rows.rows() << " row intervals and " << columns.rows()
                                << " column intervals were given: there is one for each");
  matrix<std::int64_t> ends(rows.rows(), 1);
  for (std::int64_t k = 0; k < rows.rows(); ++k) ends.data()[k] = k + 1;
  return {row_intervals, ends, column_intervals};
}
/// Row interval pairs(n, 0) meets column interval pairs(n, 1), for each row n of pairs (P, 2), in any order.
template <array_like Rows, array_like Columns, array_like Pairs>
ranges blocks(const Rows& row_intervals, const Columns& column_intervals, const Pairs& pairs) {
  const auto rows = detail::rows_for("kf::blocks: row intervals", row_intervals, 2);
  const auto columns = detail::rows_for("kf::blocks: column intervals", column_intervals, 2);
  const auto met = detail::rows_for("kf::blocks: pairs", pairs, 2);
  matrix<std::int64_t> places(rows.rows() + 1, 1), lists(met.rows(), 2);
  for (std::int64_t& place : places) place = 0;
  for (std::int64_t n = 0; n < met.rows(); ++n) {
    const std::int64_t k = met(n, 0), l = met(n, 1);
    if (k < 0 || k >= rows.rows() || l < 0 || l >= columns.rows())
      throw shape_error(message() << "kf::blocks: pair " << n << " is (" << k << ", " << l << "), of " << rows.rows()
                                  << " row intervals and " << columns.rows() << " column intervals");
    ++places.data()[k + 1];
  }
  for (std::int64_t k = 0; k < rows.rows(); ++k) places.data()[k + 1] += places.data()[k];
  for (std::int64_t n = 0; n < met.rows(); ++n) {
    const std::int64_t place = places.data()[met(n, 0)]++;
    lists(place, 0) = columns(met(n, 1), 0);
    lists(place, 1) = columns(met(n, 1), 1);
  }
  const view<const std::int64_t> ends(places.data(), rows.rows(), 1);
  return {row_intervals, ends, lists};
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
