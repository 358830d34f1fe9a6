#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"

namespace easyjwt::test {

inline std::string jwk_number(const EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<std::size_t>(size != 0 ? size : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  BN_free(number);
  return base64url(bytes);
}

/// The JWK of a public key, with `more` members: R"("kid":"a","alg":"RS256")".
inline std::string jwk(const std::string& public_pem, std::string_view more = "") {
  BIO* bio = BIO_new_mem_buf(public_pem.data(), static_cast<int>(public_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  std::string out = "{";
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    out += R"("kty":"RSA","n":")" + jwk_number(key, OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
           jwk_number(key, OSSL_PKEY_PARAM_RSA_E) + '"';
  } else if (EVP_PKEY_is_a(key, "EC") == 1) {
    const int bits = EVP_PKEY_get_bits(key);
    const int size = (bits + 7) / 8;
    out += R"("kty":"EC","crv":"P-)" + std::to_string(bits) + R"(","x":")" +
           jwk_number(key, OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
           jwk_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size) + '"';
  } else {
    std::string bytes(32, '\0');
    std::size_t size = bytes.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size);
    out += R"("kty":"OKP","crv":"Ed25519","x":")" + base64url(bytes) + '"';
  }
  EVP_PKEY_free(key);
  if (!more.empty()) out.append(",").append(more);
  return out + "}";
}

}  // namespace easyjwt::test
