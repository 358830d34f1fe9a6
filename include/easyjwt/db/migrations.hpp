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
};

/// What is missing, in order; empty when the schema is up to date. Errc::refused when the database
/// holds something that we can neither use nor bring forward (a "user" table without our columns,
/// say): the reason names table and column.
Result<std::vector<MigrationStep>> pending_migrations(Database& database);

/// Brings the schema forward in one transaction and returns the steps that were done. A database that
/// a Django auth-service has been using is adopted: what is there stays, what is ours is added.
Result<std::vector<MigrationStep>> migrate(Database& database, const Clock& clock);

}  // namespace easyjwt::db
