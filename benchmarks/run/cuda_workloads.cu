// benchmarks/run/cuda_workloads.cu: how long the reference workloads take on the present GPU.
//
//   cuda_workloads [--cap SECONDS] [--json FILE] [--scale S] [NAME...]
//
// Each workload runs once to warm up and is then timed by CUDA events until there are eleven times, or SECONDS are
// over; the median counts. Results are checked against double precision on sampled rows; a wrong one makes the
// status 1. S < 1 takes that share of the rows and columns. Without a GPU it says so, and the status is 0.
//
// "of limit" is beside a device that does nothing but start the fewest instructions known for a pair (by differences,
// but neighbours by a bound; in single precision), at the clock measured right after the workload; "of aim" beside the
// time aimed at on an H200.
#include <kernfold/kernfold.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kf = kernfold;

namespace {

// ---- the formulas ---------------------------------------------------------------------------------------------------

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto b = kf::Vj<2, 1>;
constexpr auto s = kf::Pm<3, 1>;
constexpr auto gaussian =
    kf::sum_reduction(exp(-square(s) * sqdist(x, y)) * b);      // a_i = sum_j exp(-s^2 |x_i - y_j|^2) b_j
constexpr auto gradient = kf::grad(gaussian, x, kf::Vi<4, 1>);  // its gradient in x_i along e_i
constexpr auto logsumexp = kf::logsumexp_reduction(-square(kf::Pm<2, 1>) * sqdist(x, y));
constexpr auto nearest = kf::argmin_reduction(sqdist(x, y));
constexpr auto ten_nearest = kf::argkmin_reduction<10>(sqdist(x, y));

constexpr auto X = kf::Vi<0, 64>;
constexpr auto Y = kf::Vj<1, 64>;
constexpr auto gaussian_64 = kf::sum_reduction(exp(-square(s) * sqdist(X, Y)) * b);
// a_i = sum_j exp(<q_i, k_j> / 8) v_j / sum_j exp(<q_i, k_j> / 8)
constexpr auto attention = kf::softmax_reduction((X | Y) / kf::constant<8>, kf::Vj<2, 64>);

constexpr float width = 7, width_64 = 0.3f;

// ---- measuring ------------------------------------------------------------------------------------------------------

void check(cudaError_t e, const char* what) {
  if (e != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(e));
}

class stopwatch {
 public:
  explicit stopwatch(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&begin_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  stopwatch(const stopwatch&) = delete;
  ~stopwatch() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  double seconds(const std::function<void()>& work) {
    check(cudaEventRecord(begin_, stream_), "cudaEventRecord");
    work();
    check(cudaEventRecord(end_, stream_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "a workload");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
    return 1e-3 * double(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

__device__ long long nanoseconds() {
  long long t;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t)::"memory");
  return t;
}
/// Cycles and nanoseconds that pass while one thread waits for about a fifth of a millisecond.
__global__ void read_clocks(long long* cycles_and_time) {
  const long long time = nanoseconds(), cycles = clock64();
  while (nanoseconds() - time < 200'000) {
  }
  cycles_and_time[0] = clock64() - cycles;
  cycles_and_time[1] = nanoseconds() - time;
}
/// Cycles per second, of a device that has just worked on the stream.
double measured_clock(cudaStream_t stream) {
  kf::device_matrix<long long> out(stream, 2, 1);
  read_clocks<<<1, 1, 0, stream>>>(out.device_data());
  check(cudaGetLastError(), "read_clocks");
  long long found[2] = {};
  out.copy_to(found);
  return 1e9 * double(found[0]) / double(found[1]);
}

// ---- the data and the workloads -------------------------------------------------------------------------------------

using numbers = std::vector<float>;

numbers uniform_numbers(std::int64_t count, unsigned seed, float from, float to) {
  std::mt19937 engine(seed);
  numbers v(static_cast<std::size_t>(count));
  for (float& value : v) value = from + (to - from) * (float(engine() >> 8) * 0x1p-24f);
  return v;
}

/// Numbers of the host and the same on the device.
struct array {
  numbers host;
  kf::device_matrix<float> device;
  array(numbers&& values, cudaStream_t stream) : host(std::move(values)), device(stream, host.size(), 1) {
    check(
        cudaMemcpyAsync(device.device_data(), host.data(), host.size() * sizeof(float), cudaMemcpyHostToDevice, stream),
        "cudaMemcpy");
    check(cudaStreamSynchronize(stream), "cudaMemcpy");
  }
  kf::device_view<const float> rows(std::int64_t count, int dim) const { return {device.device_data(), count, dim}; }
  const float* row(std::int64_t r, int dim) const { return host.data() + r * dim; }
};

struct workload {
  std::string name;
  std::int64_t rows, columns;
  int calls;              // per run
  double slots, special;  // the fewest instructions known per pair, and those among them of the special function unit
  double aim_on_h200;     // seconds; 0: none
  std::function<void()> run;
  std::function<double()> error;  // the greatest on the sampled rows, over what is allowed
};

double square_distance(const float* a, const float* c, int dim) {
  double sum = 0;
  for (int k = 0; k < dim; ++k) sum += (double(a[k]) - double(c[k])) * (double(a[k]) - double(c[k]));
  return sum;
}

/// A result's rows, copied from the device.
template <class T> std::vector<T> values_of(const kf::device_matrix<T>& m) {
  std::vector<T> all(static_cast<std::size_t>(m.size()));
  m.copy_to(all.data());
  return all;
}

constexpr double tolerance = 2e-5;  // relative to the sum of the terms' magnitudes

/// f(i) for some rows; the greatest.
double greatest_of_sample(std::int64_t rows, std::int64_t columns, const std::function<double(std::int64_t)>& f) {
  const std::int64_t count = columns > 2'000'000 ? 3 : 12;
  double greatest = 0;
  for (std::int64_t n = 0; n < count && n < rows; ++n) {
    const double e = f(n * (rows - 1) / std::max<std::int64_t>(1, std::min(count, rows) - 1));
    if (!(e <= greatest)) greatest = e;  // also where it is not a number
  }
  return greatest;
}

/// Sums of vectors of the host in double, beside what the device found.
class sum_judge {
 public:
  explicit sum_judge(int dim) : sum_(std::size_t(dim)), magnitude_(std::size_t(dim)) {}
  void add(int k, double term) {
    sum_[std::size_t(k)] += term;
    magnitude_[std::size_t(k)] += std::fabs(term);
  }
  double error(const float* found, double divisor = 1) const {
    double worst = 0;
    for (std::size_t k = 0; k < sum_.size(); ++k) {
      const double e = std::fabs(double(found[k]) * divisor - sum_[k]) / (tolerance * magnitude_[k] + 1e-300);
      if (!(e <= worst)) worst = e;
    }
    return worst;
  }

 private:
  std::vector<double> sum_, magnitude_;
};

/// Which columns are nearest: different ones, and none further than the last of the exact list but for rounding.
double judge_nearest(const float* from, const array& columns, std::int64_t count, const std::int64_t* found,
                     int wanted) {
  std::vector<double> all(static_cast<std::size_t>(count));
  for (std::int64_t j = 0; j < count; ++j) all[std::size_t(j)] = square_distance(from, columns.row(j, 3), 3);
  std::vector<std::int64_t> sorted(found, found + wanted);
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() < 0 || sorted.back() >= count || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return INFINITY;
  double furthest = 0;
  for (const std::int64_t j : sorted) furthest = std::max(furthest, all[std::size_t(j)]);
  std::nth_element(all.begin(), all.begin() + (wanted - 1), all.end());
  return (furthest - all[std::size_t(wanted - 1)]) / (1e-6 * all[std::size_t(wanted - 1)] + 1e-300);
}

struct options {
  double cap = 8, scale = 1;
  std::string json;
  std::vector<std::string> names;
};

class program {
 public:
  program(const options& o, cudaStream_t stream) : options_(o), stream_(stream) { list_workloads(); }
  int run();

 private:
  std::int64_t scaled(std::int64_t count) const {
    return std::max<std::int64_t>(16, std::int64_t(double(count) * options_.scale));
  }
  void list_workloads();
  void add_gaussian(const std::string& name, std::int64_t rows, std::int64_t columns, int calls, double aim);
  void add_small_graph(std::int64_t points, int calls);
  void add_edges(std::int64_t points, int degree);
  void add_causal(std::int64_t points);
  void add_batch(std::int64_t problems, std::int64_t points);
  double time(const workload& w, int& runs);

  options options_;
  cudaStream_t stream_;
  std::vector<std::pair<std::string, std::function<workload()>>>
      workloads_;  // each brings its arrays, which go with it
};

int usage_error(const char* text) {
  std::fprintf(stderr, "cuda_workloads: %s\n", text);
  return 2;
}

double program::time(const workload& w, int& runs) {
  stopwatch watch(stream_);
  const double warm_up = watch.seconds(w.run);
  std::vector<double> times;
  double spent = warm_up;
  do {
    times.push_back(watch.seconds(w.run));
    spent += times.back();
  } while (times.size() < 11 && spent + times.back() < options_.cap);
  std::sort(times.begin(), times.end());
  runs = int(times.size());
  return times[times.size() / 2];
}

/// Points of a cube, weights and results for three dimensions.
struct cloud {
  std::int64_t rows, columns;
  array X, Y, B, E;
  cloud(std::int64_t m, std::int64_t n, int dim, cudaStream_t stream)
      : rows(m),
        columns(n),
        X(uniform_numbers(dim * m, 1, 0, 1), stream),
        Y(uniform_numbers(dim * n, 2, 0, 1), stream),
        B(uniform_numbers(n, 3, 0, 1), stream),
        E(uniform_numbers(m, 4, -1, 1), stream) {}
};

double judge_gaussian(const cloud& c, int dim, double scale, const numbers& found) {
  return greatest_of_sample(c.rows, c.columns, [&](std::int64_t i) {
    sum_judge sum(1);
    for (std::int64_t j = 0; j < c.columns; ++j)
      sum.add(0, std::exp(-scale * scale * square_distance(c.X.row(i, dim), c.Y.row(j, dim), dim)) *
                     double(c.B.host[std::size_t(j)]));
    return sum.error(&found[std::size_t(i)]);
  });
}

void program::add_gaussian(const std::string& name, std::int64_t rows, std::int64_t columns, int calls, double aim) {
  workloads_.emplace_back(name, [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(rows, columns, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, rows, 1);
    return workload{name,
                    rows,
                    columns,
                    calls,
                    8.28,
                    1,
                    aim,
                    [=] {
                      for (int n = 0; n < calls; ++n)
                        gaussian.on(kf::cuda{stream})
                            .into(*out, c->X.rows(c->rows, 3), c->Y.rows(c->columns, 3), c->B.rows(c->columns, 1),
                                  width);
                    },
                    [=] { return judge_gaussian(*c, 3, double(width), values_of(*out)); }};
  });
}

/// The same calls recorded once in a graph: what remains is the device's part.
void program::add_small_graph(std::int64_t points, int calls) {
  workloads_.emplace_back("small_calls_graph", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(points, points, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, points, 1);
    const auto plan = gaussian.on(kf::cuda{stream}).plan<float>({points, points});
    const auto workspace =
        std::make_shared<kf::device_matrix<char>>(stream, std::max<std::int64_t>(1, plan.workspace_bytes()), 1);
    check(cudaStreamSynchronize(stream), "preparing a graph");
    cudaGraph_t graph;
    cudaGraphExec_t recorded;
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    for (int n = 0; n < calls; ++n)
      plan.run(workspace->device_data(), *out, c->X.rows(points, 3), c->Y.rows(points, 3), c->B.rows(points, 1), width);
    check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    check(cudaGraphInstantiate(&recorded, graph, 0), "cudaGraphInstantiate");
    check(cudaGraphDestroy(graph), "cudaGraphDestroy");
    const std::shared_ptr<CUgraphExec_st> replay(recorded, [](cudaGraphExec_t g) { cudaGraphExecDestroy(g); });
    return workload{"small_calls_graph",
                    points,
                    points,
                    calls,
                    8.28,
                    1,
                    0,
                    [=] {
                      (void)workspace;  // in use as long as the graph
                      check(cudaGraphLaunch(replay.get(), stream), "cudaGraphLaunch");
                    },
                    [=] { return judge_gaussian(*c, 3, double(width), values_of(*out)); }};
  });
}

/// Each row meets `degree` columns chosen at random. Lists of edges are copied to the device in each call.
void program::add_edges(std::int64_t points, int degree) {
  workloads_.emplace_back("edges", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(points, points, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, points, 1);
    const auto offsets = std::make_shared<std::vector<std::int64_t>>(),
               columns = std::make_shared<std::vector<std::int64_t>>();
    std::mt19937 engine(5);
    for (std::int64_t r = 0; r <= points; ++r) offsets->push_back(r * degree);
    for (std::int64_t n = 0; n < points * degree; ++n)
      columns->push_back(std::int64_t(engine() % std::uint64_t(points)));
    const auto space = std::make_shared<kf::edges>(kf::edges::csr(*offsets, *columns));
    return workload{
        "edges",
        points,
        degree,
        1,
        8.28,
        1,
        0,
        [=] {
          gaussian.over(*space)
              .on(kf::cuda{stream})
              .into(*out, c->X.rows(points, 3), c->Y.rows(points, 3), c->B.rows(points, 1), width);
        },
        [=] {
          const numbers found = values_of(*out);
          return greatest_of_sample(points, points, [&](std::int64_t i) {
            sum_judge sum(1);
            for (int n = 0; n < degree; ++n) {
              const std::int64_t j = (*columns)[std::size_t(i * degree + n)];
              sum.add(0, std::exp(-double(width) * double(width) * square_distance(c->X.row(i, 3), c->Y.row(j, 3), 3)) *
                             double(c->B.host[std::size_t(j)]));
            }
            return sum.error(&found[std::size_t(i)]);
          });
        }};
  });
}

/// The pairs with j <= i; pairs are counted as if it were all of them.
void program::add_causal(std::int64_t points) {
  workloads_.emplace_back("causal", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(points, points, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, points, 1);
    return workload{
        "causal",
        points,
        points,
        1,
        8.28,
        1,
        0,
        [=] {
          gaussian.over(kf::causal())
              .on(kf::cuda{stream})
              .into(*out, c->X.rows(points, 3), c->Y.rows(points, 3), c->B.rows(points, 1), width);
        },
        [=] {
          const numbers found = values_of(*out);
          return greatest_of_sample(points, points, [&](std::int64_t i) {
            sum_judge sum(1);
            for (std::int64_t j = 0; j <= i; ++j)
              sum.add(0, std::exp(-double(width) * double(width) * square_distance(c->X.row(i, 3), c->Y.row(j, 3), 3)) *
                             double(c->B.host[std::size_t(j)]));
            return sum.error(&found[std::size_t(i)]);
          });
        }};
  });
}

/// Problems of `points` rows and columns each, in one call.
void program::add_batch(std::int64_t problems, std::int64_t points) {
  workloads_.emplace_back("batch", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(problems * points, problems * points, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, problems, points, 1);
    const auto rows = [=](const array& a, int dim) {
      return kf::device_view<const float, 1>(a.device.device_data(), {problems}, points, dim);
    };
    return workload{
        "batch",
        problems * points,
        points,
        1,
        8.28,
        1,
        0,
        [=] { gaussian.on(kf::cuda{stream}).into(*out, rows(c->X, 3), rows(c->Y, 3), rows(c->B, 1), width); },
        [=] {
          const numbers found = values_of(*out);
          return greatest_of_sample(problems * points, points, [&](std::int64_t i) {
            sum_judge sum(1);
            const std::int64_t first = i / points * points;
            for (std::int64_t j = first; j < first + points; ++j)
              sum.add(0, std::exp(-double(width) * double(width) * square_distance(c->X.row(i, 3), c->Y.row(j, 3), 3)) *
                             double(c->B.host[std::size_t(j)]));
            return sum.error(&found[std::size_t(i)]);
          });
        }};
  });
}

void program::list_workloads() {
  const std::int64_t million = scaled(1'000'000), hundred_thousand = scaled(100'000);
  const bool is_full = options_.scale == 1;
  add_gaussian("gaussian", million, million, 1, is_full ? 0.29 : 0);
  workloads_.emplace_back("gradient", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(million, million, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, million, 3);
    return workload{"gradient",
                    million,
                    million,
                    1,
                    11.5,
                    1,
                    is_full ? 0.40 : 0,
                    [=] {
                      gradient.on(kf::cuda{stream})
                          .into(*out, c->X.rows(million, 3), c->Y.rows(million, 3), c->B.rows(million, 1), width,
                                c->E.rows(million, 1));
                    },
                    [=] {
                      const numbers found = values_of(*out);
                      return greatest_of_sample(million, million, [&](std::int64_t i) {
                        sum_judge sum(3);
                        const float* const from = c->X.row(i, 3);
                        const double scale = double(width) * double(width);
                        for (std::int64_t j = 0; j < million; ++j) {
                          const float* const to = c->Y.row(j, 3);
                          const double weight = -2 * scale * std::exp(-scale * square_distance(from, to, 3)) *
                                                double(c->B.host[std::size_t(j)]) * double(c->E.host[std::size_t(i)]);
                          for (int k = 0; k < 3; ++k) sum.add(k, weight * (double(from[k]) - double(to[k])));
                        }
                        return sum.error(&found[std::size_t(3 * i)]);
                      });
                    }};
  });
  workloads_.emplace_back("logsumexp", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(million, million, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, million, 1);
    return workload{
        "logsumexp",
        million,
        million,
        1,
        8,
        1,
        is_full ? 0.28 : 0,
        [=] { logsumexp.on(kf::cuda{stream}).into(*out, c->X.rows(million, 3), c->Y.rows(million, 3), width); },
        [=] {
          const numbers found = values_of(*out);
          return greatest_of_sample(million, million, [&](std::int64_t i) {
            double sum = 0;
            for (std::int64_t j = 0; j < million; ++j)
              sum += std::exp(-double(width) * double(width) * square_distance(c->X.row(i, 3), c->Y.row(j, 3), 3));
            const double exact = std::log(sum);  // its error is the sum's, relative, and its own rounding
            return std::fabs(double(found[std::size_t(i)]) - exact) / (tolerance + 1e-6 * std::fabs(exact));
          });
        }};
  });
  workloads_.emplace_back("argkmin10", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(million, million, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<std::int64_t>>(stream, million, 10);
    return workload{"argkmin10",
                    million,
                    million,
                    1,
                    4.2,
                    0,
                    is_full ? 0.16 : 0,
                    [=] { ten_nearest.on(kf::cuda{stream}).into(*out, c->X.rows(million, 3), c->Y.rows(million, 3)); },
                    [=] {
                      const auto found = values_of(*out);
                      return greatest_of_sample(million, million, [&](std::int64_t i) {
                        return judge_nearest(c->X.row(i, 3), c->Y, million, &found[std::size_t(10 * i)], 10);
                      });
                    }};
  });
  workloads_.emplace_back("argmin", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(million, million, 3, stream);
    const auto out = std::make_shared<kf::device_matrix<std::int64_t>>(stream, million, 1);
    return workload{"argmin",
                    million,
                    million,
                    1,
                    4.2,
                    0,
                    0,
                    [=] { nearest.on(kf::cuda{stream}).into(*out, c->X.rows(million, 3), c->Y.rows(million, 3)); },
                    [=] {
                      const auto found = values_of(*out);
                      return greatest_of_sample(million, million, [&](std::int64_t i) {
                        return judge_nearest(c->X.row(i, 3), c->Y, million, &found[std::size_t(i)], 1);
                      });
                    }};
  });
  workloads_.emplace_back("gaussian_64", [=, stream = stream_] {
    const auto c = std::make_shared<cloud>(hundred_thousand, hundred_thousand, 64, stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, hundred_thousand, 1);
    const std::int64_t n = hundred_thousand;
    return workload{
        "gaussian_64",
        n,
        n,
        1,
        130,
        1,
        is_full ? 0.008 : 0,
        [=] {
          gaussian_64.on(kf::cuda{stream}).into(*out, c->X.rows(n, 64), c->Y.rows(n, 64), c->B.rows(n, 1), width_64);
        },
        [=] { return judge_gaussian(*c, 64, double(width_64), values_of(*out)); }};
  });
  add_gaussian("few_rows", 100, scaled(10'000'000), 1, 0);
  add_gaussian("small_calls", 1000, 1000, 1000, 0);
  add_small_graph(1000, 1000);
  add_edges(million, 32);
  add_causal(hundred_thousand);
  add_batch(scaled(1000), 1000);
  workloads_.emplace_back("attention_64", [=, n = scaled(16'384), stream = stream_] {
    const auto Q = std::make_shared<array>(uniform_numbers(64 * n, 1, -2, 2), stream);
    const auto K = std::make_shared<array>(uniform_numbers(64 * n, 2, -2, 2), stream);
    const auto V = std::make_shared<array>(uniform_numbers(64 * n, 3, -1, 1), stream);
    const auto out = std::make_shared<kf::device_matrix<float>>(stream, n, 64);
    return workload{"attention_64",
                    n,
                    n,
                    1,
                    130,
                    1,
                    0,
                    [=] { attention.on(kf::cuda{stream}).into(*out, Q->rows(n, 64), K->rows(n, 64), V->rows(n, 64)); },
                    [=] {
                      const numbers found = values_of(*out);
                      return greatest_of_sample(n, n, [&](std::int64_t i) {
                        sum_judge sum(64);
                        double weights = 0;
                        for (std::int64_t j = 0; j < n; ++j) {
                          double product = 0;
                          for (int k = 0; k < 64; ++k) product += double(Q->row(i, 64)[k]) * double(K->row(j, 64)[k]);
                          const double weight = std::exp(product / 8);
                          weights += weight;
                          for (int k = 0; k < 64; ++k) sum.add(k, weight * double(V->row(j, 64)[k]));
                        }
                        return sum.error(&found[std::size_t(64 * i)], weights);
                      });
                    }};
  });
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

int program::run() {
  int device = 0, multiprocessors = 0, kilohertz = 0, driver = 0, runtime = 0;
  cudaDeviceProp properties{};
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, device), "cudaDeviceGetAttribute");
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  const bool is_h200 = std::strstr(properties.name, "H200") != nullptr;
  std::printf("%s, %d multiprocessors, at most %d MHz; CUDA %d.%d, driver for %d.%d\n", properties.name,
              multiprocessors, kilohertz / 1000, runtime / 1000, runtime / 10 % 100, driver / 1000, driver / 10 % 100);
  std::printf("%-18s %10s %10s %5s %10s %9s %9s %8s %8s\n", "", "rows", "columns", "runs", "ms", "G pairs/s",
              "of limit", "of aim", "error");

  std::string json = "{\n  \"program\": \"kernfold\",\n  \"device\": \"" + std::string(properties.name) +
                     "\",\n  \"multiprocessors\": " + std::to_string(multiprocessors) +
                     ",\n  \"highest_clock_mhz\": " + std::to_string(kilohertz / 1000) +
                     ",\n  \"cuda_runtime\": " + std::to_string(runtime) +
                     ",\n  \"cuda_driver\": " + std::to_string(driver) + ",\n  \"date\": \"" + today() +
                     "\",\n  \"workloads\": [";
  bool all_right = true, is_first = true;
  for (const auto& [name, prepare] : workloads_) {
    if (!options_.names.empty() &&
        std::find(options_.names.begin(), options_.names.end(), name) == options_.names.end())
      continue;
    const workload w = prepare();
    int runs = 0;
    const double seconds = time(w, runs);
    const double clock = measured_clock(stream_);
    const double error = w.error();
    const double pairs_per_second = double(w.rows) * double(w.columns) * w.calls / seconds;
    const double per_cycle = std::min(128 / w.slots, w.special > 0 ? 16 / w.special : 1e9);
    const double share = pairs_per_second / (multiprocessors * clock * per_cycle);
    const bool is_right = error <= 1;
    all_right = all_right && is_right;
    const double aim = is_h200 ? w.aim_on_h200 : 0;
    char of_aim[16] = "-", line[512];
    if (aim > 0) std::snprintf(of_aim, sizeof of_aim, "%.2f", aim / seconds);
    std::printf("%-18s %10lld %10lld %5d %10.3f %9.1f %9.2f %8s %8.2g%s\n", w.name.c_str(),
                static_cast<long long>(w.rows), static_cast<long long>(w.columns), runs, 1e3 * seconds,
                1e-9 * pairs_per_second, share, of_aim, error, is_right ? "" : "  <-- wrong");
    std::fflush(stdout);
    std::snprintf(
        line, sizeof line,
        "%s\n    {\"name\": \"%s\", \"rows\": %lld, \"columns\": %lld, \"calls\": %d, \"runs\": %d, \"seconds\": %.6g, "
        "\"pairs_per_second\": %.6g, \"share_of_limit\": %.4g, \"aim_seconds\": %.4g, \"clock_mhz\": %.0f, "
        "\"error_of_allowed\": %.4g, "
        "\"right\": %s}",
        is_first ? "" : ",", w.name.c_str(), static_cast<long long>(w.rows), static_cast<long long>(w.columns), w.calls,
        runs, seconds, pairs_per_second, share, aim, 1e-6 * clock, std::isfinite(error) ? error : 1e300,
        is_right ? "true" : "false");
    json += line;
    is_first = false;
  }
  json += "\n  ]\n}\n";
  if (!options_.json.empty()) {
    std::FILE* const file = std::fopen(options_.json.c_str(), "w");
    if (!file || std::fwrite(json.data(), 1, json.size(), file) != json.size() || std::fclose(file) != 0)
      throw std::runtime_error("cannot write " + options_.json);
  }
  return all_right ? 0 : 1;
}

options read_options(int argc, char** argv) {
  options o;
  for (int a = 1; a < argc; ++a) {
    const std::string option = argv[a];
    if (option.rfind("--", 0) != 0) {
      o.names.push_back(option);
      continue;
    }
    if (option != "--cap" && option != "--scale" && option != "--json")
      throw std::invalid_argument("there is no option " + option);
    if (a + 1 == argc) throw std::invalid_argument(option + " needs a value");
    const char* const value = argv[++a];
    if (option == "--json") o.json = value;
    else (option == "--cap" ? o.cap : o.scale) = std::atof(value);
  }
  if (!(o.cap > 0) || !(o.scale > 0 && o.scale <= 1))
    throw std::invalid_argument("--cap is positive, --scale between 0 and 1");
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options o = read_options(argc, argv);
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
      std::printf("no GPU here: nothing was timed\n");
      return 0;
    }
    cudaStream_t stream;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    int status = 0;
    {
      program p(o, stream);
      status = p.run();
    }
    check(cudaStreamDestroy(stream), "cudaStreamDestroy");
    return status;
  } catch (const std::invalid_argument& e) {
    return usage_error(e.what());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cuda_workloads: %s\n", e.what());
    return 1;
  }
}
