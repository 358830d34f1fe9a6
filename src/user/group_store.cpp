#include "easyjwt/user/group_store.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "user/user_row.hpp"

namespace easyjwt {
namespace {

/// Not by ORDER BY, which PostgreSQL does as the database's language would have it.
void sort(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

/// For LIKE on the name in lower case; empty: of all.
std::string pattern_of(std::string_view word) {
  if (word.empty()) return {};
  std::string pattern = "%";
  for (const char c : word) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return pattern + '%';
}

/// PostgreSQL has no NUL in a text, and to SQLite it would end there.
bool is_vain(std::string_view word) { return word.find('\0') != word.npos; }

Result<std::vector<std::int64_t>> read_ids(db::Transaction& transaction, const db::Sql& sql,
                                           std::int64_t of) {
  std::vector<std::int64_t> ids;
  const auto done =
      transaction.run(sql, {of}, [&](const db::Row& row) { ids.push_back(row.integer(0)); });
  if (!done) return fail(done.error());
  return ids;
}

/// Only what differs, as Django's set(): rows keep their ids.
Result<void> set(db::Transaction& transaction, std::int64_t of,
                 std::span<const std::int64_t> before, std::span<const std::int64_t> wanted,
                 const db::Sql& add, const db::Sql& remove) {
  const auto run_for_those_not_in = [&](const db::Sql& sql, std::span<const std::int64_t> these,
                                        std::span<const std::int64_t> others) -> Result<void> {
    for (const auto one : these) {
      if (std::ranges::find(others, one) != others.end()) continue;
      if (auto done = transaction.run(sql, {of, one}); !done) return fail(done.error());
    }
    return {};
  };
  if (auto done = run_for_those_not_in(remove, before, wanted); !done) return done;
  return run_for_those_not_in(add, wanted, before);
}

#define NAMED "FROM auth_group g WHERE ($1 = '' OR lower(g.name) LIKE $1 ESCAPE '\\') "
// $2: one more than is counted.
#define LISTED                                                               \
  "SELECT g.id, g.name, (SELECT count(*) FROM (SELECT 1 FROM user_groups l " \
  "WHERE l.group_id = g.id LIMIT $2) AS counted), (SELECT count(*) FROM "    \
  "auth_group_permissions p WHERE p.group_id = g.id) " NAMED

}  // namespace

Result<Grants> GroupStore::grants(std::int64_t user_id) {
  static constexpr db::Sql sql{
      "SELECT 0, g.name FROM user_groups l JOIN auth_group g ON g.id = l.group_id "
      "WHERE l.user_id = $1 UNION ALL "
      "SELECT 1, t.app_label || '.' || p.codename FROM user_user_permissions l "
      "JOIN auth_permission p ON p.id = l.permission_id "
      "JOIN django_content_type t ON t.id = p.content_type_id WHERE l.user_id = $1 UNION ALL "
      "SELECT 1, t.app_label || '.' || p.codename FROM user_groups l "
      "JOIN auth_group_permissions gp ON gp.group_id = l.group_id "
      "JOIN auth_permission p ON p.id = gp.permission_id "
      "JOIN django_content_type t ON t.id = p.content_type_id WHERE l.user_id = $1"};
  Grants grants;
  const auto done = transaction_.run(sql, {user_id}, [&](const db::Row& row) {
    (row.integer(0) == 0 ? grants.groups : grants.permissions).emplace_back(row.text(1));
  });
  if (!done) return fail(done.error());
  sort(grants.groups);
  sort(grants.permissions);
  return grants;
}

Result<std::int64_t> GroupStore::count(const GroupQuery& query) {
  static constexpr db::Sql sql{"SELECT count(*) " NAMED};
  if (is_vain(query.word)) return 0;
  const auto pattern = pattern_of(query.word);
  std::int64_t n = 0;
  const auto done = transaction_.run(sql, {std::string_view(pattern)},
                                     [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

Result<void> GroupStore::list(const GroupQuery& query, FunctionRef<void(const Group&)> each) {
  static constexpr db::Sql ascending{LISTED "ORDER BY g.name, g.id LIMIT $3 OFFSET $4"};
  static constexpr db::Sql descending{LISTED "ORDER BY g.name DESC, g.id DESC LIMIT $3 OFFSET $4"};
  if (is_vain(query.word)) return {};
  const auto pattern = pattern_of(query.word);
  return transaction_
      .run(query.descending ? descending : ascending,
           {std::string_view(pattern), most_counted + 1, query.limit, query.offset},
           [&](const db::Row& row) {
             each({.id = row.integer(0),
                   .name = std::string(row.text(1)),
                   .members = row.integer(2),
                   .permissions = row.integer(3)});
           })
      .map(db::uncounted);
}

Result<std::optional<Group>> GroupStore::find(std::int64_t id) {
  // PostgreSQL's ids are smaller here than what a path can say.
  static constexpr db::Sql sql{"SELECT id, name FROM auth_group WHERE id = CAST($1 AS bigint)"};
  std::optional<Group> found;
  const auto done = transaction_.run(sql, {id}, [&](const db::Row& row) {
    found = Group{.id = row.integer(0), .name = std::string(row.text(1))};
  });
  if (!done) return fail(done.error());
  return found;
}

Result<std::int64_t> GroupStore::insert(std::string_view name) {
  static constexpr db::Sql sql{"INSERT INTO auth_group (name) VALUES ($1) RETURNING id"};
  std::int64_t id = 0;
  const auto done = transaction_.run(sql, {name}, [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<bool> GroupStore::rename(std::int64_t id, std::string_view name) {
  static constexpr db::Sql sql{"UPDATE auth_group SET name = $2 WHERE id = $1"};
  return transaction_.run(sql, {id, name}).map([](std::int64_t rows) { return rows == 1; });
}

Result<bool> GroupStore::remove(std::int64_t id) {
  static constexpr db::Sql permissions{"DELETE FROM auth_group_permissions WHERE group_id = $1"};
  static constexpr db::Sql members{"DELETE FROM user_groups WHERE group_id = $1"};
  static constexpr db::Sql group{"DELETE FROM auth_group WHERE id = $1"};
  const std::array<db::Value, 1> values{id};
  db::Statement statements[] = {{permissions, values}, {members, values}, {group, values}};
  if (auto done = transaction_.run_together(statements); !done) return fail(done.error());
  return statements[2].rows == 1;
}

Result<std::vector<PermissionRow>> GroupStore::all_permissions() {
  static constexpr db::Sql sql{
      "SELECT p.id, t.app_label, t.model, p.codename, p.name FROM auth_permission p "
      "JOIN django_content_type t ON t.id = p.content_type_id"};
  std::vector<PermissionRow> rows;
  const auto done = transaction_.run(sql, {}, [&](const db::Row& row) {
    rows.push_back({.id = row.integer(0),
                    .app = std::string(row.text(1)),
                    .model = std::string(row.text(2)),
                    .codename = std::string(row.text(3)),
                    .name = std::string(row.text(4))});
  });
  if (!done) return fail(done.error());
  std::ranges::sort(rows, [](const PermissionRow& a, const PermissionRow& b) {
    return std::tie(a.app, a.model, a.codename) < std::tie(b.app, b.model, b.codename);
  });
  return rows;
}

Result<std::vector<std::int64_t>> GroupStore::permissions_of(std::int64_t id) {
  static constexpr db::Sql sql{
      "SELECT permission_id FROM auth_group_permissions WHERE group_id = $1 "
      "ORDER BY permission_id"};
  return read_ids(transaction_, sql, id);
}

Result<void> GroupStore::set_permissions(std::int64_t id,
                                         std::span<const std::int64_t> permissions) {
  static constexpr db::Sql add{
      "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES ($1, $2) "
      "ON CONFLICT (group_id, permission_id) DO NOTHING"};
  static constexpr db::Sql remove{
      "DELETE FROM auth_group_permissions WHERE group_id = $1 AND permission_id = $2"};
  const auto before = permissions_of(id);
  if (!before) return fail(before.error());
  return set(transaction_, id, *before, permissions, add, remove);
}

Result<std::vector<std::int64_t>> GroupStore::groups_of(std::int64_t user) {
  static constexpr db::Sql sql{
      "SELECT group_id FROM user_groups WHERE user_id = $1 ORDER BY group_id"};
  return read_ids(transaction_, sql, user);
}

Result<void> GroupStore::set_groups(std::int64_t user, std::span<const std::int64_t> groups) {
  static constexpr db::Sql add{
      "INSERT INTO user_groups (user_id, group_id) VALUES ($1, $2) "
      "ON CONFLICT (user_id, group_id) DO NOTHING"};
  static constexpr db::Sql remove{"DELETE FROM user_groups WHERE user_id = $1 AND group_id = $2"};
  const auto before = groups_of(user);
  if (!before) return fail(before.error());
  return set(transaction_, user, *before, groups, add, remove);
}

Result<std::vector<std::int64_t>> GroupStore::own_permissions(std::int64_t user) {
  static constexpr db::Sql sql{
      "SELECT permission_id FROM user_user_permissions WHERE user_id = $1 ORDER BY permission_id"};
  return read_ids(transaction_, sql, user);
}

Result<void> GroupStore::set_own_permissions(std::int64_t user,
                                             std::span<const std::int64_t> permissions) {
  static constexpr db::Sql add{
      "INSERT INTO user_user_permissions (user_id, permission_id) VALUES ($1, $2) "
      "ON CONFLICT (user_id, permission_id) DO NOTHING"};
  static constexpr db::Sql remove{
      "DELETE FROM user_user_permissions WHERE user_id = $1 AND permission_id = $2"};
  const auto before = own_permissions(user);
  if (!before) return fail(before.error());
  return set(transaction_, user, *before, permissions, add, remove);
}

Result<std::vector<Group>> GroupStore::all_groups() {
  static constexpr db::Sql sql{"SELECT id, name FROM auth_group"};
  std::vector<Group> groups;
  const auto done = transaction_.run(sql, {}, [&](const db::Row& row) {
    groups.push_back({.id = row.integer(0), .name = std::string(row.text(1))});
  });
  if (!done) return fail(done.error());
  std::ranges::sort(groups, {}, &Group::name);
  return groups;
}

Result<std::int64_t> GroupStore::count_members(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT count(*) FROM user_groups WHERE group_id = $1"};
  std::int64_t n = 0;
  const auto done = transaction_.run(sql, {id}, [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

Result<void> GroupStore::list_members(std::int64_t id, std::int64_t offset, std::int64_t limit,
                                      FunctionRef<void(const User&)> each) {
  // By the order that SQLite's index on group_id has for nothing.
  static constexpr db::Sql sql{
      "SELECT " USER_COLUMNS
      " FROM (SELECT id AS link, user_id FROM user_groups WHERE group_id = $1 "
      "ORDER BY id LIMIT $2 OFFSET $3) AS links JOIN \"user\" ON id = user_id ORDER BY link"};
  return transaction_
      .run(sql, {id, limit, offset}, [&](const db::Row& row) { each(read_user(row)); })
      .map(db::uncounted);
}

Result<std::vector<bool>> GroupStore::are_members(std::int64_t id,
                                                  std::span<const std::int64_t> users) {
  static constexpr db::Sql sql{"SELECT 1 FROM user_groups WHERE user_id = $2 AND group_id = $1"};
  std::vector<std::array<db::Value, 2>> values;
  for (const auto user : users) values.push_back({id, user});
  std::vector<db::Statement> statements;
  for (const auto& pair : values) statements.push_back({sql, pair});
  if (auto done = transaction_.run_together(statements); !done) return fail(done.error());
  std::vector<bool> are;
  for (const auto& statement : statements) are.push_back(statement.rows > 0);
  return are;
}

Result<bool> GroupStore::add_member(std::int64_t id, std::int64_t user) {
  static constexpr db::Sql sql{
      "INSERT INTO user_groups (group_id, user_id) SELECT $1, id FROM \"user\" WHERE id = $2 "
      "ON CONFLICT (user_id, group_id) DO NOTHING"};
  return transaction_.run(sql, {id, user}).map([](std::int64_t rows) { return rows == 1; });
}

Result<bool> GroupStore::remove_member(std::int64_t id, std::int64_t user) {
  static constexpr db::Sql sql{"DELETE FROM user_groups WHERE user_id = $2 AND group_id = $1"};
  return transaction_.run(sql, {id, user}).map([](std::int64_t rows) { return rows == 1; });
}

Result<std::optional<std::int64_t>> GroupStore::drop_members(std::int64_t id, std::int64_t after,
                                                             std::int64_t limit) {
  // Along the users: by the index on group_id PostgreSQL would walk past all that is gone by then,
  // each time, which the '+' keeps both engines from.
  static constexpr db::Sql next{
      "SELECT user_id FROM user_groups WHERE user_id > $1 ORDER BY user_id LIMIT 1 OFFSET $2"};
  static constexpr db::Sql sql{
      "DELETE FROM user_groups WHERE +group_id = $1 AND user_id > $2 AND user_id <= $3"};
  std::optional<std::int64_t> last;
  const auto found = transaction_.run(next, {after, limit - 1},
                                      [&](const db::Row& row) { last = row.integer(0); });
  if (!found) return fail(found.error());
  const auto until = last.value_or(std::numeric_limits<std::int64_t>::max());
  const auto done = transaction_.run(sql, {id, after, until});
  if (!done) return fail(done.error());
  return last;
}

}  // namespace easyjwt
