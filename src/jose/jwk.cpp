#include "easyjwt/jose/jwk.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <utility>

#include "easyjwt/core/json.hpp"
#include "easyjwt/core/random.hpp"
#include "jose/openssl.hpp"

namespace easyjwt::jose {
namespace {

using Number = Owned<BIGNUM, BN_free>;

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

[[noreturn]] void give_up(const char* what) {
  ERR_clear_error();
  throw KeyError(what);
}

/// A number in base64url: in as few bytes as it needs, or in `size`, zeros in front (the
/// coordinates of RFC 7518 section 6.2.1.2).
std::string number(const EVP_PKEY* key, const char* name, std::size_t size = 0) {
  BIGNUM* found = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &found) != 1) give_up("OpenSSL does not show the key");
  const Number value(found);
  std::string out(size != 0 ? size : static_cast<std::size_t>(BN_num_bytes(found)), '\0');
  if (BN_bn2binpad(found, bytes(out), static_cast<int>(out.size())) < 0) {
    give_up("OpenSSL does not show the key");
  }
  return base64url(out);
}

std::string rsa_jwk(const EVP_PKEY* key) {
  return R"({"e":")" + number(key, OSSL_PKEY_PARAM_RSA_E) + R"(","kty":"RSA","n":")" +
         number(key, OSSL_PKEY_PARAM_RSA_N) + "\"}";
}

std::string ec_jwk(const EVP_PKEY* key) {
  const auto bits = static_cast<std::size_t>(EVP_PKEY_get_bits(key));
  const std::size_t size = (bits + 7) / 8;
  return R"({"crv":"P-)" + std::to_string(bits) + R"(","kty":"EC","x":")" +
         number(key, OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
         number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"}";
}

std::string okp_jwk(const EVP_PKEY* key) {
  std::string x(57, '\0');  // Ed448's; Ed25519's are 32
  std::size_t size = x.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes(x), &size) != 1) {
    give_up("OpenSSL does not show the key");
  }
  x.resize(size);
  return std::string(R"({"crv":")") + (size == 32 ? "Ed25519" : "Ed448") +
         R"(","kty":"OKP","x":")" + base64url(x) + "\"}";
}

Pkey generate_pair(Algorithm algorithm, unsigned rsa_bits) {
  switch (algorithm) {
    case Algorithm::es256: return Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    case Algorithm::es384: return Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
    case Algorithm::es512: return Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"));
    case Algorithm::eddsa: return Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    default: break;
  }
  if (rsa_bits < min_rsa_bits || rsa_bits > max_rsa_bits) {
    throw KeyError("an RSA key has 2048 to 8192 bits");
  }
  return Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits)));
}

std::size_t hash_size(Algorithm algorithm) {
  return algorithm == Algorithm::hs256 ? 32 : algorithm == Algorithm::hs384 ? 48 : 64;
}

}  // namespace

std::string public_jwk(const Key& key) {
  const auto pem = key.public_pem();
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Pkey open(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!open) give_up("OpenSSL does not show the key");
  if (EVP_PKEY_is_a(open.get(), "RSA") == 1) return rsa_jwk(open.get());
  if (EVP_PKEY_is_a(open.get(), "EC") == 1) return ec_jwk(open.get());
  return okp_jwk(open.get());
}

std::string public_jwk(const Key& key, std::string_view kid) {
  auto jwk = public_jwk(key);
  jwk.pop_back();
  jwk += R"(,"alg":")" + std::string(to_string(key.algorithm())) + R"(","kid":)";
  append_json_string(jwk, kid);
  return jwk + R"(,"use":"sig"})";
}

std::string thumbprint(const Key& key) { return base64url(sha256(public_jwk(key))); }

Secret generate_key(Algorithm algorithm, unsigned rsa_bits) {
  if (is_hmac(algorithm)) {
    std::array<char, 64> random;
    const auto size = hash_size(algorithm);
    random_bytes(random.data(), size);
    Secret secret(base64url({random.data(), size}));
    wipe(random.data(), random.size());
    return secret;
  }
  const auto key = generate_pair(algorithm, rsa_bits);
  // Of the secure kind: wiped when it is freed.
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!key || !bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    give_up("OpenSSL made no key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Secret(std::string(data, static_cast<std::size_t>(size)));
}

}  // namespace easyjwt::jose
