#pragma once

#include <span>
#include <string_view>

#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A step of sql/ that adds what is ours alone, and may be run again: put into the program when it
/// is built, in the order of CMakeLists.txt.
struct OwnMigrationText {
  std::string_view name;  ///< "0003_users"
  std::string_view sqlite;
  std::string_view postgresql;

  std::string_view text(Engine engine) const noexcept {
    return engine == Engine::sqlite ? sqlite : postgresql;
  }
};

extern const std::span<const OwnMigrationText> own_migration_texts;

extern const std::string_view sql_0001_django_sqlite;
extern const std::string_view sql_0001_django_postgresql;
extern const std::string_view sql_0001_django_rows;

/// No migrations: see easyjwt/db/feed_triggers.hpp.
extern const OwnMigrationText sql_feed_on;
extern const OwnMigrationText sql_feed_off;

}  // namespace easyjwt::db
