// kernfold/api/edges.hpp: spaces whose pairs are listed one by one: the edges of a graph.
#pragma once

#include "ranges.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// An edge_rows that owns what it shows. Rows behind `rows` have no edges.
struct owned_edge_rows {
  std::int64_t rows = 0;
  matrix<std::int64_t> starts, columns, numbers;

  edge_rows show() const {
    return {starts.data(), columns.data(), numbers.size() > 0 ? numbers.data() : nullptr, columns.size()};
  }
};
/// One more than the greatest of them.
inline std::int64_t end_of(const matrix<std::int64_t>& numbers) {
  std::int64_t end = 0;
  for (const std::int64_t n : numbers) end = n < end ? end : n + 1;
  return end;
}
/// Edges from rows to columns, sorted by their rows; edges of a row stay in their order.
[[gnu::cold, gnu::noinline]] inline owned_edge_rows sort_edges(const std::int64_t* rows, const std::int64_t* columns,
                                                               std::int64_t count, std::int64_t row_count) {
  owned_edge_rows sorted{row_count, matrix<std::int64_t>::zeros(row_count + 1, 1), {count, 1}, {count, 1}};
  std::int64_t* const starts = sorted.starts.data();
  for (std::int64_t e = 0; e < count; ++e) ++starts[rows[e]];
  for (std::int64_t r = 0, before = 0; r <= row_count; ++r) {
    const std::int64_t here = starts[r];
    starts[r] = before;
    before += here;
  }
  for (std::int64_t e = 0; e < count; ++e) {
    const std::int64_t place = starts[rows[e]]++;
    sorted.columns.data()[place] = columns[e];
    sorted.numbers.data()[place] = e;
  }
  for (std::int64_t r = row_count; r > 0; --r) starts[r] = starts[r - 1];
  starts[0] = 0;
  return sorted;
}

/// What is made when it is asked for first, by any thread, and kept.
template <class T> class made_once {
 public:
  made_once() = default;
  made_once(const made_once&) = delete;
  ~made_once() { delete made_; }
  template <class Make> const T& get(Make make) const {
    if (const T* const made = __atomic_load_n(&made_, __ATOMIC_ACQUIRE)) return *made;
    T* const mine = new T(make());
    T* first = nullptr;
    if (__atomic_compare_exchange_n(&made_, &first, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return *mine;
    delete mine;  // another thread was faster
    return *first;
  }

 private:
  mutable T* made_ = nullptr;
};

struct owned_edge_ends {
  matrix<std::int64_t> i, j;
};
/// Edges, and what sweeps over either axis want of them.
struct edge_lists {
  owned_edge_rows by_i;
  std::int64_t told_rows;  // as many as there were offsets for; -1 where none were given
  std::int64_t columns;    // one more than the greatest that occurs
  made_once<owned_edge_rows> by_j;
  made_once<owned_edge_ends> ends;
  mutable long owners = 1;
  mutable kept_copies copies{};

  const owned_edge_ends& find_ends() const {
    return ends.get([&] {
      const std::int64_t count = by_i.columns.size();
      owned_edge_ends all{{count, 1}, {count, 1}};
      const edge_rows edges = by_i.show();
      for (std::int64_t r = 0; r < by_i.rows; ++r)
        for (std::int64_t s = edges.starts[r]; s < edges.starts[r + 1]; ++s) {
          const std::int64_t e = edges.numbers ? edges.numbers[s] : s;
          all.i.data()[e] = r;
          all.j.data()[e] = edges.columns[s];
        }
      return all;
    });
  }
  const owned_edge_rows& find_by_j() const {
    return by_j.get([&] {
      const owned_edge_ends& all = find_ends();
      return sort_edges(all.j.data(), all.i.data(), all.i.size(), columns);
    });
  }
};

/// A pair_set of edges: their lists, and starts for as many rows as a call has.
struct bound_edges {
  matrix<std::int64_t> starts_by_i, starts_by_j;
  pair_set set;
};
inline edge_rows show_for(const owned_edge_rows& edges, std::int64_t rows, matrix<std::int64_t>& starts) {
  edge_rows shown = edges.show();
  if (rows == edges.rows) return shown;
  starts = matrix<std::int64_t>(rows + 1, 1);
  for (std::int64_t r = 0; r <= rows; ++r) starts.data()[r] = edges.starts.data()[r < edges.rows ? r : edges.rows];
  shown.starts = starts.data();
  shown.has_starts_of_call = true;
  return shown;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// Pairs (i, j) that are listed one by one, each as often as it is listed:
///   kf::edges::csr(offsets, columns)    row i meets the columns columns(e), offsets(i) <= e < offsets(i + 1)
///   kf::edges::coo(i, j)                edge e is the pair (i(e), j(e)), in any order
/// of integers. Edges are numbered as they are listed: kf::Ve<position, dim> is a variable with a row for each, and the
/// gradient with respect to it has one, too. A row meets its columns in the order of its edges; rows without edges have
/// the results of no columns. The arrays are copied; copies of a kf::edges share them, and what a sweep over the other
/// axis wants of them, which is made by the first, and their copies on devices.
class edges {
 public:
  /// offsets: (M + 1), ascending from 0 to E; columns: (E). Throws shape_error where they do not fit each other.
  template <array_like Offsets, array_like Columns> static edges csr(const Offsets& offsets, const Columns& columns) {
    return from_offsets(read(detail::rows_for("kf::edges::csr: offsets", offsets, 1)),
                        read(detail::rows_for("kf::edges::csr: columns", columns, 1)));
  }
  /// i, j: (E). Throws shape_error where they do not fit each other.
  template <array_like Is, array_like Js> static edges coo(const Is& i, const Js& j) {
    return from_ends(read(detail::rows_for("kf::edges::coo: i", i, 1)),
                     read(detail::rows_for("kf::edges::coo: j", j, 1)));
  }

  edges(const edges& other) : lists_(other.lists_) { __atomic_fetch_add(&lists_->owners, 1, __ATOMIC_RELAXED); }
  edges& operator=(edges other) noexcept {
    detail::edge_lists* const mine = lists_;
    lists_ = other.lists_;
    other.lists_ = mine;
    return *this;
  }
  ~edges() {
    if (__atomic_sub_fetch(&lists_->owners, 1, __ATOMIC_ACQ_REL) == 0) release(lists_);
  }

  /// How many there are.
  std::int64_t size() const { return lists_->by_i.columns.size(); }
  /// The pairs (j, i), with the same numbers.
  [[gnu::cold, gnu::noinline]] edges transposed() const {
    const detail::owned_edge_ends& ends = lists_->find_ends();
    return from_ends(ends.j, ends.i);
  }

  /// The pairs among `rows` x `columns`. Throws shape_error where an edge lies outside; `whose` names the reduction.
  /// Sweeps over i take them by their columns, those that leave a row for each edge by their ends.
  [[gnu::cold, gnu::noinline]] void bind(detail::bound_edges& bound, std::int64_t rows, std::int64_t columns,
                                         message (*whose)(), bool by_j, bool by_ends) const {
    const detail::edge_lists& all = *lists_;
    if (all.told_rows >= 0 && all.told_rows != rows)
      refuse(message() << "the edges of " << whose() << ": offsets for " << all.told_rows
                       << " rows were given, and there are " << rows);
    if (all.by_i.rows > rows || all.columns > columns) refuse_ends(rows, columns, whose);
    bound.set.copies = &all.copies;
    bound.set.edges_by_i = show_for(all.by_i, rows, bound.starts_by_i);
    if (by_j) bound.set.edges_by_j = show_for(all.find_by_j(), columns, bound.starts_by_j);
    if (by_ends) bound.set.ends = {all.find_ends().i.data(), all.find_ends().j.data()};
  }

 private:
  detail::edge_lists* lists_;
  explicit edges(detail::edge_lists* lists) : lists_(lists) {}
  [[gnu::cold, gnu::noinline]] static void release(detail::edge_lists* lists) { delete lists; }

  template <class Element> static matrix<std::int64_t> read(view<const Element> a) {
    static_assert(std::is_integral_v<Element>, "kernfold: kf::edges takes arrays of integers");
    matrix<std::int64_t> m(a.rows(), 1);
    for (std::int64_t e = 0; e < a.rows(); ++e) m.data()[e] = std::int64_t(a(e, 0));
    return m;
  }
  [[gnu::cold, gnu::noinline]] static void refuse(const message& why) { throw shape_error(why); }
  static void check_not_negative(const char* whose, const matrix<std::int64_t>& numbers) {
    for (std::int64_t e = 0; e < numbers.size(); ++e)
      if (numbers.data()[e] < 0)
        refuse(message(whose) << "(" << e << ") is " << numbers.data()[e] << ": rows and columns are numbered from 0");
  }
  [[gnu::cold, gnu::noinline]] static edges from_offsets(matrix<std::int64_t> offsets, matrix<std::int64_t> columns) {
    const std::int64_t* const o = offsets.data();
    const std::int64_t rows = offsets.size() - 1;
    if (rows < 0) refuse(message() << "kf::edges::csr: no offsets were given: there is one more than rows");
    for (std::int64_t i = 0; i < rows; ++i)
      if (o[i + 1] < o[i])
        refuse(message() << "kf::edges::csr: offsets(" << i + 1 << ") is " << o[i + 1] << ", after " << o[i]
                         << ": offsets ascend");
    if (o[0] != 0 || o[rows] != columns.size())
      refuse(message() << "kf::edges::csr: offsets run from " << o[0] << " to " << o[rows] << ", and there are "
                       << columns.size() << " columns: they run from 0 to that number");
    check_not_negative("kf::edges::csr: columns", columns);
    const std::int64_t end = detail::end_of(columns);
    return edges(new detail::edge_lists{
        {rows, static_cast<matrix<std::int64_t>&&>(offsets), static_cast<matrix<std::int64_t>&&>(columns), {}},
        rows,
        end,
        {},
        {}});
  }
  [[gnu::cold, gnu::noinline]] static edges from_ends(const matrix<std::int64_t>& i, const matrix<std::int64_t>& j) {
    if (i.size() != j.size())
      refuse(message() << "kf::edges::coo: " << i.size() << " numbers i and " << j.size()
                       << " numbers j were given: an edge has one of each");
    check_not_negative("kf::edges::coo: i", i);
    check_not_negative("kf::edges::coo: j", j);
    return edges(new detail::edge_lists{
        detail::sort_edges(i.data(), j.data(), i.size(), detail::end_of(i)), -1, detail::end_of(j), {}, {}});
  }
  [[gnu::cold, gnu::noinline]] void refuse_ends(std::int64_t rows, std::int64_t columns, message (*whose)()) const {
    const detail::owned_edge_ends& ends = lists_->find_ends();
    for (std::int64_t e = 0; e < size(); ++e)
      if (ends.i.data()[e] >= rows || ends.j.data()[e] >= columns)
        refuse(message() << "the edges of " << whose() << ": edge " << e << " is (" << ends.i.data()[e] << ", "
                         << ends.j.data()[e] << "), and there are " << rows << (rows == 1 ? " row and " : " rows and ")
                         << columns << (columns == 1 ? " column" : " columns"));
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
