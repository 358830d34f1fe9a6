#include "easyjwt/auth/family_store.hpp"

#include <algorithm>
#include <array>

namespace easyjwt {
namespace {

#define FAMILIES                                                                    \
  "SELECT id, user_id, created_at, last_used_at, expires_at, user_agent, address, " \
  "current_jti, ended_at FROM easyjwt_session "

// What ends families must blacklist the tokens that are theirs once nobody can move them on any
// more: PostgreSQL's rows are locked by the UPDATE before it.
#define ADD_CURRENT                                                                 \
  "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, " \
  "expires_at) SELECT current_jti, '', NULL, NULL, expires_at FROM easyjwt_session "
#define MARK_CURRENT                                                         \
  "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) " \
  "SELECT $2, o.id FROM easyjwt_session s "                                  \
  "JOIN token_blacklist_outstandingtoken o ON o.jti = s.current_jti "

Family read_family(const db::Row& row) {
  return {.id = std::string(row.text(0)),
          .user_id = row.integer(1),
          .created_at = row.time(2),
          .last_used_at = row.time(3),
          .expires_at = row.time(4),
          .user_agent = std::string(row.text(5)),
          .address = std::string(row.text(6)),
          .current_jti = std::string(row.text(7)),
          .ended_at = row.maybe_time(8)};
}

/// Runs an UPDATE that ends families, and what blacklists their tokens.
template <std::size_t n>
Result<std::int64_t> run_ending(db::Transaction& transaction, const db::Sql& end,
                                const db::Sql& add, const db::Sql& mark,
                                const std::array<db::Value, 2>& values,
                                const std::array<db::Value, n>& add_values) {
  db::Statement statements[] = {{end, values}, {add, add_values}, {mark, values}};
  if (auto done = transaction.run_together(statements); !done) return fail(done.error());
  return statements[0].rows;
}

}  // namespace

bool is_family_id(std::string_view text) noexcept {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> FamilyStore::hold_user(std::int64_t user_id) {
  if (transaction_.engine() != db::Engine::postgresql) return {};  // one writer at a time
  static constexpr db::Sql sql{"SELECT 1 FROM \"user\" WHERE id = $1 FOR NO KEY UPDATE"};
  return transaction_.run(sql, {user_id}).map(db::uncounted);
}

Result<void> FamilyStore::add(const Family& family) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_session (id, user_id, created_at, last_used_at, expires_at, user_agent, "
      "address, current_jti) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
  return transaction_
      .run(sql, {family.id, family.user_id, family.created_at, family.last_used_at,
                 family.expires_at, family.user_agent, family.address, family.current_jti})
      .map(db::uncounted);
}

Result<std::optional<Family>> FamilyStore::find(std::string_view id) {
  static constexpr db::Sql sql{FAMILIES "WHERE id = $1"};
  std::optional<Family> found;
  const auto done =
      transaction_.run(sql, {id}, [&](const db::Row& row) { found = read_family(row); });
  if (!done) return fail(done.error());
  return found;
}

Result<std::optional<std::string>> FamilyStore::find_by_token(std::int64_t user_id,
                                                              std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT id FROM easyjwt_session WHERE user_id = $1 AND current_jti = $2"};
  std::optional<std::string> id;
  const auto done =
      transaction_.run(sql, {user_id, jti}, [&](const db::Row& row) { id = row.text(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<bool> FamilyStore::is_live(std::string_view id) {
  static constexpr db::Sql sql{"SELECT 1 FROM easyjwt_session WHERE id = $1 AND ended_at IS NULL"};
  return transaction_.run(sql, {id}).map([](std::int64_t rows) { return rows == 1; });
}

Result<bool> FamilyStore::use(std::string_view id, std::string_view jti, Time expires_at,
                              Time now) {
  static constexpr db::Sql sql{
      "UPDATE easyjwt_session SET current_jti = $2, expires_at = $3, last_used_at = $4 "
      "WHERE id = $1 AND ended_at IS NULL"};
  return transaction_.run(sql, {id, jti, expires_at, now}).map([](std::int64_t rows) {
    return rows == 1;
  });
}

Result<bool> FamilyStore::end(std::string_view id, Time now) {
  static constexpr db::Sql end{
      "UPDATE easyjwt_session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"};
  static constexpr db::Sql add{ADD_CURRENT "WHERE id = $1 ON CONFLICT (jti) DO NOTHING"};
  static constexpr db::Sql mark{MARK_CURRENT "WHERE s.id = $1 ON CONFLICT (token_id) DO NOTHING"};
  return run_ending(transaction_, end, add, mark, {id, now}, std::array<db::Value, 1>{id})
      .map([](std::int64_t rows) { return rows == 1; });
}

Result<std::int64_t> FamilyStore::end_all(std::int64_t user_id, Time now) {
  static constexpr db::Sql end{
      "UPDATE easyjwt_session SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL"};
  // Those that have just ended: of any other it has been done.
  static constexpr db::Sql add{ADD_CURRENT
                               "WHERE user_id = $1 AND ended_at = $2 "
                               "ON CONFLICT (jti) DO NOTHING"};
  static constexpr db::Sql mark{MARK_CURRENT
                                "WHERE s.user_id = $1 AND s.ended_at = $2 "
                                "ON CONFLICT (token_id) DO NOTHING"};
  const std::array<db::Value, 2> values{user_id, now};
  return run_ending(transaction_, end, add, mark, values, values);
}

Result<void> FamilyStore::list(std::int64_t user_id, Time now,
                               FunctionRef<void(const Family&)> each) {
  static constexpr db::Sql sql{FAMILIES
                               "WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 "
                               "ORDER BY last_used_at DESC, id LIMIT 1000"};
  return transaction_.run(sql, {user_id, now}, [&](const db::Row& row) { each(read_family(row)); })
      .map(db::uncounted);
}

Result<std::int64_t> FamilyStore::flush_expired(Time dead, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM easyjwt_session WHERE id IN (SELECT id FROM easyjwt_session "
      "WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"};
  return transaction_.run(sql, {dead, limit});
}

}  // namespace easyjwt
