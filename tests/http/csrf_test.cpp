#include "easyjwt/http/csrf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt::http {
namespace {

// From Django 3.2 (django.middleware.csrf): a secret, and two tokens that it made of it.
constexpr std::string_view secret = "abcdefghijklmnopqrstuvwxyzABCDEF";
constexpr std::string_view token_1 =
    "PhrDvMfLuzhyyB0YiG4nE4Onpd2CcI3JPitGzRlSCIrJKOedyXmGYpaKNCs3Ebxe";
constexpr std::string_view token_2 =
    "kdqHRUYyrSFMPTvdepELKwAplsqN7jqOkesKVZ4Fz1PX16JsuGW44RWMJRQezMUj";
constexpr std::string_view another = "BBcdefghijklmnopqrstuvwxyzABCDEF";

/// What a browser sends. Absent: an empty text.
struct Sent {
  std::string_view cookie = token_1;
  std::string_view header = token_2;
  std::string_view origin{};
  std::string_view referer{};
  std::string_view scheme = "http";
  std::string_view host = "api.example.com";
  Method method = Method::post;
  std::string_view form{};
};

CsrfSettings usual() {
  CsrfSettings settings;
  settings.trusted_origins = {"https://app.example.com", "http://127.0.0.1:8124",
                              "https://*.fleet.example"};
  return settings;
}

/// "", or why the request is refused.
std::string check(const Sent& sent, const CsrfSettings& settings = usual(),
                  std::vector<Header> more = {}) {
  std::vector<Header> headers = std::move(more);
  const auto cookie = settings.cookie.name + '=' + std::string(sent.cookie);
  if (!sent.cookie.empty()) headers.push_back({"Cookie", cookie});
  if (!sent.header.empty()) headers.push_back({"x-csrftoken", sent.header});
  if (!sent.origin.empty()) headers.push_back({"Origin", sent.origin});
  if (!sent.referer.empty()) headers.push_back({"Referer", sent.referer});
  if (!sent.form.empty()) {
    headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  }
  Request request;
  request.method = sent.method;
  request.method_name = to_string(sent.method);
  request.headers = headers;
  request.body = sent.form;
  request.scheme = sent.scheme;
  request.host = sent.host;
  const auto good = Csrf(settings).check(request);
  if (good) return "";
  EXPECT_EQ(good.error().code, Errc::permission_denied);
  return good.error().detail.str();
}

TEST(Csrf, ReadsTokensOfDjango) {
  for (const auto cookie : {secret, token_1, token_2}) {
    for (const auto token : {secret, token_1, token_2}) {
      EXPECT_EQ(check({.cookie = cookie, .header = token}), "");
      EXPECT_EQ(check({.cookie = cookie, .header = another}), "CSRF Failed: CSRF token incorrect.");
    }
  }
}

TEST(Csrf, WantsCookieAndToken) {
  EXPECT_EQ(check({.cookie = ""}), "CSRF Failed: CSRF cookie not set.");
  EXPECT_EQ(check({.header = ""}), "CSRF Failed: CSRF token missing.");
  const std::string longer = std::string(token_1) + 'a', odd = std::string(secret.substr(1)) + '-';
  for (const std::string_view wrong :
       {std::string_view("x"), secret.substr(1), std::string_view(longer), std::string_view(odd)}) {
    EXPECT_EQ(check({.cookie = wrong}), "CSRF Failed: CSRF cookie is malformed.");
    EXPECT_EQ(check({.header = wrong}), "CSRF Failed: CSRF token incorrect.");
    // Two that are equal and no tokens: a cookie that a neighbour's domain could plant blindly.
    EXPECT_NE(check({.cookie = wrong, .header = wrong}), "");
  }
}

TEST(Csrf, SafeMethodsPass) {
  for (const auto method : {Method::get, Method::head, Method::options}) {
    EXPECT_EQ(check({.cookie = "", .origin = "https://evil.example", .method = method}), "");
  }
  for (const auto method :
       {Method::post, Method::put, Method::patch, Method::delete_, Method::other}) {
    EXPECT_NE(check({.cookie = "", .method = method}), "");
  }
}

TEST(Csrf, AFormBringsTheTokenToo) {
  const std::string form = "a=b&csrfmiddlewaretoken=" + std::string(token_2);
  const std::string wrong = "csrfmiddlewaretoken=" + std::string(another);
  EXPECT_EQ(check({.header = "", .form = form}), "");
  EXPECT_EQ(check({.header = another, .form = form}), "");
  EXPECT_EQ(check({.form = wrong}), "CSRF Failed: CSRF token incorrect.");
  EXPECT_EQ(check({.form = "csrfmiddlewaretoken="}), "");
  EXPECT_NE(check({.header = "", .method = Method::put, .form = form}), "");
}

TEST(Csrf, TheOriginMustBeOurs) {
  for (const std::string_view good :
       {"http://api.example.com", "https://app.example.com", "http://127.0.0.1:8124",
        "https://fleet.example", "https://a.fleet.example", "https://a.b.fleet.example"}) {
    EXPECT_EQ(check({.origin = good}), "") << good;
  }
  for (const std::string_view bad : {"null",
                                     "x",
                                     "://",
                                     "http://",
                                     "https://api.example.com",
                                     "http://api.example.com/",
                                     "http://api.example.com:80",
                                     "http://api.example.com.evil.example",
                                     "http://evilapi.example.com",
                                     "http://app.example.com",
                                     "https://app.example.com:8443",
                                     "https://app.example.com.evil.example",
                                     "https://xapp.example.com",
                                     "HTTPS://APP.EXAMPLE.COM",
                                     "https://app.example.com/x",
                                     "https://app.example.com#",
                                     "https://user@app.example.com",
                                     "http://127.0.0.1",
                                     "http://127.0.0.1:81240",
                                     "http://127.0.0.1:8124@evil.example",
                                     "https://notfleet.example",
                                     "http://a.fleet.example",
                                     "https://a.fleet.example:1",
                                     "https://evil.example/.fleet.example",
                                     "https://evil.example\\.fleet.example",
                                     "https://evil.example?.fleet.example",
                                     "https://evil@a.fleet.example",
                                     "https://.fleet.example.evil",
                                     "http://api.example.com,http://api.example.com"}) {
    EXPECT_EQ(check({.origin = bad}),
              "CSRF Failed: Origin checking failed - Origin does not match any trusted origins.")
        << bad;
  }
  // The second of two is not hidden behind the first.
  EXPECT_NE(
      check({.origin = "http://api.example.com"}, usual(), {{"Origin", "http://api.example.com"}}),
      "");
  EXPECT_EQ(check({.origin = "https://api.example.com:8443",
                   .scheme = "https",
                   .host = "api.example.com:8443"}),
            "");
  EXPECT_NE(check({.origin = "http://", .host = ""}), "");
}

TEST(Csrf, WithTlsTheRefererStandsIn) {
  const auto refused = [](std::string_view referer) {
    return check({.referer = referer, .scheme = "https"});
  };
  for (const std::string_view good :
       {"https://api.example.com/", "https://api.example.com", "https://API.example.com/x?y#z",
        "https://app.example.com/login", "https://a.fleet.example/"}) {
    EXPECT_EQ(refused(good), "") << good;
  }
  EXPECT_EQ(refused(""), "CSRF Failed: Referer checking failed - no Referer.");
  for (const std::string_view bad :
       {"x", "//api.example.com/", "https:///x", "https://a b/", "https://evil@api.example.com/",
        "https://evil.example\\.fleet.example/"}) {
    EXPECT_EQ(refused(bad), "CSRF Failed: Referer checking failed - Referer is malformed.") << bad;
  }
  EXPECT_EQ(refused("http://api.example.com/"),
            "CSRF Failed: Referer checking failed - Referer is insecure while host is secure.");
  for (const std::string_view bad :
       {"https://evil.example/", "https://evil.example/https://api.example.com/",
        "https://api.example.com.evil.example/", "https://api.example.com:8443/",
        "https://127.0.0.1/", "https://xfleet.example/", "https://evil.example?.fleet.example"}) {
    EXPECT_EQ(refused(bad),
              "CSRF Failed: Referer checking failed - Referer does not match any trusted origins.")
        << bad;
  }
  // Without TLS whoever is on the way can forge it: it says nothing.
  EXPECT_EQ(check({.referer = "https://evil.example/"}), "");
  // An Origin is asked before it.
  EXPECT_NE(check({.origin = "null", .referer = "https://api.example.com/", .scheme = "https"}),
            "");
}

TEST(Csrf, TheCookiesDomainMayReferToIt) {
  auto settings = usual();
  settings.cookie.domain = ".example.com";
  EXPECT_EQ(check({.referer = "https://shop.example.com/", .scheme = "https"}, settings), "");
  EXPECT_EQ(check({.referer = "https://shop.example.com:8443/",
                   .scheme = "https",
                   .host = "api.example.com:8443"},
                  settings),
            "");
  EXPECT_NE(check({.referer = "https://shop.example.com/",
                   .scheme = "https",
                   .host = "api.example.com:8443"},
                  settings),
            "");
  EXPECT_NE(check({.referer = "https://example.com.evil/", .scheme = "https"}, settings), "");
}

TEST(Csrf, HasItsNames) {
  auto settings = usual();
  settings.cookie.name = "other";
  settings.header_name = "X-Other";
  EXPECT_EQ(check({}, settings), "CSRF Failed: CSRF token missing.");
  EXPECT_EQ(check({.header = ""}, settings, {{"x-other", token_2}}), "");
}

struct Ensured {
  std::string token;
  std::string fields;
};

Ensured ensure(std::string_view cookie) {
  const auto field = "csrftoken=" + std::string(cookie);
  const std::vector<Header> headers{{"Cookie", field}};
  Request request;
  if (!cookie.empty()) request.headers = headers;
  Response response;
  const Csrf csrf({});
  auto token = csrf.ensure_cookie(request, response);
  return {std::move(token), std::move(response.fields)};
}

TEST(Csrf, SetsACookieThatItsTokenGoesWith) {
  const auto first = ensure(""), second = ensure("");
  EXPECT_NE(first.fields, second.fields);
  ASSERT_TRUE(first.fields.starts_with("Set-Cookie: csrftoken=")) << first.fields;
  const auto cookie = first.fields.substr(22, 64);
  EXPECT_EQ(first.fields.substr(22 + 64),
            "; Max-Age=31449600; Path=/; SameSite=Lax\r\nVary: Cookie\r\n");
  EXPECT_NE(cookie, first.token);
  EXPECT_EQ(check({.cookie = cookie, .header = first.token}), "");
  EXPECT_EQ(check({.cookie = cookie, .header = cookie}), "");
  EXPECT_NE(check({.cookie = cookie, .header = second.token}), "");
}

TEST(Csrf, KeepsASoundCookieAndReplacesAnother) {
  for (const auto cookie : {secret, token_1}) {
    const auto kept = ensure(cookie);
    EXPECT_TRUE(kept.fields.starts_with("Set-Cookie: csrftoken=" + std::string(cookie) + ';'));
    EXPECT_NE(kept.token, cookie);
    EXPECT_EQ(check({.cookie = cookie, .header = kept.token}), "");
  }
  const auto replaced = ensure("planted");
  EXPECT_EQ(replaced.fields.find("planted"), std::string::npos);
}

TEST(Csrf, OriginsOfTheSettings) {
  for (const auto* good : {"http://a", "https://a.b-c.example:8443", "http://[::1]:80"}) {
    EXPECT_TRUE(is_origin(good)) << good;
  }
  for (const auto* bad : {"",
                          "null",
                          "*",
                          "a",
                          "a.example",
                          "//a",
                          "ftp://a",
                          "http://",
                          "http:///",
                          "http://a/",
                          "http://a/b",
                          "http://a?b",
                          "http://a#b",
                          "http://u@a",
                          "http://A",
                          "HTTP://a",
                          "http://a:",
                          "http://a:b",
                          "http://a:123456",
                          "http://a b",
                          "http://[a",
                          "http://[]",
                          "http://[zz::]",
                          "http://*.a",
                          "http://a\r\n"}) {
    EXPECT_FALSE(is_origin(bad)) << bad;
  }
  for (const auto* bad : {"", "null", "*", "https://*", "https://*.", "https://a.*.b",
                          "app.example.com", "https://*.a/"}) {
    CsrfSettings settings;
    settings.trusted_origins = {bad};
    EXPECT_THROW(Csrf{settings}, SettingsError) << bad;
  }
}

}  // namespace
}  // namespace easyjwt::http
