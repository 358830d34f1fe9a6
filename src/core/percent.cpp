#include "easyjwt/core/percent.hpp"

#include "easyjwt/core/random.hpp"

namespace easyjwt {

std::string percent_encode(std::string_view text, std::string_view plain) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view marks = "-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (alphanumeric.find(c) != alphanumeric.npos || marks.find(c) != marks.npos ||
        plain.find(c) != plain.npos) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace easyjwt
