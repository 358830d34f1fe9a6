#include "easyjwt/token/flat_object.hpp"

#include <endian.h>

#include <bit>
#include <cstring>

namespace easyjwt {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highest = ones * 0x80;

/// Eight bytes; the first is the lowest.
std::uint64_t load(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return le64toh(word);
}

/// With the highest bit of each byte that is `c`, and of no lower one than the first such.
std::uint64_t matches(std::uint64_t word, char c) noexcept {
  const auto differences = word ^ (ones * static_cast<unsigned char>(c));
  return (differences - ones) & ~differences & highest;
}

/// Whether all is printable ASCII (or DEL, which JSON lets stand) and nothing is a backslash, eight
/// bytes at a time: a byte below 0x20, or with the highest bit, leaves that bit in its place.
bool is_plain(std::string_view text) noexcept {
  std::uint64_t seen = 0;
  const auto look = [&](std::uint64_t word) {
    seen |= word | (word - ones * ' ') | matches(word, '\\');
  };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) look(load(text.data() + i));
  std::array<char, 8> last{' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
  text.copy(last.data(), last.size(), i);
  look(load(last.data()));
  return (seen & highest) == 0;
}

/// A number of up to 18 digits, which an int64 holds.
bool read_integer(const char*& at, const char* end, Claim& value) noexcept {
  const auto* const start = at;
  const auto* const last = end - at > 18 ? at + 18 : end;
  std::int64_t number = 0;
  while (at != last && *at >= '0' && *at <= '9') number = number * 10 + (*at++ - '0');
  if (at == start || (*start == '0' && at - start != 1)) return false;
  value = number;
  return true;
}

/// What is between two quotation marks.
bool read_text(const char*& at, const char* end, std::string_view& text) noexcept {
  if (at == end || *at != '"') return false;
  const auto* const start = ++at;
  std::uint64_t found = 0;
  while (end - at >= 8 && (found = matches(load(at), '"')) == 0) at += 8;
  if (found != 0) {
    at += std::countr_zero(found) / 8;
  } else {
    while (at != end && *at != '"') ++at;
    if (at == end) return false;
  }
  text = {start, static_cast<std::size_t>(at++ - start)};
  return true;
}

}  // namespace

bool FlatObject::read(std::string_view text) noexcept {
  size_ = 0;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}' || !is_plain(text)) return false;
  const auto* at = text.data() + 1;
  const auto* const end = text.data() + text.size() - 1;  // the last brace
  if (at == end) return true;
  while (size_ != members_.size()) {
    auto& member = members_[size_];
    if (!read_text(at, end, member.name) || at == end || *at++ != ':') return false;
    if (std::string_view value; read_text(at, end, value)) {
      member.value = value;
    } else if (!read_integer(at, end, member.value)) {
      return false;
    }
    ++size_;
    if (at == end) return true;
    if (*at++ != ',') return false;
  }
  return false;
}

std::optional<Claim> FlatObject::find(std::string_view name) const noexcept {
  for (auto i = size_; i-- != 0;) {
    if (members_[i].name == name) return members_[i].value;
  }
  return std::nullopt;
}

}  // namespace easyjwt
