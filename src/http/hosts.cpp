#include "http/hosts.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '-'; }

/// "[...]": hex digits, then a colon, then at least one of hex digits, dots and colons.
bool is_ipv6_literal(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), is_hex) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon), text.end(),
                     [&](char c) { return is_hex(c) || c == '.' || c == ':'; });
}

/// The domain of a lower-cased Host, without its port and last dot; empty where it is malformed.
std::string_view domain_of(std::string_view host) {
  const auto name_end = host.starts_with('[') ? host.find(']') : host.find(':');
  auto name = host.substr(0, name_end);
  auto rest = host.substr(name.size());
  if (host.starts_with('[')) {
    if (rest.empty()) return {};
    name = host.substr(0, name.size() + 1);
    rest.remove_prefix(1);
    if (!is_ipv6_literal(name)) return {};
  } else if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_char)) {
    return {};
  }
  if (!rest.empty()) {
    rest.remove_prefix(1);
    if (rest.empty() || host[name.size()] != ':' ||
        !std::all_of(rest.begin(), rest.end(), is_digit)) {
      return {};
    }
  }
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

AllowedHosts::AllowedHosts(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {
  for (auto& pattern : patterns_) {
    std::transform(pattern.begin(), pattern.end(), pattern.begin(), to_lower);
    if (pattern == "*") any_ = true;
  }
}

bool AllowedHosts::allow(std::string_view host) const {
  if (host.empty()) return any_;
  std::array<char, 300> lower;  // a name has at most 253 characters (RFC 1035), a port five
  if (host.size() > lower.size()) return false;
  std::transform(host.begin(), host.end(), lower.begin(), to_lower);
  const auto domain = domain_of({lower.data(), host.size()});
  if (domain.empty()) return false;
  return any_ || std::any_of(patterns_.begin(), patterns_.end(), [&](std::string_view pattern) {
           return domain == pattern || (pattern.starts_with('.') &&
                                        (domain.ends_with(pattern) || domain == pattern.substr(1)));
         });
}

}  // namespace easyjwt::http
