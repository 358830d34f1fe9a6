#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"

namespace easyjwt {

/// What the revocation feed says happened at the auth-service.
///
///     {"type": "family_revoked", "family": "9f…", "until": 1795521600}
///     {"type": "user_void", "user": 7, "before": 1795435200250000, "until": 1795521600}
///     {"type": "user_changed", "user": "7"}
struct Event {
  enum class Type {
    family_revoked,  ///< all tokens of a refresh family, or the one token with this id, are void
    user_void,       ///< a user's tokens from before an instant are void
    user_changed,    ///< what is kept of a user is out of date
  };
  using User = std::variant<std::int64_t, std::string>;  ///< as the USER_ID_CLAIM has it

  static Event family_revoked(std::string family, Time until);
  static Event user_void(User user, Time before, Time until);
  static Event user_changed(User user);

  Type type = Type::user_changed;
  std::string family{};  ///< the SESSION_CLAIM or the JTI_CLAIM of tokens
  User user{std::int64_t{0}};
  Time before{};  ///< tokens whose iat is less than this, rounded up to a second, are void
  Time until{};   ///< no token that this is about lives longer

  friend bool operator==(const Event&, const Event&) = default;
};

/// Of texts in an Event: what the auth-service's columns hold.
inline constexpr std::size_t max_event_text = 255;

std::string_view to_string(Event::Type type) noexcept;
/// Seconds, rounded up, for `until`, microseconds for `before`.
json::object to_json(const Event& event);
/// Errc::parse_error, with a `reason`, for a type that is unknown and for members that are missing,
/// of another type or out of range. Further members are let pass: a later version's.
Result<Event> parse_event(const json::value& value);

}  // namespace easyjwt
