#include "easyjwt/core/error.hpp"

#include "easyjwt/core/json.hpp"
#include "easyjwt/core/translations.hpp"

namespace easyjwt {

std::string Text::str(const Translations* translations) const {
  const auto text = translations != nullptr ? translations->find(id) : id;
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '}') {
      if (next < args.size()) out += args[next++];
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Error Error::unavailable(std::string reason) {
  Error error{Errc::unavailable, {}, std::move(reason)};
  error.retry_after = std::chrono::seconds{1};
  return error;
}

Error Error::non_field(Text text) { return field("non_field_errors", std::move(text)); }

Error Error::field(std::string name, Text text) {
  Error error{Errc::validation_error};
  error.fields.push_back({std::move(name), {std::move(text)}});
  return error;
}

const ErrcDescription& describe(Errc code) noexcept {
  // The texts are REST framework's and the original's, to the byte.
  static constexpr std::string_view not_valid = "token_not_valid";
  static const ErrcDescription bad_request{400, "", "Bad request."_t};
  static const ErrcDescription parse_error{400, "", "Malformed request."_t};
  static const ErrcDescription validation{400, "", "Invalid input."_t};
  static const ErrcDescription not_authenticated{401, "",
                                                 "Authentication credentials were not provided."_t};
  static constexpr std::string_view no_account =
      "No active account found with the given credentials"_t;
  static const ErrcDescription no_active_account{401, "", no_account};
  static const ErrcDescription account_gone{401, "no_active_account", no_account};
  static const ErrcDescription token_not_valid{401, not_valid, "Token is invalid or expired"_t};
  static const ErrcDescription bad_header{
      401, "bad_authorization_header",
      "Authorization header must contain two space-delimited values"_t};
  static const ErrcDescription user_not_found{401, "user_not_found", "User not found"_t};
  static const ErrcDescription user_inactive{401, "user_inactive", "User is inactive"_t};
  static const ErrcDescription password_changed{401, "password_changed",
                                                "The user's password has been changed."_t};
  static const ErrcDescription remote_refusal{401, "",
                                              "Authentication service returned an error."_t};
  static const ErrcDescription throttled{429, "", "Request was throttled."_t};
  static const ErrcDescription denied{403, "",
                                      "You do not have permission to perform this action."_t};
  static const ErrcDescription not_found{404, "", "Not found."_t};
  static const ErrcDescription method{405, "", "Method not allowed."_t};
  static const ErrcDescription payload{413, "", "Request body is too large."_t};
  static const ErrcDescription uri{414, "", "Request URI is too long."_t};
  static const ErrcDescription media{415, "", "Unsupported media type in request."_t};
  static const ErrcDescription headers{431, "", "Request header fields are too large."_t};
  static const ErrcDescription internal{500, "", "A server error occurred."_t};
  static const ErrcDescription not_implemented{501, "", "Transfer coding is not implemented."_t};
  static const ErrcDescription unavailable{503, "",
                                           "Service temporarily unavailable, try again later."_t};
  static const ErrcDescription version{505, "", "HTTP version is not supported."_t};
  static const ErrcDescription inside{0, "", ""};
  switch (code) {
    case Errc::bad_request: return bad_request;
    case Errc::parse_error: return parse_error;
    case Errc::validation_error: return validation;
    case Errc::not_authenticated: return not_authenticated;
    case Errc::no_active_account: return no_active_account;
    case Errc::account_gone: return account_gone;
    case Errc::token_not_valid: return token_not_valid;
    case Errc::bad_authorization_header: return bad_header;
    case Errc::user_not_found: return user_not_found;
    case Errc::user_inactive: return user_inactive;
    case Errc::password_changed: return password_changed;
    case Errc::auth_service_refused: return remote_refusal;
    case Errc::throttled: return throttled;
    case Errc::permission_denied: return denied;
    case Errc::not_found: return not_found;
    case Errc::method_not_allowed: return method;
    case Errc::payload_too_large: return payload;
    case Errc::uri_too_long: return uri;
    case Errc::unsupported_media_type: return media;
    case Errc::headers_too_large: return headers;
    case Errc::internal: return internal;
    case Errc::not_implemented: return not_implemented;
    case Errc::unavailable:
    case Errc::busy: return unavailable;
    case Errc::version_unsupported: return version;
    case Errc::would_wait:
    case Errc::conflict:
    case Errc::usage:
    case Errc::refused: return inside;
  }
  return internal;
}

void append_error_body(std::string& out, const Error& error, const Translations* translations) {
  if (!error.body.empty()) {
    out += error.body;
    return;
  }
  const auto& row = describe(error.code);
  out += '{';
  if (!error.fields.empty()) {
    bool first_field = true;
    for (const auto& [field, texts] : error.fields) {
      if (!first_field) out += ',';
      first_field = false;
      append_json_string(out, field);
      out += ":[";
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, texts[i].str(translations));
      }
      out += ']';
    }
    out += '}';
    return;
  }
  out += "\"detail\":";
  append_json_string(out, error.detail.empty() ? Text{row.text, {}}.str(translations)
                                               : error.detail.str(translations));
  if (!row.wire_code.empty()) {
    out += ",\"code\":";
    append_json_string(out, row.wire_code);
  }
  if (!error.messages.empty()) {
    out += ",\"messages\":[";
    for (std::size_t i = 0; i < error.messages.size(); ++i) {
      const auto& message = error.messages[i];
      out += i > 0 ? ",{\"token_class\":" : "{\"token_class\":";
      append_json_string(out, message.token_class);
      out += ",\"token_type\":";
      append_json_string(out, message.token_type);
      out += ",\"message\":";
      append_json_string(out, message.message.str(translations));
      out += '}';
    }
    out += ']';
  }
  out += '}';
}

}  // namespace easyjwt
