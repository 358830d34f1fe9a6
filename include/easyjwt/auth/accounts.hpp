#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/auth/settings.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/user_store.hpp"
#include "easyjwt/user/validators.hpp"

namespace easyjwt {

/// What a new user may bring along.
struct NewUser {
  std::string email;
  std::string password;
  std::string first_name;
  std::string last_name;
  std::optional<std::string> phone;
  bool is_staff = false;
  bool is_superuser = false;
  /// False: nobody can log in before verify(), or before a new password by a mail.
  bool is_verified = true;
};

/// Decides about users and their passwords: the original's authenticate(), create_user() and
/// PasswordChangeSerializer. Any thread; waits for the hasher first and the database last.
class Accounts {
 public:
  Accounts(const AuthSettings& settings, db::Database& database, Hasher& hasher,
           const PasswordValidators& validators, Clock clock, Log log);

  /// The active user with that e-mail (as written) and password. Errc::no_active_account for all
  /// that is wrong with either, after as much time. Re-hashes as PASSWORD_UPGRADE says (never where
  /// CHECK_REVOKE_TOKEN is on: the hash is in every token, so a re-hash would end them).
  Result<User> authenticate(std::string_view email, std::string_view password);

  /// What else is done in the transaction that writes a user; an Error of it undoes that.
  using Also = std::function<Result<void>(db::Transaction&, const User&)>;

  /// Adds a user, the e-mail in lower case. Nothing is validated. Errc::validation_error on `email`
  /// where it is taken.
  Result<User> create(const NewUser& user, const Also& also = {});

  /// What AUTH_PASSWORD_VALIDATORS have against `password`; with a user, similarity to it too.
  std::vector<Text> validate_password(std::string_view password, const User* user) const;

  /// Changes the password of whoever knows the old one. With SESSION_CLAIM all families of the user
  /// end.
  Result<void> change_password(std::string_view email, std::string_view old_password,
                               std::string_view new_password);
  /// The same without asking for the old one (`easyjwt changepassword`). Nothing is validated.
  Result<void> set_password(const User& user, std::string_view new_password, const Also& also = {});
  /// Leaves a user without a password (Django's set_unusable_password()).
  Result<void> disable_password(const User& user, const Also& also = {});

  /// Logs somebody out everywhere: blacklists what is outstanding of their tokens, ends their
  /// families and their sessions at browsers, and tells followers of the feed that their tokens from
  /// before are void.
  Result<void> end_logins(db::Transaction& transaction, const User& user);

  /// That somebody who has read a mail to a new account's address is who chose its password: from
  /// then on it is one. Who knows the address alone could have made the account in its owner's
  /// name, and would be let in by the owner's click. False: it is another, or the account is none
  /// that waits for this.
  Result<bool> verify(const User& user, std::string_view password);

  Result<std::optional<User>> find_by_email(std::string_view email);
  Result<std::optional<User>> find_by_id(std::int64_t id);
  Result<bool> email_taken(std::string_view email);

 private:
  /// Errc::conflict: the password has changed in between.
  Result<void> try_change_password(std::string_view email, std::string_view old_password,
                                   std::string_view new_password);
  Result<void> store_password(const User& user, std::string_view encoding,
                              std::optional<Time> modified, const Also& also = {});

  AuthSettings settings_;
  db::Database& database_;
  Hasher& hasher_;
  const PasswordValidators& validators_;
  Clock clock_;
  Log log_;
};

}  // namespace easyjwt
