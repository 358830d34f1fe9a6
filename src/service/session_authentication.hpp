#pragma once

#include <optional>

#include "easyjwt/http/csrf.hpp"
#include "easyjwt/http/request.hpp"
#include "service/browser_sessions.hpp"

namespace easyjwt {

/// REST framework's SessionAuthentication: who is logged in at the browser that sent a request. A
/// browser sends its cookie whoever has it do so: what changes something has to pass the CSRF
/// check.
class SessionAuthentication {
 public:
  /// `sessions` must outlive it.
  SessionAuthentication(const BrowserSessions& sessions, const http::CsrfSettings& csrf)
      : sessions_(sessions), csrf_(csrf) {}

  /// nullopt: nobody. Errc::permission_denied "CSRF Failed: ...".
  Result<std::optional<User>> authenticate(const http::Request& request) const;

 private:
  const BrowserSessions& sessions_;
  const http::Csrf csrf_;
};

}  // namespace easyjwt
