#include <utility>

#include "db/migration_texts.hpp"
#include "db/schema.hpp"

// A table is the one that our statements would find under its name: to_regclass goes by the
// search_path as they do, so that another schema's tables are never taken for ours.

namespace easyjwt::db {
namespace {

Kind kind_of(std::string_view word) {
  if (word == "integer") return Kind::integer;
  if (word == "text") return Kind::text;
  if (word == "boolean") return Kind::boolean;
  if (word == "time") return Kind::time;
  if (word == "real") return Kind::real;
  if (word == "decimal") return Kind::decimal;
  if (word == "date") return Kind::date;
  return Kind::other;
}

Result<void> read_columns(Transaction& transaction, Table& table) {
  // Serial columns have a default, identity columns (Django from 4.1) do not and need none.
  // A column of a domain is sent as what the domain is of.
  static constexpr Sql columns{
      R"(SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
                CASE coalesce(nullif(t.typbasetype, 0), t.oid)
                  WHEN 'smallint'::regtype THEN 'integer'
                  WHEN 'integer'::regtype THEN 'integer'
                  WHEN 'bigint'::regtype THEN 'integer'
                  WHEN 'character varying'::regtype THEN 'text'
                  WHEN 'text'::regtype THEN 'text'
                  WHEN 'boolean'::regtype THEN 'boolean'
                  WHEN 'timestamp with time zone'::regtype THEN 'time'
                  WHEN 'double precision'::regtype THEN 'real'
                  WHEN 'numeric'::regtype THEN 'decimal'
                  WHEN 'date'::regtype THEN 'date'
                  ELSE ''
                END,
                a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
                EXISTS (SELECT FROM pg_catalog.pg_index i
                        WHERE i.indrelid = a.attrelid AND i.indisprimary
                          AND a.attnum = ANY (i.indkey)),
                NOT a.attnotnull, a.attgenerated <> '',
                (SELECT c.relkind IN ('r', 'p') FROM pg_catalog.pg_class c WHERE c.oid = a.attrelid)
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         WHERE a.attrelid = to_regclass(quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum)"};
  const auto done = transaction.run(columns, {table.name}, [&](const Row& row) {
    table.columns.push_back({std::string(row.text(0)), std::string(row.text(1)),
                             kind_of(row.text(2)), row.boolean(3), row.boolean(4), row.boolean(5),
                             row.boolean(6)});
    table.is_plain = row.boolean(7);
  });
  if (!done) return fail(done.error());
  return {};
}

Result<void> read_constraints(Transaction& transaction, Table& table) {
  // ON CONFLICT takes neither a deferrable constraint nor an index that is not valid (yet).
  static constexpr Sql unique{
      R"(SELECT i.indexrelid::bigint, a.attname::text
         FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place),
              pg_catalog.pg_attribute a
         WHERE i.indrelid = to_regclass(quote_ident($1)) AND i.indisunique AND i.indisvalid
           AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
           AND k.place <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.number)"};
  std::map<std::int64_t, std::set<std::string>> keys;
  auto done = transaction.run(unique, {table.name},
                              [&](const Row& row) { keys[row.integer(0)].emplace(row.text(1)); });
  if (!done) return fail(done.error());
  for (auto& [index, columns] : keys) table.unique.insert(std::move(columns));

  static constexpr Sql references{
      R"(SELECT a.attname::text,
                CASE WHEN pg_table_is_visible(t.oid) THEN '' ELSE n.nspname || '.' END || t.relname
         FROM pg_catalog.pg_constraint c
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
           JOIN pg_catalog.pg_class t ON t.oid = c.confrelid
           JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE c.conrelid = to_regclass(quote_ident($1)) AND c.contype = 'f')"};
  done = transaction.run(references, {table.name}, [&](const Row& row) {
    table.references[std::string(row.text(0))] = row.text(1);
  });
  if (!done) return fail(done.error());
  return {};
}

class PostgresqlSchema final : public Schema {
 public:
  Result<void> lock(Transaction& transaction) const override {
    // The deadline is the caller's: indexes of large tables take longer than any request may.
    static constexpr Sql without_limits{
        "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)"};
    // Goes with the transaction, so that it works behind a pooler and nobody can leave it behind.
    // The number is one that nobody else takes: "easyjwt" in ASCII.
    static constexpr Sql lock{"SELECT pg_advisory_xact_lock(28536121233930100)"};
    // DDL that waits for a table has everybody wait who comes after it. Behind somebody's long
    // transaction (a dump, say) that would be an outage: rather fail, to be tried again.
    static constexpr Sql with_limit{"SELECT set_config('lock_timeout', '3s', true)"};
    for (const auto* sql : {&without_limits, &lock, &with_limit}) {
      if (const auto done = transaction.run(*sql); !done) return fail(done.error());
    }
    return {};
  }

  Result<Table> read_table(Transaction& transaction, std::string_view name) const override {
    Table table{.name = std::string(name)};
    if (auto read = read_columns(transaction, table); !read) return fail(read.error());
    if (auto read = read_constraints(transaction, table); !read) return fail(read.error());
    return table;
  }

  Result<std::set<std::string>> read_own_objects(Transaction& transaction) const override {
    static constexpr Sql own{
        R"(SELECT c.relname::text
           FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
           WHERE c.relname LIKE 'easyjwt\_%' AND i.indisvalid
             AND pg_table_is_visible(i.indrelid)
           UNION ALL
           SELECT relname::text FROM pg_catalog.pg_class
           WHERE relname LIKE 'easyjwt\_%' AND relkind IN ('r', 'p', 'v') AND pg_table_is_visible(oid)
           UNION ALL
           SELECT tgname::text FROM pg_catalog.pg_trigger
           WHERE tgname LIKE 'easyjwt\_%' AND tgenabled <> 'D' AND pg_table_is_visible(tgrelid))"};
    return read_names(transaction, own);
  }

  Result<std::set<std::string>> read_idle_objects(Transaction&) const override {
    return std::set<std::string>{};
  }

  std::string_view tables_script() const noexcept override { return sql_0001_django_postgresql; }

  std::string_view drop_secret_script() const noexcept override {
    return R"(
      ALTER TABLE "user" DROP COLUMN "jwt_secret";
      DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_catalog.pg_constraint
                   WHERE conrelid = '"user"'::regclass AND conname = 'user_email_type_unique') THEN
          ALTER TABLE "user" RENAME CONSTRAINT "user_email_type_unique" TO "user_email_54dc62b2_uniq";
          CREATE INDEX IF NOT EXISTS "user_email_54dc62b2_like"
            ON "user" ("email" varchar_pattern_ops);
        END IF;
      END $$)";
  }
};

}  // namespace

const Schema& postgresql_schema() noexcept {
  static constexpr PostgresqlSchema schema;
  return schema;
}

}  // namespace easyjwt::db
