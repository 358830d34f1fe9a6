#include "easyjwt/core/json.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace easyjwt {

namespace {

/// Boost.JSON reads a zero with a great exponent (0e999) as 0 times infinity. It is a zero.
void mend_zeros(json::value& value) {
  if (auto* number = value.if_double()) {
    if (std::isnan(*number)) *number = 0;
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) mend_zeros(element);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) mend_zeros(member.value());
  }
}

}  // namespace

Result<json::value> parse_json(std::string_view text, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = max_json_depth;
  std::array<unsigned char, 512> temporary;
  json::parser parser({}, options, temporary.data(), temporary.size());
  parser.reset(std::move(storage));
  boost::system::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error) {
    return fail(Errc::parse_error, {"JSON parse error - {}", {error.message()}});
  }
  auto value = parser.release();
  mend_zeros(value);
  return value;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_json(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out += "null"; return;
    case json::kind::bool_: out += value.get_bool() ? "true" : "false"; return;
    case json::kind::string: append_json_string(out, value.get_string()); return;
    case json::kind::int64:
    case json::kind::uint64: out += python_number(value); return;
    case json::kind::double_:
      // Digits beyond a double's range are read as infinity, which JSON has no word for.
      if (std::isinf(value.get_double())) {
        out += value.get_double() < 0 ? "-1e999" : "1e999";
      } else {
        out += python_number(value);
      }
      return;
    case json::kind::array: {
      char before = '[';
      for (const auto& element : value.get_array()) {
        out += before;
        append_json(out, element);
        before = ',';
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case json::kind::object: append_json(out, value.get_object()); return;
  }
}

void append_json(std::string& out, const json::object& object) {
  char before = '{';
  for (const auto& [name, member] : object) {
    out += before;
    append_json_string(out, name);
    out += ':';
    append_json(out, member);
    before = ',';
  }
  out += before == '{' ? "{}" : "}";
}

std::string python_number(const json::value& value) {
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (!value.is_double()) return {};
  const double number = value.get_double();
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  // Python's repr: the shortest digits that read back the same, in exponent form outside
  // [1e-4, 1e16), and always with a point or an exponent.
  const double size = std::fabs(number);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  std::array<char, 64> buffer;
  const auto [end, ec] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string out(buffer.data(), end);
  if (!scientific && out.find('.') == std::string::npos) out += ".0";
  return out;
}

}  // namespace easyjwt
