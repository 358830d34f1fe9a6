#include "easyjwt/http/cors.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt::http {
namespace {

using Headers = std::vector<Header>;

class CorsTest : public testing::Test {
 protected:
  CorsTest() : router_({"localhost"}, no_log()) {
    View view;
    view.path = "/a/";
    view.challenge = "Bearer";
    view.handlers = {{Method::post, [](const Request&) { return Response::json("{}"); }},
                     {Method::get, [](const Request&) -> Reply { return Error{Errc::busy}; }},
                     {Method::put, [](const Request&) -> Reply { throw std::runtime_error("x"); }}};
    router_.add(std::move(view));
  }
  void use(bool credentials = false) {
    router_.use(Cors({.allowed_origins = {"https://app.example.com", "http://localhost:3000"},
                      .allow_credentials = credentials,
                      .allow_headers = {"content-type", "x-csrftoken"}}));
  }
  Response answer(Method method, const Headers& headers, std::string_view path = "/a/",
                  std::string_view host = "localhost") {
    Request request;
    request.method = method;
    request.method_name = to_string(method);
    request.path = path;
    request.host = host;
    request.headers = headers;
    return router_.dispatch(request).response;
  }

  Router router_;
};

constexpr std::string_view good = "https://app.example.com";
const std::string allowed =
    "Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n";

TEST_F(CorsTest, IsOffUnlessItIsUsed) {
  EXPECT_EQ(answer(Method::post, {{"Origin", good}}).fields, "");
  const auto options =
      answer(Method::options, {{"Origin", good}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(options.fields, "");
  EXPECT_NE(options.body, "");
}

TEST_F(CorsTest, EveryAnswerSaysWhoMayReadIt) {
  use();
  const Headers origin{{"Origin", good}};
  EXPECT_EQ(answer(Method::post, origin).fields, allowed);
  EXPECT_EQ(answer(Method::options, origin).fields, allowed);
  // Errors: 405, 404, 400, 503, 500, and a redirect.
  const auto is = [&](const Response& response, int status) {
    EXPECT_EQ(response.status, status);
    EXPECT_TRUE(response.fields.ends_with(allowed)) << response.fields;
  };
  is(answer(Method::patch, origin), 405);
  is(answer(Method::post, origin, "/none/"), 404);
  is(answer(Method::post, origin, "/a/", "evil.example"), 400);
  is(answer(Method::get, origin), 503);
  is(answer(Method::put, origin), 500);
  is(answer(Method::get, origin, "/a"), 301);
  // What depends on the origin must not be cached for another.
  EXPECT_EQ(answer(Method::post, {}).fields, "Vary: Origin\r\n");
}

TEST_F(CorsTest, CredentialsAreAllowedOnRequestOnly) {
  use(true);
  EXPECT_EQ(answer(Method::post, {{"Origin", good}}).fields,
            allowed + "Access-Control-Allow-Credentials: true\r\n");
  EXPECT_EQ(answer(Method::post, {{"Origin", "https://evil.example"}}).fields, "Vary: Origin\r\n");
}

TEST_F(CorsTest, PreflightsAreAnsweredBeforeTheView) {
  use(true);
  const auto response =
      answer(Method::options, {{"Origin", good}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.fields,
            "Access-Control-Allow-Headers: content-type, x-csrftoken\r\n"
            "Access-Control-Allow-Methods: DELETE, GET, OPTIONS, PATCH, POST, PUT\r\n"
            "Access-Control-Max-Age: 86400\r\n" +
                allowed + "Access-Control-Allow-Credentials: true\r\n");
  EXPECT_EQ(answer(Method::options,
                   {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "POST"}})
                .fields,
            "Vary: Origin\r\n");
  EXPECT_EQ(answer(Method::options, {{"Access-Control-Request-Method", "POST"}}).fields,
            "Vary: Origin\r\n");
  // A request of that name is none.
  EXPECT_EQ(answer(Method::post, {{"Access-Control-Request-Method", "POST"}}).body, "{}");
}

TEST_F(CorsTest, OtherOriginsAreNotAllowed) {
  use(true);
  for (const std::string_view bad : {"null",
                                     "",
                                     "*",
                                     "https://app.example.com.evil.example",
                                     "https://evilapp.example.com",
                                     "https://app.example.co",
                                     "https://app.example.comm",
                                     "http://app.example.com",
                                     "https://app.example.com:443",
                                     "https://app.example.com:8443",
                                     "https://app.example.com/",
                                     "HTTPS://app.example.com",
                                     "https://APP.example.com",
                                     "https://app.example.com ",
                                     "https://user@app.example.com",
                                     "https://sub.app.example.com",
                                     "https://localhost:3000",
                                     "http://localhost:30000",
                                     "http://localhost",
                                     "http://localhost:3000,https://app.example.com",
                                     "https://evil.example https://app.example.com"}) {
    EXPECT_EQ(answer(Method::post, {{"Origin", bad}}).fields, "Vary: Origin\r\n") << bad;
  }
  EXPECT_EQ(answer(Method::post, {{"Origin", good}, {"origin", "null"}}).fields,
            "Vary: Origin\r\n");
}

TEST(Cors, TakesOriginsOnly) {
  for (const auto* bad : {"*", "null", "", "app.example.com", "https://app.example.com/",
                          "https://*.example.com", "https://app.example.com\r\nX: y"}) {
    EXPECT_THROW(Cors({.allowed_origins = {bad}}), SettingsError) << bad;
  }
}

}  // namespace
}  // namespace easyjwt::http
