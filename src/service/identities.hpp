#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/identity.hpp"
#include "easyjwt/user/remote_user_store.hpp"
#include "easyjwt/user/serializer.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

using IdentityResult = Result<std::shared_ptr<const Identity>>;

/// Who somebody is to this service: its row in "user", with its groups and permissions. Any thread;
/// may wait.
class Identities {
 public:
  /// Both must outlive it. `serializer`: null for TokenUserSerializer. `name`:
  /// USER_MODEL_SERIALIZER, for an error's words.
  Identities(db::Database& database, const BoundSerializer* serializer, std::string name,
             Clock clock)
      : database_(database),
        serializer_(serializer),
        name_(std::move(name)),
        clock_(std::move(clock)) {}

  /// Of what an auth-service says of a user (an Admit): finds, makes or updates the copy and what
  /// the serializer keeps beside it, all or nothing, and writes only where something has changed.
  /// Errc::auth_service_refused: no copy can be made of it. Errc::permission_denied: the e-mail is
  /// that of an account of this service's own.
  IdentityResult of_remote_user(const json::object& user) const;
  /// Of a user of an auth-service. Identity::user is there where a serializer is.
  IdentityResult of_user(const User& user) const;
  /// Of a user of a client-service, who is a copy or an account of its own (remote_id: 0).
  IdentityResult of_local_user(const User& user) const;

 private:
  Result<RemoteUser> read(const json::object& object) const;
  Result<std::optional<Identity>> find(const RemoteUser& user, const json::object& object) const;
  Result<Identity> save(const RemoteUser& user, const json::object& object) const;

  db::Database& database_;
  const BoundSerializer* const serializer_;
  const std::string name_;
  const Clock clock_;
};

}  // namespace easyjwt
