#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace easyjwt::http {

enum class Method { get, head, post, put, patch, delete_, options, other };
std::string_view to_string(Method method) noexcept;

struct Header {
  std::string_view name;
  std::string_view value;
};

/// A request as it was read: views into the connection's buffers, good until the reply. Names of
/// header fields compare without case (RFC 9110 section 5.1).
struct Request {
  Method method = Method::get;
  std::string_view method_name;  ///< as sent: "PROPFIND" where method is other
  std::string_view path;         ///< as sent, without the query; always starts with '/'
  std::string_view query;        ///< without the '?'
  std::span<const Header> headers;
  std::string_view body;
  std::string_view host;  ///< the Host field, checked; empty only in HTTP/1.0
  std::string_view peer;  ///< the address that the connection came from: the client or a proxy
  /// The client's address, without a port: what the trusted proxies say (SERVER.TRUSTED_PROXIES),
  /// else the peer.
  std::string_view client_address;
  /// "http" or "https", as the client sees it: what a trusted proxy says, else whether the
  /// connection is TLS. There is no forwarded host: a proxy passes Host on as it is.
  std::string_view scheme = "http";
  std::string_view id;  ///< X-Request-Id: the client's if it is sound, else ours

  /// The first field of that name; empty where there is none.
  std::string_view header(std::string_view name) const noexcept;

  /// What stands in the path where the view has {...}, in order; filled in by the router.
  std::array<std::string_view, 2> params{};
};

bool same_size_equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Whether two field names (or other ASCII tokens) are the same, case aside.
inline bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_size_equal_ignoring_case(a, b);
}

}  // namespace easyjwt::http
