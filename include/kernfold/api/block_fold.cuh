// kernfold/api/block_fold.cuh: kf::block_fold, a fold inside a user's own kernel.
#pragma once

#include "../engine/cuda/kernel.cuh"
#include "block_fold.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// a_i = Reduction_j F(p, x_i, y_j) by the threads of a block, each for rows of its own, in registers:
///
///     using fold = kf::block_fold<decltype(convolve), float, 128>;     // Threads: blockDim.x; blocks are
///     one-dimensional
///     __shared__ fold::storage shared;
///     kf::vec<float, 1> a = fold(shared).run(N, x, Y, B, 0.5f);
///
/// run(count, arguments...) takes one argument per position: of a variable of the rows and of a parameter, a number or
/// kf::vec in registers; of a variable of the columns, a pointer to `count` rows of numbers that all threads can read,
/// one after the other, or a function of the column's number, j -> kf::vec or number, for any other order: a stride, a
/// list of neighbours. All threads of the block call it, with the same count, columns and parameters; those without a
/// row pass any and drop the result. With Rows > 1 a thread has so many rows: arrays x[Rows] go in, a[row][k] comes
/// out, and each column read from shared memory meets all of them. fold_all(...) gives several results: auto [v, n] =
/// ...
template <class Reduction, class Real, int Threads, int Rows = 1>
using block_fold = detail::basic_block_fold<Reduction, Real, Threads, Rows, detail::cuda_block>;

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
