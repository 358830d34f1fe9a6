#include "easyjwt/user/login_store.hpp"

namespace easyjwt {
std::string_view to_string(LoginHow how) noexcept {
  switch (how) {
    case LoginHow::token: return "token";
    case LoginHow::sliding: return "sliding";
    case LoginHow::session: return "session";
    case LoginHow::remote: return "remote";
    case LoginHow::password: break;
  }
  return "password";
}

Result<void> LoginStore::add(const Login& login) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_login (user_id, happened_at, succeeded, how, address, user_agent) "
      "VALUES ($1, $2, $3, $4, $5, $6)"};
  return transaction_
      .run(sql,
           {login.user_id, login.at, login.succeeded, login.how, login.address, login.user_agent})
      .map(db::uncounted);
}

Result<void> LoginStore::trim_refused(std::int64_t user_id, Time from, Time until,
                                      std::int64_t kept) {
  static constexpr db::Sql sql{
      "DELETE FROM easyjwt_login WHERE user_id = $1 AND happened_at >= $2 AND happened_at < $3 "
      "AND NOT succeeded AND id NOT IN (SELECT id FROM easyjwt_login WHERE user_id = $1 "
      "AND happened_at >= $2 AND happened_at < $3 AND NOT succeeded "
      "ORDER BY happened_at DESC, id DESC LIMIT $4)"};
  return transaction_.run(sql, {user_id, from, until, kept}).map(db::uncounted);
}

Result<bool> LoginStore::has_logged_in(std::int64_t user_id, Time from, Time until) {
  static constexpr db::Sql sql{
      "SELECT 1 FROM easyjwt_login WHERE user_id = $1 AND happened_at >= $2 AND happened_at < $3 "
      "AND succeeded LIMIT 1"};
  return transaction_.run(sql, {user_id, from, until}).map([](auto rows) { return rows > 0; });
}

Result<void> LoginStore::list_of_user(std::int64_t user_id, std::int64_t limit,
                                      FunctionRef<void(const Login&)> each) {
  static constexpr db::Sql sql{
      "SELECT user_id, happened_at, succeeded, how, address, user_agent FROM easyjwt_login "
      "WHERE user_id = $1 ORDER BY happened_at DESC, id DESC LIMIT $2"};
  const auto read = [&](const db::Row& row) {
    each({.user_id = row.integer(0),
          .at = row.time(1),
          .succeeded = row.boolean(2),
          .how = std::string(row.text(3)),
          .address = std::string(row.text(4)),
          .user_agent = std::string(row.text(5))});
  };
  return transaction_.run(sql, {user_id, limit}, read).map(db::uncounted);
}

Result<void> LoginStore::add_count(const LoginCount& count) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_login_count (hour, what, how, n) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (hour, what, how) DO UPDATE SET n = easyjwt_login_count.n + excluded.n"};
  return transaction_.run(sql, {count.hour, count.what, count.how, count.n}).map(db::uncounted);
}

Result<void> LoginStore::list_counts(Time from, FunctionRef<void(const LoginCount&)> each) {
  static constexpr db::Sql sql{
      "SELECT hour, what, how, n FROM easyjwt_login_count WHERE hour >= $1 "
      "ORDER BY hour, what, how"};
  const auto read = [&](const db::Row& row) {
    each({.hour = row.time(0),
          .what = std::string(row.text(1)),
          .how = std::string(row.text(2)),
          .n = row.integer(3)});
  };
  return transaction_.run(sql, {from}, read).map(db::uncounted);
}

Result<std::int64_t> LoginStore::flush(Time before, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM easyjwt_login WHERE id IN (SELECT id FROM easyjwt_login "
      "WHERE happened_at < $1 ORDER BY happened_at LIMIT $2)"};
  return transaction_.run(sql, {before, limit});
}

Result<std::int64_t> LoginStore::flush_counts(Time before, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM easyjwt_login_count WHERE (hour, what, how) IN (SELECT hour, what, how "
      "FROM easyjwt_login_count WHERE hour < $1 ORDER BY hour LIMIT $2)"};
  return transaction_.run(sql, {before, limit});
}

}  // namespace easyjwt
