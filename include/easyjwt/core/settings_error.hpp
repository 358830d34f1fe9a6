#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace easyjwt {

/// A setting that makes no sense, thrown by the constructor that uses it. `key` is the setting's
/// name
/// ("EASY_JWT.SIGNING_KEY"); the reader of the settings adds file and line.
struct SettingsError : std::runtime_error {
  SettingsError(std::string name, const std::string& what)
      : std::runtime_error(what), key(std::move(name)) {}
  std::string key;
};

}  // namespace easyjwt
