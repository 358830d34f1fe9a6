#include "service/visitor.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace easyjwt {
namespace {

constexpr std::size_t longest_address = 45;
constexpr std::size_t longest_agent = 200;

/// What a log or a page may show of it: ASCII.
std::string clean(std::string_view text, std::size_t longest) {
  std::string out(text.substr(0, longest));
  for (char& c : out) {
    if (c < 0x20 || c >= 0x7f) c = '?';
  }
  return out;
}

}  // namespace

Visitor visitor(const http::Request& request) {
  return {.user_agent = clean(request.header("User-Agent"), longest_agent),
          .address = clean(request.client_address, longest_address)};
}

}  // namespace easyjwt
