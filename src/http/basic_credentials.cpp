#include "easyjwt/http/basic_credentials.hpp"

#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"
#include "http/grammar.hpp"

namespace easyjwt::http {

bool is_basic(std::string_view field) noexcept {
  return equal_ignoring_case(field.substr(0, field.find(' ')), "basic");
}

std::optional<BasicCredentials> parse_basic(std::string_view field) {
  if (!is_basic(field)) return std::nullopt;
  constexpr std::size_t scheme = std::string_view("Basic").size();
  auto text = decode_base64(trim_blanks(field.substr(scheme)));
  if (!text) return std::nullopt;
  const auto colon = text->find(':');
  std::optional<BasicCredentials> credentials;
  if (colon != text->npos) {
    const std::string_view view = *text;
    credentials = {decode_urlencoded(view.substr(0, colon)),
                   Secret(decode_urlencoded(view.substr(colon + 1)))};
  }
  wipe(*text);
  return credentials;
}

}  // namespace easyjwt::http
