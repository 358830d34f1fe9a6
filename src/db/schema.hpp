#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/db/database.hpp"
#include "easyjwt/db/table.hpp"

namespace easyjwt::db {

/// How one engine tells what it has, and what it is given. Names are those that our statements
/// would find: to SQLite they are the same in any case, PostgreSQL goes by its search_path.
class Schema {
 public:
  /// From here to the end of the transaction no other migration runs: waits for one that does.
  virtual Result<void> lock(Transaction& transaction) const = 0;
  virtual Result<Table> read_table(Transaction& transaction, std::string_view name) const = 0;
  /// The names of the tables, usable indexes and triggers that begin with easyjwt_.
  virtual Result<std::set<std::string>> read_own_objects(Transaction& transaction) const = 0;
  /// Of these, what nothing uses as long as it is not made anew.
  virtual Result<std::set<std::string>> read_idle_objects(Transaction& transaction) const = 0;

  /// sql/0001_django for this engine.
  virtual std::string_view tables_script() const noexcept = 0;
  /// What easyjwt_user's migrations 0002 and 0003 do.
  virtual std::string_view drop_secret_script() const noexcept = 0;

 protected:
  ~Schema() = default;
};

const Schema& sqlite_schema() noexcept;
const Schema& postgresql_schema() noexcept;

inline const Schema& schema_of(Engine engine) noexcept {
  return engine == Engine::sqlite ? sqlite_schema() : postgresql_schema();
}

/// The tables to copy, as a SQLite database has them that is up to date, those first that others
/// refer to. Not those which follow from another table.
Result<std::vector<Table>> reference_tables();

/// The first column of all rows.
Result<std::set<std::string>> read_names(Transaction& transaction, const Sql& sql);

}  // namespace easyjwt::db
