// kernfold/core/error.hpp: the exceptions that the library throws, and the sentence that each of them carries.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>

#include "config.hpp"

KERNFOLD_STRICT_BEGIN
// Types in an inline namespace that names the version alone. An error, a view or a matrix passes between translation
// units that may be built for different instruction sets, so its name does not depend on the flags, and the linker
// keeps one copy of each of its functions: any unit's copy. Were that the one of an AVX-512 unit, the whole program
// would need AVX-512. Hence the members of these types are always inlined and leave nothing to pick from, whoever moves
// blocks of data calls memcpy or memset, and free functions that generate code stay in the inline namespace
// KERNFOLD_ABI.
namespace kernfold {

namespace detail {

// The letters of a message stand behind this header, in the same allocation.
struct message_block {
  std::size_t uses, size, capacity;
  KERNFOLD_INLINE char* letters() { return reinterpret_cast<char*>(this + 1); }
};

inline namespace KERNFOLD_ABI {

inline void release_letters(message_block* block) noexcept {
  if (block && __atomic_sub_fetch(&block->uses, 1, __ATOMIC_ACQ_REL) == 0) ::operator delete(block);
}

// `block` with n more letters: itself where nobody else uses it and there is room, a copy otherwise.
[[gnu::cold, gnu::noinline]] inline message_block* append_letters(message_block* block, const char* letters,
                                                                  std::size_t n) {
  const std::size_t size = block ? block->size : 0;
  if (!block || size + n >= block->capacity || __atomic_load_n(&block->uses, __ATOMIC_ACQUIRE) > 1) {
    const std::size_t capacity = 2 * (size + n) + 64;
    auto* larger = ::new (::operator new(sizeof(message_block) + capacity)) message_block{1, size, capacity};
    if (block) __builtin_memcpy(larger->letters(), block->letters(), size);
    // The new letters may be the old block's own: they are copied before it goes.
    __builtin_memcpy(larger->letters() + size, letters, n);
    release_letters(block);
    block = larger;
  } else {
    __builtin_memmove(block->letters() + size, letters, n);
  }
  block->size = size + n;
  block->letters()[size + n] = '\0';
  return block;
}

[[gnu::cold, gnu::noinline]] inline message_block* append_letters(message_block* block, std::uint64_t magnitude,
                                                                  bool minus) {
  char digits[21];
  char* first = digits + sizeof digits;
  do *--first = static_cast<char>('0' + magnitude % 10);
  while (magnitude /= 10);
  if (minus) *--first = '-';
  return append_letters(block, first, static_cast<std::size_t>(digits + sizeof digits - first));
}

}  // namespace KERNFOLD_ABI
}  // namespace detail
inline namespace KERNFOLD_VERSION_NAME {

/// A sentence, written with `<<` from texts and whole numbers. Copies share the letters, so copying cannot fail, as
/// an exception's message must not. (std::string does neither: its copies may throw, and its header costs a quarter
/// of a second; but it converts to a message, as does whatever else has letters at data() and a size().)
class message {
 public:
  message() = default;
  KERNFOLD_INLINE message(const char* letters) { *this << letters; }
  template <class Text>
    requires requires(const Text& text) {
      { text.data() } -> std::convertible_to<const char*>;
      { text.size() } -> std::convertible_to<std::size_t>;
    }
  KERNFOLD_INLINE message(const Text& text) {
    *this << text;
  }

  KERNFOLD_INLINE message(const message& other) noexcept : block_(other.block_) {
    if (block_) __atomic_add_fetch(&block_->uses, 1, __ATOMIC_RELAXED);
  }
  KERNFOLD_INLINE message(message&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  KERNFOLD_INLINE message& operator=(message other) noexcept {
    auto* mine = block_;
    block_ = other.block_;
    other.block_ = mine;
    return *this;
  }
  KERNFOLD_INLINE ~message() { detail::release_letters(block_); }

  KERNFOLD_INLINE message& operator<<(const char* letters) {
    block_ = detail::append_letters(block_, letters, __builtin_strlen(letters));
    return *this;
  }
  KERNFOLD_INLINE message& operator<<(std::integral auto number) {
    const bool minus = number < 0;
    const auto bits = static_cast<std::uint64_t>(number);
    block_ = detail::append_letters(block_, minus ? 0 - bits : bits, minus);
    return *this;
  }
  template <class Text>
    requires requires(const Text& text) {
      { text.data() } -> std::convertible_to<const char*>;
      { text.size() } -> std::convertible_to<std::size_t>;
    }
  KERNFOLD_INLINE message& operator<<(const Text& text) {
    block_ = detail::append_letters(block_, text.data(), text.size());
    return *this;
  }

  KERNFOLD_INLINE const char* data() const noexcept { return block_ ? block_->letters() : ""; }
  KERNFOLD_INLINE const char* c_str() const noexcept { return data(); }
  KERNFOLD_INLINE std::size_t size() const noexcept { return block_ ? block_->size : 0; }

 private:
  detail::message_block* block_ = nullptr;
};

/// What every exception of the library derives from. On an error nothing has been written to the caller's memory.
class [[gnu::visibility("default")]] error : public std::exception {
 public:
  KERNFOLD_INLINE explicit error(message sentence) noexcept : sentence_(static_cast<message&&>(sentence)) {}
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  message sentence_;
};

/// An array's rows or dimension do not fit the formula, or each other.
struct [[gnu::visibility("default")]] shape_error : error {
  KERNFOLD_INLINE explicit shape_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// An element of a matrix was asked for that it does not have. (Checked where NDEBUG is not defined.)
struct [[gnu::visibility("default")]] index_error : error {
  KERNFOLD_INLINE explicit index_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// An argument is unknown, missing, or given twice.
struct [[gnu::visibility("default")]] binding_error : error {
  KERNFOLD_INLINE explicit binding_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// The memory for the result is also that of an argument.
struct [[gnu::visibility("default")]] overlap_error : error {
  KERNFOLD_INLINE explicit overlap_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// The caller's stop condition ended the computation.
struct [[gnu::visibility("default")]] stopped : error {
  KERNFOLD_INLINE explicit stopped(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// A call of the CUDA runtime failed.
struct [[gnu::visibility("default")]] cuda_error : error {
  KERNFOLD_INLINE explicit cuda_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

/// The instruction set asked for is unknown, was not compiled in, or is not one of this processor's.
struct [[gnu::visibility("default")]] instruction_set_error : error {
  KERNFOLD_INLINE explicit instruction_set_error(message sentence) noexcept : error(static_cast<message&&>(sentence)) {}
};

}  // namespace KERNFOLD_VERSION_NAME
}  // namespace kernfold
KERNFOLD_STRICT_END
