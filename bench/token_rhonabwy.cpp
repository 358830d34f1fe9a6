#include "token_rhonabwy.hpp"

extern "C" {
#include <rhonabwy.h>
}

std::function<bool(const std::string&)> rhonabwy(const std::string& algorithm,
                                                 const std::string& secret,
                                                 const std::string& pem) {
  jwk_t* jwk = nullptr;
  r_jwk_init(&jwk);
  const int imported =
      algorithm == "HS256"
          ? r_jwk_import_from_symmetric_key(
                jwk, reinterpret_cast<const unsigned char*>(secret.data()), secret.size())
          : r_jwk_import_from_pem_der(jwk, R_X509_TYPE_PUBKEY, R_FORMAT_PEM,
                                      reinterpret_cast<const unsigned char*>(pem.data()),
                                      pem.size());
  if (imported != RHN_OK) return {};
  return [jwk](const std::string& token) {
    jwt_t* jwt = nullptr;
    r_jwt_init(&jwt);
    const bool good = r_jwt_parse(jwt, token.c_str(), 0) == RHN_OK &&
                      r_jwt_verify_signature(jwt, jwk, 0) == RHN_OK;
    r_jwt_free(jwt);
    return good;
  };
}
