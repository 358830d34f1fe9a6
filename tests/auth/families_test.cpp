// Families of tokens: SESSION_CLAIM, DETECT_REUSE and the table of sessions.
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "auth/fixture.hpp"
#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using test::words;

constexpr db::Sql family_rows{"SELECT count(*) FROM easyjwt_session"};
constexpr const char* blacklisted = "Token is blacklisted";
constexpr const char* verify_blacklisted = "non_field_errors: Token is blacklisted";

class FamiliesTest : public test::AuthService {
 protected:
  FamiliesTest() {
    id_ = add_user("alice@example.com");
    settings_.session_claim = "sid";
    settings_.rotate_refresh_tokens = settings_.blacklist_after_rotation = true;
    start();
  }
  void detect(std::int64_t grace) {
    settings_.detect_reuse = true;
    settings_.rotation_grace = grace;
    start();
  }
  TokenPair login(std::string_view email = "alice@example.com") {
    return *tokens_->obtain(email, password, {.user_agent = "curl/7", .address = "192.0.2.1"});
  }
  std::string refresh(const std::string& raw) { return *tokens_->refresh(raw)->refresh; }
  std::vector<Family> list() { return *tokens_->list_families(id_); }
  Family find(const std::string& id) {
    return **database_->read(
        [&](db::Transaction& transaction) { return FamilyStore(transaction).find(id); });
  }
  std::string jti(const std::string& raw) {
    Scratch scratch;
    return std::string(codec_->decode(raw, now_, scratch)->jti);
  }
  std::string why_not_authenticated(const std::string& access) {
    const auto user = tokens_->authenticate(access);
    if (user) return "";
    return user.error().messages.empty() ? words(user) : user.error().messages[0].message.str();
  }
  void expect_ended(const TokenPair& pair) {
    EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
    EXPECT_EQ(words(tokens_->verify(pair.refresh)), verify_blacklisted);
    EXPECT_EQ(words(tokens_->verify(pair.access)), verify_blacklisted);
    EXPECT_EQ(why_not_authenticated(pair.access), blacklisted);
    EXPECT_FALSE(tokens_->check(pair.access));
    EXPECT_FALSE(tokens_->check(pair.refresh));
  }

  std::int64_t id_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, FamiliesTest, db::every_place, db::place_name);

TEST_P(FamiliesTest, ALoginBeginsOneAndItsTokensNameIt) {
  const auto pair = login();
  const auto families = list();
  ASSERT_EQ(families.size(), 1u);
  const auto& family = families[0];
  EXPECT_TRUE(is_family_id(family.id));
  EXPECT_EQ(family.created_at, now_);
  EXPECT_EQ(family.last_used_at, now_);
  EXPECT_EQ(to_sql_time(family.expires_at), "2026-11-24 12:00:00");
  EXPECT_EQ(family.user_agent, "curl/7");
  EXPECT_EQ(family.address, "192.0.2.1");
  EXPECT_EQ(family.current_jti, jti(pair.refresh));
  for (const auto& raw : {pair.refresh, pair.access}) EXPECT_EQ(tokens_->family(raw), family.id);

  now_ += 1h;
  const auto next = *tokens_->refresh(pair.refresh);
  for (const auto& raw : {next.access, *next.refresh}) EXPECT_EQ(tokens_->family(raw), family.id);
  const auto moved = find(family.id);
  EXPECT_EQ(moved.current_jti, jti(*next.refresh));
  EXPECT_EQ(moved.created_at, family.created_at);
  EXPECT_EQ(moved.last_used_at, now_);
  EXPECT_EQ(to_sql_time(moved.expires_at), "2026-11-24 13:00:00");
  EXPECT_TRUE(tokens_->verify(next.access));
  EXPECT_TRUE(tokens_->check(*next.refresh));
  EXPECT_EQ(tokens_->authenticate(next.access)->id, id_);

  EXPECT_NE(tokens_->family(login().access), family.id);
  EXPECT_EQ(list().size(), 2u);
}

TEST_P(FamiliesTest, WithoutTheSettingThereAreNone) {
  settings_.session_claim.clear();
  start();
  const auto pair = login();
  ASSERT_TRUE(tokens_->refresh(pair.refresh));
  EXPECT_EQ(count(family_rows), 0);
  EXPECT_EQ(tokens_->family(pair.access), "");
  EXPECT_TRUE(list().empty());
}

TEST_P(FamiliesTest, ATokenFromBeforeBeginsOneWhenItIsRotated) {
  const auto without = [&] {
    settings_.session_claim.clear();
    settings_.detect_reuse = false;
    start();
    const auto pair = login();
    settings_.session_claim = "sid";
    detect(10);
    return pair;
  };
  const auto pair = without();
  EXPECT_TRUE(tokens_->verify(pair.access));
  const auto next = *tokens_->refresh(pair.refresh);
  ASSERT_EQ(list().size(), 1u);
  const auto family = list().at(0);
  EXPECT_EQ(family.current_jti, jti(*next.refresh));
  EXPECT_EQ(family.created_at, now_);
  EXPECT_EQ(to_sql_time(family.expires_at), "2026-11-24 12:00:00");
  for (const auto& raw : {*next.refresh, next.access}) EXPECT_EQ(tokens_->family(raw), family.id);
  const auto again = *tokens_->refresh(pair.refresh);
  EXPECT_EQ(again.refresh, next.refresh);
  EXPECT_EQ(again.access, next.access);
  const auto third = *tokens_->refresh(*next.refresh);
  EXPECT_EQ(tokens_->family(third.access), family.id);
  // And its own coming again ends that.
  now_ += 11s;
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  expect_ended({*third.refresh, third.access});
  EXPECT_EQ(lines_.size(), 1u);

  // By e-mail, too.
  settings_.user_id_field = "email";
  const auto by_email = without();
  EXPECT_TRUE(tokens_->refresh(by_email.refresh));
  EXPECT_EQ(list().size(), 1u);

  // A logout before that is what it was.
  const auto out = without();
  EXPECT_TRUE(tokens_->blacklist(out.refresh));
  EXPECT_EQ(list().size(), 1u);
}

TEST_P(FamiliesTest, ARetryIsNoBeginning) {
  settings_.session_claim.clear();
  settings_.rotation_grace = 10;
  start();
  const auto pair = login();
  const auto next = *tokens_->refresh(pair.refresh);
  settings_.session_claim = "sid";
  start();
  const auto again = *tokens_->refresh(pair.refresh);
  EXPECT_EQ(again.refresh, next.refresh);
  EXPECT_EQ(again.access, next.access);
  EXPECT_EQ(count(family_rows), 0);
  EXPECT_TRUE(tokens_->refresh(*again.refresh));
  EXPECT_EQ(count(family_rows), 1);
}

TEST_P(FamiliesTest, OfManyRotationsOfATokenFromBeforeOneBeginsAFamily) {
  settings_.session_claim.clear();
  start();
  const auto pair = login();
  settings_.session_claim = "sid";
  detect(10);
  std::vector<std::string> answers(32);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] {
      const auto refreshed = tokens_->refresh(pair.refresh);
      answer = refreshed ? *refreshed->refresh + refreshed->access : words(refreshed);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_EQ(list().size(), 1u);
}

TEST_P(FamiliesTest, WithoutRotationARefreshIsNotedAndAnEndedOneRefused) {
  settings_.rotate_refresh_tokens = settings_.blacklist_after_rotation = false;
  start();
  const auto pair = login();
  now_ += 1h;
  ASSERT_TRUE(tokens_->refresh(pair.refresh));
  const auto family = list().at(0);
  EXPECT_EQ(family.last_used_at, now_);
  EXPECT_EQ(family.current_jti, jti(pair.refresh));
  EXPECT_EQ(to_sql_time(family.expires_at), "2026-11-24 12:00:00");
  const auto access = tokens_->refresh(pair.refresh)->access;
  EXPECT_TRUE(*tokens_->end_family(id_, family.id));
  expect_ended({pair.refresh, access});
}

TEST_P(FamiliesTest, WithoutBlacklistingAllOfItEnds) {
  settings_.blacklist_after_rotation = false;
  start();
  const auto pair = login();
  const auto next = *tokens_->refresh(pair.refresh);
  EXPECT_TRUE(tokens_->refresh(pair.refresh)) << "nothing is used up";
  ASSERT_TRUE(tokens_->blacklist(pair.refresh));
  EXPECT_EQ(words(tokens_->refresh(*next.refresh)), blacklisted);
  EXPECT_EQ(words(tokens_->verify(next.access)), verify_blacklisted);
  EXPECT_EQ(words(tokens_->blacklist(*next.refresh)), blacklisted);
}

TEST_P(FamiliesTest, EndingOneEndsNoOther) {
  const auto add = [&] { return TokenPair(login()); };
  const auto first = add(), second = add();
  const auto id = tokens_->family(first.access);
  const auto bob = add_user("bob@example.com");
  const auto bobs = login("bob@example.com");
  EXPECT_FALSE(*tokens_->end_family(bob, id)) << "another user's";
  EXPECT_FALSE(*tokens_->end_family(id_, std::string(32, '0')));
  for (const char* no_id : {"", "x", "../../../../../../../../../etc/p"}) {
    EXPECT_FALSE(*tokens_->end_family(id_, no_id));
  }
  EXPECT_FALSE(*tokens_->end_family(id_, std::string_view("\0\0", 2)));
  EXPECT_TRUE(*tokens_->end_family(id_, id));
  EXPECT_FALSE(*tokens_->end_family(id_, id));
  expect_ended(first);
  ASSERT_EQ(list().size(), 1u);
  EXPECT_TRUE(tokens_->verify(second.access));

  ASSERT_TRUE(tokens_->end_families(id_));
  EXPECT_TRUE(list().empty());
  expect_ended(second);
  EXPECT_TRUE(tokens_->verify(bobs.access));
  EXPECT_TRUE(tokens_->refresh(bobs.refresh));
}

TEST_P(FamiliesTest, EndingOneBlacklistsATokenThatWasNeverListed) {
  const auto pair = login();
  const auto next = jti(refresh(pair.refresh));  // on no list so far
  ASSERT_TRUE(tokens_->end_families(id_));
  EXPECT_TRUE(*database_->read([&](db::Transaction& transaction) {
    return TokenStore(transaction).is_blacklisted(next);
  })) << "for a Django beside us, too";
}

TEST_P(FamiliesTest, ALogoutEndsIt) {
  const auto pair = login();
  ASSERT_TRUE(tokens_->blacklist(pair.refresh));
  expect_ended(pair);
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(words(tokens_->blacklist(pair.refresh)), blacklisted);
}

TEST_P(FamiliesTest, ATokenThatIsBlacklistedByItsIdEndsIt) {
  const auto row_of = [&](const std::string& raw) {
    return *database_->read(
        [&](db::Transaction& transaction) { return TokenStore(transaction).find_id(jti(raw)); });
  };
  const auto blacklist = [&](std::int64_t row) {
    return database_->write(
        [&](db::Transaction& transaction) { return tokens_->blacklist(transaction, row); });
  };
  for (const bool has_text : {true, false}) {
    settings_.store_token_text = has_text;
    start();
    const auto other = login();
    const auto pair = login();
    const auto row = row_of(pair.refresh);
    ASSERT_TRUE(row);
    EXPECT_EQ(blacklist(*row), true);
    expect_ended(pair);
    EXPECT_EQ(blacklist(*row), false);
    EXPECT_TRUE(tokens_->check(other.access));
    // Where rotations leave the old token good, it ends what came of it, if it says which that is.
    settings_.blacklist_after_rotation = false;
    start();
    const auto next = *tokens_->refresh(other.refresh);
    EXPECT_EQ(blacklist(*row_of(other.refresh)), true);
    EXPECT_EQ(words(tokens_->refresh(other.refresh)), blacklisted);
    EXPECT_EQ(words(tokens_->refresh(*next.refresh)), has_text ? blacklisted : "");
    settings_.blacklist_after_rotation = true;
    start();
  }
  const auto unknown = blacklist(99999);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
}

TEST_P(FamiliesTest, ASlidingTokenThatIsBlacklistedByItsIdStaysSo) {
  settings_.session_claim.clear();
  settings_.auth_token_classes = {TokenType::access, TokenType::sliding};
  for (const bool has_text : {true, false}) {
    settings_.store_token_text = has_text;
    start();
    const auto raw = *tokens_->obtain_sliding("alice@example.com", password);
    now_ += 200s;
    const auto renewed = *tokens_->refresh_sliding(raw);
    now_ += 200s;  // the first text is out of date, what it was refreshed to is not
    ASSERT_TRUE(tokens_->authenticate(renewed));
    ASSERT_TRUE(database_->write([&](db::Transaction& transaction) {
      return tokens_->blacklist(transaction, **TokenStore(transaction).find_id(jti(renewed)));
    }));
    EXPECT_FALSE(tokens_->authenticate(renewed));
    ASSERT_TRUE(database_->write([&](db::Transaction& transaction) {
      return TokenStore(transaction).flush_expired(now_, 1000);
    }));
    EXPECT_FALSE(tokens_->authenticate(renewed));
  }
}

TEST_P(FamiliesTest, AChangedPasswordEndsThemAll) {
  const auto first = login(), second = login();
  ASSERT_TRUE(accounts_->change_password("alice@example.com", password, "An0ther-Horse"));
  expect_ended(first);
  expect_ended(second);
  // A re-hash is no change.
  const auto third = tokens_->obtain("alice@example.com", "An0ther-Horse");
  hasher_settings_.hashers = {"argon2", "pbkdf2_sha256"};
  hasher_settings_.upgrade = true;
  start();
  ASSERT_TRUE(tokens_->obtain("alice@example.com", "An0ther-Horse"));
  EXPECT_TRUE(tokens_->verify(third->access));
}

TEST_P(FamiliesTest, AChangeOfThePasswordSeesTheFamilyThatIsBeingAdded) {
  std::thread change;
  const auto added = database_->write([&](db::Transaction& transaction) -> Result<void> {
    FamilyStore families(transaction);
    if (auto held = families.hold_user(id_); !held) return held;
    // As of a login whose password was right a moment ago.
    if (!change.joinable()) {
      change = std::thread([&] {
        EXPECT_TRUE(accounts_->change_password("alice@example.com", password, "An0ther-Horse"));
      });
    }
    std::this_thread::sleep_for(300ms);
    return families.add({.id = std::string(32, 'a'),
                         .user_id = id_,
                         .created_at = now_,
                         .last_used_at = now_,
                         .expires_at = now_ + 1h,
                         .user_agent = {},
                         .address = {},
                         .current_jti = "jti",
                         .ended_at = {}});
  });
  change.join();
  ASSERT_TRUE(added) << added.error().reason;
  EXPECT_TRUE(find(std::string(32, 'a')).ended_at);
}

TEST_P(FamiliesTest, LoginsAtOneTimeDoNotWaitInACircle) {
  settings_.update_last_login = true;
  start();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) good += tokens_->obtain("alice@example.com", password) ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
  EXPECT_EQ(list().size(), 80u);
}

TEST_P(FamiliesTest, AFamilyThatIsGoneIsRefused) {
  const auto pair = login();
  static constexpr db::Sql remove{"DELETE FROM easyjwt_session"};
  sql(remove);
  EXPECT_EQ(words(tokens_->verify(pair.access)), verify_blacklisted);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  EXPECT_TRUE(tokens_->verify(pair.refresh).error().code == Errc::validation_error);
}

TEST_P(FamiliesTest, OnlyAnIdNamesOne) {
  const auto access = [&](const std::string& sid) {
    return sign(R"({"token_type":"access","exp":1795521600,"jti":"a","user_id":)" +
                std::to_string(id_) + R"(,"sid":)" + sid + "}");
  };
  for (const char* sid : {"7", "null", R"("")", R"("x\u0000y")", R"({"a":1})", R"("ABC")"}) {
    EXPECT_EQ(words(tokens_->verify(access(sid))), verify_blacklisted) << sid;
    EXPECT_EQ(why_not_authenticated(access(sid)), blacklisted) << sid;
  }
}

TEST_P(FamiliesTest, SlidingTokensHaveThem) {
  settings_.auth_token_classes = {TokenType::access, TokenType::sliding};
  start();
  const auto raw = *tokens_->obtain_sliding("alice@example.com", password);
  const auto family = list().at(0);
  EXPECT_EQ(to_sql_time(family.expires_at), "2026-11-24 12:05:00");
  now_ += 1min;
  const auto renewed = tokens_->refresh_sliding(raw);
  ASSERT_TRUE(renewed) << words(renewed);
  EXPECT_EQ(tokens_->family(*renewed), family.id);
  EXPECT_EQ(find(family.id).last_used_at, now_);
  EXPECT_EQ(find(family.id).expires_at, family.expires_at);
  EXPECT_TRUE(tokens_->authenticate(*renewed));
  ASSERT_TRUE(*tokens_->end_family(id_, family.id));
  EXPECT_FALSE(tokens_->authenticate(*renewed));
  EXPECT_FALSE(tokens_->verify(*renewed));
  EXPECT_EQ(words(tokens_->refresh_sliding(*renewed)), blacklisted);
}

TEST_P(FamiliesTest, TokensForOperatorsHaveThem) {
  const auto user = **accounts_->find_by_id(id_);
  const auto raw = *tokens_->issue(user, TokenType::refresh, 1h);
  EXPECT_EQ(list().at(0).id, tokens_->family(raw));
  EXPECT_EQ(list().at(0).user_agent, "easyjwt token issue");
  EXPECT_EQ(to_sql_time(list().at(0).expires_at), "2026-11-23 13:00:00");
  EXPECT_TRUE(tokens_->refresh(raw));
  EXPECT_EQ(tokens_->family(*tokens_->issue(user, TokenType::access, {})), "");
}

TEST_P(FamiliesTest, ReuseEndsTheFamily) {
  detect(0);
  const auto pair = login();
  const auto id = tokens_->family(pair.access);
  const auto other = login();
  const auto next = *tokens_->refresh(pair.refresh);
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  expect_ended({*next.refresh, next.access});
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  EXPECT_EQ(lines_,
            std::vector<std::string>{"a refresh token was used again: its family has ended " +
                                     std::to_string(id_) + " " + id});
  EXPECT_TRUE(tokens_->refresh(other.refresh));
}

TEST_P(FamiliesTest, WithoutDetectionReuseIsRefusedAndNoMore) {
  const auto pair = login();
  const auto next = *tokens_->refresh(pair.refresh);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  EXPECT_TRUE(tokens_->verify(next.access));
  EXPECT_TRUE(tokens_->refresh(*next.refresh));
}

TEST_P(FamiliesTest, ARetryWithinTheGraceIsNoReuse) {
  detect(10);
  const auto pair = login();
  const auto next = *tokens_->refresh(pair.refresh);
  now_ += 10s;
  const auto again = tokens_->refresh(pair.refresh);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->refresh, next.refresh);
  EXPECT_EQ(again->access, next.access);
  // Its successor was used meanwhile: refused, but it may be a retry that was late.
  const auto third = refresh(*next.refresh);
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  EXPECT_TRUE(tokens_->check(third));
  EXPECT_TRUE(lines_.empty());
  now_ += 1us;
  EXPECT_EQ(words(tokens_->refresh(pair.refresh)), blacklisted);
  EXPECT_EQ(lines_.size(), 1u);
  EXPECT_EQ(words(tokens_->refresh(third)), blacklisted);
}

TEST_P(FamiliesTest, OnlyARefreshTokenIsReused) {
  detect(0);
  const auto pair = login();
  const auto next = *tokens_->refresh(pair.refresh);
  EXPECT_FALSE(tokens_->refresh(next.access));
  EXPECT_FALSE(tokens_->blacklist(pair.refresh));
  EXPECT_FALSE(tokens_->verify(pair.refresh));
  EXPECT_TRUE(lines_.empty());
  EXPECT_TRUE(tokens_->refresh(*next.refresh));
}

TEST_P(FamiliesTest, OfSixtyFourRotationsAtOnceOneMovesTheFamily) {
  detect(10);
  const auto pair = login();
  const auto id = tokens_->family(pair.access);
  std::vector<std::string> answers(64);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] {
      const auto refreshed = tokens_->refresh(pair.refresh);
      answer = refreshed ? *refreshed->refresh : words(refreshed);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_EQ(find(id).current_jti, jti(answers[0]));
  EXPECT_TRUE(lines_.empty());
  EXPECT_TRUE(tokens_->refresh(answers[0]));
}

TEST_P(FamiliesTest, OfSixtyFourUsesWithoutAGraceOneWinsAndTheFamilyEndsOnce) {
  detect(0);
  const auto pair = login();
  const auto id = tokens_->family(pair.access);
  std::atomic<int> good = 0, used = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      const auto refreshed = tokens_->refresh(pair.refresh);
      if (refreshed) ++good;
      if (words(refreshed) == blacklisted) ++used;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(used, 63);
  EXPECT_EQ(lines_.size(), 1u);
  EXPECT_TRUE(find(id).ended_at);
}

TEST_P(FamiliesTest, WhatIsEndedDuringARotationIsEndedAfterIt) {
  for (int round = 0; round < 10; ++round) {
    const auto pair = login();
    const auto id = tokens_->family(pair.access);
    std::vector<std::string> made(4);
    std::vector<std::thread> threads;
    for (auto& raw : made) {
      threads.emplace_back([&] {
        if (const auto next = tokens_->refresh(pair.refresh)) raw = *next->refresh;
      });
    }
    threads.emplace_back([&] { EXPECT_TRUE(*tokens_->end_family(id_, id)); });
    for (auto& thread : threads) thread.join();
    for (const auto& raw : made) {
      if (raw.empty()) continue;
      EXPECT_EQ(words(tokens_->refresh(raw)), blacklisted);
    }
    const auto last = find(id).current_jti;
    EXPECT_TRUE(*database_->read([&](db::Transaction& transaction) {
      return TokenStore(transaction).is_blacklisted(last);
    }));
  }
}

TEST_P(FamiliesTest, WhatADjangoBesideUsHasRotatedGoesOn) {
  detect(10);
  const auto pair = login();
  const auto id = tokens_->family(pair.access);
  // As the original does it: blacklists the one, and changes jti, exp and iat.
  Scratch scratch;
  const auto claims = *codec_->decode(pair.refresh, now_, scratch);
  const auto theirs =
      codec_->encode(codec_->renewed_claims(claims.members(), TokenType::refresh, "theirs", now_));
  static constexpr db::Sql mark{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT $1, id FROM token_blacklist_outstandingtoken"};
  sql(mark, {now_});
  const auto ours = tokens_->refresh(theirs);
  ASSERT_TRUE(ours) << words(ours);
  EXPECT_EQ(find(id).current_jti, jti(*ours->refresh));
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(tokens_->refresh(theirs)->refresh, ours->refresh);
  now_ += 11s;
  EXPECT_FALSE(tokens_->refresh(pair.refresh)) << "and what it has used up is used up";
  EXPECT_EQ(lines_.size(), 1u);
  EXPECT_FALSE(tokens_->refresh(*ours->refresh));
}

TEST_P(FamiliesTest, TheLatestComesFirstAndTheDeadDoNot) {
  const auto first = login();
  now_ += 1min;
  const auto second = login();
  now_ += 1min;
  const auto next = refresh(first.refresh);
  std::vector<std::string> ids;
  for (const auto& family : list()) ids.push_back(family.id);
  EXPECT_EQ(ids, (std::vector{tokens_->family(next), tokens_->family(second.access)}));
  now_ += token_settings_.refresh_lifetime - 30s;
  EXPECT_EQ(list().size(), 1u);
}

TEST_P(FamiliesTest, ExpiredOnesAreDeleted) {
  login();
  now_ += 1s;
  login();
  const auto flush = [&](std::int64_t limit) {
    return *database_->write([&](db::Transaction& transaction) {
      return FamilyStore(transaction).flush_expired(now_, limit);
    });
  };
  EXPECT_EQ(flush(10), 0);
  now_ += token_settings_.refresh_lifetime;
  EXPECT_EQ(flush(1), 1);
  EXPECT_EQ(flush(10), 1);
  EXPECT_EQ(count(family_rows), 0);
}

TEST_P(FamiliesTest, TheyGoWithTheirUser) {
  login();
  static constexpr db::Sql tokens{"DELETE FROM token_blacklist_outstandingtoken"};
  static constexpr db::Sql users{"DELETE FROM \"user\""};
  sql(tokens);
  sql(users);
  EXPECT_EQ(count(family_rows), 0);
}

TEST(FamilySettings, NeedEachOther) {
  const auto wrong = [](void (*change)(AuthSettings&)) -> std::string {
    AuthSettings settings;
    settings.session_claim = "sid";
    settings.detect_reuse = true;
    settings.rotate_refresh_tokens = settings.blacklist_after_rotation = true;
    change(settings);
    try {
      Tokens::check_settings(settings);
      return "";
    } catch (const SettingsError& error) {
      return error.key;
    }
  };
  EXPECT_EQ(wrong([](AuthSettings&) {}), "");
  EXPECT_EQ(wrong([](AuthSettings& s) { s.session_claim.clear(); }), "EASY_JWT.DETECT_REUSE");
  EXPECT_EQ(wrong([](AuthSettings& s) { s.rotate_refresh_tokens = false; }),
            "EASY_JWT.DETECT_REUSE");
  EXPECT_EQ(wrong([](AuthSettings& s) { s.blacklist_after_rotation = false; }),
            "EASY_JWT.DETECT_REUSE");
  EXPECT_EQ(wrong([](AuthSettings& s) { s.token_blacklist = false; }), "EASY_JWT.SESSION_CLAIM");
}

}  // namespace
}  // namespace easyjwt
