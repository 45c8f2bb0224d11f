// kernfold/api/device_plan.hpp: a call on a device, prepared for arrays of a shape: it neither allocates nor waits.
#pragma once

#include "computation.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// How many rows the arrays of the i- and of the j-variables have.
struct pair_shape {
  std::int64_t i = 1, j = 1;
};

inline namespace KERNFOLD_ABI {

/// A reduction on arrays of a given shape:
///   auto plan = r.on(kf::cuda{stream}).plan<float>({M, N});
///   plan.workspace_bytes()                  how much memory of the device it works in
///   plan.run(workspace, out, args...)       enqueues; neither allocates nor waits, so a graph can capture it
/// The workspace is aligned to 256 bytes, as cudaMalloc's memory is, and free again when the stream gets past the call.
/// run throws shape_error where arrays do not have the plan's shape, overlap_error, and cuda_error.
template <class Reduction, class Executor, class Real> class device_plan {
 public:
  device_plan(Executor where, pair_shape shape) : where_(where), shape_(shape) {
    static_assert(Reduction::items::size == 1, "kernfold: a plan computes one result");
    attempt_ = traits::measuring_attempt(where, &Reduction::text);
    leaf_array arrays[Reduction::signature::size + 1] = {};
    const output_array none[1] = {};
    computation::compute(attempt_, arrays, {shape.i, shape.j}, none);
  }
  std::int64_t workspace_bytes() const { return attempt_.used; }

  template <class Output, class... Args> void run(void* workspace, Output&& out, const Args&... args) const {
    using choice = detail::real_choice_of<typename Reduction::signature, type_list<Args...>>;
    if constexpr (choice::match) {
      constexpr bool same_real = std::is_same_v<typename choice::real, Real> || !choice::has_reals;
      static_assert(same_real, "kernfold: the arrays of a plan have its real type");
      if constexpr (same_real) {
        const detail::recipe& r = detail::recipe_of<Reduction, Executor, Real>;
        detail::call_arguments<typename Reduction::signature, type_list<Args...>, Real, true> arguments(args...);
        const auto target =
            detail::describe_as_result<detail::element_of_item<type_at<typename Reduction::items, 0>, Real>>(
                static_cast<Output&&>(out));
        const detail::domain counts =
            detail::bind_arrays(r, arguments.given, arguments.arrays, {told(role::i), told(role::j)}, nullptr);
        const output_array output = detail::bind_output(r, 0, target, target.data, arguments.arrays, counts);
        if (counts.i != shape_.i || counts.j != shape_.j) refuse_shape(counts);
        computation::compute(traits::computing_attempt(attempt_, where_, workspace), arguments.arrays, counts, &output);
      }
    }
  }

 private:
  /// The extents that no array gives.
  std::int64_t told(role of_role) const {
    return has_array(typename Reduction::signature{}, of_role) ? -1 : of_role == role::i ? shape_.i : shape_.j;
  }
  template <class... Vs> static constexpr bool has_array(type_list<Vs...>, role of_role) {
    return ((Vs::symbol_role == of_role) || ...);
  }
  using traits = executor_traits<Executor>;
  using computation = detail::computation<Reduction, typename traits::attempt, Real>;

  [[gnu::cold, gnu::noinline]] void refuse_shape(detail::domain counts) const {
    throw shape_error(message() << "a plan of " << Reduction::text() << " for " << shape_.i << " x " << shape_.j
                                << " rows was given arrays of " << counts.i << " x " << counts.j);
  }

  Executor where_;
  pair_shape shape_;
  typename traits::attempt attempt_;
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
