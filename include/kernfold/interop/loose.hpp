// kernfold/interop/loose.hpp: what adapters share: calls whose arguments are counted at run time.
#pragma once

#include <vector>

#include "../api/any_reduction.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// The arguments of a call of `r`, by position. Throws shape_error where their number does not fit.
class loose_memory {
 public:
  loose_memory(const recipe& r, int count)
      : by_position_(size_for(r, count)),
        given_(by_position_.size()),
        arrays_(by_position_.size()),
        numbers_(by_position_.size()),
        plain_(by_position_.size()) {}
  int count() const { return int(by_position_.size()) - 1; }
  loose_array& operator[](int n) { return by_position_[static_cast<std::size_t>(n)]; }
  /// Argument n is a plain number: a double, std::int64_t or std::uint64_t, which is kept here.
  template <class Number> void set_number(int n, Number value) {
    std::int64_t& place = plain_[static_cast<std::size_t>(n)];
    __builtin_memcpy(&place, &value, sizeof value);
    (*this)[n] = {{flat_shape(1), &place, true}, code_of<Number>};
  }
  loose_call call() { return {by_position_.data(), count(), given_.data(), arrays_.data(), numbers_.data()}; }
  /// The extents of the problems, as far as those of the arguments fit each other.
  batch_shape batch() const {
    batch_shape all;
    for (const loose_array& a : by_position_) join_extents(all, a.batch);
    return all;
  }

 private:
  std::vector<loose_array> by_position_;
  std::vector<given_array> given_;
  std::vector<leaf_array> arrays_;
  std::vector<std::int64_t> numbers_, plain_;

  static std::size_t size_for(const recipe& r, int count) {
    if (count != position_count(r)) refuse_argument_count(r, count);
    return static_cast<std::size_t>(count) + 1;
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
