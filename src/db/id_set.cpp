#include "easyjwt/db/id_set.hpp"

#include <cstring>

namespace easyjwt::db {
namespace {

constexpr std::size_t id_size = sizeof(std::int64_t);
// The first byte.
constexpr char with_bits = 'b';
constexpr char in_order = 'o';

std::int64_t read_id(std::string_view set, std::size_t at) {
  std::int64_t id = 0;
  std::memcpy(&id, set.data() + at, id_size);
  return id;
}

void append_id(std::string& set, std::int64_t id) {
  char bytes[id_size];
  std::memcpy(bytes, &id, id_size);
  set.append(bytes, id_size);
}

}  // namespace

std::string id_set(std::span<const std::int64_t> sorted) {
  if (sorted.empty()) return {};
  const auto least = static_cast<std::uint64_t>(sorted.front());
  const auto width = static_cast<std::uint64_t>(sorted.back()) - least;
  std::string set;
  if (width / 8 < sorted.size() * id_size) {
    set += with_bits;
    append_id(set, sorted.front());
    const auto bits = set.size();
    set.resize(bits + width / 8 + 1);
    for (const auto id : sorted) {
      const auto at = static_cast<std::uint64_t>(id) - least;
      auto& byte = set[bits + at / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | 1u << at % 8);
    }
  } else {
    set += in_order;
    for (const auto id : sorted) append_id(set, id);
  }
  return set;
}

bool is_in_set(std::string_view set, std::int64_t id) {
  if (set.size() < 1 + id_size) return false;
  if (set[0] == with_bits) {
    const auto bits = set.substr(1 + id_size);
    const auto at = static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(read_id(set, 1));
    return at / 8 < bits.size() && (static_cast<unsigned char>(bits[at / 8]) >> at % 8 & 1) != 0;
  }
  if (set[0] != in_order) return false;
  std::size_t from = 0;
  std::size_t to = (set.size() - 1) / id_size;
  while (from < to) {
    const auto middle = from + (to - from) / 2;
    const auto found = read_id(set, 1 + middle * id_size);
    if (found == id) return true;
    if (found < id) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return false;
}

}  // namespace easyjwt::db
