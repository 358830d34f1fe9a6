// Accept-Language: the language of an answer.
#include "service/catalogue/accept_language.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace easyjwt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::string_view, 4> languages{"en", "de", "es", "fr"};
  const std::string_view sent(reinterpret_cast<const char*>(data), size);
  const auto place = choose_language(sent, languages);
  if (place && *place >= languages.size()) std::abort();
  // What is sent first with all weight is what comes of it.
  if (choose_language("fr," + std::string(sent), languages) != 3) std::abort();
  // What no range says is not chosen.
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::string text(sent);
  for (auto& c : text) c = lower(c);
  if (place && text.find(languages[*place]) == text.npos) std::abort();
  return 0;
}
