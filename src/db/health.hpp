#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"

namespace easyjwt::db {

/// Whether the database can be read, or written, told to the log once per change and not once per
/// request. One each: on a full disk every read succeeds.
class Health {
 public:
  /// `database` is the file, or host and name: never what a password could be in.
  Health(std::string database, std::string_view deed, Log log)
      : database_(std::move(database)), deed_(deed), log_(std::move(log)) {}
  void note(const std::optional<Error>& error);

 private:
  const std::string database_;
  const std::string_view deed_;  ///< "reading" or "writing"
  const Log log_;
  std::atomic<bool> is_well_ = true;
  std::atomic<std::chrono::steady_clock::duration> ended_{};  ///< when the last outage did
};

}  // namespace easyjwt::db
