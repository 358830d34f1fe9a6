#pragma once

#include <memory>

#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A database on a PostgreSQL server, which must answer now.
Result<std::unique_ptr<Database>> open_postgresql_database(const DatabaseSettings& settings,
                                                           Log log);

}  // namespace easyjwt::db
