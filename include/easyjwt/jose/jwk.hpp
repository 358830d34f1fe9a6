#pragma once

#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/jose/key.hpp"

namespace easyjwt::jose {

/// The public half of a key as a JWK of its required members alone, in the order and form that a
/// thumbprint is taken of (RFC 7638 section 3.2; RFC 7518 section 6, RFC 8037 section 2). Throws
/// KeyError for HS*, which has no public half: a shared secret stands in no set.
std::string public_jwk(const Key& key);
/// The same as an entry of a JWK Set (RFC 7517 section 4), which says what the key is for:
/// {..., "alg": ..., "kid": ..., "use": "sig"}.
std::string public_jwk(const Key& key, std::string_view kid);

/// RFC 7638, of a public key: a kid that follows from the key. Throws KeyError for HS*: what is made
/// of a secret would be a test of guesses at it.
std::string thumbprint(const Key& key);

/// The smallest and the largest RSA key that is made, in bits.
inline constexpr unsigned min_rsa_bits = 2048;
inline constexpr unsigned max_rsa_bits = 8192;

/// What a fresh key is made from: PEM text of a private key (PKCS #8), or for HS* a text with as
/// many random bytes as the hash has. EdDSA: Ed25519. `rsa_bits` is of RS* and PS*, and outside of
/// the limits a KeyError. Takes up to seconds.
Secret generate_key(Algorithm algorithm, unsigned rsa_bits = min_rsa_bits);

}  // namespace easyjwt::jose
