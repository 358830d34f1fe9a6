#include "easyjwt/auth/token_store.hpp"

namespace easyjwt {

Result<bool> TokenStore::is_blacklisted(std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT 1 FROM token_blacklist_outstandingtoken o "
      "JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = $1"};
  return transaction_.run(sql, {jti}).map([](std::int64_t rows) { return rows > 0; });
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
  // The unique constraint on token_id decides which of several calls did it, whatever process they
  // come from.
  static constexpr db::Sql blacklist_sql{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT $2, id FROM token_blacklist_outstandingtoken WHERE jti = $1 "
      "ON CONFLICT (token_id) DO NOTHING"};
  static constexpr db::Sql add_sql{
      "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (jti) DO NOTHING"};
  const auto first = transaction_.run(blacklist_sql, {token.jti, now});
  if (!first) return fail(first.error());
  if (*first == 1) return true;
  const auto added =
      transaction_.run(add_sql, {token.jti, token.token, db::value_or_null(token.user_id),
                                 db::value_or_null(token.created_at), token.expires_at});
  if (!added) return fail(added.error());
  if (*added == 0) return false;  // it was outstanding all along, so it is blacklisted
  return transaction_.run(blacklist_sql, {token.jti, now}).map([](std::int64_t n) {
    return n == 1;
  });
}

Result<std::int64_t> TokenStore::flush_expired(Time now, std::int64_t limit) {
  static constexpr db::Sql blacklisted{
      "DELETE FROM token_blacklist_blacklistedtoken WHERE token_id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)"};
  static constexpr db::Sql outstanding{
      "DELETE FROM token_blacklist_outstandingtoken WHERE id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)"};
  if (auto gone = transaction_.run(blacklisted, {now, limit}); !gone) return gone;
  return transaction_.run(outstanding, {now, limit});
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
