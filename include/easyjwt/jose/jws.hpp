#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/jose/key_set.hpp"

namespace easyjwt::jose {

/// Tokens longer than this are refused unread.
inline constexpr std::size_t max_token_size = 16 * 1024;

/// What else we sign by the keys of tokens says so in its header (RFC 8725 section 3.11): a page of
/// the revocation feed. A JWS of this "typ" is never a token.
inline constexpr std::string_view events_typ = "events+jwt";

/// Appends the compact serialization of `payload` signed by `key` (RFC 7515 section 7.1).
void sign_compact(std::string_view payload, const Key& key, std::string& out);
/// The same under another protected header of the key's algorithm (make_header()).
void sign_compact(std::string_view payload, const Key& key, std::string_view header,
                  std::string& out);

/// Why a compact JWS was refused: for logs and operators, never for the client, to whom every
/// reason is the same.
enum class Refusal {
  none,
  too_long,
  not_three_parts,
  bad_header,       ///< not base64url, not JSON, not an object, or "kid" of another type
  wrong_algorithm,  ///< "alg" is not the key's, "none" in any spelling included
  wrong_type,       ///< "typ" is another than it must be
  critical,         ///< "crit" is there: we know no extension (RFC 7515 section 4.1.11)
  unknown_key,      ///< none of our keys is what the header names
  bad_signature,
  bad_payload,  ///< not base64url
};
std::string_view to_string(Refusal refusal) noexcept;

/// Verifies a compact JWS and decodes its payload into `payload`, whose old content is lost. Any
/// thread.
Refusal verify_compact(std::string_view raw, const Key& key, std::string& payload);

/// What a compact JWS says that it is: the "typ" of its header, in lower case and without
/// "application/" (RFC 7515 section 4.1.9). Empty where it says nothing that can be read.
std::string read_typ(std::string_view raw);

/// Our keys of one algorithm that a header's "kid" (nullopt: it has none) may mean.
using FindKeys = FunctionRef<Candidates(std::optional<std::string_view> kid)>;

/// The same with whichever of several keys signed. The header chooses among the keys of `algorithm`
/// by its "kid" and in no other way. `find` is called for a well-formed token of that algorithm
/// only.
Refusal verify_compact(std::string_view raw, Algorithm algorithm, FindKeys find,
                       std::string& payload);

/// What a JWS must be that is no token.
struct Kind {
  std::string_view typ;      ///< this one, byte for byte
  std::size_t max_size = 0;  ///< bytes of the whole
};
/// The same for what is no token.
Refusal verify_compact(std::string_view raw, const Kind& kind, Algorithm algorithm, FindKeys find,
                       std::string& payload);

/// The key of ours that writes this very header, in base64url, which then needs no reading;
/// nullptr: none.
using KnownHeader = FunctionRef<const Key*(std::string_view header)>;
/// Our keys that a header may mean, by both of its words: each key it returns is of `algorithm`.
using FindKeysOf =
    FunctionRef<Candidates(Algorithm algorithm, std::optional<std::string_view> kid)>;

/// The same with keys of several algorithms. A token names one of our keys, by "alg" and "kid"
/// together; a key that is of another algorithm than the token says is not asked.
Refusal verify_compact(std::string_view raw, KnownHeader known, FindKeysOf find,
                       std::string& payload);

}  // namespace easyjwt::jose
