// What a call computes depends neither on threads nor on the instruction set: the same bits. And what a caller hands to
// it: progress, stop conditions, and the exceptions of both.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto g = kf::Pm<3, 1>;
constexpr auto F = exp(-g * sqdist(x, y)) * b;
constexpr auto R = sum_reduction(F);

// Few programs, many reductions: those of one axis share a sweep.
template <kf::axis A>
constexpr auto all_along =
    fold_all(sum_reduction<A>(F), logsumexp_reduction<A>(-g* sqdist(x, y)),
             softmax_reduction<A>(-g* sqdist(x, y), y - x), kf::argkmin_reduction<10, A>(sqdist(x, y)),
             kf::kmin_reduction<10, A>(sqdist(x, y)), argmin_reduction<A>(sqdist(x, y)), max_reduction<A>(x - y));
constexpr auto gradients = backward(R, x, y, g);

std::vector<kf::instruction_set> sets_of_machine() {
  std::vector<kf::instruction_set> sets;
  for (const auto set : {kf::instruction_set::scalar, kf::instruction_set::portable, kf::instruction_set::avx2,
                         kf::instruction_set::avx512})
    if (kf::detail::is_usable(kf::detail::compiled_sets{}, set)) sets.push_back(set);
  return sets;
}

template <class Real> struct cloud {
  std::vector<Real> X, Y, B, G{Real(0.7)}, E;
  cloud(std::int64_t M, std::int64_t N)
      : X(numbers(3 * M, 1)), Y(numbers(3 * N, 2)), B(numbers(N, 3)), E(numbers(M, 4)) {}

 private:
  static std::vector<Real> numbers(std::int64_t count, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<Real> v(static_cast<std::size_t>(count));
    for (Real& n : v) n = uniform(engine);
    return v;
  }
};

template <class T> void append(std::string& bits, const kf::matrix<T>& m) {
  if (m.size() > 0)
    bits.append(reinterpret_cast<const char*>(m.data()), static_cast<std::size_t>(m.size()) * sizeof(T));
}
template <class T> std::string bits_of(const kf::matrix<T>& m) {
  std::string bits;
  append(bits, m);
  return bits;
}
template <class... Ms> std::string bits_of(const kf::results<Ms...>& all) {
  std::string bits;
  [&]<int... Is>(std::integer_sequence<int, Is...>) {
    (append(bits, get<Is>(all)), ...);
  }(std::make_integer_sequence<int, int(sizeof...(Ms))>{});
  return bits;
}

/// Where two results first differ, which says more than a dump of their bytes.
std::string difference(const std::string& found, const std::string& expected) {
  if (found.size() != expected.size()) return "sizes differ";
  for (std::size_t n = 0; n < found.size(); ++n)
    if (found[n] != expected[n]) return "byte " + std::to_string(n) + " of " + std::to_string(found.size());
  return "none";
}

template <class Reduction, class... Args>
void expect_same_bits(const std::string& what, Reduction r, const Args&... args) {
  const auto sets = sets_of_machine();
  const std::string expected = bits_of(r.on(kf::cpu{.threads = 1, .instructions = sets.front()})(args...));
  for (const auto set : sets)
    for (const int threads : {1, 2, 3, 7}) {
      if (threads == 1 && set == sets.front()) continue;
      const int passes = 1 + threads % 2;
      const kf::cpu where{.threads = threads, .instructions = set, .passes = passes};
      EXPECT_EQ(difference(bits_of(r.on(where)(args...)), expected), "none")
          << what << ", " << threads << " threads, " << passes << " passes, " << name_of(set);
    }
}

struct sizes {
  std::int64_t M, N;
};
// Around packs, blocks and tiles; few rows and many columns, which are then split; nothing at all.
constexpr sizes small_sizes[] = {{1, 1},   {7, 8},   {8, 7},      {15, 63}, {16, 64}, {17, 65},
                                 {63, 17}, {64, 16}, {65, 511},   {1, 512}, {3, 513}, {511, 15},
                                 {512, 1}, {513, 7}, {130, 1030}, {0, 5},   {5, 0}};

template <kf::axis A, class Real> void check_axis() {
  const auto check = [](sizes s) {
    const cloud<Real> c(s.M, s.N);
    expect_same_bits("M = " + std::to_string(s.M) + ", N = " + std::to_string(s.N), all_along<A>, c.X, c.Y, c.B, c.G);
  };
  for (const sizes s : small_sizes) check(s);
  for (std::int64_t M = 2; M < 40; ++M) check({M, 8});  // states of rows merge in plain numbers, by each set's code
  check(A == kf::axis::i ? sizes{100'003, 3} : sizes{3, 100'003});
}

template <class Real> void check_gradients() {
  for (const sizes s : {sizes{1, 1}, {7, 65}, {65, 17}, {64, 513}, {513, 64}, {3, 100'003}, {0, 3}, {3, 0}}) {
    const cloud<Real> c(s.M, s.N);
    const std::string what = "M = " + std::to_string(s.M) + ", N = " + std::to_string(s.N);
    expect_same_bits(what, gradients, c.X, c.Y, c.B, c.G, c.E);
    expect_same_bits(what, R, c.X, c.Y, c.B, c.G);
  }
}

/// A call long enough to be interrupted when some of its rows are done.
const cloud<float>& long_cloud() {
  static const cloud<float> c(20'000, 2000);
  return c;
}
const kf::matrix<float>& untouched() {
  static const kf::matrix<float> m = [] {
    kf::matrix<float> all(20'000, 1);
    for (float& v : all) v = 42;
    return all;
  }();
  return m;
}
/// The call ends early with an exception of this type, and the result's memory is as it was.
template <class Exception> std::string ends_early(const kf::cpu& where) {
  const auto& c = long_cloud();
  std::string sentence = "not thrown";
  for (const bool add : {false, true}) {
    kf::matrix<float> out = untouched();
    try {
      if (add) R.on(where).add_to(out, c.X, c.Y, c.B, c.G);
      else R.on(where).into(out, c.X, c.Y, c.B, c.G);
    } catch (const Exception& e) {
      sentence = e.what();
    }
    EXPECT_TRUE(out == untouched()) << "the result was written";
  }
  return sentence;
}

// Sanitizers keep freed memory, and shadows of all of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// The variable has a value while this lives.
struct environment {
  explicit environment(const char* value) { setenv("KERNFOLD_INSTRUCTIONS", value, 1); }
  ~environment() { unsetenv("KERNFOLD_INSTRUCTIONS"); }
};

std::string refusal(const kf::cpu& where) {
  const cloud<float> c(2, 3);
  kf::matrix<float> out = kf::matrix<float>::zeros(2, 1);
  try {
    R.on(where).into(out, c.X, c.Y, c.B, c.G);
  } catch (const kf::instruction_set_error& e) {
    EXPECT_TRUE(out == kf::matrix<float>::zeros(2, 1));
    return e.what();
  }
  return "not thrown";
}

}  // namespace

TEST(launch, same_bits_along_j_in_float) { check_axis<kf::axis::j, float>(); }
TEST(launch, same_bits_along_j_in_double) { check_axis<kf::axis::j, double>(); }
TEST(launch, same_bits_along_i_in_float) { check_axis<kf::axis::i, float>(); }
TEST(launch, same_bits_along_i_in_double) { check_axis<kf::axis::i, double>(); }
TEST(launch, same_bits_along_both_in_float) { check_axis<kf::axis::both, float>(); }
TEST(launch, same_bits_along_both_in_double) { check_axis<kf::axis::both, double>(); }
TEST(launch, same_bits_of_gradients_in_float) { check_gradients<float>(); }
TEST(launch, same_bits_of_gradients_in_double) { check_gradients<double>(); }

TEST(launch, names_of_instruction_sets) {
  EXPECT_STREQ(name_of(kf::instruction_set::automatic), "automatic");
  EXPECT_STREQ(name_of(kf::instruction_set::scalar), "scalar");
  EXPECT_STREQ(name_of(kf::instruction_set::portable), "portable");
  EXPECT_STREQ(name_of(kf::instruction_set::avx2), "avx2");
  EXPECT_STREQ(name_of(kf::instruction_set::avx512), "avx512");
}

TEST(launch, a_missing_instruction_set_is_refused) {
  int missing = 0;
  for (const auto set : {kf::instruction_set::scalar, kf::instruction_set::portable, kf::instruction_set::avx2,
                         kf::instruction_set::avx512}) {
    if (kf::detail::is_usable(kf::detail::compiled_sets{}, set)) continue;
    ++missing;
    EXPECT_EQ(refusal({.instructions = set}),
              std::string("the instruction set '") + name_of(set) +
                  "' asked for by kf::cpu is not one of this machine's, or was not compiled into this program");
  }
  if (missing == 0) GTEST_SKIP() << "this machine has every instruction set";
}

TEST(launch, the_environment_chooses_the_instruction_set) {
  for (const auto set : sets_of_machine()) {
    const environment chosen(name_of(set));
    EXPECT_EQ(kf::detail::chosen_instruction_set(kf::cpu{}), set);
    EXPECT_EQ(kf::automatic_instruction_set(), set);
    EXPECT_TRUE(kf::is_usable(set));
    EXPECT_EQ(refusal({}), "not thrown");
  }
  const kf::instruction_set best = kf::detail::best_of(kf::detail::compiled_sets{});
  {
    const environment empty("");
    EXPECT_EQ(kf::detail::chosen_instruction_set(kf::cpu{}), best);
  }
  EXPECT_EQ(kf::detail::chosen_instruction_set(kf::cpu{}), best);
  for (const char* const unknown : {"mmx", "AVX2", "automatic"}) {
    const environment chosen(unknown);
    EXPECT_EQ(
        refusal({}),
        std::string("the instruction set '") + unknown +
            "' asked for by the environment variable KERNFOLD_INSTRUCTIONS is not one of this machine's, or was not "
            "compiled into this program");
    // What the program asks for comes first.
    EXPECT_EQ(refusal({.instructions = best}), "not thrown");
  }
}

TEST(launch, progress_is_told_on_the_calling_thread) {
  const auto& c = long_cloud();
  for (const int threads : {1, 3}) {
    std::vector<double> shares;
    bool elsewhere = false;
    const kf::cpu where{.threads = threads, .progress = [&, caller = std::this_thread::get_id()](double share) {
                          elsewhere = elsewhere || std::this_thread::get_id() != caller;
                          shares.push_back(share);
                        }};
    const auto watched = R.on(where)(c.X, c.Y, c.B, c.G);
    EXPECT_FALSE(elsewhere);
    ASSERT_GE(shares.size(), threads == 1 ? 3u : 1u);  // the others may be faster than the caller
    EXPECT_GT(shares.front(), 0);
    EXPECT_EQ(shares.back(), 1);
    for (std::size_t n = 1; n < shares.size(); ++n) {
      EXPECT_GE(shares[n], shares[n - 1]);
      EXPECT_LE(shares[n], 1);
    }
    EXPECT_TRUE(watched == R(c.X, c.Y, c.B, c.G));
  }
}

TEST(launch, progress_of_nothing_ends_at_one) {
  const cloud<float> none(0, 0);
  double last = 0;
  R.on(kf::cpu{.progress = [&](double share) { last = share; }})(none.X, none.Y, none.B, none.G);
  EXPECT_EQ(last, 1);
}

TEST(launch, a_watched_call_writes_what_an_unwatched_one_does) {
  const cloud<float> c(65, 100);
  const kf::cpu watched{.progress = [](double) {}, .stop = [] { return false; }};
  kf::matrix<float> plain(65, 1), other(65, 1);
  R.into(plain, c.X, c.Y, c.B, c.G);
  R.on(watched).into(other, c.X, c.Y, c.B, c.G);
  EXPECT_TRUE(plain == other);
  R.add_to(plain, c.X, c.Y, c.B, c.G);
  R.on(watched).add_to(other, c.X, c.Y, c.B, c.G);
  EXPECT_TRUE(plain == other);
}

TEST(launch, stops_where_its_caller_says_so) {
  const std::string sentence = "the computation was stopped by its caller";
  for (const int threads : {1, 3}) {
    std::atomic<bool> flag = true;
    EXPECT_EQ(ends_early<kf::stopped>({.threads = threads, .stop = &flag}), sentence);
    bool plain_flag = true;
    EXPECT_EQ(ends_early<kf::stopped>({.threads = threads, .stop = &plain_flag}), sentence);
    std::stop_source source;
    source.request_stop();
    EXPECT_EQ(ends_early<kf::stopped>({.threads = threads, .stop = source.get_token()}), sentence);
    std::atomic<int> asked = 0;
    EXPECT_EQ(ends_early<kf::stopped>({.threads = threads, .stop = [&asked] { return ++asked > 40; }}), sentence);
    EXPECT_GT(asked, 40);
  }
  std::atomic<bool> is_enough = false;
  EXPECT_EQ(ends_early<kf::stopped>(
                {.threads = 1, .progress = [&](double share) { is_enough = share > 0.25; }, .stop = &is_enough}),
            sentence);
}

TEST(launch, an_exception_of_a_callback_arrives) {
  const auto tell = [](double share) {
    if (share > 0.5) throw std::runtime_error("enough");
  };
  for (const int threads : {1, 3}) {
    EXPECT_EQ(ends_early<std::runtime_error>({.threads = threads, .progress = tell}), "enough");
    std::atomic<int> asked = 0;
    const auto ask = [&asked]() -> bool { return ++asked > 40 ? throw std::logic_error("asked") : false; };
    EXPECT_EQ(ends_early<std::logic_error>({.threads = threads, .stop = ask}), "asked");
  }
}

TEST(launch, small_calls_keep_memory_flat) {
  const auto pages = [] {
    long size = 0, resident = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return -1L;
    const int read = std::fscanf(file, "%ld %ld", &size, &resident);
    std::fclose(file);
    return read == 2 ? resident : -1L;
  };
  if (pages() < 0) GTEST_SKIP() << "no /proc/self/statm";
  if (is_sanitized) GTEST_SKIP() << "a sanitizer keeps freed memory";
  const cloud<float> c(100, 100);
  std::vector<float> out(100);
  const auto call = [&](int times) {
    for (int n = 0; n < times; ++n) {
      R.into(out, c.X, c.Y, c.B, c.G);
      R.on(kf::cpu{.threads = 2})(c.X, c.Y, c.B, c.G);
    }
  };
  call(500);
  const long before = pages();
  call(5'000);
  EXPECT_LE(pages() - before, 64) << "pages of resident memory";  // a leak of 100 bytes a call would be 244
}

TEST(launch, as_many_passes_as_suit_the_processor) {
  EXPECT_EQ(kf::detail::passes_that_suit(true), 2);   // AMD
  EXPECT_EQ(kf::detail::passes_that_suit(false), 1);  // Intel
  EXPECT_EQ(kf::detail::pass_count(kf::cpu{.passes = 2}), 2);
  EXPECT_EQ(kf::detail::pass_count(kf::cpu{.passes = 1}), 1);
  EXPECT_GE(kf::detail::pass_count(kf::cpu{}), 1);
}
TEST(launch, a_thread_has_enough_to_do) {
  EXPECT_EQ(kf::detail::thread_count(kf::cpu{}, 10'000), 1);
  EXPECT_EQ(kf::detail::thread_count(kf::cpu{.threads = 5}, 1), 5);
  EXPECT_EQ(kf::detail::thread_count(kf::cpu{}, 1'000'000'000'000), kf::detail::available_threads());
}
