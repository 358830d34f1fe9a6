#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace easyjwt::db {

/// A set of ids as bytes, which statements on SQLite take as a parameter of easyjwt_among(id, set):
/// a bit for each id from the least to the greatest where they lie close together, else all of them
/// in order.
std::string id_set(std::span<const std::int64_t> sorted);
/// False for what is no set.
bool is_in_set(std::string_view set, std::int64_t id);

}  // namespace easyjwt::db
