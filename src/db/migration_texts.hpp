#pragma once

#include <string_view>

namespace easyjwt::db {

/// The files of sql/, put into the program when it is built.
extern const std::string_view sql_0001_django_sqlite;
extern const std::string_view sql_0001_django_postgresql;
extern const std::string_view sql_0001_django_rows;
extern const std::string_view sql_0002_indexes;
extern const std::string_view sql_0003_users_sqlite;
extern const std::string_view sql_0003_users_postgresql;
extern const std::string_view sql_0004_remote_users_sqlite;
extern const std::string_view sql_0004_remote_users_postgresql;

}  // namespace easyjwt::db
