#pragma once

#include <optional>
#include <string>

#include "easyjwt/db/database.hpp"
#include "easyjwt/user/user_store.hpp"

/// What stores of users read of "user", in the order in which read_user() takes it.
#define USER_COLUMNS                                                                       \
  "id, password, last_login, is_superuser, is_staff, is_active, date_joined, first_name, " \
  "last_name, location, phone, modified_date, creation_date, email"

/// Most users are usual: active, and neither staff nor superusers. Of the others there is an index
/// (sql/0011_admin), whose condition this is.
#define USER_IS_SPECIAL "(NOT is_active OR is_staff OR is_superuser)"

namespace easyjwt {

inline User read_user(const db::Row& row) {
  const auto text = [&](int column) { return std::string(row.text(column)); };
  const auto maybe = [&](int column) {
    return row.is_null(column) ? std::nullopt : std::optional{text(column)};
  };
  return User{.id = row.integer(0),
              .password = text(1),
              .last_login = row.maybe_time(2),
              .is_superuser = row.boolean(3),
              .is_staff = row.boolean(4),
              .is_active = row.boolean(5),
              .date_joined = row.time(6),
              .first_name = text(7),
              .last_name = text(8),
              .location = maybe(9),
              .phone = maybe(10),
              .modified_date = row.time(11),
              .creation_date = row.time(12),
              .email = text(13)};
}

}  // namespace easyjwt
