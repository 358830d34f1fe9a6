#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/jose/key.hpp"
#include "easyjwt/jose/key_set.hpp"

namespace easyjwt {

/// The keys of one moment of an auth-service that has several: one signs, all verify. Unchanging:
/// any thread.
class KeyRing {
 public:
  struct Member {
    /// Empty: the key of the settings, whose tokens name none.
    std::string kid;
    jose::Key key;
    std::string header{};  ///< the one it signs under
  };

  /// Throws std::invalid_argument: no `signing`-th member, it cannot sign, or two of one kid.
  KeyRing(std::vector<Member> members, std::size_t signing);

  const Member& signing() const noexcept { return members_[signing_]; }
  const std::vector<Member>& members() const noexcept { return members_; }

  /// The key that writes this very header, in base64url; nullptr: none.
  const jose::Key* find_by_header(std::string_view header) const noexcept;
  /// The key that a header's words mean: of this algorithm, with this kid; without one the
  /// settings'.
  jose::Candidates find(jose::Algorithm algorithm, std::optional<std::string_view> kid) const;

  /// The public keys among them as a JWK Set (RFC 7517 section 5).
  const std::string& published() const noexcept { return published_; }

 private:
  std::vector<Member> members_;
  std::size_t signing_;
  std::string published_;
};

/// The ring of this moment, which lives as long as the source; nullptr: the settings' key is the
/// only one. Any thread.
using KeyRingSource = std::function<const KeyRing*()>;

}  // namespace easyjwt
