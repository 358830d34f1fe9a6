#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
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

/// A page of /auth/users/.
struct UserQuery {
  std::string ordering = "id";  ///< a field, '-' before it: descending
  /// Each in e-mail, first or last name, case aside; none has white space in it.
  std::vector<std::string> words;
  std::int64_t offset = 0;
  std::int64_t limit = 100;
};

/// The "user" table. Made for the length of a transaction.
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

  /// Of everybody, or of those who have the words; a list of the same words then looks for them no
  /// more.
  Result<std::int64_t> count(const UserQuery& query);
  /// Ordered, then by id. Errc::validation_error never: an unknown ordering counts as "id".
  Result<void> list(const UserQuery& query, FunctionRef<void(const User&)> each);
  static bool is_ordering(std::string_view field);

  /// A recent encoding, for Hasher::verify_nobody; empty where there are no users.
  Result<std::string> sample_password(std::uint64_t pick);

 private:
  db::Transaction& transaction_;
  std::vector<std::string> found_words_;
  std::int64_t found_count_ = 0;
  std::string found_ids_;
};

}  // namespace easyjwt
