#include "easyjwt/auth/token_store.hpp"

#include <vector>

#include "auth/fixture.hpp"

namespace easyjwt {
namespace {

class TokenStoreTest : public test::AuthService {
 protected:
  template <class F>
  auto store(F f) {
    return *database_->write(
        [&](db::Transaction& transaction) { return f(TokenStore(transaction)); });
  }
  OutstandingToken token(std::string_view jti, Time expires) const {
    return {.jti = jti, .token = "raw", .user_id = {}, .created_at = {}, .expires_at = expires};
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, TokenStoreTest, db::every_place, db::place_name);

TEST_P(TokenStoreTest, BlacklistsOnce) {
  const auto t = token("a", now_ + std::chrono::hours(1));
  EXPECT_FALSE(store([&](TokenStore s) { return s.is_blacklisted("a"); }));
  EXPECT_TRUE(store([&](TokenStore s) { return s.blacklist(t, now_); }));
  EXPECT_FALSE(store([&](TokenStore s) { return s.blacklist(t, now_); }));
  EXPECT_TRUE(store([&](TokenStore s) { return s.is_blacklisted("a"); }));
  EXPECT_FALSE(store([&](TokenStore s) { return s.is_blacklisted("A"); }));
}

TEST_P(TokenStoreTest, BlacklistsWhatIsOutstandingInItsPlace) {
  const auto t = token("a", now_ + std::chrono::hours(1));
  ASSERT_TRUE(database_->write([&](db::Transaction& tr) { return TokenStore(tr).add(t); }));
  EXPECT_TRUE(store([&](TokenStore s) { return s.blacklist(t, now_); }));
  static constexpr db::Sql rows{"SELECT count(*) FROM token_blacklist_outstandingtoken"};
  EXPECT_EQ(count(rows), 1);
}

TEST_P(TokenStoreTest, UsesUpWhatIsFoundGoodOnce) {
  const auto t = token("a", now_ + std::chrono::hours(1));
  bool was_blacklisted = true;
  const auto use_up = [&](TokenStore s) {
    return s.use_up(UserKey{std::int64_t{4711}}, t, now_, [&](const RefreshState& state) {
      was_blacklisted = state.is_blacklisted;
      EXPECT_FALSE(state.is_active);  // there is no such user
      return Result<void>();
    });
  };
  EXPECT_TRUE(store(use_up));
  EXPECT_FALSE(was_blacklisted);
  EXPECT_FALSE(store(use_up));
  EXPECT_TRUE(was_blacklisted);
}

TEST_P(TokenStoreTest, WhatIsRefusedLeavesNothingBehind) {
  const auto t = token("a", now_ + std::chrono::hours(1));
  const auto refused = database_->write([&](db::Transaction& transaction) {
    return TokenStore(transaction)
        .use_up(UserKey{std::string_view("nobody@example.com")}, t, now_,
                [](const RefreshState&) -> Result<void> { return fail(Errc::account_gone); });
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::account_gone);
  static constexpr db::Sql rows{"SELECT count(*) FROM token_blacklist_outstandingtoken"};
  EXPECT_EQ(count(rows), 0);
}

TEST_P(TokenStoreTest, FlushesWhatHasExpiredInBatches) {
  for (int i = 0; i < 5; ++i) {
    const auto jti = "old" + std::to_string(i);
    store(
        [&](TokenStore s) { return s.blacklist(token(jti, now_ - std::chrono::hours(1)), now_); });
  }
  store([&](TokenStore s) { return s.blacklist(token("edge", now_), now_); });
  store([&](TokenStore s) {
    return s.blacklist(token("live", now_ + std::chrono::seconds(1)), now_);
  });
  EXPECT_EQ(store([&](TokenStore s) { return s.count_expired(now_); }), 6);
  EXPECT_EQ(store([&](TokenStore s) { return s.flush_expired(now_, 4); }).rows, 4);
  EXPECT_EQ(store([&](TokenStore s) { return s.flush_expired(now_, 4); }).rows, 2);
  EXPECT_EQ(store([&](TokenStore s) { return s.flush_expired(now_, 4); }).rows, 0);
  EXPECT_TRUE(store([&](TokenStore s) { return s.is_blacklisted("live"); }));
  static constexpr db::Sql rows{"SELECT count(*) FROM token_blacklist_blacklistedtoken"};
  EXPECT_EQ(count(rows), 1);
}

// ---- lists

class TokenLists : public TokenStoreTest {
 protected:
  using Jtis = std::vector<std::string>;
  using Order = TokenQuery::Order;

  /// One of a user's, as jti, that expires so many hours from now.
  std::int64_t add(std::string_view jti, std::optional<std::int64_t> user, int hours) {
    auto one = token(jti, now_ + std::chrono::hours(hours));
    one.user_id = user;
    one.created_at = now_;
    EXPECT_TRUE(database_->write([&](db::Transaction& tr) { return TokenStore(tr).add(one); }));
    return store([&](TokenStore s) { return s.find_id(jti); }).value_or(0);
  }
  Jtis list(const TokenQuery& query) {
    Jtis jtis;
    store([&](TokenStore s) {
      jtis.clear();
      const auto listed = s.list(query, [&](const TokenRow& row) { jtis.push_back(row.jti); });
      return listed ? Result<int>(0) : fail(listed.error());
    });
    return jtis;
  }
  std::int64_t count(const TokenQuery& query, std::int64_t most = 1000) {
    return store([&](TokenStore s) { return s.count(query, most); });
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, TokenLists, db::every_place, db::place_name);

TEST_P(TokenLists, AllInEachOrderAndInPages) {
  add("aa", {}, 3);
  add("bb", {}, 1);
  add("cc", {}, 2);
  EXPECT_EQ(list({}), (Jtis{"cc", "bb", "aa"}));
  EXPECT_EQ(list({.descending = false}), (Jtis{"aa", "bb", "cc"}));
  EXPECT_EQ(list({.order = Order::expires_at}), (Jtis{"aa", "cc", "bb"}));
  EXPECT_EQ(list({.order = Order::expires_at, .descending = false}), (Jtis{"bb", "cc", "aa"}));
  EXPECT_EQ(list({.offset = 1, .limit = 1}), Jtis{"bb"});
  EXPECT_EQ(list({.order = Order::expires_at, .offset = 2, .limit = 5}), Jtis{"bb"});
  EXPECT_EQ(count({}), 3);
  EXPECT_EQ(count({}, 2), 2);
}

TEST_P(TokenLists, OfUsers) {
  const auto alice = add_user("alice@example.com");
  const auto bob = add_user("bob@example.com");
  add("aa", alice, 1);
  add("bb", bob, 3);
  add("cc", alice, 2);
  add("dd", {}, 2);
  EXPECT_EQ(list({.users = {{alice}}}), (Jtis{"cc", "aa"}));
  EXPECT_EQ(list({.users = {{bob, alice}}, .order = Order::expires_at}), (Jtis{"bb", "cc", "aa"}));
  EXPECT_EQ(list({.users = {{alice}}, .descending = false, .offset = 1}), Jtis{"cc"});
  EXPECT_EQ(list({.users = std::vector<std::int64_t>{}}), Jtis{});
  EXPECT_EQ(count({.users = {{bob, alice}}}), 3);
  EXPECT_EQ(count({.users = std::vector<std::int64_t>{}}), 0);
}

TEST_P(TokenLists, OfAJti) {
  for (const auto* jti : {"0f00aa", "0f00ab", "0f01aa", "0f", "f", "0f00ag"}) add(jti, {}, 1);
  EXPECT_EQ(list({.jti = "0f00", .descending = false}), (Jtis{"0f00aa", "0f00ab", "0f00ag"}));
  EXPECT_EQ(list({.jti = "0f00ab"}), Jtis{"0f00ab"});
  EXPECT_EQ(list({.jti = "0f00abc"}), Jtis{});
  EXPECT_EQ(list({.jti = "0F00ab"}), Jtis{});
  EXPECT_EQ(count({.jti = "0f0"}), 4);
  add("a'%_b", {}, 1);
  EXPECT_EQ(list({.jti = "a'%_b"}), Jtis{"a'%_b"});
  EXPECT_EQ(list({.jti = "%"}), Jtis{});
}

TEST_P(TokenLists, TheBlacklistedOnes) {
  const auto alice = add_user("alice@example.com");
  add("aa", alice, 1);
  add("bb", alice, 2);
  add("cc", {}, 2);
  const auto mark = [&](std::string_view jti) {
    store([&](TokenStore s) { return s.blacklist(token(jti, now_), now_); });
  };
  mark("cc");
  mark("aa");
  EXPECT_EQ(list({.only_blacklisted = true}), (Jtis{"aa", "cc"}));
  EXPECT_EQ(list({.only_blacklisted = true, .descending = false}), (Jtis{"cc", "aa"}));
  EXPECT_EQ(list({.only_blacklisted = true, .offset = 1}), Jtis{"cc"});
  EXPECT_EQ(list({.users = {{alice}}, .only_blacklisted = true}), Jtis{"aa"});
  EXPECT_EQ(list({.jti = "c", .only_blacklisted = true}), Jtis{"cc"});
  EXPECT_EQ(count({.only_blacklisted = true}), 2);
  EXPECT_EQ(count({.users = {{alice}}, .only_blacklisted = true}), 1);
  EXPECT_EQ(count({.jti = "b", .only_blacklisted = true}), 0);
}

TEST_P(TokenLists, OneIsFound) {
  const auto alice = add_user("alice@example.com");
  const auto id = add("aa", alice, 1);
  const auto find = [&](std::int64_t one) {
    return store([&](TokenStore s) { return s.find(one); });
  };
  EXPECT_FALSE(find(id + 1));
  EXPECT_FALSE(store([&](TokenStore s) { return s.find_id("ab"); }));
  auto row = find(id);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->jti, "aa");
  EXPECT_EQ(row->user_id, alice);
  EXPECT_EQ(row->user_email, "alice@example.com");
  EXPECT_EQ(row->created_at, now_);
  EXPECT_EQ(row->expires_at, now_ + std::chrono::hours(1));
  EXPECT_FALSE(row->blacklisted_at);
  EXPECT_EQ(store([&](TokenStore s) { return s.find_text(id); }), "raw");
  store([&](TokenStore s) { return s.blacklist(token("aa", now_), now_); });
  row = find(id);
  ASSERT_TRUE(row && row->blacklist_id);
  EXPECT_EQ(row->blacklisted_at, now_);
  EXPECT_EQ(store([&](TokenStore s) { return s.find_id_of_blacklisted(*row->blacklist_id); }), id);
  EXPECT_FALSE(store([&](TokenStore s) { return s.find_id_of_blacklisted(999); }));
}

class TokenPlansTest : public TokenStoreTest {};

INSTANTIATE_TEST_SUITE_P(Engines, TokenPlansTest, testing::Values(db::Place::postgresql),
                         db::place_name);

/// PostgreSQL keeps the plan that it makes when a statement runs for the sixth time, while tables
/// grow, and where many write at once it lays out one table sooner than the other.
TEST_P(TokenPlansTest, NeverLooksThroughAllTokensForOne) {
  static constexpr db::Sql lay_out{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT now(), id FROM token_blacklist_outstandingtoken"};
  static constexpr db::Sql empty{"DELETE FROM token_blacklist_blacklistedtoken"};
  static constexpr db::Sql scans{
      "SELECT seq_scan FROM pg_stat_xact_user_tables "
      "WHERE relname = 'token_blacklist_outstandingtoken'"};
  std::vector<std::int64_t> counts;
  const auto done = database_->write([&](db::Transaction& transaction) -> Result<void> {
    TokenStore tokens(transaction);
    for (int i = 0; i < 100; ++i) {
      const auto jti = "jti " + std::to_string(i);
      if (const auto added = tokens.add(token(jti, now_)); !added) return added;
    }
    for (int i = 0; i < 100; ++i) {
      for (const auto& sql : {empty, lay_out}) {
        if (const auto ran = transaction.run(sql, {}, db::ignore_rows); !ran) {
          return fail(ran.error());
        }
      }
    }
    for (int i = 0; i < 20; ++i) {
      const auto state = tokens.find_refresh_state(UserKey{std::int64_t{1}}, "jti 1");
      if (!state) return fail(state.error());
      EXPECT_TRUE(state->is_blacklisted);
      if (i != 0 && i != 19) continue;
      const auto counted =
          transaction.run(scans, {}, [&](const db::Row& row) { counts.push_back(row.integer(0)); });
      if (!counted) return fail(counted.error());
    }
    return {};
  });
  ASSERT_TRUE(done) << done.error().reason;
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0], counts[1]);
}

}  // namespace
}  // namespace easyjwt
