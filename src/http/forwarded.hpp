#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "easyjwt/http/network.hpp"
#include "easyjwt/http/request.hpp"

namespace easyjwt::http {

bool is_trusted(std::string_view address, std::span<const Network> trusted) noexcept;

/// What the proxies between us and the client say about it.
struct Forwarded {
  /// X-Forwarded-For, read from the right: each proxy appends whom it sees, so what stands right of
  /// the first address that is not trusted was written by proxies that are, and that address is the
  /// client's; what stands left of it anyone can have made up. Where all are trusted it is the
  /// leftmost. Anything that is not a plain address (a port, brackets, "unknown", nothing) ends the
  /// reading at the last good one. Several fields are one list (RFC 9110 section 5.3).
  std::optional<Address> client;
  /// X-Forwarded-Proto, the last value: "http" or "https"; empty for anything else.
  std::string_view scheme;
};

/// For a request that came from a trusted address; from any other these fields mean nothing.
Forwarded read_forwarded(std::span<const Header> headers,
                         std::span<const Network> trusted) noexcept;

}  // namespace easyjwt::http
