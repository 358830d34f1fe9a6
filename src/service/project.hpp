#pragma once

#include <memory>
#include <string>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/logins.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/validators.hpp"

namespace easyjwt {

/// A command's refusal: one line.
inline tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::refused, {}, std::move(reason));
}
/// What the command line shows of an Error.
std::string explain(const Error& error);

/// The settings of `config` and the process's environment. Errc::refused with the first error.
Result<LoadedSettings> read_settings(const std::string& config);

/// The settings of a command's database: no client waits for it, so that its deadline is not that
/// of a request. A transaction on PostgreSQL may take a day (loaddata of millions is one); a locked
/// SQLite file is waited for for minutes (somebody migrates).
db::DatabaseSettings patient(db::DatabaseSettings settings);

/// Opens a database, whatever its schema.
Result<std::unique_ptr<db::Database>> open_database(const db::DatabaseSettings& settings, Log log);
/// Opens a database and, if it is an embedded one, brings its schema forward; another that is
/// behind is refused.
Result<std::unique_ptr<db::Database>> open_ready_database(const db::DatabaseSettings& settings,
                                                          Log log);

/// EASY_JWT.LOGIN_HISTORY; null where it is off.
std::unique_ptr<Logins> make_logins(const ServiceSettings& settings, db::Database& database,
                                    Log log);

/// What decides about users, built from the settings.
struct AccountTools {
  AccountTools(const ServiceSettings& settings, db::Database& database, Log log)
      : hasher(settings.hasher),
        validators(settings.password_validators),
        accounts(settings.auth, database, hasher, validators, system_clock(), std::move(log)) {}

  Hasher hasher;
  PasswordValidators validators;
  Accounts accounts;
};

}  // namespace easyjwt
