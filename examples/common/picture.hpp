// examples/common/picture.hpp: a picture of a cloud, coloured by a number per point.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "points.hpp"

// CMake defines KERNFOLD_EXAMPLES_PNG where it links libpng; without it the pictures are PPM files.
#if defined(KERNFOLD_EXAMPLES_PNG) && __has_include(<png.h>)
#include <png.h>
#else
#undef KERNFOLD_EXAMPLES_PNG
#endif

namespace examples {

using rgb = std::array<double, 3>;  // linear light, in [0, 1]

// The colour of t in [0, 1]: dark violet, blue, teal, green, yellow. In OKLCh (B. Ottosson, 2020) lightness and hue
// are linear in t, so that what is larger always looks lighter, also in grey print.
inline rgb colour_of(double t) {
  t = std::clamp(t, 0.0, 1.0);
  const double lightness = 0.33 + 0.60 * t;
  const double chroma = 0.145 - 0.035 * std::sin(3.141592653589793 * t) + 0.02 * t;
  const double hue = (295 - 190 * t) * 3.141592653589793 / 180;
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cubed = [](double v) { return v * v * v; };
  const double l = cubed(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cubed(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cubed(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {std::clamp(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, 0.0, 1.0),
          std::clamp(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, 0.0, 1.0),
          std::clamp(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s, 0.0, 1.0)};
}

struct image {
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<std::uint8_t> pixels{};  // sRGB, three bytes each, row by row from the top
};

struct picture_style {
  std::size_t size = 1000;      // pixels of the longer side
  double margin = 0.06;         // part of the longer side left free around the cloud
  double yaw = 0.45;            // radians by which the cloud is turned around its upright axis y,
  double pitch = 0.30;          // and by which it is seen from above
  bool dark = true;             // background
  double low_quantile = 0.01;   // values below and above these quantiles share the end colours, so that a few
  double high_quantile = 0.99;  // outliers do not flatten the rest
};

namespace detail {

constexpr std::size_t samples = 2;  // per pixel and direction, averaged in linear light

struct projected {
  double x, y, z;  // right, down and towards the viewer, in samples
};

inline std::uint8_t to_srgb(double linear) {
  const double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(v, 0.0, 1.0)));
}

// The values mapped to [0, 1] between the style's quantiles; -1 for what is not finite.
inline std::vector<float> normalized(std::span<const float> values, const picture_style& style) {
  std::vector<float> sorted;
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted), [](float v) { return std::isfinite(v); });
  std::vector<float> out(values.size(), -1);
  if (sorted.empty()) return out;
  const auto element = [&](double position) {
    const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(position);
    std::nth_element(sorted.begin(), nth, sorted.end());
    return static_cast<double>(*nth);
  };
  const auto last = static_cast<double>(sorted.size() - 1);
  const double low = element(std::floor(style.low_quantile * last));
  const double range = element(std::ceil(style.high_quantile * last)) - low;
  for (std::size_t n = 0; n < values.size(); ++n)
    if (std::isfinite(values[n]))
      out[n] = static_cast<float>(range > 0 ? std::clamp((values[n] - low) / range, 0.0, 1.0) : 0.5);
  return out;
}

// The radius, in samples, at which the splats of a surface just close. The area that the cloud covers is counted in
// cells of a coarse grid, and about half of the points lie on the side that is seen.
inline double splat_radius(const std::vector<projected>& points, double width, double height) {
  const double cell = std::max(4.0, 3 * std::sqrt(width * height / static_cast<double>(points.size())));
  const auto columns = static_cast<std::size_t>(width / cell) + 1, rows = static_cast<std::size_t>(height / cell) + 1;
  std::vector<bool> covered(columns * rows);
  for (const projected& p : points)
    covered[std::min(rows - 1, static_cast<std::size_t>(p.y / cell)) * columns +
            std::min(columns - 1, static_cast<std::size_t>(p.x / cell))] = true;
  const auto cells = static_cast<double>(std::count(covered.begin(), covered.end(), true));
  const double spacing = cell * std::sqrt(2 * cells / static_cast<double>(points.size()));
  return std::clamp(0.95 * spacing, 1.0 * samples, 0.02 * std::max(width, height));
}

}  // namespace detail

// An orthographic view of the cloud, y upright: every point is a small ball, coloured by its value, darker where
// something close stands before it ("eye-dome lighting", C. Boucheny 2009) and a little darker with depth.
// Values that are not finite are grey. Throws std::invalid_argument if there are no points or not one value each.
inline image draw_points(std::span<const point> points, std::span<const float> values,
                         const picture_style& style = {}) {
  if (points.empty()) throw std::invalid_argument("draw_points: expected at least one point, got none");
  if (points.size() != values.size())
    throw std::invalid_argument("draw_points: expected one value for each of " + std::to_string(points.size()) +
                                " points, got " + std::to_string(values.size()));

  // Turn, then fit into the frame.
  std::vector<detail::projected> seen(points.size());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  detail::projected low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};
  const double cy = std::cos(style.yaw), sy = std::sin(style.yaw), cp = std::cos(style.pitch),
               sp = std::sin(style.pitch);
  for (std::size_t n = 0; n < points.size(); ++n) {
    const double x = points[n][0], y = points[n][1], z = points[n][2];
    const double forward = cy * z - sy * x;
    const detail::projected p{cy * x + sy * z, sp * forward - cp * y, sp * y + cp * forward};
    seen[n] = p;
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  const double longer = std::max({high.x - low.x, high.y - low.y, 1e-30});
  const double full = static_cast<double>(style.size * detail::samples);
  const double scale = full * (1 - 2 * style.margin) / longer;
  const auto pixels = [&](double extent) {
    const double wanted = (extent * scale + 2 * style.margin * full) / detail::samples;
    return std::clamp(static_cast<std::size_t>(wanted + 0.5), std::max<std::size_t>(style.size / 4, 1), style.size);
  };
  image out{.width = pixels(high.x - low.x), .height = pixels(high.y - low.y)};
  const std::size_t width = out.width * detail::samples, height = out.height * detail::samples;
  for (detail::projected& p : seen)
    p = {(p.x - 0.5 * (low.x + high.x)) * scale + 0.5 * static_cast<double>(width),
         (p.y - 0.5 * (low.y + high.y)) * scale + 0.5 * static_cast<double>(height), (p.z - high.z) * scale};

  // Balls into the depth buffer.
  const double radius = detail::splat_radius(seen, static_cast<double>(width), static_cast<double>(height));
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  std::vector<float> depth(width * height, nothing);
  std::vector<std::uint32_t> owner(width * height);
  for (std::size_t n = 0; n < seen.size(); ++n) {
    const detail::projected& p = seen[n];
    const auto first = [&](double c) { return static_cast<std::size_t>(std::max(0.0, std::ceil(c - radius))); };
    const auto last = [&](double c, std::size_t size) {
      return static_cast<std::size_t>(std::clamp(c + radius + 1, 0.0, static_cast<double>(size)));
    };
    for (std::size_t v = first(p.y); v < last(p.y, height); ++v)
      for (std::size_t u = first(p.x); u < last(p.x, width); ++u) {
        const double dx = static_cast<double>(u) - p.x, dy = static_cast<double>(v) - p.y;
        const double height2 = radius * radius - dx * dx - dy * dy;
        const auto z = static_cast<float>(p.z + 0.5 * std::sqrt(std::max(height2, 0.0)));
        if (height2 < 0 || z <= depth[v * width + u]) continue;
        depth[v * width + u] = z;
        owner[v * width + u] = static_cast<std::uint32_t>(n);
      }
  }

  // Shade, and average the samples of a pixel.
  const std::vector<float> level = detail::normalized(values, style);
  const rgb background = style.dark ? rgb{0.006, 0.007, 0.011} : rgb{1, 1, 1};
  const double range = std::max((high.z - low.z) * scale, 1.0);
  const auto sample = [&](std::size_t u, std::size_t v) -> rgb {
    const float z = depth[v * width + u];
    if (z == nothing) return background;
    double before = 0;
    for (const int ring : {2, 5, 12})
      for (int k = 0; k < 8; ++k) {
        constexpr int du[] = {1, 1, 0, -1, -1, -1, 0, 1}, dv[] = {0, 1, 1, 1, 0, -1, -1, -1};
        const auto nu = static_cast<std::ptrdiff_t>(u) + ring * du[k],
                   nv = static_cast<std::ptrdiff_t>(v) + ring * dv[k];
        if (nu < 0 || nv < 0 || nu >= static_cast<std::ptrdiff_t>(width) || nv >= static_cast<std::ptrdiff_t>(height))
          continue;
        const float other = depth[static_cast<std::size_t>(nv) * width + static_cast<std::size_t>(nu)];
        if (other > z) before += std::min((static_cast<double>(other) - z) / ring, 6.0) / 24;
      }
    const double light = std::exp(-0.5 * before) * (1.1 + 0.4 * z / range);
    const float t = level[owner[v * width + u]];
    rgb colour = t < 0 ? rgb{0.2, 0.2, 0.2} : colour_of(t);
    for (double& c : colour) c = std::min(c * light, 1.0);
    return colour;
  };
  out.pixels.reserve(3 * out.width * out.height);
  for (std::size_t v = 0; v < out.height; ++v)
    for (std::size_t u = 0; u < out.width; ++u) {
      rgb sum{};
      for (std::size_t k = 0; k < detail::samples * detail::samples; ++k) {
        const rgb c = sample(u * detail::samples + k % detail::samples, v * detail::samples + k / detail::samples);
        for (std::size_t i = 0; i < 3; ++i) sum[i] += c[i] / (detail::samples * detail::samples);
      }
      for (const double c : sum) out.pixels.push_back(detail::to_srgb(c));
    }
  return out;
}

// The bytes of a PNG file, or of a binary PPM file where the examples are built without libpng.
inline std::vector<std::uint8_t> encoded(const image& picture) {
#ifdef KERNFOLD_EXAMPLES_PNG
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(picture.width);
  png.height = static_cast<png_uint_32>(picture.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::uint8_t> bytes(size);
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr))
    throw std::runtime_error(std::string("the picture cannot be encoded: ") + png.message);
  bytes.resize(size);
  return bytes;
#else
  const std::string header = "P6\n" + std::to_string(picture.width) + ' ' + std::to_string(picture.height) + "\n255\n";
  std::vector<std::uint8_t> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), picture.pixels.begin(), picture.pixels.end());
  return bytes;
#endif
}

// Writes the picture and returns its file: the one that was asked for, ending in .png, or .ppm without libpng.
// The file appears whole or not at all. Throws std::runtime_error with one sentence if it cannot be written.
inline std::filesystem::path write_picture(std::filesystem::path file, const image& picture) {
#ifdef KERNFOLD_EXAMPLES_PNG
  file.replace_extension(".png");
#else
  file.replace_extension(".ppm");
#endif
  const std::vector<std::uint8_t> bytes = encoded(picture);
  std::filesystem::path unfinished = file;
  unfinished += ".part";
  std::error_code ignored;
  const auto check = [&](bool good, std::error_code why) {
    if (good) return;
    std::filesystem::remove(unfinished, ignored);
    throw std::runtime_error(file.string() + ": the picture cannot be written: " + why.message());
  };
  const auto last_error = [] { return std::error_code(errno, std::generic_category()); };

  std::FILE* stream = std::fopen(unfinished.string().c_str(), "wb");
  check(stream != nullptr, last_error());
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size();
  const std::error_code why = last_error();
  const bool closed = std::fclose(stream) == 0;
  check(written && closed, written ? last_error() : why);
  std::error_code renaming;
  std::filesystem::rename(unfinished, file, renaming);
  check(!renaming, renaming);
  return file;
}

// draw_points and write_picture.
inline std::filesystem::path write_picture(std::filesystem::path file, std::span<const point> points,
                                           std::span<const float> values, const picture_style& style = {}) {
  return write_picture(std::move(file), draw_points(points, values, style));
}

}  // namespace examples
