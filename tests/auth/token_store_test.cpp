#include "easyjwt/auth/token_store.hpp"

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

}  // namespace
}  // namespace easyjwt
