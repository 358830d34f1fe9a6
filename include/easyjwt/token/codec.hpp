#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/jose/key_set.hpp"
#include "easyjwt/token/claims.hpp"
#include "easyjwt/token/key_ring.hpp"
#include "easyjwt/token/settings.hpp"
#include "easyjwt/token/token_type.hpp"

namespace easyjwt {

/// Where verifying keys come from when others sign, too (JWK_URL): the set in which the key of a
/// header's "kid" is to be looked for. Any thread; may do I/O. Errors (Errc::unavailable,
/// Errc::would_wait) are those of the decoding.
using KeySource =
    std::function<Result<std::shared_ptr<const jose::KeySet>>(std::optional<std::string_view> kid)>;

/// For how long the longest of our tokens may stand, with LEEWAY and a minute for clocks that do
/// not agree.
std::chrono::seconds longest_token_life(const TokenSettings& settings) noexcept;
/// LEEWAY, rounded up.
std::chrono::seconds whole_leeway(const TokenSettings& settings) noexcept;

/// Encodes and decodes our tokens: pure but for a KeySource; the time is an argument. Any thread.
class TokenCodec {
 public:
  /// With `source` tokens are verified by its keys of the settings' algorithm alone, and signed by
  /// the settings' key. HS* has no use for it: a shared secret is published nowhere. Without one,
  /// the `ring` signs and verifies while there is one. Throws SettingsError: the key is none of its
  /// algorithm's, or two claims have one name.
  explicit TokenCodec(TokenSettings settings, KeySource source = {}, KeyRingSource ring = {});

  const TokenSettings& settings() const noexcept { return settings_; }
  /// The key of the settings.
  const jose::Key& key() const noexcept { return key_; }
  /// What signs and verifies in its place; nullptr: nothing does.
  const KeyRing* ring() const { return ring_ ? ring_() : nullptr; }
  /// Whether it is signing that a request spends its time on: by any algorithm but HS*.
  bool signs_slowly() const;
  std::chrono::seconds lifetime(TokenType type) const noexcept;

  /// What the original's TokenBackend.decode() does (PyJWT's checks): signature and algorithm; exp,
  /// nbf and iat where they are there, within LEEWAY; aud and iss where they are set; with
  /// ACCESS_TOKEN_TYP the header's typ, too. A claim of
  /// another type than RFC 7519 gives it is refused. Errc::token_not_valid "Token is invalid or
  /// expired"; `reason` says why, for the log. What the KeySource has to say against it comes back
  /// as it is.
  Result<Claims> decode(std::string_view raw, Time now, Scratch& scratch) const;

  /// What the original's Token.verify() adds to decode(): there is an exp and an id, and (but for
  /// untyped) the type is `type`. nullopt: all stands; else the words.
  std::optional<Text> check(const Claims& claims, TokenType type) const;
  /// The window in which a sliding token may be refreshed (its refresh_exp).
  std::optional<Text> check_refresh_window(const Claims& claims, Time now) const;

  /// The user of a token: an integer or a text. nullopt where the claim is missing or is anything
  /// else.
  std::optional<UserIdClaim> user_id(const Claims& claims) const;
  std::string_view token_type(const Claims& claims) const;

  /// The claims of a new token, in the original's order. `revoke`: the REVOKE_TOKEN_CLAIM, or
  /// empty.
  json::object new_claims(TokenType type, UserIdClaim user, std::string_view revoke,
                          std::string_view jti, Time now, json::storage_ptr storage = {}) const;
  /// The access token's claims made from a refresh token's: all but its type, exp and jti.
  json::object access_claims(const json::object& refresh, std::string_view jti, Time now,
                             json::storage_ptr storage = {}) const;
  /// A token's claims with a new exp and iat, and (where `jti` is not empty) a new id.
  json::object renewed_claims(const json::object& claims, TokenType type, std::string_view jti,
                              Time now, json::storage_ptr storage = {}) const;
  /// Signs claims, with aud and iss where they are set; access tokens under ACCESS_TOKEN_TYP.
  std::string encode(json::object claims) const;
  /// Signs anything else that is ours, under a typ that keeps it from being taken for a token.
  std::string sign(std::string_view payload, std::string_view typ) const;

 private:
  /// The signature, by the source's keys. nullopt: it stands.
  std::optional<Error> refuse_by_source(std::string_view raw, std::string& payload) const;

  TokenSettings settings_;
  jose::Key key_;
  KeySource source_;
  KeyRingSource ring_;
};

}  // namespace easyjwt
