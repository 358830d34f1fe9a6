#include "easyjwt/jose/key_set.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <new>
#include <utility>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "jose/openssl.hpp"

namespace easyjwt::jose {
namespace {

/// 8192 bits: what lies beyond costs more to verify than anything that it would protect.
constexpr std::size_t max_modulus = 1024;
constexpr std::size_t max_exponent = 8;

using PkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Builder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using Number = Owned<BIGNUM, BN_free>;

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string_view> text_of(const json::object& jwk, std::string_view name) {
  const auto* member = jwk.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string_view(member->get_string());
}

std::optional<std::string> bytes_of(const json::object& jwk, std::string_view name) {
  const auto text = text_of(jwk, name);
  if (!text) return std::nullopt;
  return decode_base64url(*text);
}

/// A Base64urlUInt (RFC 7518 section 2). Zeros in front, which some writers put there, go.
std::optional<std::string> number_of(const json::object& jwk, std::string_view name) {
  auto number = bytes_of(jwk, name);
  if (number) number->erase(0, number->find_first_not_of('\0'));
  return number;
}

Pkey from_params(const char* kind, const Params& params) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (context && params && EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  }
  return Pkey(key);
}

/// RFC 7518 section 6.3.1. That the modulus is not too short is judged where the Key is made.
Pkey read_rsa(const json::object& jwk) {
  const auto n = number_of(jwk, "n"), e = number_of(jwk, "e");
  if (!n || !e || n->empty() || n->size() > max_modulus || e->empty() || e->size() > max_exponent) {
    return nullptr;
  }
  // With an exponent of 1 everything is its own signature.
  const bool is_odd = (static_cast<unsigned char>(e->back()) & 1) != 0;
  if (!is_odd || *e == "\x01" || (static_cast<unsigned char>(n->back()) & 1) == 0) return nullptr;
  const Number modulus(BN_bin2bn(bytes(*n), static_cast<int>(n->size()), nullptr));
  const Number exponent(BN_bin2bn(bytes(*e), static_cast<int>(e->size()), nullptr));
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    throw std::bad_alloc();
  }
  return from_params("RSA", Params(OSSL_PARAM_BLD_to_param(builder.get())));
}

/// RFC 7518 section 6.2.1. OpenSSL refuses a point that is not on the curve.
Pkey read_ec(const json::object& jwk) {
  struct Curve {
    std::string_view name;
    std::size_t part;
  };
  static constexpr std::array<Curve, 3> curves{{{"P-256", 32}, {"P-384", 48}, {"P-521", 66}}};
  const auto name = text_of(jwk, "crv");
  const auto curve = std::find_if(curves.begin(), curves.end(),
                                  [&](const auto& c) { return name && c.name == *name; });
  if (curve == curves.end()) return nullptr;
  const auto x = bytes_of(jwk, "x"), y = bytes_of(jwk, "y");
  // Of full size, zeros in front included: any other size has more than one reading.
  if (!x || !y || x->size() != curve->part || y->size() != curve->part) return nullptr;
  const std::string point = '\x04' + *x + *y;
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->name.data(),
                                      curve->name.size()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    throw std::bad_alloc();
  }
  return from_params("EC", Params(OSSL_PARAM_BLD_to_param(builder.get())));
}

/// RFC 8037 section 2.
Pkey read_okp(const json::object& jwk) {
  const auto x = bytes_of(jwk, "x");
  if (text_of(jwk, "crv") != "Ed25519" || !x || x->size() != 32) return nullptr;
  return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes(*x), x->size()));
}

std::string to_pem(const Pkey& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

/// RFC 7518 section 3.2: a secret as long as the hash, at least.
bool is_long_enough(std::string_view secret, Algorithm algorithm) {
  const std::size_t size = algorithm == Algorithm::hs256   ? 32
                           : algorithm == Algorithm::hs384 ? 48
                                                           : 64;
  return secret.size() >= size;
}

/// RFC 7517 sections 4.2 and 4.3.
bool may_verify(const json::object& jwk) {
  if (jwk.contains("use") && text_of(jwk, "use") != "sig") return false;
  const auto* operations = jwk.if_contains("key_ops");
  if (operations == nullptr) return true;
  if (!operations->is_array()) return false;
  const auto& list = operations->get_array();
  return std::any_of(list.begin(), list.end(), [](const json::value& operation) {
    return operation.is_string() && operation.get_string() == "verify";
  });
}

/// nullopt: a key that is to be skipped.
std::optional<Key> read_key(const json::object& jwk, Algorithm algorithm,
                            KeySet::Secrets secrets) try {
  const auto kty = text_of(jwk, "kty");
  if (!kty || !may_verify(jwk)) return std::nullopt;
  if (jwk.contains("alg")) {
    const auto own = parse_algorithm(text_of(jwk, "alg").value_or(""));
    if (!own) return std::nullopt;
    algorithm = *own;
  }
  if (*kty == "oct") {
    if (secrets == KeySet::Secrets::skip || !is_hmac(algorithm)) return std::nullopt;
    const Secret secret(bytes_of(jwk, "k").value_or(""));
    if (!is_long_enough(secret.view(), algorithm)) return std::nullopt;
    return Key(algorithm, secret.view());
  }
  // A public key must never become an HMAC secret.
  if (is_hmac(algorithm)) return std::nullopt;
  const auto key = *kty == "RSA"   ? read_rsa(jwk)
                   : *kty == "EC"  ? read_ec(jwk)
                   : *kty == "OKP" ? read_okp(jwk)
                                   : nullptr;
  ERR_clear_error();
  if (!key) return std::nullopt;
  // Through the one door for keys, which judges kind, curve and size.
  return Key(algorithm, {}, to_pem(key));
} catch (const KeyError&) {
  return std::nullopt;
}

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::parse_error, {}, std::move(reason));
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text, Algorithm algorithm, Secrets secrets) {
  if (text.size() > max_key_set_size) return refuse("a JWK Set of more than 256 KiB");
  const auto value = parse_json(text);
  if (!value) return refuse("no JWK Set: " + value.error().detail.str());
  const auto* object = value->if_object();
  const auto* member = object != nullptr ? object->if_contains("keys") : nullptr;
  const auto* keys = member != nullptr ? member->if_array() : nullptr;
  if (keys == nullptr) return refuse("no JWK Set: no JSON object with an array \"keys\"");
  if (keys->size() > max_keys) return refuse("a JWK Set of more than 128 keys");

  KeySet set;
  for (const auto& jwk : *keys) {
    ++set.skipped_;
    if (!jwk.is_object()) continue;
    std::optional<std::string> kid;
    if (jwk.get_object().contains("kid")) {
      const auto name = text_of(jwk.get_object(), "kid");
      if (!name || name->size() > max_kid_size) continue;
      kid = *name;
    }
    auto key = read_key(jwk.get_object(), algorithm, secrets);
    if (!key || (kid && !set.candidates(key->algorithm(), kid).empty())) continue;
    set.entries_.push_back({std::move(kid), *std::move(key)});
    --set.skipped_;
  }
  return set;
}

Candidates KeySet::candidates(Algorithm algorithm, std::optional<std::string_view> kid) const {
  Candidates found;
  for (const auto& entry : entries_) {
    if (entry.key.algorithm() == algorithm && (!kid || entry.kid == *kid)) found.add(entry.key);
  }
  return found;
}

}  // namespace easyjwt::jose
