#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>

namespace easyjwt {

enum class LogLevel { debug, info, warning, error };

/// One named value of a log line. Values are text already; a sink that writes JSON escapes them.
struct LogField {
  std::string_view name;
  std::string_view value;
};

/// Where log lines go: a function value, so that a library logs without choosing a logger. Called
/// by any thread; must not throw. Never given a token, a password, a key or an Authorization
/// header.
using Log =
    std::function<void(LogLevel, std::string_view message, std::initializer_list<LogField> fields)>;

/// A Log that drops everything.
inline Log no_log() {
  return [](LogLevel, std::string_view, std::initializer_list<LogField>) {};
}

}  // namespace easyjwt
