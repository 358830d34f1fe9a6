#include "service/auth_api/authentication.hpp"

#include <algorithm>
#include <array>

namespace easyjwt {

Authentication::Authentication(const ServiceSettings& settings, Tokens& tokens,
                               const BrowserSessions& sessions)
    : tokens_(tokens),
      session_(sessions, settings.csrf),
      classes_(settings.authentication_classes),
      header_name_(settings.auth_header_name),
      header_types_(settings.auth_header_types),
      token_challenge_(settings.auth_header_types.front() + " realm=\"api\"") {
  const auto& classes = settings.authentication_classes;
  if (!classes.empty() && classes.front() == "JWTAuthentication") challenge_ = token_challenge_;
}

Result<std::optional<std::string_view>> Authentication::raw_token(std::string_view header) const {
  // Python's bytes.split(): at any run of ASCII white space.
  static constexpr std::string_view space = " \t\n\r\f\v";
  std::array<std::string_view, 3> parts;
  std::size_t count = 0;
  for (std::size_t at = 0; count < parts.size();) {
    at = header.find_first_not_of(space, at);
    if (at == header.npos) break;
    const auto end = std::min(header.find_first_of(space, at), header.size());
    parts[count++] = header.substr(at, end - at);
    at = end;
  }
  if (count == 0) return std::nullopt;
  if (std::find(header_types_.begin(), header_types_.end(), parts[0]) == header_types_.end()) {
    return std::nullopt;
  }
  if (count != 2) return fail(Errc::bad_authorization_header);
  return parts[1];
}

Result<std::optional<User>> Authentication::authenticate(const http::Request& request) const {
  for (const auto& name : classes_) {
    auto user = name == "JWTAuthentication" ? by_token(request) : session_.authenticate(request);
    if (!user || *user) return user;
  }
  return std::nullopt;
}

Result<std::optional<User>> Authentication::by_token(const http::Request& request) const {
  // Of two, a proxy may have judged the one and we the other. (WSGI joins them with a comma, which
  // the original refuses with the same words.)
  const auto& fields = request.headers;
  const auto is_ours = [&](const auto& field) {
    return http::equal_ignoring_case(field.name, header_name_);
  };
  if (std::count_if(fields.begin(), fields.end(), is_ours) > 1) {
    return fail(Errc::bad_authorization_header);
  }
  const auto raw = raw_token(request.header(header_name_));
  if (!raw) return fail(raw.error());
  if (!*raw) return std::nullopt;
  return tokens_.authenticate(**raw).map(
      [](User&& user) { return std::optional(std::move(user)); });
}

std::string Authentication::family(const http::Request& request) const {
  const auto raw = raw_token(request.header(header_name_));
  return raw && *raw ? tokens_.family(**raw) : std::string();
}

Result<User> Authentication::require_user(const http::Request& request) const {
  auto user = authenticate(request);
  if (!user) return fail(user.error());
  if (!*user) return fail(Errc::not_authenticated);
  return **std::move(user);
}

Result<User> Authentication::require_staff(const http::Request& request) const {
  auto user = require_user(request);
  if (user && !user->is_staff) return fail(Errc::permission_denied);
  return user;
}

}  // namespace easyjwt
