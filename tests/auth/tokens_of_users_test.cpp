#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "auth/fixture.hpp"
#include "easyjwt/user/user_store.hpp"

// Which index finds the tokens of users: SQLite skips from bucket to bucket of ours
// (sql/0013_tokens_of_users.sqlite.sql).

namespace easyjwt {
namespace {

/// Has everything explained that it runs, of what concerns tokens of users.
class ExplainingTransaction final : public db::PassingTransaction {
 public:
  using PassingTransaction::PassingTransaction;
  using PassingTransaction::run;
  Result<std::int64_t> run(const db::Sql& sql, std::span<const db::Value> values,
                           FunctionRef<void(const db::Row&)> each) override {
    const auto has = [&](std::string_view word) { return sql.text.find(word) != sql.text.npos; };
    if (has("outstandingtoken") && has("user_id")) {
      const auto text = "EXPLAIN QUERY PLAN " + std::string(sql.text);
      const db::Sql explained{text};
      auto& plan = plans.emplace_back(std::string(sql.text) + "\n");
      auto done = PassingTransaction::run(
          explained, values, [&](const db::Row& row) { plan += std::string(row.text(3)) + "\n"; });
      if (!done) return done;
    }
    return PassingTransaction::run(sql, values, each);
  }

  std::vector<std::string> plans;
};

class TokensOfUsersTest : public test::AuthService {};

INSTANTIATE_TEST_SUITE_P(Sqlite, TokensOfUsersTest, testing::Values(db::Place::file),
                         db::place_name);

TEST_P(TokensOfUsersTest, EveryStatementSkipsFromBucketToBucket) {
  const auto alice = add_user("alice@example.com");
  std::vector<std::string> plans;
  const auto done = database_->write([&](db::Transaction& real) -> Result<void> {
    ExplainingTransaction transaction(real);
    TokenStore tokens(transaction);
    UserStore users(transaction);
    if (auto marked = tokens.blacklist_of_user(alice, now_); !marked) return marked;
    for (const bool only_blacklisted : {false, true}) {
      for (const auto order : {TokenQuery::Order::id, TokenQuery::Order::expires_at}) {
        for (const bool descending : {false, true}) {
          const TokenQuery query{.users = {{alice}},
                                 .only_blacklisted = only_blacklisted,
                                 .order = order,
                                 .descending = descending};
          if (auto listed = tokens.list(query, [](const TokenRow&) {}); !listed) return listed;
          if (const auto n = tokens.count(query, 10); !n) return fail(n.error());
        }
      }
    }
    if (const auto n = users.count_belongings(alice); !n) return fail(n.error());
    if (const auto gone = users.remove(alice); !gone) return fail(gone.error());
    plans = std::move(transaction.plans);
    return {};
  });
  ASSERT_TRUE(done) << done.error().reason;
  EXPECT_EQ(plans.size(), 1u + 2 * 2 * 2 * 2 + 1 + 1);
  for (const auto& plan : plans) {
    EXPECT_NE(plan.find(" INDEX easyjwt_outstandingtoken_user (ANY(<expr>) AND user_id=?)"),
              plan.npos)
        << plan;
  }
}

}  // namespace
}  // namespace easyjwt
