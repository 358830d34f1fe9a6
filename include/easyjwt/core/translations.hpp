#pragma once

#include <span>
#include <string_view>

namespace easyjwt {

/// What an English text is in another language.
struct Translation {
  std::string_view english;
  std::string_view text;
};

/// The texts of one language that is not English. Where a pointer to it is null, it is English.
struct Translations {
  std::string_view language;           ///< "de", as in Content-Language
  std::span<const Translation> texts;  ///< in the order of `english`

  /// The English text itself where there is no other.
  std::string_view find(std::string_view english) const noexcept;
};

}  // namespace easyjwt
