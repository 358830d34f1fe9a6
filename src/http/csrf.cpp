#include "easyjwt/http/csrf.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/http/form.hpp"
#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

// ---- tokens: CSRF_SECRET_LENGTH and CSRF_TOKEN_LENGTH of Django

constexpr std::size_t secret_length = 32;
constexpr std::size_t token_length = 2 * secret_length;
constexpr std::size_t letters = 26;

/// Where a character stands in `alphanumeric`.
std::size_t index_of(char c) noexcept {
  if (is_digit(c)) return 2 * letters + static_cast<std::size_t>(c - '0');
  if (c >= 'a') return static_cast<std::size_t>(c - 'a');
  return letters + static_cast<std::size_t>(c - 'A');
}

bool is_sound(std::string_view token) noexcept {
  return (token.size() == secret_length || token.size() == token_length) &&
         std::all_of(token.begin(), token.end(),
                     [](char c) { return is_digit(c) || is_letter(c); });
}

std::string mask(std::string_view secret) {
  auto out = random_string(secret_length, alphanumeric);
  for (std::size_t i = 0; i < secret_length; ++i) {
    out += alphanumeric[(index_of(secret[i]) + index_of(out[i])) % alphanumeric.size()];
  }
  return out;
}

/// The secret in a sound token.
std::string unmask(std::string_view token) {
  if (token.size() == secret_length) return std::string(token);
  std::string out;
  for (std::size_t i = 0; i < secret_length; ++i) {
    const auto masked = index_of(token[secret_length + i]) + alphanumeric.size();
    out += alphanumeric[(masked - index_of(token[i])) % alphanumeric.size()];
  }
  return out;
}

std::string form_token(const Request& request) {
  const auto media = parse_media_type(request.header("Content-Type"));
  Result<Form> form;
  if (media.type == "application/x-www-form-urlencoded") form = parse_urlencoded(request.body);
  if (media.type == "multipart/form-data") form = parse_multipart(request.body, media.boundary);
  // A body that is malformed brings no token; the view will say what is wrong with it.
  const auto* token = form ? form->find("csrfmiddlewaretoken") : nullptr;
  return token == nullptr ? std::string() : *token;
}

// ---- origins

constexpr std::string_view any_subdomain = "*.";

struct Origin {
  std::string_view scheme;
  std::string_view host;  ///< with its port
};

/// The origin at the beginning of a URL; nullopt where there is none.
std::optional<Origin> origin_of(std::string_view url) {
  const auto colon = url.find("://");
  if (colon == url.npos || colon == 0) return std::nullopt;
  const auto rest = url.substr(colon + 3);
  const auto host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty()) return std::nullopt;
  return Origin{url.substr(0, colon), host};
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

/// "example.com", "[::1]", either with a port; in lower case.
bool is_host(std::string_view text) noexcept {
  std::string_view name;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos || end < 3) return false;
    name = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    const auto is_part = [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
    };
    if (!std::all_of(name.begin(), name.end(), is_part)) return false;
  } else {
    name = text.substr(0, text.find(':'));
    text.remove_prefix(name.size());
    const auto is_part = [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
    };
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_part)) return false;
  }
  return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
}

bool is_trusted_origin(std::string_view text) {
  const auto origin = origin_of(text);
  if (!origin || !origin->host.starts_with(any_subdomain)) return is_origin(text);
  std::string without(text);
  without.erase(origin->scheme.size() + 3, any_subdomain.size());
  return is_origin(without);
}

/// Django's is_same_domain(): `pattern` is a host, or ".example.com" for it and all beneath it.
bool is_same_domain(std::string_view host, std::string_view pattern) noexcept {
  if (pattern.empty()) return false;
  if (!pattern.starts_with('.')) return equal_ignoring_case(host, pattern);
  if (equal_ignoring_case(host, pattern.substr(1))) return true;
  return host.size() > pattern.size() &&
         equal_ignoring_case(host.substr(host.size() - pattern.size()), pattern);
}

/// ":8443" of a Host; empty where it has none, or the scheme's.
std::string_view port_of(std::string_view host) noexcept {
  const auto colon = host.rfind(':');
  if (colon == host.npos || host.find(']', colon) != host.npos) return {};
  const auto port = host.substr(colon);
  return port == ":443" || port == ":80" ? std::string_view{} : port;
}

/// `why`: a Text's id.
tl::unexpected<Error> refuse(std::string_view why) {
  return fail(Errc::permission_denied, {why, {}});
}

}  // namespace

bool is_origin(std::string_view text) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) return is_host(text.substr(scheme.size()));
  }
  return false;
}

std::optional<std::string> whole_header(const Request& request, std::string_view name) {
  std::optional<std::string> out;
  for (const auto& field : request.headers) {
    if (!equal_ignoring_case(field.name, name)) continue;
    if (out) {
      out->append(",").append(field.value);
    } else {
      out.emplace(field.value);
    }
  }
  return out;
}

Csrf::Csrf(CsrfSettings settings) : settings_(std::move(settings)) {
  for (const auto& origin : settings_.trusted_origins) {
    if (is_trusted_origin(origin)) continue;
    throw SettingsError("CSRF_TRUSTED_ORIGINS",
                        "\"" + origin +
                            "\" is not an origin like \"https://app.example.com\" or "
                            "\"https://*.example.com\"");
  }
}

bool Csrf::is_trusted(std::string_view sent, const Request& request) const {
  const auto origin = origin_of(sent);
  if (!origin || sent.size() != origin->scheme.size() + 3 + origin->host.size()) return false;
  if (origin->scheme == request.scheme && origin->host == request.host) return true;
  if (!is_origin(sent)) return false;
  const auto& trusted = settings_.trusted_origins;
  return std::any_of(trusted.begin(), trusted.end(), [&](std::string_view entry) {
    const auto ours = origin_of(entry);
    if (ours->scheme != origin->scheme) return false;
    if (!ours->host.starts_with(any_subdomain)) return ours->host == origin->host;
    return is_same_domain(origin->host, ours->host.substr(1));
  });
}

Result<void> Csrf::check_referer(const Request& request) const {
  const auto referer = whole_header(request, "Referer");
  if (!referer) return refuse("CSRF Failed: Referer checking failed - no Referer."_t);
  const auto origin = origin_of(*referer);
  if (!origin) return refuse("CSRF Failed: Referer checking failed - Referer is malformed."_t);
  // "https://evil.example@ours.example" and what else a suffix could be made to match.
  std::string host(origin->host);
  std::transform(host.begin(), host.end(), host.begin(), to_lower);
  if (!is_host(host)) {
    return refuse("CSRF Failed: Referer checking failed - Referer is malformed."_t);
  }
  if (!equal_ignoring_case(origin->scheme, "https")) {
    return refuse(
        "CSRF Failed: Referer checking failed - Referer is insecure while host is secure."_t);
  }
  std::string own(request.host);
  if (const auto& domain = settings_.cookie.domain) own = *domain + std::string(port_of(own));
  const auto& trusted = settings_.trusted_origins;
  const bool good = is_same_domain(host, own) ||
                    std::any_of(trusted.begin(), trusted.end(), [&](std::string_view entry) {
                      auto ours = origin_of(entry)->host;
                      if (ours.starts_with(any_subdomain)) ours.remove_prefix(1);
                      return is_same_domain(host, ours);
                    });
  if (!good) {
    return refuse(
        "CSRF Failed: Referer checking failed - Referer does not match any trusted origins."_t);
  }
  return {};
}

Result<void> Csrf::check(const Request& request) const {
  using enum Method;
  if (request.method == get || request.method == head || request.method == options ||
      request.method_name == "TRACE") {
    return {};
  }
  if (const auto origin = whole_header(request, "Origin")) {
    if (!is_trusted(*origin, request)) {
      return refuse(
          "CSRF Failed: Origin checking failed - Origin does not match any trusted origins."_t);
    }
  } else if (request.scheme == "https") {
    // Someone on the way can set a cookie by plain HTTP, but not make a page of https://.
    if (auto good = check_referer(request); !good) return good;
  }
  const auto cookie = find_cookie(request, settings_.cookie.name);
  if (!cookie) return refuse("CSRF Failed: CSRF cookie not set."_t);
  if (!is_sound(*cookie)) return refuse("CSRF Failed: CSRF cookie is malformed."_t);
  std::string token;
  if (request.method == post) token = form_token(request);
  if (token.empty()) token = request.header(settings_.header_name);
  if (token.empty()) return refuse("CSRF Failed: CSRF token missing."_t);
  if (!is_sound(token) || !equal_constant_time(unmask(token), unmask(*cookie))) {
    return refuse("CSRF Failed: CSRF token incorrect."_t);
  }
  return {};
}

std::string Csrf::ensure_cookie(const Request& request, Response& response) const {
  const auto sent = find_cookie(request, settings_.cookie.name);
  const auto secret =
      sent && is_sound(*sent) ? unmask(*sent) : random_string(secret_length, alphanumeric);
  // What the browser has stays what it is: other pages of ours may have read it.
  set_cookie(response, settings_.cookie,
             sent && is_sound(*sent) ? std::string(*sent) : mask(secret));
  response.add("Vary", "Cookie");
  return mask(secret);
}

void Csrf::renew_cookie(Response& response) const {
  set_cookie(response, settings_.cookie, mask(random_string(secret_length, alphanumeric)));
}

}  // namespace easyjwt::http
