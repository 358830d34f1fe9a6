#pragma once

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/token/flat_object.hpp"
#include "easyjwt/token/settings.hpp"
#include "easyjwt/token/token_type.hpp"

namespace easyjwt {

/// What a token says of whom it is for, before anyone has looked: the USER_ID_CLAIM.
using UserIdClaim = std::variant<std::int64_t, std::string_view>;

/// The memory of one decoding; Claims are views into it. One thread at a time; the next decoding
/// overwrites the last.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Where whoever verifies a signature puts the payload for read_claims().
  std::string& payload() noexcept { return payload_; }

 private:
  friend struct Claims;
  friend Result<struct Claims> read_claims(const TokenSettings& settings, Time now,
                                           Scratch& scratch);

  /// The payload as a tree; nullptr: it is no JSON object.
  const json::object* parse();

  std::string payload_;
  FlatObject flat_;
  bool is_flat_ = false;
  std::array<unsigned char, 4096> buffer_;  // the claims of any usual token, with no allocation
  std::optional<json::monotonic_resource> arena_;
  std::optional<json::value> value_;  // in the arena: declared after it, gone before it
};

/// The claims of a token whose signature, times, audience and issuer stand. Views into a Scratch.
struct Claims {
  Scratch* scratch = nullptr;
  std::string_view jti;  ///< empty: there is none
  /// Seconds since 1970, rounded down.
  std::optional<std::int64_t> exp, nbf, iat;

  std::optional<Claim> find(std::string_view name) const;
  /// One that is a text; nullopt: it is not there, or anything else.
  std::optional<std::string_view> find_text(std::string_view name) const;
  /// All of them; of a token of the usual kind a tree is made only here.
  const json::object& members() const;
};

/// What Claims::find() finds, among claims that are no token's yet.
std::optional<Claim> find_claim(const json::object& claims, std::string_view name);

/// The second half of a decoding: judges the claims of a payload whose signature stands, as
/// TokenCodec::decode() says.
Result<Claims> read_claims(const TokenSettings& settings, Time now, Scratch& scratch);

/// With ACCESS_TOKEN_TYP: whether a token's header says that it is a token of ours, "at+jwt" or (as
/// the refresh tokens, and the access tokens from before the setting) "JWT". RFC 9068 section 4
/// would have the latter refused; that no other kind of token passes for an access token, which is
/// what that is for, the TOKEN_TYPE_CLAIM sees to.
bool fits_typ(const TokenSettings& settings, std::string_view raw);

/// TokenCodec::check() and user_id().
std::optional<Text> check_claims(const TokenSettings& settings, const Claims& claims,
                                 TokenType type);
std::optional<UserIdClaim> user_id_claim(const TokenSettings& settings, const Claims& claims);

/// A NumericDate (RFC 7519 section 2) in seconds: an integer or a fraction until the year 9999;
/// nothing that only looks like one.
std::optional<double> numeric_date(const Claim& claim) noexcept;

}  // namespace easyjwt
