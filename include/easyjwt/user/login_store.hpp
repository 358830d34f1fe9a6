#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// By what somebody would be let in.
enum class LoginHow {
  token,     ///< /auth/token/
  sliding,   ///< /auth/token/sliding/
  session,   ///< the login page
  remote,    ///< the login page of a client-service, by the auth-service's word
  password,  ///< /auth/password-change/; refusals alone
};
std::string_view to_string(LoginHow how) noexcept;

/// A row of a user's history.
struct Login {
  std::int64_t user_id = 0;
  Time at{};
  bool succeeded = false;
  std::string how;         ///< of LoginHow
  std::string address;     ///< of the client; at most 45 characters
  std::string user_agent;  ///< at most 200
};

/// How many there were in an hour of UTC.
struct LoginCount {
  static constexpr std::string_view succeeded = "succeeded";
  static constexpr std::string_view refused = "refused";
  /// A user's first login of a day of UTC: a day's sum is how many were active.
  static constexpr std::string_view first = "first";

  Time hour{};
  std::string what;  ///< one of these
  std::string how;   ///< of LoginHow
  std::int64_t n = 0;
};

/// The tables of logins. Made for the length of a transaction.
class LoginStore {
 public:
  explicit LoginStore(db::Transaction& transaction) : transaction_(transaction) {}

  Result<void> add(const Login& login);
  /// Of a user's refusals from `from` until `until` the newest `kept` stay.
  Result<void> trim_refused(std::int64_t user_id, Time from, Time until, std::int64_t kept);
  /// Whether a login of the user's succeeded from `from` until `until`.
  Result<bool> has_logged_in(std::int64_t user_id, Time from, Time until);
  /// A user's newest, newest first.
  Result<void> list_of_user(std::int64_t user_id, std::int64_t limit,
                            FunctionRef<void(const Login&)> each);

  /// Adds to what is counted of that hour.
  Result<void> add_count(const LoginCount& count);
  /// From an hour on, in order.
  Result<void> list_counts(Time from, FunctionRef<void(const LoginCount&)> each);

  /// Deletes at most `limit` logins from before `before`, and counts; returns how many.
  Result<std::int64_t> flush(Time before, std::int64_t limit);
  Result<std::int64_t> flush_counts(Time before, std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
