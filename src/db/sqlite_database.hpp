#pragma once

#include <memory>
#include <string>

#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A database in a file (made if it is missing, readable by its owner alone), or ":memory:".
Result<std::unique_ptr<Database>> open_sqlite_database(const std::string& path,
                                                       const DatabaseSettings& settings, Log log);

}  // namespace easyjwt::db
