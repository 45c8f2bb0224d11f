// kernfold/api/binding.hpp: the arrays of a call, checked and seen as rows: all that does not depend on the formula's
// type, so it is compiled once however many formulas a program has.
#pragma once

#include "../core/device_view.hpp"
#include "../core/footprint.hpp"
#include "../core/matrix.hpp"
#include "../engine/plan.hpp"
#include "../engine/space.hpp"
#include "../formula/print.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
/// The type of an array's numbers, as data.
struct element_code {
  char kind;  // 'f' floating, 'i' signed, 'u' unsigned
  unsigned char bytes;
  friend constexpr bool operator==(element_code, element_code) = default;
};
template <class T>
inline constexpr element_code code_of{std::is_floating_point_v<T> ? 'f'
                                      : std::is_signed_v<T>       ? 'i'
                                                                  : 'u',
                                      sizeof(T)};

/// A variable of a formula, as checks and messages see it.
struct symbol {
  role symbol_role;
  int position, dim;
  element_code element;
};

/// One result of a reduction.
struct output_shape {
  axis folds;
  int dim;
  element_code element;
};

/// The batch of a call: its extents, and where the arrays of each problem are, in bytes.
struct bound_batch {
  batch_shape shape{};
  std::int64_t problems = 1;
  matrix<std::int64_t> places{};  // (arrays, problems)
};
/// The pairs of a call: how many rows the arrays of each role have, 1 where there are none; all pairs of these, or
/// those of a set, of which so many are edges; in each problem of a batch.
struct domain {
  std::int64_t i = 1, j = 1, edges = 0;
  const pair_set* over = nullptr;
  std::int64_t problems = 1;
  bound_batch* batch = nullptr;  // where there is any
};
/// How many rows a call was told of, by .rows(M) and .columns(N); -1 where it was not.
struct extents {
  std::int64_t i = -1, j = -1;
};
constexpr std::int64_t output_rows(axis folds, domain counts) {
  return folds == axis::j ? counts.i : folds == axis::i ? counts.j : folds == axis::both ? 1 : counts.edges;
}

/// A reduction as data: all that a call needs to know of it, for one real type and one kind of executor.
struct recipe {
  const symbol* symbols;
  int symbol_count;
  const output_shape* outputs;
  int output_count;
  role_set reads_numbers;  // the roles whose row_index or column_index occurs
  message (*text)();
  /// Fills the outputs from arrays that were found to fit; one leaf_array for each symbol.
  void (*compute)(const void* executor, const leaf_array* arrays, domain counts, const output_array* outputs);
  /// Whether a callback may end the computation before the outputs are complete.
  bool (*may_end_early)(const void* executor);
};

/// An array as it was given, its elements of the symbol's type.
struct given_array : array_shape {
  const void* data = nullptr;
  bool is_number = false;
};

inline namespace KERNFOLD_ABI {

/// "argument 1 (y1, Vj<1, 3>) of Sum(exp(-p3 |x0 - y1|^2) y2)"
[[gnu::cold, gnu::noinline]] inline message name_argument(const recipe& r, const symbol& s) {
  const role of = s.symbol_role;
  return message() << "argument " << s.position << " (" << letter_of(of) << s.position << ", "
                   << (of == role::i      ? "Vi<"
                       : of == role::j    ? "Vj<"
                       : of == role::edge ? "Ve<"
                                          : "Pm<")
                   << s.position << ", " << s.dim << ">) of " << r.text();
}
[[gnu::cold, gnu::noinline]] inline void refuse_array(const recipe& r, const symbol& s, misfit why,
                                                      const array_shape& shape) {
  throw shape_error(name_argument(r, s) << ": " << explain(why, shape, s.dim));
}
[[gnu::cold, gnu::noinline]] inline void refuse_number(const recipe& r, const symbol& s) {
  if (s.symbol_role == role::parameter)
    throw shape_error(name_argument(r, s) << ": a number was given, a vector of dimension " << s.dim << " is needed");
  throw shape_error(name_argument(r, s) << ": a number was given, which only a parameter can be: give an array of one "
                                        << "row for each "
                                        << (s.symbol_role == role::i   ? "i"
                                            : s.symbol_role == role::j ? "j"
                                                                       : "edge"));
}
[[gnu::cold, gnu::noinline]] inline void refuse_parameter(const recipe& r, const symbol& s, std::int64_t rows) {
  throw shape_error(name_argument(r, s) << ": " << rows * s.dim << " numbers were given, a parameter has " << s.dim);
}
[[gnu::cold, gnu::noinline]] inline void refuse_count(const recipe& r, const symbol& s, std::int64_t rows,
                                                      const symbol& first, std::int64_t wanted) {
  throw shape_error(name_argument(r, s) << ": " << rows << (rows == 1 ? " row was" : " rows were")
                                        << " given, argument " << first.position << " has " << wanted);
}
[[gnu::cold, gnu::noinline]] inline void refuse_overlap(const recipe& r, const symbol& s) {
  throw overlap_error(name_argument(r, s) << " lies in the memory that the result is written to");
}
[[gnu::cold, gnu::noinline]] inline void refuse_output(const recipe& r, misfit why, const array_shape& shape, int dim) {
  throw shape_error(message("the memory for the result of ") << r.text() << ": " << explain(why, shape, dim));
}
[[gnu::cold, gnu::noinline]] inline void refuse_output_rows(const recipe& r, std::int64_t given, std::int64_t wanted) {
  throw shape_error(message("the memory for the result of ")
                    << r.text() << ": " << given << (given == 1 ? " row was" : " rows were") << " given, " << wanted
                    << (wanted == 1 ? " is" : " are") << " needed");
}

inline leaf_array bind_array(const recipe& r, const symbol& s, const given_array& given) {
  if (given.is_number && (s.dim != 1 || s.symbol_role != role::parameter)) refuse_number(r, s);
  array_shape rows = given;
  if (const misfit why = fit_rows(rows, s.dim, false); why != misfit::none) refuse_array(r, s, why, given);
  if (s.symbol_role == role::parameter && rows.rows != 1) refuse_parameter(r, s, rows.rows);
  return {.data = given.data,
          .row_stride = rows.row_stride,
          .col_stride = rows.col_stride,
          .rows = rows.rows,
          .is_number = given.is_number};
}

[[gnu::cold, gnu::noinline]] inline void refuse_missing_extent(const recipe& r, role of_role) {
  const bool is_i = of_role == role::i;
  throw shape_error(message() << (is_i ? "row_index" : "column_index") << " of " << r.text()
                              << " has no extent: no array has a row for each " << (is_i ? "i" : "j")
                              << "; give it by ." << (is_i ? "rows" : "columns") << "(count) before the call");
}
[[gnu::cold, gnu::noinline]] inline void refuse_extent(const recipe& r, const symbol& s, std::int64_t rows,
                                                       std::int64_t wanted) {
  throw shape_error(name_argument(r, s) << ": " << rows << (rows == 1 ? " row was" : " rows were") << " given, "
                                        << (s.symbol_role == role::i ? ".rows" : ".columns") << " says " << wanted);
}
[[gnu::cold, gnu::noinline]] inline void refuse_negative_extent(const recipe& r, role of_role, std::int64_t count) {
  throw shape_error(message() << (of_role == role::i ? ".rows(" : ".columns(") << count << ") of " << r.text()
                              << ": a count is 0 or more");
}

/// Where the problems' parts of an array are: its extents are the last of the batch's, or 1.
inline const std::int64_t* place_problems(bound_batch& batch, int array, const batch_shape& of_array,
                                          std::int64_t element_bytes) {
  std::int64_t* const places = &batch.places.data()[array * batch.problems];
  const int leading = batch.shape.rank - of_array.rank;
  if (batch.problems > 0) places[0] = 0;
  std::int64_t known = 1;  // those of the extents from k on
  for (int k = batch.shape.rank - 1; k >= 0 && batch.problems > 0; --k) {
    const bool moves = k >= leading && of_array.extents[k - leading] != 1;
    const std::int64_t stride = moves ? of_array.strides[k - leading] * element_bytes : 0;
    for (std::int64_t p = known; p < known * batch.shape.extents[k]; ++p) places[p] = places[p - known] + stride;
    known *= batch.shape.extents[k];
  }
  return places;
}
/// Of an array whose parts lie one behind the other.
inline const std::int64_t* place_problems_in_order(bound_batch& batch, int array, std::int64_t bytes_each) {
  std::int64_t* const places = &batch.places.data()[array * batch.problems];
  for (std::int64_t p = 0; p < batch.problems; ++p) places[p] = p * bytes_each;
  return places;
}

[[gnu::cold, gnu::noinline]] inline message& operator<<(message& m, const batch_shape& b) {
  for (int k = 0; k < b.rank; ++k) m << (k > 0 ? " x " : "") << b.extents[k];
  return m;
}
[[gnu::cold, gnu::noinline]] inline void refuse_batch(const recipe& r, const symbol& s) {
  throw shape_error(name_argument(r, s) << ": a batch was given to a call that takes none: neither pieces of columns "
                                           "nor plans do");
}
[[gnu::cold, gnu::noinline]] inline void refuse_batch_extents(const recipe& r, const symbol& s,
                                                              const batch_shape& given, const batch_shape& others) {
  throw shape_error(name_argument(r, s) << ": batch extents " << given
                                        << " were given, those of the arguments before it are " << others
                                        << ": extents agree, counted from the last, or are 1");
}
/// Joins the extents of an array to those of the batch.
inline bool join_extents(batch_shape& all, const batch_shape& more) {
  batch_shape joined;
  joined.rank = all.rank > more.rank ? all.rank : more.rank;
  for (int k = 1; k <= joined.rank; ++k) {
    const std::int64_t a = k <= all.rank ? all.extents[all.rank - k] : 1,
                       b = k <= more.rank ? more.extents[more.rank - k] : 1;
    if (a != b && a != 1 && b != 1) return false;
    joined.extents[joined.rank - k] = a == 1 ? b : a;
  }
  all = joined;
  return true;
}
[[gnu::cold, gnu::noinline]] inline void bind_batch(const recipe& r, const given_array* given, leaf_array* arrays,
                                                    bound_batch& batch) {
  for (int s = 0; s < r.symbol_count; ++s)
    if (const batch_shape before = batch.shape; !join_extents(batch.shape, given[s].batch))
      refuse_batch_extents(r, r.symbols[s], given[s].batch, before);
  batch.problems = 1;
  for (int k = 0; k < batch.shape.rank; ++k) batch.problems *= batch.shape.extents[k];
  const int last = r.symbol_count + r.output_count;  // of a result before it is complete
  batch.places = matrix<std::int64_t>(last + 1, batch.problems);
  for (int s = 0; s < r.symbol_count; ++s)
    if (given[s].batch.rank > 0)
      arrays[s].problems = place_problems(batch, s, given[s].batch, r.symbols[s].element.bytes);
}

/// The common number of rows of the symbols of one role, or what the call was told.
inline std::int64_t common_rows(const recipe& r, const leaf_array* arrays, role of_role, std::int64_t told) {
  int first = -1;
  for (int s = 0; s < r.symbol_count; ++s) {
    if (r.symbols[s].symbol_role != of_role) continue;
    if (first < 0) first = s;
    if (arrays[s].rows != arrays[first].rows)
      refuse_count(r, r.symbols[s], arrays[s].rows, r.symbols[first], arrays[first].rows);
  }
  if (told < -1) refuse_negative_extent(r, of_role, told);
  if (first < 0 && told < 0 && (r.reads_numbers & role_bit(of_role)) != 0) refuse_missing_extent(r, of_role);
  if (first < 0) return told < 0 ? 1 : told;
  if (told >= 0 && told != arrays[first].rows) refuse_extent(r, r.symbols[first], arrays[first].rows, told);
  return arrays[first].rows;
}

/// The arrays given for the symbols, as rows; of each problem of a batch, where that is not null. Throws shape_error
/// where they do not fit.
KERNFOLD_ONCE domain bind_arrays(const recipe& r, const given_array* given, leaf_array* arrays, extents told,
                                 bound_batch* batch) {
  int batched = -1;
  for (int s = 0; s < r.symbol_count; ++s) {
    arrays[s] = bind_array(r, r.symbols[s], given[s]);
    if (given[s].batch.rank > 0) batched = s;
  }
  domain counts{common_rows(r, arrays, role::i, told.i), common_rows(r, arrays, role::j, told.j)};
  if (batched < 0) return counts;
  if (batch == nullptr) refuse_batch(r, r.symbols[batched]);
  bind_batch(r, given, arrays, *batch);
  counts.problems = batch->problems;
  counts.batch = batch;
  return counts;
}

[[gnu::cold, gnu::noinline]] inline void refuse_edge_count(const recipe& r, const symbol& s, std::int64_t rows,
                                                           std::int64_t wanted) {
  throw shape_error(name_argument(r, s) << ": " << rows << (rows == 1 ? " row was" : " rows were") << " given, and "
                                        << wanted << (wanted == 1 ? " edge" : " edges"));
}
/// Checks that the arrays of edges have a row for each.
KERNFOLD_ONCE void check_edge_counts(const recipe& r, const leaf_array* arrays, std::int64_t edges) {
  for (int s = 0; s < r.symbol_count; ++s)
    if (r.symbols[s].symbol_role == role::edge && arrays[s].rows != edges)
      refuse_edge_count(r, r.symbols[s], arrays[s].rows, edges);
}

[[gnu::cold, gnu::noinline]] inline void refuse_output_batch(const recipe& r, const batch_shape& given,
                                                             const domain& counts) {
  message m("the memory for the result of ");
  m << r.text() << ": batch extents " << given << " were given, and ";
  if (counts.batch != nullptr) m << counts.batch->shape << " are needed";
  else m << "no argument has any";
  throw shape_error(m);
}
/// All bytes from the first to the last that the arrays of some problems touch.
inline footprint footprint_of_batch(const footprint& one, const std::int64_t* places, std::int64_t problems) {
  if (places == nullptr || problems == 0 || one.first == one.last) return one;
  std::int64_t least = places[0], most = places[0];
  for (std::int64_t p = 1; p < problems; ++p) {
    least = places[p] < least ? places[p] : least;
    most = places[p] > most ? places[p] : most;
  }
  return {one.first + least, one.last + most, one.last - one.first + most - least, 0};
}
/// Whether a place in memory belongs to several problems.
inline bool shares_problems(const batch_shape& b) {
  for (int k = 0; k < b.rank; ++k)
    if (b.extents[k] > 1 && b.strides[k] == 0) return true;
  return false;
}
[[gnu::cold, gnu::noinline]] inline void refuse_shared_problems(const recipe& r) {
  throw shape_error(message("the memory for the result of ")
                    << r.text()
                    << ": its strides put the results of several problems in one place, so it cannot be written");
}
/// The memory for a result of each problem.
[[gnu::cold, gnu::noinline]] inline output_array bind_batch_output(const recipe& r, int o, const array_shape& given,
                                                                   output_array out, const leaf_array* arrays,
                                                                   domain counts) {
  if (shares_problems(given.batch)) refuse_shared_problems(r);
  bool fits = counts.batch != nullptr && given.batch.rank == counts.batch->shape.rank;
  for (int k = 0; fits && k < given.batch.rank; ++k) fits = given.batch.extents[k] == counts.batch->shape.extents[k];
  // A kf::matrix of results knows how many there are, and not their extents.
  if (counts.batch != nullptr && given.batch.rank == 1 && given.batch.extents[0] == counts.problems) {
    out.problems =
        place_problems_in_order(*counts.batch, r.symbol_count + o, given.batch.strides[0] * r.outputs[o].element.bytes);
  } else {
    if (!fits) refuse_output_batch(r, given.batch, counts);
    out.problems = place_problems(*counts.batch, r.symbol_count + o, given.batch, r.outputs[o].element.bytes);
  }
  const auto touched = [&](const void* data, std::int64_t rows, int dim, std::int64_t row_stride,
                           std::int64_t col_stride, int bytes, const std::int64_t* places) {
    const array_shape shape{
        .rows = rows, .dim = dim, .row_stride = row_stride, .col_stride = col_stride, .is_flat = false};
    return footprint_of_batch(footprint_of(data, shape, bytes), places, counts.problems);
  };
  const output_shape& wanted = r.outputs[o];
  const footprint target = touched(out.data, output_rows(wanted.folds, counts), wanted.dim, out.row_stride,
                                   out.col_stride, wanted.element.bytes, out.problems);
  for (int s = 0; s < r.symbol_count; ++s)
    if (overlaps(target, touched(arrays[s].data, arrays[s].rows, r.symbols[s].dim, arrays[s].row_stride,
                                 arrays[s].col_stride, r.symbols[s].element.bytes, arrays[s].problems)))
      refuse_overlap(r, r.symbols[s]);
  return out;
}

/// The caller's memory for output number o. Throws shape_error where it does not fit, overlap_error.
KERNFOLD_ONCE output_array bind_output(const recipe& r, int o, const array_shape& given, void* data,
                                       const leaf_array* arrays, domain counts) {
  const output_shape& wanted = r.outputs[o];
  array_shape rows = given;
  if (const misfit why = fit_rows(rows, wanted.dim, true); why != misfit::none)
    refuse_output(r, why, given, wanted.dim);
  if (rows.rows != output_rows(wanted.folds, counts))
    refuse_output_rows(r, rows.rows, output_rows(wanted.folds, counts));
  const footprint target = footprint_of(data, rows, wanted.element.bytes);
  output_array out{.data = data, .row_stride = rows.row_stride, .col_stride = rows.col_stride, .add = false};
  if (counts.batch != nullptr || given.batch.rank > 0) return bind_batch_output(r, o, given, out, arrays, counts);
  for (int s = 0; s < r.symbol_count; ++s) {
    const symbol& read = r.symbols[s];
    const array_shape shape{.rows = arrays[s].rows,
                            .dim = read.dim,
                            .row_stride = arrays[s].row_stride,
                            .col_stride = arrays[s].col_stride,
                            .is_flat = false};
    if (overlaps(target, footprint_of(arrays[s].data, shape, read.element.bytes))) refuse_overlap(r, read);
  }
  return out;
}

/// The caller's memory for a result whose elements are T.
template <class T, class Output> raw_array<T> describe_as_result(Output&& out) {
  const auto target = describe_output_anywhere(static_cast<Output&&>(out));
  constexpr bool fits = std::is_same_v<std::remove_pointer_t<decltype(target.data)>, T>;
  static_assert(fits, "kernfold: the result's memory must have the real type of the call, or std::int64_t for indices");
  if constexpr (fits) return target;
  else return {};
}

/// Where the results of each problem are, where they lie in order: `number` is that of the array, after the arguments.
template <class T> const std::int64_t* place_result(domain counts, int number, std::int64_t elements) {
  if (counts.batch == nullptr) return nullptr;
  return place_problems_in_order(*counts.batch, number, elements * std::int64_t(sizeof(T)));
}
/// New memory of the host for result number o.
template <class T>
KERNFOLD_ONCE output_array allocate_result(matrix<T>& m, const recipe& r, int o, domain counts, int number) {
  const output_shape& wanted = r.outputs[o];
  m = matrix<T>(counts.problems, output_rows(wanted.folds, counts), wanted.dim);
  return {.data = m.data(),
          .row_stride = m.cols(),
          .col_stride = 1,
          .add = false,
          .problems = place_result<T>(counts, number, m.rows() * m.cols())};
}
/// The same, of the kind that belongs to an executor.
template <class T, class Executor>
KERNFOLD_ONCE output_array allocate_output(const Executor& where,
                                           typename executor_traits<Executor>::template memory<T>& m,
                                           const output_shape& wanted, domain counts, int number = 0) {
  m = executor_traits<Executor>::template allocate<T>(where, counts.problems, output_rows(wanted.folds, counts),
                                                      wanted.dim);
  return {.data = executor_traits<Executor>::data_of(m),
          .row_stride = m.cols(),
          .col_stride = 1,
          .add = false,
          .problems = place_result<T>(counts, number, m.rows() * m.cols())};
}

/// Computes into the caller's memory, or adds to it. Where a callback may end the computation early, the result is
/// complete before the first element is written.
template <class T>
KERNFOLD_ONCE void compute_into(const recipe& r, const void* executor, const leaf_array* arrays, domain counts,
                                const raw_array<T>& out, bool add) {
  output_array target = bind_output(r, 0, out, out.data, arrays, counts);
  if (!r.may_end_early(executor)) {
    target.add = add;
    return r.compute(executor, arrays, counts, &target);
  }
  matrix<T> whole;
  const output_array temporary = allocate_result(whole, r, 0, counts, r.symbol_count + r.output_count);
  r.compute(executor, arrays, counts, &temporary);
  for (std::int64_t p = 0; p < whole.batch(); ++p) {
    output_array to = target;
    select_problem(to, p);
    for (std::int64_t i = 0; i < whole.rows(); ++i)
      for (std::int64_t k = 0; k < whole.cols(); ++k) {
        T& place = static_cast<T*>(to.data)[i * to.row_stride + k * to.col_stride];
        place = add ? static_cast<T>(place + whole(p, i, k)) : whole(p, i, k);
      }
  }
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
