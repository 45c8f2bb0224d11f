// Packs: every lane computes what the scalar lane computes, bit for bit, on every instruction set.
#include <kernfold/engine/cpu/pack.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace {

using kernfold::flush_subnormals;
using kernfold::pack;
namespace isa = kernfold::isa;
namespace math = kernfold::math;

// --- running a function on the lanes of one instruction set
// -----------------------------------------------------------

/// F::run<T>(x, y, z, out, n): the function under test over n numbers, a multiple of every width.
template <class Isa, class Real> struct on {
  using lanes = pack<Real, Isa>;
  static bool is_available() { return true; }
  template <class F> KERNFOLD_ENTRY static void run(const Real* x, const Real* y, const Real* z, Real* out, int n) {
    F::template run<lanes>(x, y, z, out, n);
  }
};
template <class Real> struct on<isa::scalar, Real> {
  using lanes = Real;
  static bool is_available() { return true; }
  template <class F> KERNFOLD_ENTRY static void run(const Real* x, const Real* y, const Real* z, Real* out, int n) {
    F::template run<lanes>(x, y, z, out, n);
  }
};
#if KERNFOLD_X86
template <class Real> struct on<isa::avx2, Real> {
  using lanes = pack<Real, isa::avx2>;
  static bool is_available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
  template <class F>
  KERNFOLD_ENTRY_AVX2 static void run(const Real* x, const Real* y, const Real* z, Real* out, int n) {
    F::template run<lanes>(x, y, z, out, n);
  }
};
template <class Real> struct on<isa::avx512, Real> {
  using lanes = pack<Real, isa::avx512>;
  static bool is_available() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }
  template <class F>
  KERNFOLD_ENTRY_AVX512 static void run(const Real* x, const Real* y, const Real* z, Real* out, int n) {
    F::template run<lanes>(x, y, z, out, n);
  }
};
#endif

/// A function of lanes, applied along three arrays.
template <class Derived> struct function_of {
  template <class T>
  static KERNFOLD_HD void run(const math::real_of<T>* x, const math::real_of<T>* y, const math::real_of<T>* z,
                              math::real_of<T>* out, int n) {
    for (int i = 0; i < n; i += math::lane_count<T>)
      math::store<T>(out + i, Derived::eval(math::load<T>(x + i), math::load<T>(y + i), math::load<T>(z + i)));
  }
};
#define KERNFOLD_TEST_FUNCTION(name, expression)                  \
  struct name : function_of<name> {                               \
    template <class T> static KERNFOLD_HD T eval(T x, T y, T z) { \
      using real [[maybe_unused]] = math::real_of<T>;             \
      [[maybe_unused]] const T *a = &x, *b = &y, *c = &z;         \
      return expression;                                          \
    }                                                             \
  }
KERNFOLD_TEST_FUNCTION(f_sum, x + y);
KERNFOLD_TEST_FUNCTION(f_difference, x - y);
KERNFOLD_TEST_FUNCTION(f_product, x* y);
KERNFOLD_TEST_FUNCTION(f_quotient, x / y);
KERNFOLD_TEST_FUNCTION(f_minus, -x);
KERNFOLD_TEST_FUNCTION(f_two_roundings, x* y + z);  // which no compiler may merge
KERNFOLD_TEST_FUNCTION(f_two_roundings_minus, z - x * y);
KERNFOLD_TEST_FUNCTION(f_constants, (x + real(1)) * real(3) - T(real(-0.0)));
KERNFOLD_TEST_FUNCTION(f_fma, math::fma(x, y, z));
KERNFOLD_TEST_FUNCTION(f_fnma, math::fnma(x, y, z));
KERNFOLD_TEST_FUNCTION(f_fms, math::fms(x, y, z));
KERNFOLD_TEST_FUNCTION(f_min, math::min(x, y));
KERNFOLD_TEST_FUNCTION(f_max, math::max(x, y));
KERNFOLD_TEST_FUNCTION(f_abs, math::abs(x));
KERNFOLD_TEST_FUNCTION(f_sqrt, math::sqrt(x));
KERNFOLD_TEST_FUNCTION(f_floor, math::floor(x));
KERNFOLD_TEST_FUNCTION(f_round, math::round(x));
KERNFOLD_TEST_FUNCTION(f_trunc, math::trunc(x));
KERNFOLD_TEST_FUNCTION(f_copysign, math::copysign(x, y));
KERNFOLD_TEST_FUNCTION(f_zero_where, math::zero_where(x < y, z));
KERNFOLD_TEST_FUNCTION(f_less, math::select(x < y, x, z));
KERNFOLD_TEST_FUNCTION(f_less_equal, math::select(x <= y, x, z));
KERNFOLD_TEST_FUNCTION(f_greater, math::select(x > y, x, z));
KERNFOLD_TEST_FUNCTION(f_greater_equal, math::select(x >= y, x, z));
KERNFOLD_TEST_FUNCTION(f_equal, math::select(x == y, x, z));
KERNFOLD_TEST_FUNCTION(f_unequal, math::select(x != y, x, z));
KERNFOLD_TEST_FUNCTION(f_masks, math::select(((y < z) & !(x < y)) | (x == z), x, z));
KERNFOLD_TEST_FUNCTION(f_ints, math::from_bits<T>(math::wrapping_difference(
                                   math::wrapping_sum(math::to_bits(x), math::to_bits(y)) ^ (math::to_bits(z) << 3),
                                   (math::to_bits(x) >> 5) & (math::to_bits(y) | math::to_bits(z)))));
KERNFOLD_TEST_FUNCTION(f_int_select,
                       math::from_bits<T>(math::select(math::to_bits(x) < math::to_bits(y), math::to_bits(z),
                                                       math::select(math::to_bits(x) == math::to_bits(y),
                                                                    math::to_bits(x), math::to_bits(y)))));
KERNFOLD_TEST_FUNCTION(f_int_greater, math::from_bits<T>(math::select(math::to_bits(x) > math::to_bits(y),
                                                                      math::to_bits(z), math::to_bits(y))));
KERNFOLD_TEST_FUNCTION(f_int_constant, math::from_bits<T>(math::wrapping_sum(math::to_bits(x), math::ints_t<T>(-7))));
KERNFOLD_TEST_FUNCTION(f_convert,
                       math::convert_to_real<T>(math::convert_to_int(math::floor(math::min(math::max(T(real(-1e6)), z),
                                                                                           T(real(1e6)))))));
KERNFOLD_TEST_FUNCTION(f_exp2, math::exp2(x));
KERNFOLD_TEST_FUNCTION(f_exp2_nonpositive, math::exp2_nonpositive(-math::abs(x)));
KERNFOLD_TEST_FUNCTION(f_exp, math::exp(x));
KERNFOLD_TEST_FUNCTION(f_log, math::log(x));
KERNFOLD_TEST_FUNCTION(f_log2, math::log2(x));
KERNFOLD_TEST_FUNCTION(f_rsqrt, math::rsqrt(x));
KERNFOLD_TEST_FUNCTION(f_sin, math::sin(x));
KERNFOLD_TEST_FUNCTION(f_cos, math::cos(x));
KERNFOLD_TEST_FUNCTION(f_tanh, math::tanh(x));
KERNFOLD_TEST_FUNCTION(f_pow, math::pow(x, y));
KERNFOLD_TEST_FUNCTION(f_ipow, math::ipow<-13>(x));
#undef KERNFOLD_TEST_FUNCTION

// --- arguments
// --------------------------------------------------------------------------------------------------------

template <class Real> Real with_bits(std::uint64_t bits) {
  Real r;
  std::memcpy(&r, &bits, sizeof(Real));
  return r;
}
template <class Real> bool same(Real a, Real b) {
  return std::memcmp(&a, &b, sizeof(Real)) == 0 || (std::isnan(a) && std::isnan(b));
}

constexpr int count = 16 * 4096;

/// All bit patterns, moderate numbers, numbers near 1 and near ties, and special ones, in every lane.
template <class Real> std::vector<Real> arguments(unsigned seed) {
  using limits = std::numeric_limits<Real>;
  const Real special[] = {Real(0),
                          Real(-0.0),
                          1,
                          -1,
                          Real(0.5),
                          Real(-0.5),
                          Real(1.5),
                          Real(2.5),
                          limits::infinity(),
                          -limits::infinity(),
                          limits::quiet_NaN(),
                          limits::min(),
                          -limits::min(),
                          limits::denorm_min(),
                          limits::max(),
                          -limits::max(),
                          Real(limits::min_exponent),
                          Real(limits::min_exponent - 1),
                          Real(limits::min_exponent) - Real(1.25),
                          Real(limits::max_exponent),
                          Real(limits::max_exponent - 0.25),
                          Real(limits::max_exponent) + 1,
                          Real(1e5),
                          Real(1e9),
                          Real(1e20)};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  std::vector<Real> r(count);
  for (int i = 0; i < count; ++i) {
    const unsigned kind = random() % 8;
    if (kind == 0) r[i] = special[random() % (sizeof(special) / sizeof(Real))];
    else if (kind == 1) r[i] = with_bits<Real>(random());
    else if (kind == 2) r[i] = static_cast<Real>(1 + 0.5 * unit(random));
    else if (kind == 3) r[i] = static_cast<Real>(static_cast<int>(200 * unit(random)) * 0.5);
    else if (kind == 4) r[i] = static_cast<Real>(unit(random) * limits::max_exponent * 1.2);
    else if (kind == 5) r[i] = static_cast<Real>(unit(random) * std::exp2(20 * unit(random) - 20));
    else r[i] = static_cast<Real>(30 * unit(random));
  }
  return r;
}

// --- tests
// ------------------------------------------------------------------------------------------------------------

template <class Isa, class Real> struct instance {
  using set = Isa;
  using real = Real;
};

template <class Instance> class packs : public testing::Test {
 public:
  using real = typename Instance::real;
  using tested = on<typename Instance::set, real>;
  void SetUp() override {
    if (!tested::is_available()) GTEST_SKIP() << "this processor lacks the instruction set";
  }

  /// F on the packs against F on the scalar lane.
  template <class F> void compare(const char* name) const {
    const auto x = arguments<real>(1), y = arguments<real>(2), z = arguments<real>(3);
    std::vector<real> expected(count), got(count);
    {
      const flush_subnormals guard;
      on<isa::scalar, real>::template run<F>(x.data(), y.data(), z.data(), expected.data(), count);
      tested::template run<F>(x.data(), y.data(), z.data(), got.data(), count);
    }
    int wrong = 0;
    for (int i = 0; i < count; ++i)
      if (!same(expected[i], got[i]) && ++wrong <= 3)
        ADD_FAILURE() << name << std::hexfloat << " of " << x[i] << ", " << y[i] << ", " << z[i] << ": " << got[i]
                      << " instead of " << expected[i];
    EXPECT_EQ(wrong, 0) << name;
  }
};

using instances = testing::Types<instance<isa::portable, float>, instance<isa::portable, double>
#if KERNFOLD_X86
                                 ,
                                 instance<isa::avx2, float>, instance<isa::avx2, double>, instance<isa::avx512, float>,
                                 instance<isa::avx512, double>
#endif
                                 >;
TYPED_TEST_SUITE(packs, instances);

TYPED_TEST(packs, arithmetic) {
  this->template compare<f_sum>("x + y");
  this->template compare<f_difference>("x - y");
  this->template compare<f_product>("x * y");
  this->template compare<f_quotient>("x / y");
  this->template compare<f_minus>("-x");
  this->template compare<f_constants>("constants");
  this->template compare<f_fma>("fma");
  this->template compare<f_fnma>("fnma");
  this->template compare<f_fms>("fms");
  this->template compare<f_min>("min");
  this->template compare<f_max>("max");
  this->template compare<f_abs>("abs");
  this->template compare<f_sqrt>("sqrt");
  this->template compare<f_floor>("floor");
  this->template compare<f_round>("round");
  this->template compare<f_trunc>("trunc");
  this->template compare<f_copysign>("copysign");
}

#if !KERNFOLD_FLAGS_AVX2  // there the compiler may merge the scalar lane's own operators, of which we have no say
TYPED_TEST(packs, products_and_sums_are_rounded_apart) {
  this->template compare<f_two_roundings>("x * y + z");
  this->template compare<f_two_roundings_minus>("z - x * y");
}
#endif

TYPED_TEST(packs, comparisons_and_masks) {
  this->template compare<f_less>("<");
  this->template compare<f_less_equal>("<=");
  this->template compare<f_greater>(">");
  this->template compare<f_greater_equal>(">=");
  this->template compare<f_equal>("==");
  this->template compare<f_unequal>("!=");
  this->template compare<f_masks>("masks");
  this->template compare<f_zero_where>("zero_where");
}

TYPED_TEST(packs, integers) {
  this->template compare<f_ints>("integers");
  this->template compare<f_int_select>("select");
  this->template compare<f_int_greater>(">");
  this->template compare<f_int_constant>("constant");
  this->template compare<f_convert>("conversion");
}

TYPED_TEST(packs, exponentials) {
  this->template compare<f_exp2>("exp2");
  this->template compare<f_exp2_nonpositive>("exp2_nonpositive");
  this->template compare<f_exp>("exp");
}
TYPED_TEST(packs, logarithms) {
  this->template compare<f_log>("log");
  this->template compare<f_log2>("log2");
}
TYPED_TEST(packs, angles) {
  this->template compare<f_sin>("sin");
  this->template compare<f_cos>("cos");
}
TYPED_TEST(packs, rsqrt) { this->template compare<f_rsqrt>("rsqrt"); }
TYPED_TEST(packs, tanh) { this->template compare<f_tanh>("tanh"); }
TYPED_TEST(packs, powers) {
  this->template compare<f_pow>("pow");
  this->template compare<f_ipow>("ipow");
}

/// any() and all(), per lane: the number of lanes below a threshold decides.
struct counts {
  template <class T>
  static KERNFOLD_HD void run(const math::real_of<T>* x, const math::real_of<T>*, const math::real_of<T>*,
                              math::real_of<T>* out, int) {
    const T a = math::load<T>(x);
    out[0] = math::any(a < T(0)) ? 1 : 0;
    out[1] = math::all(a < T(0)) ? 1 : 0;
    const auto m = a < T(0);
    for (int l = 0; l < math::lane_count<T>; ++l) out[2 + l] = math::get(m, l) ? 1 : 0;
    auto none = m & !m;
    math::set(none, math::lane_count<T> - 1, true);
    out[2 + math::lane_count<T>] = math::any(none) && !math::all(none) && math::get(none, math::lane_count<T> - 1);
  }
};
TYPED_TEST(packs, any_and_all) {
  using real = typename TestFixture::real;
  constexpr int width = math::lane_count<typename TestFixture::tested::lanes>;
  for (unsigned pattern = 0; pattern < (1u << std::min(width, 10)); ++pattern) {
    real x[16] = {}, out[20];
    for (int l = 0; l < width; ++l) x[l] = l < 10 && pattern >> l & 1 ? -1 : 1;
    TestFixture::tested::template run<counts>(x, x, x, out, width);
    EXPECT_EQ(out[0], pattern != 0 ? 1 : 0);
    EXPECT_EQ(out[1], width <= 10 && pattern == (1u << width) - 1 ? 1 : 0);
    for (int l = 0; l < width; ++l) EXPECT_EQ(out[2 + l], x[l] < 0 ? 1 : 0);
    EXPECT_EQ(out[2 + width], 1);
  }
  real all_below[16], out[20];
  for (real& v : all_below) v = -1;
  TestFixture::tested::template run<counts>(all_below, all_below, all_below, out, width);
  EXPECT_EQ(out[1], 1);
}

/// 64-bit indices beside the lanes.
struct indices {
  template <class T>
  static KERNFOLD_HD void run(const math::real_of<T>* x, const math::real_of<T>*, const math::real_of<T>*,
                              math::real_of<T>* out, int) {
    using index = math::index_t<T>;
    const std::int64_t big = (std::int64_t{1} << 31) - 3;  // across the end of 32 bits
    const index i = math::iota<T>(big);
    const index j = i * index(2) - index(big) + index(1);  // big + 2 l + 1
    const T a = math::load<T>(x);
    bool right = true;
    for (int at = 0; at < math::lane_count<T>; ++at) {
      const index limit(big + at);
      for (int l = 0; l < math::lane_count<T>; ++l) {
        right = right && math::get(i == limit, l) == (l == at) && math::get(i != limit, l) == (l != at);
        right = right && math::get(i < limit, l) == (l < at) && math::get(i <= limit, l) == (l <= at);
        right = right && math::get(i > limit, l) == (l > at) && math::get(i >= limit, l) == (l >= at);
        right = right && math::get(math::select(i == limit, T(1), T(2)), l) == (l == at ? 1 : 2);
      }
    }
    for (int l = 0; l < math::lane_count<T>; ++l) {
      right = right && math::get(i, l) == big + l && math::get(j, l) == big + 2 * l + 1;
      right = right && math::get(-i, l) == -(big + l) && math::get(i * j, l) == (big + l) * (big + 2 * l + 1);
      right = right && math::get(math::select(a < T(0), i, j), l) == (x[l] < 0 ? big + l : big + 2 * l + 1);
      right = right && math::get(math::to_real<T>(i), l) == static_cast<math::real_of<T>>(big + l);
      right = right && math::get(math::to_real<T>(-i), l) == static_cast<math::real_of<T>>(-big - l);
      math::ints_t<T> small(-3);
      math::set(small, l, l - 2);
      right = right && math::get(math::to_index<T>(small), l) == l - 2;
    }
    out[0] = right;
  }
};
TYPED_TEST(packs, indices) {
  using real = typename TestFixture::real;
  real x[16], out[1];
  for (int l = 0; l < 16; ++l) x[l] = l % 3 == 0 ? -1 : 1;
  TestFixture::tested::template run<indices>(x, x, x, out, 1);
  EXPECT_EQ(out[0], 1);
}

/// Sums in double precision beside float lanes.
struct widened {
  template <class T>
  static KERNFOLD_HD void run(const math::real_of<T>* x, const math::real_of<T>* y, const math::real_of<T>*,
                              math::real_of<T>* out, int n) {
    for (int i = 0; i < n; i += math::lane_count<T>) {
      using wide = math::wide_t<T>;
      const wide a = math::widen(math::load<T>(x + i)), b = math::widen(math::load<T>(y + i));
      wide r = math::fma(a, b, wide(1) / wide(3)) - b;
      for (int l = 0; l < math::lane_count<T>; ++l) math::set(r, l, math::get(r, l) * 2);
      math::store<T>(out + i, math::narrow<T>(r));
    }
  }
};
TYPED_TEST(packs, widened) { this->template compare<widened>("in double"); }

TEST(subnormals, are_flushed_while_asked_for) {
  volatile float least = std::numeric_limits<float>::min();
  EXPECT_GT(least * 0.5f, 0);
  {
    const flush_subnormals guard;
#if KERNFOLD_X86
    EXPECT_EQ(least * 0.5f, 0);
#endif
    volatile float subnormal = std::numeric_limits<float>::denorm_min();
    EXPECT_GT(subnormal * 1e30f, 0);  // arguments are not
  }
  EXPECT_GT(least * 0.5f, 0);
}

}  // namespace
