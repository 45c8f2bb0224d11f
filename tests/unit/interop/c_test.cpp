// What C hands over, and that nothing but a status and a sentence comes back.
#include <kernfold/interop/c.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace kf = kernfold;

namespace {

constexpr auto x = kf::Vi<0, 2>;
constexpr auto y = kf::Vj<1, 2>;
constexpr auto g = kf::Pm<2, 1>;
constexpr auto S = kf::sum_reduction(g * (x | y));

const std::vector<float> X{1, 2, 3, 4}, Y{5, 6, 7, 8, 9, 10};
const float half = 0.5f;

struct answer {
  int status;
  std::string sentence;
  bool operator==(const answer&) const = default;
};
template <class T>
answer ask(const kf::any_reduction<T>& r, const kf_array& result, const std::vector<kf_array>& arguments,
           const kf::cpu& where = {}) {
  char message[300] = "stale";
  const int status =
      kf::into_from_c(r, result, arguments.data(), int(arguments.size()), message, sizeof message, where);
  return {status, message};
}
const std::vector<kf_array> arguments{kf_floats(X.data(), 2, 2), kf_floats(Y.data(), 3, 2), kf_floats(&half, 1, 1)};

}  // namespace

TEST(c, computes_into_its_memory) {
  const auto expected = S(X, Y, half);
  std::vector<float> a(2);
  EXPECT_EQ(ask<float>(S, kf_floats(a.data(), 2, 1), arguments), (answer{kf_ok, ""}));
  EXPECT_EQ(a[0], expected[0]);
  EXPECT_EQ(a[1], expected[1]);
  // Strides of any sign.
  kf_array backwards{a.data() + 1, 2, 1, -1, 1, kf_float};
  EXPECT_EQ(ask<float>(S, backwards, arguments).status, kf_ok);
  EXPECT_EQ(a[1], expected[0]);

  const std::vector<double> Xd(X.begin(), X.end()), Yd(Y.begin(), Y.end());
  const double half_d = half;
  std::vector<double> d(2);
  EXPECT_EQ(ask<double>(S, kf_doubles(d.data(), 2, 1),
                        {kf_doubles(Xd.data(), 2, 2), kf_doubles(Yd.data(), 3, 2), kf_doubles(&half_d, 1, 1)})
                .status,
            kf_ok);
  EXPECT_EQ(d[1], S(Xd, Yd, half_d)[1]);

  std::vector<std::int64_t> nearest(2, -7);
  EXPECT_EQ(
      ask<float>(kf::argmin_reduction(sqdist(x, y)), kf_indices(nearest.data(), 2, 1), {arguments[0], arguments[1]})
          .status,
      kf_ok);
  EXPECT_EQ(nearest, (std::vector<std::int64_t>{0, 0}));
}

TEST(c, element_types_are_numbered_as_in_the_header) {
  const auto reads = [](auto number, std::int32_t element) {
    using T = decltype(number);
    std::vector<T> values{T(1), T(2), T(3)};
    const std::vector<double> factor{1};
    double sum = 0;
    constexpr auto v = kf::Vj<0, 1, T>;
    const answer a = ask<double>(kf::sum_reduction((v == kf::constant<2>)*kf::Pm<1, 1>), kf_doubles(&sum, 1, 1),
                                 {kf_array{values.data(), 3, 1, 1, 1, element}, kf_doubles(factor.data(), 1, 1)});
    return a.status == kf_ok && sum == 1;
  };
  EXPECT_TRUE(reads(std::int8_t(), kf_int8) && reads(std::int16_t(), kf_int16) && reads(std::int32_t(), kf_int32) &&
              reads(std::int64_t(), kf_int64));
  EXPECT_TRUE(reads(std::uint8_t(), kf_uint8) && reads(std::uint16_t(), kf_uint16) &&
              reads(std::uint32_t(), kf_uint32) && reads(std::uint64_t(), kf_uint64));
  EXPECT_FALSE(reads(std::int32_t(), kf_uint32));
}

TEST(c, errors_are_a_status_and_a_sentence) {
  const std::string name = "Sum(p2 (x0 | y1))";
  std::vector<float> a(2, 42.f);
  const kf_array result = kf_floats(a.data(), 2, 1);
  const auto with = [](std::size_t n, kf_array replaced) {
    auto changed = arguments;
    changed[n] = replaced;
    return changed;
  };
  EXPECT_EQ(
      ask<float>(S, result, {arguments[0]}),
      (answer{kf_shape_error,
              name + ": 1 argument was given, a call takes 3, one for each position of the formula's variables"}));
  EXPECT_EQ(ask<float>(S, result, with(1, kf_floats(Y.data(), 2, 3))),
            (answer{kf_shape_error,
                    "argument 1 (y1, Vj<1, 2>) of " + name + ": rows of dimension 3 were given, 2 are needed"}));
  EXPECT_EQ(ask<float>(S, result, with(0, kf_indices(nullptr, 0, 2))),
            (answer{kf_shape_error,
                    "argument 0 (x0, Vi<0, 2>) of " + name + ": numbers of std::int64_t were given, float is needed"}));
  EXPECT_EQ(ask<float>(S, result, with(0, kf_floats(nullptr, 2, 2))),
            (answer{kf_shape_error, "an array of 2 rows of dimension 2 has no memory: its data is NULL"}));
  EXPECT_EQ(ask<float>(S, result, with(0, kf_array{nullptr, 0, 2, 2, 1, 10})),
            (answer{kf_shape_error, "element type 10 is no kf_element"}));
  EXPECT_EQ(ask<float>(S, result, with(0, kf_array{nullptr, 0, 2, 2, 1, -1})),
            (answer{kf_shape_error, "element type -1 is no kf_element"}));
  const std::string memory = "the memory for the result of " + name + ": ";
  double wide[2];
  EXPECT_EQ(ask<float>(S, kf_doubles(wide, 2, 1), arguments),
            (answer{kf_shape_error, memory + "numbers of double were given, float is needed"}));
  EXPECT_EQ(ask<float>(S, kf_array{a.data(), 2, 1, 1, 1, kf_int32}, arguments),
            (answer{kf_shape_error, memory + "numbers of std::int32_t were given, float is needed"}));
  EXPECT_EQ(ask<float>(S, kf_floats(X.data(), 2, 1), arguments),
            (answer{kf_overlap_error,
                    "argument 0 (x0, Vi<0, 2>) of " + name + " lies in the memory that the result is written to"}));
  EXPECT_EQ(X, (std::vector<float>{1, 2, 3, 4}));

  EXPECT_EQ(ask<float>(S, result, arguments, {.stop = [] { return true; }}).status, kf_stopped);
  EXPECT_EQ(ask<float>(S, result, arguments, {.instructions = kf::instruction_set(77)}).status,
            kf_instruction_set_error);
  const auto with_progress = [&](auto f) { return ask<float>(S, result, arguments, {.progress = f}); };
  EXPECT_EQ(with_progress([](double) { throw std::bad_alloc(); }),
            (answer{kf_out_of_memory, "there is not enough memory"}));
  EXPECT_EQ(with_progress([](double) { throw std::runtime_error("mine"); }), (answer{kf_other_error, "mine"}));
  EXPECT_EQ(with_progress([](double) { throw 7; }), (answer{kf_other_error, "an exception that is no std::exception"}));
  EXPECT_EQ(a, std::vector<float>(2, 42.f));
}

TEST(c, sentences_of_any_length) {
  const kf_array result{};
  char message[8] = "1234567";
  const kf::any_reduction<float> r = S;
  EXPECT_EQ(kf::into_from_c(r, result, nullptr, 0, message, 5), kf_shape_error);
  EXPECT_EQ(std::memcmp(message,
                        "Sum(\0"
                        "67",
                        8),
            0);
  EXPECT_EQ(kf::into_from_c(r, result, nullptr, 0, nullptr, 5), kf_shape_error);
  EXPECT_EQ(kf::into_from_c(r, result, nullptr, 0, message, 0), kf_shape_error);
  EXPECT_EQ(message[0], 'S');
}
