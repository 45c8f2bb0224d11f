// examples/common/points.hpp: point clouds for the examples, read from a file or made here.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace examples {

using point = std::array<float, 3>;

// A file that cannot be read as points. what() is one sentence: the file, the place in it, what was expected and
// what was found.
struct point_file_error : std::runtime_error {
  point_file_error(const std::filesystem::path& file, const std::string& sentence)
      : std::runtime_error(file.string() + ": " + sentence) {}
};

// The points of a file, in its order; the format follows from the extension, in either case:
//
//   .ply   ascii or binary, both byte orders; x, y and z of the element "vertex", everything else is skipped
//   .npy   versions 1 to 3; integers or floats of either byte order, in C or Fortran order, of shape (N, 3) or (N, 2)
//   .csv   cells separated by semicolons if the first line has one, else by commas; an optional line of names; the
//          columns named x, y and z, else the first three
//   .xyz   cells separated by blanks; the first three columns
//
// In the text formats, blank lines and what follows a # are skipped. Where there are only two columns, z = 0.
// Throws point_file_error: every point is there, finite and fits a float, and there is at least one, or nothing is
// returned. A count in a header is believed only as far as the file has the bytes for it.
std::vector<point> read_points(const std::filesystem::path& file);

// A noisy (2, 3) torus knot around the z axis, about 6 wide: a strand whose thickness varies along its length, and
// with it the density. Integer and basic double arithmetic only, so that a seed gives one cloud on every platform.
std::vector<point> make_torus_knot(std::size_t count, unsigned seed = 1);

struct box {
  point low;
  point high;
};

// The smallest axis-parallel box around the points. Throws std::invalid_argument if there are none.
box bounding_box(std::span<const point> points);

// The length of that box's diagonal: the scale from which an example takes its bandwidth.
float diagonal(std::span<const point> points);

}  // namespace examples
