// kernfold/core/callback.hpp: what the caller hands to a computation: whom to tell how far it is, when to stop.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "config.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
inline namespace KERNFOLD_VERSION_NAME {

template <class Signature> class callback;

/// An owning copy of anything that can be called with A... and returns R, or nothing. It is what std::function is,
/// without the quarter of a second that <functional> costs. Calling an empty one is not allowed.
template <class R, class... A> class callback<R(A...)> {
 public:
  callback() = default;
  /// A null function pointer, or another empty callable that knows it, gives an empty callback.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, callback> && std::is_invocable_r_v<R, std::decay_t<F>&, A...>)
  KERNFOLD_INLINE callback(F&& f) {
    using G = std::decay_t<F>;
    if constexpr (std::is_pointer_v<std::remove_reference_t<F>>) {
      if (f == nullptr) return;
    } else if constexpr (requires { f.operator bool(); }) {
      if (!f) return;
    }
    target_ = new holder<G>(static_cast<F&&>(f));
  }

  KERNFOLD_INLINE callback(const callback& other) : target_(other.target_ ? other.target_->copy() : nullptr) {}
  KERNFOLD_INLINE callback(callback&& other) noexcept : target_(other.target_) { other.target_ = nullptr; }
  KERNFOLD_INLINE callback& operator=(callback other) noexcept {
    auto* const mine = target_;
    target_ = other.target_;
    other.target_ = mine;
    return *this;
  }
  KERNFOLD_INLINE ~callback() { delete target_; }

  KERNFOLD_INLINE explicit operator bool() const noexcept { return target_ != nullptr; }
  KERNFOLD_INLINE R operator()(A... args) const { return target_->call(static_cast<A&&>(args)...); }

 private:
  struct base {
    virtual R call(A... args) = 0;
    virtual base* copy() const = 0;
    virtual ~base() = default;
  };

  template <class F> struct holder final : base {
    F function;
    template <class G> KERNFOLD_INLINE explicit holder(G&& g) : function(static_cast<G&&>(g)) {}
    R call(A... args) override { return static_cast<R>(function(static_cast<A&&>(args)...)); }
    base* copy() const override { return new holder(function); }
  };

  base* target_ = nullptr;
};

/// When to end a computation early. Made from
///   a stop token (std::stop_token, or anything else with stop_requested()), held by value;
///   a pointer to a flag: std::atomic<bool>, bool, volatile std::sig_atomic_t; the flag must outlive the computation;
///   a callable that returns whether to stop.
/// Whoever computes may ask from any of its threads, also from several at once.
class stop_condition {
 public:
  stop_condition() = default;

  template <class Token>
    requires requires(const Token& token) {
      { token.stop_requested() } -> std::convertible_to<bool>;
    }
  KERNFOLD_INLINE stop_condition(Token token)
      : ask_([token = static_cast<Token&&>(token)] { return static_cast<bool>(token.stop_requested()); }) {}

  template <class Flag>
    requires requires(const Flag& flag) {
      { flag.load() } -> std::convertible_to<bool>;
    }
  KERNFOLD_INLINE stop_condition(Flag* flag) {
    if (flag) ask_ = [flag] { return static_cast<bool>(flag->load()); };
  }

  template <std::integral Flag> KERNFOLD_INLINE stop_condition(Flag* flag) {
    // Somebody else writes the flag: each question must read it anew.
    if (flag) ask_ = [flag = static_cast<const volatile Flag*>(flag)] { return *flag != 0; };
  }

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, stop_condition> && std::is_invocable_r_v<bool, std::decay_t<F>&> &&
             !requires(const F& f) { f.stop_requested(); })
  KERNFOLD_INLINE stop_condition(F&& f) : ask_(static_cast<F&&>(f)) {}

  KERNFOLD_INLINE explicit operator bool() const noexcept { return static_cast<bool>(ask_); }
  KERNFOLD_INLINE bool requested() const { return ask_ && ask_(); }

 private:
  callback<bool()> ask_;
};

}  // namespace KERNFOLD_VERSION_NAME
}  // namespace kernfold
KERNFOLD_STRICT_END
