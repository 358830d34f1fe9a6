#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/user/user_store.hpp"
#include "service/secret_mac.hpp"

namespace easyjwt {

/// What proves that somebody has read a mail to a user: "TIME-MAC", the time in hexadecimal
/// seconds, the MAC over it, the user's id, password encoding, last login and e-mail
/// (HMAC-SHA256 under a key of SECRET_KEY's). Nothing is kept: a token dies with whatever of that
/// changes, so with its own use, and when it is as old as `timeout`. Any thread.
class MailTokens {
 public:
  /// What is made for one `purpose` stands for no other.
  MailTokens(const ServiceSettings& settings, std::string_view purpose,
             std::chrono::seconds timeout);

  std::string make(const User& user, Time now) const;
  bool check(const User& user, std::string_view token, Time now) const;

 private:
  const std::chrono::seconds timeout_;
  const SecretMac mac_;
};

/// A user's id as it stands in a link (Django's uidb64).
std::string encode_uid(std::int64_t id);
std::optional<std::int64_t> decode_uid(std::string_view text);

}  // namespace easyjwt
