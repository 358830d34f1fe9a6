#include "service/catalogue/catalogue.hpp"

#include <string>

#include "easyjwt/core/settings_error.hpp"
#include "service/catalogue/accept_language.hpp"

namespace easyjwt {
namespace {

/// Of an Accept-Language as much is read: each text of a page asks for the language again.
constexpr std::size_t most_read = 500;

std::vector<std::string_view> all_tags() {
  std::vector<std::string_view> out{"en"};
  for (const auto& one : translated_languages) out.push_back(one.language);
  return out;
}

const Translations* at(std::size_t place) noexcept {
  return place == 0 ? nullptr : &translated_languages[place - 1];
}

const Translations* default_language(const std::string& code,
                                     const std::vector<std::string_view>& tags) {
  if (const auto place = choose_language(code, tags)) return at(*place);
  std::string known;
  for (const auto tag : tags) known.append(known.empty() ? "" : ", ").append(tag);
  throw SettingsError("LANGUAGE_CODE", "\"" + code + "\" is none of the languages: " + known);
}

}  // namespace

Catalogue::Catalogue(const ServiceSettings& settings)
    : tags_(all_tags()),
      asks_(settings.use_i18n),
      default_(default_language(settings.language_code, tags_)) {}

const Translations* Catalogue::choose(const http::Request& request) const noexcept {
  if (!asks_) return default_;
  const auto wanted = request.header("Accept-Language").substr(0, most_read);
  if (wanted.empty()) return default_;
  const auto place = choose_language(wanted, tags_);
  return place ? at(*place) : default_;
}

}  // namespace easyjwt
