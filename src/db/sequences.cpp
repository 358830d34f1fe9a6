#include <string>

#include "easyjwt/db/migrations.hpp"

namespace easyjwt::db {

Result<void> raise_sequences(Transaction& transaction) {
  if (transaction.engine() == Engine::sqlite) return {};
  // Never lowered, as Django's sqlsequencereset would: the id of a user who was deleted is in
  // tokens that are still good.
  static const std::string script = [] {
    std::string text;
    for (const auto* table :
         {"auth_group", "auth_group_permissions", "auth_permission", "django_admin_log",
          "django_content_type", "django_migrations", "easyjwt_login",
          "token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken", "user",
          "user_groups", "user_user_permissions"}) {
      const auto name = '"' + std::string(table) + '"';
      text += "SELECT setval(s, m) FROM (SELECT pg_get_serial_sequence('" + name +
              "', 'id')::regclass AS s, (SELECT max(id) FROM " + name +
              ") AS m) q WHERE m > coalesce(pg_sequence_last_value(s), 0);\n";
    }
    return text;
  }();
  return transaction.run_script(script);
}

}  // namespace easyjwt::db
