#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace easyjwt {

struct Translations;

/// Everything that can be refused or go wrong, in one flat list. What each one is on the wire
/// (status, "code", default text) is in one table, `describe()`.
enum class Errc {
  // 400
  bad_request,       ///< malformed HTTP or a wrong Host; detail says what
  parse_error,       ///< the body is not what its Content-Type says
  validation_error,  ///< `Error::fields` says what is wrong with which field
  // 401
  not_authenticated,         ///< no credentials
  no_active_account,         ///< a login refused; no "code" on the wire, as the original
  account_gone,              ///< the user of a refresh token is inactive or deleted
  token_not_valid,           ///< a token that does not stand
  bad_authorization_header,  ///< the scheme is ours, the rest is not two words
  user_not_found,            ///< a good token of a user that is no more
  user_inactive,
  password_changed,      ///< CHECK_REVOKE_TOKEN: the token is from before the password
  auth_service_refused,  ///< `Error::body` is what it said
  // 403 to 431
  permission_denied,
  not_found,
  method_not_allowed,
  payload_too_large,
  uri_too_long,
  unsupported_media_type,
  headers_too_large,
  throttled,  ///< 429, Retry-After
  // 5xx
  internal,             ///< a fault of ours; the log has the reason, the client a request id
  not_implemented,      ///< a transfer coding that we don't have
  unavailable,          ///< database, disk or network; Retry-After
  busy,                 ///< a bounded queue is full; Retry-After
  version_unsupported,  ///< neither HTTP/1.0 nor HTTP/1.1
  // never on the wire
  would_wait,  ///< run again where waiting is allowed; nothing was written
  conflict,    ///< a unique constraint; the caller says what that means
  usage,       ///< a command was called wrongly (exit 2)
  refused,     ///< a command refuses (exit 1)
};

/// A text for people: an English template that is looked up in a catalogue once, when it is
/// written, and the arguments for its `{}`, which are data and stay as they are. `id` points at a
/// string literal; a test looks for those that lack a translation (CONTRIBUTING.md).
struct Text {
  std::string_view id;
  std::vector<std::string> args{};

  /// The text in that language (null: English) with its arguments in place.
  std::string str(const Translations* translations = nullptr) const;
  bool empty() const { return id.empty(); }
  friend bool operator==(const Text&, const Text&) = default;
};

/// Marks a literal that becomes a Text's `id` elsewhere.
constexpr const char* operator""_t(const char* english, std::size_t) { return english; }

/// The errors of one field of a form, as REST framework's {"field": ["...", "..."]}.
struct FieldErrors {
  std::string field;
  std::vector<Text> texts;
};

/// Why one of AUTH_TOKEN_CLASSES refused a token (an entry of "messages").
struct TokenMessage {
  std::string_view token_class;  ///< "AccessToken"
  std::string_view token_type;   ///< "access"
  Text message;
};

/// An expected failure. `detail` is for the client, `reason` for the log alone.
struct Error {
  Errc code = Errc::internal;
  Text detail{};         ///< empty: the default of the code
  std::string reason{};  ///< never sent
  std::vector<FieldErrors> fields{};
  std::vector<TokenMessage> messages{};
  std::chrono::seconds retry_after{0};
  std::string body{};  ///< JSON that is sent instead of all that, as somebody else wrote it

  /// Errc::unavailable, worth another attempt after a second.
  static Error unavailable(std::string reason);
  /// {"non_field_errors": [text]}
  static Error non_field(Text text);
  /// {field: [text]}
  static Error field(std::string name, Text text);
};

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning an Error from a function whose type is a Result.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(Errc code, Text detail = {}, std::string reason = {}) {
  return tl::unexpected<Error>(Error{code, std::move(detail), std::move(reason)});
}

/// What a code is on the wire. `status` is 0 for those that never get there; `wire_code` is empty
/// where REST framework writes no "code" member.
struct ErrcDescription {
  int status;
  std::string_view wire_code;
  std::string_view text;
};
const ErrcDescription& describe(Errc code) noexcept;

/// Appends the JSON body of an error: its fields, or {"detail", "code"?, "messages"?}. Its texts
/// are in that language (null: English).
void append_error_body(std::string& out, const Error& error,
                       const Translations* translations = nullptr);

}  // namespace easyjwt
