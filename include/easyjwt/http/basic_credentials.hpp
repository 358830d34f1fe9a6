#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::http {

/// How an OAuth client shows who it is in an Authorization field: HTTP Basic (RFC 7617) with id and
/// secret each form-urlencoded before (RFC 6749 section 2.3.1).
struct BasicCredentials {
  std::string id;
  Secret secret;
};

/// Whether an Authorization field is of the scheme Basic, well-formed or not.
bool is_basic(std::string_view field) noexcept;
/// nullopt: of another scheme, not base64, or without a colon.
std::optional<BasicCredentials> parse_basic(std::string_view field);

}  // namespace easyjwt::http
