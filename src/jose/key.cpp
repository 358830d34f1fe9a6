#include "easyjwt/jose/key.hpp"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstdint>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "jose/hmac.hpp"
#include "jose/openssl.hpp"

namespace easyjwt::jose {
namespace {

struct Description {
  Algorithm algorithm;
  std::string_view name;
  const char* digest;  ///< nullptr: the algorithm hashes for itself
  int curve;           ///< of ES*
  std::size_t part;    ///< of ES*: the size of r and of s
};

constexpr std::array<Description, 13> descriptions{{
    {Algorithm::hs256, "HS256", "SHA256", 0, 0},
    {Algorithm::hs384, "HS384", "SHA384", 0, 0},
    {Algorithm::hs512, "HS512", "SHA512", 0, 0},
    {Algorithm::rs256, "RS256", "SHA256", 0, 0},
    {Algorithm::rs384, "RS384", "SHA384", 0, 0},
    {Algorithm::rs512, "RS512", "SHA512", 0, 0},
    {Algorithm::es256, "ES256", "SHA256", NID_X9_62_prime256v1, 32},
    {Algorithm::es384, "ES384", "SHA384", NID_secp384r1, 48},
    {Algorithm::es512, "ES512", "SHA512", NID_secp521r1, 66},
    {Algorithm::ps256, "PS256", "SHA256", 0, 0},
    {Algorithm::ps384, "PS384", "SHA384", 0, 0},
    {Algorithm::ps512, "PS512", "SHA512", 0, 0},
    {Algorithm::eddsa, "EdDSA", nullptr, 0, 0},
}};

const Description& describe(Algorithm algorithm) noexcept {
  return descriptions[static_cast<std::size_t>(algorithm)];
}

using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Digest = Owned<EVP_MD, EVP_MD_free>;
using EcdsaSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// Keeps OpenSSL from asking for a pass phrase on the terminal of a service.
int no_passphrase(char*, int, int, void*) { return -1; }

Pkey read_pem(std::string_view pem, bool is_private) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Pkey key(is_private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)
                      : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) {
    throw KeyError(is_private ? "not the PEM text of an unencrypted private key"
                              : "not the PEM text of a public key");
  }
  return key;
}

void check_kind(const Description& row, const EVP_PKEY* key) {
  const std::string name(row.name);
  switch (row.algorithm) {
    case Algorithm::rs256:
    case Algorithm::rs384:
    case Algorithm::rs512:
    case Algorithm::ps256:
    case Algorithm::ps384:
    case Algorithm::ps512:
      if (EVP_PKEY_is_a(key, "RSA") != 1) throw KeyError(name + " needs an RSA key");
      if (EVP_PKEY_get_bits(key) < 2048) {
        throw KeyError(name + " needs an RSA key of at least 2048 bits");
      }
      return;
    case Algorithm::es256:
    case Algorithm::es384:
    case Algorithm::es512: {
      // A key on another curve would make signatures of another size and strength than the name
      // says.
      std::array<char, 64> group{};
      std::size_t size = 0;
      if (EVP_PKEY_is_a(key, "EC") != 1 ||
          EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
          OBJ_sn2nid(group.data()) != row.curve) {
        throw KeyError(name + " needs an EC key on the curve " +
                       (row.algorithm == Algorithm::es256   ? "P-256"
                        : row.algorithm == Algorithm::es384 ? "P-384"
                                                            : "P-521"));
      }
      return;
    }
    case Algorithm::eddsa:
      if (EVP_PKEY_is_a(key, "ED25519") != 1 && EVP_PKEY_is_a(key, "ED448") != 1) {
        throw KeyError(name + " needs an Ed25519 or Ed448 key");
      }
      return;
    case Algorithm::hs256:
    case Algorithm::hs384:
    case Algorithm::hs512: return;
  }
}

/// r || s (RFC 7518 section 3.4) to what OpenSSL takes. Empty where the size is wrong.
std::string to_der(std::string_view raw, std::size_t part) {
  if (raw.size() != 2 * part) return {};
  const EcdsaSignature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes(raw), static_cast<int>(part), nullptr);
  BIGNUM* s = BN_bin2bn(bytes(raw) + part, static_cast<int>(part), nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  std::string der(static_cast<std::size_t>(std::max(i2d_ECDSA_SIG(signature.get(), nullptr), 0)),
                  '\0');
  unsigned char* at = bytes(der);
  i2d_ECDSA_SIG(signature.get(), &at);
  return der;
}

std::string from_der(const std::string& der, std::size_t part) {
  const unsigned char* at = bytes(der);
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(2 * part, '\0');
  if (!signature ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes(raw), static_cast<int>(part)) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes(raw) + part, static_cast<int>(part)) <
          0) {
    throw KeyError("OpenSSL made no ECDSA signature");
  }
  return raw;
}

bool is_pss(Algorithm algorithm) noexcept {
  return algorithm >= Algorithm::ps256 && algorithm <= Algorithm::ps512;
}

/// RFC 7518 section 3.5: MGF1 and a salt as long as the hash.
bool set_padding(const Description& row, EVP_PKEY_CTX* context) noexcept {
  return !is_pss(row.algorithm) ||
         (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

}  // namespace

std::string_view to_string(Algorithm algorithm) noexcept { return describe(algorithm).name; }

std::optional<Algorithm> parse_algorithm(std::string_view name) noexcept {
  for (const auto& row : descriptions) {
    if (row.name == name) return row.algorithm;
  }
  return std::nullopt;
}

std::string make_header(Algorithm algorithm, std::string_view typ, std::string_view kid) {
  std::string header = R"({"alg":")" + std::string(to_string(algorithm)) + R"(","typ":)";
  append_json_string(header, typ);
  if (!kid.empty()) {
    header += R"(,"kid":)";
    append_json_string(header, kid);
  }
  return base64url(header + '}');
}

struct Key::Impl {
  const Description& row;
  std::string header;
  std::optional<Hmac> hmac;
  Digest digest;
  Pkey private_key;
  Pkey public_key;
};

Key::Key(Algorithm algorithm, std::string_view signing, std::string_view verifying)
    : impl_(new Impl{describe(algorithm), {}, {}, {}, {}, {}}) {
  const auto& row = impl_->row;
  impl_->header = make_header(algorithm, "JWT");
  if (is_hmac(algorithm)) {
    if (signing.empty()) throw KeyError(std::string(row.name) + " needs a secret");
    if (signing.find("-----BEGIN ") != std::string_view::npos || signing.starts_with("ssh-")) {
      // A public key is known to everyone: as a secret it would let everyone sign.
      throw KeyError("a PEM or SSH key is no secret for " + std::string(row.name));
    }
    impl_->hmac.emplace(algorithm, signing);
    return;
  }
  if (row.digest != nullptr) impl_->digest.reset(EVP_MD_fetch(nullptr, row.digest, nullptr));
  if (!signing.empty()) {
    impl_->private_key = read_pem(signing, true);
    check_kind(row, impl_->private_key.get());
  }
  if (!verifying.empty()) {
    impl_->public_key = read_pem(verifying, false);
    check_kind(row, impl_->public_key.get());
    // With another's public key everything that we sign would be refused, by ourselves first.
    if (impl_->private_key && EVP_PKEY_eq(impl_->private_key.get(), impl_->public_key.get()) != 1) {
      throw KeyError("the verifying key is not the public half of the signing key");
    }
  } else if (impl_->private_key) {
    EVP_PKEY_up_ref(impl_->private_key.get());
    impl_->public_key.reset(impl_->private_key.get());
  } else {
    throw KeyError(std::string(row.name) + " needs a private or a public key");
  }
}

Key::~Key() = default;
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;

Algorithm Key::algorithm() const noexcept { return impl_->row.algorithm; }
bool Key::can_sign() const noexcept { return impl_->hmac || impl_->private_key; }
std::string_view Key::header() const noexcept { return impl_->header; }

std::string Key::public_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!impl_->public_key || !bio || PEM_write_bio_PUBKEY(bio.get(), impl_->public_key.get()) != 1) {
    throw KeyError("there is no public key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

void Key::sign(std::string_view input, std::string& out) const {
  const auto& row = impl_->row;
  if (impl_->hmac) {
    Hmac::Mac mac;
    const auto size = impl_->hmac->compute(input, mac);
    append_base64url(out, {reinterpret_cast<const char*>(mac.data()), size});
    return;
  }
  if (!impl_->private_key) throw KeyError("a public key signs nothing");
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  std::size_t size = 0;
  std::string signature;
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), &parameters, row.digest, nullptr, nullptr,
                            impl_->private_key.get(), nullptr) != 1 ||
      !set_padding(row, parameters) ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(input), input.size()) != 1) {
    throw KeyError("OpenSSL cannot sign with this key");
  }
  signature.resize(size);
  if (EVP_DigestSign(context.get(), bytes(signature), &size, bytes(input), input.size()) != 1) {
    throw KeyError("OpenSSL cannot sign with this key");
  }
  signature.resize(size);
  append_base64url(out, row.part != 0 ? from_der(signature, row.part) : signature);
}

bool Key::verify(std::string_view input, std::string_view signature) const noexcept try {
  const auto& row = impl_->row;
  if (impl_->hmac) {
    Hmac::Mac mac;
    const auto size = impl_->hmac->compute(input, mac);
    return equal_constant_time({reinterpret_cast<const char*>(mac.data()), size}, signature);
  }
  std::string der;
  if (row.part != 0) {
    der = to_der(signature, row.part);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const bool good = context &&
                    EVP_DigestVerifyInit_ex(context.get(), &parameters, row.digest, nullptr,
                                            nullptr, impl_->public_key.get(), nullptr) == 1 &&
                    set_padding(row, parameters) &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(),
                                     bytes(input), input.size()) == 1;
  ERR_clear_error();
  return good;
} catch (const std::exception&) {
  return false;  // out of memory: nothing was verified
}

}  // namespace easyjwt::jose
