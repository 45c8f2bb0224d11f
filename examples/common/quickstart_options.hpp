// examples/common/quickstart_options.hpp: the command line of the quickstart.
#pragma once

#include <kernfold/kernfold.hpp>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#if __has_include(<CLI/CLI.hpp>)
#include <CLI/CLI.hpp>
#endif

namespace examples {

struct quickstart_options {
  std::string file{};          // points; empty: a torus knot
  double sigma = 0;            // bandwidth; 0: a fiftieth of the cloud's diagonal
  int threads = 0;             // 0: all
  std::string instructions{};  // empty: the best of the machine
  std::string picture = "quickstart.png";
};

inline constexpr kernfold::instruction_set all_instruction_sets[] = {
    kernfold::instruction_set::avx512, kernfold::instruction_set::avx2, kernfold::instruction_set::portable,
    kernfold::instruction_set::scalar};

// The set that was asked for, by the command line or by KERNFOLD_INSTRUCTIONS, else the best that this machine has.
inline kernfold::instruction_set chosen_instructions(const quickstart_options& options) {
  const char* const variable = std::getenv("KERNFOLD_INSTRUCTIONS");
  const std::string wanted = !options.instructions.empty() ? options.instructions : variable ? variable : "";
  const auto works = [](kernfold::instruction_set set) {
    const std::vector<float> one(1);
    const kernfold::cpu where{.threads = 1, .instructions = set};
    kernfold::sum_reduction(kernfold::Vi<0, 1> * kernfold::Vj<1, 1>).on(where)(one, one);
    return set;
  };
  for (const kernfold::instruction_set set : all_instruction_sets) {
    if (wanted == name_of(set)) return works(set);  // throws where it does not
    if (!wanted.empty()) continue;
    try {
      return works(set);
    } catch (const kernfold::instruction_set_error&) {
    }
  }
  throw std::invalid_argument("'" + wanted + "' is no instruction set: there are avx512, avx2, portable and scalar");
}

// Nothing where only help was wanted. Throws std::exception with one sentence where a value makes no sense.
inline std::optional<quickstart_options> read_quickstart_options(int argc, char** argv) {
  quickstart_options options;
#if __has_include(<CLI/CLI.hpp>)
  CLI::App app("Computes between all pairs of points of a cloud, and says how fast and how exactly.");
  app.add_option("FILE", options.file, "Points: .ply, .npy, .csv or .xyz; without it a torus knot is made");
  app.add_option("--sigma", options.sigma, "Bandwidth; without it a fiftieth of the cloud's diagonal");
  app.add_option("--threads", options.threads, "Threads; without it all");
  app.add_option("--instructions", options.instructions,
                 "avx512, avx2, portable or scalar; without it the best there is");
  app.add_option("--picture", options.picture, "Where to write the picture")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    app.exit(help);
    return std::nullopt;
  }
  if (app.count("--sigma") > 0 && !(options.sigma > 0 && std::isfinite(options.sigma)))
    throw std::invalid_argument("--sigma is a positive number");
  if (app.count("--threads") > 0 && options.threads < 1) throw std::invalid_argument("--threads is at least 1");
#else
  if (argc > 2)
    throw std::invalid_argument("the only argument is a file of points (built with CLI11 there are options)");
  if (argc == 2) options.file = argv[1];
#endif
  return options;
}

}  // namespace examples
