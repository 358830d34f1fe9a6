#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"

namespace easyjwt::http {

/// A cookie's name and attributes (RFC 6265 section 4.1); the defaults are Django's.
struct CookieSettings {
  std::string name;
  std::optional<std::int64_t> age{};  ///< Max-Age in seconds; none: until the browser closes
  bool secure = false;
  bool http_only = false;
  std::string same_site = "Lax";  ///< "Lax", "Strict", "None"; empty: no such attribute
  std::optional<std::string> domain{};
  std::string path = "/";
};

/// The value of the cookie of that name that a browser sent, without the quotes that may be around
/// it; of several the last, as in Django. nullopt: there is none. Control characters, blanks inside
/// and bytes beyond ASCII are in no value of ours: a cookie with them is none.
std::optional<std::string_view> find_cookie(const Request& request, std::string_view name);

/// Whether `value` may be a cookie's value without quotes (RFC 6265: cookie-octet).
bool is_cookie_value(std::string_view value) noexcept;
/// Whether it may be the Path attribute: begins with '/', has no ';' and no control character.
bool is_cookie_path(std::string_view path) noexcept;
/// Whether it may be the Domain attribute: "example.com", ".example.com".
bool is_cookie_domain(std::string_view domain) noexcept;

/// Sets a cookie. std::invalid_argument for a name, value or attribute in which another attribute
/// or field could hide; settings are checked when they are read, a value by is_cookie_value().
void set_cookie(Response& response, const CookieSettings& cookie, std::string_view value);
/// Has the browser forget it: the same name, domain and path (Django's delete_cookie).
void delete_cookie(Response& response, const CookieSettings& cookie);

}  // namespace easyjwt::http
