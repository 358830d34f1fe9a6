#include "token_cppjwt.hpp"

#include <jwt/jwt.hpp>

bool cppjwt_verify(const std::string& raw, const std::string& key, const std::string& algorithm) {
  std::error_code error;
  jwt::decode(raw, jwt::params::algorithms({algorithm}), error, jwt::params::secret(key),
              jwt::params::verify(true));
  return !error;
}
