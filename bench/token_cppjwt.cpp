#include "token_cppjwt.hpp"

#include <jwt/jwt.hpp>

bool cppjwt_verify(const std::string& raw, const std::string& secret) {
  std::error_code error;
  jwt::decode(raw, jwt::params::algorithms({"HS256"}), error, jwt::params::secret(secret),
              jwt::params::verify(true));
  return !error;
}
