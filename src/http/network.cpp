#include "easyjwt/http/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace easyjwt::http {
namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(Errc::refused, {}, "\"" + std::string(text) + "\" " + std::string(why));
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) noexcept {
  Text terminated;
  // A NUL would end the text for inet_pton, and what stands behind it would go unseen.
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  terminated[text.size()] = '\0';
  Address out;
  if (inet_pton(AF_INET6, terminated.data(), out.bytes_.data()) == 1) return out;
  std::copy(mapped.begin(), mapped.end(), out.bytes_.begin());
  if (inet_pton(AF_INET, terminated.data(), out.bytes_.data() + mapped.size()) == 1) return out;
  return std::nullopt;
}

bool Address::is_v4() const noexcept {
  return std::equal(mapped.begin(), mapped.end(), bytes_.begin());
}

std::string_view Address::text(Text& buffer) const noexcept {
  const bool v4 = is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? mapped.size() : 0), buffer.data(),
            static_cast<socklen_t>(buffer.size()));
  return buffer.data();
}

Result<Network> Network::parse(std::string_view text) {
  static constexpr std::string_view what =
      "is not an IP address or a network like \"10.0.0.0/8\" or \"2001:db8::/32\"";
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return refuse(text, what);
  Network out;
  out.first_ = *address;
  if (slash == text.npos) return out;

  const auto digits = text.substr(slash + 1);
  const bool written_as_v4 = text.substr(0, slash).find(':') == text.npos;
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc{} || end != digits.data() + digits.size() ||
      prefix > (written_as_v4 ? 32 : 128) || (digits.size() > 1 && digits.front() == '0')) {
    return refuse(text, what);
  }
  if (prefix == 0) return refuse(text, "would be everybody");
  out.prefix_ = prefix + (written_as_v4 ? mapped_bits : 0);
  for (unsigned bit = out.prefix_; bit < 128; ++bit) {
    auto& byte = out.first_.bytes_[bit / 8];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> bit % 8));
  }
  if (out.first_.bytes_ != address->bytes_) {
    return refuse(text, "has bits beyond its prefix; the network is \"" + out.str() + "\"");
  }
  return out;
}

bool Network::contains(const Address& address) const noexcept {
  // A short IPv6 prefix of zeros does not take all of IPv4 with it.
  if (address.is_v4() && prefix_ < mapped_bits) return false;
  const auto whole = static_cast<std::ptrdiff_t>(prefix_ / 8);
  const auto& first = first_.bytes_;
  if (!std::equal(first.begin(), first.begin() + whole, address.bytes_.begin())) return false;
  if (prefix_ % 8 == 0) return true;
  const auto differing = first[prefix_ / 8] ^ address.bytes_[prefix_ / 8];
  return (differing >> (8 - prefix_ % 8)) == 0;
}

std::string Network::str() const {
  Address::Text buffer;
  const bool v4 = first_.is_v4() && prefix_ >= mapped_bits;
  std::string out(first_.text(buffer));
  if (prefix_ < 128) out += '/' + std::to_string(prefix_ - (v4 ? mapped_bits : 0));
  return out;
}

}  // namespace easyjwt::http
