#include "easyjwt/fetch/mailer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "easyjwt/core/random.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/core/waiting.hpp"
#include "fetch/libcurl.hpp"

namespace easyjwt::fetch {
namespace {

constexpr std::size_t longest_address = 320;  // RFC 3696 section 3
/// Of an encoded word: with what is around them and a field's name less than a line.
constexpr std::size_t word_bytes = 39;
constexpr std::size_t longest_plain = 60;
constexpr std::size_t longest_quoted = 75;  // RFC 2045 section 6.7: 76 with the soft break's "="
constexpr std::string_view line_end = "\r\n";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

/// Whether it may stand between "<" and ">" in a header and in a command of SMTP. Beyond ASCII it
/// goes as it is (RFC 6532).
bool is_address(std::string_view text) {
  const auto at = text.rfind('@');
  return text.size() <= longest_address && at != text.npos && at > 0 && at + 1 < text.size() &&
         is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return is_control(c) || c == ' ' || c == '<' || c == '>';
         });
}

struct Sender {
  std::string name;
  std::string address;
};

Sender parse_sender(std::string_view from) {
  from = strip(from);
  const auto open = from.rfind('<');
  if (open == from.npos || !from.ends_with('>')) return {{}, std::string(from)};
  auto name = strip(from.substr(0, open));
  if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) {
    name = name.substr(1, name.size() - 2);
  }
  return {std::string(name), std::string(from.substr(open + 1, from.size() - open - 2))};
}

/// One line of UTF-8, whatever it was: a line end would begin a field of its own.
std::string one_line(std::string_view text) {
  std::string out(text);
  const bool sound = is_utf8(text);
  for (char& c : out) {
    if (is_control(c)) c = ' ';
    if (!sound && (c & 0x80) != 0) c = '?';
  }
  return std::string(strip(out));
}

/// Whether it may stand in a header as it is and is not taken for something encoded.
bool is_plain(std::string_view text) {
  return text.size() <= longest_plain && is_ascii(text) && text.find("=?") == text.npos;
}

/// RFC 2047: words of base64, each whole characters, a line each.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto size = std::min(word_bytes, text.size());
    while (size < text.size() && (text[size] & 0xc0) == 0x80) --size;
    if (!out.empty()) out.append(line_end).append(" ");
    out.append("=?utf-8?B?").append(base64(text.substr(0, size))).append("?=");
    text.remove_prefix(size);
  }
  return out;
}

std::string subject_of(std::string_view text) {
  const auto line = one_line(text);
  return is_plain(line) ? line : encoded_words(line);
}

std::string sender_field(const Sender& sender) {
  const auto name = one_line(sender.name);
  if (name.empty()) return '<' + sender.address + '>';
  std::string out;
  if (is_plain(name)) {
    out = '"';
    for (const char c : name) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  } else {
    out = encoded_words(name);
  }
  return out.append(line_end).append(" <").append(sender.address).append(">");
}

void append_byte(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '=';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

/// RFC 2045 section 6.7. Line ends, of either kind, are the only ones there are.
void append_quoted_printable(std::string& out, std::string_view text) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto rest = text.substr(i + 1);
    if (c == '\n' || (c == '\r' && rest.starts_with('\n'))) {
      if (c == '\r') ++i;
      out += line_end;
      line = 0;
      continue;
    }
    const bool at_end = rest.empty() || rest.starts_with('\n') || rest.starts_with("\r\n");
    const bool is_blank = c == ' ' || c == '\t';
    const bool is_literal = is_blank ? !at_end : c > ' ' && c < 0x7f && c != '=';
    if (line + (is_literal ? 1 : 3) > longest_quoted) {
      out.append("=").append(line_end);
      line = 0;
    }
    // A dot that begins a line is the end of the mail where somebody forgets to double it.
    if (is_literal && !(c == '.' && line == 0)) {
      out += c;
      ++line;
    } else {
      append_byte(out, c);
      line += 3;
    }
  }
  if (line > 0) out += line_end;
}

/// "Mon, 30 Nov 2026 11:00:00 +0000" (RFC 5322 section 3.3).
std::string date(Time now) {
  using namespace std::chrono;
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<std::chrono::days>(now);
  const year_month_day on(day);
  const hh_mm_ss at(floor<seconds>(now - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                days[weekday(day).c_encoding()], static_cast<unsigned>(on.day()),
                months[static_cast<unsigned>(on.month()) - 1], static_cast<int>(on.year()),
                static_cast<int>(at.hours().count()), static_cast<int>(at.minutes().count()),
                static_cast<int>(at.seconds().count()));
  return text.data();
}

std::string because(const std::string& what) {
  return what + ": " + std::system_category().message(errno);
}

/// What libcurl reads the mail from. It calls through C: no exception may leave.
struct Upload {
  std::string_view rest;
  const std::stop_token& stop;
};

std::size_t give(char* out, std::size_t size, std::size_t count, void* user) noexcept {
  auto& rest = static_cast<Upload*>(user)->rest;
  const auto part = std::min(size * count, rest.size());
  std::memcpy(out, rest.data(), part);
  rest.remove_prefix(part);
  return part;
}

int is_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Upload*>(user)->stop.stop_requested() ? 1 : 0;
}

}  // namespace

std::optional<std::string> refuse_sender(std::string_view from) {
  const auto sender = parse_sender(from);
  if (!is_address(sender.address) || one_line(sender.name) != sender.name) {
    return "has no address that may stand in a mail";
  }
  return std::nullopt;
}

Result<std::string> compose(const Mail& mail, Time now) {
  const auto sender = parse_sender(mail.from);
  if (!is_address(sender.address) || !is_address(mail.to)) {
    return fail(Errc::unavailable, {}, "an address that may stand in no mail");
  }
  auto domain = sender.address.substr(sender.address.rfind('@') + 1);
  if (!is_ascii(domain)) domain = "localhost";
  // "=_" is nothing that quoted-printable has: no text ends its part.
  const auto boundary = "=_" + random_string(32, alphanumeric);
  std::string out;
  const auto field = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append(line_end);
  };
  field("Date", date(now));
  field("From", sender_field(sender));
  field("To", '<' + mail.to + '>');
  field("Subject", subject_of(mail.subject));
  field("Message-ID", '<' + random_string(32, alphanumeric) + '@' + domain + '>');
  field("Auto-Submitted", "auto-generated");  // RFC 3834: nobody's holiday answers
  field("MIME-Version", "1.0");
  field("Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + '"');
  for (const auto& [type, body] :
       {std::pair<std::string_view, const std::string&>{"text/plain; charset=utf-8", mail.text},
        {"text/html; charset=utf-8", mail.html}}) {
    out.append("\r\n--").append(boundary).append(line_end);
    field("Content-Type", type);
    field("Content-Transfer-Encoding", "quoted-printable");
    out += line_end;
    append_quoted_printable(out, body);
  }
  return out.append("\r\n--").append(boundary).append("--\r\n");
}

Mailer::Mailer(MailerSettings settings, Clock clock)
    : settings_(std::move(settings)), clock_(std::move(clock)) {
  if (!settings_.host.empty()) load_libcurl();
}

Result<void> Mailer::send(const Mail& mail, const std::stop_token& stop) {
  if (!may_wait()) return fail(Errc::would_wait);
  const auto message = compose(mail, clock_());
  if (!message) return fail(message.error());
  return settings_.host.empty() ? write(*message) : transfer(mail, *message, stop);
}

Result<void> Mailer::write(const std::string& message) const {
  const auto& folder = settings_.folder;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Errc::unavailable, {}, because(folder + ": cannot be made"));
  }
  // Sorted by name they are sorted by time.
  const auto name = folder + '/' + to_rfc3339(clock_()) + '-' + random_string(8, alphanumeric);
  // Who looks into the folder sees whole mails.
  const auto unfinished = name + ".tmp";
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fail(Errc::unavailable, {}, because(folder + ": no file can be made in it"));
  std::string_view rest = message;
  bool sound = true;
  while (sound && !rest.empty()) {
    const auto put = ::write(file, rest.data(), rest.size());
    if (put > 0) rest.remove_prefix(static_cast<std::size_t>(put));
    sound = put > 0 || (put < 0 && errno == EINTR);
  }
  if (sound) sound = ::rename(unfinished.c_str(), (name + ".eml").c_str()) == 0;
  const auto reason = sound ? std::string() : because(folder + ": a mail cannot be written");
  ::close(file);
  if (sound) return {};
  ::unlink(unfinished.c_str());
  return fail(Errc::unavailable, {}, reason);
}

Result<void> Mailer::transfer(const Mail& mail, const std::string& message,
                              const std::stop_token& stop) const {
  const auto url = (settings_.use_ssl ? "smtps://" : "smtp://") + settings_.host + ':' +
                   std::to_string(settings_.port);
  const CurlHandle handle(curl.curl_easy_init());
  if (!handle) throw std::bad_alloc();
  auto* const to = handle.get();
  CurlList recipients;
  append(recipients, mail.to);
  Upload upload{message, stop};
  std::array<char, CURL_ERROR_SIZE> error{};
  const auto from = parse_sender(mail.from).address;
  const auto milliseconds = static_cast<long>(std::chrono::milliseconds(settings_.timeout).count());

  set(to, CURLOPT_ERRORBUFFER, error.data());
  set(to, CURLOPT_URL, url.c_str());
  set(to, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  // The environment's proxies are for HTTP.
  set(to, CURLOPT_NOPROXY, "*");
  set(to, CURLOPT_NOSIGNAL, 1L);
  set(to, CURLOPT_QUICK_EXIT, 1L);
  set(to, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
  set(to, CURLOPT_TIMEOUT_MS, milliseconds);
  if (settings_.use_tls) set(to, CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
  set(to, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(to, CURLOPT_SSL_VERIFYPEER, 1L);
  set(to, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!settings_.ca_file.empty()) set(to, CURLOPT_CAINFO, settings_.ca_file.c_str());
  if (!settings_.user.empty()) {
    set(to, CURLOPT_USERNAME, settings_.user.c_str());
    set(to, CURLOPT_PASSWORD, settings_.password.view().data());  // a string's: NUL ends it
  }
  set(to, CURLOPT_MAIL_FROM, from.c_str());
  set(to, CURLOPT_MAIL_RCPT, recipients.get());
  set(to, CURLOPT_UPLOAD, 1L);
  set(to, CURLOPT_READFUNCTION, give);
  set(to, CURLOPT_READDATA, static_cast<void*>(&upload));
  set(to, CURLOPT_XFERINFOFUNCTION, is_stopped);
  set(to, CURLOPT_XFERINFODATA, static_cast<void*>(&upload));
  set(to, CURLOPT_NOPROGRESS, 0L);

  const auto code = curl.curl_easy_perform(to);
  if (code == CURLE_OK) return {};
  const std::string_view why = code == CURLE_ABORTED_BY_CALLBACK ? "stopped"
                               : error[0] != '\0'                ? error.data()
                                                                 : curl.curl_easy_strerror(code);
  return fail(Errc::unavailable, {}, url + ": " + std::string(why));
}

}  // namespace easyjwt::fetch
