#include "client/local_trust.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "easyjwt/core/waiting.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/token/codec.hpp"
#include "fetch/scripted_server.hpp"
#include "jose/jwk.hpp"
#include "jose/keys.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

const Time start = from_epoch_seconds(1795435200);

/// A clock, a feed's staleness and an auth-service that tests set.
class LocalTrustTest : public testing::Test {
 protected:
  static LocalSettings settings() {
    LocalSettings s;
    s.token.signing_key = Secret("d577273ff885c3f84dadb8578bb40000");
    s.session_claim = "sid";
    return s;
  }

  std::unique_ptr<LocalTrust> make(LocalSettings s, bool has_feed = false, Admit admit = {},
                                   Jwks* jwks = nullptr) {
    LocalTrust::Staleness staleness;
    if (has_feed) staleness = [this] { return staleness_; };
    return std::make_unique<LocalTrust>(std::move(s), jwks, revocations_, std::move(staleness),
                                        std::move(admit), [this] { return now_; });
  }

  std::string token(std::int64_t user = 7, std::string_view jti = "j") const {
    return codec_.encode(codec_.new_claims(TokenType::access, user, "", jti, start));
  }

  /// The e-mail of whom a token is of, or the status.
  std::string who(LocalTrust& trust, const std::string& of) {
    const auto ask = [&]() -> LocalTrust::Verdict {
      ++asked_;
      if (failure_) return fail(*failure_);
      auto identity = std::make_shared<Identity>();
      identity->email = email_;
      identity->user = json::object{{"email", email_}};
      return identity;
    };
    const auto verdict = trust.authenticate(of, ask);
    if (verdict) return (*verdict)->email;
    return std::to_string(describe(verdict.error().code).status);
  }

  TokenCodec codec_{settings().token};
  Revocations revocations_;
  Time now_ = start;
  std::chrono::microseconds staleness_{0};
  std::string email_ = "a@b.c";
  std::optional<Error> failure_;
  int asked_ = 0;
};

TEST_F(LocalTrustTest, AUserIsFetchedOnceAndATokenThatHasBeenSeenIsKnown) {
  const auto trust = make(settings());
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(who(*trust, token(7, "another")), "a@b.c");
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(who(*trust, token(8)), "a@b.c");
  EXPECT_EQ(asked_, 2);
}

TEST_F(LocalTrustTest, WhatIsNearlyAKnownTokenIsNotKnown) {
  const auto trust = make(settings());
  const auto good = token();
  EXPECT_EQ(who(*trust, good), "a@b.c");
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto other = good;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(who(*trust, other), "401") << i;
  }
  EXPECT_EQ(who(*trust, good.substr(0, good.size() - 1)), "401");
  EXPECT_EQ(who(*trust, good + "A"), "401");
  EXPECT_EQ(who(*trust, ""), "401");
  EXPECT_EQ(who(*trust, std::string(9000, 'a')), "401");
  EXPECT_EQ(asked_, 1) << "a bad token costs no call";
}

TEST_F(LocalTrustTest, AKnownTokenDiesAtItsExpAndIsNotThereBeforeItsIat) {
  auto s = settings();
  s.user_lifetime = 24h;
  const auto trust = make(s);
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  now_ = start + 299s + 999ms;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  now_ = start + 300s;
  EXPECT_EQ(who(*trust, token()), "401");
  now_ = start - 1us;
  EXPECT_EQ(who(*trust, token()), "401") << "the clock was set back";
}

TEST_F(LocalTrustTest, ARevocationEndsAKnownToken) {
  const auto trust = make(settings(), true);
  EXPECT_EQ(who(*trust, token(7, "one")), "a@b.c");
  EXPECT_EQ(who(*trust, token(7, "two")), "a@b.c");
  revocations_.apply(Event::family_revoked("one", start + 1h));
  EXPECT_EQ(who(*trust, token(7, "one")), "401");
  EXPECT_EQ(who(*trust, token(7, "two")), "a@b.c");
  revocations_.apply(Event::user_void("7", start, start + 1h));
  EXPECT_EQ(who(*trust, token(7, "two")), "a@b.c") << "issued at that instant";
  revocations_.apply(Event::user_void("7", start + 1us, start + 1h));
  EXPECT_EQ(who(*trust, token(7, "two")), "401");
  EXPECT_EQ(who(*trust, token(8, "two")), "a@b.c");
}

TEST_F(LocalTrustTest, WithoutAFeedAUserIsFetchedAgainAfterAWhile) {
  const auto trust = make(settings());
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  email_ = "new@b.c";
  now_ = start + 59s;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  now_ = start + 60s;
  EXPECT_EQ(who(*trust, token()), "new@b.c");
  EXPECT_EQ(asked_, 2);
}

TEST_F(LocalTrustTest, WithAFeedAUserIsFetchedAgainWhenItSaysSo) {
  const auto trust = make(settings(), true);
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(who(*trust, token(8)), "a@b.c");
  email_ = "new@b.c";
  now_ = start + 250s;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  trust->forget("7");
  EXPECT_EQ(who(*trust, token()), "new@b.c");
  EXPECT_EQ(who(*trust, token(8)), "a@b.c");
  trust->forget_all();
  EXPECT_EQ(who(*trust, token(8)), "new@b.c");
}

TEST_F(LocalTrustTest, WhileTheAuthServiceIsDownGoodTokensOfKnownUsersGoOn) {
  const auto trust = make(settings());
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  failure_ = Error::unavailable("down");
  now_ = start + 61s;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  const auto asked = asked_;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(asked_, asked) << "not at every request";
  now_ += 5s;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(asked_, asked + 1);
  EXPECT_EQ(who(*trust, token(8)), "503") << "of whom nothing is known";
  EXPECT_EQ(who(*trust, token() + "A"), "401") << "and bad ones are bad";
  failure_.reset();
  email_ = "new@b.c";
  now_ += 5s;
  EXPECT_EQ(who(*trust, token()), "new@b.c");
}

TEST_F(LocalTrustTest, WhoseUserTheAuthServiceRefusesIsRefused) {
  const auto trust = make(settings());
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  failure_ = refuse_token({}).value();
  now_ = start + 60s;
  EXPECT_EQ(who(*trust, token()), "401") << "deactivated";
}

TEST_F(LocalTrustTest, WhatThisServiceItselfSaysOfAUserIsReadAgainWithoutACall) {
  int admitted = 0;
  Result<std::shared_ptr<const Identity>> answer = std::make_shared<const Identity>();
  const auto trust = make(settings(), true, [&](const json::object& user) {
    ++admitted;
    if (!answer) return answer;
    auto identity = std::make_shared<Identity>(**answer);
    identity->email = std::string(user.at("email").as_string()) + (identity->is_staff ? "!" : "");
    identity->user = user;
    return Result<std::shared_ptr<const Identity>>(identity);
  });
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  now_ = start + 1999ms;
  EXPECT_EQ(who(*trust, token()), "a@b.c");
  EXPECT_EQ(admitted, 0);
  auto staff = std::make_shared<Identity>();
  staff->is_staff = true;
  answer = staff;
  now_ = start + 2s;
  EXPECT_EQ(who(*trust, token()), "a@b.c!");
  EXPECT_EQ(who(*trust, token()), "a@b.c!");
  EXPECT_EQ(admitted, 1);
  EXPECT_EQ(asked_, 1);
  answer = fail(Errc::unavailable);
  now_ = start + 4s;
  EXPECT_EQ(who(*trust, token()), "503") << "what somebody may do is not known";
  answer = fail(Errc::would_wait);
  EXPECT_EQ(who(*trust, token()), "0") << "for the lane";
}

TEST_F(LocalTrustTest, BeyondMaxStalenessThePolicyDecides) {
  for (const auto policy :
       {StalenessPolicy::remote, StalenessPolicy::refuse, StalenessPolicy::accept}) {
    auto s = settings();
    s.staleness_policy = policy;
    const auto trust = make(s, true);
    now_ = start;
    staleness_ = 5s;
    email_ = "a@b.c";
    EXPECT_EQ(who(*trust, token()), "a@b.c");
    const auto asked = asked_;
    staleness_ = 5s + 1us;
    email_ = "asked@b.c";
    switch (policy) {
      case StalenessPolicy::remote:
        EXPECT_EQ(who(*trust, token()), "asked@b.c");
        EXPECT_EQ(who(*trust, token()), "asked@b.c");
        EXPECT_EQ(asked_, asked + 2) << "every time, as in remote mode";
        break;
      case StalenessPolicy::refuse:
        EXPECT_EQ(who(*trust, token()), "503");
        EXPECT_EQ(asked_, asked);
        break;
      case StalenessPolicy::accept:
        EXPECT_EQ(who(*trust, token()), "a@b.c");
        EXPECT_EQ(asked_, asked);
        now_ = start + 60s;
        EXPECT_EQ(who(*trust, token()), "asked@b.c") << "as without a feed";
        break;
    }
    staleness_ = 0s;
    EXPECT_NE(who(*trust, token()), "503") << "it recovers by itself";
  }
}

/// A published set that tests exchange.
class LocalTrustOfJwksTest : public LocalTrustTest {
 protected:
  static void SetUpTestSuite() { ::setenv("no_proxy", "*", 1); }

  LocalTrustOfJwksTest() { publish(one_, "one"); }

  void publish(const test::PemPair& pair, const std::string& kid) {
    const std::lock_guard lock(mutex_);
    answer_ =
        test::answer("{\"keys\":[" + test::jwk(pair.public_key, R"("kid":")" + kid + "\"") + "]}");
  }
  void say(std::string answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::string signed_by(const test::PemPair& pair, const std::string& kid) const {
    const jose::Key key(jose::Algorithm::eddsa, pair.private_key);
    std::string payload;
    append_json(payload, codec_.new_claims(TokenType::access, 7, "", "j", start));
    std::string out;
    jose::sign_compact(payload, key, jose::make_header(key.algorithm(), "JWT", kid), out);
    return out;
  }
  static LocalSettings of_jwks(StalenessPolicy policy) {
    auto s = settings();
    s.token.algorithm = "EdDSA";
    s.staleness_policy = policy;
    s.user_lifetime = 24h;
    return s;
  }

  const test::PemPair one_ = test::make_pem("ED25519"), two_ = test::make_pem("ED25519");
  std::mutex mutex_;
  std::string answer_;
  test::ScriptedServer server_{[this](const std::string&) {
    const std::lock_guard lock(mutex_);
    return answer_;
  }};
  std::atomic<std::int64_t> seconds_{0};  // of the Jwks' clock
  fetch::Fetcher fetcher_{{}};
  Jwks jwks_{{.url = server_.url("/"), .algorithm = jose::Algorithm::eddsa, .retry = 1s},
             fetcher_,
             [this] { return start + std::chrono::seconds{seconds_.load()}; },
             no_log()};
};

TEST_F(LocalTrustOfJwksTest, AKnownTokenEndsWithItsKey) {
  const auto trust = make(of_jwks(StalenessPolicy::refuse), false, {}, &jwks_);
  const auto token = signed_by(one_, "one");
  EXPECT_EQ(who(*trust, token), "a@b.c");
  const auto generation = jwks_.generation();
  publish(two_, "two");
  seconds_ += 300;
  EXPECT_EQ(who(*trust, signed_by(two_, "two")), "a@b.c") << "an unknown kid fetches";
  EXPECT_NE(jwks_.generation(), generation);
  EXPECT_EQ(who(*trust, token), "401") << "its key is gone";
  say("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  seconds_ += 3600;
  EXPECT_EQ(who(*trust, signed_by(two_, "two")), "a@b.c") << "the last set serves on";
}

TEST_F(LocalTrustOfJwksTest, WithoutAnyKeysThePolicyDecidesAndItRecovers) {
  say("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  const auto refuses = make(of_jwks(StalenessPolicy::refuse), false, {}, &jwks_);
  const auto accepts = make(of_jwks(StalenessPolicy::accept), false, {}, &jwks_);
  const auto asks = make(of_jwks(StalenessPolicy::remote), false, {}, &jwks_);
  const auto token = signed_by(one_, "one");
  EXPECT_EQ(who(*refuses, token), "503");
  EXPECT_EQ(who(*accepts, token), "503") << "nothing is accepted unverified";
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(who(*asks, token), "a@b.c");
  EXPECT_EQ(asked_, 1);
  publish(one_, "one");
  seconds_ += 2;
  EXPECT_EQ(who(*refuses, token), "a@b.c");
}

TEST_F(LocalTrustOfJwksTest, AThreadThatMayNotWaitDoesNotWaitForKeys) {
  const auto trust = make(of_jwks(StalenessPolicy::remote), false, {}, &jwks_);
  const NoWaiting here;
  EXPECT_EQ(who(*trust, signed_by(one_, "one")), "0");
  EXPECT_EQ(asked_, 0);
}

/// Two threads ask while a third revokes, forgets and lets time pass.
TEST_F(LocalTrustTest, IsSharedByThreads) {
  std::atomic<Time> now{start};
  LocalTrust trust(
      settings(), nullptr, revocations_, [] { return 0us; }, {}, [&] { return now.load(); });
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  const auto ask = []() -> LocalTrust::Verdict { return std::make_shared<const Identity>(); };
  std::vector<std::string> tokens;
  for (int i = 0; i < 50; ++i) tokens.push_back(token(i, "j" + std::to_string(i)));
  const auto dead = token(99, "dead");
  revocations_.apply(Event::family_revoked("dead", start + 1h));
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        for (const auto& each : tokens) {
          if (!trust.authenticate(each, ask)) ++wrong;
        }
        if (trust.authenticate(dead, ask)) ++wrong;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    revocations_.apply(Event::family_revoked("x" + std::to_string(i), start + 1h));
    trust.forget(std::to_string(i % 50));
    now = start + std::chrono::milliseconds{i * 100};
    std::this_thread::yield();
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace easyjwt
