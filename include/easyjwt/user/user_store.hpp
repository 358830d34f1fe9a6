#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A row of the original's user model (easyjwt_user.User, Django's AbstractUser without a
/// username).
struct User {
  std::int64_t id = 0;
  std::string password;  ///< Django's encoding
  std::optional<Time> last_login;
  bool is_superuser = false;
  bool is_staff = false;
  bool is_active = true;
  Time date_joined{};
  std::string first_name;
  std::string last_name;
  std::optional<std::string> location;
  std::optional<std::string> phone;
  Time modified_date{};
  Time creation_date{};
  std::string email;
};

/// As much of a user as says whether a token of theirs stands.
struct UserState {
  bool is_active = false;
  std::string password;
};

/// The "user" table; lists are UserListStore's. Made for the length of a transaction.
class UserStore {
 public:
  explicit UserStore(db::Transaction& transaction) : transaction_(transaction) {}

  Result<std::optional<User>> find_by_id(std::int64_t id);
  /// The e-mail as written: case counts, as in Django.
  Result<std::optional<User>> find_by_email(std::string_view email);
  Result<std::optional<UserState>> find_state_by_id(std::int64_t id);
  Result<std::optional<UserState>> find_state_by_email(std::string_view email);
  /// Whether an e-mail is taken in any spelling of case (ASCII's).
  Result<bool> email_taken(std::string_view email);

  /// Adds a user; `id`, `modified_date` and `creation_date` of `user` are not read: the database
  /// and `now` decide. Errc::conflict where the e-mail is taken. Returns the id.
  Result<std::int64_t> insert(const User& user, Time now);
  /// Sets the password if it still is `old_encoding`, so that of two changes at once one loses.
  /// `modified` is Django's auto_now; nullopt leaves it (a re-hash). Returns whether it was.
  Result<bool> set_password(std::int64_t id, std::string_view old_encoding,
                            std::string_view encoding, std::optional<Time> modified);
  Result<void> set_last_login(std::int64_t id, Time now);

  /// A user who is about to be changed or deleted: until the end of the transaction nobody else
  /// does.
  Result<std::optional<User>> hold(std::int64_t id);
  /// Writes the e-mail, names, phone, location and the three flags, and `now` as modified_date.
  /// Errc::conflict where the e-mail is taken.
  Result<void> update(const User& user, Time now);
  /// Deletes a user with their groups, permissions and sessions of browsers, and what they did at
  /// the admin site; their tokens stay, as nobody's. Whether there was one.
  Result<bool> remove(std::int64_t id);
  /// Whether there is an active superuser beside this one; nobody takes that away from them until
  /// the end of the transaction.
  Result<bool> hold_other_superuser(std::int64_t id);
  /// How many rows of other tables belong to a user.
  struct Belongings {
    std::int64_t tokens = 0;  ///< outstanding ones
    std::int64_t groups = 0;
    std::int64_t permissions = 0;
    std::int64_t sessions = 0;     ///< of browsers
    std::int64_t log_entries = 0;  ///< of what they did at the admin site
  };
  Result<Belongings> count_belongings(std::int64_t id);

  /// A recent encoding, for Hasher::verify_nobody; empty where there are no users.
  Result<std::string> sample_password(std::uint64_t pick);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
