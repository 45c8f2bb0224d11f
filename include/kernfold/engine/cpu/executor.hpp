// kernfold/engine/cpu/executor.hpp: kf::cpu, where and how a reduction runs on the processor.
#pragma once

#include <cstdint>
#include <exception>

#include "../../core/callback.hpp"
#include "../../core/error.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

enum class instruction_set : unsigned char { automatic, scalar, portable, avx2, avx512 };

/// Runs on the processor. Results do not depend on any of this: the same bits for every number of threads and every
/// instruction set.
struct cpu {
  int threads = 0;                                            // 0: as many as the process may use
  instruction_set instructions = instruction_set::automatic;  // automatic: the best that the machine has
  int passes = 0;                                             // over the columns, 1 or 2; 0: as suits the processor
  callback<void(double)> progress = {};  // called on the calling thread with the share done, 0 to 1
  stop_condition stop = {};              // asked between tiles; the call then throws kf::stopped
};

/// "avx512", "avx2", ...
constexpr const char* name_of(instruction_set s) {
  switch (s) {
    case instruction_set::scalar:
      return "scalar";
    case instruction_set::portable:
      return "portable";
    case instruction_set::avx2:
      return "avx2";
    case instruction_set::avx512:
      return "avx512";
    default:
      return "automatic";
  }
}

namespace detail {
inline namespace KERNFOLD_ABI {

/// What the threads of one call tell each other: how far they are, whether to stop, what went wrong first.
class monitor {
 public:
  monitor(const cpu& where, std::int64_t total) : where_(where), total_(total) {}

  bool is_watching() const { return where_.progress || where_.stop; }
  bool stopped() const { return __atomic_load_n(&stopped_, __ATOMIC_RELAXED); }

  /// `amount` of the work is done. Only the calling thread reports.
  KERNFOLD_ONCE void advance(std::int64_t amount, bool is_caller) {
    const std::int64_t done = __atomic_add_fetch(&done_, amount, __ATOMIC_RELAXED);
    if (where_.stop && where_.stop.requested()) __atomic_store_n(&stopped_, true, __ATOMIC_RELAXED);
    if (is_caller && where_.progress && total_ > 0) where_.progress(double(done) / double(total_));
  }
  /// Keeps the first exception of any thread, and stops the others.
  void fail(std::exception_ptr error) {
    if (!__atomic_exchange_n(&failed_, true, __ATOMIC_ACQ_REL)) error_ = static_cast<std::exception_ptr&&>(error);
    __atomic_store_n(&stopped_, true, __ATOMIC_RELAXED);
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const cpu& where_;
  std::int64_t total_, done_ = 0;
  bool stopped_ = false, failed_ = false;
  std::exception_ptr error_;
};

}  // namespace KERNFOLD_ABI
}  // namespace detail
}  // namespace kernfold
KERNFOLD_STRICT_END
