// The payload of a page of the revocation feed. What is taken out of it goes into a URL, into a
// table of what is refused, and is written the same way again.

#include "client/feed_page.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto page = easyjwt::parse_feed_page({reinterpret_cast<const char*>(data), size});
  if (!page) {
    if (page.error().reason.empty()) std::abort();
    return 0;
  }
  if (page->cursor.empty() || page->cursor.size() > 200) std::abort();
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!std::all_of(page->cursor.begin(), page->cursor.end(), is_plain)) std::abort();
  for (const auto& event : page->events) {
    const auto again = easyjwt::parse_event(easyjwt::to_json(event));
    if (!again || *again != event) std::abort();
  }
  return 0;
}
