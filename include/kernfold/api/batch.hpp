// kernfold/api/batch.hpp: calls of many problems of one shape: arrays with extents before their rows.
#pragma once

#include "binding.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

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
[[gnu::cold, gnu::noinline]] inline void refuse_output_batch(const recipe& r, const batch_shape& given,
                                                             const domain& counts) {
  throw shape_error(message("the memory for the result of ")
                    << r.text() << ": batch extents " << given << " were given, and " << counts.batch->shape
                    << " are needed");
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
  bool fits = given.batch.rank == counts.batch->shape.rank;
  for (int k = 0; fits && k < given.batch.rank; ++k) fits = given.batch.extents[k] == counts.batch->shape.extents[k];
  // A kf::matrix of results knows how many there are, and not their extents.
  if (given.batch.rank == 1 && given.batch.extents[0] == counts.problems) {
    out.problems =
        place_problems_in_order(*counts.batch, r.symbol_count + o, given.batch.strides[0] * r.outputs[o].element.bytes);
  } else {
    if (!fits) refuse_output_batch(r, given.batch, counts);
    out.problems = place_problems(*counts.batch, r.symbol_count + o, given.batch, r.outputs[o].element.bytes);
  }
  const auto touched = [&](const void* data, std::int64_t rows, std::int64_t dim, std::int64_t row_stride,
                           std::int64_t col_stride, int bytes, const std::int64_t* places) {
    const array_shape shape{
        .rows = rows, .dim = dim, .row_stride = row_stride, .col_stride = col_stride, .is_flat = false};
    return footprint_of_batch(footprint_of(data, shape, bytes), places, counts.problems);
  };
  const output_shape& wanted = r.outputs[o];
  const footprint target = touched(out.data, output_rows(wanted.folds, counts), out.dim, out.row_stride, out.col_stride,
                                   wanted.element.bytes, out.problems);
  for (int s = 0; s < r.symbol_count; ++s)
    if (overlaps(target, touched(arrays[s].data, arrays[s].rows, arrays[s].dim, arrays[s].row_stride,
                                 arrays[s].col_stride, r.symbols[s].element.bytes, arrays[s].problems)))
      refuse_overlap(r, r.symbols[s]);
  return out;
}

[[gnu::cold, gnu::noinline]] inline void bind_batch(const recipe& r, const given_array* given, leaf_array* arrays,
                                                    bound_batch& batch) {
  for (int s = 0; s < r.symbol_count; ++s)
    if (const batch_shape before = batch.shape; !join_extents(batch.shape, given[s].batch))
      refuse_batch_extents(r, r.symbols[s], given[s].batch, before);
  batch.bind_output = &bind_batch_output;
  batch.place_in_order = &place_problems_in_order;
  batch.problems = 1;
  for (int k = 0; k < batch.shape.rank; ++k) batch.problems *= batch.shape.extents[k];
  const int last = r.symbol_count + r.output_count;  // of a result before it is complete
  batch.places = matrix<std::int64_t>(last + 1, batch.problems);
  for (int s = 0; s < r.symbol_count; ++s)
    if (given[s].batch.rank > 0)
      arrays[s].problems = place_problems(batch, s, given[s].batch, r.symbols[s].element.bytes);
}

/// Whether an array may have batch extents: an array of these types, or a kf::matrix of results.
template <class A> consteval bool may_be_batch() {
  if constexpr (requires { A::batch_extents; }) return A::batch_extents > 0;
  else if constexpr (requires(const A& a) { a.shown(); })
    return may_be_batch<std::remove_cvref_t<decltype(std::declval<const A&>().shown())>>();
  else if constexpr (mdspan_like<const A>) return A::rank() > 2;
  else return requires(const A& a) { a.batch(); };
}
/// A batch for a call whose arguments have these arrays.
template <class... Arrays> bound_batch batch_for() {
  bound_batch batch;
  if constexpr ((may_be_batch<Arrays>() || ...)) batch.bind = &bind_batch;
  return batch;
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
