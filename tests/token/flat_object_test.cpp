#include "easyjwt/token/flat_object.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "easyjwt/core/json.hpp"
#include "easyjwt/token/claims.hpp"

namespace easyjwt {
namespace {

TEST(FlatObject, ReadsWhatTokensUsuallyAre) {
  FlatObject flat;
  const std::string text =
      "{\"token_type\":\"access\",\"exp\":1795439999,\"iat\":0,\"jti\":\"a b\x7f\",\"\":\"\"}";
  ASSERT_TRUE(flat.read(text));
  EXPECT_EQ(flat.find("token_type"), Claim(std::string_view("access")));
  EXPECT_EQ(flat.find("exp"), Claim(std::int64_t{1795439999}));
  EXPECT_EQ(flat.find("iat"), Claim(std::int64_t{0}));
  EXPECT_EQ(flat.find("jti"), Claim(std::string_view("a b\x7f")));
  EXPECT_EQ(flat.find(""), Claim(std::string_view("")));
  EXPECT_FALSE(flat.find("nbf"));
  EXPECT_FALSE(flat.find("ex"));
  EXPECT_TRUE(flat.read("{}"));
  EXPECT_FALSE(flat.find("exp"));
}

TEST(FlatObject, OfOneNameTheLastCounts) {
  FlatObject flat;
  ASSERT_TRUE(flat.read(R"({"a":1,"b":2,"a":"3"})"));
  EXPECT_EQ(flat.find("a"), Claim(std::string_view("3")));
}

/// JSON or not: it is for the parser to say.
TEST(FlatObject, LeavesAllElse) {
  FlatObject flat;
  for (const std::string_view text : {
           "",
           "{",
           "}",
           "[]",
           "null",
           "{\"a\":1",
           "\"a\":1}",
           "{\"a\":1}}",
           "{\"a\":1}x",
           "{\"a\":1,}",
           "{,\"a\":1}",
           "{\"a\"}",
           "{\"a\":}",
           "{\"a\":1\"b\":2}",
           "{\"a\" :1}",
           " {\"a\":1}",
           "{\"a\":1}\n",
           "{\"a\":01}",
           "{\"a\":00}",
           "{\"a\":-1}",
           "{\"a\":-0}",
           "{\"a\":1.5}",
           "{\"a\":1e3}",
           "{\"a\":1234567890123456789}",
           "{\"a\":true}",
           "{\"a\":null}",
           "{\"a\":[]}",
           "{\"a\":{}}",
           "{\"a\":\"\\n\"}",
           "{\"a\\\":1}",
           "{\"a\":\"\t\"}",
           "{\"a\":\"\xc3\xa4\"}",
           "{\"a\":\"\xff\"}",
           "{\"a\":\"}",
           "{\"a\":1'}",
           "{a:1}",
           "{\"a\":x}",
       }) {
    EXPECT_FALSE(flat.read(text)) << text;
  }
  EXPECT_FALSE(flat.read(std::string_view("{\"a\":\"\0\"}", 9)));
  EXPECT_TRUE(flat.read("{\"a\":123456789012345678}"));
}

TEST(FlatObject, HasRoomForSixteen) {
  std::string text = "{\"0\":0";
  FlatObject flat;
  for (int i = 1; i < 16; ++i) text += ",\"" + std::to_string(i) + "\":" + std::to_string(i);
  const auto sixteen = text + '}';
  EXPECT_TRUE(flat.read(sixteen));
  EXPECT_EQ(flat.find("15"), Claim(std::int64_t{15}));
  EXPECT_FALSE(flat.read(text + ",\"16\":16}"));
}

/// Every byte, at every place.
TEST(FlatObject, TakesNothingThatTheParserTakesForSomethingElse) {
  const std::string usual =
      R"({"token_type":"access","exp":1795439999,"iat":0,"jti":"0a-b","user_id":7})";
  std::minstd_rand random(1);
  int taken = 0;
  FlatObject flat;
  const auto compare = [&](const std::string& text) {
    if (!flat.read(text)) return;
    ++taken;
    const auto tree = parse_json(text);
    ASSERT_TRUE(tree && tree->is_object()) << text;
    ASSERT_LE(tree->get_object().size(), flat.size()) << text;
    for (const auto& member : tree->get_object()) {
      ASSERT_EQ(flat.find(member.key()), find_claim(tree->get_object(), member.key())) << text;
    }
  };
  for (std::size_t i = 0; i < usual.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      auto text = usual;
      text[i] = static_cast<char>(byte);
      compare(text);
      text.insert(i, 1, usual[i]);
      compare(text);
    }
    compare(usual.substr(0, i));
    compare(usual.substr(i));
  }
  static constexpr std::string_view alphabet = "{}\":,01a\\ -.eu[]\xc3\xa4";
  for (int i = 0; i < 200'000; ++i) {
    auto text = usual;
    for (auto changes = random() % 4 + 1; changes != 0; --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    compare(text);
  }
  EXPECT_GT(taken, 10'000);
}

}  // namespace
}  // namespace easyjwt
