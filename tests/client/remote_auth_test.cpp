#include "easyjwt/client/remote_auth.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "client/auth_service.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "http/running_server.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::eventually;
using test::json_answer;
using test::time_of;

constexpr const char* a_user = R"({"id":7,"email":"a@example.org","groups":["x"]})";

class RemoteAuthTest : public test::WithAuthService {
 protected:
  RemoteAuthTest() { say(json_answer("{}")); }

  static std::string body(const Error& error) {
    std::string out;
    append_error_body(out, error);
    return out;
  }
  static std::string text(const json::object& object) {
    std::string out;
    append_json(out, object);
    return out;
  }
};

// ---- what is sent, and what a good answer is

TEST_F(RemoteAuthTest, SendsWhatTheOriginalSends) {
  RemoteAuth remote(settings(), log());
  struct Case {
    std::function<void()> call;
    const char* path;
    const char* body;
  };
  const Case cases[] = {
      {[&] { (void)remote.obtain("a@b.c", "pä\"ss\\\n"); }, "POST /auth/token/ HTTP/1.1\r\n",
       R"({"email":"a@b.c","password":"pä\"ss\\\n"})"},
      {[&] { (void)remote.refresh("r.r.r"); }, "POST /auth/token/refresh/ HTTP/1.1\r\n",
       R"({"refresh":"r.r.r"})"},
      {[&] { (void)remote.verify("t.t.t"); }, "POST /auth/token/verify/ HTTP/1.1\r\n",
       R"({"token":"t.t.t"})"},
      {[&] { (void)remote.blacklist("r"); }, "POST /auth/token/blacklist/ HTTP/1.1\r\n",
       R"({"refresh":"r"})"},
      {[&] { (void)remote.change_password("a", "b", "c"); },
       "POST /auth/password-change/ HTTP/1.1\r\n",
       R"({"email":"a","password":"b","new_password":"c"})"},
  };
  // 401s, which are failures of nobody's.
  say(json_answer("{}", "401 Unauthorized"));
  for (const auto& [call, path, sent] : cases) {
    call();
    const auto request = last_seen();
    EXPECT_TRUE(request.starts_with(path)) << request;
    EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), request.npos) << request;
    EXPECT_TRUE(request.ends_with("\r\n\r\n" + std::string(sent))) << request;
    EXPECT_EQ(request.find("Accept-Language"), request.npos) << request;
  }
  (void)remote.obtain("a", "b", "de");
  (void)remote.refresh("r", "de");
  (void)remote.verify("t", "de");
  (void)remote.change_password("a", "b", "c", "de");
  EXPECT_EQ(seen("\r\nAccept-Language: de\r\n"), 4);
  (void)remote.user("a.b.c");
  EXPECT_TRUE(last_seen().starts_with("GET /auth/user/ HTTP/1.1\r\n")) << last_seen();
  EXPECT_EQ(seen("\r\nAuthorization: Bearer a.b.c\r\n"), 1);
}

TEST_F(RemoteAuthTest, PathsAndTheHeadersTypeAreTheSettings) {
  auto s = settings();
  s.service_url += "/behind/";
  s.user_path = "/who/am/i";
  s.auth_header_type = "JWT";
  RemoteAuth remote(s, log());
  (void)remote.user("t");
  EXPECT_TRUE(last_seen().starts_with("GET /behind/who/am/i HTTP/1.1\r\n")) << last_seen();
  EXPECT_EQ(seen("\r\nAuthorization: JWT t\r\n"), 1);
  EXPECT_EQ(remote.settings().auth_header_type, "JWT");
}

TEST_F(RemoteAuthTest, AGoodAnswerComesBackAsItIs) {
  RemoteAuth remote(settings(), log());
  constexpr auto tokens = R"({"refresh":"r.r","access":"a.a","more":{"x":[1,2.5,null]}})";
  say(json_answer(tokens));
  EXPECT_EQ(text(remote.obtain("a", "b").value()), tokens);
  EXPECT_EQ(text(remote.refresh("a").value()), tokens);
  say(json_answer(R"({"access":"a.a"})", "201 Created"));
  EXPECT_EQ(text(remote.refresh("a").value()), R"({"access":"a.a"})");
  say(json_answer("{}"));
  EXPECT_TRUE(remote.verify("t"));
  EXPECT_TRUE(remote.blacklist("t"));
  EXPECT_TRUE(remote.change_password("a", "b", "c"));
  say(json_answer(a_user));
  EXPECT_EQ(text(remote.user("t").value()), a_user);
  EXPECT_TRUE(lines().empty());
}

TEST_F(RemoteAuthTest, AContentTypeMayHaveParameters) {
  RemoteAuth remote(settings(), log());
  for (const auto* type : {"application/json; charset=utf-8", "application/json;charset=UTF-8",
                           "Application/JSON", "application/json ; x=y"}) {
    say(answer("{}", "Content-Type: " + std::string(type) + "\r\n"));
    EXPECT_TRUE(remote.verify("t")) << type;
  }
}

// ---- refusals

TEST_F(RemoteAuthTest, ARefusalPassesOnItsWords) {
  RemoteAuth remote(settings(), log());
  struct Case {
    std::string said;
    std::string passed;
  };
  const std::string own_words = R"({"detail":"Authentication service returned an error."})";
  const Case cases[] = {
      {R"({"detail": "No active account found with the given credentials"})",
       R"({"detail":"No active account found with the given credentials"})"},
      {R"({"detail":"x","code":"token_not_valid","messages":[{"a":"b"}]})",
       R"({"detail":"x","code":"token_not_valid","messages":[{"a":"b"}]})"},
      {R"({"email":["Enter a valid email address."]})",
       R"({"email":["Enter a valid email address."]})"},
      {R"(["a","b"])", R"(["a","b"])"},
      {R"("words")", R"({"detail":"words"})"},
      {"{}", "{}"},
      // str() of everything, as REST framework's exceptions do.
      {R"({"a":5,"b":true,"c":null,"d":1.5,"e":[false]})",
       R"({"a":"5","b":"True","c":"None","d":"1.5","e":["False"]})"},
      {"17", R"({"detail":"17"})"},
      {"null", R"({"detail":"Incorrect authentication credentials."})"},
      // Nothing that could end a string or a line early comes through.
      {R"({"detail":"\u0022}\r\n\u0000<script>"})", R"({"detail":"\"}\r\n\u0000<script>"})"},
      {"", own_words},
      {"<html>", own_words},
      {"{\"detail\":", own_words},
      {R"({"a":1} trailing)", own_words},
      {"{\"detail\":\"\xff\"}", own_words},
      {std::string(40, '[') + std::string(40, ']'), own_words},
      {"{\"detail\":\"" + std::string(8 * 1024, 'x') + "\"}", own_words},
  };
  for (const auto* status : {"400 Bad Request", "401 Unauthorized", "403 Forbidden",
                             "404 Not Found", "405 Method Not Allowed", "418 Teapot"}) {
    for (const auto& [said, passed] : cases) {
      say(json_answer(said, status));
      const auto result = remote.obtain("a", "b");
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, Errc::auth_service_refused) << result.error().reason;
      EXPECT_EQ(body(result.error()), passed) << said;
    }
  }
  EXPECT_TRUE(lines().empty());
}

TEST_F(RemoteAuthTest, AThrottledCallSaysForHowLong) {
  RemoteAuth remote(settings(), log());
  const std::pair<const char*, std::chrono::seconds> cases[] = {
      {"Retry-After: 17\r\n", 17s},         {"", 1s},
      {"Retry-After: -5\r\n", 1s},          {"Retry-After: 0\r\n", 1s},
      {"Retry-After: 99999999999\r\n", 1h}, {"Retry-After: 99999999999999999999999\r\n", 1s},
      {"Retry-After: 5 minutes\r\n", 1s},   {"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 1s},
  };
  for (const auto& [fields, expected] : cases) {
    say(json_answer(R"({"detail":"Slowly."})", "429 Too Many Requests", fields));
    const auto result = remote.verify("t");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::throttled);
    EXPECT_EQ(result.error().retry_after, expected) << fields;
    EXPECT_EQ(body(result.error()), R"({"detail":"Slowly."})");
  }
  // A proxy's own.
  say(answer("<html>", "Content-Type: text/html\r\n", "429 Too Many Requests"));
  const auto result = remote.user("t");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::throttled);
  EXPECT_EQ(body(result.error()), R"({"detail":"Request was throttled."})");
}

// ---- what is no answer

TEST_F(RemoteAuthTest, WhatIsNoAnswerIsUnavailable) {
  const std::string json = "Content-Type: application/json\r\n";
  const std::string cases[] = {
      json_answer(a_user, "500 Internal Server Error"),
      json_answer(a_user, "502 Bad Gateway"),
      json_answer(a_user, "503 Service Unavailable"),
      json_answer(a_user, "204 No Content"),
      json_answer(a_user, "202 Accepted"),
      json_answer(a_user, "302 Found", "Location: http://127.0.0.1:1/\r\n"),
      answer(a_user),
      answer(a_user, "Content-Type: text/html\r\n"),
      answer(a_user, "Content-Type: text/plain; application/json\r\n"),
      answer(a_user, "Content-Type: application/jsonx\r\n"),
      answer("<h1>Forbidden</h1>", "Content-Type: text/html\r\n", "403 Forbidden"),
      answer("{}", "", "401 Unauthorized"),
      json_answer(""),
      json_answer("{"),
      json_answer("<html>"),
      json_answer("[]"),
      json_answer("null"),
      json_answer("\"x\""),
      json_answer("{}"),
      json_answer(R"({"id":7})"),
      json_answer(R"({"email":"a@b.c"})"),
      json_answer(R"({"id":"7","email":"a@b.c"})"),
      json_answer(R"({"id":7.0,"email":"a@b.c"})"),
      json_answer(R"({"id":true,"email":"a@b.c"})"),
      json_answer(R"({"id":null,"email":"a@b.c"})"),
      json_answer(R"({"id":18446744073709551615,"email":"a@b.c"})"),
      json_answer(R"({"id":7,"email":null})"),
      json_answer(R"({"id":7,"email":""})"),
      json_answer(R"({"id":7,"email":["a@b.c"]})"),
      json_answer("{\"id\":7,\"email\":\"a@b.c\",\"x\":\"" + std::string(2 << 20, 'x') + "\"}"),
      "HTTP/1.1 200 OK\r\n" + json + "Content-Length: 100\r\n\r\n{\"id\":7,",
      "HTTP/1.1 200 OK\r\n" + json + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      "garbage\r\n\r\n",
      "",
  };
  auto s = settings();
  s.request_timeout = 300ms;
  for (const auto& said : cases) {
    RemoteAuth remote(s, log());
    say(said);
    const auto user = remote.user("se.cr.et");
    ASSERT_FALSE(user) << said.substr(0, 200);
    EXPECT_EQ(user.error().code, Errc::unavailable) << said.substr(0, 200);
    EXPECT_EQ(user.error().retry_after, 1s);
    EXPECT_FALSE(user.error().reason.empty());
    EXPECT_EQ(user.error().reason.find("se.cr.et"), std::string::npos) << user.error().reason;
    EXPECT_TRUE(user.error().body.empty());
  }
}

TEST_F(RemoteAuthTest, TokensThatAreNoneAreNoAnswer) {
  for (const auto* said :
       {"{}", R"({"refresh":"r"})", R"({"access":5})", R"({"access":""})", R"({"access":null})",
        R"({"access":"a b"})", R"({"access":"a\r\nSet-Cookie: x=y"})", R"({"access":"ä"})",
        R"({"access":"a","refresh":null})", R"({"access":"a","refresh":"x;y z"})"}) {
    RemoteAuth remote(settings(), log());
    say(json_answer(said));
    EXPECT_EQ(remote.obtain("geheim", "geheim").error().code, Errc::unavailable) << said;
    EXPECT_EQ(remote.refresh("geheim").error().code, Errc::unavailable) << said;
  }
}

TEST_F(RemoteAuthTest, ASlowServerMeetsTheTimeout) {
  auto s = settings();
  s.request_timeout = 200ms;
  RemoteAuth remote(s, log());
  gate_.shut();
  Result<void> result;
  const auto time = time_of([&] { result = remote.verify("geheim"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_EQ(result.error().reason.find("geheim"), std::string::npos);
  EXPECT_GE(time, 190ms);
  EXPECT_LT(time, 2s);
}

// ---- what is not sent

TEST_F(RemoteAuthTest, WhoMayNotWaitSendsNothing) {
  RemoteAuth remote(settings(), log());
  const NoWaiting here;
  EXPECT_EQ(remote.obtain("a", "b").error().code, Errc::would_wait);
  EXPECT_EQ(remote.refresh("a").error().code, Errc::would_wait);
  EXPECT_EQ(remote.verify("a").error().code, Errc::would_wait);
  EXPECT_EQ(remote.blacklist("a").error().code, Errc::would_wait);
  EXPECT_EQ(remote.change_password("a", "b", "c").error().code, Errc::would_wait);
  EXPECT_EQ(remote.user("a").error().code, Errc::would_wait);
  EXPECT_EQ(server_->connections(), 0);
  EXPECT_TRUE(lines().empty());
}

/// None of it may look like a failure of the auth-service: strangers could open the breaker.
TEST_F(RemoteAuthTest, WhatCannotBeATokenIsRefusedUnasked) {
  RemoteAuth remote(settings(), log());
  for (const auto& token : {std::string(), std::string("a b"), std::string("a\r\nX: y"),
                            std::string("a\0b", 3), std::string("\xc3\xa4"), std::string("\x7f"),
                            std::string(RemoteAuth::max_token + 1, 'x')}) {
    const auto user = remote.user(token);
    ASSERT_FALSE(user);
    EXPECT_EQ(user.error().code, Errc::auth_service_refused);
  }
  EXPECT_EQ(remote.obtain("a", std::string(600'000, 'x')).error().code, Errc::payload_too_large);
  EXPECT_EQ(server_->connections(), 0);
  EXPECT_TRUE(lines().empty());
  say(json_answer(a_user));
  EXPECT_TRUE(remote.user(std::string(RemoteAuth::max_token, 'x')));
}

TEST_F(RemoteAuthTest, SettingsThatCannotBeAreRefused) {
  const auto key_of = [&](const std::function<void(RemoteAuthSettings&)>& change) -> std::string {
    auto s = settings();
    change(s);
    try {
      const RemoteAuth remote(s, log());
    } catch (const SettingsError& error) {
      EXPECT_EQ(std::string(error.what()).find("geheim"), std::string::npos);
      return error.key;
    }
    return "";
  };
  using S = RemoteAuthSettings;
  for (const auto* url :
       {"", "auth:8000", "ftp://auth/", "http://", "http://a:geheim@auth", "http://auth/?a=b",
        "http://auth#x", "http://au th", "file:///etc/passwd", "http://auth\r\nX: y"}) {
    EXPECT_EQ(key_of([&](S& s) { s.service_url = url; }), "EASY_JWT.REMOTE_AUTH_SERVICE_URL")
        << url;
  }
  for (const auto* path : {"", "auth/user/", ".evil.example/", "@evil.example/", "/a b", "/a#b"}) {
    EXPECT_EQ(key_of([&](S& s) { s.user_path = path; }), "EASY_JWT.REMOTE_AUTH_SERVICE_USER_PATH")
        << path;
  }
  EXPECT_EQ(key_of([](S& s) { s.token_path = "x"; }), "EASY_JWT.REMOTE_AUTH_SERVICE_TOKEN_PATH");
  EXPECT_EQ(key_of([](S& s) { s.refresh_path = "x"; }),
            "EASY_JWT.REMOTE_AUTH_SERVICE_REFRESH_PATH");
  EXPECT_EQ(key_of([](S& s) { s.verify_path = "x"; }), "EASY_JWT.REMOTE_AUTH_SERVICE_VERIFY_PATH");
  EXPECT_EQ(key_of([](S& s) { s.blacklist_path = "x"; }),
            "EASY_JWT.REMOTE_AUTH_SERVICE_BLACKLIST_PATH");
  EXPECT_EQ(key_of([](S& s) { s.password_change_path = "x"; }),
            "EASY_JWT.REMOTE_AUTH_SERVICE_PASSWORD_CHANGE_PATH");
  EXPECT_EQ(key_of([](S& s) { s.request_timeout = 0ms; }), "EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT");
  EXPECT_EQ(key_of([](S& s) { s.auth_header_type = "A b"; }), "EASY_JWT.AUTH_HEADER_TYPES");
  EXPECT_EQ(key_of([](S& s) { s.auth_header_type = ""; }), "EASY_JWT.AUTH_HEADER_TYPES");
  EXPECT_EQ(key_of([](S&) {}), "");
}

// ---- connections

TEST_F(RemoteAuthTest, AThousandCallsHaveNoMoreConnectionsThanThreads) {
  say(json_answer(a_user));
  RemoteAuth remote(settings(), log());
  constexpr int threads = 8;
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < 125; ++i) {
        good += remote.user("t" + std::to_string(t * 1000 + i)).has_value();
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(server_->requests(), 1000);
  EXPECT_LE(server_->connections(), threads);
}

TEST_F(RemoteAuthTest, CallsAtATimeAreBoundedAndFurtherOnesWaitInLine) {
  auto s = settings();
  s.max_calls = 2;
  RemoteAuth remote(s, log());
  gate_.shut();
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(
        std::async(std::launch::async, [&] { return remote.verify("a").has_value(); }));
  }
  ASSERT_TRUE(eventually([&] { return gate_.before() == 2; }));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(gate_.before(), 2);
  gate_.open();
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_LE(server_->connections(), 2);
}

TEST_F(RemoteAuthTest, ALineThatDoesNotMoveIsSentAway) {
  auto s = settings();
  s.max_calls = 2;
  RemoteAuth remote(s, log());
  gate_.shut();
  const auto ask = [&] { return remote.verify("a").has_value(); };
  auto first = std::async(std::launch::async, ask);
  auto second = std::async(std::launch::async, ask);
  ASSERT_TRUE(eventually([&] { return gate_.before() == 2; }));
  std::vector<std::future<bool>> line;
  for (int i = 0; i < 4; ++i) line.push_back(std::async(std::launch::async, ask));
  EXPECT_LT(time_of([&] {
              for (auto& one : line) EXPECT_FALSE(one.get());
            }),
            1500ms);
  // From then on nobody waits.
  EXPECT_LT(time_of([&] { EXPECT_FALSE(remote.verify("a")); }), 50ms);
  gate_.open();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(eventually([&] { return remote.verify("a").has_value(); }));
}

// ---- TLS

TEST_F(RemoteAuthTest, ASelfSignedAuthServiceIsAskedOnlyWhereThatIsSaid) {
  std::string folder = std::filesystem::temp_directory_path() / "easyjwt-client-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string certificate = folder + "/certificate.pem";
  const std::string key = folder + "/key.pem";
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=test "
      "-addext subjectAltName=IP:127.0.0.1 2>/dev/null -keyout " +
      key + " -out " + certificate;
  ASSERT_EQ(std::system(command.c_str()), 0);
  {
    http::ServerSettings tls;
    tls.tls_certificate = certificate;
    tls.tls_key = key;
    const http::testing::RunningServer server(tls);
    RemoteAuthSettings s;
    s.service_url = "https://127.0.0.1:" + std::to_string(server.port());
    s.user_path = "/nowhere/";
    // It has no such view: whoever gets through to it is refused.
    const auto code = [&] { return RemoteAuth(s, log()).user("a.b.c").error().code; };
    EXPECT_EQ(code(), Errc::unavailable);
    EXPECT_EQ(server.lines_with("/nowhere/"), 0);
    s.ca_file = certificate;
    EXPECT_EQ(code(), Errc::auth_service_refused);
    s.ca_file = "";
    s.ssl_verify = false;
    EXPECT_EQ(code(), Errc::auth_service_refused);
  }
  std::filesystem::remove_all(folder);
}

// ---- the breaker

TEST_F(RemoteAuthTest, ADeadAuthServiceIsNotAskedAndIsFoundAgain) {
  auto s = settings();
  s.breaker_pause = RemoteAuthSettings().breaker_pause;
  RemoteAuth remote(s, log());
  EXPECT_TRUE(remote.verify("a"));
  const int port = server_->port();
  server_->stop();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(remote.verify("a"));
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_TRUE(lines()[0].starts_with("warning ")) << lines()[0];
  EXPECT_NE(lines()[0].find("127.0.0.1"), std::string::npos) << lines()[0];

  for (int i = 0; i < 100; ++i) {
    Result<void> result;
    EXPECT_LT(time_of([&] { result = remote.verify("a"); }), 50ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
    EXPECT_EQ(result.error().retry_after, 1s);
  }
  EXPECT_EQ(lines().size(), 1U);

  start(port);
  EXPECT_LT(
      time_of([&] { EXPECT_TRUE(eventually([&] { return remote.verify("a").has_value(); })); }),
      2s);
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_TRUE(lines()[1].starts_with("info ")) << lines()[1];
  // It was looked for without anybody's token.
  EXPECT_TRUE(eventually([&] { return seen("GET /auth/user/") >= 1; }));
  EXPECT_EQ(seen("Authorization"), 0);
}

TEST_F(RemoteAuthTest, NothingIsSentWhileItIsOpenButAttempts) {
  RemoteAuth remote(settings(), log());
  say(json_answer("{}", "500 Internal Server Error"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(remote.verify("a").error().code, Errc::unavailable);
  EXPECT_EQ(seen("POST"), 3);
  ASSERT_TRUE(eventually([&] { return seen("GET /auth/user/") >= 3; }));
  EXPECT_EQ(remote.verify("a").error().code, Errc::unavailable);
  EXPECT_EQ(seen("POST"), 3);
  // Any answer will do, a refusal above all.
  say(json_answer("{}", "401 Unauthorized"));
  EXPECT_TRUE(
      eventually([&] { return remote.verify("a").error().code == Errc::auth_service_refused; }));
  // The attempts end with it.
  const auto attempts = seen("GET");
  std::this_thread::sleep_for(200ms);
  EXPECT_LE(seen("GET"), attempts);
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(RemoteAuthTest, ItOpensAsOftenAsThereIsReasonTo) {
  RemoteAuth remote(settings(), log());
  for (int round = 1; round <= 5; ++round) {
    say(json_answer("[]"));
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(remote.verify("a"));
    say(json_answer("{}"));
    EXPECT_TRUE(eventually([&] { return remote.verify("a").has_value(); }));
    EXPECT_EQ(lines().size(), 2U * static_cast<unsigned>(round));
  }
}

TEST_F(RemoteAuthTest, AnOutageIsToldOnceThoughItsFrontAnswers) {
  RemoteAuth remote(settings(), log());
  // As an auth-service without its database: who brings no token is told so, all others are not
  // served.
  say([](const std::string& request) {
    return request.find("POST") == 0 ? json_answer("{}", "503 Service Unavailable")
                                     : json_answer("{}", "401 Unauthorized");
  });
  EXPECT_TRUE(eventually([&] {
    EXPECT_FALSE(remote.verify("a"));
    return seen("POST") >= 12;
  }));
  EXPECT_EQ(lines().size(), 1U);
  say(json_answer("{}"));
  EXPECT_TRUE(eventually([&] { return remote.verify("a").has_value(); }));
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(RemoteAuthTest, ARefusalIsNeverAFailure) {
  RemoteAuth remote(settings(), log());
  for (const auto& said :
       {json_answer("{}", "401 Unauthorized"), json_answer("{}", "429 Too Many Requests"),
        answer("<html>", "Content-Type: text/html\r\n", "403 Forbidden"),
        answer("", "", "431 Request Header Fields Too Large")}) {
    say(said);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(remote.verify("a"));
  }
  say(json_answer("{}"));
  EXPECT_TRUE(remote.verify("a"));
  EXPECT_TRUE(lines().empty());
}

TEST_F(RemoteAuthTest, AnAuthServiceThatStandsStillHoldsFewThreads) {
  RemoteAuth remote(settings(), log());
  gate_.shut();
  std::vector<std::future<bool>> held;
  for (int i = 0; i < 16; ++i) {
    held.push_back(std::async(std::launch::async, [&] { return remote.verify("a").has_value(); }));
  }
  ASSERT_TRUE(eventually([&] { return gate_.before() == 16; }));
  std::this_thread::sleep_for(1s);
  for (int i = 0; i < 20; ++i) {
    Result<void> result;
    EXPECT_LT(time_of([&] { result = remote.verify("a"); }), 50ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
  }
  ASSERT_EQ(lines().size(), 1U);
  gate_.open();
  // What was under way is answered, and what comes later.
  for (auto& one : held) EXPECT_TRUE(one.get());
  EXPECT_TRUE(eventually([&] { return remote.verify("a").has_value(); }));
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(RemoteAuthTest, ManyThreadsOnAnAuthServiceThatComesAndGoes) {
  RemoteAuth remote(settings(), log());
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < 8; ++t) {
    all.emplace_back([&] {
      while (!stop) {
        if (remote.verify("a")) ++good;
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    say(json_answer("{}"));
    const int before = good;
    EXPECT_TRUE(eventually([&] { return good > before + 20; }));
    const auto lines_before = lines().size();
    say(json_answer("{}", "503 Service Unavailable"));
    EXPECT_TRUE(eventually([&] { return lines().size() > lines_before; }));
  }
  stop = true;
  for (auto& thread : all) thread.join();
  // Openings and closings by turns.
  const auto all_lines = lines();
  for (std::size_t i = 0; i < all_lines.size(); ++i) {
    EXPECT_TRUE(all_lines[i].starts_with(i % 2 == 0 ? "warning" : "info")) << i;
  }
}

TEST_F(RemoteAuthTest, EndsWhileAnAttemptHangs) {
  auto remote = std::make_unique<RemoteAuth>(settings(), log());
  say(json_answer("{}", "500 Internal Server Error"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(remote->verify("a"));
  gate_.shut();
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  EXPECT_LT(time_of([&] { remote.reset(); }), 3s);
}

}  // namespace
}  // namespace easyjwt
