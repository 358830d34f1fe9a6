#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"

namespace easyjwt {

/// A request's body as REST framework's request.data: JSON, or a form, by its Content-Type. A body
/// of no bytes is an empty object, whatever its type.
using Body = std::variant<json::value, http::Form>;

/// Errc::parse_error for what is not what its type says, Errc::unsupported_media_type for any type
/// but JSON and the two of forms. The body lives in `storage`.
Result<Body> read_body(const http::Request& request, json::storage_ptr storage = {});

/// REST framework's CharField.
struct CharField {
  std::string_view name;
  bool required = true;
  bool allow_blank = false;
  bool allow_null = false;
  std::size_t max_length = 0;  ///< code points; 0: any
};

/// Reads the fields of a body and gathers what is wrong with them (REST framework's Serializer).
/// Unknown members are ignored.
class FieldReader {
 public:
  explicit FieldReader(const Body& body);

  /// The trimmed text; nullopt where it is absent, null or wrong. Numbers are taken as Python
  /// writes them, booleans are not taken, NUL is refused.
  std::optional<std::string> read(const CharField& field);

  void add_error(std::string_view field, Text text);
  bool good() const noexcept { return error_.fields.empty(); }
  /// {"field": ["..."]} in the order in which the fields were read.
  const Error& error() const noexcept { return error_; }

 private:
  const json::object* object_ = nullptr;
  const http::Form* form_ = nullptr;
  Error error_{Errc::validation_error};
};

}  // namespace easyjwt
