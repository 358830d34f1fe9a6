#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"

namespace easyjwt {

/// A user's attribute that a password may not resemble.
struct UserAttribute {
  std::string_view value;
  std::string_view too_similar;  ///< "The password is too similar to the email address."
};

/// AUTH_PASSWORD_VALIDATORS (django.contrib.auth.password_validation): the four of Django with
/// their default options and texts, in the order given.
class PasswordValidators {
 public:
  /// Throws SettingsError (AUTH_PASSWORD_VALIDATORS) that names an unknown validator. Dotted names
  /// count by their last part.
  explicit PasswordValidators(const std::vector<std::string>& names);
  ~PasswordValidators();

  /// What is wrong with the password; empty: nothing. `attributes` empty: no similarity check, as
  /// the original's create-user. Any thread.
  std::vector<Text> validate(std::string_view password,
                             std::span<const UserAttribute> attributes) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Whether Django's EmailValidator takes it (at most 320 code points). A domain with letters beyond
/// ASCII counts by its IDNA form: UTS 46 transitional, where Python has IDNA 2003; they differ in
/// characters that are newer than Unicode 3.2 and in labels like "-é" and "ab--é", which can't be
/// had.
bool is_valid_email(std::string_view email);

/// BaseUserManager.normalize_email: the domain in lower case.
std::string normalize_email(std::string_view email);

}  // namespace easyjwt
