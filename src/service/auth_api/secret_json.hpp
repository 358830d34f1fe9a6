#pragma once

#include <string>
#include <utility>

#include "easyjwt/http/response.hpp"

namespace easyjwt {

/// An answer that holds a token, or what holds of one now, must not stay in any cache (RFC 6749
/// section 5.1).
inline http::Response secret_json(std::string body) {
  auto response = http::Response::json(std::move(body));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace easyjwt
