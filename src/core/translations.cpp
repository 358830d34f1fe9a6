#include "easyjwt/core/translations.hpp"

#include <algorithm>

namespace easyjwt {

std::string_view Translations::find(std::string_view english) const noexcept {
  const auto found = std::lower_bound(
      texts.begin(), texts.end(), english,
      [](const Translation& entry, std::string_view text) { return entry.english < text; });
  return found != texts.end() && found->english == english ? found->text : english;
}

}  // namespace easyjwt
