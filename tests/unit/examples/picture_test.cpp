// tests/unit/examples/picture_test.cpp: the picture shows the points, in order of colour, and its file appears whole
// or not at all.
#include "../../../examples/common/picture.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#if __has_include(<sys/resource.h>)
#include <sys/resource.h>

#include <csignal>
#endif

namespace {

namespace fs = std::filesystem;
using examples::image;
using examples::point;

constexpr examples::picture_style from_the_front{.size = 100, .margin = 0.1, .yaw = 0, .pitch = 0};

double luminance(const examples::rgb& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; }

std::array<int, 3> pixel(const image& picture, std::size_t u, std::size_t v) {
  const std::uint8_t* p = &picture.pixels[3 * (v * picture.width + u)];
  return {p[0], p[1], p[2]};
}

struct picture : testing::Test {
  fs::path directory = fs::temp_directory_path() / ("kernfold_picture_" + std::to_string(std::random_device{}()));
  void SetUp() override { fs::create_directories(directory); }
  void TearDown() override { fs::remove_all(directory); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
};

TEST_F(picture, colours_grow_lighter) {
  for (int k = 0; k < 256; ++k)
    EXPECT_LT(luminance(examples::colour_of(k / 256.0)), luminance(examples::colour_of((k + 1) / 256.0))) << k;
  EXPECT_EQ(examples::colour_of(-3), examples::colour_of(0));
  EXPECT_EQ(examples::colour_of(3), examples::colour_of(1));
}

TEST_F(picture, right_is_right_and_up_is_up) {
  const std::vector<point> corners{{-1, -1, 0}, {1, 1, 0}, {1, -1, 0}};
  const image p = examples::draw_points(corners, std::vector<float>{0, 1, NAN}, from_the_front);
  ASSERT_EQ(p.width, 100u);
  ASSERT_EQ(p.height, 100u);
  const auto background = pixel(p, 0, 0);
  EXPECT_NE(pixel(p, 10, 89), background);
  EXPECT_NE(pixel(p, 89, 89), background);
  EXPECT_NE(pixel(p, 89, 10), background);
  EXPECT_EQ(pixel(p, 10, 10), background);
  EXPECT_GT(pixel(p, 10, 89)[2], pixel(p, 10, 89)[1]) << "the low value is violet";
  EXPECT_GT(pixel(p, 89, 10)[1], pixel(p, 89, 10)[2]) << "the high value is yellow";
  EXPECT_EQ(pixel(p, 89, 89)[0], pixel(p, 89, 89)[2]) << "what is not a number is grey";
}

TEST_F(picture, the_nearer_point_hides_the_other) {
  for (const bool swapped : {false, true}) {
    std::vector<point> points{{0, 0, 0}, {0, 0, 1}, {-1, -1, 0}, {1, 1, 0}};
    std::vector<float> values{0, 1, 0, 1};
    if (swapped) {
      std::swap(points[0], points[1]);
      std::swap(values[0], values[1]);
    }
    const image p = examples::draw_points(points, values, from_the_front);
    EXPECT_GT(pixel(p, 50, 50)[1], pixel(p, 50, 50)[2]) << "the point at z = 1 is the yellow one";
  }
}

TEST_F(picture, degenerate_clouds) {
  const std::vector<point> same(5, point{1, 2, 3});
  EXPECT_FALSE(examples::draw_points(same, std::vector<float>(5, 1.0f)).pixels.empty());
  const std::vector<point> far{{-3e38f, 0, 0}, {3e38f, 3e38f, -3e38f}};
  EXPECT_FALSE(examples::draw_points(far, std::vector<float>{0, INFINITY}).pixels.empty());
  EXPECT_THROW(examples::draw_points({}, {}), std::invalid_argument);
  EXPECT_THROW(examples::draw_points(same, std::vector<float>(4)), std::invalid_argument);
}

TEST_F(picture, a_file_is_written_whole) {
  const std::vector<point> knot = examples::make_torus_knot(1000);
  std::vector<float> height;
  for (const point& p : knot) height.push_back(p[2]);
  const image drawn = examples::draw_points(knot, height, {.size = 200});
  std::ofstream(directory / "knot.png") << "an older file";
  const fs::path file = examples::write_picture(directory / "knot.png", drawn);
#ifdef KERNFOLD_EXAMPLES_PNG
  EXPECT_EQ(file, directory / "knot.png");
  EXPECT_EQ(files(), 1u);
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_file(&png, file.string().c_str())) << png.message;
  png.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(png));
  ASSERT_TRUE(png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr)) << png.message;
  EXPECT_EQ(png.width, drawn.width);
  EXPECT_EQ(pixels, drawn.pixels);
#else
  EXPECT_EQ(file, directory / "knot.ppm");
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  const std::string header = "P6\n" + std::to_string(drawn.width) + ' ' + std::to_string(drawn.height) + "\n255\n";
  EXPECT_EQ(bytes, header + std::string(drawn.pixels.begin(), drawn.pixels.end()));
#endif
}

std::string sentence(const fs::path& file, const image& drawn) {
  try {
    return examples::write_picture(file, drawn).string();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
}

TEST_F(picture, a_write_that_fails_says_so_and_leaves_nothing) {
  const image drawn{.width = 64, .height = 64, .pixels = std::vector<std::uint8_t>(3 * 64 * 64, 7)};
#ifdef KERNFOLD_EXAMPLES_PNG
  const std::string extension = ".png";
#else
  const std::string extension = ".ppm";
#endif
  const fs::path absent = directory / "absent" / ("a" + extension), taken = directory / ("taken" + extension);
  EXPECT_EQ(sentence(absent, drawn), absent.string() + ": the picture cannot be written: No such file or directory");
  fs::create_directories(taken / "inside");
  EXPECT_EQ(sentence(taken, drawn), taken.string() + ": the picture cannot be written: Is a directory");
  EXPECT_EQ(files(), 1u);
#if __has_include(<sys/resource.h>)
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tiny{.rlim_cur = 16, .rlim_max = before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &tiny);
  const fs::path large = directory / ("large" + extension);
  const std::string what = sentence(large, drawn);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(what, large.string() + ": the picture cannot be written: File too large");
  EXPECT_EQ(files(), 1u);
#endif
}

}  // namespace
