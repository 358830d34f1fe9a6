#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/service/settings.hpp"

namespace easyjwt {

/// One setting: the only place that says what its key is called, where its value goes, which values
/// it takes and what it means.
struct SettingRow {
  enum class Audience { both, auth, client };

  std::string_view key;   ///< "EASY_JWT.SIGNING_KEY"
  std::string_view type;  ///< for people: "lifetime"
  std::string_view text;  ///< what it means, in one line
  Audience audience = Audience::both;
  /// Of an auth-service's: a client-service with VERIFY_MODE "local" judges tokens by it, too.
  bool judging = false;
  bool secret = false;  ///< never shown
  bool required = false;
  bool is_text = false;  ///< an environment variable is the text itself, not JSON
  std::string_view
      check_id{};  ///< of a system check that a wrong value fails, "easyjwt_client.E001"

  /// Puts a value where it belongs; says what is wrong with it, empty for nothing.
  std::function<std::string(ServiceSettings&, const toml::node&)> read{};
  /// The value as TOML.
  std::function<std::string(const ServiceSettings&)> show{};

  std::string_view section() const;  ///< "EASY_JWT"; empty at the top
  std::string_view name() const;     ///< "SIGNING_KEY"
};

/// All of them, in the order in which people read them: sections are contiguous.
const std::vector<SettingRow>& settings_table();

}  // namespace easyjwt
