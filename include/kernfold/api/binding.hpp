// kernfold/api/binding.hpp: the arrays of a call, checked and seen as rows: all that does not depend on the formula's
// type, so it is compiled once however many formulas a program has.
#pragma once

#include "../core/columns.hpp"
#include "../core/device_view.hpp"
#include "../core/footprint.hpp"
#include "../engine/plan.hpp"
#include "../engine/space.hpp"
#include "../formula/print.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
/// The type of an array's numbers, as data.
struct element_code {
  char kind;  // 'f' floating, 'h' of 16 bits, 'i' signed, 'u' unsigned
  unsigned char bytes;
  friend constexpr bool operator==(element_code, element_code) = default;
};
template <class T>
inline constexpr element_code code_of{is_narrow_real<T>             ? 'h'
                                      : std::is_floating_point_v<T> ? 'f'
                                      : std::is_signed_v<T>         ? 'i'
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

/// Which variables of a reduction have the same dimension where it is known at run time: for each variable the number
/// of one that tells it, and for each result; -1 where it is known at compile time.
struct dimension_links {
  const int* symbols;
  const int* outputs;
};

struct bound_batch;
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
  const dimension_links* links = nullptr;  // where a dimension is known at run time
};

/// An array as it was given, its elements of the symbol's type.
struct given_array : array_shape {
  const void* data = nullptr;
  bool is_number = false;
};

/// The batch of a call: its extents, and where the arrays of each problem are, in bytes. What binds one is compiled
/// where arguments may be batches: the rest reaches it by these pointers.
struct bound_batch {
  void (*bind)(const recipe&, const given_array*, leaf_array*, bound_batch&) = nullptr;
  output_array (*bind_output)(const recipe&, int, const array_shape&, output_array, const leaf_array*,
                              domain) = nullptr;
  const std::int64_t* (*place_in_order)(bound_batch&, int array, std::int64_t bytes_each) = nullptr;
  batch_shape shape{};
  std::int64_t problems = 1;
  matrix<std::int64_t> places{};  // (arrays, problems)
};

inline namespace KERNFOLD_ABI {

[[gnu::cold, gnu::noinline]] inline message dim_as_written(int dim) {
  return dim == dynamic ? message("dynamic") : message() << dim;
}
/// "argument 1 (y1, Vj<1, 3>) of Sum(exp(-p3 |x0 - y1|^2) y2)"
[[gnu::cold, gnu::noinline]] inline message name_argument(const recipe& r, const symbol& s) {
  const role of = s.symbol_role;
  return message() << "argument " << s.position << " (" << letter_of(of) << s.position << ", "
                   << (of == role::i      ? "Vi<"
                       : of == role::j    ? "Vj<"
                       : of == role::edge ? "Ve<"
                                          : "Pm<")
                   << s.position << ", " << dim_as_written(s.dim) << ">) of " << r.text();
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
[[gnu::cold, gnu::noinline]] inline void refuse_parameter(const recipe& r, const symbol& s, std::int64_t rows,
                                                          std::int64_t dim) {
  throw shape_error(name_argument(r, s) << ": " << rows * dim << " numbers were given, a parameter has " << dim);
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

[[gnu::cold, gnu::noinline]] inline void refuse_matrix_order(const recipe& r, const symbol& s,
                                                             const array_shape& given) {
  throw shape_error(name_argument(r, s) << ": a matrix of " << given.rows << " x " << given.dim
                                        << " numbers was given that does not lie row by row: a parameter's numbers do; "
                                           "give a row-major one, or a copy");
}
/// The numbers of a parameter that were given as a matrix, row by row.
inline array_shape flattened(const recipe& r, const symbol& s, const array_shape& given) {
  if (given.row_stride != given.dim * given.col_stride) refuse_matrix_order(r, s, given);
  return flat_shape(given.rows * given.dim, given.col_stride);
}
[[gnu::cold, gnu::noinline]] inline void refuse_unknown_dimension(const recipe& r, const symbol& s,
                                                                  std::int64_t total) {
  throw shape_error(name_argument(r, s) << ": " << total << (total == 1 ? " number was" : " numbers were")
                                        << " given in a row, of a dimension that only the array can tell: give rows, "
                                           "as in kf::view{pointer, rows, dim}");
}
[[gnu::cold, gnu::noinline]] inline void refuse_no_components(const recipe& r, const symbol& s, std::int64_t dim) {
  throw shape_error(name_argument(r, s) << ": rows of dimension " << dim << " were given, 1 or more is needed");
}
/// The dimension of a variable: where it is known at run time, that of its array.
inline std::int64_t dim_of_array(const recipe& r, const symbol& s, const given_array& given) {
  if (s.dim != dynamic) return s.dim;
  if (given.is_flat && s.symbol_role != role::parameter) refuse_unknown_dimension(r, s, given.total);
  const std::int64_t dim = given.is_flat ? given.total : given.dim;
  if (dim < 1 || dim >= dynamic) refuse_no_components(r, s, dim);
  return dim;
}
inline leaf_array bind_array(const recipe& r, const symbol& s, const given_array& given) {
  if (given.is_number && ((s.dim != 1 && s.dim != dynamic) || s.symbol_role != role::parameter)) refuse_number(r, s);
  const std::int64_t dim = dim_of_array(r, s, given);
  array_shape rows = given;
  if (s.symbol_role == role::parameter && given.rows > 1 && given.dim > 0 && given.rows * given.dim == s.dim)
    rows = flattened(r, s, given);
  if (const misfit why = fit_rows(rows, dim, false); why != misfit::none) refuse_array(r, s, why, given);
  if (s.symbol_role == role::parameter && rows.rows != 1) refuse_parameter(r, s, rows.rows, dim);
  return {.data = given.data,
          .row_stride = rows.row_stride,
          .col_stride = rows.col_stride,
          .rows = rows.rows,
          .dim = dim,
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

[[gnu::cold, gnu::noinline]] inline void refuse_batch(const recipe& r, const symbol& s) {
  throw shape_error(name_argument(r, s) << ": a batch was given to a call that takes none: neither pieces of columns "
                                           "nor plans do");
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

[[gnu::cold, gnu::noinline]] inline void refuse_dimension(const recipe& r, const symbol& s, std::int64_t dim,
                                                          const symbol& first, std::int64_t wanted) {
  throw shape_error(name_argument(r, s) << ": rows of dimension " << dim << " were given, argument " << first.position
                                        << " has " << wanted);
}
/// Checks that dimensions known at run time fit each other.
[[gnu::cold, gnu::noinline]] inline void check_dimensions(const recipe& r, const leaf_array* arrays) {
  for (int s = 0; s < r.symbol_count; ++s)
    if (const int first = r.links->symbols[s]; first >= 0 && arrays[s].dim != arrays[first].dim)
      refuse_dimension(r, r.symbols[s], arrays[s].dim, r.symbols[first], arrays[first].dim);
}
/// A result with the dimension that it has in a call.
KERNFOLD_ONCE output_shape output_in_call(const recipe& r, int o, const leaf_array* arrays) {
  output_shape shape = r.outputs[o];
  if (r.links != nullptr && r.links->outputs[o] >= 0) shape.dim = int(arrays[r.links->outputs[o]].dim);
  return shape;
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
  if (r.links != nullptr) check_dimensions(r, arrays);
  domain counts{common_rows(r, arrays, role::i, told.i), common_rows(r, arrays, role::j, told.j)};
  if (batched < 0) return counts;
  if (batch == nullptr || batch->bind == nullptr) refuse_batch(r, r.symbols[batched]);
  batch->bind(r, given, arrays, *batch);
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

[[gnu::cold, gnu::noinline]] inline void refuse_needless_batch(const recipe& r) {
  throw shape_error(message("the memory for the result of ")
                    << r.text() << ": it is that of a batch, and no argument is one");
}

/// The caller's memory for output number o. Throws shape_error where it does not fit, overlap_error.
KERNFOLD_ONCE output_array bind_output(const recipe& r, int o, const array_shape& given, void* data,
                                       const leaf_array* arrays, domain counts) {
  const output_shape wanted = output_in_call(r, o, arrays);
  array_shape rows = given;
  if (const misfit why = fit_rows(rows, wanted.dim, true); why != misfit::none)
    refuse_output(r, why, given, wanted.dim);
  if (rows.rows != output_rows(wanted.folds, counts))
    refuse_output_rows(r, rows.rows, output_rows(wanted.folds, counts));
  const footprint target = footprint_of(data, rows, wanted.element.bytes);
  output_array out{
      .data = data, .row_stride = rows.row_stride, .col_stride = rows.col_stride, .add = false, .dim = wanted.dim};
  if (counts.batch != nullptr) return counts.batch->bind_output(r, o, given, out, arrays, counts);
  if (given.batch.rank > 0) refuse_needless_batch(r);
  for (int s = 0; s < r.symbol_count; ++s) {
    const symbol& read = r.symbols[s];
    const array_shape shape{.rows = arrays[s].rows,
                            .dim = arrays[s].dim,
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
  return counts.batch->place_in_order(*counts.batch, number, elements * std::int64_t(sizeof(T)));
}
/// New memory of the host for result number o.
template <class T>
KERNFOLD_ONCE output_array allocate_result(matrix<T>& m, const output_shape& wanted, domain counts, int number) {
  m = matrix<T>(counts.problems, output_rows(wanted.folds, counts), wanted.dim);
  return {.data = m.data(),
          .row_stride = m.cols(),
          .col_stride = 1,
          .add = false,
          .problems = place_result<T>(counts, number, m.rows() * m.cols()),
          .dim = wanted.dim};
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
          .problems = place_result<T>(counts, number, m.rows() * m.cols()),
          .dim = wanted.dim};
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
  const output_array temporary =
      allocate_result(whole, output_in_call(r, 0, arrays), counts, r.symbol_count + r.output_count);
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
