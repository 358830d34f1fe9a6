// A stranger's body on its way through the fields that the endpoints read: JSON, or a form.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "easyjwt/core/unicode.hpp"
#include "service/body.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace easyjwt;
  if (size == 0) return 0;
  static constexpr std::string_view types[] = {
      "application/json", "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=\"b\"", "application/json; charset=utf-8"};
  const http::Header header{"Content-Type", types[data[0] % 4]};
  http::Request request;
  request.method = http::Method::post;
  request.headers = {&header, 1};
  request.body = {reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto body = read_body(request);
  if (!body) {
    if (describe(body.error().code).status != 400) std::abort();
    return 0;
  }
  FieldReader fields(*body);
  for (const auto* name : {"email", "password", "token"}) {
    const auto text = fields.read({.name = name, .max_length = 20});
    if (!text) continue;
    if (text->empty() || strip(*text) != *text || !is_utf8(*text) ||
        text->find('\0') != std::string::npos) {
      std::abort();
    }
  }
  (void)fields.read({.name = "phone", .required = false, .allow_blank = true, .allow_null = true});
  std::string out;
  if (!fields.good()) append_error_body(out, fields.error());
  if (!is_utf8(out)) std::abort();
  return 0;
}
