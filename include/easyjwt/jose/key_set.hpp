#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/jose/key.hpp"

namespace easyjwt::jose {

/// Of a JWK Set as text, and of what is in it. A larger set is refused; a larger key is none.
inline constexpr std::size_t max_key_set_size = 256 * 1024;
inline constexpr std::size_t max_keys = 128;
inline constexpr std::size_t max_kid_size = 256;
/// How many keys are tried on a token that names none: each costs a verification.
inline constexpr std::size_t max_candidates = 8;

/// Keys that may have signed a token. Views into the KeySet.
class Candidates {
 public:
  void add(const Key& key) {
    if (size_ < keys_.size()) keys_[size_++] = &key;
  }
  const Key* const* begin() const noexcept { return keys_.data(); }
  const Key* const* end() const noexcept { return keys_.data() + size_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<const Key*, max_candidates> keys_{};
  std::size_t size_ = 0;
};

/// The keys of a JWK Set (RFC 7517, 8037) that verify signatures, each bound to one algorithm.
/// Unchanging: any thread.
class KeySet {
 public:
  /// What oct keys, which are shared secrets, are in a set. In one that was published they are
  /// nobody's secret, and taking them would let every reader of the set sign.
  enum class Secrets { skip, take };

  /// A key is of its "alg", or of `algorithm` where it has none. Skipped, as RFC 7517 section 5
  /// has it, is every key that is not for us or not sound: another "kty", curve or "alg", one that
  /// "kty" and curve do not fit, a "use" other than "sig", "key_ops" without "verify", a member
  /// that is missing, malformed or beyond the limits; and a second key of the same "kid" and
  /// algorithm. Private members are not looked at.
  ///
  /// Errc::parse_error, with a `reason`: no JSON object with an array "keys", or beyond the limits.
  static Result<KeySet> parse(std::string_view text, Algorithm algorithm,
                              Secrets secrets = Secrets::skip);

  /// With a `kid` the key of that name; without one all keys (the first max_candidates) of the
  /// algorithm, whether or not they have names. Never a key of another algorithm.
  Candidates candidates(Algorithm algorithm, std::optional<std::string_view> kid) const;

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t skipped() const noexcept { return skipped_; }

 private:
  struct Entry {
    std::optional<std::string> kid;
    Key key;
  };
  std::vector<Entry> entries_;
  std::size_t skipped_ = 0;
};

}  // namespace easyjwt::jose
