#include "http/response_writer.hpp"

#include <charconv>
#include <cstring>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/random.hpp"

namespace easyjwt::http {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

}  // namespace

std::string_view DateField::now() {
  const std::time_t second = std::time(nullptr);
  if (second != second_) {
    static constexpr char days[] = "SunMonTueWedThuFriSat";
    static constexpr char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    std::tm parts{};
    gmtime_r(&second, &parts);
    const auto two_digits = [this](std::size_t at, int number) {
      text_[at] = static_cast<char>('0' + number / 10 % 10);
      text_[at + 1] = static_cast<char>('0' + number % 10);
    };
    std::memcpy(text_.data(), "Date: ***, ** *** **** **:**:** GMT\r\n", text_.size());
    std::memcpy(text_.data() + 6, days + 3 * parts.tm_wday, 3);
    two_digits(11, parts.tm_mday);
    std::memcpy(text_.data() + 14, months + 3 * parts.tm_mon, 3);
    two_digits(18, (parts.tm_year + 1900) / 100);
    two_digits(20, parts.tm_year % 100);
    two_digits(23, parts.tm_hour);
    two_digits(26, parts.tm_min);
    two_digits(29, parts.tm_sec);
    second_ = second;
  }
  return {text_.data(), text_.size()};
}

RequestIds::RequestIds() {
  std::array<char, 8> bytes;
  random_bytes(bytes.data(), bytes.size());
  const std::string digits = hex({bytes.data(), bytes.size()});
  std::memcpy(prefix_.data(), digits.data(), prefix_.size());
}

void RequestIds::next(Id& id) noexcept {
  static constexpr char digits[] = "0123456789abcdef";
  std::memcpy(id.data(), prefix_.data(), prefix_.size());
  std::uint64_t left = ++count_;
  for (std::size_t i = id.size(); i > prefix_.size(); left >>= 4) id[--i] = digits[left & 15];
}

void append_response(std::string& out, const Response& response, Persistence persistence,
                     bool with_body, std::string_view id, std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  out += date;
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) {
    if (!response.content_type.empty()) {
      out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (persistence == Persistence::close) out += "Connection: close\r\n";
  if (persistence == Persistence::keep_alive) out += "Connection: keep-alive\r\n";
  out += response.view_fields;
  out += response.fields;
  out.append("X-Request-Id: ").append(id);
  // Django's SecurityMiddleware and XFrameOptionsMiddleware with their defaults.
  out +=
      "\r\nX-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\n"
      "Referrer-Policy: same-origin\r\n"
      "Cross-Origin-Opener-Policy: same-origin\r\n\r\n";
  if (with_body && !bodiless) out += response.body;
}

}  // namespace easyjwt::http
