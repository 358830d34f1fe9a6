#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/token/identity.hpp"

namespace easyjwt {

/// As the value of an identity header: what is not printable ASCII percent-encoded, and '%' and ','
/// too, so that a name neither ends the header nor looks like two; spaces at the ends, which HTTP
/// would drop. Decoding is what any language has for URLs.
std::string encode_header_value(std::string_view text);

/// The headers that tell the service behind a proxy who asks: X-Auth-User-Id (the auth-service's
/// id), X-Auth-Email, X-Auth-Is-Staff ("true", "false"), X-Auth-Groups (", " between), and one for
/// each of FORWARD_AUTH.FIELDS. Each is always there, empty where there is nothing to say: a proxy
/// that copies them then replaces what a client has made up.
class IdentityHeaders {
 public:
  /// `fields`: members of what GET /auth/user/ answers, "." between levels: "access_group.name"
  /// becomes X-Auth-Access-Group-Name. Throws SettingsError: a name that makes no header, or one
  /// that is there already.
  explicit IdentityHeaders(const std::vector<std::string>& fields);

  /// "Name: value\r\n" of each; `identity` null: nobody.
  std::string of(const Identity* identity) const;

 private:
  struct Field {
    std::string header;
    std::vector<std::string> path;
  };
  std::vector<Field> fields_;
};

}  // namespace easyjwt
