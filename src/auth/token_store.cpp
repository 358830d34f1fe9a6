#include "easyjwt/auth/token_store.hpp"

#include <algorithm>
#include <array>

namespace easyjwt {

#define IS_BLACKLISTED                                             \
  "EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o JOIN " \
  "token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = $2)"

Result<bool> TokenStore::is_blacklisted(std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT 1 FROM token_blacklist_outstandingtoken o "
      "JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = $1"};
  return transaction_.run(sql, {jti}).map([](std::int64_t rows) { return rows > 0; });
}

Result<std::optional<RefreshState>> TokenStore::find_refresh_state_by_id(std::int64_t user,
                                                                         std::string_view jti) {
  static constexpr db::Sql sql{"SELECT is_active, password, " IS_BLACKLISTED
                               " FROM \"user\" WHERE id = $1"};
  return find_refresh_state(sql, user, jti);
}

Result<std::optional<RefreshState>> TokenStore::find_refresh_state_by_email(std::string_view user,
                                                                            std::string_view jti) {
  static constexpr db::Sql sql{"SELECT is_active, password, " IS_BLACKLISTED
                               " FROM \"user\" WHERE email = $1"};
  return find_refresh_state(sql, user, jti);
}

Result<std::optional<RefreshState>> TokenStore::find_refresh_state(const db::Sql& sql,
                                                                   db::Value user,
                                                                   std::string_view jti) {
  std::optional<RefreshState> state;
  const auto done = transaction_.run(sql, {user, jti}, [&](const db::Row& row) {
    state = {.is_active = row.boolean(0),
             .password = std::string(row.text(1)),
             .is_blacklisted = row.boolean(2)};
  });
  if (!done) return fail(done.error());
  return state;
}

Result<void> TokenStore::add(const OutstandingToken& token) {
  static constexpr db::Sql sql{
      "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) "
      "VALUES ($1, $2, $3, $4, $5)"};
  return transaction_
      .run(sql, {token.jti, token.token, db::value_or_null(token.user_id),
                 db::value_or_null(token.created_at), token.expires_at})
      .map([](std::int64_t) {});
}

Result<bool> TokenStore::blacklist(const OutstandingToken& token, Time now) {
  static constexpr db::Sql add_sql{
      "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (jti) DO NOTHING"};
  // The unique constraint on token_id decides which of several calls did it, whatever process they
  // come from.
  static constexpr db::Sql blacklist_sql{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT $2, id FROM token_blacklist_outstandingtoken WHERE jti = $1 "
      "ON CONFLICT (token_id) DO NOTHING"};
  const std::array<db::Value, 5> row{token.jti, token.token, db::value_or_null(token.user_id),
                                     db::value_or_null(token.created_at), token.expires_at};
  const std::array<db::Value, 2> mark{token.jti, now};
  db::Statement statements[] = {{add_sql, row}, {blacklist_sql, mark}};
  if (auto done = transaction_.run_together(statements); !done) return fail(done.error());
  return statements[1].rows == 1;
}

Result<Flushed> TokenStore::flush_expired(Time now, std::int64_t limit, Time from) {
  static constexpr db::Sql blacklisted{
      "DELETE FROM token_blacklist_blacklistedtoken WHERE token_id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at BETWEEN $3 AND $1 "
      "ORDER BY expires_at, id LIMIT $2)"};
  static constexpr db::Sql outstanding{
      "DELETE FROM token_blacklist_outstandingtoken WHERE id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at BETWEEN $3 AND $1 "
      "ORDER BY expires_at, id LIMIT $2) RETURNING expires_at"};
  Flushed flushed{.until = from};
  if (auto gone = transaction_.run(blacklisted, {now, limit, from}); !gone) {
    return fail(gone.error());
  }
  const auto done = transaction_.run(outstanding, {now, limit, from}, [&](const db::Row& row) {
    flushed.until = std::max(flushed.until, row.time(0));
    ++flushed.rows;
  });
  if (!done) return fail(done.error());
  return flushed;
}

Result<std::int64_t> TokenStore::count_expired(Time now) {
  static constexpr db::Sql sql{
      "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE expires_at <= $1"};
  std::int64_t n = 0;
  const auto done = transaction_.run(sql, {now}, [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

}  // namespace easyjwt
