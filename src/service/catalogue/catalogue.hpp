#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "easyjwt/core/translations.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"

namespace easyjwt {

/// The languages of the .po files beside this one, which make_catalogue.py puts into the program.
extern const std::span<const Translations> translated_languages;

/// In which language people are answered (LANGUAGE_CODE, USE_I18N). Any thread.
class Catalogue {
 public:
  /// Throws SettingsError: LANGUAGE_CODE.
  explicit Catalogue(const ServiceSettings& settings);

  /// By the request's Accept-Language; null: English.
  const Translations* choose(const http::Request& request) const noexcept;
  /// The same as a function, for whom this outlives.
  http::Language language() const {
    return [this](const http::Request& request) { return choose(request); };
  }

 private:
  const std::vector<std::string_view> tags_;  ///< English, and ours after it
  const bool asks_;                           ///< what a request wants
  const Translations* const default_;         ///< where it wants nothing that we have
};

}  // namespace easyjwt
