#include "service/log_sink.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t buffer_size = 64 * 1024;
constexpr auto flush_interval = 500ms;

/// spdlog's end of the line: gathers lines, and has a thread that writes what has waited long
/// enough.
class GatheringSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit GatheringSink(int fd) : fd_(fd) { buffer_.reserve(buffer_size); }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { write_what_waits(stop); });
  }
  void stop() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (buffer_.empty()) changed_.notify_one();
    buffer_.append(line.payload.data(), line.payload.size());
    if (line.level >= spdlog::level::warn || buffer_.size() > buffer_size - 1024) flush_();
  }

  void flush_() override {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const auto put = ::write(fd_, rest.data(), rest.size());
      if (put > 0) {
        rest.remove_prefix(static_cast<std::size_t>(put));
      } else if (put < 0 && errno == EAGAIN) {
        // Whoever reads a non-blocking stderr gets a second; the service does not stand still for
        // it.
        pollfd ready{fd_, POLLOUT, 0};
        if (::poll(&ready, 1, 1000) <= 0) break;
      } else if (put < 0 && errno != EINTR) {
        break;
      }
    }
    buffer_.clear();
  }

  void write_what_waits(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      changed_.wait(lock, stop, [this] { return !buffer_.empty(); });
      changed_.wait_for(lock, stop, flush_interval, [] { return false; });
      flush_();
    }
    flush_();
  }

  const int fd_;
  std::string buffer_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

void append_unicode_escape(std::string& out, unsigned char c) {
  static constexpr char digits[] = "0123456789abcdef";
  out += "\\u00";
  out += digits[c >> 4];
  out += digits[c & 15];
}

/// What stands for itself inside a JSON string, and what a text line's value may be made of. Looked
/// up: a line has some two hundred characters.
enum : unsigned char { plain_in_string = 1, plain_as_value = 2 };
constexpr auto plain_characters = [] {
  std::array<unsigned char, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) {
    if (c == '"' || c == '\\') continue;
    table[c] = plain_in_string;
    if (c != ' ' && c != '=') table[c] |= plain_as_value;
  }
  return table;
}();

/// How many characters `text` begins with that are all of `kind`.
std::size_t count_plain(std::string_view text, unsigned char kind) {
  std::size_t n = 0;
  while (n < text.size() && (plain_characters[static_cast<unsigned char>(text[n])] & kind) != 0)
    ++n;
  return n;
}

/// `text` as the inside of a JSON string: no control characters, C1's among them (U+009B alone
/// starts a terminal's escape sequence), and UTF-8 whatever came in.
void append_escaped(std::string& out, std::string_view text) {
  const auto plain = count_plain(text, plain_in_string);
  out.append(text, 0, plain);
  text.remove_prefix(plain);
  if (text.empty()) return;
  const bool sound = is_utf8(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !sound)) {
      append_unicode_escape(out, c);
    } else if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      append_unicode_escape(out, static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

/// A value of a text line: bare where that is unmistakable.
void append_value(std::string& out, std::string_view text) {
  if (!text.empty() && count_plain(text, plain_as_value) == text.size()) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

/// "2026-11-23T16:22:32.110Z". A second's text is kept: lines come thousands to one.
void append_time(std::string& out, Time time) {
  thread_local Time second;
  thread_local std::string text;
  const auto now = std::chrono::floor<std::chrono::seconds>(time);
  if (text.empty() || second != now) {
    second = now;
    text = to_rfc3339(now);
    text.back() = '.';
  }
  const auto milliseconds = static_cast<unsigned>((time - now).count()) / 1000;
  out += text;
  for (const unsigned unit : {100u, 10u, 1u})
    out += static_cast<char>('0' + milliseconds / unit % 10);
  out += 'Z';
}

constexpr std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: break;
  }
  return "error";
}

constexpr spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: break;
  }
  return spdlog::level::err;
}

using Fields = std::initializer_list<LogField>;

/// A link to a new password is as good as one, and stands in a path.
constexpr std::string_view secret_paths = "/accounts/reset/";

std::string_view loggable(const LogField& field) {
  const bool is_secret = field.name == "path" && field.value.size() > secret_paths.size() &&
                         field.value.starts_with(secret_paths);
  return is_secret ? "/accounts/reset/..." : field.value;
}

void append_text_line(std::string& out, Time time, LogLevel level, std::string_view message,
                      Fields fields) {
  append_time(out, time);
  out += ' ';
  out += name_of(level);
  out += ' ';
  append_escaped(out, message);
  for (const auto& field : fields) {
    out += ' ';
    out += field.name;
    out += '=';
    append_value(out, loggable(field));
  }
  out += '\n';
}

void append_json_line(std::string& out, Time time, LogLevel level, std::string_view message,
                      Fields fields) {
  out += R"({"time":")";
  append_time(out, time);
  out += R"(","level":")";
  out += name_of(level);
  out += R"(","message":)";
  append_quoted(out, message);
  for (const auto& field : fields) {
    out += ",\"";
    out += field.name;  // a literal of ours
    out += "\":";
    append_quoted(out, loggable(field));
  }
  out += "}\n";
}

}  // namespace

struct LogSink::Impl {
  Impl(Format f, int fd)
      : format(f), sink(std::make_shared<GatheringSink>(fd)), logger("easyjwt", sink) {
    logger.set_level(spdlog::level::info);
    sink->start();
  }
  ~Impl() { sink->stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void write(LogLevel level, std::string_view message, Fields fields) {
    if (!logger.should_log(level_of(level))) return;
    // Kept per thread, so that a line costs no allocation.
    thread_local std::string line;
    line.clear();
    const auto now = std::chrono::system_clock::now();
    const auto append = format == Format::json ? append_json_line : append_text_line;
    append(line, std::chrono::floor<std::chrono::microseconds>(now), level, message, fields);
    logger.log(now, {}, level_of(level), spdlog::string_view_t(line.data(), line.size()));
  }

  const Format format;
  const std::shared_ptr<GatheringSink> sink;
  spdlog::logger logger;
};

LogSink::LogSink(Format format, int fd) : impl_(std::make_unique<Impl>(format, fd)) {}
LogSink::~LogSink() = default;

Log LogSink::log() {
  return [impl = impl_.get()](LogLevel level, std::string_view message, Fields fields) {
    impl->write(level, message, fields);
  };
}

void LogSink::flush() { impl_->sink->flush(); }

}  // namespace easyjwt
