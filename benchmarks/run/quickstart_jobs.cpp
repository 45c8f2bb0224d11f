// benchmarks/run/quickstart_jobs.cpp: pairs per second of the quickstart's four jobs, for every instruction set of the
// machine, beside a hand-written loop of the first of them.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <thread>

#include "hand_written.hpp"
#include "jobs.hpp"

namespace {

using namespace bench;

const int all_threads = int(std::max(1u, std::thread::hardware_concurrency()));

void count_pairs(benchmark::State& state, double pairs) {
  state.counters["pairs/s"] =
      benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

template <int D, class Real>
void add(const std::string& name, kf::instruction_set set, int threads, std::size_t rows, std::size_t columns,
         void (runner<D, Real>::*job)()) {
  const std::string full = name + "/" + kf::name_of(set) + "/" + std::to_string(rows) + "x" + std::to_string(columns);
  benchmark::RegisterBenchmark(full.c_str(),
                               [=](benchmark::State& state) {
                                 const data<Real> in(rows, columns, D);
                                 runner<D, Real> run(in, kf::cpu{.threads = threads, .instructions = set});
                                 for (auto _ : state) (run.*job)();
                                 count_pairs(state, in.pairs());
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_jobs(kf::instruction_set set) {
  using run = runner<3, float>;
  // The scalar lane is for processors of another age: fewer pairs, or it would take minutes.
  const std::size_t large = set == kf::instruction_set::scalar ? 2048 : 20480;
  add("convolution", set, all_threads, large, large, &run::convolve);
  add("convolution_scaled", set, all_threads, large, large, &run::convolve_scaled);
  add("gradient", set, all_threads, large, large, &run::differentiate);
  add("log_sum_exp", set, all_threads, large, large, &run::sum_exponentials);
  add("neighbours", set, all_threads, large, large, &run::find_neighbours);
  if (set == kf::instruction_set::scalar) return;
  add("convolution", set, all_threads, 2048, 2048, &run::convolve);
  add("convolution", set, all_threads, 64, 1'000'000, &run::convolve);  // few rows: the columns are split
  add("convolution", set, all_threads, 1'000'000, 64, &run::convolve);
  add("convolution_double", set, all_threads, 20480, 20480, &runner<3, double>::convolve);
  add("convolution_16", set, all_threads, 8192, 8192, &runner<16, float>::convolve);
  add("convolution_64", set, all_threads, 4096, 4096, &runner<64, float>::convolve);
}

void add_hand_written(const char* set, std::span<const hand_written::variant> variants) {
  for (const hand_written::variant& v : variants)
    benchmark::RegisterBenchmark((std::string("hand_written/") + set + "/" + v.name).c_str(),
                                 [v](benchmark::State& state) {
                                   const data<float> in(20480, 20480, 3);
                                   const hand_written::problem problem(in.x, in.y, in.b, in.g);
                                   std::vector<float> out(problem.padded_rows);
                                   for (auto _ : state) hand_written::run(v.compute, problem, all_threads, out.data());
                                   count_pairs(state, in.pairs());
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

/// What a call costs when there is hardly anything to compute.
void small_call(benchmark::State& state) {
  const data<float> in(100, 100, 3);
  runner<3, float> run(in, kf::cpu{});
  for (auto _ : state) run.convolve();
  count_pairs(state, in.pairs());
}
BENCHMARK(small_call)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const kf::instruction_set set : {kf::instruction_set::avx512, kf::instruction_set::avx2,
                                        kf::instruction_set::portable, kf::instruction_set::scalar}) {
    if (is_available(set)) add_jobs(set);
    else
      std::fprintf(stderr, "skipping %s: not one of this machine's instruction sets, or not compiled in\n",
                   name_of(set));
  }
  if (is_available(kf::instruction_set::avx512)) add_hand_written("avx512", hand_written::avx512_variants);
  if (is_available(kf::instruction_set::avx2)) add_hand_written("avx2", hand_written::avx2_variants);
  benchmark::RunSpecifiedBenchmarks();
}
