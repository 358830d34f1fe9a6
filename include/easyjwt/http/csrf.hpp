#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/http/cookies.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"

namespace easyjwt::http {

/// Whether `text` is an origin as browsers write it: "http://host" or "https://host:8443", in lower
/// case, nothing behind it. "null" and "*" are none.
bool is_origin(std::string_view text) noexcept;

/// The value of a field; of several, all of them joined with commas (as WSGI has it), so that they
/// match nothing: a proxy may have judged the one and we the other. nullopt: there is none.
std::optional<std::string> whole_header(const Request& request, std::string_view name);

/// CSRF_* of the settings.
struct CsrfSettings {
  CookieSettings cookie{.name = "csrftoken", .age = 31449600};
  std::string header_name = "X-CSRFToken";
  /// "https://app.example.com", or "https://*.example.com" for it and all beneath it.
  std::vector<std::string> trusted_origins;
};

/// Django's CsrfViewMiddleware (django.middleware.csrf, 4.0 and later): what changes something must
/// come from a page of ours or of a trusted origin, which shows in its Origin (with TLS and without
/// Origin: its Referer) and in a token that equals the cookie's and that other sites cannot read.
///
/// Cookie and token are 32 letters and digits, the secret, or 64: a mask and the secret masked with
/// it, so that a page's bytes differ each time (BREACH). Django reads ours and we read Django's.
/// Any thread.
class Csrf {
 public:
  /// Throws SettingsError: a trusted origin that is none.
  explicit Csrf(CsrfSettings settings);

  /// A Guard. Errc::permission_denied "CSRF Failed: ..." for a request that may be another site's;
  /// GET, HEAD, OPTIONS and TRACE pass. The token is in the form's csrfmiddlewaretoken, else in
  /// the header.
  Result<void> check(const Request& request) const;

  /// The token for a page's form, masked anew, and the cookie on its way, renewed: the secret that
  /// the browser has, else a new one (Django's get_token()).
  std::string ensure_cookie(const Request& request, Response& response) const;
  /// A new secret, at a login: who knew the one from before it must not know that of the session
  /// (Django's rotate_token()).
  void renew_cookie(Response& response) const;

 private:
  bool is_trusted(std::string_view origin, const Request& request) const;
  Result<void> check_referer(const Request& request) const;

  CsrfSettings settings_;
};

}  // namespace easyjwt::http
