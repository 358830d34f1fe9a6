#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>
#include <utility>

namespace easyjwt::test {

struct PemPair {
  std::string private_key;
  std::string public_key;
};

inline std::string pem_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

/// A fresh key: kind "RSA" (detail: bits), "EC" (detail: curve) or "ED25519".
inline PemPair make_pem(const char* kind, const char* curve = nullptr, std::size_t bits = 2048) {
  EVP_PKEY* key = curve != nullptr             ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, curve)
                  : std::string(kind) == "RSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, bits)
                                               : EVP_PKEY_Q_keygen(nullptr, nullptr, kind);
  BIO* secret = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  BIO* open = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(open, key);
  EVP_PKEY_free(key);
  return {pem_text(secret), pem_text(open)};
}

}  // namespace easyjwt::test
