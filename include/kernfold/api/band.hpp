// kernfold/api/band.hpp: pairs near the diagonal, and below it.
#pragma once

#include <concepts>

#include "../core/error.hpp"
#include "../engine/space.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_ABI {

/// The pairs (i, j) with i - below <= j <= i + above, made by kf::band and kf::causal. Rows that no column is near have
/// the results of no columns.
class diagonal_band {
 public:
  constexpr diagonal_band(std::int64_t below, std::int64_t above) : limits_{-in_range(below), in_range(above)} {}
  /// The pairs (j, i).
  constexpr diagonal_band transposed() const { return {limits_.last, -limits_.first}; }
  /// What j - i may be.
  constexpr diagonals limits() const { return limits_; }

 private:
  diagonals limits_;

  /// Beyond all rows and columns one number is as good as another.
  static constexpr std::int64_t in_range(std::int64_t n) {
    constexpr std::int64_t beyond_all = std::int64_t(1) << 60;
    return n < -beyond_all ? -beyond_all : n > beyond_all ? beyond_all : n;
  }
};

/// The pairs (i, j) with i - below <= j <= i + above: windowed attention, banded matrices. Either may be negative; a
/// band between two negative numbers that sum to less than 0 is empty.
constexpr diagonal_band band(std::integral auto below, std::integral auto above) {
  return {static_cast<std::int64_t>(below), static_cast<std::int64_t>(above)};
}
/// The pairs (i, j) with j <= i: what a sequence knows of its past.
constexpr diagonal_band causal() { return {__INT64_MAX__, 0}; }

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END
