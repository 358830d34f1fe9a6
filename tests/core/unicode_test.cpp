#include "easyjwt/core/unicode.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

TEST(Utf8, RefusesWhatRfc3629Does) {
  EXPECT_TRUE(is_utf8("a\xc3\xa4\xe5\xa4\xa7\xf0\x9f\x98\x80"));
  for (const std::string_view text : {"\xff", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xc3",
                                      "\xf4\x90\x80\x80", "\x80", "\xe5\xa4"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Strip, TakesUnicodeWhiteSpace) {
  EXPECT_EQ(strip(" \t\r\n a b \x1c\xe3\x80\x80\xc2\xa0"), "a b");
  EXPECT_EQ(strip("\xe2\x80\x83"), "");
  EXPECT_EQ(strip(""), "");
  EXPECT_EQ(strip("\xc3\xa4"), "\xc3\xa4");
}

TEST(Lower, MapsBeyondAscii) {
  EXPECT_EQ(lower("AbC"), "abc");
  EXPECT_EQ(lower("\xc3\x84\xd0\x96"), "\xc3\xa4\xd0\xb6");
}

TEST(CodePoints, AreCounted) {
  EXPECT_EQ(count_code_points("a\xc3\xa4\xe5\xa4\xa7"), 3u);
  EXPECT_EQ(code_points("a\xc3\xa4"), U"a\u00e4");
}

}  // namespace
}  // namespace easyjwt
