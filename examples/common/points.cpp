// examples/common/points.cpp: the readers. A file is taken into memory whole, so that no count in a header can make
// a reader allocate, or loop, beyond a small multiple of the file's size.
#include "points.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace examples {
namespace {

namespace fs = std::filesystem;
using std::size_t;
using std::string;
using std::string_view;

// ---- sentences -----------------------------------------------------------------------------------------------------

// Text from a file as it may appear in a message: short, and printable whatever the file holds.
string in_quotes(string_view text) {
  constexpr size_t longest = 40;
  string out = "\"";
  for (const char c : text.substr(0, longest)) out += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
  return out + (text.size() > longest ? "...\"" : "\"");
}

string counted(std::uint64_t n, const string& one, const string& many) {
  return std::to_string(n) + ' ' + (n == 1 ? one : many);
}

string line_name(size_t line) { return "line " + std::to_string(line); }

// ---- numbers and cells ---------------------------------------------------------------------------------------------

constexpr string_view blanks = " \t\r\v\f";

string_view trimmed(string_view text) {
  const size_t first = text.find_first_not_of(blanks);
  if (first == string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<double> to_number(string_view cell) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, status] = std::from_chars(cell.data(), end, value);
  if (cell.empty() || stop != end || status == std::errc::invalid_argument) return std::nullopt;
  if (status == std::errc::result_out_of_range) {  // too small for a double, or too large
    const size_t exponent = cell.find_first_of("eE");
    const bool tiny = exponent != string_view::npos && cell.substr(exponent + 1).starts_with('-');
    return tiny ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return value;
}

std::optional<std::uint64_t> to_count(string_view cell) {
  std::uint64_t value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, status] = std::from_chars(cell.data(), end, value);
  if (cell.empty() || stop != end || status != std::errc{}) return std::nullopt;
  return value;
}

void split_at_blanks(string_view line, std::vector<string_view>& cells) {
  cells.clear();
  for (size_t begin = 0; (begin = line.find_first_not_of(blanks, begin)) != string_view::npos;) {
    const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end;
  }
}

void split_at(char separator, string_view line, std::vector<string_view>& cells) {
  cells.clear();
  for (bool more = true; more;) {
    const size_t end = std::min(line.find(separator), line.size());
    string_view cell = trimmed(line.substr(0, end));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') cell = trimmed(cell.substr(1, cell.size() - 2));
    cells.push_back(cell);
    more = end < line.size();
    line.remove_prefix(more ? end + 1 : end);
  }
}

class line_reader {
 public:
  explicit line_reader(string_view text, size_t lines_before = 0) : rest_(text), number_(lines_before) {}

  bool next(string_view& line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    rest_.remove_prefix(end == string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
  }

  // The next line that is more than blanks.
  bool next_filled(string_view& line) {
    while (next(line)) {
      line = trimmed(line);
      if (!line.empty()) return true;
    }
    return false;
  }

  // The same, without comments.
  bool next_data(string_view& line) {
    while (next(line)) {
      line = trimmed(line.substr(0, line.find('#')));
      if (!line.empty()) return true;
    }
    return false;
  }

  size_t number() const { return number_; }
  string_view rest() const { return rest_; }

 private:
  string_view rest_;
  size_t number_;
};

// ---- the cloud being read ------------------------------------------------------------------------------------------

// Where the coordinates are: the columns (or properties) of x, y and, unless the points are flat, z.
struct coordinate_columns {
  std::array<size_t, 3> index{0, 1, 2};
  size_t size = 3;
};

struct cloud_reader {
  const fs::path& file;
  std::vector<point> points{};

  [[noreturn]] void fail(const string& sentence) const { throw point_file_error(file, sentence); }

  // Not more than the file can hold, at `bytes_each` or more for every point.
  void reserve(std::uint64_t count, size_t bytes, size_t bytes_each) {
    points.reserve(static_cast<size_t>(std::min<std::uint64_t>(count, bytes / bytes_each)));
  }

  void add(const std::array<double, 3>& values, size_t line = 0) {
    point p;
    for (size_t k = 0; k < 3; ++k) {
      const double value = values[k];
      if (!(std::abs(value) <= std::numeric_limits<float>::max())) {
        const bool finite = std::isfinite(value);
        char text[32];
        const auto end = std::to_chars(text, text + sizeof text, value).ptr;
        fail((line ? line_name(line) + ": " : string()) + "expected finite coordinates" +
             (finite ? " that fit a float" : "") + ", but point " + std::to_string(points.size()) +
             " (counted from 0) has " + "xyz"[k] + " = " + string(text, end));
      }
      p[k] = static_cast<float>(value);
    }
    points.push_back(p);
  }

  void add(const std::vector<string_view>& cells, const coordinate_columns& columns, size_t line) {
    std::array<double, 3> values{};
    for (size_t k = 0; k < columns.size; ++k) values[k] = number(cells, columns.index[k], line);
    add(values, line);
  }

  double number(const std::vector<string_view>& cells, size_t column, size_t line) const {
    if (const auto value = to_number(cells[column])) return *value;
    fail(line_name(line) + ", column " + std::to_string(column + 1) + ": expected a number, got " +
         (cells[column].empty() ? string("an empty cell") : in_quotes(cells[column])));
  }
};

// ---- binary values -------------------------------------------------------------------------------------------------

enum class scalar { i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 };

constexpr size_t size_of(scalar type) {
  constexpr size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
  return sizes[static_cast<size_t>(type)];
}

constexpr bool is_integer(scalar type) { return type < scalar::f32; }

template <class T> double load(const char* from, bool swapped) {
  std::array<char, sizeof(T)> bytes;
  std::copy_n(from, sizeof(T), bytes.begin());
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  return static_cast<double>(std::bit_cast<T>(bytes));
}

double load(const char* from, scalar type, bool swapped) {
  switch (type) {
    case scalar::i8:
      return load<std::int8_t>(from, swapped);
    case scalar::u8:
      return load<std::uint8_t>(from, swapped);
    case scalar::i16:
      return load<std::int16_t>(from, swapped);
    case scalar::u16:
      return load<std::uint16_t>(from, swapped);
    case scalar::i32:
      return load<std::int32_t>(from, swapped);
    case scalar::u32:
      return load<std::uint32_t>(from, swapped);
    case scalar::i64:
      return load<std::int64_t>(from, swapped);
    case scalar::u64:
      return load<std::uint64_t>(from, swapped);
    case scalar::f32:
      return load<float>(from, swapped);
    default:
      return load<double>(from, swapped);
  }
}

// ---- .ply ----------------------------------------------------------------------------------------------------------

struct ply_property {
  scalar type;
  std::optional<scalar> count_type;  // of a list
  int coordinate = -1;               // 0, 1, 2 for a vertex's x, y, z
};

struct ply_element {
  string name;
  std::uint64_t count;
  std::vector<ply_property> properties{};
  std::array<bool, 3> has_coordinate{};
};

enum class ply_format { ascii, little, big };

struct ply_header {
  std::optional<ply_format> format;
  std::vector<ply_element> elements;
};

std::optional<scalar> ply_type(string_view name) {
  constexpr std::pair<string_view, scalar> names[] = {
      {"char", scalar::i8},   {"int8", scalar::i8},     {"uchar", scalar::u8},   {"uint8", scalar::u8},
      {"short", scalar::i16}, {"int16", scalar::i16},   {"ushort", scalar::u16}, {"uint16", scalar::u16},
      {"int", scalar::i32},   {"int32", scalar::i32},   {"uint", scalar::u32},   {"uint32", scalar::u32},
      {"float", scalar::f32}, {"float32", scalar::f32}, {"double", scalar::f64}, {"float64", scalar::f64},
  };
  for (const auto& [known, type] : names)
    if (name == known) return type;
  return std::nullopt;
}

string broken_promise(const ply_element& element, std::uint64_t found) {
  return "the header promises " + std::to_string(element.count) + " of the element " + in_quotes(element.name) +
         ", but the file ends after " + std::to_string(found);
}

ply_header read_ply_header(const cloud_reader& out, line_reader& lines) {
  ply_header header;
  string_view line;
  std::vector<string_view> words;
  const auto fail = [&](const string& sentence) { out.fail(line_name(lines.number()) + ": " + sentence); };
  const auto type_of = [&](string_view name) {
    const auto type = ply_type(name);
    if (!type) fail("expected a type such as float or uchar, got " + in_quotes(name));
    return *type;
  };

  if (!lines.next(line) || trimmed(line) != "ply")
    fail("expected \"ply\", the first line of a PLY file, got " + in_quotes(line));
  while (lines.next(line)) {
    split_at_blanks(line, words);
    if (words.empty() || words[0] == "comment" || words[0] == "obj_info") continue;
    if (words[0] == "end_header") {
      if (!header.format) fail("expected a line \"format ...\" before the end of the header");
      return header;
    }
    if (words[0] == "format") {
      if (words.size() == 3 && words[2] == "1.0") {
        if (words[1] == "ascii") header.format = ply_format::ascii;
        if (words[1] == "binary_little_endian") header.format = ply_format::little;
        if (words[1] == "binary_big_endian") header.format = ply_format::big;
      }
      if (!header.format)
        fail(
            "expected \"format ascii 1.0\", \"format binary_little_endian 1.0\" or \"format binary_big_endian 1.0\", "
            "got " +
            in_quotes(line));
    } else if (words[0] == "element") {
      const auto count = words.size() == 3 ? to_count(words[2]) : std::nullopt;
      if (!count) fail("expected \"element NAME COUNT\" with a count of 0 or more, got " + in_quotes(line));
      const auto same = [&](const ply_element& e) { return e.name == words[1]; };
      if (std::any_of(header.elements.begin(), header.elements.end(), same))
        fail("the element " + in_quotes(words[1]) + " is declared twice");
      header.elements.push_back({.name = string(words[1]), .count = *count});
    } else if (words[0] == "property") {
      const bool list = words.size() == 5 && words[1] == "list";
      if (!list && words.size() != 3)
        fail("expected \"property TYPE NAME\" or \"property list TYPE TYPE NAME\", got " + in_quotes(line));
      if (header.elements.empty()) fail("expected an element before its first property, got " + in_quotes(line));
      ply_property property{.type = type_of(words[words.size() - 2]), .count_type = {}};
      if (list) property.count_type = type_of(words[2]);
      if (list && !is_integer(*property.count_type))
        fail("expected an integer type for a list's length, got " + in_quotes(words[2]));
      ply_element& element = header.elements.back();
      const string_view name = words.back();
      if (element.name == "vertex" && (name == "x" || name == "y" || name == "z")) {
        const auto k = static_cast<size_t>(name[0] - 'x');
        if (list) fail("expected one number for a vertex's " + string(name) + ", got a list");
        if (std::exchange(element.has_coordinate[k], true)) fail("a vertex's " + string(name) + " is declared twice");
        property.coordinate = static_cast<int>(k);
      }
      element.properties.push_back(property);
    } else {
      fail("expected a line of a PLY header, got " + in_quotes(line));
    }
  }
  fail("expected \"end_header\", but the file ends");
  return header;
}

void read_ascii_vertices(cloud_reader& out, const std::vector<ply_element>& elements, line_reader& lines) {
  string_view line;
  std::vector<string_view> cells;
  for (const ply_element& element : elements) {
    const bool vertex = element.name == "vertex";
    if (vertex) out.reserve(element.count, lines.rest().size(), sizeof("0 0 0"));
    for (std::uint64_t n = 0; n < element.count && !element.properties.empty(); ++n) {
      if (!lines.next_filled(line)) out.fail(broken_promise(element, n));
      if (!vertex) continue;
      split_at_blanks(line, cells);
      std::array<double, 3> values{};
      size_t column = 0;
      for (const ply_property& property : element.properties) {
        if (column == cells.size())
          out.fail(line_name(lines.number()) + ": expected " + std::to_string(column + 1) +
                   " or more values for a vertex, got " + std::to_string(cells.size()));
        if (property.count_type) {
          const auto length = to_count(cells[column]);
          ++column;
          if (!length || *length > cells.size() - column)
            out.fail(line_name(lines.number()) + ", column " + std::to_string(column) +
                     ": expected the length of a list, from 0 to " + std::to_string(cells.size() - column) + ", got " +
                     in_quotes(cells[column - 1]));
          column += static_cast<size_t>(*length);
        } else {
          if (property.coordinate >= 0)
            values[static_cast<size_t>(property.coordinate)] = out.number(cells, column, lines.number());
          ++column;
        }
      }
      if (column != cells.size())
        out.fail(line_name(lines.number()) + ": expected " + counted(column, "value", "values") +
                 " for a vertex, got " + std::to_string(cells.size()));
      out.add(values, lines.number());
    }
    if (vertex) return;
  }
}

void read_binary_vertices(cloud_reader& out, const std::vector<ply_element>& elements, string_view body, bool swapped) {
  // One element's bytes; false where the file ends first.
  const auto read = [&](const ply_element& element, std::uint64_t n, std::array<double, 3>& values) {
    for (const ply_property& property : element.properties) {
      std::uint64_t length = 1;
      if (property.count_type) {
        const size_t size = size_of(*property.count_type);
        if (body.size() < size) return false;
        const double value = load(body.data(), *property.count_type, swapped);
        if (value < 0)
          out.fail("expected a list of length 0 or more in element " + std::to_string(n) + " " +
                   in_quotes(element.name) + " (counted from 0), got " +
                   std::to_string(static_cast<std::int64_t>(value)));
        length = static_cast<std::uint64_t>(value);
        body.remove_prefix(size);
      }
      const size_t size = size_of(property.type);
      if (length > body.size() / size) return false;
      if (property.coordinate >= 0)
        values[static_cast<size_t>(property.coordinate)] = load(body.data(), property.type, swapped);
      body.remove_prefix(static_cast<size_t>(length) * size);
    }
    return true;
  };

  for (const ply_element& element : elements) {
    const bool vertex = element.name == "vertex";
    if (vertex) out.reserve(element.count, body.size(), 3);
    for (std::uint64_t n = 0; n < element.count && !element.properties.empty(); ++n) {
      std::array<double, 3> values{};
      if (!read(element, n, values)) out.fail(broken_promise(element, n));
      if (vertex) out.add(values);
    }
    if (vertex) return;
  }
}

void read_ply(cloud_reader& out, string_view data) {
  line_reader lines(data);
  const ply_header header = read_ply_header(out, lines);
  const auto vertex = std::find_if(header.elements.begin(), header.elements.end(),
                                   [](const ply_element& e) { return e.name == "vertex"; });
  if (vertex == header.elements.end()) out.fail("expected an element \"vertex\" in the header, found none");
  for (size_t k = 0; k < 3; ++k)
    if (!vertex->has_coordinate[k])
      out.fail(string("expected the properties x, y and z of the element \"vertex\", found no ") + "xyz"[k]);
  if (header.format == ply_format::ascii) return read_ascii_vertices(out, header.elements, lines);
  const bool little = header.format == ply_format::little;
  read_binary_vertices(out, header.elements, lines.rest(), little != (std::endian::native == std::endian::little));
}

// ---- .npy ----------------------------------------------------------------------------------------------------------

struct npy_header {
  string descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
};

// The header is a Python dictionary; these are the three kinds of values that it has.
class npy_header_parser {
 public:
  npy_header_parser(const cloud_reader& out, string_view text) : out_(out), whole_(text), rest_(text) {}

  npy_header parse() {
    npy_header header;
    expect('{');
    while (!accept('}')) {
      const string key = quoted_text();
      expect(':');
      if (key == "descr") {
        if (peek() == '[') out_.fail("expected an array of numbers, got a structured dtype");
        header.descr = quoted_text();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        bad();
      }
      if (!accept(',') && peek() != '}') bad();
    }
    if (header.descr.empty() || !header.fortran_order || !header.shape) bad();
    return header;
  }

 private:
  [[noreturn]] void bad() const {
    out_.fail("expected an NPY header with 'descr', 'fortran_order' and 'shape', got " + in_quotes(trimmed(whole_)));
  }
  char peek() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool accept(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad();
  }
  string quoted_text() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') bad();
    const size_t end = rest_.find(quote, 1);
    if (end == string_view::npos) bad();
    const string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    peek();
    const bool value = rest_.starts_with("True");
    if (!value && !rest_.starts_with("False")) bad();
    rest_.remove_prefix(value ? 4 : 5);
    return value;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect('(');
    while (!accept(')')) {
      peek();
      const string_view text = rest_.substr(0, std::min(rest_.find_first_of(",) L"), rest_.size()));
      const auto value = to_count(text);
      if (!value) out_.fail("expected a shape of sizes from 0 to 2^64 - 1, got " + in_quotes(text));
      values.push_back(*value);
      rest_.remove_prefix(text.size());
      accept('L');  // Python 2 wrote its long integers so
      if (!accept(',') && peek() != ')') bad();
    }
    return values;
  }

  const cloud_reader& out_;
  string_view whole_, rest_;
};

std::optional<scalar> npy_type(string_view descr) {
  constexpr std::pair<string_view, scalar> names[] = {
      {"i1", scalar::i8},  {"u1", scalar::u8},  {"i2", scalar::i16}, {"u2", scalar::u16}, {"i4", scalar::i32},
      {"u4", scalar::u32}, {"i8", scalar::i64}, {"u8", scalar::u64}, {"f4", scalar::f32}, {"f8", scalar::f64},
  };
  if (descr.size() != 3 || string_view("<>=|").find(descr[0]) == string_view::npos) return std::nullopt;
  for (const auto& [known, type] : names)
    if (descr.substr(1) == known) return type;
  return std::nullopt;
}

string shape_text(const std::vector<std::uint64_t>& shape) {
  string text = "(";
  for (size_t k = 0; k < shape.size(); ++k) text += (k ? ", " : "") + std::to_string(shape[k]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

void read_npy(cloud_reader& out, string_view data) {
  constexpr string_view magic = "\x93NUMPY";
  if (!data.starts_with(magic))
    out.fail("expected the first six bytes of an NPY file, got " + in_quotes(data.substr(0, 6)));
  const auto byte = [&](size_t n) { return static_cast<unsigned char>(data[n]); };
  if (data.size() < 8) out.fail("the file ends within the NPY header");
  const int version = byte(6);
  if (version < 1 || version > 3)
    out.fail("expected an NPY file of version 1, 2 or 3, got version " + std::to_string(version));
  const size_t length_bytes = version == 1 ? 2 : 4;
  if (data.size() < 8 + length_bytes) out.fail("the file ends within the NPY header");
  size_t length = 0;
  for (size_t k = length_bytes; k-- > 0;) length = length << 8 | byte(8 + k);
  data.remove_prefix(8 + length_bytes);
  if (data.size() < length)
    out.fail("the file ends within the NPY header: expected " + std::to_string(length) + " bytes, got " +
             std::to_string(data.size()));

  const npy_header header = npy_header_parser(out, data.substr(0, length)).parse();
  data.remove_prefix(length);
  const auto type = npy_type(header.descr);
  if (!type) out.fail("expected integers or 32- or 64-bit floats, got the dtype " + in_quotes(header.descr));
  const std::vector<std::uint64_t>& shape = *header.shape;
  if (shape.size() != 2 || (shape[1] != 3 && shape[1] != 2))
    out.fail("expected the shape (N, 3) or (N, 2), got " + shape_text(shape));
  const size_t dim = static_cast<size_t>(shape[1]);
  const size_t size = size_of(*type);
  if (shape[0] > std::numeric_limits<size_t>::max() / (dim * size))
    out.fail("the shape " + shape_text(shape) + " is more than memory can address");
  const auto count = static_cast<size_t>(shape[0]);
  if (data.size() < count * dim * size)
    out.fail("the header promises " + counted(count, "point", "points") + " of " + std::to_string(dim * size) +
             " bytes, but only " + counted(data.size(), "byte", "bytes") + " follow it");

  const bool swapped = header.descr[0] == (std::endian::native == std::endian::little ? '>' : '<');
  const size_t row_stride = *header.fortran_order ? size : dim * size;
  const size_t column_stride = *header.fortran_order ? count * size : size;
  out.reserve(count, data.size(), dim * size);
  for (size_t n = 0; n < count; ++n) {
    std::array<double, 3> values{};
    for (size_t k = 0; k < dim; ++k) values[k] = load(data.data() + n * row_stride + k * column_stride, *type, swapped);
    out.add(values);
  }
}

// ---- .csv and .xyz -------------------------------------------------------------------------------------------------

string_view without_byte_order_mark(string_view data) {
  return data.starts_with("\xEF\xBB\xBF") ? data.substr(3) : data;
}

// The columns named x, y and z, if the names are there; else the first three.
coordinate_columns columns_of(const std::vector<string_view>& names) {
  coordinate_columns columns{.size = std::min<size_t>(names.size(), 3)};
  const auto find = [&](char lower) {
    const auto matches = [&](string_view name) {
      return name.size() == 1 && std::tolower(static_cast<unsigned char>(name[0])) == lower;
    };
    return static_cast<size_t>(std::find_if(names.begin(), names.end(), matches) - names.begin());
  };
  const std::array<size_t, 3> index{find('x'), find('y'), find('z')};
  if (index[0] < names.size() && index[1] < names.size())
    columns = {.index = index, .size = index[2] < names.size() ? size_t{3} : size_t{2}};
  return columns;
}

void read_csv(cloud_reader& out, string_view data) {
  line_reader lines(without_byte_order_mark(data));
  string_view line;
  std::vector<string_view> cells;
  coordinate_columns columns;
  size_t width = 0;
  char separator = ',';
  while (lines.next_data(line)) {
    const bool first = width == 0;
    if (first && line.find(';') != string_view::npos) separator = ';';
    split_at(separator, line, cells);
    if (first) {
      width = cells.size();
      if (width < 2)
        out.fail(line_name(lines.number()) + ": expected 2 or more columns separated by commas or semicolons, got 1");
      columns.size = std::min<size_t>(width, 3);
      if (std::none_of(cells.begin(), cells.end(), to_number)) {
        columns = columns_of(cells);
        continue;
      }
    }
    if (cells.size() != width)
      out.fail(line_name(lines.number()) + ": expected " + std::to_string(width) +
               " columns, as in the first line, got " + std::to_string(cells.size()));
    out.add(cells, columns, lines.number());
  }
}

void read_xyz(cloud_reader& out, string_view data) {
  line_reader lines(without_byte_order_mark(data));
  string_view line;
  std::vector<string_view> cells;
  coordinate_columns columns{.size = 0};
  while (lines.next_data(line)) {
    split_at_blanks(line, cells);
    if (columns.size == 0) columns.size = std::clamp<size_t>(cells.size(), 2, 3);
    if (cells.size() < columns.size)
      out.fail(line_name(lines.number()) + ": expected " + std::to_string(columns.size) +
               " or more columns separated by blanks, got " + std::to_string(cells.size()));
    out.add(cells, columns, lines.number());
  }
}

// ---- any file ------------------------------------------------------------------------------------------------------

string contents(const cloud_reader& out) {
  std::ifstream stream(out.file, std::ios::binary);
  if (!stream) out.fail("the file cannot be opened: " + std::generic_category().message(errno));
  string data;
  for (size_t block = size_t{1} << 16;; block *= 2) {
    const size_t before = data.size();
    data.resize(before + block);
    stream.read(data.data() + before, static_cast<std::streamsize>(block));
    data.resize(before + static_cast<size_t>(stream.gcount()));
    if (stream.bad()) out.fail("the file cannot be read: " + std::generic_category().message(errno));
    if (!stream) return data;
  }
}

}  // namespace

std::vector<point> read_points(const fs::path& file) {
  cloud_reader out{file};
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) out.fail("expected a file of points, but there is no such file");
  if (status.type() == fs::file_type::none) out.fail("the file cannot be opened: " + error.message());
  if (status.type() == fs::file_type::directory) out.fail("expected a file of points, got a directory");

  string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto read = extension == ".ply"   ? read_ply
                    : extension == ".npy" ? read_npy
                    : extension == ".csv" ? read_csv
                    : extension == ".xyz" ? read_xyz
                                          : nullptr;
  if (!read)
    out.fail("expected a file that ends in .ply, .npy, .csv or .xyz, got " +
             (extension.empty() ? string("no extension") : in_quotes(extension)));

  const string data = contents(out);
  if (data.empty()) out.fail("expected points, but the file is empty");
  read(out, data);
  if (out.points.empty()) out.fail("expected at least one point, but the cloud is empty");
  return std::move(out.points);
}

// ---- clouds made here ----------------------------------------------------------------------------------------------

namespace {

// A counter-based generator: the n-th value of a stream is a hash of (seed, n), uniform in [0, 1) in steps of 2^-32.
double uniform(std::uint64_t seed, std::uint64_t n) {
  std::uint64_t h = seed * 0x9E3779B97F4A7C15u + n * 0xD1B54A32D192ED03u + 0x8CB92BA72F3D8DD7u;
  h = (h ^ (h >> 32)) * 0xD6E8FEB86659FD93u;
  h = (h ^ (h >> 32)) * 0xD6E8FEB86659FD93u;
  return static_cast<double>((h ^ (h >> 32)) >> 32) * 0x1p-32;
}

// sin(2 pi t) and cos(2 pi t) by the Taylor series on a quarter turn, to about 1e-12: mathematical libraries differ in
// the last bit, additions and products do not.
double sin_turns(double t) {
  t -= std::floor(t);
  if (t > 0.5) return -sin_turns(t - 0.5);
  const double x = 6.283185307179586 * (t > 0.25 ? 0.5 - t : t);
  double sum = 0;
  for (int k = 17; k >= 1; k -= 2) sum = 1 - x * x / ((k + 1) * (k + 2)) * sum;
  return x * sum;
}

double cos_turns(double t) { return sin_turns(t + 0.25); }

}  // namespace

std::vector<point> make_torus_knot(std::size_t count, unsigned seed) {
  constexpr std::uint64_t draws = 16;
  std::vector<point> points(count);
  for (size_t n = 0; n < count; ++n) {
    std::uint64_t next = n * draws;
    const auto draw = [&] { return uniform(seed, next++); };
    const auto bell = [&] { return draw() + draw() + draw() + draw() - 2; };  // deviation 0.58, within +-2
    const double t = draw();
    const double thickness = 0.17 - 0.09 * cos_turns(3 * t);
    const double radius = 2 + cos_turns(3 * t);
    points[n] = {static_cast<float>(radius * cos_turns(2 * t) + thickness * bell()),
                 static_cast<float>(radius * sin_turns(2 * t) + thickness * bell()),
                 static_cast<float>(-sin_turns(3 * t) + thickness * bell())};
  }
  return points;
}

box bounding_box(std::span<const point> points) {
  if (points.empty()) throw std::invalid_argument("bounding_box: expected at least one point, got none");
  box b{points[0], points[0]};
  for (const point& p : points)
    for (size_t k = 0; k < 3; ++k) {
      b.low[k] = std::min(b.low[k], p[k]);
      b.high[k] = std::max(b.high[k], p[k]);
    }
  return b;
}

float diagonal(std::span<const point> points) {
  const box b = bounding_box(points);
  double sum = 0;
  for (size_t k = 0; k < 3; ++k) {
    const double side = static_cast<double>(b.high[k]) - b.low[k];
    sum += side * side;
  }
  return static_cast<float>(std::sqrt(sum));
}

}  // namespace examples
