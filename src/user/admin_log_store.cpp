#include "easyjwt/user/admin_log_store.hpp"

namespace easyjwt {
namespace {

#define ENTRIES                                                                            \
  "FROM django_admin_log l JOIN \"user\" u ON u.id = l.user_id "                           \
  "LEFT JOIN django_content_type t ON t.id = l.content_type_id "                           \
  "WHERE ($1 = 0 OR l.user_id = $1) AND ($2 = '' OR (t.app_label = $2 AND t.model = $3)) " \
  "AND ($4 = '' OR l.object_id = $4) "

AdminLogEntry read_entry(const db::Row& row) {
  const auto text = [&](int column) { return std::string(row.maybe_text(column).value_or("")); };
  return {.at = row.time(0),
          .user_id = row.integer(1),
          .app = text(2),
          .model = text(3),
          .object_id = text(4),
          .object_name = text(5),
          .action = static_cast<AdminAction>(row.integer(6)),
          .message = text(7),
          .user_email = text(8)};
}

}  // namespace

Result<void> AdminLogStore::add(const AdminLogEntry& entry) {
  static constexpr db::Sql sql{
      "INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, "
      "object_repr, "
      "action_flag, change_message) VALUES ($1, $2, (SELECT id FROM django_content_type "
      "WHERE app_label = $3 AND model = $4), $5, substr($6, 1, 200), $7, $8)"};
  return transaction_
      .run(sql, {entry.at, entry.user_id, entry.app, entry.model, entry.object_id,
                 entry.object_name, static_cast<std::int64_t>(entry.action), entry.message})
      .map(db::uncounted);
}

Result<void> AdminLogStore::list(const AdminLogQuery& query,
                                 FunctionRef<void(const AdminLogEntry&)> each) {
  // By id, which is the order in which they were written.
  static constexpr db::Sql sql{
      "SELECT l.action_time, l.user_id, t.app_label, t.model, l.object_id, l.object_repr, "
      "l.action_flag, l.change_message, u.email " ENTRIES "ORDER BY l.id DESC LIMIT $5 OFFSET $6"};
  const auto model = query.model.value_or(ModelName{});
  return transaction_
      .run(sql,
           {query.user_id.value_or(0), model.app, model.model, query.object_id, query.limit,
            query.offset},
           [&](const db::Row& row) { each(read_entry(row)); })
      .map(db::uncounted);
}

Result<std::int64_t> AdminLogStore::count(const AdminLogQuery& query, std::int64_t most) {
  static constexpr db::Sql sql{"SELECT count(*) FROM (SELECT 1 " ENTRIES "LIMIT $5) AS found"};
  const auto model = query.model.value_or(ModelName{});
  std::int64_t n = 0;
  const auto done = transaction_.run(
      sql, {query.user_id.value_or(0), model.app, model.model, query.object_id, most},
      [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

}  // namespace easyjwt
