#include "db/sqlite_functions.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/db/id_set.hpp"

namespace easyjwt::db {
namespace {

std::string_view text_of(sqlite3_value* value) {
  // Text before bytes: the call for the text may convert it and so change the length.
  const auto* text = sqlite3_value_text(value);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

/// Of eight places at once: whether the word's first byte stands there and its last where it would
/// end. (memmem() takes a fifth longer for a scan, find() twice as long for a frequent letter.)
bool has(std::string_view text, std::string_view word) {
  if (word.empty()) return true;
  constexpr std::uint64_t ones = 0x0101010101010101;
  const auto load = [](const char* at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
  };
  const auto first = ones * static_cast<unsigned char>(word.front());
  const auto last = ones * static_cast<unsigned char>(word.back());
  const auto end = word.size() - 1;
  const char* const begin = text.data();
  std::size_t at = 0;
  for (; at + end + 8 <= text.size(); at += 8) {
    const auto other = (load(begin + at) ^ first) | (load(begin + at + end) ^ last);
    // A byte of `other` is 0, or it may be: what is beside one that is can look like it.
    if (((other - ones) & ~other & ones << 7) == 0) continue;
    for (std::size_t i = at; i < at + 8; ++i) {
      if (std::memcmp(begin + i, word.data(), word.size()) == 0) return true;
    }
  }
  return text.substr(std::min(at, text.size())).find(word) != text.npos;
}

void has_all(sqlite3_context* context, int count, sqlite3_value** values) {
  if (count < 1) return sqlite3_result_null(context);
  const auto text = text_of(values[0]);
  for (int i = 1; i < count; ++i) {
    if (!has(text, text_of(values[i]))) return sqlite3_result_int(context, 0);
  }
  sqlite3_result_int(context, 1);
}

void is_among(sqlite3_context* context, int, sqlite3_value** values) {
  sqlite3_result_int(context,
                     is_in_set(text_of(values[1]), sqlite3_value_int64(values[0])) ? 1 : 0);
}

}  // namespace

void add_functions(sqlite3* connection) {
  const auto add = [&](const char* name, int arguments, auto* function) {
    const int code = sqlite3_create_function_v2(
        connection, name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        nullptr, function, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw Fault(std::string(name) + ": " + sqlite3_errmsg(connection));
  };
  add("easyjwt_has", -1, has_all);
  add("easyjwt_among", 2, is_among);
}

}  // namespace easyjwt::db
