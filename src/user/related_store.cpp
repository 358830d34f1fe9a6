#include "easyjwt/user/related_store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "easyjwt/core/settings_error.hpp"
#include "user/related_value.hpp"

namespace easyjwt {
namespace {

constexpr std::string_view our_setting = "EASY_JWT.USER_MODEL_SERIALIZER";

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string in_quotes(std::string_view name) { return '"' + std::string(name) + '"'; }

/// Names go into statements: nothing that could end a quoted one, be folded to another by Unicode's
/// rules, or name a schema. PostgreSQL cuts longer ones off, to what may be another table's.
bool is_name(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !text.empty() && text.size() <= 63 && text.find_first_not_of(allowed) == text.npos &&
         (text[0] < '0' || text[0] > '9');
}

/// Django's, ours and the engines' own: passwords, tokens, sessions, groups. Their names are
/// compared without case, as SQLite does.
bool is_of_the_framework(std::string_view table) {
  const auto name = ascii_lower(table);
  for (const std::string_view one : {"user", "user_groups", "user_user_permissions"}) {
    if (name == one) return true;
  }
  for (const std::string_view prefix :
       {"auth_", "django_", "easyjwt_", "token_blacklist_", "sqlite_", "pg_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// By the name that a statement would find it by.
const db::Column* find_column(const db::Table& found, const std::string& name, db::Engine engine) {
  return found.column(engine == db::Engine::sqlite ? ascii_lower(name) : name);
}

[[noreturn]] void refuse(const RelatedTable& table, std::string_view part,
                         const std::string& what) {
  if (!table.setting.empty()) throw SettingsError(table.setting + '.' + std::string(part), what);
  throw SettingsError(std::string(our_setting),
                      "table " + in_quotes(table.table) + ", " + std::string(part) + ": " + what);
}

void check_names_of(const RelatedTable& table) {
  if (!is_name(table.table)) refuse(table, "table", "is not a table's name: letters, digits, '_'");
  if (is_of_the_framework(table.table)) {
    refuse(table, "table", in_quotes(table.table) + " is one of the framework's own tables");
  }
  if (!is_name(table.foreign_key)) refuse(table, "foreign_key", "is not a column's name");
  if (table.fields.empty()) refuse(table, "fields", "must not be empty");
  std::set<std::string> seen{ascii_lower(table.foreign_key)};
  for (const auto& field : table.fields) {
    if (!is_name(field)) refuse(table, "fields", in_quotes(field) + " is not a column's name");
    if (!seen.insert(ascii_lower(field)).second) {
      refuse(table, "fields", in_quotes(field) + " is there twice, or is the foreign key");
    }
  }
  if (!table.many && !table.key.empty()) refuse(table, "key", "is for many rows of a user");
  std::set<std::string> keys;
  for (const auto& name : table.key) {
    if (std::find(table.fields.begin(), table.fields.end(), name) == table.fields.end()) {
      refuse(table, "key", in_quotes(name) + " is not one of the fields");
    }
    if (!keys.insert(name).second) refuse(table, "key", in_quotes(name) + " is there twice");
  }
}

}  // namespace

/// A declared table with what is needed to work with it.
struct RelatedTables::Entry {
  Entry(const RelatedTable& declared, const db::Table& found, db::Engine engine_)
      : table(declared.table), many(declared.many), engine(engine_) {
    for (const auto& name : declared.fields) {
      columns.push_back(related_column(*find_column(found, name, engine), engine));
      columns.back().name = name;  // as the member is called
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const bool is_key =
          many && (declared.key.empty() ||
                   std::count(declared.key.begin(), declared.key.end(), columns[i].name) > 0);
      (is_key ? keys : others).push_back(i);
    }
    make_statements(declared, found);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  std::string key_of(const json::object& row) const {
    std::string key;
    for (const auto i : keys) append_json(key, row.at(columns[i].name));
    return key;
  }

  /// All fields of a row, in their one form.
  Result<json::object> take(const json::object& row) const {
    json::object taken;
    for (const auto& column : columns) {
      auto value = take(column, row);
      if (!value) return fail(value.error());
      taken.emplace(column.name, *std::move(value));
    }
    return taken;
  }
  Result<json::value> take(const RelatedColumn& column, const json::object& row) const {
    const auto* value = row.if_contains(column.name);
    if (value == nullptr) return wrong(column.name + ": missing");
    auto taken = canonical(column, *value);
    if (!taken) return wrong(column.name + ": not what the column takes");
    return *std::move(taken);
  }

  /// The value is left out: it may be a secret.
  tl::unexpected<Error> wrong(const std::string& what) const {
    auto error = Error::field(table, {"Not a valid value.", {}});
    error.reason = "related table " + in_quotes(table) + ", " + what;
    return fail(std::move(error));
  }

  const std::string table;
  const bool many;
  const db::Engine engine;
  std::vector<RelatedColumn> columns;
  std::vector<std::size_t> all, keys, others;  ///< of columns
  db::Sql select, insert, update, remove;

 private:
  void make_statements(const RelatedTable& declared, const db::Table& found) {
    const auto name = in_quotes(table), owner = in_quotes(declared.foreign_key);
    std::string shown, given, values, set;
    const auto list = [](std::string& out, const std::string& item) {
      out += (out.empty() ? "" : ", ") + item;
    };
    for (std::size_t i = 0; i < columns.size(); ++i) {
      all.push_back(i);
      list(shown, select_form(columns[i], engine));
      given += ", " + in_quotes(columns[i].name);
      values += ", " + parameter(i, i);
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
      list(set, in_quotes(columns[others[i]].name) + " = " + parameter(others[i], keys.size() + i));
    }
    std::string of_key = " WHERE " + owner + " = $1";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      of_key += " AND " + in_quotes(columns[keys[i]].name) + " IS NOT DISTINCT FROM " +
                parameter(keys[i], i);
    }
    std::string order;
    for (const auto& column : found.columns) {
      if (column.is_key) list(order, in_quotes(column.name));
    }
    if (order.empty()) order = "1";
    keep(select, "SELECT " + shown + " FROM " + name + " WHERE " + owner + " = $1 ORDER BY " +
                     order + " LIMIT " + std::to_string(RelatedStore::max_rows + 1));
    keep(insert, "INSERT INTO " + name + " (" + owner + given + ") VALUES ($1" + values + ")");
    if (!others.empty()) keep(update, "UPDATE " + name + " SET " + set + of_key);
    keep(remove, "DELETE FROM " + name + of_key);
  }
  /// That of a column which is bound as the n-th after the owner.
  std::string parameter(std::size_t column, std::size_t n) const {
    return bind_form(columns[column], '$' + std::to_string(n + 2), engine);
  }
  void keep(db::Sql& sql, std::string text) {
    sql.text = *texts_.emplace_back(std::make_unique<std::string>(std::move(text)));
  }

  std::vector<std::unique_ptr<std::string>> texts_;
};

RelatedTables::RelatedTables() = default;
RelatedTables::RelatedTables(RelatedTables&&) noexcept = default;
RelatedTables& RelatedTables::operator=(RelatedTables&&) noexcept = default;
RelatedTables::~RelatedTables() = default;

void RelatedTables::check_names(const std::vector<RelatedTable>& declared) {
  std::set<std::string> seen;
  for (const auto& table : declared) {
    check_names_of(table);
    if (!seen.insert(ascii_lower(table.table)).second) refuse(table, "table", "is there twice");
  }
}

namespace {

void check_owner(const RelatedTable& table, const db::Table& found, db::Engine engine) {
  const auto* owner = find_column(found, table.foreign_key, engine);
  if (owner == nullptr) refuse(table, "foreign_key", "no such column");
  const auto reference = found.references.find(owner->name);
  // Without it rows would outlive their user, and be there for the next one of the same id.
  if (reference == found.references.end() || ascii_lower(reference->second) != "user") {
    refuse(table, "foreign_key", "does not refer to \"user\" (REFERENCES \"user\" (\"id\"))");
  }
  if (owner->kind != db::Kind::integer) refuse(table, "foreign_key", "is not of an integer type");
  const auto keys = std::count_if(found.columns.begin(), found.columns.end(),
                                  [](const db::Column& column) { return column.is_key; });
  const bool is_unique = found.unique.contains({owner->name}) || (owner->is_key && keys == 1);
  if (!table.many && !is_unique) {
    refuse(table, "foreign_key", "is not unique: a user may have more than one row (many = true)");
  }
}

void check_field(const RelatedTable& table, const db::Table& found, const std::string& name,
                 db::Engine engine, RelatedTables::Use use) {
  const auto* column = find_column(found, name, engine);
  const auto quoted = in_quotes(name);
  if (column == nullptr) refuse(table, "fields", quoted + ": no such column");
  if (!can_be_sent(column->kind)) {
    refuse(table, "fields",
           quoted + " is of type " + column->type +
               "; texts, integers, booleans, doubles, decimals, dates and instants can be sent");
  }
  if (use == RelatedTables::Use::reading) return;
  const auto keys = std::count_if(found.columns.begin(), found.columns.end(),
                                  [](const db::Column& other) { return other.is_key; });
  if (column->is_key && keys == 1) {
    refuse(table, "fields", quoted + " is the table's own key, which each service gives itself");
  }
  if (column->is_generated) refuse(table, "fields", quoted + " is computed by the database");
  if (found.references.contains(column->name)) {
    refuse(table, "fields", quoted + " refers to another table, whose ids are this service's own");
  }
}

/// Columns that a row cannot do without.
void check_rest(const RelatedTable& table, const db::Table& found, db::Engine engine) {
  for (const auto& column : found.columns) {
    const auto is_it = [&](const std::string& name) {
      return find_column(found, name, engine) == &column;
    };
    if (!column.must_be_given || is_it(table.foreign_key) ||
        std::any_of(table.fields.begin(), table.fields.end(), is_it)) {
      continue;
    }
    refuse(table, "fields",
           "lacks " + in_quotes(column.name) + ", which is NOT NULL and has no default");
  }
}

void check_table(const RelatedTable& table, const db::Table& found, db::Engine engine,
                 RelatedTables::Use use) {
  if (found.columns.empty()) {
    refuse(table, "table", "the database has no table " + in_quotes(table.table));
  }
  // What a view shows may be any other table's.
  if (!found.is_plain) refuse(table, "table", in_quotes(table.table) + " is not a plain table");
  check_owner(table, found, engine);
  for (const auto& name : table.fields) check_field(table, found, name, engine, use);
  if (use == RelatedTables::Use::writing) check_rest(table, found, engine);
}

}  // namespace

Result<RelatedTables> RelatedTables::find(db::Database& database,
                                          const std::vector<RelatedTable>& declared, Use use) {
  check_names(declared);
  const auto engine = database.engine();
  RelatedTables tables;
  for (const auto& table : declared) {
    const auto found = database.read(
        [&](db::Transaction& transaction) { return db::read_table(transaction, table.table); });
    if (!found) return fail(found.error());
    check_table(table, *found, engine, use);
    tables.entries_.push_back(std::make_unique<const Entry>(table, *found, engine));
  }
  return tables;
}

const RelatedTables::Entry& RelatedTables::entry(std::string_view table) const {
  for (const auto& one : entries_) {
    if (one->table == table) return *one;
  }
  throw std::logic_error("a serializer has not declared the table " + std::string(table));
}

// ---- the rows of one user

struct RelatedStore::Changes {
  std::vector<json::object> removed, updated, inserted;
};

Result<std::vector<json::object>> RelatedStore::read(const Entry& entry, std::int64_t user_id) {
  std::vector<json::object> rows;
  const auto done = transaction_.run(entry.select, {user_id}, [&](const db::Row& row) {
    auto& object = rows.emplace_back();
    for (std::size_t i = 0; i < entry.columns.size(); ++i) {
      const auto& column = entry.columns[i];
      object.emplace(column.name, from_sql(column, row, static_cast<int>(i)));
    }
  });
  if (!done) return fail(done.error());
  if (rows.size() <= max_rows) return rows;
  return fail(Errc::internal, {},
              "user " + std::to_string(user_id) + " has more than " + std::to_string(max_rows) +
                  " rows in " + entry.table);
}

Result<json::value> RelatedStore::get(std::string_view table, std::int64_t user_id) {
  const auto& entry = tables_.entry(table);
  auto rows = read(entry, user_id);
  if (!rows) return fail(rows.error());
  if (!entry.many) return rows->empty() ? json::value() : json::value(std::move(rows->front()));
  json::array array;
  for (auto& row : *rows) array.emplace_back(std::move(row));
  return json::value(std::move(array));
}

namespace {

/// What the rows of somebody's input are, not looked at yet. nullopt: of the wrong form.
std::optional<std::vector<const json::object*>> rows_of(const json::value& value, bool many) {
  std::vector<const json::object*> rows;
  if (!many) {
    if (value.is_null()) return rows;
    if (!value.is_object()) return std::nullopt;
    rows.push_back(&value.get_object());
    return rows;
  }
  if (!value.is_array()) return std::nullopt;
  for (const auto& row : value.get_array()) {
    if (!row.is_object()) return std::nullopt;
    rows.push_back(&row.get_object());
    if (rows.size() > RelatedStore::max_rows) return std::nullopt;
  }
  return rows;
}

}  // namespace

Result<void> RelatedStore::set(std::string_view table, std::int64_t user_id,
                               const json::value* rows) {
  const auto& entry = tables_.entry(table);
  if (rows == nullptr) return entry.wrong("which was not said");
  const auto given = rows_of(*rows, entry.many);
  if (!given) return entry.wrong(entry.many ? "not a list of objects" : "not an object");
  std::vector<json::object> wanted;
  std::set<std::string> keys;
  for (const auto* row : *given) {
    auto taken = entry.take(*row);
    if (!taken) return fail(taken.error());
    if (keys.insert(entry.key_of(*taken)).second) {
      wanted.push_back(*std::move(taken));
    } else if (!entry.others.empty()) {  // else it says nothing new
      return entry.wrong("two rows of one key");
    }
  }
  if (may_write_) {
    if (auto locked = lock(user_id); !locked) return locked;
  }
  const auto changes = compare(entry, user_id, std::move(wanted));
  if (!changes) return fail(changes.error());
  // Those that go first: what comes may have a value that is unique.
  for (const auto& row : changes->removed) {
    const auto done = write(entry, entry.remove, user_id, entry.keys, row);
    if (!done) return fail(done.error());
  }
  for (const auto& row : changes->updated) {
    const auto done = update(table, user_id, row);
    if (!done) return fail(done.error());
  }
  for (const auto& row : changes->inserted) {
    const auto done = write(entry, entry.insert, user_id, entry.all, row);
    if (!done) return fail(done.error());
  }
  return {};
}

Result<RelatedStore::Changes> RelatedStore::compare(const Entry& entry, std::int64_t user_id,
                                                    std::vector<json::object> wanted) {
  auto rows = read(entry, user_id);
  if (!rows) return fail(rows.error());
  std::map<std::string, std::vector<json::object>> there;
  for (auto& row : *rows) {
    for (const auto& column : entry.columns) {
      // What has no such form (it was written by others) differs from whatever is wanted.
      if (auto one = canonical(column, row[column.name])) row[column.name] = *std::move(one);
    }
    there[entry.key_of(row)].push_back(std::move(row));
  }
  Changes changes;
  for (auto& row : wanted) {
    const auto same = there.find(entry.key_of(row));
    if (same == there.end()) {
      changes.inserted.push_back(std::move(row));
      continue;
    }
    if (same->second.size() > 1) {  // nothing tells one of them from the other
      changes.removed.push_back(row);
      changes.inserted.push_back(std::move(row));
    } else if (same->second.front() != row) {
      changes.updated.push_back(std::move(row));
    }
    there.erase(same);
  }
  for (auto& [key, old] : there) changes.removed.push_back(std::move(old.front()));
  return changes;
}

/// Two that compare at the same time would both insert. On SQLite there is one writer.
Result<void> RelatedStore::lock(std::int64_t user_id) {
  // Not FOR UPDATE: that would also hold up whoever inserts a row that refers to the user.
  static constexpr db::Sql sql{"SELECT 1 FROM \"user\" WHERE id = $1 FOR NO KEY UPDATE"};
  if (transaction_.engine() == db::Engine::sqlite || locked_ == user_id) return {};
  const auto done = transaction_.run(sql, {user_id});
  if (!done) return fail(done.error());
  locked_ = user_id;
  return {};
}

Result<std::int64_t> RelatedStore::write(const Entry& entry, const db::Sql& sql,
                                         std::int64_t user_id,
                                         const std::vector<std::size_t>& fields,
                                         const json::object& row) {
  if (!may_write_) {
    wants_to_write_ = true;
    return fail(Errc::would_wait);
  }
  std::deque<std::string> texts;
  std::vector<db::Value> values{user_id};
  for (const auto i : fields) {
    const auto& column = entry.columns[i];
    values.push_back(to_sql(column, row.at(column.name), texts));
  }
  auto done = transaction_.run(sql, values, db::ignore_rows);
  if (done) return done;
  const auto& error = done.error();
  // A constraint or a type: the database's word on what we were given.
  if (error.code == Errc::conflict || error.code == Errc::internal ||
      error.code == Errc::bad_request) {
    return entry.wrong(error.reason);
  }
  return done;
}

Result<void> RelatedStore::insert(std::string_view table, std::int64_t user_id,
                                  const json::object& row) {
  const auto& entry = tables_.entry(table);
  const auto taken = entry.take(row);
  if (!taken) return fail(taken.error());
  return write(entry, entry.insert, user_id, entry.all, *taken).map(db::uncounted);
}

Result<bool> RelatedStore::update(std::string_view table, std::int64_t user_id,
                                  const json::object& row) {
  const auto& entry = tables_.entry(table);
  if (entry.others.empty()) throw std::logic_error("all fields of " + entry.table + " are its key");
  const auto taken = entry.take(row);
  if (!taken) return fail(taken.error());
  auto fields = entry.keys;
  fields.insert(fields.end(), entry.others.begin(), entry.others.end());
  return write(entry, entry.update, user_id, fields, *taken).map([](std::int64_t rows) {
    return rows > 0;
  });
}

Result<bool> RelatedStore::remove(std::string_view table, std::int64_t user_id,
                                  const json::object& row) {
  const auto& entry = tables_.entry(table);
  json::object taken;
  for (const auto i : entry.keys) {
    auto value = entry.take(entry.columns[i], row);
    if (!value) return fail(value.error());
    taken.emplace(entry.columns[i].name, *std::move(value));
  }
  return write(entry, entry.remove, user_id, entry.keys, taken).map([](std::int64_t rows) {
    return rows > 0;
  });
}

}  // namespace easyjwt
