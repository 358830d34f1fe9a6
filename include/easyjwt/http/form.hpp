#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/error.hpp"

namespace easyjwt::http {

/// Names and values of a form in the order in which they were sent; UTF-8.
class Form {
 public:
  Form() = default;
  Form(const Form&) = default;
  Form(Form&&) noexcept = default;
  Form& operator=(const Form&) = default;
  Form& operator=(Form&&) noexcept = default;
  /// Wipes the values: forms are how passwords come.
  ~Form() {
    for (auto& field : fields_) wipe(field.second);
  }

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// The last value of that name, as Django's QueryDict; nullptr where there is none.
  const std::string* find(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// application/x-www-form-urlencoded (WHATWG URL), and query strings. Bytes that are not UTF-8
/// after decoding become U+FFFD, as Django's. At most 1000 fields (Django's
/// DATA_UPLOAD_MAX_NUMBER_FIELDS), else Errc::bad_request.
Result<Form> parse_urlencoded(std::string_view text);

/// One name or value of these: takes off '+' and %XX; a '%' that is no escape stays.
std::string decode_urlencoded(std::string_view text);

/// multipart/form-data (RFC 7578). Parts with a filename are not values and are left out.
/// Errc::parse_error "Multipart form parse error - ..." for what is malformed.
Result<Form> parse_multipart(std::string_view body, std::string_view boundary);

/// A Content-Type apart: the media type in lower case, and one of its parameters (RFC 9110 8.3.1).
struct MediaType {
  std::string type;  ///< "application/json"; empty where the field is
  std::string boundary;
};
MediaType parse_media_type(std::string_view content_type);

}  // namespace easyjwt::http
