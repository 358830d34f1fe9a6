#include "easyjwt/core/json.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

TEST(ParseJson, TakesTheLastOfDuplicateMembers) {
  EXPECT_EQ(parse_json(R"({"a":1,"b":2,"a":3})")->at("a").as_int64(), 3);
}

TEST(ParseJson, LimitsDepth) {
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  const auto deep = parse_json(std::string(33, '[') + std::string(33, ']'));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, Errc::parse_error);
}

TEST(ParseJson, ReadsAZeroWithAGreatExponentAsZero) {
  for (const std::string_view text : {"0e9200", "-0e9200", "0.00E+999"}) {
    EXPECT_EQ(parse_json(text)->as_double(), 0) << text;
  }
  std::string out;
  append_json(out, *parse_json(R"({"a":[{"b":0e9200}]})"));
  EXPECT_EQ(out, R"({"a":[{"b":0.0}]})");
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"", "{", "{\"a\":}", "nul", "[1,]", "NaN", "'a'", "\xef\xbb\xbf{}", "\"\xff\"",
        "\"\\ud800\"", "{} x", "01", "\"\x01\""}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().detail.str().rfind("JSON parse error - ", 0), 0u);
  }
}

TEST(PythonNumber, IsWhatStrWrites) {
  const auto str = [](std::string_view text) { return python_number(*parse_json(text)); };
  EXPECT_EQ(str("5"), "5");
  EXPECT_EQ(str("-17"), "-17");
  EXPECT_EQ(str("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(str("1.5"), "1.5");
  EXPECT_EQ(str("5.0"), "5.0");
  EXPECT_EQ(str("1e300"), "1e+300");
  EXPECT_EQ(str("1e16"), "1e+16");
  EXPECT_EQ(str("123456789012345.0"), "123456789012345.0");
  EXPECT_EQ(str("0.0001"), "0.0001");
  EXPECT_EQ(str("0.00001"), "1e-05");
  EXPECT_EQ(str("1e400"), "inf");
  EXPECT_EQ(str("-1e400"), "-inf");
  EXPECT_EQ(str("true"), "");
}

TEST(AppendJson, WritesWhatItRead) {
  for (const std::string_view text :
       {"{}", "[]", "null", "true", R"({"a":[1,-2,1.5,"x\"",{"b":null}],"c":{"d":[[],false]}})"}) {
    std::string out;
    append_json(out, *parse_json(text));
    EXPECT_EQ(out, text);
  }
}

TEST(AppendJson, WritesDigitsBeyondADoublesRangeAsSuch) {
  for (const auto& text : {std::string("1e400"), "-1" + std::string(400, '0')}) {
    std::string out;
    append_json(out, *parse_json(text));
    std::string again;
    append_json(again, *parse_json(out));
    EXPECT_EQ(out, text.front() == '-' ? "-1e999" : "1e999");
    EXPECT_EQ(again, out);
  }
}

TEST(AppendJsonString, Escapes) {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\0\x1f\xc3\xa4", 8));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0000\\u001f\xc3\xa4\"");
}

}  // namespace
}  // namespace easyjwt
