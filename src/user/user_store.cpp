#include "easyjwt/user/user_store.hpp"

#include <utility>

#include "user/user_row.hpp"

namespace easyjwt {
namespace {

UserState read_state(const db::Row& row) {
  return {.is_active = row.boolean(0), .password = std::string(row.text(1))};
}

template <class T>
Result<std::optional<T>> find(db::Transaction& transaction, const db::Sql& sql, db::Value value,
                              T (*read)(const db::Row&)) {
  std::optional<T> found;
  const auto rows = transaction.run(sql, {value}, [&](const db::Row& row) { found = read(row); });
  if (!rows) return fail(rows.error());
  return found;
}

}  // namespace

Result<std::optional<User>> UserStore::find_by_id(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE id = $1"};
  return find<User>(transaction_, sql, id, read_user);
}

Result<std::optional<User>> UserStore::find_by_email(std::string_view email) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE email = $1"};
  return find<User>(transaction_, sql, email, read_user);
}

Result<std::optional<UserState>> UserStore::find_state_by_id(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT is_active, password FROM \"user\" WHERE id = $1"};
  return find<UserState>(transaction_, sql, id, read_state);
}

Result<std::optional<UserState>> UserStore::find_state_by_email(std::string_view email) {
  static constexpr db::Sql sql{"SELECT is_active, password FROM \"user\" WHERE email = $1"};
  return find<UserState>(transaction_, sql, email, read_state);
}

Result<bool> UserStore::email_taken(std::string_view email) {
  static constexpr db::Sql sql{"SELECT 1 FROM \"user\" WHERE lower(email) = lower($1) LIMIT 1"};
  return transaction_.run(sql, {email}).map([](std::int64_t rows) { return rows > 0; });
}

Result<std::int64_t> UserStore::insert(const User& user, Time now) {
  static constexpr db::Sql sql{
      "INSERT INTO \"user\" (password, last_login, is_superuser, is_staff, is_active, date_joined, "
      "first_name, last_name, location, phone, modified_date, creation_date, email) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id"};
  std::int64_t id = 0;
  const auto done = transaction_.run(
      sql,
      {std::string_view(user.password), db::value_or_null(user.last_login), user.is_superuser,
       user.is_staff, user.is_active, user.date_joined, std::string_view(user.first_name),
       std::string_view(user.last_name), db::value_or_null(user.location),
       db::value_or_null(user.phone), now, now, std::string_view(user.email)},
      [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<bool> UserStore::set_password(std::int64_t id, std::string_view old_encoding,
                                     std::string_view encoding, std::optional<Time> modified) {
  static constexpr db::Sql touching{
      "UPDATE \"user\" SET password = $3, modified_date = $4 WHERE id = $1 AND password = $2"};
  static constexpr db::Sql keeping{
      "UPDATE \"user\" SET password = $3 WHERE id = $1 AND password = $2"};
  const auto rows = modified ? transaction_.run(touching, {id, old_encoding, encoding, *modified})
                             : transaction_.run(keeping, {id, old_encoding, encoding});
  return rows.map([](std::int64_t n) { return n == 1; });
}

Result<void> UserStore::set_last_login(std::int64_t id, Time now) {
  static constexpr db::Sql sql{"UPDATE \"user\" SET last_login = $2 WHERE id = $1"};
  return transaction_.run(sql, {id, now}).map(db::uncounted);
}

Result<std::optional<User>> UserStore::hold(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE id = $1 FOR UPDATE"};
  if (transaction_.engine() == db::Engine::sqlite) return find_by_id(id);  // one writer at a time
  return find<User>(transaction_, sql, id, read_user);
}

Result<void> UserStore::update(const User& user, Time now) {
  static constexpr db::Sql sql{
      "UPDATE \"user\" SET email = $2, first_name = $3, last_name = $4, phone = $5, location = $6, "
      "is_active = $7, is_staff = $8, is_superuser = $9, modified_date = $10 WHERE id = $1"};
  return transaction_
      .run(sql, {user.id, std::string_view(user.email), std::string_view(user.first_name),
                 std::string_view(user.last_name), db::value_or_null(user.phone),
                 db::value_or_null(user.location), user.is_active, user.is_staff, user.is_superuser,
                 now})
      .map(db::uncounted);
}

Result<bool> UserStore::remove(std::int64_t id) {
  static constexpr db::Sql statements[] = {
      {"UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = $1"},
      {"DELETE FROM user_groups WHERE user_id = $1"},
      {"DELETE FROM user_user_permissions WHERE user_id = $1"},
      {"DELETE FROM django_admin_log WHERE user_id = $1"},
      {"DELETE FROM django_session WHERE session_key IN "
       "(SELECT session_key FROM easyjwt_browser_session WHERE user_id = $1)"},
      {"DELETE FROM \"user\" WHERE id = $1"}};
  std::int64_t rows = 0;
  for (const auto& sql : statements) {
    const auto done = transaction_.run(sql, {id});
    if (!done) return fail(done.error());
    rows = *done;
  }
  return rows == 1;
}

Result<bool> UserStore::hold_other_superuser(std::int64_t id) {
  // All of them, in one order: of two who would each take it from the other one comes second.
#define OTHER_SUPERUSERS \
  "SELECT id FROM \"user\" WHERE " USER_IS_SPECIAL " AND is_superuser AND is_active ORDER BY id"
  static constexpr db::Sql reading{OTHER_SUPERUSERS};
  static constexpr db::Sql holding{OTHER_SUPERUSERS " FOR UPDATE"};
#undef OTHER_SUPERUSERS
  bool found = false;
  const auto done =
      transaction_.run(transaction_.engine() == db::Engine::sqlite ? reading : holding, {},
                       [&](const db::Row& row) { found |= row.integer(0) != id; });
  if (!done) return fail(done.error());
  return found;
}

Result<UserStore::Belongings> UserStore::count_belongings(std::int64_t id) {
  static constexpr db::Sql sql{
      "SELECT (SELECT count(*) FROM token_blacklist_outstandingtoken WHERE user_id = $1), "
      "(SELECT count(*) FROM user_groups WHERE user_id = $1), "
      "(SELECT count(*) FROM user_user_permissions WHERE user_id = $1), "
      "(SELECT count(*) FROM easyjwt_browser_session WHERE user_id = $1), "
      "(SELECT count(*) FROM django_admin_log WHERE user_id = $1)"};
  Belongings found;
  const auto done = transaction_.run(sql, {id}, [&](const db::Row& row) {
    found = {.tokens = row.integer(0),
             .groups = row.integer(1),
             .permissions = row.integer(2),
             .sessions = row.integer(3),
             .log_entries = row.integer(4)};
  });
  if (!done) return fail(done.error());
  return found;
}

Result<std::string> UserStore::sample_password(std::uint64_t pick) {
  static constexpr db::Sql sql{
      "SELECT password FROM \"user\" WHERE id >= $1 % (SELECT max(id) + 1 FROM \"user\") "
      "AND password NOT LIKE '!%' ORDER BY id LIMIT 1"};
  std::string encoding;
  const auto done = transaction_.run(sql, {static_cast<std::int64_t>(pick >> 1)},
                                     [&](const db::Row& row) { encoding = row.text(0); });
  if (!done) return fail(done.error());
  return encoding;
}

}  // namespace easyjwt
