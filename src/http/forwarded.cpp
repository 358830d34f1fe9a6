#include "http/forwarded.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

bool is_trusted(const Address& address, std::span<const Network> trusted) noexcept {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Network& network) { return network.contains(address); });
}

/// Cuts the last element off a list that is apart by commas.
std::string_view take_last(std::string_view& list) noexcept {
  const auto comma = list.rfind(',');
  const auto begin = comma == list.npos ? 0 : comma + 1;
  const auto last = trim_blanks(list.substr(begin));
  list = list.substr(0, comma == list.npos ? 0 : comma);
  return last;
}

/// Goes on leftwards through one X-Forwarded-For field; false where the reading ends.
bool walk(std::string_view field, std::span<const Network> trusted,
          std::optional<Address>& client) noexcept {
  for (bool more = true; more;) {
    more = field.find(',') != field.npos;
    const auto address = Address::parse(take_last(field));
    if (!address) return false;
    client = address;
    if (!is_trusted(*address, trusted)) return false;
  }
  return true;
}

std::string_view scheme_of(std::string_view field) noexcept {
  const auto last = take_last(field);
  for (const std::string_view scheme : {"http", "https"}) {
    if (equal_ignoring_case(last, scheme)) return scheme;
  }
  return {};
}

}  // namespace

bool is_trusted(std::string_view address, std::span<const Network> trusted) noexcept {
  if (trusted.empty()) return false;
  // A link-local peer has its interface behind a '%'.
  const auto parsed = Address::parse(address.substr(0, address.find('%')));
  return parsed && is_trusted(*parsed, trusted);
}

Forwarded read_forwarded(std::span<const Header> headers,
                         std::span<const Network> trusted) noexcept {
  Forwarded out;
  bool walking = true, has_scheme = false;
  for (auto field = headers.rbegin(); field != headers.rend(); ++field) {
    if (walking && equal_ignoring_case(field->name, "x-forwarded-for")) {
      walking = walk(field->value, trusted, out.client);
    } else if (!has_scheme && equal_ignoring_case(field->name, "x-forwarded-proto")) {
      out.scheme = scheme_of(field->value);
      has_scheme = true;
    }
  }
  return out;
}

}  // namespace easyjwt::http
