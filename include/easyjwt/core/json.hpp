#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"

namespace easyjwt {

namespace json = boost::json;

/// Objects and arrays inside each other beyond this are refused (a nesting bomb costs stack).
inline constexpr std::size_t max_json_depth = 32;

/// Parses JSON text (RFC 8259): UTF-8 is checked, members keep their order, of duplicate members
/// the last counts. The value lives in `storage`, which must outlive it. Errc::parse_error has the
/// parser's words as `detail` ("JSON parse error - ...", REST framework's JSONParser).
Result<json::value> parse_json(std::string_view text, json::storage_ptr storage = {});

/// Appends a JSON string literal, quotes included. `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

/// Appends a value as JSON text without white space, UTF-8 as it is.
void append_json(std::string& out, const json::value& value);
void append_json(std::string& out, const json::object& object);

/// A number as Python's str() writes it: 5, -3, 1.5, 1e+300. Empty where `value` is no number.
std::string python_number(const json::value& value);

}  // namespace easyjwt
