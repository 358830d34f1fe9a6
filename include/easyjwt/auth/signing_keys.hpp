#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/key_store.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/sealer.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/token/key_ring.hpp"
#include "easyjwt/token/settings.hpp"

namespace easyjwt {

/// How long a key is published before it signs, so that everybody who follows
/// /.well-known/jwks.json has it by then: twice the max-age that is promised there.
inline constexpr std::chrono::seconds key_lead{600};
/// The shortest: that in which every node sees a key that one of them has made, several times over.
inline constexpr std::chrono::seconds min_key_lead{10};

/// The keys of an auth-service: the settings' and those in its database, one after the other. Any
/// thread; each call reads the clock once.
class SigningKeys {
 public:
  /// `secret` and its `fallbacks` are SECRET_KEY's. `database` must outlive it.
  SigningKeys(TokenSettings settings, const Secret& secret, std::span<const Secret> fallbacks,
              db::Database& database, Clock clock);

  /// Those that are not dead, the oldest first; the settings' among them.
  Result<std::vector<SigningKey>> list();

  /// What `keys`, which list() gave, are good for now; nullptr where the settings' key is the only
  /// one. Errc::refused: a key cannot be read, and why.
  Result<std::unique_ptr<const KeyRing>> ring(std::span<const SigningKey> keys) const;
  /// Of list().
  Result<std::unique_ptr<const KeyRing>> ring();

  /// Makes a key that is published at once and signs after `lead`, when the one that signs now does
  /// so no more: what that signed stands until the last of it is out of date. Returns the kid.
  /// Deletes keys that are dead. Errc::refused: the last one does not sign yet; Errc::conflict:
  /// another node has just done it.
  Result<std::string> rotate(jose::Algorithm algorithm, std::chrono::seconds lead,
                             unsigned rsa_bits);

  /// Ends a key at once ("settings": the one there): its tokens are refused from here on. One that
  /// is published only is taken back, and the one before it goes on. Errc::refused: it signs now,
  /// or there is none of that name.
  Result<void> retire(std::string_view kid);

 private:
  /// All rows, and the settings' key where it has none.
  Result<std::vector<SigningKey>> read(db::Transaction& transaction, Time now) const;

  const TokenSettings settings_;
  const Sealer sealer_;
  db::Database& database_;
  const Clock clock_;
};

}  // namespace easyjwt
