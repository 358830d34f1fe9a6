#include "service/forward_auth/path_rules.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

using Paths = std::vector<std::string>;

TEST(PathMeanings, AreThoseOfAPlainPath) {
  EXPECT_EQ(meanings_of("/"), Paths{"/"});
  EXPECT_EQ(meanings_of("/a/b"), Paths{"/a/b"});
  EXPECT_EQ(meanings_of("/a/b/"), Paths{"/a/b"});
  EXPECT_EQ(meanings_of("/a?x=/../b"), Paths{"/a"});
  EXPECT_EQ(meanings_of("/a#b"), Paths{"/a"});
  EXPECT_EQ(meanings_of("/a%20b/%C3%A9"), Paths{"/a b/\xc3\xa9"});
  EXPECT_EQ(meanings_of("/..."), Paths{"/..."});
  EXPECT_EQ(meanings_of("/100%25"), Paths{"/100%"});
}

TEST(PathMeanings, OtherSpellingsOfAPathAreThatPath) {
  for (const char* spelling :
       {"/public/../admin", "/public/%2e%2e/admin", "/public/%2E./admin", "//admin", "/./admin",
        "/public//..//admin/", "/%61dmin", "/public/x/../../admin", "/admin/.", "/admin/%2e"}) {
    EXPECT_EQ(meanings_of(spelling), Paths{"/admin"}) << spelling;
  }
}

TEST(PathMeanings, ParametersLeaveTwo) {
  EXPECT_EQ(meanings_of("/admin;x=1/users"), (Paths{"/admin;x=1/users", "/admin/users"}));
  EXPECT_EQ(meanings_of("/public/..;/admin"), (Paths{"/public/..;/admin", "/admin"}));
  EXPECT_EQ(meanings_of("/public%3b/../admin"), Paths{"/admin"});
  EXPECT_EQ(meanings_of("/;/admin"), (Paths{"/;/admin", "/admin"}));
}

TEST(PathMeanings, SomeHaveNone) {
  using namespace std::string_view_literals;
  for (const auto uri : {""sv,
                         "a"sv,
                         "http://h/a"sv,
                         "/.."sv,
                         "/a/../.."sv,
                         "/a%2fb"sv,
                         "/a%2Fb"sv,
                         "/a%5cb"sv,
                         "/a\\b"sv,
                         "/a%00"sv,
                         "/a\0b"sv,
                         "/a%0a"sv,
                         "/a%7f"sv,
                         "/%"sv,
                         "/%2"sv,
                         "/%zz"sv,
                         "/%252e%252e/admin"sv,
                         "/a%252fb"sv,
                         "/a%253bb"sv,
                         "/%25%32%65"sv,
                         "/..;/admin"sv}) {
    EXPECT_EQ(meanings_of(uri), Paths{}) << uri;
  }
}

class Rules : public testing::Test {
 protected:
  static PathRules rules() {
    return PathRules({{"/", {}, is_admin_user()},
                      {"/public", {}, allow_any()},
                      {"/api/", {"GET", "HEAD"}, allow_any()},
                      {"/api", {}, is_authenticated()},
                      {"/api/admin", {}, is_admin_user()}});
  }
  /// 0: allowed; else the status.
  static int status(const Identity* who, std::string_view method, std::string_view uri) {
    const auto allowed = rules().check(who, method, uri);
    return allowed ? 0 : describe(allowed.error().code).status;
  }
  Rules() { staff_.is_staff = true; }
  Identity user_;
  Identity staff_;
};

TEST_F(Rules, TheLongestPathThatFitsDecides) {
  EXPECT_EQ(status(nullptr, "GET", "/public"), 0);
  EXPECT_EQ(status(nullptr, "GET", "/public/deep/er?x"), 0);
  EXPECT_EQ(status(nullptr, "GET", "/"), 401);
  EXPECT_EQ(status(&user_, "GET", "/"), 403);
  EXPECT_EQ(status(&staff_, "GET", "/"), 0);
  EXPECT_EQ(status(&user_, "GET", "/api/admin/x"), 403);
}

TEST_F(Rules, MethodsOfARule) {
  EXPECT_EQ(status(nullptr, "GET", "/api/x"), 0);
  EXPECT_EQ(status(nullptr, "POST", "/api/x"), 401);
  EXPECT_EQ(status(&user_, "POST", "/api/x"), 0);
  EXPECT_EQ(status(nullptr, "get", "/api/x"), 401);
  EXPECT_EQ(status(&staff_, "", "/api/x"), 403);
}

TEST_F(Rules, SegmentsAreWhole) {
  EXPECT_EQ(status(nullptr, "GET", "/publicity"), 401);
  EXPECT_EQ(status(nullptr, "GET", "/public.html"), 401);
  EXPECT_EQ(status(nullptr, "GET", "/Public"), 401);
  EXPECT_EQ(status(&user_, "GET", "/api/administration"), 0);
}

TEST_F(Rules, NoSpellingSlipsThrough) {
  for (const char* uri :
       {"/public/../admin", "/public/%2e%2e/admin", "/public/..;/admin", "/public/..;x/admin",
        "/public;/../admin", "//public/..//admin", "/public/%2e%2e;/admin", "/public/.%2E/admin"}) {
    EXPECT_EQ(status(nullptr, "GET", uri), 401) << uri;
    EXPECT_EQ(status(&user_, "GET", uri), 403) << uri;
  }
  for (const char* uri : {"/public%2f..%2fadmin", "/public/..%5cadmin", "/public/%252e%252e/admin",
                          "/public/../../admin", "public"}) {
    EXPECT_EQ(status(&staff_, "GET", uri), 403) << uri;
  }
}

TEST_F(Rules, WhatNoneFitsIsDenied) {
  const PathRules only({{"/api", {}, allow_any()}});
  EXPECT_EQ(only.check(&staff_, "GET", "/other").error().code, Errc::permission_denied);
  EXPECT_EQ(only.check(nullptr, "GET", "/other").error().code, Errc::permission_denied);
  EXPECT_EQ(only.check(&staff_, "GET", "").error().code, Errc::permission_denied);
  EXPECT_TRUE(only.check(nullptr, "GET", "/api"));
}

TEST_F(Rules, WithoutAnyALoginIsEnough) {
  const PathRules none({});
  EXPECT_EQ(none.check(nullptr, "", "").error().code, Errc::not_authenticated);
  EXPECT_TRUE(none.check(&user_, "", ""));
}

TEST(RuleText, IsMethodsAPathAndPermissions) {
  const auto rule = parse_path_rule("GET,HEAD  /api/ IsAuthenticated !in_group:Sales%20North");
  EXPECT_EQ(rule.path, "/api/");
  EXPECT_EQ(rule.methods, (std::vector<std::string>{"GET", "HEAD"}));
  Identity who;
  EXPECT_TRUE(rule.permission.allows({&who, "GET", "/api"}));
  who.groups = {"Sales North"};
  EXPECT_FALSE(rule.permission.allows({&who, "GET", "/api"}));
  EXPECT_FALSE(rule.permission.allows({nullptr, "GET", "/api"}));

  const auto open = parse_path_rule("/public AllowAny");
  EXPECT_TRUE(open.methods.empty());
  EXPECT_TRUE(open.permission.allows({}));
  who.permissions = {"shop.add_order"};
  EXPECT_TRUE(parse_path_rule("/ has_perm:shop.add_order").permission.allows({&who, "GET", "/"}));
  EXPECT_FALSE(parse_path_rule("/ has_perm:shop.view_x").permission.allows({&who, "GET", "/"}));
}

TEST(RuleText, WhatIsNone) {
  for (const char* text :
       {"", "  ", "/api", "GET /api", "GET", "get /api AllowAny", "GET, /api AllowAny",
        "/api allowany", "/api !", "/api has_perm:", "/api has_perm:x",
        "/api in_group:", "/api in_group:%zz", "/api AllowAny IsNobody", "api AllowAny"}) {
    EXPECT_THROW(parse_path_rule(text), SettingsError) << text;
  }
}

TEST(RuleSettings, PathsThatCouldNotBeMatched) {
  for (const char* path :
       {"", "api", "/a/../b", "/a//b", "/a%20b", "/a;b", "/a?b", "/a#", "/.", "/a\\b"}) {
    EXPECT_THROW(PathRules({{path, {}, allow_any()}}), SettingsError) << path;
  }
}

}  // namespace
}  // namespace easyjwt
