// Forms as strangers send them: whatever comes out is UTF-8 and within the limits.
#include "easyjwt/http/form.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "easyjwt/core/unicode.hpp"

namespace {

void check(const easyjwt::Result<easyjwt::http::Form>& form) {
  if (!form) return;
  if (form->fields().size() > 1000) std::abort();
  for (const auto& [name, value] : form->fields()) {
    if (!easyjwt::is_utf8(name) || !easyjwt::is_utf8(value)) std::abort();
    if (form->find(name) == nullptr) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace easyjwt::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(parse_urlencoded(text));
  check(parse_multipart(text, "b"));
  const auto line = text.substr(0, text.find('\n'));
  const auto type = parse_media_type(line);
  if (line.size() < text.size())
    check(parse_multipart(text.substr(line.size() + 1), type.boundary));
  return 0;
}
