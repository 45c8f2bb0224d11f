// kernfold/api/cuda_host.cuh: kf::cuda_host, where a reduction of arrays of the host runs on a device.
#pragma once

#include "copied_call.cuh"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

namespace detail {
inline namespace KERNFOLD_ABI {

/// Whether the rows of a reduction's output can be computed chunk by chunk: its results all have the same rows, no
/// other reduction's value is needed, and no formula asks for a row's number.
template <class... Items, class... Fs> consteval bool may_chunk(type_list<Items...>, type_list<Fs...> formulas) {
  constexpr axis folds = type_at<type_list<Items...>, 0>::folds;
  return folds != axis::both && ((Items::folds == folds) && ...) && folded_in<type_list<Fs...>>::type::size == 0 &&
         formulas.size > 0 && (graph<Fs...>::numbers_read() & role_bit(output_role(folds))) == 0;
}

/// Results on the host, of what is computed on a device.
struct copying_traits {
  static constexpr bool is_device = false;
  template <class T> using memory = matrix<T>;
  template <class T>
  static matrix<T> allocate(const cuda_host&, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
    return matrix<T>(batch, rows, cols);
  }
  template <class T> static T* data_of(matrix<T>& m) { return m.data(); }
  static bool may_end_early(const void*) { return false; }
};

/// kf::cuda_host, for calls over a kind of space: all of the arrays go to the device at once.
template <space_kind Kind> struct cuda_host_over {
  cuda_host where;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

template <> struct executor_traits<cuda_host> : detail::copying_traits {
  using copies_to = detail::cuda_attempt;
  template <class Reduction, class Real>
  static void run_copied(const cuda_host& where, const leaf_array* arrays, detail::domain counts,
                         const output_array* outputs) {
    const detail::device_guard guard(where.device);
    guard.check();
    detail::copied_call(detail::recipe_of<Reduction, cuda_host, Real>, piecewise_of<Reduction, Real>(),
                        &detail::computation<Reduction, detail::cuda_attempt, Real>::compute, arrays, counts, outputs)
        .run(where);
  }

 private:
  template <class Reduction, class Real> static const detail::piecewise* piecewise_of() {
    if constexpr (detail::may_chunk(typename Reduction::items{}, typename Reduction::formulas{})) {
      using options = typename Reduction::options;
      using plan =
          typename detail::plan_along<type_at<typename Reduction::items, 0>::folds,
                                      detail::lowering_of<detail::cuda_attempt>(options{}),
                                      detail::accumulation_of(options{}), Real, typename Reduction::items>::type;
      return &detail::piecewise_of<plan, typename Reduction::signature>;
    } else {
      return nullptr;
    }
  }
};

template <space_kind Kind>
  requires(Kind != space_kind::all)
struct runner_of<cuda_host, Kind> {
  using type = detail::cuda_host_over<Kind>;
  static type from(const cuda_host& where) { return {where}; }
};
template <space_kind Kind> struct executor_traits<detail::cuda_host_over<Kind>> : detail::copying_traits {
  using copies_to = detail::space_attempt<Kind, false>;
  template <class Reduction, class Real>
  static void run_copied(const detail::cuda_host_over<Kind>& over, const leaf_array* arrays, detail::domain counts,
                         const output_array* outputs) {
    const detail::device_guard guard(over.where.device);
    guard.check();
    detail::copied_call(detail::recipe_of<Reduction, detail::cuda_host_over<Kind>, Real>, nullptr,
                        &compute<Reduction, Real>, arrays, counts, outputs)
        .run(over.where);
  }

 private:
  template <class Reduction, class Real>
  static void compute(const detail::cuda_attempt& attempt, const leaf_array* arrays, detail::domain counts,
                      const output_array* outputs) {
    detail::computation<Reduction, copies_to, Real>::compute({attempt}, arrays, counts, outputs);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
