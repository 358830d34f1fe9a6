#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// What a column holds, as far as statements mind: integers of every size are one kind, and so are
/// texts of every length. `real` is a double; `time` an instant, in UTC.
enum class Kind { integer, text, boolean, time, real, decimal, date, other };

struct Column {
  std::string name;
  std::string type;  ///< as the engine says it, for people
  Kind kind = Kind::other;
  bool must_be_given = false;  ///< NOT NULL, and nothing fills it in
  bool is_key = false;
  bool may_be_null = true;
  bool is_generated = false;  ///< computed by the database from other columns
};

/// What counts of a table when it is decided whether it can be worked with.
struct Table {
  std::string name;
  bool is_plain = false;        ///< no view, no virtual or foreign table: its rows are its own
  std::vector<Column> columns;  ///< none: it is not there
  /// The sets of columns that are unique among all rows, with an index that ON CONFLICT can name.
  std::set<std::set<std::string>> unique;
  std::map<std::string, std::string> references;  ///< column to table

  const Column* column(std::string_view wanted) const {
    const auto found = std::ranges::find(columns, wanted, &Column::name);
    return found == columns.end() ? nullptr : &*found;
  }
};

/// The table that a statement would find under that name (to SQLite, names are the same in any
/// case; PostgreSQL goes by its search_path). Errors of Transaction::run.
Result<Table> read_table(Transaction& transaction, std::string_view name);

}  // namespace easyjwt::db
