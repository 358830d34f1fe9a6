#include "easyjwt/db/migrations.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/migration_texts.hpp"

namespace easyjwt::db {
namespace {

/// The one column that Django's migrations take away again (easyjwt_user 0002); a database that was
/// left before it has it, NOT NULL.
constexpr std::string_view jwt_secret = "jwt_secret";

struct Column {
  std::string name;
  std::string type;
  bool must_be_given = false;  ///< NOT NULL without a default
  bool is_key = false;
};

/// What counts of a table when it is decided whether it can be worked with. Names in lower case: to
/// SQLite they are the same in any.
struct Table {
  std::string name;
  std::string sql;                   ///< empty where it is not there
  std::vector<std::string> indexes;  ///< as SQL, without those that come with the table
  std::vector<Column> columns;
  std::set<std::set<std::string>> unique;
  std::map<std::string, std::string> references;  ///< column to table

  const Column* column(std::string_view wanted) const {
    const auto found = std::ranges::find(columns, wanted, &Column::name);
    return found == columns.end() ? nullptr : &*found;
  }
};

/// Rows that Django's migrate makes: how to read them from the scratch database, and to add one of
/// them, by its natural key, where it is missing.
struct RowSource {
  int columns;
  Sql read;
  Sql add;
  bool has_time;  ///< the last parameter of `add` is the time
};

constexpr RowSource row_sources[] = {
    {2,
     {R"(SELECT "app_label", "model" FROM "django_content_type" ORDER BY "id")"},
     {R"(INSERT INTO "django_content_type" ("app_label", "model") SELECT $1, $2
         WHERE NOT EXISTS (SELECT 1 FROM "django_content_type"
                           WHERE "app_label" = $1 AND "model" = $2))"},
     false},
    {4,
     {R"(SELECT t."app_label", t."model", p."codename", p."name"
         FROM "auth_permission" p JOIN "django_content_type" t ON t."id" = p."content_type_id"
         ORDER BY p."id")"},
     {R"(INSERT INTO "auth_permission" ("content_type_id", "codename", "name")
         SELECT t."id", $3, $4 FROM "django_content_type" t
         WHERE t."app_label" = $1 AND t."model" = $2 AND NOT EXISTS
           (SELECT 1 FROM "auth_permission" p
            WHERE p."content_type_id" = t."id" AND p."codename" = $3))"},
     false},
    {2,
     {R"(SELECT "app", "name" FROM "django_migrations" ORDER BY "id")"},
     {R"(INSERT INTO "django_migrations" ("app", "name", "applied") SELECT $1, $2, $3
         WHERE NOT EXISTS (SELECT 1 FROM "django_migrations" WHERE "app" = $1 AND "name" = $2))"},
     true},
};

struct NewRow {
  const RowSource* source;
  std::vector<std::string> texts;
};

/// What a database that is up to date has.
struct Reference {
  std::vector<Table> tables;
  std::vector<std::string> own_indexes;  ///< the names of those of 0002_indexes
  std::vector<NewRow> rows;
};

/// What a database lacks of it.
struct Plan {
  std::vector<const Table*> missing;
  bool drops_secret = false;
  bool makes_indexes = false;
  std::vector<MigrationStep> steps;
};

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Result<void> read_columns(Transaction& transaction, Table& table) {
  static constexpr Sql columns{
      R"(SELECT "name", "type", "notnull" AND "dflt_value" IS NULL AND "hidden" = 0, "pk"
         FROM pragma_table_xinfo($1) ORDER BY "cid")"};
  const auto done = transaction.run(columns, {table.name}, [&](const Row& row) {
    const bool is_key = row.integer(3) != 0;
    table.columns.push_back(
        {ascii_lower(row.text(0)), ascii_lower(row.text(1)), row.boolean(2) && !is_key, is_key});
  });
  if (!done) return fail(done.error());
  return {};
}

Result<void> read_constraints(Transaction& transaction, Table& table) {
  static constexpr Sql unique{
      R"(SELECT i."name", c."name" FROM pragma_index_list($1) i, pragma_index_info(i."name") c
         WHERE i."unique" AND NOT i."partial" AND c."name" IS NOT NULL)"};
  std::map<std::string, std::set<std::string>> keys;
  auto done = transaction.run(unique, {table.name}, [&](const Row& row) {
    keys[std::string(row.text(0))].insert(ascii_lower(row.text(1)));
  });
  if (!done) return fail(done.error());
  for (auto& [index, columns] : keys) table.unique.insert(std::move(columns));

  static constexpr Sql references{R"(SELECT "from", "table" FROM pragma_foreign_key_list($1))"};
  done = transaction.run(references, {table.name}, [&](const Row& row) {
    table.references[ascii_lower(row.text(0))] = ascii_lower(row.text(1));
  });
  if (!done) return fail(done.error());
  return {};
}

Result<Table> read_table(Transaction& transaction, std::string_view name) {
  // The files of sql/ go on after "\n    " where Django's text has one space.
  static constexpr Sql definition{
      R"(SELECT "type", coalesce(replace("sql", char(10) || '    ', ' '), '') FROM sqlite_master
         WHERE "tbl_name" = $1 COLLATE NOCASE OR "name" = $1 COLLATE NOCASE ORDER BY rowid)"};
  Table table;
  table.name = name;
  auto done = transaction.run(definition, {name}, [&](const Row& row) {
    const auto type = row.text(0), sql = row.text(1);
    if (type == "index" && !sql.empty()) table.indexes.emplace_back(sql);
    if (type == "table" || type == "view") table.sql = sql;
  });
  if (!done) return fail(done.error());
  if (auto read = read_columns(transaction, table); !read) return fail(read.error());
  if (auto read = read_constraints(transaction, table); !read) return fail(read.error());
  return table;
}

Result<std::set<std::string>> read_names(Transaction& transaction, const Sql& sql) {
  std::set<std::string> names;
  const auto done = transaction.run(sql, {}, [&](const Row& row) { names.emplace(row.text(0)); });
  if (!done) return fail(done.error());
  return names;
}

constexpr Sql own_indexes{
    R"(SELECT "name" FROM sqlite_master WHERE "type" = 'index' AND "name" LIKE 'easyjwt\_%' ESCAPE '\')"};

Result<Reference> read_reference(Transaction& transaction) {
  for (const auto script : {sql_0001_django_sqlite, sql_0002_indexes}) {
    if (auto done = transaction.run_script(script); !done) return fail(done.error());
  }
  static constexpr Sql tables{R"(SELECT "name" FROM sqlite_master
      WHERE "type" = 'table' AND "name" NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid)"};
  std::vector<std::string> names;
  auto done = transaction.run(tables, {}, [&](const Row& row) { names.emplace_back(row.text(0)); });
  if (!done) return fail(done.error());

  Reference reference;
  for (const auto& name : names) {
    auto table = read_table(transaction, name);
    if (!table) return fail(table.error());
    // Those of our own are 0002's.
    std::erase_if(table->indexes,
                  [](const auto& sql) { return sql.find("\"easyjwt_") != sql.npos; });
    reference.tables.push_back(*std::move(table));
  }
  auto indexes = read_names(transaction, own_indexes);
  if (!indexes) return fail(indexes.error());
  reference.own_indexes.assign(indexes->begin(), indexes->end());
  return reference;
}

/// Made on the fly, so that what a database should look like is said in sql/ and nowhere else.
Result<Reference> make_reference() {
  auto scratch = Database::open({.url = "sqlite://:memory:"}, no_log());
  if (!scratch) return fail(scratch.error());
  return (*scratch)->write([](Transaction& transaction) -> Result<Reference> {
    auto reference = read_reference(transaction);
    if (!reference) return reference;
    for (const auto& source : row_sources) {
      const auto done = transaction.run(source.read, {}, [&](const Row& row) {
        auto& texts = reference->rows.emplace_back(NewRow{&source, {}}).texts;
        for (int i = 0; i < source.columns; ++i) texts.emplace_back(row.text(i));
      });
      if (!done) return fail(done.error());
    }
    return reference;
  });
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
    const auto is_number = [](const Column& c) { return c.type.find("int") != c.type.npos; };
    if (is_number(column) != is_number(*other) || column.is_key != other->is_key) {
      return refuse(wanted, "the column \"" + column.name + "\" is " + other->type +
                                (other->is_key ? " (a key)" : "") + ", not " + column.type);
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
    for (const auto* table : plan.missing) {
      text += (table == plan.missing.front() ? " " : ", ") + table->name;
    }
  }
  if (plan.drops_secret) text += ", drops user.jwt_secret";
  return text;
}

Result<Plan> make_plan(Transaction& transaction, const Reference& reference) {
  Plan plan;
  std::set<std::string> recorded;
  for (const auto& wanted : reference.tables) {
    const auto found = read_table(transaction, wanted.name);
    if (!found) return fail(found.error());
    if (found->sql.empty()) {
      plan.missing.push_back(&wanted);
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
  const auto indexes = read_names(transaction, own_indexes);
  if (!indexes) return fail(indexes.error());

  if (!plan.missing.empty() || plan.drops_secret || !recorded.contains("0001_django")) {
    const bool is_fresh = plan.missing.size() == reference.tables.size();
    plan.steps.push_back({"0001_django", describe(plan, is_fresh)});
  }
  plan.makes_indexes = std::ranges::any_of(
      reference.own_indexes, [&](const auto& name) { return !indexes->contains(name); });
  if (plan.makes_indexes || !recorded.contains("0002_indexes")) {
    plan.steps.push_back({"0002_indexes", "indexes of our own on Django's tables"});
  }
  return plan;
}

Result<void> run_scripts(Transaction& transaction, const std::vector<std::string>& scripts) {
  for (const auto& script : scripts) {
    if (auto done = transaction.run_script(script); !done) {
      if (done.error().code == Errc::internal) done.error().code = Errc::refused;
      return done;
    }
  }
  return {};
}

Result<void> add_rows(Transaction& transaction, const Reference& reference, Time now) {
  for (const auto& row : reference.rows) {
    std::vector<Value> values(row.texts.begin(), row.texts.end());
    if (row.source->has_time) values.emplace_back(now);
    const auto done =
        transaction.run(row.source->add, std::span<const Value>(values), [](const Row&) {});
    if (!done) return fail(done.error());
  }
  return {};
}

Result<void> adopt(Transaction& transaction, const Reference& reference, const Plan& plan,
                   Time now) {
  std::vector<std::string> scripts;
  for (const auto* table : plan.missing) {
    scripts.push_back(table->sql);
    scripts.insert(scripts.end(), table->indexes.begin(), table->indexes.end());
  }
  // What easyjwt_user 0002 does. 0003 makes the table's UNIQUE("email") one of the column: no
  // change that anybody could see.
  if (plan.drops_secret) scripts.emplace_back(R"(ALTER TABLE "user" DROP COLUMN "jwt_secret")");
  if (auto done = run_scripts(transaction, scripts); !done) return done;
  return add_rows(transaction, reference, now);
}

Result<std::vector<MigrationStep>> carry_out(Transaction& transaction, const Reference& reference,
                                             Time now) {
  // Planned again: another process may have been here between the look and the lock.
  const auto plan = make_plan(transaction, reference);
  if (!plan) return fail(plan.error());
  for (const auto& step : plan->steps) {
    auto done = step.name == "0001_django"
                    ? adopt(transaction, reference, *plan, now)
                    : run_scripts(transaction, {std::string(sql_0002_indexes)});
    if (!done) return fail(done.error());
    static constexpr Sql record{
        R"(INSERT INTO "easyjwt_migration" ("name", "applied") VALUES ($1, $2)
           ON CONFLICT ("name") DO NOTHING)"};
    const auto recorded = transaction.run(record, {step.name, now});
    if (!recorded) return fail(recorded.error());
  }
  return plan->steps;
}

Result<std::vector<MigrationStep>> look(Database& database, const Reference& reference) {
  return database.read([&](Transaction& transaction) -> Result<std::vector<MigrationStep>> {
    auto plan = make_plan(transaction, reference);
    if (!plan) return fail(plan.error());
    return std::move(plan->steps);
  });
}

}  // namespace

Result<std::vector<MigrationStep>> pending_migrations(Database& database) {
  const auto reference = make_reference();
  if (!reference) return fail(reference.error());
  return look(database, *reference);
}

Result<std::vector<MigrationStep>> migrate(Database& database, const Clock& clock) {
  const auto reference = make_reference();
  if (!reference) return fail(reference.error());
  // A look first: at every start but the first there is nothing to take the lock for.
  auto pending = look(database, *reference);
  if (!pending || pending->empty()) return pending;
  return database.write(
      [&](Transaction& transaction) { return carry_out(transaction, *reference, clock()); });
}

}  // namespace easyjwt::db
