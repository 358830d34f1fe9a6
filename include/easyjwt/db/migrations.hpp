#pragma once

#include <string>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A step that brings the schema forward.
struct MigrationStep {
  std::string name;         ///< "0001_initial"
  std::string description;  ///< for `migrate --plan`: one line
  /// What was done without, since the server does not have what it needs: an index.
  std::vector<std::string> missing{};
  /// All is there, but SQLite makes no use of it: what is slow until the step is taken works.
  bool may_wait = false;
};

/// What is missing, in order; empty when the schema is up to date. Errc::refused when the database
/// holds something that we can neither use nor bring forward (a "user" table without our columns,
/// say): the reason names table and column.
Result<std::vector<MigrationStep>> pending_migrations(Database& database);

struct AppliedMigration {
  std::string name;
  Time at{};
};
/// What has been done, by name.
Result<std::vector<AppliedMigration>> applied_migrations(Database& database);

/// Brings the schema forward, each step in a transaction of its own, and returns the steps that
/// were done: none, and no lock taken, where nothing is pending. Of several processes one does a
/// step, the others wait for it (DatabaseSettings::busy_deadline; a large table takes minutes to
/// index). A database that a Django auth-service has been using is adopted by its tables and
/// columns, whatever version of Django made it: what is there stays (but user.jwt_secret, which
/// easyjwt_user's 0002 drops), what is missing is added, with the rows that Django's migrate would
/// have made. Errors as pending_migrations, and on PostgreSQL Errc::unavailable where somebody
/// else's transaction holds a table for long.
Result<std::vector<MigrationStep>> migrate(Database& database, const Clock& clock);

/// The same as part of a transaction that does more.
Result<std::vector<MigrationStep>> migrate(Transaction& transaction, Time now);

/// After rows were written with ids of their own: those that the engine makes from now on are
/// higher. (SQLite's AUTOINCREMENT sees to it by itself.)
Result<void> raise_sequences(Transaction& transaction);

}  // namespace easyjwt::db
