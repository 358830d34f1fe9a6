#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"

namespace easyjwt {

struct HasherSettings {
  /// PASSWORD_HASHERS: argon2, pbkdf2_sha256, pbkdf2_sha1, bcrypt_sha256, bcrypt, scrypt, or Django's
  /// dotted names of them. The first hashes; an encoding of one that is not listed verifies nothing.
  std::vector<std::string> hashers{"argon2", "pbkdf2_sha256", "pbkdf2_sha1",
                                   "bcrypt_sha256", "bcrypt", "scrypt"};
  bool upgrade = true;        ///< PASSWORD_UPGRADE
  unsigned permits = 0;       ///< hashings at a time; 0: one per core
  std::size_t queue = 0;      ///< waiting for a permit; 0: 64 per core; full: Errc::busy
};

/// Password hashing with Django's encodings (django.contrib.auth.hashers), behind a gate: a permit
/// per core, a bounded queue. Any thread; on one that may not wait each call is Errc::would_wait.
class Hasher {
 public:
  /// Throws std::invalid_argument that names an unknown hasher.
  explicit Hasher(HasherSettings settings);
  ~Hasher();

  struct Verdict {
    bool correct = false;
    bool outdated = false;  ///< correct, and PASSWORD_UPGRADE wants it hashed anew
  };

  /// The encoding of `password` by the first hasher, with a fresh salt.
  Result<std::string> encode(std::string_view password);
  /// Unusable ("!...") and unknown or malformed encodings are wrong passwords, at the cost of one of
  /// the first hasher's; work factors beyond a sane bound count as malformed.
  Result<Verdict> verify(std::string_view password, std::string_view encoded);
  /// What verify() of a wrong password costs, for an e-mail that nobody has: without it the time of the
  /// answer would tell which e-mails exist. `sample` is the encoding of some user of the same
  /// database, so that the cost is a likely one; empty: the first hasher's.
  Result<void> verify_nobody(std::string_view password, std::string_view sample);

  /// Nanoseconds that permits were held, and that they were held for hashing proper (for bench/).
  struct Usage {
    std::uint64_t held = 0;
    std::uint64_t hashing = 0;
  };
  Usage usage() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "!" and 40 random characters (Django's make_password(None)): a password that nothing matches.
std::string unusable_password();
bool is_password_usable(std::string_view encoded) noexcept;

/// The parts of one of the six encodings, checked; nothing is hashed. Used by verify() and fuzzed.
struct PasswordEncoding {
  std::string algorithm;  ///< "argon2", ...
  std::string salt;       ///< as the algorithm's function takes it
  std::string hash;       ///< decoded
  std::uint64_t work = 0;      ///< iterations, rounds (bcrypt's exponent), time cost or scrypt's N
  std::uint64_t memory = 0;    ///< argon2: KiB; scrypt: r
  std::uint64_t parallel = 0;  ///< argon2: lanes; scrypt: p
};
Result<PasswordEncoding> parse_password_encoding(std::string_view encoded);

}  // namespace easyjwt
