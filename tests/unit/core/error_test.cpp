#include <kernfold/core/error.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace kf = kernfold;

TEST(message, is_empty_at_first) {
  const kf::message m;
  EXPECT_STREQ(m.c_str(), "");
  EXPECT_EQ(m.size(), 0u);
}

TEST(message, joins_texts_and_whole_numbers) {
  kf::message m;
  m << "a" << 0 << std::string(" b ") << -12 << std::string_view(" c") << 7u << kf::message(" d");
  EXPECT_STREQ(m.c_str(), "a0 b -12 c7 d");
  EXPECT_EQ(m.size(), 13u);
}

TEST(message, writes_the_extreme_numbers) {
  EXPECT_STREQ((kf::message() << std::numeric_limits<std::int64_t>::min()).c_str(), "-9223372036854775808");
  EXPECT_STREQ((kf::message() << std::numeric_limits<std::uint64_t>::max()).c_str(), "18446744073709551615");
}

TEST(message, keeps_nulls_of_a_sized_text) { EXPECT_EQ(kf::message(std::string_view("a\0b", 3)).size(), 3u); }

TEST(message, grows_like_a_string) {
  kf::message m;
  std::string s;
  for (int n = 0; n < 2000; ++n) {
    m << n << ", ";
    s += std::to_string(n) + ", ";
  }
  EXPECT_EQ(m.c_str(), s);
}

TEST(message, copies_are_values) {
  kf::message a("one");
  kf::message b = a;
  EXPECT_EQ(a.c_str(), b.c_str());  // shared until one of them changes
  b << " two";
  EXPECT_STREQ(a.c_str(), "one");
  EXPECT_STREQ(b.c_str(), "one two");
  a = b;
  a << a;  // its own letters, shared with b
  EXPECT_STREQ(a.c_str(), "one twoone two");
  EXPECT_STREQ(b.c_str(), "one two");
  kf::message& self = a;
  a = self;
  EXPECT_STREQ(a.c_str(), "one twoone two");
  const kf::message moved = static_cast<kf::message&&>(a);
  EXPECT_STREQ(moved.c_str(), "one twoone two");
  EXPECT_STREQ(a.c_str(), "");
}

TEST(message, may_be_appended_to_itself) {
  kf::message m("0123456789");
  for (int n = 0; n < 6; ++n) m << m;  // in place and, when room ends, into a larger block
  EXPECT_EQ(m.size(), 640u);
  for (std::size_t n = 0; n < m.size(); ++n) ASSERT_EQ(m.c_str()[n], static_cast<char>('0' + n % 10));
}

TEST(error, owns_its_sentence) {
  kf::error copy("");
  try {
    std::string text = "100 numbers";
    throw kf::shape_error(text);
  } catch (const kf::shape_error& e) {
    copy = e;
  }
  EXPECT_STREQ(copy.what(), "100 numbers");
}

TEST(error, copies_without_throwing) {
  static_assert(std::is_nothrow_copy_constructible_v<kf::error> && std::is_nothrow_copy_assignable_v<kf::error>);
  static_assert(std::is_nothrow_copy_constructible_v<kf::shape_error>);
  static_assert(std::is_nothrow_copy_constructible_v<kf::stopped>);
}

template <class E> void catch_as_each_base() {
  EXPECT_THROW(throw E("text"), E);
  EXPECT_THROW(throw E("text"), kf::error);
  try {
    throw E("text");
  } catch (const std::exception& e) {
    EXPECT_STREQ(e.what(), "text");
  }
}

TEST(error, is_caught_by_its_bases) {
  catch_as_each_base<kf::shape_error>();
  catch_as_each_base<kf::binding_error>();
  catch_as_each_base<kf::overlap_error>();
  catch_as_each_base<kf::stopped>();
  catch_as_each_base<kf::instruction_set_error>();
}
