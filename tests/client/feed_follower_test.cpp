#include "client/feed_follower.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "client/auth_service.hpp"
#include "client/events_feed.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/token/codec.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::EventsFeed;
using test::eventually;
using test::time_of;

Time in_an_hour() { return system_clock()() + 1h; }

/// What follows, what trusts it, and an auth-service of one user whose name is `email_`.
class FeedFollowerTest : public test::WithAuthService {
 protected:
  FeedFollowerTest() { follow_script(); }
  ~FeedFollowerTest() override {
    follower_.reset();
    feed_.end();
    gate_.open();
    server_->stop();  // its scripts use what is here, and itself
  }

  void follow_script() {
    say([this](const std::string& request) { return feed_.respond(request); });
  }

  LocalSettings local(std::chrono::seconds max_staleness = 5s,
                      StalenessPolicy policy = StalenessPolicy::refuse) {
    LocalSettings s;
    s.token.signing_key = Secret(secret);
    s.session_claim = "sid";
    s.feed_url = server_->url("/auth/events/");
    s.feed_client_id = "my service";
    s.feed_client_secret = Secret("a:b/c");
    s.max_staleness = max_staleness;
    s.staleness_policy = policy;
    return s;
  }
  void follow(const LocalSettings& s, Jwks* jwks = nullptr) {
    follower_.reset();
    trust_ = std::make_unique<LocalTrust>(
        s, jwks, *revocations_, [this] { return follower_->staleness(); }, Admit{}, system_clock());
    follower_ = std::make_unique<FeedFollower>(s, *trust_, *revocations_, system_clock(), log());
  }
  bool is_fresh() const { return follower_->staleness() < 5s; }

  std::string token(std::int64_t user, std::string_view jti) const {
    return codec_.encode(
        codec_.new_claims(TokenType::access, user, "", jti, system_clock()() - 1s));
  }
  /// The e-mail of whom a token is of, or the status.
  std::string who(const std::string& token) {
    const auto ask = [&]() -> LocalTrust::Verdict {
      ++asked_;
      auto identity = std::make_shared<Identity>();
      identity->email = email_;
      return identity;
    };
    const auto verdict = trust_->authenticate(token, ask);
    if (verdict) return (*verdict)->email;
    return std::to_string(describe(verdict.error().code).status);
  }
  bool is_revoked(std::string_view family) const {
    return revocations_->is_revoked(revocations_->marks(family, "", std::nullopt, std::nullopt));
  }
  long lines_with(std::string_view text) {
    const auto all = lines();
    return std::count_if(all.begin(), all.end(),
                         [&](const auto& line) { return line.find(text) != line.npos; });
  }

  static constexpr const char* secret = "d577273ff885c3f84dadb8578bb40000";
  const jose::Key key_{jose::Algorithm::hs256, secret};
  const TokenCodec codec_{[] {
    TokenSettings s;
    s.signing_key = Secret(secret);
    return s;
  }()};
  EventsFeed feed_{key_};
  std::unique_ptr<Revocations> revocations_ = std::make_unique<Revocations>();
  std::string email_ = "a@b.c";
  int asked_ = 0;
  // Of scripts, which may run for longer than a test's body.
  std::atomic<bool> flag_ = false;
  std::atomic<int> count_ = 0;
  std::unique_ptr<LocalTrust> trust_;
  std::unique_ptr<FeedFollower> follower_;
};

TEST_F(FeedFollowerTest, ASnapshotComesInPagesAndThenWhatHappens) {
  const auto until = in_an_hour();
  feed_.begin({{Event::family_revoked("one", until)},
               {Event::family_revoked("two", until)},
               {Event::user_void("8", in_an_hour(), until)}});
  gate_.shut();
  follow(local());
  ASSERT_TRUE(eventually([&] { return gate_.before() == 1; }));
  EXPECT_EQ(follower_->staleness(), std::chrono::microseconds::max());
  EXPECT_EQ(who(token(7, "j")), "503") << "nothing is known yet";
  gate_.open();
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_EQ(revocations_->size(), 3U);
  EXPECT_EQ(who(token(7, "one")), "401");
  EXPECT_EQ(who(token(7, "two")), "401");
  EXPECT_EQ(who(token(8, "j")), "401");
  EXPECT_EQ(who(token(7, "j")), "a@b.c");
  EXPECT_EQ(lines(), std::vector<std::string>{"info the revocation feed is followed 3"});
  EXPECT_EQ(seen("GET /auth/events/ HTTP/1.1\r\n"), 1);
  EXPECT_EQ(seen("after=2.s."), 2);
  EXPECT_TRUE(eventually([&] { return seen("GET /auth/events/?after=2.e.0&wait=2 HTTP") == 1; }));
  // RFC 6749 section 2.3.1.
  EXPECT_NE(last_seen().find("Authorization: Basic " + base64("my%20service:a%3ab%2fc") + "\r\n"),
            std::string::npos)
      << last_seen();

  const auto time = time_of([&] {
    feed_.happens(Event::family_revoked("j", until));
    EXPECT_TRUE(eventually([&] { return who(token(7, "j")) == "401"; }));
  });
  EXPECT_LT(time, 1s);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(FeedFollowerTest, AUserWhoHasChangedIsFetchedAgain) {
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_EQ(who(token(7, "a")), "a@b.c");
  EXPECT_EQ(who(token(8, "b")), "a@b.c");
  email_ = "new@b.c";
  EXPECT_EQ(who(token(7, "a")), "a@b.c");
  feed_.happens(Event::user_changed(std::int64_t{7}));
  EXPECT_TRUE(eventually([&] { return who(token(7, "a")) == "new@b.c"; }));
  EXPECT_EQ(who(token(8, "b")), "a@b.c");
  // Tokens from before are void, later ones bring the user as they are now.
  feed_.happens(Event::user_void("8", system_clock()() - 1h, in_an_hour()));
  EXPECT_TRUE(eventually([&] { return who(token(8, "b")) == "new@b.c"; }));
}

TEST_F(FeedFollowerTest, WhatComesInPagesIsFetchedAtOnce) {
  feed_.set_page_size(2);
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  const auto time = time_of([&] {
    for (int i = 0; i < 50; ++i) {
      feed_.happens(Event::family_revoked("f" + std::to_string(i), in_an_hour()));
    }
    EXPECT_TRUE(eventually([&] { return revocations_->size() == 50; }));
  });
  EXPECT_LT(time, 1s);
}

TEST_F(FeedFollowerTest, WhereTheCursorIsGoneItBeginsAnewAndWhatWasKnownCountsUntilThen) {
  feed_.begin({{Event::family_revoked("old", in_an_hour())}});
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_EQ(who(token(7, "a")), "a@b.c");
  email_ = "new@b.c";

  flag_ = true;
  say([this](const std::string& request) {
    // The last page of the new snapshot keeps waiting.
    while (flag_ && request.find("after=3.s.1") != request.npos) std::this_thread::sleep_for(5ms);
    return feed_.respond(request);
  });
  feed_.begin(
      {{Event::family_revoked("new", in_an_hour())}, {Event::family_revoked("b", in_an_hour())}});
  ASSERT_TRUE(eventually([&] { return seen("after=3.s.1") == 1; }));
  EXPECT_TRUE(is_revoked("old"));
  EXPECT_TRUE(is_revoked("new"));
  EXPECT_EQ(who(token(7, "a")), "a@b.c");
  flag_ = false;
  EXPECT_TRUE(eventually([&] { return !is_revoked("old"); }));
  EXPECT_TRUE(is_revoked("new"));
  EXPECT_TRUE(is_revoked("b"));
  EXPECT_TRUE(eventually([&] { return who(token(7, "a")) == "new@b.c"; }))
      << "who knows who has changed meanwhile";
  EXPECT_TRUE(eventually([&] { return lines_with("followed 2") == 1; }));
  EXPECT_EQ(lines_with("begins anew"), 1);
  EXPECT_EQ(lines().size(), 3U);
}

TEST_F(FeedFollowerTest, ASnapshotThatBreaksOffGoesOn) {
  feed_.begin({{Event::family_revoked("a", in_an_hour())},
               {Event::family_revoked("b", in_an_hour())},
               {Event::family_revoked("c", in_an_hour())}});
  say([this](const std::string& request) {
    if (request.find(".s.1") != request.npos && count_++ < 3) {
      return answer("", "", "503 Service Unavailable");
    }
    return feed_.respond(request);
  });
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_EQ(revocations_->size(), 3U);
  EXPECT_EQ(seen("GET /auth/events/ "), 1);
  EXPECT_EQ(lines_with("not answered"), 1);
}

// ---- what is no page

TEST_F(FeedFollowerTest, WhatIsNoPageIsNoAnswer) {
  const std::vector<Event> events{Event::family_revoked("x", in_an_hour())};
  const auto good = EventsFeed::payload(events, "1.e.0", true, false);
  const auto now = system_clock()();
  const jose::Key other(jose::Algorithm::hs256, "another-secret-that-is-long-enough");
  auto tampered = feed_.sign(good);
  tampered[tampered.find('.') + 5] ^= 1;
  std::string none =
      base64url(R"({"alg":"none","typ":"events+jwt"})") + "." + base64url(good) + ".";
  const std::vector<std::string> bodies{
      "",
      "{}",
      good,
      feed_.sign(good).substr(1),
      tampered,
      none,
      EventsFeed(other).sign(good),  // another's key
      feed_.sign(good, "JWT"),       // a token's header
      feed_.sign(good, "at+jwt"),
      feed_.sign(good, "EVENTS+JWT"),
      token(7, "x"),  // a token
      feed_.sign("{}"),
      feed_.sign("[]"),
      feed_.sign(""),
      feed_.sign(EventsFeed::payload(events, "1.e.0", false, false)),  // no snapshot
      feed_.sign(EventsFeed::payload(events, "1 e", true, false)),
      feed_.sign(EventsFeed::payload(events, "", true, true)),
      feed_.sign(EventsFeed::payload(events, "1.e.0", true, false, now - 61s)),  // sent again
      feed_.sign(EventsFeed::payload(events, "1.e.0", true, false, now + 61s)),
      std::string(3 * 1024 * 1024, 'a'),
  };
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    say(answer(bodies[i]));
    follow(local());
    ASSERT_TRUE(eventually([&] {
      return lines_with("not sound") + lines_with("not answered") == static_cast<long>(i + 1);
    })) << i;
    EXPECT_EQ(follower_->staleness(), std::chrono::microseconds::max()) << i;
    EXPECT_EQ(revocations_->size(), 0U) << i;
    follower_.reset();
  }
  follow_script();
  follow(local());
  EXPECT_TRUE(eventually([&] { return is_fresh(); }));
}

TEST_F(FeedFollowerTest, AnUnsoundPageIsToldOnceAndTakesNothingAway) {
  feed_.begin({{Event::family_revoked("old", in_an_hour())}});
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  say([this](const std::string& request) {
    switch (count_++ % 3) {
      case 0:  // a snapshot that nobody asked for
        return answer(feed_.sign(EventsFeed::payload({}, "2.e.0", true, false)));
      case 1:  // itself, for ever
        return answer(feed_.sign(
            EventsFeed::payload({}, EventsFeed::value_of(request, "after"), false, true)));
      default:  // a type of a later version's
        return answer(feed_.sign(
            R"({"events":[{"type":"all_void"}],"cursor":"2.e.9","snapshot":false,"more":false,)"
            R"("at":1})"));
    }
  });
  feed_.happens(Event::family_revoked("x", in_an_hour()));
  ASSERT_TRUE(eventually([&] { return count_ >= 4; }));
  EXPECT_TRUE(is_revoked("old"));
  EXPECT_EQ(lines_with("not sound"), 1);
  follow_script();
  EXPECT_TRUE(eventually([&] { return lines_with("is followed") == 2; }));
  EXPECT_TRUE(is_revoked("x"));
  EXPECT_EQ(lines().size(), 3U);
}

/// Not even where its payload has all that a token has.
TEST_F(FeedFollowerTest, APageIsNoToken) {
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_EQ(who(feed_.sign(EventsFeed::payload({}, "1.e.0", false, false))), "401");
  std::string claims;
  append_json(claims, codec_.new_claims(TokenType::access, 7, "", "j", system_clock()() - 1s));
  EXPECT_EQ(who(feed_.sign(claims, "JWT")), "a@b.c");
  EXPECT_EQ(who(feed_.sign(claims)), "401");
}

// ---- staleness

TEST_F(FeedFollowerTest, TheWaitGoesByMaxStaleness) {
  const std::pair<std::chrono::seconds, std::chrono::seconds> cases[] = {
      {1s, 0s}, {2s, 0s}, {3s, 1s}, {4s, 1s}, {5s, 2s}, {10s, 4s}, {51s, 25s}, {24h, 25s}};
  for (const auto& [max_staleness, wait] : cases) {
    EXPECT_EQ(FeedFollower::wait_of(max_staleness), wait) << max_staleness.count();
    EXPECT_LT(2 * wait, max_staleness) << "one request's answer must do until the next one's";
  }
}

TEST_F(FeedFollowerTest, AFeedInWhichNothingHappensIsNeverStale) {
  for (const auto most : {2s, 3s}) {
    follow(local(most));
    ASSERT_TRUE(eventually([&] { return is_fresh(); }));
    const auto requests = server_->requests();
    const auto end = std::chrono::steady_clock::now() + 2500ms;
    std::chrono::microseconds worst{};
    while (std::chrono::steady_clock::now() < end) {
      worst = std::max(worst, follower_->staleness());
      std::this_thread::sleep_for(1ms);
    }
    EXPECT_LT(worst, most);
    EXPECT_GT(worst, 400ms) << "it does grow";
    EXPECT_LE(server_->requests() - requests, 6);
  }
}

/// An answer says what was so when it was made, which may be when the request was sent.
TEST_F(FeedFollowerTest, AnAnswerThatWasLongUnderWayIsOld) {
  say([this](const std::string& request) {
    auto answer = feed_.respond(request);
    if (flag_) server_->pause(1500ms);
    return answer;
  });
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  flag_ = true;
  feed_.happens(Event::family_revoked("x", in_an_hour()));
  ASSERT_TRUE(eventually([&] { return is_revoked("x"); }));
  EXPECT_GE(follower_->staleness(), 1500ms);
}

TEST_F(FeedFollowerTest, AServerThatIsAwayAndBack) {
  feed_.begin({{Event::family_revoked("old", in_an_hour())}});
  follow(local(2s));
  ASSERT_TRUE(eventually([&] { return follower_->staleness() < 2s; }));
  EXPECT_EQ(who(token(7, "a")), "a@b.c");
  EXPECT_EQ(who(token(7, "old")), "401");
  const int port = server_->port();
  server_->stop();
  ASSERT_TRUE(eventually([&] { return follower_->staleness() > 2s; }));
  EXPECT_EQ(who(token(7, "a")), "503");
  const auto before = follower_->staleness();
  std::this_thread::sleep_for(300ms);
  EXPECT_GE(follower_->staleness(), before + 300ms);
  feed_.happens(Event::family_revoked("a", in_an_hour()));
  start(port);
  ASSERT_TRUE(eventually([&] { return follower_->staleness() < 2s; }));
  EXPECT_EQ(who(token(7, "a")), "401") << "what happened meanwhile";
  EXPECT_EQ(who(token(7, "b")), "a@b.c");
  EXPECT_EQ(seen("GET /auth/events/ "), 1) << "it goes on where it was";
  EXPECT_EQ(lines_with("not answered"), 1);
  EXPECT_TRUE(eventually([&] { return lines_with("is followed") == 2; }));
  EXPECT_EQ(lines().size(), 3U);
}

TEST_F(FeedFollowerTest, BeyondMaxStalenessThePolicyDecides) {
  say(answer("", "", "500 Internal Server Error"));
  const auto revoked = token(7, "x");
  feed_.begin({{Event::family_revoked("x", in_an_hour())}});
  const std::pair<StalenessPolicy, const char*> cases[] = {{StalenessPolicy::remote, "asked@b.c"},
                                                           {StalenessPolicy::refuse, "503"},
                                                           {StalenessPolicy::accept, "401"}};
  for (const auto& [policy, expected] : cases) {
    follow_script();
    follow(local(2s, policy));
    ASSERT_TRUE(eventually([&] { return follower_->staleness() < 2s; }));
    email_ = "a@b.c";
    EXPECT_EQ(who(revoked), "401");
    EXPECT_EQ(who(token(7, "y")), "a@b.c");
    say(answer("", "", "500 Internal Server Error"));
    email_ = "asked@b.c";
    ASSERT_TRUE(eventually([&] { return follower_->staleness() > 2s; }));
    EXPECT_EQ(who(revoked), expected) << "what was known counts on";
  }
}

// ---- beginning and end

TEST_F(FeedFollowerTest, WhoStartsAnewBeginsWithASnapshot) {
  const auto until = in_an_hour();
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  feed_.happens(Event::family_revoked("a", until));
  ASSERT_TRUE(eventually([&] { return is_revoked("a"); }));
  follower_.reset();
  trust_.reset();
  revocations_ = std::make_unique<Revocations>();
  feed_.begin({{Event::family_revoked("a", until), Event::family_revoked("b", until)}});
  follow(local());
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  EXPECT_TRUE(is_revoked("a"));
  EXPECT_TRUE(is_revoked("b"));
  EXPECT_EQ(seen("GET /auth/events/ "), 2);
}

TEST_F(FeedFollowerTest, EndsQuicklyWhileARequestIsHeld) {
  follow(local(60s));
  ASSERT_TRUE(eventually([&] { return seen("wait=25") == 1; }));
  EXPECT_LT(time_of([&] { follower_.reset(); }), 1s);
  // And in a pause.
  say(answer("", "", "401 Unauthorized"));
  follow(local());
  ASSERT_TRUE(eventually([&] { return lines_with("refuses") == 1; }));
  EXPECT_LT(time_of([&] { follower_.reset(); }), 1s);
  EXPECT_EQ(lines_with("not answered"), 0) << "an end is no failure";
}

TEST_F(FeedFollowerTest, ARefusalIsToldOnceAndTriedAgainInAWhile) {
  const std::pair<const char*, const char*> cases[] = {
      {"401 Unauthorized", "refuses FEED_CLIENT_ID and FEED_CLIENT_SECRET 401"},
      {"403 Forbidden", "refuses FEED_CLIENT_ID and FEED_CLIENT_SECRET 403"},
      {"404 Not Found", "has no revocation feed 404"}};
  for (const auto& [status, line] : cases) {
    say(answer("{}", "", status));
    const auto requests = server_->requests();
    follow(local());
    ASSERT_TRUE(eventually([&] { return lines_with(line) == 1; })) << status;
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(server_->requests(), requests + 1) << status;
    EXPECT_EQ(follower_->staleness(), std::chrono::microseconds::max());
  }
  for (const auto& line : lines()) EXPECT_EQ(line.find("a:b/c"), std::string::npos);
}

TEST_F(FeedFollowerTest, WhatItCannotFollowIsRefusedAtOnce) {
  const auto key_of = [&](const LocalSettings& s) -> std::string {
    try {
      follow(s);
    } catch (const SettingsError& error) {
      EXPECT_EQ(std::string(error.what()).find("a:b/c"), std::string::npos);
      return error.key;
    }
    return "";
  };
  auto s = local();
  s.feed_url = "file:///etc/passwd";
  EXPECT_EQ(key_of(s), "EASY_JWT.REMOTE_AUTH_SERVICE_URL");
  s = local();
  s.feed_client_id.clear();
  EXPECT_EQ(key_of(s), "EASY_JWT.FEED_CLIENT_ID");
  s = local();
  s.feed_client_secret = Secret();
  EXPECT_EQ(key_of(s), "EASY_JWT.FEED_CLIENT_SECRET");
  s = local(0s);
  EXPECT_EQ(key_of(s), "EASY_JWT.MAX_STALENESS");
}

// ---- keys

TEST_F(FeedFollowerTest, PagesAreSignedByTheKeysOfJwkUrl) {
  const auto one = test::make_pem("ED25519"), two = test::make_pem("ED25519");
  const jose::Key first(jose::Algorithm::eddsa, one.private_key);
  const jose::Key second(jose::Algorithm::eddsa, two.private_key);
  EventsFeed feed(first, "one"), later(second, "two");
  std::atomic<bool> is_rotated = false;
  const auto jwk = [](const test::PemPair& pair, const std::string& kid) {
    return test::jwk(pair.public_key, R"("kid":")" + kid + "\"");
  };
  say([&](const std::string& request) {
    if (request.starts_with("GET /jwks.json")) {
      return answer("{\"keys\":[" + jwk(one, "one") +
                    (is_rotated ? "," + jwk(two, "two") : std::string()) + "]}");
    }
    return is_rotated ? later.respond(request) : feed.respond(request);
  });
  auto s = local();
  s.token.algorithm = "EdDSA";
  s.token.signing_key = Secret();
  s.jwk_url = server_->url("/jwks.json");
  fetch::Fetcher fetcher{{}};
  Jwks jwks({.url = s.jwk_url, .algorithm = jose::Algorithm::eddsa}, fetcher, system_clock(),
            no_log());
  follow(s, &jwks);
  ASSERT_TRUE(eventually([&] { return is_fresh(); }));
  feed.happens(Event::family_revoked("a", in_an_hour()));
  ASSERT_TRUE(eventually([&] { return is_revoked("a"); }));
  later.happens(Event::family_revoked("a", in_an_hour()));
  is_rotated = true;
  feed.happens(Event::family_revoked("b", in_an_hour()));
  later.happens(Event::family_revoked("b", in_an_hour()));
  later.happens(Event::family_revoked("c", in_an_hour()));
  EXPECT_TRUE(eventually([&] { return is_revoked("c"); })) << "by a key that came later";
  EXPECT_EQ(lines_with("not sound"), 0);
  follower_.reset();
  feed.end();
  later.end();
  server_->stop();
}

}  // namespace
}  // namespace easyjwt
