#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace easyjwt {

/// An instant in UTC with microseconds, as Django's datetimes are.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Where the time comes from. Read once per decision; SQL never says now(). Called by any thread.
using Clock = std::function<Time()>;
Clock system_clock();

/// Whole seconds since 1970, rounded down (Python's timegm(dt.utctimetuple())).
inline std::int64_t epoch_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline Time from_epoch_seconds(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

/// "2026-11-23T16:22:32.110342Z"; no fraction where the microseconds are zero (REST framework's
/// DateTimeField in UTC).
std::string to_rfc3339(Time time);
/// Django's serializers: "2026-11-23T16:22:32.110Z", milliseconds cut, none where zero.
std::string to_rfc3339_milliseconds(Time time);
/// What Django's SQLite backend stores: "2026-11-23 16:22:32.110342", no fraction where zero.
std::string to_sql_time(Time time);
/// Reads all of the above, a date and time apart by 'T' or a space, up to nine digits of fraction
/// (cut to six), and Z, +HH:MM or nothing (UTC). Years 1 to 9999; nullopt for anything else.
std::optional<Time> parse_time(std::string_view text);

/// A lifetime of the settings: "90s", "5m", "12h", "1d" or digits for seconds. nullopt for anything
/// else, and beyond 100 years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace easyjwt
