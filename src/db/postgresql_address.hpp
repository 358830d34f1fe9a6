#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "easyjwt/core/error.hpp"

namespace easyjwt::db {

/// Where a PostgreSQL is and how to talk to it: a URL, read by libpq, with its list of hosts taken
/// apart, since libpq without blocking gives a silent host all the time that there is.
class PostgresqlAddress {
 public:
  /// Errc::refused: not a URL that libpq takes. The reason never repeats it.
  static Result<PostgresqlAddress> parse(const std::string& url);

  /// keyword and value for each host, target_session_attrs = prefer-standby resolved into passes.
  struct Attempt {
    std::vector<std::pair<std::string, std::string>> parameters;
  };
  const std::vector<Attempt>& attempts() const noexcept { return attempts_; }
  /// "host:port/name" of the first, for people.
  const std::string& name() const noexcept { return name_; }
  /// connect_timeout, for each host; nullopt where the URL has none.
  std::optional<std::chrono::seconds> connect_timeout() const noexcept { return connect_timeout_; }

 private:
  std::vector<Attempt> attempts_;
  std::string name_;
  std::optional<std::chrono::seconds> connect_timeout_;
};

}  // namespace easyjwt::db
