// Memory grows with the arrays, not with the pairs.
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <vector>

namespace kf = kernfold;

namespace {

/// The parameter has many more components than a formula of its first needs, so that its gradient is wide.
constexpr int parameter_dim = 512;
constexpr auto wide = kf::Pm<1, parameter_dim>;
constexpr auto of_parameter =
    grad(kf::sum_reduction<kf::axis::both>(kf::elem<0>(wide) * kf::Vi<0, 1>), wide, kf::Pm<2, 1>);
constexpr auto gaussian = sum_reduction(exp(-kf::Pm<3, 1> * sqdist(kf::Vi<0, 3>, kf::Vj<1, 3>)) * kf::Vj<2, 1>);

// Sanitizers keep freed memory, and shadows of all of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// A line of /proc/self/status, in bytes; -1 where there is none.
std::int64_t status_of_process(const char* format) {
  std::FILE* const file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return -1;
  char line[256];
  long long kilobytes = -1;
  while (std::fgets(line, sizeof line, file) != nullptr)
    if (std::sscanf(line, format, &kilobytes) == 1) break;
  std::fclose(file);
  return kilobytes < 0 ? -1 : kilobytes * 1024;
}

/// How far the peak of a process of its own rises in compute(), which says whether its result is right; -1 where that
/// cannot be told.
template <class F> std::int64_t peak_growth(const F& compute) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    const std::int64_t before = status_of_process("VmRSS: %lld");
    const bool right = compute();
    const std::int64_t peak = status_of_process("VmHWM: %lld");
    const std::int64_t growth = right && before > 0 && peak > 0 ? peak - before : -1;
    const bool sent = write(ends[1], &growth, sizeof growth) == sizeof growth;
    _exit(sent ? 0 : 1);
  }
  std::int64_t growth = -1;
  if (child < 0 || read(ends[0], &growth, sizeof growth) != sizeof growth) growth = -1;
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  return growth;
}

void expect_linear(std::int64_t M, std::int64_t N) {
  if (status_of_process("VmHWM: %lld") < 0) GTEST_SKIP() << "no /proc/self/status";
  if (is_sanitized) GTEST_SKIP() << "a sanitizer needs memory of its own";
  const std::int64_t arrays = (4 * M + 4 * N) * std::int64_t(sizeof(float)),
                     growth = peak_growth([&] {
                       const std::vector<float> x(static_cast<std::size_t>(3 * M), 0.5f),
                           y(static_cast<std::size_t>(3 * N), 0.25f), b(static_cast<std::size_t>(N), 1.f);
                       const kf::matrix<float> a = gaussian(x, y, b, 1.f);
                       return a.rows() == M && a(0, 0) > 0 && a(M - 1, 0) == a(0, 0);
                     });
  ASSERT_GE(growth, 0);
  EXPECT_GE(growth, arrays / 2) << "the arrays themselves were not counted";
  EXPECT_LE(growth, arrays + 64'000'000);
}

}  // namespace

TEST(sweep_memory, is_linear_for_many_rows) { expect_linear(1'000'000, 1'000); }
TEST(sweep_memory, is_linear_for_many_columns) { expect_linear(1'000, 1'000'000); }
// A parameter's gradient folds the rows as well: what is kept of them does not grow with them.
TEST(sweep_memory, of_a_parameters_gradient_does_not_grow_with_the_rows) {
  if (status_of_process("VmHWM: %lld") < 0) GTEST_SKIP() << "no /proc/self/status";
  if (is_sanitized) GTEST_SKIP() << "a sanitizer needs memory of its own";
  const std::int64_t M = 2'000'000, array = M * std::int64_t(sizeof(float));
  const std::int64_t growth = peak_growth([&] {
    const std::vector<float> x(static_cast<std::size_t>(M), 1.f), p(parameter_dim, 2.f);
    const kf::matrix<float> a = of_parameter(x, p, 1.f);
    return a.cols() == parameter_dim && a(0, 0) == float(M) && a(0, 1) == 0;
  });
  ASSERT_GE(growth, 0);
  EXPECT_GE(growth, array / 2) << "the array itself was not counted";
  EXPECT_LE(growth, array + 16'000'000) << "a state for each block of rows would take 64 MB or more";
}
