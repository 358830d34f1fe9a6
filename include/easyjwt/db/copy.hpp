#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// What copy_database does, one after the other, each with every row.
enum class CopyStage { checking, copying, comparing };

struct CopyReport {
  struct Table {
    std::string name;
    std::int64_t rows = 0;
  };
  std::vector<Table> tables;
  /// Tables and columns ("table.column") of the source that are not ours, and were left there.
  std::vector<std::string> left_out;
};

/// Copies all that an auth-service has from a SQLite file that is up to date into a PostgreSQL
/// database, with its ids, and with new ids above all that were ever given. `progress` is told the
/// rows that a stage has done, and how many there are.
///
/// The target gets its tables if it lacks them, and must have no rows but those that a migration
/// makes. It is one transaction there, so that it gets all or nothing: before the COMMIT every row
/// has been read back and compared value by value. DatabaseSettings::busy_deadline of the target is
/// for the whole of it.
///
/// Errc::refused: the target is in use; values that PostgreSQL does not take, or references that
/// lead nowhere (named by table, column and id, never by the value, which may be a secret); the
/// source was written to meanwhile. Errors of pending_migrations, for the target.
/// Errc::unavailable: one of the two does not answer.
Result<CopyReport> copy_database(
    Database& source, Database& target, const Clock& clock,
    FunctionRef<void(CopyStage stage, std::int64_t done, std::int64_t total)> progress);

}  // namespace easyjwt::db
