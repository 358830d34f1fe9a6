#include "easyjwt/client/authenticator.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <set>

#include "client/auth_service.hpp"
#include "client/events_feed.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/token/codec.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::eventually;
using test::json_answer;
using test::time_of;

using Verdict = Result<std::shared_ptr<const Identity>>;

constexpr const char* a_user =
    R"({"id":7,"first_name":"Ada","email":"ada@example.org","last_name":"L",)"
    R"("is_active":true,"is_staff":true,"is_superuser":true,"access_groups":["x"]})";

class AuthenticatorTest : public test::WithAuthService {
 protected:
  AuthenticatorTest() { say(json_answer(a_user)); }

  /// "401 body", or who it is.
  static std::string said(const Verdict& verdict) {
    if (verdict) return *verdict ? "id " + std::to_string((*verdict)->remote_id) : "nobody";
    std::string out = std::to_string(describe(verdict.error().code).status) + " ";
    append_error_body(out, verdict.error());
    return out;
  }
  static std::string path_of(const std::string& request) {
    return request.substr(0, request.find(" HTTP"));
  }
  /// The token of a request's Authorization.
  static std::string token_of(const std::string& request) {
    const auto at = request.find("Authorization: Bearer ");
    if (at == request.npos) return "";
    const auto begin = at + 22;
    return request.substr(begin, request.find("\r\n", begin) - begin);
  }
  static std::string user(int id) {
    return json_answer(R"({"id":)" + std::to_string(id) + R"(,"email":"a@b.c"})");
  }
  void refuse(const std::string& verify,
              const std::string& user = json_answer(R"({"detail":"no"})", "401 Unauthorized")) {
    say([=](const std::string& request) {
      return path_of(request) == "POST /auth/token/verify/" ? verify : user;
    });
  }

  RemoteAuth remote_{settings(), log()};
  Authenticator authenticator_{{}, remote_};
};

// ---- the header

TEST_F(AuthenticatorTest, TheHeaderIsReadAsTheOriginalReadsIt) {
  constexpr auto none = R"(401 {"detail":"Invalid basic header. No credentials provided."})";
  constexpr auto spaces =
      R"(401 {"detail":)"
      R"("Invalid basic header. Credentials string should not contain spaces."})";
  const std::pair<const char*, std::string> cases[] = {
      {"", "nobody"},
      {"Bearer", none},
      {"Basic", none},
      {"x", none},
      {"Bearer\tx", none},
      {"Bearer a b", spaces},
      {"Bearer  a", spaces},
      {"Basic a b", spaces},
      {" Bearer a", spaces},
      {"Bearer a ", spaces},
      {"Basic YTpi", "nobody"},
      {"bearer a", "nobody"},
      {"BEARER a", "nobody"},
      {"Beare a", "nobody"},
      {"Bearer: a", "nobody"},
      {" a", "nobody"},
      {"Bearer ", R"(401 {"detail":"Incorrect authentication credentials."})"},
      {"Bearer \t", R"(401 {"detail":"Incorrect authentication credentials."})"},
      {"Bearer \xc3\xa4", R"(401 {"detail":"Token is invalid or expired"})"},
      {"Bearer a\x01", R"(401 {"detail":"Token is invalid or expired"})"},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(said(authenticator_.authenticate(header)), expected) << header;
  }
  EXPECT_EQ(said(authenticator_.authenticate("Bearer " + std::string(9000, 'x'))),
            R"(401 {"detail":"Token is invalid or expired"})");
  EXPECT_EQ(server_->connections(), 0);
  EXPECT_EQ(said(authenticator_.authenticate("Bearer a.b.c\t")), "id 7");
  EXPECT_EQ(seen("Authorization: Bearer a.b.c\r\n"), 1);
}

TEST_F(AuthenticatorTest, HeaderTypesAreTheSettings) {
  Authenticator two({.header_types = {"JWT", "Bearer"}}, remote_);
  EXPECT_EQ(two.challenge(), "JWT");
  EXPECT_EQ(said(two.authenticate("JWT a")), "id 7");
  EXPECT_EQ(said(two.authenticate("Bearer a")), "id 7");
  EXPECT_EQ(said(two.authenticate("Token a")), "nobody");
  EXPECT_EQ(authenticator_.challenge(), "Bearer");
  EXPECT_EQ(said(authenticator_.authenticate("JWT a")), "nobody");
  EXPECT_THROW(Authenticator({.header_types = {}}, remote_), SettingsError);
}

// ---- one call, and the words of a second

TEST_F(AuthenticatorTest, OneCallBringsTheUser) {
  const auto verdict = authenticator_.authenticate("Bearer a.b.c");
  ASSERT_TRUE(verdict && *verdict);
  const auto& identity = **verdict;
  EXPECT_EQ(identity.remote_id, 7);
  EXPECT_EQ(identity.id, 0);
  EXPECT_EQ(identity.email, "ada@example.org");
  EXPECT_EQ(identity.first_name, "Ada");
  EXPECT_EQ(identity.last_name, "L");
  EXPECT_TRUE(identity.is_active);
  EXPECT_EQ(identity.user.at("access_groups").at(0), "x");
  // Whoever is staff there is nobody in particular here.
  EXPECT_FALSE(identity.is_staff);
  EXPECT_FALSE(identity.is_superuser);
  EXPECT_FALSE(identity.has_perm("easyjwt_user.view_user"));
  EXPECT_EQ(server_->requests(), 1);
}

TEST_F(AuthenticatorTest, ARefusalHasTheWordsOfVerify) {
  const std::string unauthorized = "401 Unauthorized";
  const std::pair<std::string, const char*> cases[] = {
      {json_answer(R"({"detail":"Token is invalid or expired","code":"token_not_valid"})",
                   unauthorized),
       R"(401 {"detail":"Token is invalid or expired"})"},
      {json_answer(R"({"detail":"Token is blacklisted"})", "400 Bad Request"),
       R"(401 {"detail":"Token is blacklisted"})"},
      {json_answer(R"({"token":["This field may not be blank."]})", "400 Bad Request"),
       R"(401 {"detail":"Incorrect authentication credentials."})"},
      {json_answer(R"({"detail":["a","b"]})", unauthorized), R"(401 ["a","b"])"},
      {json_answer(R"({"detail":{"a":"b"}})", unauthorized), R"(401 {"a":"b"})"},
      {json_answer(R"({"detail":5})", unauthorized), R"(401 {"detail":"5"})"},
      {json_answer("[]", unauthorized),
       R"(401 {"detail":"Incorrect authentication credentials."})"},
      {json_answer("<html>", unauthorized), R"(401 {"detail":"Token is invalid or expired"})"},
      {json_answer("{}"), R"(401 {"detail":"Authentication service returned an error."})"},
      {json_answer("{}", "500 Internal Server Error"),
       R"(503 {"detail":"Service temporarily unavailable, try again later."})"},
      {json_answer("{}", "429 Too Many Requests"), "429 {}"},
  };
  for (const auto& [verify, expected] : cases) {
    refuse(verify);
    EXPECT_EQ(said(authenticator_.authenticate("Bearer a.b.c")), expected) << verify;
    EXPECT_TRUE(last_seen().ends_with(R"({"token":"a.b.c"})")) << last_seen();
  }
  EXPECT_EQ(server_->requests(), 2 * static_cast<int>(std::size(cases)));
  for (const auto* status : {"403 Forbidden", "404 Not Found", "400 Bad Request"}) {
    refuse(json_answer(R"({"detail":"x"})", unauthorized), json_answer("{}", status));
    EXPECT_EQ(said(authenticator_.authenticate("Bearer a")), R"(401 {"detail":"x"})");
  }
}

TEST_F(AuthenticatorTest, WhatIsNoRefusalIsNotAskedForTwice) {
  for (const auto& answer_of_user :
       {json_answer("{}", "500 Internal Server Error"), json_answer("{}"),
        answer("<html>", "Content-Type: text/html\r\n", "401 Unauthorized"), std::string()}) {
    RemoteAuth remote(settings(), log());
    Authenticator authenticator({}, remote);
    refuse(json_answer("{}"), answer_of_user);
    const auto verdict = authenticator.authenticate("Bearer a");
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, Errc::unavailable);
    EXPECT_EQ(verdict.error().retry_after, 1s);
  }
  refuse(json_answer("{}"), json_answer("{}", "429 Too Many Requests", "Retry-After: 9\r\n"));
  const auto verdict = authenticator_.authenticate("Bearer a");
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::throttled);
  EXPECT_EQ(verdict.error().retry_after, 9s);
  EXPECT_EQ(seen("POST"), 0);
}

TEST_F(AuthenticatorTest, WhoMayNotWaitIsToldSoWhereThereIsSomethingToAsk) {
  const NoWaiting here;
  EXPECT_EQ(authenticator_.authenticate("Bearer a").error().code, Errc::would_wait);
  EXPECT_EQ(said(authenticator_.authenticate("")), "nobody");
  EXPECT_EQ(said(authenticator_.authenticate("Basic YTpi")), "nobody");
  EXPECT_EQ(said(authenticator_.authenticate("Bearer")).substr(0, 3), "401");
  EXPECT_EQ(server_->connections(), 0);
}

/// Nor does it wait for another's call.
TEST_F(AuthenticatorTest, WhoMayNotWaitDoesNotWaitForASharedCallEither) {
  gate_.shut();
  auto first =
      std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); });
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  {
    const NoWaiting here;
    Verdict verdict;
    EXPECT_LT(time_of([&] { verdict = authenticator_.authenticate("Bearer a"); }), 500ms);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, Errc::would_wait);
  }
  gate_.open();
  EXPECT_EQ(said(first.get()), "id 7");
}

// ---- copies

TEST_F(AuthenticatorTest, AdmitMakesTheIdentity) {
  Authenticator authenticator({}, remote_, [](const json::object& user) -> Verdict {
    auto identity = std::make_shared<Identity>();
    identity->remote_id = user.at("id").as_int64();
    identity->id = 99;
    return identity;
  });
  const auto verdict = authenticator.authenticate("Bearer a");
  ASSERT_TRUE(verdict && *verdict);
  EXPECT_EQ((*verdict)->id, 99);
}

TEST_F(AuthenticatorTest, AdmitIsNotAskedOfWhomTheAuthServiceRefuses) {
  std::atomic<int> asked = 0;
  Authenticator authenticator({}, remote_, [&](const json::object&) -> Verdict {
    ++asked;
    return fail(Errc::conflict, {}, "the e-mail is another's");
  });
  refuse(json_answer(R"({"detail":"x"})", "401 Unauthorized"));
  EXPECT_EQ(said(authenticator.authenticate("Bearer a")), R"(401 {"detail":"x"})");
  EXPECT_EQ(asked, 0);
  say(json_answer(a_user));
  const auto verdict = authenticator.authenticate("Bearer a");
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::conflict);
}

// ---- calls that are shared

TEST_F(AuthenticatorTest, ManyRequestsOfOneTokenMakeFewCalls) {
  constexpr int threads = 64;
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  gate_.shut();
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] { good += said(authenticator_.authenticate("Bearer a.b.c")) == "id 7"; });
  }
  // While the first call is under way the others gather; the next one is for all of them.
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(gate_.before(), 1);
  gate_.open();
  for (auto& thread : all) thread.join();
  EXPECT_EQ(good, threads);
  EXPECT_LE(server_->requests(), 8);
  EXPECT_TRUE(lines().empty());
}

/// The answer to a call that was sent before a request came may be older than the request.
TEST_F(AuthenticatorTest, ACallThatWasSentIsNotJoined) {
  std::atomic<bool> revoked = false;
  std::promise<void> sent;
  std::promise<void> go_on;
  std::atomic<int> calls = 0;
  say([&](const std::string& request) {
    if (path_of(request) != "GET /auth/user/") {
      return json_answer(R"({"detail":"Token is blacklisted"})", "401 Unauthorized");
    }
    const bool refused = revoked;
    if (++calls == 1) {
      sent.set_value();
      go_on.get_future().wait();
    }
    return refused ? json_answer("{}", "401 Unauthorized") : json_answer(a_user);
  });
  auto first =
      std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); });
  sent.get_future().wait();
  revoked = true;
  // Whoever comes from now on must be refused, alone or with others.
  std::vector<std::future<Verdict>> later;
  for (int i = 0; i < 5; ++i) {
    later.push_back(
        std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); }));
  }
  std::this_thread::sleep_for(200ms);
  go_on.set_value();
  EXPECT_EQ(said(first.get()), "id 7");
  for (auto& one : later) {
    EXPECT_EQ(said(one.get()), R"(401 {"detail":"Token is blacklisted"})");
  }
  EXPECT_LE(calls, 3);
}

TEST_F(AuthenticatorTest, NobodyWaitsLongForACallThatHangs) {
  std::promise<void> go_on;
  std::atomic<int> calls = 0;
  say([&](const std::string&) {
    if (++calls == 1) go_on.get_future().wait();
    return user(calls == 1 ? 1 : 2);
  });
  auto first =
      std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); });
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  std::vector<std::future<Verdict>> later;
  for (int i = 0; i < 5; ++i) {
    later.push_back(
        std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); }));
  }
  for (auto& one : later) EXPECT_EQ(said(one.get()), "id 2");
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
  go_on.set_value();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(lines().empty());
}

/// Else one token of one client would do to hold every thread for as long as a call may take.
TEST_F(AuthenticatorTest, AHungAuthServiceHoldsOnlyTheFirstOfATokensRequests) {
  gate_.shut();
  auto first =
      std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); });
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  std::vector<std::future<Verdict>> later;
  for (int i = 0; i < 40; ++i) {
    later.push_back(
        std::async(std::launch::async, [&] { return authenticator_.authenticate("Bearer a"); }));
  }
  EXPECT_LT(time_of([&] {
              for (auto& one : later) EXPECT_EQ(said(one.get()).substr(0, 3), "503");
            }),
            5s);
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_TRUE(lines()[0].starts_with("warning"));
  gate_.open();
  EXPECT_EQ(said(first.get()), "id 7");
  EXPECT_TRUE(eventually([&] { return authenticator_.authenticate("Bearer a").has_value(); }));
}

TEST_F(AuthenticatorTest, DifferentTokensNeverGetEachOthersIdentity) {
  // Long ones that differ in their last character alone, and in nothing but their length.
  const std::string stem(2000, 'x');
  std::map<std::string, int> ids;
  for (int i = 0; i < 10; ++i) ids[stem + std::to_string(i)] = 100 + i;
  for (int i = 1; i <= 10; ++i) ids[stem.substr(0, static_cast<std::size_t>(i * 100))] = 200 + i;
  say([&](const std::string& request) {
    const auto found = ids.find(token_of(request));
    return found == ids.end() ? json_answer("{}", "500 Internal Server Error")
                              : user(found->second);
  });
  std::atomic<int> wrong = 0;
  std::atomic<int> right = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < 16; ++t) {
    all.emplace_back([&, t] {
      auto at = ids.begin();
      std::advance(at, t % static_cast<int>(ids.size()));
      for (int i = 0; i < 100; ++i) {
        const auto verdict = authenticator_.authenticate("Bearer " + at->first);
        ++(verdict && *verdict && (*verdict)->remote_id == at->second ? right : wrong);
        if (++at == ids.end()) at = ids.begin();
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(right, 1600);
  EXPECT_LE(server_->connections(), 16);
}

TEST_F(AuthenticatorTest, AFaultOfTheLeaderLeavesNobodyWaiting) {
  std::atomic<int> admitted = 0;
  Authenticator authenticator({}, remote_, [&](const json::object&) -> Verdict {
    // The first one is alone; the second leads those who came meanwhile.
    if (++admitted == 2) throw std::runtime_error("a fault");
    return std::make_shared<const Identity>();
  });
  gate_.shut();
  std::atomic<int> good = 0;
  std::atomic<int> faults = 0;
  std::atomic<int> told = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < 16; ++t) {
    all.emplace_back([&] {
      try {
        const auto verdict = authenticator.authenticate("Bearer a");
        if (verdict) {
          ++good;
        } else if (verdict.error().code == Errc::internal) {
          ++told;
        }
      } catch (const std::runtime_error&) {
        ++faults;
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  std::this_thread::sleep_for(100ms);
  gate_.open();
  for (auto& thread : all) thread.join();
  EXPECT_EQ(faults, 1);
  EXPECT_EQ(good + told, 15);
  EXPECT_GE(told, 1);
  EXPECT_GE(good, 1);
  // Nothing is left of it.
  EXPECT_TRUE(authenticator.authenticate("Bearer a"));
}

TEST_F(AuthenticatorTest, AThousandRequestsHaveNoMoreConnectionsThanThreads) {
  constexpr int threads = 8;
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < 125; ++i) {
        good +=
            said(authenticator_.authenticate("Bearer t" + std::to_string((t + i) % 20))) == "id 7";
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(good, 1000);
  EXPECT_LE(server_->connections(), threads);
  EXPECT_TRUE(lines().empty());
}

// ---- VERIFY_MODE "local" with a feed

class FedAuthenticatorTest : public AuthenticatorTest {
 protected:
  FedAuthenticatorTest() {
    say([this](const std::string& request) {
      if (request.starts_with("GET /auth/events/")) return feed_.respond(request);
      return json_answer(a_user);
    });
  }
  ~FedAuthenticatorTest() override {
    feed_.end();
    server_->stop();
  }

  AuthenticatorSettings judging() {
    AuthenticatorSettings s{.verify_mode = VerifyMode::local, .log = log()};
    s.local.token.signing_key = Secret(secret);
    s.local.feed_url = server_->url("/auth/events/");
    s.local.feed_client_id = "id";
    s.local.feed_client_secret = Secret("secret");
    s.local.staleness_policy = StalenessPolicy::refuse;
    return s;
  }
  std::string token(std::string_view jti) const {
    TokenSettings s;
    s.signing_key = Secret(secret);
    const TokenCodec codec(s);
    return "Bearer " + codec.encode(codec.new_claims(TokenType::access, std::int64_t{7}, "", jti,
                                                     system_clock()() - 1s));
  }

  static constexpr const char* secret = "d577273ff885c3f84dadb8578bb40000";
  const jose::Key key_{jose::Algorithm::hs256, secret};
  test::EventsFeed feed_{key_};
};

TEST_F(FedAuthenticatorTest, RefusesWhatHasBeenRevokedWithoutACall) {
  Authenticator authenticator(judging(), remote_);
  const auto one = token("one"), two = token("two");
  ASSERT_TRUE(eventually([&] { return said(authenticator.authenticate(one)) == "id 7"; }));
  EXPECT_EQ(said(authenticator.authenticate(two)), "id 7");
  EXPECT_EQ(seen("GET /auth/user/"), 1);
  {
    const NoWaiting here;
    EXPECT_EQ(said(authenticator.authenticate(one)), "id 7");
  }
  const auto time = time_of([&] {
    feed_.happens(Event::family_revoked("one", system_clock()() + 1h));
    EXPECT_TRUE(eventually([&] {
      return said(authenticator.authenticate(one)) == R"(401 {"detail":"Token is blacklisted"})";
    }));
  });
  EXPECT_LT(time, 1s);
  EXPECT_EQ(said(authenticator.authenticate(two)), "id 7");
  EXPECT_EQ(seen("GET /auth/user/"), 1);
}

TEST_F(FedAuthenticatorTest, BeforeTheFirstSnapshotThePolicyDecides) {
  say([this](const std::string& request) {
    if (request.starts_with("GET /auth/events/")) return answer("", "", "404 Not Found");
    return json_answer(a_user);
  });
  auto s = judging();
  EXPECT_EQ(said(Authenticator(s, remote_).authenticate(token("a"))).substr(0, 3), "503");
  s.local.staleness_policy = StalenessPolicy::remote;
  EXPECT_EQ(said(Authenticator(s, remote_).authenticate(token("a"))), "id 7");
  EXPECT_EQ(seen("GET /auth/user/"), 1);
  s.local.staleness_policy = StalenessPolicy::accept;
  EXPECT_EQ(said(Authenticator(s, remote_).authenticate(token("a"))), "id 7");
}

TEST_F(FedAuthenticatorTest, EndsQuicklyWhileTheKeysOfAPageAreWaitedFor) {
  auto s = judging();
  s.local.token.algorithm = "EdDSA";
  s.local.token.signing_key = Secret();
  s.local.jwk_url = server_->url("/jwks.json");
  const auto pem = test::make_pem("ED25519");
  const jose::Key key(jose::Algorithm::eddsa, pem.private_key);
  test::EventsFeed feed(key);
  say([&](const std::string& request) {
    if (request.starts_with("GET /auth/events/")) return feed.respond(request);
    server_->pause(60s);
    return std::string();
  });
  auto authenticator = std::make_unique<Authenticator>(s, remote_);
  ASSERT_TRUE(eventually([&] { return seen("GET /jwks.json") == 1; }));
  EXPECT_LT(time_of([&] { authenticator.reset(); }), 1s);
  server_->stop();
}

}  // namespace
}  // namespace easyjwt
