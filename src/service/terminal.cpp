#include "service/terminal.hpp"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

namespace easyjwt::terminal {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_line = 4096;

volatile std::sig_atomic_t interrupted = 0;
void on_signal(int) { interrupted = 1; }

/// While it lives, signals that end a program break off a read() instead: the terminal must get its
/// echo back first.
class SignalGuard {
 public:
  SignalGuard() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;  // no SA_RESTART: read() is to return
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals[i], &action, &before_[i]);
    }
  }
  ~SignalGuard() {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals[i], &before_[i], nullptr);
    }
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, signals.size()> before_{};
};

/// No echo on stdin for as long as it lives.
class EchoGuard {
 public:
  EchoGuard() {
    active_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~EchoGuard() {
    if (!active_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);  // the one that was typed and not echoed
  }
  EchoGuard(const EchoGuard&) = delete;
  EchoGuard& operator=(const EchoGuard&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

void show(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// Read byte by byte and unbuffered: a stdio buffer would keep the password.
std::optional<Secret> read_line() {
  std::array<char, max_line> line;
  std::size_t size = 0;
  bool complete = false;
  while (!complete && interrupted == 0) {
    char c = 0;
    const auto got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    complete = c == '\n';
    if (!complete && size < line.size()) line[size++] = c;
  }
  std::optional<Secret> result;
  // A last line without its end counts; an end of the input alone does not.
  if (interrupted == 0 && (complete || size > 0)) result.emplace(std::string(line.data(), size));
  wipe(line.data(), line.size());
  return result;
}

}  // namespace

bool is_interactive() { return ::isatty(STDIN_FILENO) == 1; }

std::optional<std::string> ask(std::string_view prompt) {
  const SignalGuard signals;
  show(prompt);
  const auto line = read_line();
  if (!line) return std::nullopt;
  return std::string(line->view());
}

std::optional<Secret> ask_secret(std::string_view prompt) {
  const SignalGuard signals;
  if (!is_interactive()) return read_line();
  show(prompt);
  const EchoGuard echo;
  return read_line();
}

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)),
      total_(total),
      visible_(::isatty(STDERR_FILENO) == 1),
      next_(Steady::now() + 1s) {}

Progress::~Progress() {
  if (shown_) show("\r\x1b[K");
}

void Progress::at(std::int64_t done) {
  if (!visible_) return;
  const auto now = Steady::now();
  if (now < next_) return;
  next_ = now + 100ms;
  shown_ = true;
  auto text = '\r' + what_ + ' ' + std::to_string(done);
  if (total_ > 0) text += " of " + std::to_string(total_);
  show(text + "\x1b[K");
}

}  // namespace easyjwt::terminal
