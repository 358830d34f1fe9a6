#include "easyjwt/auth/tokens.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "auth/fixture.hpp"
#include "easyjwt/core/random.hpp"
#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

using test::words;

constexpr db::Sql outstanding_rows{"SELECT count(*) FROM token_blacklist_outstandingtoken"};

class TokensTest : public test::AuthService {
 protected:
  TokensTest() { id_ = add_user("alice@example.com"); }

  void rotate() {
    settings_.rotate_refresh_tokens = settings_.blacklist_after_rotation = true;
    start();
  }
  TokenPair login() { return *tokens_->obtain("alice@example.com", password); }
  void deactivate() {
    static constexpr db::Sql off{"UPDATE \"user\" SET is_active = $1"};
    sql(off, {false});
  }
  void remove() {
    static constexpr db::Sql blacklist{"DELETE FROM token_blacklist_blacklistedtoken"};
    static constexpr db::Sql tokens{"DELETE FROM token_blacklist_outstandingtoken"};
    static constexpr db::Sql users{"DELETE FROM \"user\""};
    sql(blacklist);
    sql(tokens);
    sql(users);
  }

  std::int64_t id_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, TokensTest, db::every_place, db::place_name);

TEST_P(TokensTest, LoginListsTheRefreshTokenAndNoOther) {
  const auto pair = login();
  bool found = false;
  static constexpr db::Sql rows{
      "SELECT token, user_id, created_at, expires_at FROM token_blacklist_outstandingtoken"};
  ASSERT_TRUE(database_->read([&](db::Transaction& transaction) {
    return transaction.run(rows, {}, [&](const db::Row& row) {
      EXPECT_FALSE(found);
      found = true;
      EXPECT_EQ(row.text(0), pair.refresh);
      EXPECT_EQ(row.integer(1), id_);
      EXPECT_EQ(row.time(2), now_);
      EXPECT_EQ(to_sql_time(row.time(3)), "2026-11-24 12:00:00");
    });
  }));
  EXPECT_TRUE(found);
  EXPECT_FALSE((*accounts_->find_by_id(id_))->last_login);
}

TEST_P(TokensTest, StoreTokenTextFalseKeepsNoTokenThatCouldBeUsed) {
  settings_.store_token_text = false;
  settings_.rotate_refresh_tokens = settings_.blacklist_after_rotation = true;
  start();
  const auto first = tokens_->refresh(login().refresh);
  ASSERT_TRUE(first);
  ASSERT_TRUE(tokens_->refresh(*first->refresh));
  EXPECT_FALSE(tokens_->refresh(*first->refresh));
  static constexpr db::Sql rows{"SELECT count(*) FROM token_blacklist_outstandingtoken"};
  static constexpr db::Sql texts{
      "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE token <> ''"};
  EXPECT_EQ(count(rows), 2);
  EXPECT_EQ(count(texts), 0);
}

TEST_P(TokensTest, UpdateLastLogin) {
  settings_.update_last_login = true;
  start();
  login();
  EXPECT_EQ((*accounts_->find_by_id(id_))->last_login, now_);
}

TEST_P(TokensTest, RefreshWithoutRotationLeavesTheTokenGood) {
  const auto pair = login();
  for (int i = 0; i < 2; ++i) {
    const auto refreshed = tokens_->refresh(pair.refresh);
    ASSERT_TRUE(refreshed);
    EXPECT_FALSE(refreshed->refresh);
    EXPECT_EQ(tokens_->authenticate(refreshed->access)->id, id_);
  }
}

TEST_P(TokensTest, RotationWithoutBlacklistingLeavesTheOldTokenGood) {
  settings_.rotate_refresh_tokens = true;
  start();
  const auto pair = login();
  const auto first = tokens_->refresh(pair.refresh);
  ASSERT_TRUE(first->refresh);
  EXPECT_NE(*first->refresh, pair.refresh);
  EXPECT_TRUE(tokens_->refresh(pair.refresh));
  EXPECT_TRUE(tokens_->refresh(*first->refresh));
}

TEST_P(TokensTest, RotationUsesTheOldTokenUp) {
  rotate();
  const auto pair = login();
  const auto first = tokens_->refresh(pair.refresh);
  ASSERT_TRUE(first);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), "Token is blacklisted");
  EXPECT_EQ(words(tokens_->verify(pair.refresh)), "non_field_errors: Token is blacklisted");
  EXPECT_TRUE(tokens_->verify(*first->refresh));
  EXPECT_TRUE(tokens_->refresh(*first->refresh));
}

TEST_P(TokensTest, OfSixtyFourRefreshesAtOnceOneSucceeds) {
  rotate();
  for (int round = 0; round < 3; ++round) {
    const auto pair = login();
    std::atomic<int> good = 0, used = 0, other = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 64; ++i) {
      threads.emplace_back([&] {
        const auto refreshed = tokens_->refresh(pair.refresh);
        ++(refreshed ? good : words(refreshed) == "Token is blacklisted" ? used : other);
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 1);
    EXPECT_EQ(used, 63);
    EXPECT_EQ(other, 0);
  }
}

TEST_P(TokensTest, ARetryWithinTheGraceGetsTheSamePairAgain) {
  settings_.rotation_grace = 10;
  rotate();
  const auto pair = login();
  const auto first = tokens_->refresh(pair.refresh);
  ASSERT_TRUE(first);
  now_ += std::chrono::seconds(10);
  const auto again = tokens_->refresh(pair.refresh);
  ASSERT_TRUE(again) << words(again);
  EXPECT_EQ(again->access, first->access);
  EXPECT_EQ(again->refresh, first->refresh);
  EXPECT_EQ(words(tokens_->verify(pair.refresh)), "non_field_errors: Token is blacklisted");
  now_ += std::chrono::microseconds(1);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), "Token is blacklisted");
  EXPECT_TRUE(tokens_->refresh(*first->refresh));
}

TEST_P(TokensTest, AnIdBeginsWithTheMillisecondInWhichTheTokenWasMade) {
  const auto jti = [&](const std::string& raw) {
    Scratch scratch;
    return std::string(codec_->decode(raw, now_, scratch)->jti);
  };
  for (const int grace : {0, 10}) {
    settings_.rotation_grace = grace;
    rotate();
    const auto login_at = now_;
    const auto pair = login();
    now_ += std::chrono::microseconds(5500);
    const auto next = tokens_->refresh(pair.refresh);
    const auto of_login = timed_uuid_hex(login_at).substr(0, 13);
    const auto of_rotation = timed_uuid_hex(now_).substr(0, 13);
    EXPECT_LT(of_login, of_rotation);
    EXPECT_EQ(jti(pair.refresh).substr(0, 13), of_login);
    EXPECT_EQ(jti(pair.access).substr(0, 13), of_login);
    EXPECT_EQ(jti(*next->refresh).substr(0, 13), of_rotation);
    EXPECT_EQ(jti(next->access).substr(0, 13), of_rotation);
    EXPECT_NE(jti(*next->refresh), jti(next->access));
    EXPECT_NE(jti(pair.refresh), jti(pair.access));
  }
}

TEST_P(TokensTest, ThereIsNoGraceForWhatIsNoRetry) {
  settings_.rotation_grace = 10;
  rotate();
  const auto logged_out = login();
  ASSERT_TRUE(tokens_->blacklist(logged_out.refresh));
  EXPECT_EQ(words(tokens_->refresh(logged_out.refresh)), "Token is blacklisted");

  const auto used = login();  // its successor has arrived: it was rotated itself
  const auto successor = tokens_->refresh(used.refresh);
  ASSERT_TRUE(tokens_->refresh(*successor->refresh));
  EXPECT_EQ(words(tokens_->refresh(used.refresh)), "Token is blacklisted");

  const auto ended = login();  // its successor was logged out
  ASSERT_TRUE(tokens_->blacklist(*tokens_->refresh(ended.refresh)->refresh));
  EXPECT_EQ(words(tokens_->refresh(ended.refresh)), "Token is blacklisted");

  const auto locked = login();
  ASSERT_TRUE(tokens_->refresh(locked.refresh));
  deactivate();
  EXPECT_EQ(tokens_->refresh(locked.refresh).error().code, Errc::account_gone);
}

TEST_P(TokensTest, SixtyFourRefreshesAtOnceWithinTheGraceGetOnePair) {
  settings_.rotation_grace = 10;
  rotate();
  const auto pair = login();
  std::vector<std::string> answers(64);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] {
      const auto refreshed = tokens_->refresh(pair.refresh);
      answer = refreshed ? refreshed->access + *refreshed->refresh : words(refreshed);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_NE(answers[0], "Token is blacklisted");
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_EQ(count(outstanding_rows), 2);
}

TEST_P(TokensTest, RefreshIsRefusedForInactiveAndDeletedUsers) {
  for (const bool rotating : {false, true}) {
    if (rotating) rotate();
    const auto pair = login();
    deactivate();
    EXPECT_EQ(tokens_->refresh(pair.refresh).error().code, Errc::account_gone);
    static constexpr db::Sql on{"UPDATE \"user\" SET is_active = $1"};
    sql(on, {true});
    EXPECT_TRUE(tokens_->refresh(pair.refresh)) << "a refused refresh used the token up";
  }
  const auto pair = login();
  remove();
  EXPECT_EQ(tokens_->refresh(pair.refresh).error().code, Errc::account_gone);
}

TEST_P(TokensTest, BlacklistingTwiceIsRefused) {
  const auto pair = login();
  EXPECT_TRUE(tokens_->blacklist(pair.refresh));
  EXPECT_EQ(words(tokens_->blacklist(pair.refresh)), "Token is blacklisted");
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), "Token is blacklisted");
  EXPECT_EQ(words(tokens_->blacklist(pair.access)), "Token has wrong type");
  EXPECT_EQ(count(outstanding_rows), 1);
}

TEST_P(TokensTest, BlacklistTakesATokenThatNobodyListed) {
  const auto raw =
      sign(R"({"token_type":"refresh","exp":1795521600,"iat":1795435200,"jti":"x","user_id":1})");
  EXPECT_TRUE(tokens_->blacklist(raw));
  EXPECT_EQ(words(tokens_->verify(raw)), "non_field_errors: Token is blacklisted");
}

TEST_P(TokensTest, WithoutTheBlacklistAppNothingIsListed) {
  settings_.token_blacklist = false;
  rotate();
  const auto pair = login();
  EXPECT_TRUE(tokens_->refresh(pair.refresh));
  EXPECT_TRUE(tokens_->refresh(pair.refresh));
  EXPECT_EQ(count(outstanding_rows), 0);
}

TEST_P(TokensTest, ABlacklistedTokenSaysSoBeforeItsTypeIsLookedAt) {
  const auto sliding = *tokens_->obtain_sliding("alice@example.com", password);
  static constexpr db::Sql list{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT $1, id FROM token_blacklist_outstandingtoken"};
  sql(list, {now_});
  EXPECT_EQ(words(tokens_->refresh_sliding(sliding)), "Token is blacklisted");
  EXPECT_EQ(words(tokens_->refresh(sliding)), "Token is blacklisted");
}

TEST_P(TokensTest, SlidingTokensAreRenewedInTheirWindow) {
  const auto sliding = *tokens_->obtain_sliding("alice@example.com", password);
  now_ += std::chrono::minutes(4);
  const auto renewed = tokens_->refresh_sliding(sliding);
  ASSERT_TRUE(renewed);
  now_ += std::chrono::minutes(4);
  EXPECT_FALSE(tokens_->verify(sliding));
  EXPECT_TRUE(tokens_->verify(*renewed));
  EXPECT_EQ(words(tokens_->authenticate(*renewed)), "Given token not valid for any token type");
  settings_.auth_token_classes = {TokenType::access, TokenType::sliding};
  start();
  EXPECT_EQ(tokens_->authenticate(*renewed)->id, id_);
  deactivate();
  EXPECT_EQ(tokens_->refresh_sliding(*renewed).error().code, Errc::account_gone);
}

TEST_P(TokensTest, AChangedPasswordIsNoticedEverywhere) {
  settings_.check_revoke_token = true;
  start();
  const auto pair = login();
  EXPECT_TRUE(tokens_->verify(pair.access));
  EXPECT_TRUE(tokens_->verify(pair.refresh));
  EXPECT_TRUE(tokens_->refresh(pair.refresh));
  EXPECT_TRUE(tokens_->authenticate(pair.access));
  ASSERT_TRUE(accounts_->change_password("alice@example.com", password, "Er1n-Now-knits!"));
  for (const auto code :
       {tokens_->verify(pair.access).error().code, tokens_->verify(pair.refresh).error().code,
        tokens_->refresh(pair.refresh).error().code,
        tokens_->authenticate(pair.access).error().code}) {
    EXPECT_EQ(code, Errc::password_changed);
  }
}

TEST_P(TokensTest, ALoginDoesNotOutliveAChangeDuringIt) {
  // The change happens between the password's judgement and the token's listing: a re-hash by hand.
  settings_.update_last_login = true;
  start();
  const auto user = *accounts_->authenticate("alice@example.com", password);
  ASSERT_TRUE(accounts_->set_password(user, "another"));
  EXPECT_FALSE(tokens_->obtain("alice@example.com", password));
}

/// What a token may say of its user: every type and size; only the first three are somebody.
TEST_P(TokensTest, JudgesEveryTypeOfUserId) {
  const std::array<std::pair<const char*, Errc>, 16> cases{{
      {"\"01\"", Errc::internal},  // Python's int() takes it, and so do we
      {"1", Errc::internal},
      {"\"1\"", Errc::internal},
      {"4711", Errc::user_not_found},
      {"-1", Errc::user_not_found},
      {"9223372036854775807", Errc::user_not_found},
      {"\"99999999999999999999999\"", Errc::user_not_found},
      {"\"alice@example.com\"", Errc::user_not_found},
      {"\"\"", Errc::user_not_found},
      {"\"1 or 1=1\"", Errc::user_not_found},
      {"18446744073709551615", Errc::token_not_valid},
      {"1.0", Errc::token_not_valid},
      {"null", Errc::token_not_valid},
      {"true", Errc::token_not_valid},
      {"[1]", Errc::token_not_valid},
      {"{\"id\":1}", Errc::token_not_valid},
  }};
  for (const auto& [value, code] : cases) {
    const std::string rest =
        R"(,"exp":1795521600,"iat":1795435200,"jti":"x","user_id":)" + std::string(value) + "}";
    const auto user = tokens_->authenticate(sign(R"({"token_type":"access")" + rest));
    EXPECT_EQ(user ? Errc::internal : user.error().code, code) << value;
    const auto refreshed = tokens_->refresh(sign(R"({"token_type":"refresh")" + rest));
    EXPECT_EQ(refreshed.has_value(), code == Errc::internal) << value;
    EXPECT_TRUE(tokens_->verify(sign(R"({"token_type":"access")" + rest))) << value;
  }
}

TEST_P(TokensTest, UserIdFieldEmail) {
  settings_.user_id_field = "email";
  start();
  const auto pair = login();
  EXPECT_EQ(tokens_->authenticate(pair.access)->id, id_);
  EXPECT_EQ(tokens_
                ->authenticate(sign(R"({"token_type":"access","exp":1795521600,"jti":"x",)"
                                    R"("user_id":1})"))
                .error()
                .code,
            Errc::user_not_found);
  settings_.user_id_field = "phone";
  EXPECT_THROW(start(), SettingsError);
}

TEST_P(TokensTest, IntrospectionKnowsWhatStands) {
  const auto pair = login();
  const auto sliding = *tokens_->obtain_sliding("alice@example.com", password);
  Scratch scratch;
  const std::pair<std::string, TokenType> cases[] = {{pair.access, TokenType::access},
                                                     {pair.refresh, TokenType::refresh},
                                                     {sliding, TokenType::sliding}};
  for (const auto& [raw, type] : cases) {
    const auto token = tokens_->introspect(raw, scratch);
    ASSERT_TRUE(token) << words(token);
    EXPECT_EQ(token->type, type);
    EXPECT_EQ(token->user.email, "alice@example.com");
    EXPECT_EQ(token->claims.iat, epoch_seconds(now_));
    EXPECT_EQ(words(tokens_->introspect(raw + "x", scratch)), "Token is invalid or expired");
  }
  const auto says = [&](std::string_view claims) {
    return words(tokens_->introspect(sign(claims), scratch));
  };
  EXPECT_EQ(says(R"({"token_type":"access","exp":1795521600,"user_id":1})"), "Token has no id");
  EXPECT_EQ(says(R"({"token_type":"id","exp":1795521600,"user_id":1,"jti":"x"})"),
            "Token has wrong type");
  EXPECT_EQ(says(R"({"token_type":"access","exp":1795521600,"user_id":99,"jti":"x"})"),
            "User not found");
  EXPECT_EQ(says(R"({"token_type":"access","exp":1795521600,"jti":"x"})"),
            "Token contained no recognizable user identification");
  ASSERT_TRUE(tokens_->blacklist(pair.refresh));
  EXPECT_EQ(words(tokens_->introspect(pair.refresh, scratch)), "Token is blacklisted");
  deactivate();
  for (const auto& [raw, type] : cases) EXPECT_FALSE(tokens_->introspect(raw, scratch));
  EXPECT_EQ(words(tokens_->introspect(pair.access, scratch)), "User is inactive");
}

TEST_P(TokensTest, IntrospectionNoticesAChangedPassword) {
  settings_.check_revoke_token = true;
  start();
  const auto pair = login();
  Scratch scratch;
  EXPECT_TRUE(tokens_->introspect(pair.access, scratch));
  ASSERT_TRUE(accounts_->change_password("alice@example.com", password, "Er1n-Now-knits!"));
  EXPECT_EQ(tokens_->introspect(pair.access, scratch).error().code, Errc::password_changed);
  EXPECT_EQ(tokens_->introspect(pair.refresh, scratch).error().code, Errc::password_changed);
}

TEST_P(TokensTest, RevokesWhatCanBeListed) {
  const auto pair = login();
  EXPECT_EQ(*tokens_->revoke(pair.access), Revoked::never);
  EXPECT_TRUE(tokens_->authenticate(pair.access));
  EXPECT_EQ(*tokens_->revoke(pair.refresh), Revoked::yes);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), "Token is blacklisted");
  EXPECT_EQ(*tokens_->revoke(pair.refresh), Revoked::was_not_valid);
  EXPECT_EQ(*tokens_->revoke("a.b.c"), Revoked::was_not_valid);
  EXPECT_EQ(*tokens_->revoke(""), Revoked::was_not_valid);
  const auto another = login();
  now_ += std::chrono::hours(24);
  EXPECT_EQ(*tokens_->revoke(another.refresh), Revoked::was_not_valid);
  settings_.token_blacklist = false;
  start();
  EXPECT_EQ(*tokens_->revoke(login().refresh), Revoked::never);
}

TEST_P(TokensTest, RevokingATokenOfAFamilyEndsTheFamily) {
  settings_.session_claim = "sid";
  start();
  Scratch scratch;
  const auto pair = login();
  EXPECT_EQ(*tokens_->revoke(pair.access), Revoked::yes);
  EXPECT_FALSE(tokens_->introspect(pair.access, scratch));
  EXPECT_FALSE(tokens_->introspect(pair.refresh, scratch));
  EXPECT_EQ(*tokens_->revoke(pair.refresh), Revoked::was_not_valid);
  const auto other = login();
  EXPECT_EQ(*tokens_->revoke(other.refresh), Revoked::yes);
  EXPECT_EQ(*tokens_->revoke(other.access), Revoked::was_not_valid);
  EXPECT_TRUE(tokens_->introspect(login().access, scratch));
}

/// A sliding token is refreshed under its id: a flush of what has expired must not let a later
/// one of that id stand again.
TEST_P(TokensTest, ARevokedSlidingTokenStaysRevokedInAllItsForms) {
  const auto first = *tokens_->obtain_sliding("alice@example.com", password);
  now_ += std::chrono::minutes(4);
  const auto second = *tokens_->refresh_sliding(first);
  const auto flush = [&] {
    ASSERT_TRUE(database_->write([&](db::Transaction& transaction) {
      return TokenStore(transaction).flush_expired(now_, 100);
    }));
  };
  EXPECT_EQ(*tokens_->revoke(first), Revoked::yes);
  EXPECT_EQ(words(tokens_->refresh_sliding(second)), "Token is blacklisted");
  now_ += std::chrono::minutes(2);
  flush();
  EXPECT_EQ(words(tokens_->refresh_sliding(second)), "Token is blacklisted");
  now_ += std::chrono::hours(25);
  flush();
  EXPECT_EQ(count(outstanding_rows), 0);
}

TEST_P(TokensTest, ExpiresWithTheClock) {
  const auto pair = login();
  now_ += std::chrono::seconds(299);
  EXPECT_TRUE(tokens_->verify(pair.access));
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(words(tokens_->verify(pair.access)), "Token is invalid or expired");
  const auto refused = tokens_->authenticate(pair.access);
  ASSERT_EQ(refused.error().messages.size(), 1u);
  EXPECT_EQ(refused.error().messages[0].message.str(), "Token is invalid or expired");
  EXPECT_TRUE(tokens_->refresh(pair.refresh));
}

}  // namespace
}  // namespace easyjwt
