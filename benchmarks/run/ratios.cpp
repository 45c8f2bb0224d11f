// benchmarks/run/ratios.cpp: how far the generic loop nest is from a hand-written loop.
//
//   ratios [--size N] [--threads T] [--rounds R] [--cpu-time] [--json FILE] [--strict]
//
// All competitors take turns within each round, and a ratio is the median over the rounds of that within a round:
// what slows the machine for a while slows all of them. Two ratios: to the loop as one writes it first (columns along
// the lanes, one row at a time), and to the best of nine ways to write it, which the aims are set by.
// --cpu-time counts the threads' processor time instead of the clock's: the better choice on a machine that others use
// as well. Results are checked against double precision; a wrong one
// ends the program with status 1, and so does, with --strict, a missed aim.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "hand_written.hpp"
#include "jobs.hpp"

namespace {

using namespace bench;

struct options {
  std::size_t size = 20480;
  int threads = int(std::max(1u, std::thread::hardware_concurrency()));
  int rounds = 11;
  std::string json;
  bool cpu_time = false, strict = false;
};

options read_options(int argc, char** argv) {
  options o;
  for (int a = 1; a < argc; ++a) {
    const auto is = [&](const char* name) { return std::strcmp(argv[a], name) == 0; };
    const auto value = [&]() -> const char* {
      if (a + 1 == argc) throw std::invalid_argument(std::string(argv[a]) + " needs a value");
      return argv[++a];
    };
    const auto number = [&] {
      const std::string name = argv[a], text = value();
      char* end = nullptr;
      const long n = std::strtol(text.c_str(), &end, 10);
      if (*end != '\0' || n < 1) throw std::invalid_argument(name + " needs a positive number, got '" + text + "'");
      return n;
    };
    if (is("--size")) o.size = std::size_t(number());
    else if (is("--threads")) o.threads = int(number());
    else if (is("--rounds")) o.rounds = int(number());
    else if (is("--json")) o.json = value();
    else if (is("--cpu-time")) o.cpu_time = true;
    else if (is("--strict")) o.strict = true;
    else throw std::invalid_argument(std::string("there is no option ") + argv[a]);
  }
  if (o.size < 100) throw std::invalid_argument("--size is at least 100");
  return o;
}

/// Seconds: of the clock, or of processor time per thread.
double now(const options& o) {
  if (o.cpu_time) return double(std::clock()) / CLOCKS_PER_SEC / o.threads;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

struct competitor {
  std::string name;
  std::function<void()> run;
  double wanted = 0;              // of the best hand-written loop's rate; 0: no aim
  std::vector<double> seconds{};  // one per round
};

struct figure {
  std::string name;
  double rate, of_plain, of_best, wanted;
  bool is_missed() const { return of_best < wanted; }
};

/// The competitors of one instruction set; the first `hand_count` of them are written by hand.
std::vector<figure> measure(std::vector<competitor>& all, std::size_t hand_count, const options& o) {
  for (competitor& c : all) c.run();  // memory is touched, the clock has settled
  for (int r = 0; r < o.rounds; ++r)
    for (competitor& c : all) {
      const double start = now(o);
      c.run();
      c.seconds.push_back(now(o) - start);
    }
  // Within a round, against the geometric mean of those by hand.
  const auto against_mean = [&](std::size_t c) {
    std::vector<double> ratios;
    for (std::size_t r = 0; r < std::size_t(o.rounds); ++r) {
      double log_mean = 0;
      for (std::size_t h = 0; h < hand_count; ++h) log_mean += std::log(all[h].seconds[r]) / double(hand_count);
      ratios.push_back(std::exp(log_mean) / all[c].seconds[r]);
    }
    return median(ratios);
  };
  double best = 0, plain = 0;
  for (std::size_t h = 0; h < hand_count; ++h) {
    best = std::max(best, against_mean(h));
    if (all[h].name == "by hand: columns along lanes, 1 x 1") plain = against_mean(h);
  }
  std::vector<figure> figures;
  for (std::size_t c = 0; c < all.size(); ++c) {
    const double rate = double(o.size) * double(o.size) / median(all[c].seconds) * 1e-9;
    figures.push_back({all[c].name, rate, against_mean(c) / plain, against_mean(c) / best, all[c].wanted});
  }
  return figures;
}

void check(const char* what, double error) {
  if (!(error <= 2e-6)) {
    std::fprintf(stderr, "ratios: %s is wrong: relative error %.1e\n", what, error);
    std::exit(1);
  }
}

std::vector<figure> compare(kf::instruction_set set, std::span<const hand_written::variant> variants,
                            const options& o) {
  const bool is_widest = set == kf::instruction_set::avx512;
  const data<float> in(o.size, o.size, 3);
  const hand_written::problem problem(in.x, in.y, in.b, in.g);
  runner<3, float> generic(in, kf::cpu{.threads = o.threads, .instructions = set});
  std::vector<float> out(problem.padded_rows);

  std::vector<competitor> all;
  for (const hand_written::variant& v : variants) {
    hand_written::run(v.compute, problem, o.threads, out.data());
    check(v.name, convolution_error<float>(in, out));
    all.push_back(
        {std::string("by hand: ") + v.name, [&, v] { hand_written::run(v.compute, problem, o.threads, out.data()); }});
  }
  const double convolution = is_widest ? 0.95 : 0.85;
  all.push_back({"kernfold: convolution, exp(-s^2 d)", [&] { generic.convolve_scaled(); }, convolution});
  all.push_back({"kernfold: convolution, exp(-g d)", [&] { generic.convolve(); }, convolution});
  all.push_back({"kernfold: x-gradient", [&] { generic.differentiate(); }, is_widest ? 0.79 : 0});
  all.push_back({"kernfold: log-sum-exp", [&] { generic.sum_exponentials(); }, is_widest ? 0.76 : 0});
  all.push_back({"kernfold: 10 nearest neighbours", [&] { generic.find_neighbours(); }, is_widest ? 1.08 : 0});
  std::vector<figure> figures = measure(all, variants.size(), o);
  check("kernfold's result", greatest_error(generic));
  return figures;
}

void print(const char* set, const std::vector<figure>& figures) {
  std::printf("\n%-40s %11s %16s %12s %8s\n", set, "G pairs/s", "of the plain loop", "of the best", "wanted");
  for (const figure& f : figures) {
    std::printf("%-40s %11.2f %16.2f %12.2f", f.name.c_str(), f.rate, f.of_plain, f.of_best);
    if (f.wanted > 0) std::printf(" %8.2f %s", f.wanted, f.is_missed() ? "MISSED" : "ok");
    std::printf("\n");
  }
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

void write_json(const std::string& file, const options& o,
                const std::vector<std::pair<std::string, std::vector<figure>>>& sets) {
  std::ofstream json(file);
  json << "{\n  \"processor\": \"" << processor() << "\",\n  \"compiler\": \"" << __VERSION__
       << "\",\n  \"size\": " << o.size << ",\n  \"threads\": " << o.threads << ",\n  \"rounds\": " << o.rounds
       << ",\n  \"figures\": [";
  const char* separator = "\n";
  for (const auto& [set, figures] : sets)
    for (const figure& f : figures) {
      json << separator << "    {\"instructions\": \"" << set << "\", \"name\": \"" << f.name
           << "\", \"giga_pairs_per_second\": " << f.rate << ", \"of_the_plain_loop\": " << f.of_plain
           << ", \"of_the_best_loop\": " << f.of_best;
      if (f.wanted > 0) json << ", \"wanted\": " << f.wanted;
      json << "}";
      separator = ",\n";
    }
  json << "\n  ]\n}\n";
  if (!json.flush()) throw std::runtime_error(file + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) try {
  const options o = read_options(argc, argv);
  std::printf("Gaussian jobs in 3 dimensions, float, %zu x %zu, %d thread%s; %s, %s; medians of %d rounds\n", o.size,
              o.size, o.threads, o.threads == 1 ? "" : "s", processor().c_str(), __VERSION__, o.rounds);
  std::vector<std::pair<std::string, std::vector<figure>>> sets;
  const auto add = [&](kf::instruction_set set, std::span<const hand_written::variant> variants) {
    if (!is_available(set)) {
      std::printf("\n%s: skipped, not one of this machine's instruction sets, or not compiled in\n", name_of(set));
      return;
    }
    sets.emplace_back(name_of(set), compare(set, variants, o));
    print(name_of(set), sets.back().second);
  };
  add(kf::instruction_set::avx512, hand_written::avx512_variants);
  add(kf::instruction_set::avx2, hand_written::avx2_variants);
  if (!o.json.empty()) write_json(o.json, o, sets);
  if (o.strict)
    for (const auto& [set, figures] : sets)
      for (const figure& f : figures)
        if (f.is_missed()) return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "ratios: %s\n", e.what());
  return 1;
}
