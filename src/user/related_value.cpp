#include "user/related_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

using db::Kind;

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The numbers in a type's parentheses: 8 and 2 of "numeric(8,2)".
std::pair<std::optional<std::size_t>, std::optional<std::size_t>> limits_of(std::string_view type) {
  std::array<std::optional<std::size_t>, 2> limits;
  const auto open = type.find('(');
  if (open == type.npos) return {};
  const char* at = type.data() + open + 1;
  const char* const end = type.data() + type.size();
  for (auto& limit : limits) {
    while (at != end && (*at == ' ' || *at == ',')) ++at;
    std::size_t number = 0;
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) break;
    limit = number;
    at = rest;
  }
  return {limits[0], limits[1]};
}

/// "-1.50e2" as "-150": no exponent, and no zero that says nothing. nullopt: not a decimal, or a
/// longer one than anybody has.
std::optional<std::string> plain_decimal(std::string_view text) {
  constexpr int most = 1000;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != text.npos) {
    auto digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc{} || rest != digits.data() + digits.size()) return std::nullopt;
    text = text.substr(0, e);
  }
  const auto point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  if (digits.empty() || digits.size() > most || !are_digits(digits)) return std::nullopt;
  if (exponent > most || exponent < -most) return std::nullopt;
  // The point stands behind so many digits.
  int whole = static_cast<int>(point) + exponent;
  if (whole < 0) digits.insert(0, static_cast<std::size_t>(-std::exchange(whole, 0)), '0');
  const auto place = static_cast<std::size_t>(whole);
  if (place > digits.size()) digits.append(place - digits.size(), '0');
  auto front = digits.substr(0, place), back = digits.substr(place);
  front.erase(0, std::min(front.find_first_not_of('0'), front.size()));
  back.erase(back.find_last_not_of('0') + 1);  // npos + 1 is 0
  if (front.empty() && back.empty()) return "0";
  return (negative ? "-" : "") + (front.empty() ? "0" : front) + (back.empty() ? "" : "." + back);
}

std::optional<json::value> canonical_decimal(const RelatedColumn& column,
                                             const json::value& value) {
  const auto plain = value.is_string() ? plain_decimal(std::string_view(value.get_string()))
                                       : plain_decimal(python_number(value));
  if (!plain) return std::nullopt;
  const std::string_view number = std::string_view(*plain).substr(plain->starts_with('-') ? 1 : 0);
  const auto point = std::min(number.find('.'), number.size());
  const auto behind = number.size() - std::min(point + 1, number.size());
  const auto before = number.starts_with('0') ? 0 : point;
  const auto places = column.places.value_or(0);
  if (column.places && (behind > places || before + places > *column.digits)) return std::nullopt;
  if (column.digits && before + behind > *column.digits) return std::nullopt;
  return json::value(*plain);
}

std::optional<json::value> canonical_text(const RelatedColumn& column, std::string_view text) {
  // NUL: PostgreSQL refuses it, and C libraries would cut the text short.
  if (text.find('\0') != text.npos || !is_utf8(text)) return std::nullopt;
  if (column.max_length && count_code_points(text) > *column.max_length) return std::nullopt;
  return json::value(text);
}

}  // namespace

bool can_be_sent(db::Kind kind) noexcept { return kind != Kind::other; }

RelatedColumn related_column(const db::Column& column, db::Engine engine) {
  RelatedColumn out{.name = column.name, .kind = column.kind, .may_be_null = column.may_be_null};
  const auto [first, second] = limits_of(column.type);
  if (column.kind == Kind::text) out.max_length = first;
  if (column.kind != Kind::decimal) return out;
  out.digits = first;
  if (first) out.places = second.value_or(0);
  // There a decimal is a double, of which Django, too, takes fifteen digits.
  if (engine == db::Engine::sqlite && (!out.digits || *out.digits > 15)) {
    out.digits = 15;
    if (out.places && *out.places > 15) out.places.reset();
  }
  return out;
}

std::optional<json::value> canonical(const RelatedColumn& column, const json::value& value) {
  if (value.is_null()) return column.may_be_null ? std::optional(value) : std::nullopt;
  const auto text =
      value.is_string() ? std::optional(std::string_view(value.get_string())) : std::nullopt;
  switch (column.kind) {
    case Kind::integer: return value.is_int64() ? std::optional(value) : std::nullopt;
    case Kind::boolean: return value.is_bool() ? std::optional(value) : std::nullopt;
    case Kind::text: return text ? canonical_text(column, *text) : std::nullopt;
    case Kind::decimal: return canonical_decimal(column, value);
    case Kind::time: {
      const auto time = text ? parse_time(*text) : std::nullopt;
      return time ? std::optional(json::value(to_rfc3339(*time))) : std::nullopt;
    }
    case Kind::date: {
      const bool is_date =
          text && text->size() == 10 && parse_time(std::string(*text) + " 00:00:00");
      return is_date ? std::optional(value) : std::nullopt;
    }
    case Kind::real: {
      if (value.is_int64()) return json::value(static_cast<double>(value.get_int64()));
      if (!value.is_double() || !std::isfinite(value.get_double())) return std::nullopt;
      return json::value(value.get_double() + 0.0);  // of zeros there is one
    }
    case Kind::other: break;
  }
  return std::nullopt;
}

db::Value to_sql(const RelatedColumn& column, const json::value& value,
                 std::deque<std::string>& texts) {
  if (value.is_null()) return nullptr;
  if (value.is_bool()) return value.get_bool();
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) return value.get_double();
  const std::string_view text(value.get_string());
  if (column.kind == Kind::time) return *parse_time(text);
  return std::string_view(texts.emplace_back(text));
}

json::value from_sql(const RelatedColumn& column, const db::Row& row, int index) {
  if (row.is_null(index)) return nullptr;
  switch (column.kind) {
    case Kind::integer: return row.integer(index);
    case Kind::boolean: return row.boolean(index);
    case Kind::time: return json::value(to_rfc3339(row.time(index)));
    // JSON has no word for infinity, nor for what is no number.
    case Kind::real: {
      const double number = row.real(index);
      return std::isfinite(number) ? json::value(number) : json::value();
    }
    default: {
      const auto text = row.text(index);
      if (!is_utf8(text)) throw db::Fault("not UTF-8, in column " + column.name);
      return json::value(text);
    }
  }
}

std::string select_form(const RelatedColumn& column, db::Engine engine) {
  auto name = '"' + column.name + '"';
  if (column.kind == Kind::decimal) return "CAST(" + name + " AS TEXT)";
  // As text a date would be as the session's DateStyle has it.
  if (column.kind == Kind::date && engine == db::Engine::postgresql)
    return "to_char(" + name + ", 'YYYY-MM-DD')";
  return name;
}

std::string bind_form(const RelatedColumn& column, const std::string& parameter,
                      db::Engine engine) {
  // SQLite's columns convert what they are given; of PostgreSQL's, a text is bound as nothing else.
  if (engine == db::Engine::sqlite) return parameter;
  const auto as = [&](const char* type) {
    return "CAST(CAST(" + parameter + " AS text) AS " + type + ")";
  };
  if (column.kind == Kind::decimal) return as("numeric");
  if (column.kind == Kind::date) return as("date");
  return parameter;
}

}  // namespace easyjwt
