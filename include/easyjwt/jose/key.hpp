#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace easyjwt::jose {

/// The signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1).
enum class Algorithm {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  es256,
  es384,
  es512,
  ps256,
  ps384,
  ps512,
  eddsa,
};
std::string_view to_string(Algorithm algorithm) noexcept;  ///< "HS256"
std::optional<Algorithm> parse_algorithm(std::string_view name) noexcept;
constexpr bool is_hmac(Algorithm algorithm) noexcept { return algorithm <= Algorithm::hs512; }

/// Key material that cannot be a key of its algorithm. what() never has the material in it.
struct KeyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A protected header in base64url: {"alg":"HS256","typ":"JWT"}, and "kid" last where it is not
/// empty.
std::string make_header(Algorithm algorithm, std::string_view typ, std::string_view kid = {});

/// A key and the one algorithm that it is for. What a token's header says never chooses either:
/// that is how "alg": "none" and an RSA public key taken for an HMAC secret get in. sign() and
/// verify() may be called by any thread, at the same time.
class Key {
 public:
  /// HS*: `signing` is the secret. Others: PEM text of a private key (PKCS #8 or traditional), or
  /// empty; `verifying` is PEM text of the public key, or empty to take it from the private one.
  /// Throws KeyError: wrong kind or curve, RSA below 2048 bits (RFC 7518 section 3.3), two keys
  /// that are no pair, an empty secret, or PEM text as an HMAC secret.
  Key(Algorithm algorithm, std::string_view signing, std::string_view verifying = {});
  ~Key();
  Key(Key&&) noexcept;
  Key& operator=(Key&&) noexcept;

  Algorithm algorithm() const noexcept;
  bool can_sign() const noexcept;
  /// The protected header that this key writes, in base64url: {"alg":"HS256","typ":"JWT"}.
  std::string_view header() const noexcept;
  /// PEM text of the public key. Throws KeyError for HS*, which has none.
  std::string public_pem() const;

  /// Appends the signature of `input`, in base64url. Throws KeyError where there is no private key.
  void sign(std::string_view input, std::string& out) const;
  /// Whether `signature` (bytes) is one of `input` by this key.
  bool verify(std::string_view input, std::string_view signature) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt::jose
