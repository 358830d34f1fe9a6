#include "easyjwt/user/session_store.hpp"

namespace easyjwt {
namespace {

#define SESSIONS                                                                    \
  "SELECT s.session_key, s.session_data, b.user_id, b.created_at, b.last_seen_at, " \
  "s.expire_date, b.address, b.user_agent FROM easyjwt_browser_session b "          \
  "JOIN django_session s ON s.session_key = b.session_key "

StoredSession read_session(const db::Row& row) {
  return {.key = std::string(row.text(0)),
          .data = std::string(row.text(1)),
          .user_id = row.integer(2),
          .created_at = row.time(3),
          .last_seen_at = row.time(4),
          .expires_at = row.time(5),
          .address = std::string(row.text(6)),
          .user_agent = std::string(row.text(7))};
}

}  // namespace

Result<void> SessionStore::add(const StoredSession& session) {
  static constexpr db::Sql row{
      "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3)"};
  static constexpr db::Sql owner{
      "INSERT INTO easyjwt_browser_session (session_key, user_id, created_at, last_seen_at, "
      "address, user_agent) VALUES ($1, $2, $3, $4, $5, $6)"};
  auto done = transaction_.run(row, {session.key, session.data, session.expires_at});
  if (!done) return fail(done.error());
  return transaction_
      .run(owner, {session.key, session.user_id, session.created_at, session.last_seen_at,
                   session.address, session.user_agent})
      .map(db::uncounted);
}

Result<std::optional<StoredSession>> SessionStore::find(std::string_view key, Time now) {
  static constexpr db::Sql sql{SESSIONS "WHERE b.session_key = $1 AND s.expire_date > $2"};
  std::optional<StoredSession> found;
  const auto done =
      transaction_.run(sql, {key, now}, [&](const db::Row& row) { found = read_session(row); });
  if (!done) return fail(done.error());
  return found;
}

Result<void> SessionStore::touch(std::string_view key, Time seen_at, Time expires_at) {
  static constexpr db::Sql row{"UPDATE django_session SET expire_date = $2 WHERE session_key = $1"};
  static constexpr db::Sql owner{
      "UPDATE easyjwt_browser_session SET last_seen_at = $2 WHERE session_key = $1"};
  auto done = transaction_.run(row, {key, expires_at});
  if (!done) return fail(done.error());
  return transaction_.run(owner, {key, seen_at}).map(db::uncounted);
}

Result<void> SessionStore::remove(std::string_view key) {
  static constexpr db::Sql sql{"DELETE FROM django_session WHERE session_key = $1"};
  return transaction_.run(sql, {key}).map(db::uncounted);
}

Result<std::int64_t> SessionStore::remove_of_user(std::int64_t user_id, std::string_view kept) {
  static constexpr db::Sql sql{
      "DELETE FROM django_session WHERE session_key <> $2 AND session_key IN "
      "(SELECT session_key FROM easyjwt_browser_session WHERE user_id = $1)"};
  return transaction_.run(sql, {user_id, kept});
}

Result<void> SessionStore::list_of_user(std::int64_t user_id, Time now,
                                        FunctionRef<void(const StoredSession&)> each) {
  static constexpr db::Sql sql{SESSIONS
                               "WHERE b.user_id = $1 AND s.expire_date > $2 "
                               "ORDER BY b.last_seen_at DESC, b.session_key LIMIT 1000"};
  return transaction_.run(sql, {user_id, now}, [&](const db::Row& row) { each(read_session(row)); })
      .map(db::uncounted);
}

Result<std::int64_t> SessionStore::flush_expired(Time now, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM django_session WHERE session_key IN (SELECT session_key FROM django_session "
      "WHERE expire_date < $1 ORDER BY expire_date LIMIT $2)"};
  return transaction_.run(sql, {now, limit});
}

}  // namespace easyjwt
