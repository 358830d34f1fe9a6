#include "easyjwt/user/session_store.hpp"

namespace easyjwt {

Result<std::int64_t> SessionStore::flush_expired(Time now, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM django_session WHERE session_key IN (SELECT session_key FROM django_session "
      "WHERE expire_date < $1 ORDER BY expire_date LIMIT $2)"};
  return transaction_.run(sql, {now, limit});
}

}  // namespace easyjwt
