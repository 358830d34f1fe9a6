#include "easyjwt/core/clock.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace easyjwt {
namespace {

/// "YYYY-MM-DDxHH:MM:SS" where x is `separator`, into 19 characters.
void write_seconds(char* out, Time time, char separator) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const auto digits = [&](int at, unsigned value, int width) {
    for (int i = at + width - 1; i >= at; --i, value /= 10) {
      out[i] = static_cast<char>('0' + value % 10);
    }
  };
  digits(0, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out[4] = '-';
  digits(5, static_cast<unsigned>(date.month()), 2);
  out[7] = '-';
  digits(8, static_cast<unsigned>(date.day()), 2);
  out[10] = separator;
  digits(11, static_cast<unsigned>(clock.hours().count()), 2);
  out[13] = ':';
  digits(14, static_cast<unsigned>(clock.minutes().count()), 2);
  out[16] = ':';
  digits(17, static_cast<unsigned>(clock.seconds().count()), 2);
}

std::string format(Time time, char separator, int fraction_digits, std::string_view suffix) {
  std::array<char, 26> buffer;
  write_seconds(buffer.data(), time, separator);
  std::size_t size = 19;
  const auto fraction =
      (time - std::chrono::floor<std::chrono::seconds>(time)).count();  // microseconds
  if (fraction != 0) {
    auto value = fraction;
    for (int i = 6; i > fraction_digits; --i) value /= 10;
    buffer[size++] = '.';
    for (int i = fraction_digits - 1; i >= 0; --i, value /= 10) {
      buffer[size + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    }
    size += static_cast<std::size_t>(fraction_digits);
  }
  std::string out(buffer.data(), size);
  out += suffix;
  return out;
}

/// Exactly `width` digits at `at`.
std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Clock system_clock() {
  return [] {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  };
}

std::string to_rfc3339(Time time) { return format(time, 'T', 6, "Z"); }
std::string to_rfc3339_milliseconds(Time time) { return format(time, 'T', 3, "Z"); }
std::string to_sql_time(Time time) { return format(time, ' ', 6, ""); }

std::optional<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto year_ = number_at(text, 0, 4), month_ = number_at(text, 5, 2),
             day_ = number_at(text, 8, 2), hour = number_at(text, 11, 2),
             minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (!year_ || !month_ || !day_ || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const year_month_day date{year{*year_}, month{static_cast<unsigned>(*month_)},
                            day{static_cast<unsigned>(*day_)}};
  if (*year_ == 0 || !date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  Time time{sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second}};
  text.remove_prefix(19);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    std::int64_t micros = 0;
    std::size_t n = 0;
    for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
      if (n < 6) micros = micros * 10 + (text[n] - '0');
    }
    if (n == 0 || n > 9) return std::nullopt;
    for (std::size_t i = n; i < 6; ++i) micros *= 10;
    time += microseconds{micros};
    text.remove_prefix(n);
  }
  if (text.empty() || text == "Z") return time;
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto offset_hours = number_at(text, 1, 2), offset_minutes = number_at(text, 4, 2);
  if (!offset_hours || !offset_minutes || *offset_hours > 23 || *offset_minutes > 59) {
    return std::nullopt;
  }
  const auto offset = hours{*offset_hours} + minutes{*offset_minutes};
  // East of Greenwich the first day begins in the year before, west of it the last ends after.
  const auto utc = text[0] == '+' ? time - offset : time + offset;
  const Time first = sys_days{year{1} / January / 1};
  const Time end = sys_days{year{10'000} / January / 1};
  if (utc < first || utc >= end) return std::nullopt;
  return utc;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::int64_t century = std::int64_t{100} * 366 * 86400;
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || value < 0 || text.front() == '-') return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t factor = 0;
  if (unit.empty() || unit == "s") factor = 1;
  if (unit == "m") factor = 60;
  if (unit == "h") factor = 3600;
  if (unit == "d") factor = 86400;
  if (factor == 0 || value > century / factor) return std::nullopt;
  return std::chrono::seconds{value * factor};
}

}  // namespace easyjwt
