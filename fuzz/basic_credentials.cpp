// An Authorization field of the scheme Basic, by which OAuth clients show who they are.
#include "easyjwt/http/basic_credentials.hpp"

#include <cstdint>
#include <cstdlib>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/unicode.hpp"

using namespace easyjwt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto judge = [](const std::optional<http::BasicCredentials>& credentials) {
    if (!credentials) return;
    if (!is_utf8(credentials->id) || !is_utf8(credentials->secret.view())) std::abort();
  };
  const auto as_it_is = http::parse_basic(input);
  judge(as_it_is);
  if (as_it_is && !http::is_basic(input)) std::abort();
  // What stands inside the base64: a colon is all that it needs.
  const auto inside = http::parse_basic("Basic " + base64(input));
  judge(inside);
  if (inside.has_value() != (input.find(':') != input.npos)) std::abort();
  return 0;
}
