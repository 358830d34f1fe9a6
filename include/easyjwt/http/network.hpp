#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"

namespace easyjwt::http {

/// An IPv4 or IPv6 address. An IPv4 one that came mapped into IPv6 ("::ffff:192.0.2.1") is the IPv4
/// one, so that a client has one spelling whatever socket it came to.
class Address {
 public:
  using Text = std::array<char, 46>;  ///< INET6_ADDRSTRLEN

  /// Strict, as inet_pton: no port, brackets, zone, blanks or leading zeros.
  static std::optional<Address> parse(std::string_view text) noexcept;

  bool is_v4() const noexcept;
  /// Its canonical text (RFC 5952), a view into `buffer`.
  std::string_view text(Text& buffer) const noexcept;

 private:
  friend class Network;
  std::array<std::uint8_t, 16> bytes_{};  ///< IPv4 as ::ffff:0:0/96
};

/// An address, or all addresses with a prefix: "10.0.0.1", "10.0.0.0/8", "2001:db8::/32".
class Network {
 public:
  /// Errc::refused; the reason says what is wrong with `text` and repeats it. Bits beyond the
  /// prefix are refused ("10.0.0.1/8": one of the two is a slip), and so is a prefix of 0: what is
  /// listed is trusted, and that would be everybody.
  static Result<Network> parse(std::string_view text);

  bool contains(const Address& address) const noexcept;
  std::string str() const;

 private:
  Address first_;
  unsigned prefix_ = 128;  ///< counted in 128 bits, for IPv4 too
};

}  // namespace easyjwt::http
