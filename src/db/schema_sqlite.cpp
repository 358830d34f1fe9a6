#include <cctype>
#include <utility>

#include "db/migration_texts.hpp"
#include "db/schema.hpp"

namespace easyjwt::db {
namespace {

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Types are mere words to SQLite; these are the ones that anybody writes.
Kind kind_of(std::string_view type) {
  const auto has = [&](std::string_view word) { return type.find(word) != type.npos; };
  if (has("int")) return Kind::integer;
  if (has("char") || has("text") || has("clob")) return Kind::text;
  if (has("bool")) return Kind::boolean;
  if (has("datetime") || has("timestamp")) return Kind::time;
  if (has("real") || has("doub") || has("floa")) return Kind::real;
  if (has("decimal") || has("numeric")) return Kind::decimal;
  if (type == "date") return Kind::date;
  return Kind::other;
}

Result<void> read_columns(Transaction& transaction, Table& table) {
  // A key fills itself in.
  static constexpr Sql columns{
      R"(SELECT "name", "type", "notnull" AND "dflt_value" IS NULL AND "hidden" = 0 AND "pk" = 0,
                "pk", "notnull" = 0 AND "pk" = 0, "hidden" > 1,
                EXISTS (SELECT 1 FROM pragma_table_list($1) l
                        WHERE l."type" = 'table' AND l."schema" = 'main')
         FROM pragma_table_xinfo($1) ORDER BY "cid")"};
  const auto done = transaction.run(columns, {table.name}, [&](const Row& row) {
    auto type = ascii_lower(row.text(1));
    const auto kind = kind_of(type);
    table.columns.push_back({ascii_lower(row.text(0)), std::move(type), kind, row.boolean(2),
                             row.integer(3) != 0, row.boolean(4), row.boolean(5)});
    table.is_plain = row.boolean(6);
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

class SqliteSchema final : public Schema {
 public:
  /// A transaction that writes is the only one.
  Result<void> lock(Transaction&) const override { return {}; }

  Result<Table> read_table(Transaction& transaction, std::string_view name) const override {
    Table table{.name = std::string(name)};
    if (auto read = read_columns(transaction, table); !read) return fail(read.error());
    if (auto read = read_constraints(transaction, table); !read) return fail(read.error());
    return table;
  }

  Result<std::set<std::string>> read_own_objects(Transaction& transaction) const override {
    static constexpr Sql own{R"(SELECT "name" FROM sqlite_master
        WHERE "name" LIKE 'easyjwt\_%' ESCAPE '\')"};
    return read_names(transaction, own);
  }

  /// The index of sql/0013: where Django's is there again, or where the statistics are not there or
  /// such that SQLite (where.c) reads all of it instead of skipping from bucket to bucket.
  Result<std::set<std::string>> read_idle_objects(Transaction& transaction) const override {
    static constexpr Sql without{R"(SELECT 'easyjwt_outstandingtoken_user'
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_master WHERE "name" = 'sqlite_stat1')
           OR EXISTS (SELECT 1 FROM sqlite_master
                      WHERE "name" = 'token_blacklist_outstandingtoken_user_id_83bc629a'))"};
    auto idle = read_names(transaction, without);
    if (!idle || !idle->empty()) return idle;
    // "1048576 65536 2": rows, rows of a bucket, rows of a user in a bucket. SQLite 3.40 skips for
    // one user from 18 rows of a bucket on, for a list of users from these.
    static constexpr Sql unused{R"(SELECT 'easyjwt_outstandingtoken_user' WHERE NOT EXISTS (
        SELECT 1 FROM (
          SELECT "bucket", CAST(substr("bucket", instr("bucket", ' ')) AS integer) AS "user"
          FROM (SELECT substr("stat", instr("stat", ' ') + 1) AS "bucket" FROM sqlite_stat1
                WHERE "idx" = 'easyjwt_outstandingtoken_user'))
        WHERE CAST("bucket" AS integer) >= 1000 AND CAST("bucket" AS integer) >= "user" * 300))"};
    return read_names(transaction, unused);
  }

  std::string_view tables_script() const noexcept override { return sql_0001_django_sqlite; }

  /// 0003 makes the table's UNIQUE("email") one of the column: no change that anybody could see.
  std::string_view drop_secret_script() const noexcept override {
    return R"(ALTER TABLE "user" DROP COLUMN "jwt_secret")";
  }
};

}  // namespace

const Schema& sqlite_schema() noexcept {
  static constexpr SqliteSchema schema;
  return schema;
}

}  // namespace easyjwt::db
