#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"

namespace easyjwt {

struct HasherSettings {
  /// PASSWORD_HASHERS: argon2, pbkdf2_sha256, pbkdf2_sha1, bcrypt_sha256, bcrypt, scrypt, or
  /// Django's dotted names of them. The first hashes; an encoding of one that is not listed
  /// verifies nothing.
  std::vector<std::string> hashers{"argon2",        "pbkdf2_sha256", "pbkdf2_sha1",
                                   "bcrypt_sha256", "bcrypt",        "scrypt"};
  bool upgrade = true;    ///< PASSWORD_UPGRADE
  unsigned permits = 0;   ///< hashings at a time; 0: one per core
  std::size_t queue = 0;  ///< waiting for a permit; 0: 64 per core; full: Errc::busy
};

/// Password hashing with Django's encodings (django.contrib.auth.hashers), behind a gate: a permit
/// per core, a bounded queue in order of arrival (full: Errc::busy). Any thread; on one that may
/// not wait each call is Errc::would_wait. Errc::unavailable where there is no memory to hash with.
///
/// New encodings have OWASP's work factors (Password Storage Cheat Sheet): argon2id with 19456 KiB,
/// 2 passes, 1 lane; PBKDF2 with 600,000 (SHA-256) or 1,300,000 (SHA-1) iterations; bcrypt with 12
/// rounds; scrypt with N=2^14, r=8, p=5. Outdated is what another algorithm made (another variant
/// or version of argon2 is another algorithm), or what needs less work or less memory than these;
/// the single factors may differ: Django's argon2 (100 MiB, 2 passes, 8 lanes) is not outdated.
class Hasher {
 public:
  /// Throws SettingsError (PASSWORD_HASHERS) that names an unknown hasher, or where there is none.
  explicit Hasher(HasherSettings settings);
  ~Hasher();

  struct Verdict {
    bool correct = false;
    bool outdated = false;  ///< correct, and PASSWORD_UPGRADE wants it hashed anew
  };

  /// The encoding of `password` by the first hasher, with a fresh salt. Errc::validation_error for
  /// a NUL where that is bcrypt, which would end there.
  Result<std::string> encode(std::string_view password);
  /// Unusable ("!...") and unknown or malformed encodings are wrong passwords, at the cost of one
  /// of the first hasher's; work factors beyond a sane bound count as malformed.
  Result<Verdict> verify(std::string_view password, std::string_view encoded);
  /// What verify() of a wrong password costs, for an e-mail that nobody has: without it the time of
  /// the answer would tell which e-mails exist. `sample` is the encoding of some user of the same
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

/// `encoded` put away: a password that nothing matches, to Django neither, until whoever chose it
/// has shown that the account's e-mail reaches them (EMAIL_VERIFICATION). Three characters longer,
/// so that scrypt's encodings do not fit into their column.
std::string unverified_password(std::string_view encoded);
/// What was put away; nullopt: nothing was.
std::optional<std::string_view> put_away_password(std::string_view password) noexcept;

/// The parts of one of the six encodings; nothing is hashed. Used by verify() and fuzzed.
struct PasswordEncoding {
  std::string algorithm;  ///< "argon2", ...
  std::string variant;  ///< "argon2id", "argon2i", "argon2d"; bcrypt: "2a", "2b", "2y"; else empty
  std::string salt;     ///< as the algorithm's function takes it; bcrypt: its 22 characters
  std::string hash;     ///< decoded; bcrypt: its 31 characters
  std::uint64_t work = 0;      ///< iterations, rounds (bcrypt's exponent), time cost or scrypt's N
  std::uint64_t memory = 0;    ///< argon2: KiB; scrypt: r
  std::uint64_t parallel = 0;  ///< argon2: lanes; scrypt: p
  std::uint64_t version = 0;   ///< argon2: 16, 19; 0 where none is written, which means 16
};

/// Errc::validation_error for what is none of the six, for what Django's hashers never write
/// (numbers with leading zeros, base64 with bits left over) and for work factors that would take
/// more than 1 GiB or some ten seconds: a database that is adopted may hold anything. Never throws
/// for its input.
Result<PasswordEncoding> parse_password_encoding(std::string_view encoded);

}  // namespace easyjwt
