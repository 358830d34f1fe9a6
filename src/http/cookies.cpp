#include "easyjwt/http/cookies.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

/// ASCII that can be seen, without what ends a value.
bool is_sent_char(char c) noexcept { return c > 0x20 && c < 0x7f && c != ';'; }

/// RFC 6265 section 4.1.1.
bool is_cookie_octet(char c) noexcept {
  return is_sent_char(c) && c != '"' && c != ',' && c != '\\';
}

/// The value of `name` in one Cookie field, if it is there; the last one.
void look_into(std::string_view field, std::string_view name,
               std::optional<std::string_view>& found) {
  while (!field.empty()) {
    const auto end = std::min(field.find(';'), field.size());
    const auto pair = field.substr(0, end);
    field.remove_prefix(std::min(end + 1, field.size()));
    const auto equals = pair.find('=');
    if (equals == pair.npos || trim_blanks(pair.substr(0, equals)) != name) continue;
    auto value = trim_blanks(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    found.reset();
    if (std::all_of(value.begin(), value.end(), is_sent_char)) found = value;
  }
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append("; ").append(name).append("=").append(value);
}

/// In Django's order, which is the alphabet's.
void add_cookie(Response& response, const CookieSettings& cookie, std::string_view value,
                std::string_view expires) {
  const bool is_same_site = cookie.same_site.empty() || cookie.same_site == "Lax" ||
                            cookie.same_site == "Strict" || cookie.same_site == "None";
  if (!is_token(cookie.name) || !is_same_site || !is_cookie_path(cookie.path) ||
      (cookie.domain && !is_cookie_domain(*cookie.domain))) {
    throw std::invalid_argument("no cookie: " + cookie.name);
  }
  std::string out = cookie.name;
  out.append("=").append(value);
  if (cookie.domain) append(out, "Domain", *cookie.domain);
  if (!expires.empty()) append(out, "expires", expires);
  if (cookie.http_only) out += "; HttpOnly";
  if (cookie.age) append(out, "Max-Age", std::to_string(*cookie.age));
  append(out, "Path", cookie.path);
  if (!cookie.same_site.empty()) append(out, "SameSite", cookie.same_site);
  if (cookie.secure) out += "; Secure";
  response.add("Set-Cookie", out);
}

}  // namespace

std::optional<std::string_view> find_cookie(const Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& field : request.headers) {
    if (equal_ignoring_case(field.name, "Cookie")) look_into(field.value, name, found);
  }
  return found;
}

bool is_cookie_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), is_cookie_octet);
}

bool is_cookie_path(std::string_view path) noexcept {
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), is_sent_char);
}

bool is_cookie_domain(std::string_view domain) noexcept {
  if (domain.starts_with('.')) domain.remove_prefix(1);
  return !domain.empty() && domain.front() != '.' &&
         std::all_of(domain.begin(), domain.end(),
                     [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '-'; });
}

void set_cookie(Response& response, const CookieSettings& cookie, std::string_view value) {
  if (!is_cookie_value(value)) throw std::invalid_argument("no value of a cookie");
  add_cookie(response, cookie, value, {});
}

void delete_cookie(Response& response, const CookieSettings& cookie) {
  auto gone = cookie;
  gone.age = 0;
  gone.http_only = false;
  // Without Secure browsers ignore it for these.
  gone.secure = cookie.name.starts_with("__Secure-") || cookie.name.starts_with("__Host-") ||
                cookie.same_site == "None";
  add_cookie(response, gone, "\"\"", "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace easyjwt::http
