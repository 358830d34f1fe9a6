#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A table of a service's own whose rows belong to users, as a serializer declares it.
struct RelatedTable {
  std::string table;
  std::string foreign_key = "user_id";  ///< its column that refers to "user"
  std::vector<std::string> fields;      ///< the columns that are read and written
  bool many = false;                    ///< else a user has one row at most
  /// Of many: the fields by which a user's rows are told apart. None: all of them.
  std::vector<std::string> key;
  std::string setting;  ///< the settings' key that declares it; empty: a class does
};

/// Declared tables as a database has them. Any thread.
class RelatedTables {
 public:
  /// Whether rows are only read, as an auth-service does, or written, too.
  enum class Use { reading, writing };

  /// Throws SettingsError: a name that is none, or one of the framework's tables, in any case of
  /// letters. Needs no database.
  static void check_names(const std::vector<RelatedTable>& declared);

  /// Finds them. Throws SettingsError: what check_names() throws; a table, or a column, that is not
  /// there or not of a type that can be sent; a foreign key that does not refer to "user"; of one
  /// row per user: a foreign key that is not unique; for writing: columns that would have to be
  /// given, too, or must not be. Errors of Database::read.
  static Result<RelatedTables> find(db::Database& database,
                                    const std::vector<RelatedTable>& declared, Use use);

  RelatedTables(RelatedTables&&) noexcept;
  RelatedTables& operator=(RelatedTables&&) noexcept;
  ~RelatedTables();

 private:
  friend class RelatedStore;
  struct Entry;

  RelatedTables();
  const Entry& entry(std::string_view table) const;

  std::vector<std::unique_ptr<const Entry>> entries_;
};

/// All that a serializer reaches of the database: the rows of one user at a time, in the tables
/// that it has declared. Made for the length of a transaction.
///
/// A row is a JSON object with a member for each field: texts, integers, booleans and null as they
/// are; floats as numbers; decimals, instants (RFC 3339) and dates as texts. What is given is taken
/// for somebody else's input: Errc::validation_error, with a reason that names table and field, for
/// a field that is missing or not what its column takes, and for what a constraint of the database
/// refuses. A name that was not declared throws std::logic_error.
class RelatedStore {
 public:
  /// Without `may_write` the first thing that there would be to write is Errc::would_wait.
  RelatedStore(db::Transaction& transaction, const RelatedTables& tables, bool may_write)
      : transaction_(transaction), tables_(tables), may_write_(may_write) {}

  /// Of one: its row or null. Of many: an array, in the order of the table's key. Errc::internal:
  /// more than max_rows.
  Result<json::value> get(std::string_view table, std::int64_t user_id);

  /// Makes the user's rows these: what get() returns. Writes what has changed and nothing else: a
  /// row of the same key is updated, others are deleted or inserted. `rows` null: it was not said,
  /// which is an Errc::validation_error, and so are two rows of one key and more than max_rows.
  Result<void> set(std::string_view table, std::int64_t user_id, const json::value* rows);

  Result<void> insert(std::string_view table, std::int64_t user_id, const json::object& row);
  /// Sets the fields of the user's row of that key. Whether there was one.
  Result<bool> update(std::string_view table, std::int64_t user_id, const json::object& row);
  /// Deletes the user's row of that key; no more than the key need be given. Whether there was one.
  Result<bool> remove(std::string_view table, std::int64_t user_id, const json::object& row);

  /// Whether there was something to write that could not be.
  bool wants_to_write() const noexcept { return wants_to_write_; }

  static constexpr std::size_t max_rows = 1000;  ///< of one user, in one table

 private:
  using Entry = RelatedTables::Entry;
  struct Changes;

  Result<std::vector<json::object>> read(const Entry& entry, std::int64_t user_id);
  Result<Changes> compare(const Entry& entry, std::int64_t user_id,
                          std::vector<json::object> wanted);
  Result<void> lock(std::int64_t user_id);
  Result<std::int64_t> write(const Entry& entry, const db::Sql& sql, std::int64_t user_id,
                             const std::vector<std::size_t>& fields, const json::object& row);

  db::Transaction& transaction_;
  const RelatedTables& tables_;
  const bool may_write_;
  bool wants_to_write_ = false;
  std::int64_t locked_ = 0;  ///< the user whose rows nobody else of ours writes
};

}  // namespace easyjwt
