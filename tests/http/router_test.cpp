#include "easyjwt/http/router.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "easyjwt/core/waiting.hpp"

namespace easyjwt::http {
namespace {

struct Line {
  LogLevel level;
  std::string text;
};

class RouterTest : public testing::Test {
 protected:
  RouterTest()
      : router_({"localhost"}, [this](LogLevel level, std::string_view message,
                                      std::initializer_list<LogField> fields) {
          std::string text(message);
          for (const auto& field : fields) {
            text.append(" ").append(field.name).append("=").append(field.value);
          }
          lines_.push_back({level, text});
        }) {}

  void add(std::string path, std::vector<std::pair<Method, Handler>> handlers) {
    View view;
    view.path = std::move(path);
    view.name = "Some \"View\"";
    view.challenge = "Bearer realm=\"api\"";
    view.handlers = std::move(handlers);
    router_.add(std::move(view));
  }

  Router::Outcome dispatch(std::string_view method, std::string_view target,
                           std::string_view host = "localhost") {
    Request request;
    request.method_name = method;
    request.method = Method::other;
    for (const auto known : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                             Method::delete_, Method::options}) {
      if (method == to_string(known)) request.method = known;
    }
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    request.host = host;
    request.id = "id1";
    auto outcome = router_.dispatch(request);
    params_ = {std::string(request.params[0]), std::string(request.params[1])};
    return outcome;
  }
  Response answer(std::string_view method, std::string_view target,
                  std::string_view host = "localhost") {
    return dispatch(method, target, host).response;
  }

  Router router_;
  std::vector<Line> lines_;
  std::array<std::string, 2> params_;
};

Handler says(std::string text) {
  return [text](const Request&) { return Response::json(text); };
}
Handler fails(Error error) {
  return [error](const Request&) -> Reply { return error; };
}

TEST_F(RouterTest, TellsErrorsInTheLanguageOfWhoIsAnswered) {
  static constexpr std::array<Translation, 2> texts{{
      {"A server error occurred.", "Ein Serverfehler."},
      {"Not found.", "Nicht gefunden."},
  }};
  static constexpr Translations german{"de", texts};
  add("/fault/", {{Method::get, fails({Errc::internal, {}, "why"})}});
  Error relayed{Errc::auth_service_refused};
  relayed.body = R"({"detail":"Not found."})";
  add("/relayed/", {{Method::get, fails(relayed)}});
  const auto english = answer("GET", "/no/");
  router_.use(Language([](const Request& request) {
    return request.query == "de" ? &german : static_cast<const Translations*>(nullptr);
  }));
  EXPECT_EQ(answer("GET", "/no/").body, english.body);
  EXPECT_EQ(answer("GET", "/no/").fields, english.fields);
  const auto told = answer("GET", "/no/?de");
  EXPECT_EQ(told.body, R"({"detail":"Nicht gefunden."})");
  EXPECT_EQ(told.fields, "Content-Language: de\r\nVary: Accept-Language\r\n");
  const auto fault = answer("GET", "/fault/?de");
  EXPECT_EQ(fault.status, 500);
  EXPECT_EQ(fault.body, R"({"detail":"Ein Serverfehler.","request_id":"id1"})");
  const auto passed_on = answer("GET", "/relayed/?de");
  EXPECT_EQ(passed_on.body, relayed.body);
  EXPECT_EQ(passed_on.fields.find("Language"), std::string::npos);
}

TEST_F(RouterTest, FindsViewsByPathAndMethod) {
  add("/a/", {{Method::get, says("get a")}, {Method::post, says("post a")}});
  add("/a/{id}/", {{Method::get, says("one")}});
  add("/a/{id}/b/{name}", {{Method::get, says("two")}});
  add("/open", {{Method::get, says("open")}});
  EXPECT_EQ(answer("GET", "/a/").body, "get a");
  EXPECT_EQ(answer("HEAD", "/a/").body, "get a");
  EXPECT_EQ(answer("POST", "/a/?x=y").body, "post a");
  EXPECT_EQ(answer("GET", "/a/7/").body, "one");
  EXPECT_EQ(params_[0], "7");
  EXPECT_EQ(answer("GET", "/a/7/b/x%2Fy").body, "two");
  EXPECT_EQ(params_[0], "7");
  EXPECT_EQ(params_[1], "x%2Fy");
  EXPECT_EQ(answer("GET", "/open").body, "open");
  EXPECT_EQ(answer("GET", "/a/").view_fields,
            "Allow: GET, POST, HEAD, OPTIONS\r\nVary: Accept\r\n");
  EXPECT_EQ(answer("GET", "/a/7/").view_fields, "Allow: GET, HEAD, OPTIONS\r\nVary: Accept\r\n");
  for (const auto* path : {"/", "/b/", "/a//", "/a/7/8/", "/a/7//", "/A/", "/a/../a/", "/a%2F",
                           "//a/", "/open/", "/a/7/b/", "/a/7/b//", "/./a/"}) {
    const auto response = answer("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, "{\"detail\":\"Not found.\"}");
    EXPECT_EQ(response.view_fields, "");
  }
}

TEST_F(RouterTest, AMissingSlashIsRedirectedOrOverlooked) {
  add("/a/", {{Method::get, says("get a")}, {Method::post, says("post a")}});
  add("/{top}/", {{Method::get, says("top")}});
  add("/a/{id}/", {{Method::post, says("post one")}, {Method::get, says("one")}});
  auto response = answer("GET", "/a?next=/b&c=d");
  EXPECT_EQ(response.status, 301);
  EXPECT_EQ(response.fields, "Location: /a/?next=/b&c=d\r\n");
  EXPECT_EQ(answer("HEAD", "/a").fields, "Location: /a/\r\n");
  EXPECT_EQ(answer("GET", "/a/7").fields, "Location: /a/7/\r\n");
  EXPECT_EQ(answer("POST", "/a").body, "post a");
  EXPECT_EQ(answer("POST", "/a/7").body, "post one");
  EXPECT_EQ(params_[0], "7");
}

TEST_F(RouterTest, NoRedirectLeavesThisHost) {
  add("/{top}/", {{Method::get, says("top")}});
  add("/{top}/{next}/", {{Method::get, says("next")}});
  for (const auto* path : {"//evil.example", "/\\evil.example", "//evil.example/x",
                           "/\\/evil.example", "//evil.example/%2e%2e"}) {
    const auto response = answer("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.fields, "") << path;
  }
}

TEST_F(RouterTest, TheHostIsJudgedFirst) {
  add("/a/", {{Method::get, says("a")}});
  View view;
  view.path = "/healthz";
  view.any_host = true;
  view.handlers = {{Method::get, says("fine")}};
  router_.add(view);
  EXPECT_EQ(answer("GET", "/a/", "localhost:8000").status, 200);
  for (const auto* target : {"/a/", "/a", "/nothing/"}) {
    EXPECT_EQ(answer("GET", target, "evil.example").status, 400);
    EXPECT_EQ(answer("GET", target, "").status, 400);
  }
  EXPECT_EQ(answer("GET", "/a/", "evil.example").body, "{\"detail\":\"Invalid Host header.\"}");
  EXPECT_EQ(answer("GET", "/healthz", "10.0.0.1").status, 200);
  EXPECT_EQ(answer("GET", "/healthz", "").status, 200);
}

TEST_F(RouterTest, OptionsAndOtherMethods) {
  add("/a/", {{Method::post, says("a")}});
  auto response = answer("OPTIONS", "/a/");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.starts_with(
      "{\"name\":\"Some \\\"View\\\"\",\"description\":\"\",\"renders\":"));
  EXPECT_EQ(response.view_fields, "Allow: POST, OPTIONS\r\nVary: Accept\r\n");
  EXPECT_EQ(answer("OPTIONS", "/a").status, 200);
  response = answer("PUT", "/a/");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.body, "{\"detail\":\"Method \\\"PUT\\\" not allowed.\"}");
  EXPECT_EQ(response.view_fields, "Allow: POST, OPTIONS\r\nVary: Accept\r\n");
  EXPECT_EQ(answer("PROPFIND", "/a/").body,
            "{\"detail\":\"Method \\\"PROPFIND\\\" not allowed.\"}");
  EXPECT_EQ(answer("get", "/a/").status, 405);
  EXPECT_EQ(answer("HEAD", "/a/").status, 405);
}

TEST_F(RouterTest, TheGuardSpeaksBeforeTheMethodIsRefused) {
  bool allowed = false;
  View view;
  view.path = "/a/";
  view.challenge = "Bearer realm=\"api\"";
  view.refusal_guard = [&](const Request&) -> Result<void> {
    if (!allowed) return fail(Errc::not_authenticated);
    return {};
  };
  view.handlers = {{Method::get, says("a")}};
  router_.add(view);
  view.path = "/b/";
  view.challenge = "";
  router_.add(view);
  for (const auto* method : {"PUT", "POST", "PROPFIND"}) {
    const auto response = answer(method, "/a/");
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.fields, "WWW-Authenticate: Bearer realm=\"api\"\r\n");
    EXPECT_EQ(answer(method, "/b/").status, 403);
    EXPECT_EQ(answer(method, "/b/").fields, "");
  }
  EXPECT_EQ(answer("GET", "/a/").status, 200);
  EXPECT_EQ(answer("OPTIONS", "/a/").status, 200);
  allowed = true;
  EXPECT_EQ(answer("PUT", "/a/").status, 405);
}

TEST_F(RouterTest, ErrorsBecomeWireFormHere) {
  Error invalid = Error::field("email", {"This field is required.", {}});
  invalid.reason = "nothing there";
  Error later{Errc::unavailable, {}, "disk is full"};
  later.retry_after = std::chrono::seconds{7};
  add("/invalid/", {{Method::get, fails(invalid)}});
  add("/busy/", {{Method::get, fails(Error{Errc::busy})}});
  add("/later/", {{Method::get, fails(later)}});
  add("/internal/", {{Method::get, fails({Errc::internal, {"a secret", {}}, "the reason"})}});
  add("/conflict/", {{Method::get, fails(Error{Errc::conflict})}});
  auto response = answer("GET", "/invalid/");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "{\"email\":[\"This field is required.\"]}");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].level, LogLevel::debug);

  response = answer("GET", "/busy/");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields, "Retry-After: 1\r\n");
  EXPECT_EQ(answer("GET", "/later/").fields, "Retry-After: 7\r\n");
  EXPECT_EQ(lines_.back().level, LogLevel::warning);
  EXPECT_EQ(lines_.back().text, "refused id=id1 path=/later/ reason=disk is full");

  response = answer("GET", "/internal/");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "{\"detail\":\"A server error occurred.\",\"request_id\":\"id1\"}");
  EXPECT_EQ(lines_.back().level, LogLevel::error);
  EXPECT_EQ(lines_.back().text, "refused id=id1 path=/internal/ reason=the reason");
  EXPECT_EQ(answer("GET", "/conflict/").status, 500);
}

TEST_F(RouterTest, ExceptionsAreFaults) {
  add("/a/", {{Method::get, [](const Request&) -> Reply { throw std::runtime_error("a bug"); }}});
  add("/b/", {{Method::get, [](const Request&) -> Reply { throw 7; }}});
  auto response = answer("GET", "/a/");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "{\"detail\":\"A server error occurred.\",\"request_id\":\"id1\"}");
  EXPECT_EQ(response.view_fields, "Allow: GET, HEAD, OPTIONS\r\nVary: Accept\r\n");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].text, "unhandled exception id=id1 path=/a/ what=a bug");
  EXPECT_EQ(answer("GET", "/b/").status, 500);
}

TEST_F(RouterTest, WhatWouldWaitIsSentToItsLane) {
  add("/a/", {{Method::get, [](const Request&) -> Reply {
                 if (!may_wait()) return Error{Errc::would_wait};
                 return Response::json("waited");
               }}});
  add("/b/", {{Method::get, fails(Error{Errc::would_wait})}});
  {
    const NoWaiting no_waiting;
    const auto outcome = dispatch("GET", "/a/");
    ASSERT_NE(outcome.waits, nullptr);
    EXPECT_EQ(outcome.waits->path, "/a/");
    EXPECT_EQ(router_.error_response(*outcome.waits, Error{Errc::busy}).status, 503);
    EXPECT_EQ(router_.error_response(*outcome.waits, Error{Errc::busy}).view_fields,
              "Allow: GET, HEAD, OPTIONS\r\nVary: Accept\r\n");
  }
  EXPECT_EQ(answer("GET", "/a/").body, "waited");
  // Where waiting is allowed, that answer is a bug.
  EXPECT_EQ(dispatch("GET", "/b/").waits, nullptr);
  EXPECT_EQ(answer("GET", "/b/").status, 500);
}

TEST_F(RouterTest, RefusesViewsThatMakeNoSense) {
  add("/a/", {{Method::get, says("a")}});
  EXPECT_THROW(add("/a/", {}), std::invalid_argument);
  EXPECT_THROW(add("a", {}), std::invalid_argument);
  EXPECT_THROW(add("/{a}/{b}/{c}/", {}), std::invalid_argument);
}

}  // namespace
}  // namespace easyjwt::http
