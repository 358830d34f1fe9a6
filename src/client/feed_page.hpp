#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/token/event.hpp"

namespace easyjwt {

/// Of an answer of the revocation feed as it comes, signed; twice what an auth-service sends.
inline constexpr std::size_t max_feed_page = 2 * 1024 * 1024;

/// What one answer of the auth-service's GET /auth/events/ says.
///
///     {"events": [...], "cursor": "3.77", "snapshot": false, "more": false,
///      "at": 1795435200250000}
struct FeedPage {
  std::vector<Event> events;
  std::string cursor;        ///< what to ask for next: letters, digits, '.', '_' and '-'
  bool is_snapshot = false;  ///< of all that counts; else of what has happened since
  bool has_more = false;     ///< that is there already
  Time at{};                 ///< when it was made
};

/// Reads the payload of a page whose signature stands. Errc::parse_error, with a `reason`, for what
/// is missing, of another type or out of range, an event of an unknown type included: to pass over
/// it would be to not know what has been revoked. Further members are let pass.
Result<FeedPage> parse_feed_page(std::string_view payload);

}  // namespace easyjwt
