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

/// What the auth-service says of a user that a copy of them holds. What is nullopt was not said.
struct RemoteUser {
  std::int64_t id = 0;  ///< the auth-service's
  std::string email;
  std::optional<std::string> first_name;
  std::optional<std::string> last_name;
  std::optional<bool> is_active;
  std::optional<Time> date_joined;
};

/// A client-service's copies of the auth-service's users: rows of "user" without a usable password,
/// matched by the auth-service's id (table easyjwt_remote_user: remote_id, user_id). Made for the
/// length of a transaction.
class RemoteUserStore {
 public:
  explicit RemoteUserStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// The copy of that user; nullopt: there is none.
  Result<std::optional<User>> find(std::int64_t remote_id);

  /// Whether a copy says already what the auth-service says, so that there is nothing to write.
  static bool is_current(const User& copy, const RemoteUser& user);

  /// Makes or updates the copy. Matched by id; by e-mail only where that copy has no id yet and no
  /// usable password (one that the original made). An e-mail that another copy still has, whose
  /// owner has another by now, is taken from it: that one gets an address that is nobody's until
  /// its user comes by. Errc::conflict: the e-mail belongs to an account of this service's own.
  /// is_staff, is_superuser, password and groups are never written to.
  Result<User> save(const RemoteUser& user, Time now);

  /// The names of the user's groups, sorted.
  Result<std::vector<std::string>> groups(std::int64_t user_id);
  /// "easyjwt_user.add_user": the user's own and those of the groups, sorted, each once.
  Result<std::vector<std::string>> permissions(std::int64_t user_id);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
