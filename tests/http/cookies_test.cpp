#include "easyjwt/http/cookies.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace easyjwt::http {
namespace {

std::string find(const std::vector<Header>& headers, std::string_view name = "a") {
  Request request;
  request.headers = headers;
  return std::string(find_cookie(request, name).value_or("none"));
}

TEST(Cookies, AreFound) {
  EXPECT_EQ(find({{"Cookie", "a=1"}}), "1");
  EXPECT_EQ(find({{"cookie", "b=2; a=1; c=3"}}), "1");
  EXPECT_EQ(find({{"Cookie", " b=2;a = 1 ;c"}}), "1");
  EXPECT_EQ(find({{"Cookie", "a=1=2"}}), "1=2");
  EXPECT_EQ(find({{"Cookie", "a=\"1\""}}), "1");
  EXPECT_EQ(find({{"Cookie", "a="}}), "");
  EXPECT_EQ(find({{"Cookie", "a=1; a=2"}}), "2");
  EXPECT_EQ(find({{"Cookie", "a=1"}, {"Host", "h"}, {"Cookie", "a=2"}}), "2");
  EXPECT_EQ(find({{"Cookie", "a=eyJ.e-_.x"}}), "eyJ.e-_.x");
}

TEST(Cookies, OfOthersAreNotOurs) {
  for (const auto* field :
       {"", "a", "A=1", "xa=1", "ax=1", "b=a=1", "b=1, a=2", ";;;", "=a", "a b=1", "a=1; a=x y",
        "a=1; a=x\ty", "a=\x80", "a=\xc3\xa4", "a=\x01", "a=\x7f"}) {
    EXPECT_EQ(find({{"Cookie", field}}), "none") << field;
  }
  EXPECT_EQ(find({{"X-Cookie", "a=1"}, {"Set-Cookie", "a=1"}}), "none");
  EXPECT_EQ(find({}), "none");
}

std::string set(const CookieSettings& cookie, std::string_view value = "v") {
  Response response;
  set_cookie(response, cookie, value);
  return response.fields;
}

TEST(Cookies, AreSetWithTheirAttributes) {
  EXPECT_EQ(set({.name = "a"}), "Set-Cookie: a=v; Path=/; SameSite=Lax\r\n");
  EXPECT_EQ(set({.name = "a",
                 .age = 60,
                 .secure = true,
                 .http_only = true,
                 .same_site = "Strict",
                 .domain = ".example.com",
                 .path = "/auth/token/"}),
            "Set-Cookie: a=v; Domain=.example.com; HttpOnly; Max-Age=60; Path=/auth/token/; "
            "SameSite=Strict; Secure\r\n");
  EXPECT_EQ(set({.name = "a", .same_site = ""}), "Set-Cookie: a=v; Path=/\r\n");
}

TEST(Cookies, AreDeletedAsDjangoDoes) {
  const auto deleted = [](const CookieSettings& cookie) {
    Response response;
    delete_cookie(response, cookie);
    return response.fields;
  };
  EXPECT_EQ(deleted({.name = "a", .age = 60, .secure = true, .http_only = true, .path = "/x/"}),
            "Set-Cookie: a=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x/; "
            "SameSite=Lax\r\n");
  for (const auto& cookie : {CookieSettings{.name = "a", .same_site = "None"},
                             CookieSettings{.name = "__Secure-a", .same_site = "None"},
                             CookieSettings{.name = "__Host-a", .same_site = "None"}}) {
    EXPECT_TRUE(deleted(cookie).ends_with("SameSite=None; Secure\r\n")) << cookie.name;
  }
}

TEST(Cookies, NothingHidesInThem) {
  for (const std::string_view value : {"a;b", "a b", "a,b", "a\"b", "a\\b", "a\r\nSet-Cookie: x=y",
                                       "a\nb", "a\tb", "\x7f", "\xc3\xa4"}) {
    EXPECT_FALSE(is_cookie_value(value)) << value;
    EXPECT_THROW(set({.name = "a"}, value), std::invalid_argument) << value;
  }
  EXPECT_THROW(set({.name = "a"}, std::string_view("a\0b", 3)), std::invalid_argument);
  for (const auto* name : {"", "a b", "a=b", "a;b", "a\r\nb", "\xc3\xa4"}) {
    EXPECT_THROW(set({.name = name}), std::invalid_argument) << name;
  }
  for (const auto* path : {"", "x", "/;Domain=x", "/ ", "/\r\n", "/\x7f"}) {
    EXPECT_FALSE(is_cookie_path(path)) << path;
    EXPECT_THROW(set({.name = "a", .path = path}), std::invalid_argument) << path;
  }
  for (const auto* domain : {"", ".", "..a", "a;b", "a b", "a/b", "a:80", "a\r\nb"}) {
    EXPECT_FALSE(is_cookie_domain(domain)) << domain;
    EXPECT_THROW(set({.name = "a", .domain = domain}), std::invalid_argument) << domain;
  }
  for (const auto* site : {"lax", "Lax; Secure", "Any"}) {
    EXPECT_THROW(set({.name = "a", .same_site = site}), std::invalid_argument) << site;
  }
}

}  // namespace
}  // namespace easyjwt::http
