#include "easyjwt/http/basic_credentials.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::http {
namespace {

/// "id|secret", or "none".
std::string parsed(std::string_view field) {
  const auto credentials = parse_basic(field);
  if (!credentials) return "none";
  return credentials->id + "|" + std::string(credentials->secret.view());
}

TEST(BasicCredentials, AreRead) {
  // RFC 6749 section 2.3.1's own.
  EXPECT_EQ(parsed("Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"), "s6BhdRkqt3|gX1fBat3bV");
  EXPECT_EQ(parsed("basic   " + base64("a:b")), "a|b");
  EXPECT_EQ(parsed("Basic " + base64("a:b:c")), "a|b:c");
  EXPECT_EQ(parsed("Basic " + base64(":")), "|");
  EXPECT_EQ(parsed("Basic " + base64("a%3Ab:%2B%20+%C3%A4")), "a:b|+  ä");
  EXPECT_EQ(parsed("Basic " + base64("a%:%4")), "a%|%4");
  EXPECT_EQ(parsed("Basic " + base64("\xff:b")), "\xef\xbf\xbd|b");
}

TEST(BasicCredentials, WhatIsNone) {
  for (const std::string& field :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Basic a"),
        "Basic " + base64("no colon"), "Basic " + base64("a:b") + "=",
        "Basic " + base64("a:b") + " x", std::string("Basic YTpi\n"), std::string("Basic YT pi"),
        std::string("Basic YTp_"), "Bearer " + base64("a:b"), "Basic\t" + base64("a:b"),
        "Basics " + base64("a:b"), base64("a:b"), " Basic " + base64("a:b")}) {
    EXPECT_EQ(parsed(field), "none") << field;
  }
}

TEST(BasicCredentials, TheSchemeIsToldFromOthers) {
  for (const auto* field : {"Basic", "basic x", "BASIC "}) EXPECT_TRUE(is_basic(field)) << field;
  for (const auto* field : {"", "Bearer x", "Basics x", " Basic x"}) {
    EXPECT_FALSE(is_basic(field)) << field;
  }
}

}  // namespace
}  // namespace easyjwt::http
