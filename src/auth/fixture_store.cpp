#include "easyjwt/auth/fixture_store.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

using Field = FixtureField;
using Kind = FixtureField::Kind;
using Absent = FixtureField::Absent;
using db::Sql;

// Fields in the order in which Django's models declare them: `read`, `replace` and `insert` go by
// it.

constexpr std::array content_type_fields{
    Field{"app_label", Kind::text, Absent::required, 100},
    Field{"model", Kind::text, Absent::required, 100},
};
constexpr std::array<std::size_t, 2> content_type_identity{0, 1};
constexpr FixtureModel content_type{
    .label = "contenttypes.contenttype",
    .rank = 0,
    .kept = true,
    .natural_columns = 2,
    .fields = content_type_fields,
    .identity = content_type_identity,
    .read = {"SELECT id, app_label, model FROM django_content_type ORDER BY id"},
    .exists = {"SELECT 1 FROM django_content_type WHERE id = $1"},
    .find = {"SELECT id FROM django_content_type WHERE app_label = $1 AND model = $2"},
    .identify = {"SELECT id FROM django_content_type WHERE app_label = $1 AND model = $2"},
    .insert = {"INSERT INTO django_content_type (app_label, model) VALUES ($1, $2) RETURNING id"},
};

constexpr std::array permission_fields{
    Field{"name", Kind::text, Absent::empty, 255},
    Field{"content_type", Kind::reference, Absent::required, 0, &content_type},
    Field{"codename", Kind::text, Absent::required, 100},
};
constexpr std::array<std::size_t, 2> permission_identity{1, 2};
constexpr FixtureModel permission{
    .label = "auth.permission",
    .rank = 1,
    .kept = true,
    .natural_columns = 3,
    .fields = permission_fields,
    .identity = permission_identity,
    .read = {"SELECT p.id, p.name, t.app_label, t.model, p.codename FROM auth_permission p "
             "JOIN django_content_type t ON t.id = p.content_type_id ORDER BY p.id"},
    .exists = {"SELECT 1 FROM auth_permission WHERE id = $1"},
    .find = {"SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = "
             "p.content_type_id WHERE p.codename = $1 AND t.app_label = $2 AND t.model = $3"},
    .identify = {"SELECT id FROM auth_permission WHERE content_type_id = $1 AND codename = $2"},
    .insert = {"INSERT INTO auth_permission (name, content_type_id, codename) VALUES ($1, $2, $3) "
               "RETURNING id"},
};

// Permissions in their Meta.ordering.
constexpr std::array group_links{FixtureLink{
    .name = "permissions",
    .target = &permission,
    .read = {"SELECT p.codename, t.app_label, t.model FROM auth_group_permissions l "
             "JOIN auth_permission p ON p.id = l.permission_id "
             "JOIN django_content_type t ON t.id = p.content_type_id "
             "WHERE l.group_id = $1 ORDER BY t.app_label, t.model, p.codename"},
    .clear = {"DELETE FROM auth_group_permissions WHERE group_id = $1"},
    .add = {"INSERT INTO auth_group_permissions (group_id, permission_id) VALUES ($1, $2)"},
}};
constexpr std::array group_fields{Field{"name", Kind::text, Absent::required, 150}};
constexpr std::array<std::size_t, 1> group_identity{0};
constexpr FixtureModel group{
    .label = "auth.group",
    .rank = 2,
    .natural_columns = 1,
    .fields = group_fields,
    .links = group_links,
    .identity = group_identity,
    .read = {"SELECT id, name FROM auth_group ORDER BY id"},
    .exists = {"SELECT 1 FROM auth_group WHERE id = $1"},
    .find = {"SELECT id FROM auth_group WHERE name = $1"},
    .identify = {"SELECT id FROM auth_group WHERE name = $1"},
    .replace = {"INSERT INTO auth_group (id, name) VALUES ($1, $2) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name"},
    .insert = {"INSERT INTO auth_group (name) VALUES ($1) RETURNING id"},
};

constexpr std::array user_links{
    FixtureLink{
        .name = "groups",
        .target = &group,
        .read = {"SELECT g.name FROM user_groups l JOIN auth_group g ON g.id = l.group_id "
                 "WHERE l.user_id = $1 ORDER BY g.id"},
        .clear = {"DELETE FROM user_groups WHERE user_id = $1"},
        .add = {"INSERT INTO user_groups (user_id, group_id) VALUES ($1, $2)"},
    },
    FixtureLink{
        .name = "user_permissions",
        .target = &permission,
        .read = {"SELECT p.codename, t.app_label, t.model FROM user_user_permissions l "
                 "JOIN auth_permission p ON p.id = l.permission_id "
                 "JOIN django_content_type t ON t.id = p.content_type_id "
                 "WHERE l.user_id = $1 ORDER BY t.app_label, t.model, p.codename"},
        .clear = {"DELETE FROM user_user_permissions WHERE user_id = $1"},
        .add = {"INSERT INTO user_user_permissions (user_id, permission_id) VALUES ($1, $2)"},
    },
};
constexpr std::array user_fields{
    Field{"password", Kind::text, Absent::empty, 128},
    Field{"last_login", Kind::time, Absent::null},
    Field{"is_superuser", Kind::boolean, Absent::no},
    Field{"is_staff", Kind::boolean, Absent::no},
    Field{"is_active", Kind::boolean, Absent::yes},
    Field{"date_joined", Kind::time, Absent::now},
    Field{"first_name", Kind::text, Absent::empty, 150},
    Field{"last_name", Kind::text, Absent::empty, 150},
    Field{"location", Kind::text, Absent::null},
    Field{"phone", Kind::text, Absent::null, 15},
    Field{"email", Kind::text, Absent::required, 254},
    Field{"modified_date", Kind::time, Absent::now},
    Field{"creation_date", Kind::time, Absent::now},
};
#define USER_COLUMNS                                                                              \
  "password, last_login, is_superuser, is_staff, is_active, date_joined, first_name, last_name, " \
  "location, phone, email, modified_date, creation_date"
constexpr std::array<std::size_t, 1> user_identity{10};
static_assert(user_fields[user_identity[0]].name == "email");
constexpr FixtureModel user{
    .label = "easyjwt_user.user",
    .rank = 3,
    .natural_columns = 1,
    .fields = user_fields,
    .links = user_links,
    .identity = user_identity,
    .read = {"SELECT id, " USER_COLUMNS " FROM \"user\" ORDER BY id"},
    .exists = {"SELECT 1 FROM \"user\" WHERE id = $1"},
    .find = {"SELECT id FROM \"user\" WHERE email = $1"},
    .identify = {"SELECT id FROM \"user\" WHERE email = $1"},
    .replace =
        {"INSERT INTO \"user\" (id, " USER_COLUMNS ") "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
         "ON CONFLICT (id) DO UPDATE SET password = excluded.password, "
         "last_login = excluded.last_login, is_superuser = excluded.is_superuser, "
         "is_staff = excluded.is_staff, is_active = excluded.is_active, "
         "date_joined = excluded.date_joined, first_name = excluded.first_name, "
         "last_name = excluded.last_name, location = excluded.location, phone = excluded.phone, "
         "email = excluded.email, modified_date = excluded.modified_date, "
         "creation_date = excluded.creation_date"},
    .insert = {"INSERT INTO \"user\" (" USER_COLUMNS ") "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id"},
};
#undef USER_COLUMNS

constexpr std::array outstanding_fields{
    Field{"user", Kind::reference, Absent::null, 0, &user},
    Field{"jti", Kind::text, Absent::required, 255},
    Field{"token", Kind::text, Absent::empty},
    Field{"created_at", Kind::time, Absent::null},
    Field{"expires_at", Kind::time, Absent::required},
};
constexpr FixtureModel outstanding_token{
    .label = "token_blacklist.outstandingtoken",
    .rank = 4,
    .fields = outstanding_fields,
    .read = {"SELECT o.id, u.email, o.jti, o.token, o.created_at, o.expires_at "
             "FROM token_blacklist_outstandingtoken o LEFT JOIN \"user\" u ON u.id = o.user_id "
             "ORDER BY o.id"},
    .exists = {"SELECT 1 FROM token_blacklist_outstandingtoken WHERE id = $1"},
    .replace = {"INSERT INTO token_blacklist_outstandingtoken "
                "(id, user_id, jti, token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, jti = excluded.jti, "
                "token = excluded.token, created_at = excluded.created_at, "
                "expires_at = excluded.expires_at"},
    .insert = {"INSERT INTO token_blacklist_outstandingtoken "
               "(user_id, jti, token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) "
               "RETURNING id"},
};

constexpr std::array blacklisted_fields{
    Field{"token", Kind::reference, Absent::required, 0, &outstanding_token},
    Field{"blacklisted_at", Kind::time, Absent::now},
};
constexpr FixtureModel blacklisted_token{
    .label = "token_blacklist.blacklistedtoken",
    .rank = 5,
    .fields = blacklisted_fields,
    .read = {"SELECT id, token_id, blacklisted_at FROM token_blacklist_blacklistedtoken "
             "ORDER BY id"},
    .exists = {"SELECT 1 FROM token_blacklist_blacklistedtoken WHERE id = $1"},
    .replace = {"INSERT INTO token_blacklist_blacklistedtoken (id, token_id, blacklisted_at) "
                "VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET token_id = excluded.token_id, "
                "blacklisted_at = excluded.blacklisted_at"},
    .insert = {"INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) "
               "VALUES ($1, $2) RETURNING id"},
};

constexpr std::array session_fields{
    Field{"session_data", Kind::text, Absent::empty},
    Field{"expire_date", Kind::time, Absent::required},
};
constexpr FixtureModel session{
    .label = "sessions.session",
    .rank = 5,
    .text_key = true,
    .fields = session_fields,
    .read = {"SELECT session_key, session_data, expire_date FROM django_session "
             "ORDER BY session_key"},
    .replace = {"INSERT INTO django_session (session_key, session_data, expire_date) "
                "VALUES ($1, $2, $3) ON CONFLICT (session_key) DO UPDATE SET "
                "session_data = excluded.session_data, expire_date = excluded.expire_date"},
};

constexpr std::array log_entry_fields{
    Field{"action_time", Kind::time, Absent::now},
    Field{"user", Kind::reference, Absent::required, 0, &user},
    Field{"content_type", Kind::reference, Absent::null, 0, &content_type},
    Field{"object_id", Kind::text, Absent::null},
    Field{"object_repr", Kind::text, Absent::empty, 200},
    Field{"action_flag", Kind::integer, Absent::required},
    Field{"change_message", Kind::text, Absent::empty},
};
constexpr FixtureModel log_entry{
    .label = "admin.logentry",
    .rank = 5,
    .fields = log_entry_fields,
    .read = {"SELECT l.id, l.action_time, u.email, t.app_label, t.model, l.object_id, "
             "l.object_repr, l.action_flag, l.change_message FROM django_admin_log l "
             "JOIN \"user\" u ON u.id = l.user_id "
             "LEFT JOIN django_content_type t ON t.id = l.content_type_id ORDER BY l.id"},
    .exists = {"SELECT 1 FROM django_admin_log WHERE id = $1"},
    .replace = {"INSERT INTO django_admin_log (id, action_time, user_id, content_type_id, "
                "object_id, object_repr, action_flag, change_message) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET "
                "action_time = excluded.action_time, user_id = excluded.user_id, "
                "content_type_id = excluded.content_type_id, object_id = excluded.object_id, "
                "object_repr = excluded.object_repr, action_flag = excluded.action_flag, "
                "change_message = excluded.change_message"},
    .insert = {"INSERT INTO django_admin_log (action_time, user_id, content_type_id, object_id, "
               "object_repr, action_flag, change_message) VALUES ($1, $2, $3, $4, $5, $6, $7) "
               "RETURNING id"},
};

constexpr std::array<const FixtureModel*, 8> models{
    &content_type,      &permission,        &group,   &user,
    &outstanding_token, &blacklisted_token, &session, &log_entry};

}  // namespace

std::span<const FixtureModel* const> fixture_models() { return models; }

const FixtureModel* find_fixture_model(std::string_view label) {
  const auto wanted = lower(label);
  const auto found = std::ranges::find(models, std::string_view(wanted), &FixtureModel::label);
  return found == models.end() ? nullptr : *found;
}

Result<void> FixtureStore::read(const FixtureModel& model, FunctionRef<void(const db::Row&)> each) {
  return transaction_.run(model.read, {}, each).map(db::uncounted);
}

Result<void> FixtureStore::read_links(const FixtureLink& link, std::int64_t owner,
                                      FunctionRef<void(const db::Row&)> each) {
  return transaction_.run(link.read, {owner}, each).map(db::uncounted);
}

Result<bool> FixtureStore::exists(const FixtureModel& model, std::int64_t key) {
  return transaction_.run(model.exists, {key}).map([](std::int64_t rows) { return rows > 0; });
}

Result<std::optional<std::int64_t>> FixtureStore::find_key(const db::Sql& sql,
                                                           std::span<const db::Value> values) {
  std::optional<std::int64_t> key;
  const auto rows =
      transaction_.run(sql, values, [&](const db::Row& row) { key = row.integer(0); });
  if (!rows) return fail(rows.error());
  return key;
}

Result<std::optional<std::int64_t>> FixtureStore::find(const FixtureModel& model,
                                                       std::span<const db::Value> natural_key) {
  return find_key(model.find, natural_key);
}

Result<std::optional<std::int64_t>> FixtureStore::identify(const FixtureModel& model,
                                                           std::span<const db::Value> values) {
  return find_key(model.identify, values);
}

Result<void> FixtureStore::replace(const FixtureModel& model, FixtureKey key,
                                   std::span<const db::Value> fields) {
  std::vector<db::Value> values;
  values.reserve(fields.size() + 1);
  values.push_back(std::visit([](auto it) { return db::Value{it}; }, key));
  values.insert(values.end(), fields.begin(), fields.end());
  return transaction_.run(model.replace, values, db::ignore_rows).map(db::uncounted);
}

Result<std::int64_t> FixtureStore::insert(const FixtureModel& model,
                                          std::span<const db::Value> fields) {
  std::int64_t key = 0;
  const auto rows =
      transaction_.run(model.insert, fields, [&](const db::Row& row) { key = row.integer(0); });
  if (!rows) return rows;
  return key;
}

Result<void> FixtureStore::set_links(const FixtureLink& link, std::int64_t owner,
                                     std::span<const std::int64_t> others) {
  if (auto cleared = transaction_.run(link.clear, {owner}); !cleared) {
    return fail(cleared.error());
  }
  for (const auto other : others) {
    if (auto added = transaction_.run(link.add, {owner, other}); !added) {
      return fail(added.error());
    }
  }
  return {};
}

}  // namespace easyjwt
