#include <arpa/inet.h>
#include <idn2.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/validators.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t max_email = 320;  // RFC 3696 section 3, in code points
constexpr std::size_t max_label = 63;
constexpr std::size_t max_ipv6 = 39;

bool is_ascii_alphanumeric(char32_t c) {
  return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}

/// [A-Z0-9] of Python's re.IGNORECASE: four letters beyond ASCII fold to I, S and K.
bool is_alphanumeric(char32_t c) {
  return is_ascii_alphanumeric(c) || c == 0x130 || c == 0x131 || c == 0x17f || c == 0x212a;
}

bool is_dot_atom(std::u32string_view user) {
  constexpr std::u32string_view others = U"-!#$%&'*+/=?^_`{}|~";
  bool empty_atom = true;
  for (const char32_t c : user) {
    if (c == U'.') {
      if (empty_atom) return false;
      empty_atom = true;
    } else {
      if (!is_alphanumeric(c) && others.find(c) == others.npos) return false;
      empty_atom = false;
    }
  }
  return !empty_atom;
}

/// RFC 5322's quoted-string with its obsolete control characters, but no unescaped space.
bool is_quoted_string(std::u32string_view user) {
  if (user.size() < 2 || user.front() != U'"' || user.back() != U'"') return false;
  user = user.substr(1, user.size() - 2);
  const auto is_text = [](char32_t c) {  // what may follow a backslash
    return (c >= 1 && c <= 127 && c != U'\n' && c != U'\r') || is_alphanumeric(c);
  };
  for (std::size_t i = 0; i < user.size(); ++i) {
    const char32_t c = user[i];
    if (c == U'\\') {
      if (++i == user.size() || !is_text(user[i])) return false;
    } else if (!is_text(c) || c == U'\t' || c == U' ' || c == U'"') {
      return false;
    }
  }
  return true;
}

/// At least two labels of letters, digits and hyphens; the last has two characters or more, and may
/// begin with a hyphen.
bool is_domain_name(std::u32string_view domain) {
  bool has_dot = false;
  for (;;) {
    const std::size_t dot = domain.find(U'.');
    const std::u32string_view label = domain.substr(0, dot);
    if (label.empty() || label.size() > max_label || label.back() == U'-') return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char32_t c) { return is_alphanumeric(c) || c == U'-'; })) {
      return false;
    }
    if (dot == domain.npos) return has_dot && label.size() >= 2;
    if (label.front() == U'-') return false;
    has_dot = true;
    domain.remove_prefix(dot + 1);
  }
}

/// "[127.0.0.1]", "[::1]" (RFC 5321 section 4.1.3, without its "IPv6:").
bool is_address_literal(std::u32string_view domain) {
  if (domain.size() < 2 || domain.front() != U'[' || domain.back() != U']') return false;
  domain = domain.substr(1, domain.size() - 2);
  if (domain.size() > max_ipv6) return false;
  std::string address;
  for (const char32_t c : domain) {
    if (c != U'.' && c != U':' && !is_ascii_alphanumeric(c)) return false;
    address += static_cast<char>(c);
  }
  in6_addr parsed;
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool is_domain(std::u32string_view domain) {
  return is_domain_name(domain) || is_address_literal(domain);
}

/// The ASCII form of a domain with other letters. Python's codec is IDNA 2003; the nearest that
/// Debian keeps up is UTS 46 in its transitional form.
std::optional<std::u32string> to_ascii(const std::string& domain) {
  char* ascii = nullptr;
  const int code = idn2_to_ascii_8z(domain.c_str(), &ascii, IDN2_TRANSITIONAL | IDN2_NFC_INPUT);
  const std::unique_ptr<char, void (*)(void*)> owner(ascii, idn2_free);
  if (code != IDN2_OK) return std::nullopt;
  return code_points(ascii);
}

}  // namespace

bool is_valid_email(std::string_view email) {
  const std::size_t at = email.rfind('@');
  if (at == email.npos || count_code_points(email) > max_email) return false;
  const std::u32string user = code_points(email.substr(0, at));
  if (!is_dot_atom(user) && !is_quoted_string(user)) return false;
  const std::string domain(email.substr(at + 1));
  if (domain == "localhost" || is_domain(code_points(domain))) return true;
  // Whatever is ASCII stays what it is; a NUL would end libidn2's string early.
  if (std::all_of(domain.begin(), domain.end(), [](char c) { return (c & 0x80) == 0; }) ||
      domain.find('\0') != domain.npos) {
    return false;
  }
  const auto ascii = to_ascii(domain);
  return ascii && is_domain(*ascii);
}

std::string normalize_email(std::string_view email) {
  const std::string_view stripped = strip(email);
  const std::size_t at = stripped.rfind('@');
  if (at == stripped.npos) return std::string(email);
  std::string out(stripped.substr(0, at + 1));
  out += lower(stripped.substr(at + 1));
  return out;
}

}  // namespace easyjwt
