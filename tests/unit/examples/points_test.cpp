// tests/unit/examples/points_test.cpp: every format is read right, every bad file has its own sentence, and no file
// whatever makes a reader crash.
#include "../../../examples/common/points.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using examples::point;
using std::string;
using std::string_view;
using cloud = std::vector<point>;

using namespace std::string_literals;

class scratch_directory {
 public:
  scratch_directory()
      : path_(fs::temp_directory_path() / ("kernfold_points_" + std::to_string(std::random_device{}()))) {
    fs::create_directories(path_);
  }
  ~scratch_directory() { fs::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  fs::path write(const string& name, const string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const scratch_directory& scratch() {
  static const scratch_directory directory;
  return directory;
}

cloud read(const string& name, const string& bytes) { return examples::read_points(scratch().write(name, bytes)); }

// The sentence, without the file's name, which has to come first.
string sentence(const fs::path& file) {
  try {
    const auto points = examples::read_points(file);
    return "read " + std::to_string(points.size()) + " points";
  } catch (const examples::point_file_error& e) {
    const string what = e.what();
    const string prefix = file.string() + ": ";
    EXPECT_TRUE(what.starts_with(prefix)) << what;
    return what.substr(std::min(prefix.size(), what.size()));
  }
}

string sentence(const string& name, const string& bytes) { return sentence(scratch().write(name, bytes)); }

// ---- small files of every format -----------------------------------------------------------------------------------

template <class T> string bytes_of(T value, bool big_endian = false) {
  string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  if (big_endian == (std::endian::native == std::endian::little)) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

string npy(const string& dictionary, const string& body, int version = 1) {
  const string length = version == 1 ? bytes_of(static_cast<std::uint16_t>(dictionary.size()))
                                     : bytes_of(static_cast<std::uint32_t>(dictionary.size()));
  return "\x93NUMPY"s + static_cast<char>(version) + '\0' + length + dictionary + body;
}

string npy_dictionary(const string& descr, const string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
         ", }\n";
}

template <class T> string values(const std::vector<double>& numbers, bool big_endian = false) {
  string bytes;
  for (const double number : numbers) bytes += bytes_of(static_cast<T>(number), big_endian);
  return bytes;
}

// Two points, with as much around them as the format allows: elements before and after, lists before and after.
string ply_header(const string& format) {
  return "ply\nformat " + format +
         " 1.0\ncomment made by hand\nobj_info none\nelement camera 2\nproperty list uchar short path\n"
         "property double zoom\nelement nothing 9\nelement vertex 2\nproperty list int float history\nproperty double "
         "z\nproperty uchar red\n"
         "property short x\nproperty float y\nproperty list uchar uchar tags\nelement face 1\n"
         "property list uchar int vertex_indices\nend_header\n";
}

string ascii_ply() {
  return ply_header("ascii") + "2 7 8 0.5\n0 1\n1 9.5 3.25 255 1 2 0\n0 -6 0 -4 5.5 3 1 2 3\n3 0 1 0\n";
}

string binary_ply(bool big) {
  const auto u8 = [](int v) { return string(1, static_cast<char>(v)); };
  string body = u8(2) + bytes_of<std::int16_t>(7, big) + bytes_of<std::int16_t>(8, big) + bytes_of(0.5, big);
  body += u8(0) + bytes_of(1.0, big);
  body += bytes_of<std::int32_t>(1, big) + bytes_of(9.5f, big) + bytes_of(3.25, big) + u8(255) +
          bytes_of<std::int16_t>(1, big) + bytes_of(2.0f, big) + u8(0);
  body += bytes_of<std::int32_t>(0, big) + bytes_of(-6.0, big) + u8(0) + bytes_of<std::int16_t>(-4, big) +
          bytes_of(5.5f, big) + u8(3) + u8(1) + u8(2) + u8(3);
  body += u8(3) + bytes_of<std::int32_t>(0, big) + bytes_of<std::int32_t>(1, big) + bytes_of<std::int32_t>(0, big);
  return ply_header(big ? "binary_big_endian" : "binary_little_endian") + body;
}

const cloud two_points{{1, 2, 3.25f}, {-4, 5.5f, -6}};

struct small_file {
  string name;
  string bytes;
};

std::vector<small_file> small_files() {
  return {
      {"ascii.ply", ascii_ply()},
      {"little.ply", binary_ply(false)},
      {"big.ply", binary_ply(true)},
      {"f4.npy", npy(npy_dictionary("<f4", "(2, 3)"), values<float>({1, 2, 3.25, -4, 5.5, -6}))},
      {"f8.npy", npy(npy_dictionary(">f8", "(2, 3)"), values<double>({1, 2, 3.25, -4, 5.5, -6}, true), 2)},
      {"fortran.npy", npy(npy_dictionary("<f8", "(2, 3)", true), values<double>({1, -4, 2, 5.5, 3.25, -6}), 3)},
      {"comma.csv", "# two points\n1,2,3.25\n\n-4, 5.5 ,-6 # the second\n"},
      {"semicolon.csv", "\xEF\xBB\xBF\"label\";\"z\";\"X\";\"y\"\r\nfirst;3.25;+1;2\r\nsecond;-6;-4;5.5\r\n"},
      {"points.XYZ", "# two points\n 1 2\t3.25 255 0 0\r\n\n-4e0 5.5 -.6e1\n"},
  };
}

TEST(points, every_format_reads) {
  for (const auto& [name, bytes] : small_files()) EXPECT_EQ(read(name, bytes), two_points) << name;
}

TEST(points, the_last_line_needs_no_end) {
  for (auto [name, bytes] : small_files()) {
    if (name != "comma.csv" && name != "semicolon.csv" && name != "points.XYZ") continue;
    bytes.pop_back();
    EXPECT_EQ(read(name, bytes), two_points) << name;
  }
}

TEST(points, npy_types) {
  const std::vector<double> small{1, 2, 3, 4, 5, 6};
  const cloud expected{{1, 2, 3}, {4, 5, 6}};
  for (const bool big : {false, true}) {
    const auto check = [&]<class T>(T, const string& type) {
      const string file = npy(npy_dictionary((big ? ">" : "<") + type, "(2, 3)"), values<T>(small, big));
      EXPECT_EQ(read("a.npy", file), expected) << type << (big ? " big" : " little");
    };
    check(std::int8_t{}, "i1");
    check(std::uint8_t{}, "u1");
    check(std::int16_t{}, "i2");
    check(std::uint16_t{}, "u2");
    check(std::int32_t{}, "i4");
    check(std::uint32_t{}, "u4");
    check(std::int64_t{}, "i8");
    check(std::uint64_t{}, "u8");
    check(float{}, "f4");
    check(double{}, "f8");
  }
  EXPECT_EQ(read("a.npy", npy(npy_dictionary("|i1", "(2L, 3L)"), values<std::int8_t>(small))), expected);
}

TEST(points, two_columns_have_z_0) {
  const cloud flat{{1, 2, 0}, {3, 4, 0}};
  EXPECT_EQ(read("a.npy", npy(npy_dictionary("<f4", "(2, 2)"), values<float>({1, 2, 3, 4}))), flat);
  EXPECT_EQ(read("a.npy", npy(npy_dictionary("<f4", "(2, 2)", true), values<float>({1, 3, 2, 4}))), flat);
  EXPECT_EQ(read("a.csv", "1,2\n3,4\n"), flat);
  EXPECT_EQ(read("a.csv", "u;v\n1;2\n3;4\n"), flat);
  EXPECT_EQ(read("a.csv", "label,x,y\na,1,2\nb,3,4\n"), flat);
  EXPECT_EQ(read("a.xyz", "1 2\n3 4\n"), flat);
}

TEST(points, extremes_of_numbers) {
  const cloud points = read("a.xyz", "1e-400 -1e-60 3.4028234e38\n");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0], (point{0, -0.0f, std::numeric_limits<float>::max()}));
}

TEST(points, real_clouds) {
  const char* variable = std::getenv("KERNFOLD_DATA");
  const fs::path root = fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
  const fs::path data = variable ? fs::path(variable) : root / ".." / "shared" / "data";
  if (!fs::exists(data / "stanford-bunny.ply") || !fs::exists(data / "spot.ply"))
    GTEST_SKIP() << "stanford-bunny.ply and spot.ply are not in " << data << "; set KERNFOLD_DATA to their directory";
  const cloud bunny = examples::read_points(data / "stanford-bunny.ply");
  EXPECT_EQ(bunny.size(), 35947u);
  EXPECT_EQ(bunny.front(), (point{-0.037830f, 0.127940f, 0.004475f}));
  EXPECT_NEAR(examples::diagonal(bunny), 0.25f, 0.01f);
  EXPECT_EQ(examples::read_points(data / "spot.ply").size(), 2930u);
}

// ---- bad files -----------------------------------------------------------------------------------------------------

TEST(points, files_that_are_no_files_of_points) {
  EXPECT_EQ(sentence(scratch().path() / "absent.ply"), "expected a file of points, but there is no such file");
  EXPECT_EQ(sentence(scratch().path()), "expected a file of points, got a directory");
  EXPECT_EQ(sentence("a.obj", "v 1 2 3\n"), "expected a file that ends in .ply, .npy, .csv or .xyz, got \".obj\"");
  EXPECT_EQ(sentence("a", "1 2 3\n"), "expected a file that ends in .ply, .npy, .csv or .xyz, got no extension");
  for (const char* name : {"a.ply", "a.npy", "a.csv", "a.xyz"})
    EXPECT_EQ(sentence(name, ""), "expected points, but the file is empty") << name;
}

TEST(points, empty_clouds) {
  const string expected = "expected at least one point, but the cloud is empty";
  const string vertices = "element vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n";
  EXPECT_EQ(sentence("a.ply", "ply\nformat ascii 1.0\n" + vertices), expected);
  EXPECT_EQ(sentence("a.ply", "ply\nformat binary_big_endian 1.0\n" + vertices), expected);
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f4", "(0, 3)"), "")), expected);
  EXPECT_EQ(sentence("a.csv", "x,y,z\n# nothing\n"), expected);
  EXPECT_EQ(sentence("a.xyz", "\n \n# nothing\n"), expected);
}

TEST(points, cells_that_are_no_numbers) {
  EXPECT_EQ(sentence("a.csv", "1,2,3\n4,abc,6\n"), "line 2, column 2: expected a number, got \"abc\"");
  EXPECT_EQ(sentence("a.csv", "x,y,z\n\n1,2,\n"), "line 3, column 3: expected a number, got an empty cell");
  EXPECT_EQ(sentence("a.csv", "1,2,c\n"), "line 1, column 3: expected a number, got \"c\"");
  EXPECT_EQ(sentence("a.csv", "1;2,5;3\n"), "line 1, column 2: expected a number, got \"2,5\"");
  EXPECT_EQ(sentence("a.xyz", "1 2 3\n4 5 6x\n"), "line 2, column 3: expected a number, got \"6x\"");
  EXPECT_EQ(sentence("a.xyz", "1 +-2 3\n"), "line 1, column 2: expected a number, got \"+-2\"");
  EXPECT_EQ(sentence("a.xyz", "1 \x01" + string(60, 'y') + " 3\n"),
            "line 1, column 2: expected a number, got \"?" + string(39, 'y') + "...\"");
  const string header =
      "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n";
  EXPECT_EQ(sentence("a.ply", header + "end_header\n1 2 3\n4 5 six\n"),
            "line 9, column 3: expected a number, got \"six\"");
  EXPECT_EQ(sentence("a.ply", header + "property list uchar int l\nend_header\n1 2 3 -1\n"),
            "line 9, column 4: expected the length of a list, from 0 to 0, got \"-1\"");
}

TEST(points, wrong_column_counts) {
  EXPECT_EQ(sentence("a.csv", "1,2,3\n4,5\n"), "line 2: expected 3 columns, as in the first line, got 2");
  EXPECT_EQ(sentence("a.csv", "x;y;z\n1;2;3;4\n"), "line 2: expected 3 columns, as in the first line, got 4");
  EXPECT_EQ(sentence("a.csv", "1 2 3\n"),
            "line 1: expected 2 or more columns separated by commas or semicolons, got 1");
  EXPECT_EQ(sentence("a.xyz", "1\n"), "line 1: expected 2 or more columns separated by blanks, got 1");
  EXPECT_EQ(sentence("a.xyz", "1 2 3\n1 2\n"), "line 2: expected 3 or more columns separated by blanks, got 2");
  const string header =
      "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n";
  EXPECT_EQ(sentence("a.ply", header + "end_header\n1 2 3 4\n"), "line 8: expected 3 values for a vertex, got 4");
  EXPECT_EQ(sentence("a.ply", header + "end_header\n1 2\n"), "line 8: expected 3 or more values for a vertex, got 2");
  EXPECT_EQ(sentence("a.ply", header + "property list uint int l\nend_header\n1 2 3 18446744073709551615 1\n"),
            "line 9, column 4: expected the length of a list, from 0 to 1, got "
            "\"18446744073709551615\"");
}

TEST(points, coordinates_that_are_not_finite) {
  EXPECT_EQ(sentence("a.csv", "1,2,3\n4,nan,6\n"),
            "line 2: expected finite coordinates, but point 1 (counted from 0) has y = nan");
  EXPECT_EQ(sentence("a.xyz", "1 2 3\n4 5 6\n-inf 2 3\n"),
            "line 3: expected finite coordinates, but point 2 (counted from 0) has x = -inf");
  EXPECT_EQ(sentence("a.xyz", "1 2 1e39\n"),
            "line 1: expected finite coordinates that fit a float, but point 0 (counted from 0) has z = 1e+39");
  EXPECT_EQ(sentence("a.xyz", "1 2 1e999\n"),
            "line 1: expected finite coordinates, but point 0 (counted from 0) has z = inf");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f4", "(2, 3)"), values<float>({1, 2, 3, 4, 5, nan}))),
            "expected finite coordinates, but point 1 (counted from 0) has z = nan");
  const string header = "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty double y\n";
  EXPECT_EQ(
      sentence("a.ply", header + "property float z\nend_header\n" + bytes_of(1.0f) + bytes_of(-1e300) + bytes_of(1.0f)),
      "expected finite coordinates that fit a float, but point 0 (counted from 0) has y = -1e+300");
}

TEST(points, truncated_files) {
  const string vertex = "element vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n";
  const string expected = "the header promises 3 of the element \"vertex\", but the file ends after 2";
  EXPECT_EQ(sentence("a.ply", "ply\nformat ascii 1.0\n" + vertex + "1 2 3\n4 5 6\n"), expected);
  EXPECT_EQ(
      sentence("a.ply", "ply\nformat binary_little_endian 1.0\n" + vertex + values<float>({1, 2, 3, 4, 5, 6, 7, 8})),
      expected);
  const string before = "element camera 5\nproperty list uchar int l\n";
  EXPECT_EQ(sentence("a.ply", "ply\nformat ascii 1.0\n" + before + vertex + "0\n"),
            "the header promises 5 of the element \"camera\", but the file ends after 1");
  EXPECT_EQ(sentence("a.ply", "ply\nformat binary_big_endian 1.0\n" + before + vertex + "\0\1\0"s),
            "the header promises 5 of the element \"camera\", but the file ends after 1");
  EXPECT_EQ(sentence("a.ply", "ply\nformat ascii 1.0\n"), "line 2: expected \"end_header\", but the file ends");
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f4", "(3, 3)"), values<float>({1, 2, 3, 4, 5}))),
            "the header promises 3 points of 12 bytes, but only 20 bytes follow it");
  EXPECT_EQ(sentence("a.npy", "\x93NUMPY\1"), "the file ends within the NPY header");
  EXPECT_EQ(sentence("a.npy", "\x93NUMPY\1\0\x76\0{'descr'"s),
            "the file ends within the NPY header: expected 118 bytes, got 8");
}

TEST(points, huge_counts_do_not_allocate) {
  const string vertex =
      "element vertex 18446744073709551615\nproperty uchar x\nproperty uchar y\nproperty uchar z\nend_header\n";
  EXPECT_EQ(sentence("a.ply", "ply\nformat ascii 1.0\n" + vertex + "1 2 3\n"),
            "the header promises 18446744073709551615 of the element \"vertex\", but the file ends after 1");
  EXPECT_EQ(
      sentence("a.ply", "ply\nformat binary_big_endian 1.0\nelement nothing 18446744073709551615\n" + vertex + "1234"),
      "the header promises 18446744073709551615 of the element \"vertex\", but the file ends after 1");
  EXPECT_EQ(
      sentence("a.ply", "ply\nformat ascii 1.0\nelement vertex 18446744073709551616\n"),
      "line 3: expected \"element NAME COUNT\" with a count of 0 or more, got \"element vertex 18446744073709551616\"");
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f4", "(1000000000000, 3)"), "1234")),
            "the header promises 1000000000000 points of 12 bytes, but only 4 bytes follow it");
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f8", "(768614336404564651, 3)"), "1234")),
            "the shape (768614336404564651, 3) is more than memory can address");
  EXPECT_EQ(sentence("a.npy", "\x93NUMPY\2\0\xff\xff\xff\xff"s),
            "the file ends within the NPY header: expected 4294967295 bytes, got 0");
}

TEST(points, ply_headers) {
  const auto ply = [](const string& rest) { return sentence("a.ply", "ply\n" + rest); };
  EXPECT_EQ(sentence("a.ply", "plz\n"), "line 1: expected \"ply\", the first line of a PLY file, got \"plz\"");
  EXPECT_EQ(ply("format ascii 2.0\n"),
            "line 2: expected \"format ascii 1.0\", \"format binary_little_endian 1.0\" or \"format binary_big_endian "
            "1.0\", got \"format ascii 2.0\"");
  EXPECT_EQ(ply("end_header\n"), "line 2: expected a line \"format ...\" before the end of the header");
  EXPECT_EQ(ply("element vertex -5\n"),
            "line 2: expected \"element NAME COUNT\" with a count of 0 or more, got \"element vertex -5\"");
  EXPECT_EQ(ply("element vertex 1\nelement vertex 1\n"), "line 3: the element \"vertex\" is declared twice");
  EXPECT_EQ(ply("property float x\n"),
            "line 2: expected an element before its first property, got \"property float x\"");
  EXPECT_EQ(ply("element vertex 1\nproperty x\n"),
            "line 3: expected \"property TYPE NAME\" or \"property list TYPE TYPE NAME\", got \"property x\"");
  EXPECT_EQ(ply("element vertex 1\nproperty half x\n"), "line 3: expected a type such as float or uchar, got \"half\"");
  EXPECT_EQ(ply("element vertex 1\nproperty list float int l\n"),
            "line 3: expected an integer type for a list's length, got \"float\"");
  EXPECT_EQ(ply("element vertex 1\nproperty list int int x\n"),
            "line 3: expected one number for a vertex's x, got a list");
  EXPECT_EQ(ply("element vertex 1\nproperty int x\nproperty int x\n"), "line 4: a vertex's x is declared twice");
  EXPECT_EQ(ply("vertices 1\n"), "line 2: expected a line of a PLY header, got \"vertices 1\"");
  EXPECT_EQ(ply("format ascii 1.0\nelement face 1\nend_header\n"),
            "expected an element \"vertex\" in the header, found none");
  EXPECT_EQ(ply("format ascii 1.0\nelement vertex 1\nproperty int x\nproperty int y\nend_header\n1 2\n"),
            "expected the properties x, y and z of the element \"vertex\", found no z");
  const string before = "element camera 1\nproperty list char int l\n";
  const string vertex = "element vertex 1\nproperty char x\nproperty char y\nproperty char z\nend_header\n";
  EXPECT_EQ(ply("format binary_little_endian 1.0\n" + before + vertex + "\xff 123"),
            "expected a list of length 0 or more in element 0 \"camera\" (counted from 0), got -1");
}

TEST(points, npy_headers) {
  const auto with = [](const string& dictionary) { return sentence("a.npy", npy(dictionary, string(48, '\0'))); };
  EXPECT_EQ(sentence("a.npy", "PK\3\4zip archive"), "expected the first six bytes of an NPY file, got \"PK??zi\"");
  EXPECT_EQ(sentence("a.npy", npy(npy_dictionary("<f4", "(2, 3)"), "", 4)),
            "expected an NPY file of version 1, 2 or 3, got version 4");
  for (const char* descr : {"|O", "<f2", "<c8", "<U3", "f4", "|b1"})
    EXPECT_EQ(with(npy_dictionary(descr, "(2, 3)")),
              "expected integers or 32- or 64-bit floats, got the dtype \"" + string(descr) + '"');
  EXPECT_EQ(with("{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
            "expected an array of numbers, got a structured dtype");
  EXPECT_EQ(with(npy_dictionary("<f4", "(12,)")), "expected the shape (N, 3) or (N, 2), got (12,)");
  EXPECT_EQ(with(npy_dictionary("<f4", "()")), "expected the shape (N, 3) or (N, 2), got ()");
  EXPECT_EQ(with(npy_dictionary("<f4", "(3, 4)")), "expected the shape (N, 3) or (N, 2), got (3, 4)");
  EXPECT_EQ(with(npy_dictionary("<f4", "(2, 2, 3)")), "expected the shape (N, 3) or (N, 2), got (2, 2, 3)");
  EXPECT_EQ(with(npy_dictionary("<f4", "(-2, 3)")), "expected a shape of sizes from 0 to 2^64 - 1, got \"-2\"");
  EXPECT_EQ(with(npy_dictionary("<f4", "(99999999999999999999, 3)")),
            "expected a shape of sizes from 0 to 2^64 - 1, got \"99999999999999999999\"");
  EXPECT_EQ(
      with("{'descr': '<f4', 'shape': (2, 3)}"),
      "expected an NPY header with 'descr', 'fortran_order' and 'shape', got \"{'descr': '<f4', 'shape': (2, 3)}\"");
}

TEST(points, a_file_that_may_not_be_opened) {
  const fs::path file = scratch().write("locked.xyz", "1 2 3\n");
  fs::permissions(file, fs::perms::none);
  if (std::ifstream(file)) GTEST_SKIP() << "this user may open every file";
  EXPECT_EQ(sentence(file), "the file cannot be opened: Permission denied");
}

// Every prefix and every change of one byte of a small file is read or refused; no other exception, no crash.
TEST(points, damaged_files_are_read_or_refused) {
  std::size_t read = 0, refused = 0;
  const auto attempt = [&](const string& name, const string& bytes) {
    const fs::path file = scratch().write(name, bytes);
    try {
      const cloud points = examples::read_points(file);
      ASSERT_FALSE(points.empty());
      for (const point& p : points)
        for (const float c : p) ASSERT_TRUE(std::isfinite(c));
      ++read;
    } catch (const examples::point_file_error& e) {
      ASSERT_TRUE(string_view(e.what()).starts_with(file.string() + ": ")) << e.what();
      ++refused;
    }
  };
  for (const auto& [name, bytes] : small_files()) {
    SCOPED_TRACE(name);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      attempt(name, bytes.substr(0, n));
      for (const int change : {0x01, 0x10, 0x80, 0xFF}) {
        string damaged = bytes;
        damaged[n] = static_cast<char>(damaged[n] ^ change);
        attempt(name, damaged);
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(read, 100u);
  EXPECT_GT(refused, 1000u);
}

// ---- clouds made here ----------------------------------------------------------------------------------------------

TEST(points, torus_knot) {
  const cloud knot = examples::make_torus_knot(5000);
  ASSERT_EQ(knot.size(), 5000u);
  EXPECT_EQ(knot, examples::make_torus_knot(5000));
  EXPECT_NE(knot, examples::make_torus_knot(5000, 2));
  const cloud fewer = examples::make_torus_knot(10);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), knot.begin()));
  EXPECT_TRUE(examples::make_torus_knot(0).empty());
  // The strand stays within 0.55 * sqrt(3) of the curve r = 2 + cos(3 t), z = -sin(3 t), angle 2 t.
  for (const point& p : knot) {
    double nearest = 1e9;
    for (int k = 0; k < 2000; ++k) {
      const double t = 2 * 3.141592653589793 * k / 2000, r = 2 + std::cos(3 * t);
      nearest =
          std::min(nearest, std::hypot(p[0] - r * std::cos(2 * t), p[1] - r * std::sin(2 * t), p[2] + std::sin(3 * t)));
    }
    ASSERT_LT(nearest, 0.53 * std::sqrt(3.0));
  }
}

TEST(points, torus_knot_is_the_same_everywhere) {
  const cloud knot = examples::make_torus_knot(3);
  const cloud expected{{-0x1.474e8p+0f, 0x1.556fd2p+1f, 0x1.1b8ae8p-4f},
                       {0x1.730546p+1f, -0x1.05ca72p-1f, 0x1.71392cp-2f},
                       {-0x1.3f036p+1f, -0x1.950b6ap-1f, 0x1.eb60ap-1f}};
  EXPECT_EQ(knot, expected);
}

TEST(points, bounding_box) {
  const cloud points{{1, -2, 3}, {-1, 0, 5}, {0, 0, 4}};
  const auto [low, high] = examples::bounding_box(points);
  EXPECT_EQ(low, (point{-1, -2, 3}));
  EXPECT_EQ(high, (point{1, 0, 5}));
  EXPECT_FLOAT_EQ(examples::diagonal(points), std::sqrt(12.0f));
  EXPECT_EQ(examples::diagonal(cloud{{1, 2, 3}}), 0.0f);
  EXPECT_THROW(examples::bounding_box({}), std::invalid_argument);
}

}  // namespace
