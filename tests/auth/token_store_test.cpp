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
