#include "service/pages/mail_tokens.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace easyjwt {
namespace {

/// What a MAC is of.
Secret state_of(const User& user, std::string_view time) {
  // What may hold anything comes last, the one before it with its length: two users or states are
  // never one text.
  auto text = std::to_string(user.id) + ':' + std::string(time) + ':';
  if (user.last_login) text += std::to_string(user.last_login->time_since_epoch().count());
  text += ':' + std::to_string(user.password.size()) + ':' + user.password + user.email;
  return Secret(std::move(text));
}

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

MailTokens::MailTokens(const ServiceSettings& settings, std::string_view purpose,
                       std::chrono::seconds timeout)
    : timeout_(timeout), mac_(settings, purpose) {}

std::string MailTokens::make(const User& user, Time now) const {
  std::array<char, 20> digits{};
  const auto* end =
      std::to_chars(digits.data(), digits.data() + digits.size(), epoch_seconds(now), 16).ptr;
  const std::string time(digits.data(), static_cast<std::size_t>(end - digits.data()));
  return time + '-' + mac_.make(state_of(user, time).view());
}

bool MailTokens::check(const User& user, std::string_view token, Time now) const {
  // base64url has dashes, too; the time has none.
  const auto dash = token.find('-');
  if (dash == token.npos || token.size() - dash - 1 != SecretMac::size) return false;
  const auto time = token.substr(0, dash);
  const auto made = parse_number<std::int64_t>(time, 16);
  if (!made) return false;
  const bool is_ours = mac_.check(state_of(user, time).view(), token.substr(dash + 1));
  // The time is ours from here on: no number overflows.
  return is_ours && epoch_seconds(now) - *made < timeout_.count();
}

std::string encode_uid(std::int64_t id) { return base64url(std::to_string(id)); }

std::optional<std::int64_t> decode_uid(std::string_view text) {
  const auto digits = decode_base64url(text);
  return digits ? parse_number<std::int64_t>(*digits, 10) : std::nullopt;
}

}  // namespace easyjwt
