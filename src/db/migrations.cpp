#include "easyjwt/db/migrations.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/migration_texts.hpp"
#include "db/schema.hpp"

namespace easyjwt::db {
namespace {

/// The one column that Django's migrations take away again (easyjwt_user 0002); a database that was
/// left before it has it, NOT NULL.
constexpr std::string_view jwt_secret = "jwt_secret";

/// Rows that Django's migrate makes: how to read them, and to add one.
struct RowSource {
  int columns;
  std::size_t key;  ///< how many of them, from the first on, tell one row from another
  Sql read;
  Sql add;
  bool has_time;  ///< the last parameter of `add` is the time
};

constexpr RowSource row_sources[] = {
    {2,
     2,
     {R"(SELECT "app_label", "model" FROM "django_content_type" ORDER BY "id")"},
     {R"(INSERT INTO "django_content_type" ("app_label", "model") VALUES ($1, $2))"},
     false},
    {4,
     3,
     {R"(SELECT t."app_label", t."model", p."codename", p."name"
         FROM "auth_permission" p JOIN "django_content_type" t ON t."id" = p."content_type_id"
         ORDER BY p."id")"},
     {R"(INSERT INTO "auth_permission" ("content_type_id", "codename", "name") VALUES
           ((SELECT "id" FROM "django_content_type" WHERE "app_label" = $1 AND "model" = $2),
            $3, $4))"},
     false},
    {2,
     2,
     {R"(SELECT "app", "name" FROM "django_migrations" ORDER BY "id")"},
     {R"(INSERT INTO "django_migrations" ("app", "name", "applied") VALUES ($1, $2, $3))"},
     true},
};

using Texts = std::vector<std::string>;

Result<std::vector<Texts>> read_rows(Transaction& transaction, const RowSource& source) {
  std::vector<Texts> rows;
  const auto done = transaction.run(source.read, {}, [&](const Row& row) {
    auto& texts = rows.emplace_back();
    for (int i = 0; i < source.columns; ++i) texts.emplace_back(row.text(i));
  });
  if (!done) return fail(done.error());
  return rows;
}

/// What a database that is up to date has, on either engine.
struct Reference {
  std::vector<Table> tables;
  std::vector<std::vector<Texts>> rows;  ///< of each of row_sources
  std::vector<Table> own_tables;         ///< of Description::copied
};

/// A migration that adds what is ours alone, and may be run again.
struct OwnMigration {
  std::string_view name;
  std::string_view description;
  std::string_view script;

  /// The names of what it makes and what must be there: those of its lines that begin with CREATE.
  std::set<std::string> objects() const { return names_behind("\nCREATE "); }
  /// Of what is made where the server can.
  std::set<std::string> optional_objects() const { return names_behind("\n    CREATE INDEX "); }

 private:
  std::set<std::string> names_behind(std::string_view start) const {
    std::set<std::string> names;
    for (std::size_t at = 0; (at = script.find(start, at)) != script.npos; ++at) {
      const auto line = script.substr(at + 1, script.find('\n', at + 1) - at);
      const auto begin = line.find('"') + 1;
      const auto object = line.substr(begin, line.find('"', begin) - begin);
      if (line.find(" FUNCTION ") == line.npos) names.emplace(object);
    }
    return names;
  }
};

/// What is to be said of a step of sql/.
struct Description {
  std::string_view name;
  std::string_view text;  ///< for `migrate --plan`
  /// Its tables that `migrate-to` copies, those first that others refer to. The rest follows from
  /// other tables, by triggers.
  std::vector<std::string_view> copied;
};

const std::vector<Description>& descriptions() {
  static const std::vector<Description> list = {
      {"0002_indexes", "indexes of our own on Django's tables", {}},
      {"0003_users", "orders, the number and the search of users", {}},
      {"0004_remote_users", "a client-service's copies of remote users", {"easyjwt_remote_user"}},
      {"0005_keys", "keys that sign tokens", {"easyjwt_key"}},
      {"0006_families", "what logins began: families of tokens", {"easyjwt_session"}},
      {"0007_clients", "OAuth clients", {"easyjwt_client"}},
      {"0008_events", "what makes tokens void, for those who follow it", {}},
      {"0009_browser_sessions", "whose the sessions of browsers are", {"easyjwt_browser_session"}},
      {"0010_logins",
       "who logged in, and who was refused",
       {"easyjwt_login", "easyjwt_login_count"}},
      {"0011_admin", "an index of users for the admin site's lists", {}},
      {"0012_group_members", "an index of the members of groups", {}},
      {"0013_tokens_of_users", "on SQLite an index of users' tokens instead of Django's", {}},
  };
  return list;
}

std::vector<OwnMigration> own_migrations(Engine engine) {
  std::vector<OwnMigration> migrations;
  for (const auto& migration : own_migration_texts) {
    const auto description = std::ranges::find(descriptions(), migration.name, &Description::name);
    if (description == descriptions().end()) throw Fault("a migration without a description");
    migrations.push_back({migration.name, description->text, migration.text(engine)});
  }
  return migrations;
}

/// What a database lacks of it.
struct Plan {
  std::vector<std::string> missing;  ///< tables
  bool drops_secret = false;
  std::vector<MigrationStep> steps;
};

/// A file 0001_django taken apart: each table's name, and its CREATE TABLE with what follows up to
/// the next.
std::vector<std::pair<std::string, std::string>> parts(std::string_view script) {
  constexpr std::string_view start = "\nCREATE TABLE \"";
  std::vector<std::pair<std::string, std::string>> out;
  for (auto at = script.find(start); at != script.npos;) {
    const auto end = script.find(start, at + 1);
    const auto part = script.substr(at + 1, end - at - 1);
    const auto name = part.substr(start.size() - 1);
    auto& text = out.emplace_back(name.substr(0, name.find('"')), part).second;
    // SQLite keeps the text, and Django's has one space there.
    for (std::size_t line = 0; (line = text.find("\n    ", line)) != text.npos;) {
      text.replace(line, 5, " ");
    }
    at = end;
  }
  return out;
}

Result<Reference> read_reference(Transaction& transaction) {
  Reference reference;
  const auto& schema = sqlite_schema();
  for (const auto script : {sql_0001_django_sqlite, sql_0001_django_rows}) {
    if (auto done = transaction.run_script(script); !done) return fail(done.error());
  }
  for (const auto& [name, text] : parts(sql_0001_django_sqlite)) {
    auto table = schema.read_table(transaction, name);
    if (!table) return fail(table.error());
    reference.tables.push_back(*std::move(table));
  }
  for (const auto& source : row_sources) {
    auto rows = read_rows(transaction, source);
    if (!rows) return fail(rows.error());
    reference.rows.push_back(*std::move(rows));
  }
  for (const auto& migration : own_migration_texts) {
    const auto& description =
        *std::ranges::find(descriptions(), migration.name, &Description::name);
    if (description.copied.empty()) continue;
    if (auto done = transaction.run_script(migration.sqlite); !done) return fail(done.error());
    for (const auto name : description.copied) {
      auto table = schema.read_table(transaction, name);
      if (!table) return fail(table.error());
      reference.own_tables.push_back(*std::move(table));
    }
  }
  return reference;
}

/// Made on the fly, so that what a database should look like is said in sql/ and nowhere else. For
/// PostgreSQL too: a look must not need a place there in which tables can be made.
Result<Reference> make_reference() {
  auto scratch = Database::open({.url = "sqlite://:memory:"}, no_log());
  if (!scratch) return fail(scratch.error());
  return (*scratch)->write(read_reference);
}

tl::unexpected<Error> refuse(const Table& table, const std::string& what) {
  return fail(Errc::refused, {}, "the table \"" + table.name + "\" cannot be used: " + what);
}

/// Whether we can read and write `found` as `wanted`: by columns, never by DDL, of which every
/// version of Django has its own.
Result<void> check_table(const Table& wanted, const Table& found, bool& has_secret) {
  for (const auto& column : wanted.columns) {
    const auto* other = found.column(column.name);
    if (!other) return refuse(wanted, "it has no column \"" + column.name + "\"");
    if (column.kind != other->kind || column.is_key != other->is_key) {
      return refuse(wanted, "the column \"" + column.name + "\" is " + other->type +
                                (other->is_key ? " (a key)" : "") + ", not " + column.type +
                                (column.is_key ? " (a key)" : ""));
    }
    if (column.is_key && column.kind == Kind::integer && other->must_be_given) {
      return refuse(wanted, "the column \"" + column.name + "\" is not filled in by itself");
    }
  }
  for (const auto& column : found.columns) {
    if (!column.must_be_given || wanted.column(column.name)) continue;
    if (wanted.name == "user" && column.name == jwt_secret) {
      has_secret = true;
      continue;
    }
    return refuse(wanted, "the column \"" + column.name +
                              "\" is not one of ours and has no default; if a newer version of an "
                              "app removes it, run Django's \"manage.py migrate\"");
  }
  for (const auto& key : wanted.unique) {
    // Without them two requests at one time could both blacklist a token, or take an e-mail.
    if (found.unique.contains(key)) continue;
    return refuse(wanted, "the column \"" + *key.begin() + "\" has no unique index");
  }
  for (const auto& [column, target] : wanted.references) {
    const auto other = found.references.find(column);
    if (other == found.references.end() || other->second == target) continue;
    return refuse(wanted, "the column \"" + column + "\" refers to \"" + other->second +
                              "\", not to \"" + target + "\" (AUTH_USER_MODEL)");
  }
  return {};
}

std::string describe(const Plan& plan, bool is_fresh) {
  std::string text = is_fresh ? "the tables, content types and permissions of Django's apps"
                              : "takes over the tables that are there";
  if (!is_fresh && !plan.missing.empty()) {
    text += ", creates";
    for (const auto& table : plan.missing) {
      text += (&table == &plan.missing.front() ? " " : ", ") + table;
    }
  }
  if (plan.drops_secret) text += ", drops user.jwt_secret";
  return text;
}

Result<Plan> make_plan(Transaction& transaction, const Reference& reference) {
  const auto& schema = schema_of(transaction.engine());
  Plan plan;
  std::set<std::string> recorded;
  for (const auto& wanted : reference.tables) {
    const auto found = schema.read_table(transaction, wanted.name);
    if (!found) return fail(found.error());
    if (found->columns.empty()) {
      plan.missing.push_back(wanted.name);
      continue;
    }
    if (auto checked = check_table(wanted, *found, plan.drops_secret); !checked) {
      return fail(checked.error());
    }
    if (wanted.name != "easyjwt_migration") continue;
    static constexpr Sql names{R"(SELECT "name" FROM "easyjwt_migration")"};
    auto read = read_names(transaction, names);
    if (!read) return fail(read.error());
    recorded = *std::move(read);
  }
  const auto own = schema.read_own_objects(transaction);
  if (!own) return fail(own.error());
  const auto idle = schema.read_idle_objects(transaction);
  if (!idle) return fail(idle.error());

  if (!plan.missing.empty() || plan.drops_secret || !recorded.contains("0001_django")) {
    const bool is_fresh = plan.missing.size() == reference.tables.size();
    plan.steps.push_back({"0001_django", describe(plan, is_fresh)});
  }
  for (const auto& migration : own_migrations(transaction.engine())) {
    const auto objects = migration.objects();
    const bool is_done =
        std::ranges::includes(*own, objects) && recorded.contains(std::string(migration.name));
    const bool is_idle =
        std::ranges::any_of(objects, [&](const auto& name) { return idle->contains(name); });
    if (is_done && !is_idle) continue;
    plan.steps.push_back(
        {std::string(migration.name), std::string(migration.description), {}, is_done});
  }
  return plan;
}

Result<void> run_script(Transaction& transaction, std::string_view script) {
  auto done = transaction.run_script(script);
  if (!done && done.error().code == Errc::internal) done.error().code = Errc::refused;
  return done;
}

/// Adds what the database does not have of the rows of the reference, by their keys.
Result<void> add_rows(Transaction& transaction, const Reference& reference, Time now) {
  for (std::size_t i = 0; i < reference.rows.size(); ++i) {
    const auto& source = row_sources[i];
    const auto found = read_rows(transaction, source);
    if (!found) return fail(found.error());
    const auto key = [&](const Texts& texts) { return std::span(texts).first(source.key); };
    for (const auto& row : reference.rows[i]) {
      const auto is_it = [&](const Texts& other) {
        return std::ranges::equal(key(row), key(other));
      };
      if (std::ranges::any_of(*found, is_it)) continue;
      std::vector<Value> values(row.begin(), row.end());
      if (source.has_time) values.emplace_back(now);
      const auto done = transaction.run(source.add, values, ignore_rows);
      if (!done) return fail(done.error());
    }
  }
  return {};
}

Result<void> adopt(Transaction& transaction, const Reference& reference, const Plan& plan,
                   Time now) {
  const auto& schema = schema_of(transaction.engine());
  for (const auto& [table, text] : parts(schema.tables_script())) {
    if (std::ranges::find(plan.missing, table) == plan.missing.end()) continue;
    if (auto done = run_script(transaction, text); !done) return done;
  }
  if (plan.drops_secret) {
    if (auto done = run_script(transaction, schema.drop_secret_script()); !done) return done;
  }
  return add_rows(transaction, reference, now);
}

Result<void> run_own(Transaction& transaction, MigrationStep& step) {
  const auto& schema = schema_of(transaction.engine());
  for (const auto& migration : own_migrations(transaction.engine())) {
    if (migration.name != step.name) continue;
    if (auto done = run_script(transaction, migration.script); !done) return done;
    // One that a CREATE INDEX CONCURRENTLY left half made counts as there to IF NOT EXISTS.
    const auto found = schema.read_own_objects(transaction);
    if (!found) return fail(found.error());
    const auto idle = schema.read_idle_objects(transaction);
    if (!idle) return fail(idle.error());
    for (const auto& name : migration.objects()) {
      if (found->contains(name) && !idle->contains(name)) continue;
      return fail(Errc::refused, {}, "the index \"" + name + "\" cannot be used: drop it");
    }
    for (const auto& name : migration.optional_objects()) {
      if (!found->contains(name)) step.missing.push_back(name);
    }
  }
  return {};
}

/// The next step, if there is one.
Result<std::optional<MigrationStep>> take_step(Transaction& transaction, const Reference& reference,
                                               Time now) {
  if (auto locked = schema_of(transaction.engine()).lock(transaction); !locked) {
    return fail(locked.error());
  }
  // Planned again: another process may have been here between the look and the lock.
  const auto plan = make_plan(transaction, reference);
  if (!plan) return fail(plan.error());
  if (plan->steps.empty()) return std::nullopt;
  auto step = plan->steps.front();
  auto done = step.name == "0001_django" ? adopt(transaction, reference, *plan, now)
                                         : run_own(transaction, step);
  if (!done) return fail(done.error());
  static constexpr Sql record{
      R"(INSERT INTO "easyjwt_migration" ("name", "applied") VALUES ($1, $2)
         ON CONFLICT ("name") DO NOTHING)"};
  const auto recorded = transaction.run(record, {step.name, now});
  if (!recorded) return fail(recorded.error());
  return step;
}

Result<std::vector<MigrationStep>> take_steps(
    FunctionRef<Result<std::optional<MigrationStep>>()> take) {
  std::vector<MigrationStep> steps;
  for (;;) {
    auto step = take();
    if (!step) return fail(step.error());
    if (!*step) return steps;
    steps.push_back(**std::move(step));
  }
}

Result<std::vector<MigrationStep>> look(Database& database, const Reference& reference) {
  return database.read([&](Transaction& transaction) -> Result<std::vector<MigrationStep>> {
    auto plan = make_plan(transaction, reference);
    if (!plan) return fail(plan.error());
    return std::move(plan->steps);
  });
}

}  // namespace

Result<std::vector<Table>> reference_tables() {
  auto reference = make_reference();
  if (!reference) return fail(reference.error());
  std::ranges::move(reference->own_tables, std::back_inserter(reference->tables));
  return std::move(reference->tables);
}

Result<std::set<std::string>> read_names(Transaction& transaction, const Sql& sql) {
  std::set<std::string> names;
  const auto done = transaction.run(sql, {}, [&](const Row& row) { names.emplace(row.text(0)); });
  if (!done) return fail(done.error());
  return names;
}

Result<std::vector<MigrationStep>> pending_migrations(Database& database) {
  const auto reference = make_reference();
  if (!reference) return fail(reference.error());
  return look(database, *reference);
}

Result<std::vector<AppliedMigration>> applied_migrations(Database& database) {
  static constexpr Sql sql{R"(SELECT "name", "applied" FROM "easyjwt_migration" ORDER BY "name")"};
  return database.read([&](Transaction& transaction) -> Result<std::vector<AppliedMigration>> {
    std::vector<AppliedMigration> applied;
    const auto done = transaction.run(sql, {}, [&](const Row& row) {
      applied.push_back({std::string(row.text(0)), row.time(1)});
    });
    if (!done) return fail(done.error());
    return applied;
  });
}

Result<std::vector<MigrationStep>> migrate(Database& database, const Clock& clock) {
  const auto reference = make_reference();
  if (!reference) return fail(reference.error());
  // A look first: at every start but the first there is nothing to take the lock for.
  auto pending = look(database, *reference);
  if (!pending || pending->empty()) return pending;
  // A transaction for each: what 0001 locks is not locked for as long as indexes take.
  return take_steps([&] {
    return database.write(
        [&](Transaction& transaction) { return take_step(transaction, *reference, clock()); });
  });
}

Result<std::vector<MigrationStep>> migrate(Transaction& transaction, Time now) {
  const auto reference = make_reference();
  if (!reference) return fail(reference.error());
  return take_steps([&] { return take_step(transaction, *reference, now); });
}

}  // namespace easyjwt::db
