#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A model as Django's content types name it: "easyjwt_user", "user".
struct ModelName {
  std::string_view app;
  std::string_view model;
};

/// Django's ADDITION, CHANGE and DELETION.
enum class AdminAction { add = 1, change = 2, remove = 3 };

/// What somebody did at the admin site: a row of django_admin_log.
struct AdminLogEntry {
  Time at{};
  std::int64_t user_id = 0;  ///< who did it
  std::string app;           ///< of what; empty: its content type is no more
  std::string model;
  std::string object_id;
  std::string object_name;  ///< cut to 200 characters
  AdminAction action = AdminAction::change;
  /// Django's: a JSON array such as [{"changed": {"fields": ["Email address"]}}]; "" for a
  /// deletion.
  std::string message;
  std::string user_email;  ///< read, not written
};

/// Which entries a list has; what is empty is not asked for.
struct AdminLogQuery {
  std::optional<std::int64_t> user_id{};  ///< done by
  std::optional<ModelName> model{};
  std::string object_id{};  ///< of `model`
  std::int64_t limit = 100;
  std::int64_t offset = 0;
};

/// django_admin_log (django.contrib.admin.models.LogEntry). Made for the length of a transaction.
class AdminLogStore {
 public:
  explicit AdminLogStore(db::Transaction& transaction) : transaction_(transaction) {}

  Result<void> add(const AdminLogEntry& entry);
  /// The newest first.
  Result<void> list(const AdminLogQuery& query, FunctionRef<void(const AdminLogEntry&)> each);
  /// How many there are, up to `most`.
  Result<std::int64_t> count(const AdminLogQuery& query, std::int64_t most);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
