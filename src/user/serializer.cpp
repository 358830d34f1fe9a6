#include "easyjwt/user/serializer.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value();
}

/// The columns of "user" that can be shown: all but the password.
struct Field {
  std::string_view name;
  json::value (*read)(const User& user);
};
constexpr Field all_fields[] = {
    {"id", [](const User& user) -> json::value { return user.id; }},
    {"first_name", [](const User& user) -> json::value { return json::value(user.first_name); }},
    {"email", [](const User& user) -> json::value { return json::value(user.email); }},
    {"last_name", [](const User& user) -> json::value { return json::value(user.last_name); }},
    {"date_joined",
     [](const User& user) -> json::value { return json::value(to_rfc3339(user.date_joined)); }},
    {"last_login",
     [](const User& user) -> json::value {
       return user.last_login ? json::value(to_rfc3339(*user.last_login)) : json::value();
     }},
    {"is_active", [](const User& user) -> json::value { return user.is_active; }},
    {"is_staff", [](const User& user) -> json::value { return user.is_staff; }},
    {"is_superuser", [](const User& user) -> json::value { return user.is_superuser; }},
    {"location", [](const User& user) -> json::value { return or_null(user.location); }},
    {"phone", [](const User& user) -> json::value { return or_null(user.phone); }},
    {"modified_date",
     [](const User& user) -> json::value { return json::value(to_rfc3339(user.modified_date)); }},
    {"creation_date",
     [](const User& user) -> json::value { return json::value(to_rfc3339(user.creation_date)); }},
};
/// So many of them are TokenUserSerializer's, in its order.
constexpr std::size_t standard_fields = 9;

const Field* find_field(std::string_view name) {
  const auto found = std::find_if(std::begin(all_fields), std::end(all_fields),
                                  [&](const Field& field) { return field.name == name; });
  return found == std::end(all_fields) ? nullptr : found;
}

std::vector<std::string> standard() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < standard_fields; ++i) names.emplace_back(all_fields[i].name);
  return names;
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

[[noreturn]] void refuse_fields(const std::string& what) {
  throw SettingsError("EASY_JWT.USER_MODEL_SERIALIZER.fields", what);
}

void check_fields(const std::vector<std::string>& fields) {
  std::set<std::string_view> seen;
  for (const auto& name : fields) {
    if (name == "password") refuse_fields("\"password\" is shown to nobody");
    if (find_field(name) == nullptr) {
      std::string names;
      for (const auto& field : all_fields) {
        names.append(names.empty() ? "" : ", ").append(field.name);
      }
      refuse_fields('"' + name + "\" is none of " + names);
    }
    if (!seen.insert(name).second) refuse_fields('"' + name + "\" is there twice");
  }
  // By these a client-service knows whose the rest is.
  for (const std::string_view needed : {"id", "email"}) {
    if (!seen.contains(needed)) refuse_fields("must have \"" + std::string(needed) + '"');
  }
}

/// What USER_MODEL_SERIALIZER says as a table.
class DeclaredSerializer final : public UserSerializer {
 public:
  explicit DeclaredSerializer(SerializerSettings settings) : settings_(std::move(settings)) {
    std::set<std::string_view> names;
    for (const auto& [name, table] : settings_.related) {
      const bool is_taken = find_field(name) != nullptr || !names.insert(name).second;
      if (name.empty() || is_taken) {
        throw SettingsError(
            table.setting + ".name",
            name.empty() ? "must not be empty" : '"' + name + "\" is a member's name already");
      }
    }
  }

  std::vector<std::string> fields() const override {
    return settings_.fields.empty() ? UserSerializer::fields() : settings_.fields;
  }
  std::vector<RelatedTable> related() const override {
    std::vector<RelatedTable> tables;
    for (const auto& nested : settings_.related) tables.push_back(nested.table);
    return tables;
  }

  Result<void> to_json(const VisibleUser& user, RelatedStore& store,
                       json::object& out) const override {
    for (const auto& [name, table] : settings_.related) {
      auto rows = store.get(table.table, user.id());
      if (!rows) return fail(rows.error());
      out[name] = *std::move(rows);
    }
    return {};
  }

  Result<void> update(const VisibleUser& user, const json::object& data,
                      RelatedStore& store) const override {
    for (const auto& [name, table] : settings_.related) {
      auto done = store.set(table.table, user.id(), data.if_contains(name));
      if (!done) return done;
    }
    return {};
  }

 private:
  const SerializerSettings settings_;
};

}  // namespace

std::vector<std::string> UserSerializer::fields() const { return standard(); }

Result<void> UserSerializer::to_json(const VisibleUser&, RelatedStore&, json::object&) const {
  return {};
}

Result<void> UserSerializer::update(const VisibleUser&, const json::object&, RelatedStore&) const {
  return {};
}

std::unique_ptr<UserSerializer> make_declared_serializer(SerializerSettings settings) {
  return std::make_unique<DeclaredSerializer>(std::move(settings));
}

BoundSerializer::BoundSerializer(std::unique_ptr<const UserSerializer> serializer,
                                 RelatedTables tables)
    : serializer_(std::move(serializer)),
      fields_(serializer_->fields()),
      tables_(std::move(tables)) {}

void BoundSerializer::check(const UserSerializer& serializer) {
  check_fields(serializer.fields());
  RelatedTables::check_names(serializer.related());
}

Result<std::unique_ptr<const BoundSerializer>> BoundSerializer::bind(
    std::unique_ptr<const UserSerializer> serializer, db::Database& database,
    RelatedTables::Use use) {
  check(*serializer);
  auto tables = RelatedTables::find(database, serializer->related(), use);
  if (!tables) return fail(tables.error());
  return std::unique_ptr<const BoundSerializer>(
      new BoundSerializer(std::move(serializer), *std::move(tables)));
}

Result<json::object> BoundSerializer::to_json(db::Transaction& transaction,
                                              const User& user) const {
  json::object out;
  for (const auto& name : fields_) out.emplace(name, find_field(name)->read(user));
  RelatedStore store(transaction, tables_, false);
  const auto done = serializer_->to_json(VisibleUser(user), store, out);
  if (!done) return fail(done.error());
  return out;
}

bool BoundSerializer::has_field(std::string_view name) const { return contains(fields_, name); }

Result<bool> BoundSerializer::is_current(db::Transaction& transaction, const User& copy,
                                         const json::object& data) const {
  RelatedStore store(transaction, tables_, false);
  const auto done = serializer_->update(VisibleUser(copy), data, store);
  // Whatever else came of it: it was not to be had without writing.
  if (store.wants_to_write()) return false;
  if (!done) return fail(done.error());
  return true;
}

Result<void> BoundSerializer::save(db::Transaction& transaction, const User& copy, bool is_new,
                                   const json::object& data) const {
  RelatedStore store(transaction, tables_, true);
  const VisibleUser user(copy);
  return is_new ? serializer_->create(user, data, store) : serializer_->update(user, data, store);
}

}  // namespace easyjwt
