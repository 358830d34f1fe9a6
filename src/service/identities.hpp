#pragma once

#include <memory>
#include <string>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/identity.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

using IdentityResult = Result<std::shared_ptr<const Identity>>;

/// Who somebody is to this service: its row in "user", with its groups and permissions. Any thread;
/// may wait.
class Identities {
 public:
  /// `database` must outlive it. `serializer`: USER_MODEL_SERIALIZER, for an error's words.
  Identities(db::Database& database, std::string serializer, Clock clock)
      : database_(database), serializer_(std::move(serializer)), clock_(std::move(clock)) {}

  /// Of what an auth-service says of a user (an Admit): finds, makes or updates the copy, and
  /// writes only where something has changed. Errc::auth_service_refused: no copy can be made of
  /// it. Errc::permission_denied: the e-mail is that of an account of this service's own.
  IdentityResult of_remote_user(const json::object& user) const;
  /// Of a user of an auth-service.
  IdentityResult of_user(const User& user) const;

 private:
  db::Database& database_;
  const std::string serializer_;
  const Clock clock_;
};

}  // namespace easyjwt
