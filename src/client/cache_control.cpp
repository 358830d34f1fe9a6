#include "client/cache_control.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace easyjwt {
namespace {

constexpr std::int64_t year = 31'536'000;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

std::optional<std::int64_t> seconds(std::string_view text) {
  if (text.size() > 1 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} ? std::min(value, year) : year;  // digits only: too many of them
}

}  // namespace

std::optional<std::chrono::seconds> fresh_for(std::string_view cache_control,
                                              std::string_view age) {
  std::optional<std::int64_t> fresh;
  while (!cache_control.empty()) {
    const auto comma = std::min(cache_control.find(','), cache_control.size());
    const auto directive = trimmed(cache_control.substr(0, comma));
    cache_control.remove_prefix(std::min(comma + 1, cache_control.size()));
    const auto equals = std::min(directive.find('='), directive.size());
    const auto name = directive.substr(0, equals);
    if (is(name, "no-store") || is(name, "no-cache")) return std::chrono::seconds{0};
    if (is(name, "max-age") && equals < directive.size() && !fresh) {
      fresh = seconds(directive.substr(equals + 1));
    }
  }
  if (!fresh) return std::nullopt;
  return std::chrono::seconds{std::max<std::int64_t>(*fresh - seconds(age).value_or(0), 0)};
}

}  // namespace easyjwt
