#include "easyjwt/core/unicode.hpp"

#include <locale.h>

#include <clocale>
#include <cwctype>
#include <stdexcept>

namespace easyjwt {
namespace {

/// Reads the code point at `at` and moves past it. U+FFFFFFFF for what is not UTF-8 (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  constexpr char32_t invalid = 0xffffffff;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return text[at++] & 0x7f;
  std::size_t more = 0;
  char32_t value = 0;
  char32_t least = 0;
  if ((first & 0xe0) == 0xc0)
    more = 1, value = first & 0x1f, least = 0x80;
  else if ((first & 0xf0) == 0xe0)
    more = 2, value = first & 0x0f, least = 0x800;
  else if ((first & 0xf8) == 0xf0)
    more = 3, value = first & 0x07, least = 0x10000;
  else
    return ++at, invalid;
  if (text.size() - at <= more) return at = text.size(), invalid;
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return at += i, invalid;
    value = value << 6 | (byte(at + i) & 0x3fu);
  }
  at += more + 1;
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return invalid;
  return value;
}

void append_code_point(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)),
        put(0x80 | (c & 0x3f));
  }
}

/// Python's str.isspace(): what str.strip() takes away.
bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    if (next_code_point(text, i) == 0xffffffff) return false;
  }
  return true;
}

std::u32string code_points(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) out += next_code_point(text, i);
  return out;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

std::string_view strip(std::string_view text) noexcept {
  while (!text.empty()) {
    std::size_t after = 0;
    if (!is_space(next_code_point(text, after))) break;
    text.remove_prefix(after);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
    std::size_t at = last;
    if (!is_space(next_code_point(text, at))) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

std::string lower(std::string_view text) {
  // Built into glibc since 2.35 (Debian 12 has 2.36); the process's own locale is left alone.
  static const locale_t utf8 = [] {
    const locale_t made = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (made == nullptr) throw std::runtime_error("the C library has no C.UTF-8 locale");
    return made;
  }();
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      ++i;
      continue;
    }
    const char32_t point = next_code_point(text, i);
    append_code_point(out, static_cast<char32_t>(towlower_l(static_cast<wint_t>(point), utf8)));
  }
  return out;
}

}  // namespace easyjwt
