// kernfold/engine/cpu/block_tree.hpp: the states of blocks of rows, merged into one (axis::both).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "../../core/config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// Merges the states s_0, ..., s_{B-1} of B blocks of rows in a tree that depends on B only: on each level, neighbours
/// 2 n and 2 n + 1, and an odd one out moves up as it is. So the result does not depend on which thread finished what
/// when. Two neighbours merge as soon as both are there; what waits for its neighbour is O(threads log B) states,
/// whatever B.
class block_tree {
 public:
  using merge_function = void (*)(void* to, const void* later);

  block_tree(std::int64_t blocks, int state_bytes, merge_function merge)
      : blocks_(blocks), state_bytes_(state_bytes), merge_(merge) {}
  block_tree(const block_tree&) = delete;
  ~block_tree() {
    while (first_ != nullptr) {
      waiting_state* const next = first_->next;
      ::operator delete(first_, std::align_val_t(alignment));
      first_ = next;
    }
  }

  /// The state of a block, which is merged in place. Throws std::bad_alloc.
  KERNFOLD_ONCE void add(std::int64_t block, void* state) {
    const lock guard(is_taken_);
    std::int64_t number = block, count = blocks_;
    for (int level = 0; count > 1; ++level, number /= 2, count = (count + 1) / 2) {
      const std::int64_t neighbour = number ^ 1;
      if (neighbour == count) continue;  // the odd one out
      waiting_state* const other = find(level, neighbour);
      if (other == nullptr) return wait(level, number, state);
      other->level = nowhere;
      if (number < neighbour) {
        merge_(state, other->data());
      } else {
        merge_(other->data(), state);
        copy(state, other->data());
      }
    }
    wait(root, 0, state);
  }
  /// The state of all blocks; null before they are all there, and for none.
  void* result() {
    waiting_state* const all = find(root, 0);
    return all == nullptr ? nullptr : all->data();
  }

 private:
  static constexpr std::size_t alignment = 64;
  static constexpr int nowhere = -1, root = -2;

  struct alignas(alignment) waiting_state {
    waiting_state* next;
    int level;
    std::int64_t number;
    void* data() { return this + 1; }
  };
  /// Held for a merge, which is short beside the work on a block.
  struct lock {
    explicit lock(bool& taken) : is_taken(taken) {
      while (__atomic_test_and_set(&is_taken, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&is_taken, __ATOMIC_RELAXED)) {
        }
    }
    ~lock() { __atomic_clear(&is_taken, __ATOMIC_RELEASE); }
    bool& is_taken;
  };

  waiting_state* find(int level, std::int64_t number) const {
    for (waiting_state* w = first_; w != nullptr; w = w->next)
      if (w->level == level && (level < 0 || w->number == number)) return w;
    return nullptr;
  }
  void wait(int level, std::int64_t number, const void* state) {
    waiting_state* w = find(nowhere, 0);
    if (w == nullptr) {
      w = static_cast<waiting_state*>(
          ::operator new(sizeof(waiting_state) + std::size_t(state_bytes_), std::align_val_t(alignment)));
      w->next = first_;
      first_ = w;
    }
    w->level = level;
    w->number = number;
    copy(w->data(), state);
  }
  void copy(void* to, const void* from) const { __builtin_memcpy(to, from, std::size_t(state_bytes_)); }

  std::int64_t blocks_;
  int state_bytes_;
  merge_function merge_;
  waiting_state* first_ = nullptr;
  bool is_taken_ = false;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
