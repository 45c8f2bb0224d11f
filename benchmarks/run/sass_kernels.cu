// The reference kernels whose instructions sass_counts.py counts: one per compilation, chosen by -DREFERENCE=n. The
// program needs no GPU: it prints what the counts are judged by.
#include <cstdio>
#include <kernfold/kernfold.hpp>

#include <kernfold/engine/cuda/launch.cuh>

namespace kf = kernfold;

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto e = kf::Vi<4, 1>;
constexpr auto X = kf::Vi<0, 64>;
constexpr auto Y = kf::Vj<1, 64>;

constexpr auto gaussian = kf::sum_reduction(exp(-square(g) * sqdist(x, y)) * b);  // the scale's sign is known
#if REFERENCE == 0
constexpr auto reference = gaussian;
#elif REFERENCE == 1
constexpr auto reference = kf::sum_reduction(exp(-g * sqdist(x, y)) * b);
#elif REFERENCE == 2
constexpr auto reference = kf::grad(gaussian, x, e);
#elif REFERENCE == 3
constexpr auto reference = kf::logsumexp_reduction(-square(g) * sqdist(x, y));
#elif REFERENCE == 4
constexpr auto reference = kf::argmin_reduction(sqdist(x, y));
#elif REFERENCE == 5
constexpr auto reference = kf::argkmin_reduction<10>(sqdist(x, y));
#elif REFERENCE == 6
constexpr auto reference = kf::sum_reduction(exp(-square(g) * sqdist(X, Y)) * b);
#elif REFERENCE == 7
constexpr auto reference = kf::sum_reduction(cos(g * sum(x * y)) * sin(g * sum(x + y)) * b);
#endif

template <class Reduction> struct plan_of;
template <class Signature, class Options, class Item> struct plan_of<kf::reduction<Signature, Options, Item>> {
  using type = kf::sweep_plan<Item::folds, kf::accumulation::block, kf::lowering{.bounds_distances = true}, float,
                              typename Item::spec>;
};

int main(int argc, char**) {
  using sweep = kf::cuda_sweep<typename plan_of<std::remove_cv_t<decltype(reference)>>::type>;
  const kf::block_policy policy = sweep::policy;
  constexpr int unread =
      REFERENCE == 4 || REFERENCE == 5 ? 4 : 0;  // the column itself, behind what bounds its distance
  std::printf("%d %d %d %d %d\n", policy.lanes, (sweep::block_layout::column_stride - unread) * int(sizeof(float)),
              policy.registers, policy.tile_columns, policy.shared_bytes);
  return argc > 1 ? int(sweep::launch(nullptr, nullptr, nullptr, 0, 0, nullptr, {}, {}))
                  : 0;  // instantiates the kernels
}
