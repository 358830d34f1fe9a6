#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

/// What the auth-service says of a user that a copy of them holds: the fields that the original's
/// serializer writes, and those that one of a service's own may. What is nullopt was not said, and
/// stays as it is.
struct RemoteUser {
  std::int64_t id = 0;  ///< the auth-service's, from 1 on
  std::string email;
  std::optional<std::string> first_name;
  std::optional<std::string> last_name;
  std::optional<bool> is_active;
  std::optional<std::optional<std::string>> location;  ///< the inner one: null
  std::optional<std::optional<std::string>> phone;
};

/// A client-service's copies of the auth-service's users: rows of "user", matched by the
/// auth-service's id (table easyjwt_remote_user: remote_id, user_id). Made for the length of a
/// transaction.
class RemoteUserStore {
 public:
  explicit RemoteUserStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// The copy of that user; nullopt: there is none.
  Result<std::optional<User>> find(std::int64_t remote_id);

  /// Whose copy a user is; nullopt: nobody's.
  Result<std::optional<std::int64_t>> find_remote_id(std::int64_t user_id);

  /// Whether a copy says already what the auth-service says, so that there is nothing to write.
  static bool is_current(const User& copy, const RemoteUser& user);

  /// Makes or updates the copy, and returns it as it then is; one that is current is not written
  /// to. In a Database::write; any number of threads and services may save the same user at one
  /// time.
  ///
  /// Matched by id; by e-mail, as written, only where that row has no id yet and no usable password
  /// (one that the original made: its passwords are empty or begin with "!"). An e-mail that
  /// another copy still has, whose owner has another by now, is taken from it: that one gets an
  /// address that is nobody's, nobody's guess and no login (at moved.invalid) until its user comes
  /// by. A new copy has an unusable password. is_staff, is_superuser, password and groups are never
  /// written to.
  ///
  /// Errc::conflict: the e-mail, in any spelling of case, belongs to an account of this service's
  /// own. Errc::validation_error: something is not what a user can have (too long, empty, not
  /// UTF-8). Errc::unavailable: others changed the same e-mails meanwhile. Each with a reason.
  Result<User> save(const RemoteUser& user, Time now);

 private:
  struct Holder;
  struct Holders;

  Result<bool> lock(std::int64_t remote_id);
  Result<Holders> find_holders(const RemoteUser& user, std::int64_t own_id);
  Result<bool> displace(const Holder& holder, const std::string& email, Time now);
  Result<bool> adopt(const Holder& holder, const RemoteUser& user, Time now);
  Result<bool> insert(const RemoteUser& user, Time now);
  Result<bool> link(std::int64_t remote_id, std::int64_t user_id);
  Result<std::optional<User>> update(std::int64_t id, const RemoteUser& user, Time now);

  db::Transaction& transaction_;
};

}  // namespace easyjwt
