// The built program, as people call it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/db/database.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/user_store.hpp"
#include "files.hpp"
#include "tests_dir.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

using Arguments = std::vector<std::string>;

[[noreturn]] void execute(const Arguments& arguments, const Arguments& environment) {
  std::vector<char*> argv, envp;
  std::string program = EASYJWT_PROGRAM;
  argv.push_back(program.data());
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const auto& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

int exit_code(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class ProgramTest : public testing::Test {
 protected:
  Outcome run(const Arguments& arguments, const std::string& input = {},
              const Arguments& environment = {}) {
    const auto in = folder_.write("in", input), out = folder_.path("out"),
               err = folder_.path("err");
    const pid_t child = ::fork();
    if (child == 0) {
      if (std::freopen(in.c_str(), "r", stdin) == nullptr ||
          std::freopen(out.c_str(), "w", stdout) == nullptr ||
          std::freopen(err.c_str(), "w", stderr) == nullptr) {
        ::_exit(126);
      }
      execute(arguments, environment);
    }
    Outcome outcome;
    outcome.code = exit_code(child);
    outcome.out = read_whole(out);
    outcome.err = read_whole(err);
    return outcome;
  }

  /// With the project's settings, and cheap hashing.
  Outcome in_project(Arguments arguments, const std::string& input = {},
                     Arguments environment = {}) {
    arguments.insert(arguments.begin(), {"--config", project() + "/easyjwt.toml"});
    environment.push_back(R"(EASYJWT_PASSWORD_HASHERS=["pbkdf2_sha256"])");
    return run(arguments, input, environment);
  }
  std::string project() {
    if (project_.empty()) {
      project_ = folder_.path("project");
      EXPECT_EQ(run({"startproject", "auth", project_}).code, 0);
    }
    return project_;
  }
  std::optional<User> find_user(const std::string& email) {
    auto database =
        db::Database::open({.url = "sqlite:///" + project() + "/easyjwt.sqlite3"}, no_log());
    if (!database) return std::nullopt;
    auto user = (*database)->read(
        [&](db::Transaction& transaction) { return UserStore(transaction).find_by_email(email); });
    return user ? *user : std::nullopt;
  }
  static bool has_password(const User& user, std::string_view password) {
    Hasher hasher({});
    const auto verdict = hasher.verify(password, user.password);
    return verdict && verdict->correct;
  }

  TemporaryFolder folder_;

 private:
  std::string project_;
};

TEST_F(ProgramTest, SaysItsVersionAndItsUsage) {
  EXPECT_EQ(run({"--version"}).code, 0);
  EXPECT_TRUE(run({"--version"}).out.starts_with("easyjwt "));
  const auto help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const auto* command :
       {"startproject", "runserver", "migrate", "createsuperuser", "changepassword", "check",
        "flushexpiredtokens", "clearsessions", "loaddata", "dumpdata"}) {
    EXPECT_NE(help.out.find(command), help.out.npos) << command;
    EXPECT_EQ(run({command, "--help"}).code, 0) << command;
  }
}

TEST_F(ProgramTest, WrongUseIsExit2AndOneLine) {
  for (const auto& arguments : std::vector<Arguments>{{},
                                                      {"nope"},
                                                      {"check", "--nope"},
                                                      {"startproject"},
                                                      {"startproject", "shop", "/nowhere"},
                                                      {"loaddata"},
                                                      {"changepassword"}}) {
    const auto outcome = run(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(ProgramTest, StartprojectMakesAPrivateFileOnce) {
  const auto file = project() + "/easyjwt.toml";
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const auto text = read_whole(file);
  const auto again = run({"startproject", "auth", project()});
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(again.err, "Error: " + file + ": cannot be made: File exists\n");
  EXPECT_EQ(read_whole(file), text);

  const auto other = folder_.path("other");
  ASSERT_EQ(run({"startproject", "auth", other}).code, 0);
  EXPECT_NE(read_whole(other + "/easyjwt.toml"), text);
  EXPECT_EQ(in_project({"check"}).out, "System check identified no issues (0 silenced).\n");
}

TEST_F(ProgramTest, StartprojectClient) {
  const auto file = folder_.path("c") + "/easyjwt.toml";
  ASSERT_EQ(run({"startproject", "client", folder_.path("c")}).code, 0);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto text = read_whole(file);
  EXPECT_NE(text.find("\nINSTALLED_APPS = [\"easyjwt_client\", \"easyjwt_user\", \"admin\"]\n"),
            std::string::npos);
  EXPECT_NE(text.find("\n# REMOTE_AUTH_SERVICE_URL = "), std::string::npos);
  EXPECT_EQ(text.find("\nSIGNING_KEY = "), std::string::npos);
  EXPECT_EQ(run({"--config", file, "check"}).out,
            "System check identified no issues (0 silenced).\n");
  EXPECT_EQ(run({"--config", file, "migrate"}).code, 0);
}

/// The lines of `check` on a client-service with those variables, from "(id)" on, without places.
class ClientChecks : public ProgramTest {
 protected:
  std::string lines(const Arguments& environment) {
    const auto file = folder_.path("c") + "/easyjwt.toml";
    run({"startproject", "client", folder_.path("c")});
    const auto outcome = run({"--config", file, "check"}, "", environment);
    std::string out = std::to_string(outcome.code) + '\n';
    std::istringstream text(outcome.err);
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with('(')) continue;
      const auto place = line.find(' ');
      out += line.substr(0, place) + line.substr(line.find(": ", place) + 1) + '\n';
    }
    return out;
  }
};

TEST_F(ClientChecks, HaveTheOriginalsIds) {
  EXPECT_EQ(lines({"EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL="}),
            "1\n(easyjwt_client.E001) EASY_JWT.REMOTE_AUTH_SERVICE_URL: EASY_JWT setting "
            "'REMOTE_AUTH_SERVICE_URL' is required but not configured.\n");
  EXPECT_EQ(
      lines({"EASYJWT_EASY_JWT__REFRESH_TOKEN_IN_COOKIE=true", "EASYJWT_CSRF_PROTECTION=false"}),
      "1\n(easyjwt_client.E002) CSRF_PROTECTION: REFRESH_TOKEN_IN_COOKIE is enabled but "
      "CSRF_PROTECTION is off.\n");
  EXPECT_EQ(lines({R"(EASYJWT_EASY_JWT__ALLOWED_AUTH_ORIGINS=["null"])"}),
            "1\n(easyjwt_client.E003) EASY_JWT.ALLOWED_AUTH_ORIGINS: ALLOWED_AUTH_ORIGINS entry "
            "'null' is malformed. Each entry must be a bare 'http(s)://host[:port]' with no path, "
            "query, fragment, or trailing slash.\n");
  EXPECT_EQ(lines({"EASYJWT_EASY_JWT__REFRESH_TOKEN_IN_COOKIE=true",
                   "EASYJWT_CSRF_COOKIE_HTTPONLY=true"}),
            "0\n(easyjwt_client.W001) EASY_JWT.AUTH_COOKIE_SECURE: AUTH_COOKIE_SECURE is False "
            "while DEBUG=False and cookie mode is enabled; the refresh cookie will be transmitted "
            "over plain HTTP.\n"
            "(easyjwt_client.W002) CSRF_COOKIE_HTTPONLY: CSRF_COOKIE_HTTPONLY=True is incompatible "
            "with the library's default /csrf/ bootstrap endpoint: JavaScript cannot read the "
            "csrftoken cookie.\n");
  EXPECT_EQ(lines({"EASYJWT_EASY_JWT__REFRESH_TOKEN_IN_COOKIE=true", "EASYJWT_DEBUG=true",
                   "EASYJWT_EASY_JWT__REMOTE_AUTH_SSL_VERIFY=false",
                   "EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL=http://auth.example"}),
            "0\n");
  // Without cookie mode they are nobody's concern.
  EXPECT_EQ(lines({"EASYJWT_CSRF_PROTECTION=false", "EASYJWT_CSRF_COOKIE_HTTPONLY=true"}), "0\n");
}

TEST_F(ClientChecks, SayWhatGoesInClear) {
  EXPECT_EQ(lines({"EASYJWT_EASY_JWT__REMOTE_AUTH_SSL_VERIFY=false",
                   "EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL=http://127.0.0.1.example:8000"}),
            "0\n(easyjwt.W007) EASY_JWT.REMOTE_AUTH_SSL_VERIFY: is off: HTTP requests to the auth "
            "service will not verify SSL certificates\n"
            "(easyjwt.W008) EASY_JWT.REMOTE_AUTH_SERVICE_URL: uses http://: credentials and tokens "
            "will be transmitted in cleartext\n");
  for (const auto* own :
       {"http://127.0.0.2:8000", "http://localhost", "http://[::1]:1", "https://auth.example"}) {
    EXPECT_EQ(lines({std::string("EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL=") + own}), "0\n")
        << own;
  }
}

TEST_F(ClientChecks, BuildWhatIsUsed) {
  for (const auto& variable : {"EASYJWT_CSRF_TRUSTED_ORIGINS=[\"app.example.com\"]",
                               "EASYJWT_CORS_ALLOWED_ORIGINS=[\"*\"]",
                               "EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL=ftp://auth",
                               "EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_USER_PATH=.evil.example/"}) {
    EXPECT_EQ(lines({variable}), "1\n") << variable;
  }
}

TEST_F(ProgramTest, SettingsComeFromTheOptionTheVariableOrTheFolder) {
  const auto file = folder_.write("bad.toml", "DEBUG = 5\n");
  for (const auto& outcome :
       {run({"--config", file, "migrate"}), run({"migrate", "--config", file}),
        run({"migrate"}, "", {"EASYJWT_CONFIG=" + file})}) {
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err,
              "Error: " + file + ": SECRET_KEY: must be set (and 2 more: see easyjwt check)\n");
  }
}

TEST_F(ProgramTest, CheckShowsEveryErrorAndExits1) {
  const auto file = folder_.write("easyjwt.toml", "DEBUG = 5\nSECRET_KEY = \"x\"\n");
  const auto outcome = run({"--config", file, "check"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "System check identified some issues:\n\nERRORS:\n" + file +
                             ":1: DEBUG: expected true or false, found an integer\n" + file +
                             ": INSTALLED_APPS: must be set\n\n"
                             "System check identified 2 issues (0 silenced).\n");
}

TEST_F(ProgramTest, CheckBuildsTheKeys) {
  const auto file = folder_.write(
      "easyjwt.toml",
      "SECRET_KEY = \"x\"\nINSTALLED_APPS = [\"easyjwt_auth\", \"easyjwt_user\"]\n[EASY_JWT]\n"
      "ALGORITHM = \"RS256\"\n"
      "SIGNING_KEY = '''-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'''\n");
  const auto outcome = run({"--config", file, "check"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find(file + ":5: EASY_JWT.SIGNING_KEY: "), outcome.err.npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("AAAA"), outcome.err.npos);
}

TEST_F(ProgramTest, CheckDeployWarns) {
  const auto file = folder_.write(
      "easyjwt.toml",
      "SECRET_KEY = \"short\"\nDEBUG = true\nALLOWED_HOSTS = [\"*\"]\n"
      "INSTALLED_APPS = [\"easyjwt_auth\", \"easyjwt_user\"]\n[SERVER]\nLISTEN = \":8000\"\n"
      "[EASY_JWT]\nBLACKLIST_AFTER_ROTATION = true\n");
  ::chmod(file.c_str(), 0644);
  const auto outcome = run({"--config", file, "check", "--deploy"}, "", {"EASYJWT_PORT=1"});
  EXPECT_EQ(outcome.code, 0);
  for (const auto* id : {"W001) EASYJWT_PORT: ", "W002) ", "W003) ", "W010) ", "W011) ", "W012) ",
                         "W013) ", "W014) ", "W015) ", "W016) ", "W017) "}) {
    EXPECT_NE(outcome.err.find("(easyjwt." + std::string(id)), outcome.err.npos) << id;
  }
  EXPECT_NE(outcome.err.find(file + ":2: DEBUG: is on"), outcome.err.npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("short\""), outcome.err.npos);
  // One that is meant for the world, and has what it takes.
  const auto sound =
      in_project({"check", "--deploy"}, "",
                 {"EASYJWT_SESSION_COOKIE_SECURE=true", "EASYJWT_CSRF_COOKIE_SECURE=true"});
  EXPECT_EQ(sound.out, "System check identified no issues (0 silenced).\n") << sound.err;
}

TEST_F(ProgramTest, MigratePlansAndMigrates) {
  const auto plan = in_project({"migrate", "--plan"});
  EXPECT_EQ(plan.code, 0);
  EXPECT_NE(plan.out.find("Would apply 0001"), plan.out.npos) << plan.out;
  EXPECT_NE(in_project({"migrate"}).out.find("Applied 0001"), std::string::npos);
  EXPECT_EQ(in_project({"migrate"}).out, "No migrations to apply.\n");
  EXPECT_EQ(in_project({"migrate", "--plan"}).out, "No planned migration operations.\n");
}

TEST_F(ProgramTest, CreatesuperuserWithoutQuestions) {
  const Arguments environment{"EASYJWT_SUPERUSER_EMAIL=Root@Example.COM",
                              "EASYJWT_SUPERUSER_PASSWORD=1234"};
  const auto outcome = in_project({"createsuperuser", "--noinput"}, "", environment);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "Superuser created successfully.\n");
  const auto user = find_user("root@example.com");
  ASSERT_TRUE(user);
  EXPECT_TRUE(user->is_staff && user->is_superuser && user->is_active);
  EXPECT_TRUE(has_password(*user, "1234"));

  const auto again =
      in_project({"createsuperuser", "--noinput", "--email", "ROOT@example.com"}, "", environment);
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(again.err, "Error: That email address is already taken.\n");
  EXPECT_EQ(in_project({"createsuperuser", "--noinput"}).code, 1);
  EXPECT_EQ(in_project({"createsuperuser", "--noinput", "--email", "x"}, "", environment).err,
            "Error: Enter a valid email address.\n");
  EXPECT_EQ(in_project({"createsuperuser"}, "a@b.de\n").code, 1);
}

TEST_F(ProgramTest, ChangepasswordReadsTwoLines) {
  in_project({"createsuperuser", "--noinput"}, "",
             {"EASYJWT_SUPERUSER_EMAIL=a@example.com", "EASYJWT_SUPERUSER_PASSWORD=1234"});
  const auto outcome =
      in_project({"changepassword", "A@example.com"}, "Tr0ub4dor&3x\nTr0ub4dor&3x\n");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "Changing password for user 'a@example.com'\n"
            "Password changed successfully for user 'a@example.com'\n");
  EXPECT_TRUE(has_password(*find_user("a@example.com"), "Tr0ub4dor&3x"));

  const auto apart = in_project({"changepassword", "a@example.com"}, "one-of-two\ntwo-of-two\n");
  EXPECT_EQ(apart.code, 1);
  EXPECT_NE(apart.err.find("Passwords do not match."), apart.err.npos);
  const auto weak = in_project({"changepassword", "a@example.com"}, "1234\n1234\n");
  EXPECT_EQ(weak.code, 1);
  EXPECT_NE(weak.err.find("This password is entirely numeric."), weak.err.npos);
  EXPECT_EQ(in_project({"changepassword", "a@example.com"}, "").err, "Error: aborted\n");
  const auto nobody = in_project({"changepassword", "nobody@example.com"}, "x\nx\n");
  EXPECT_EQ(nobody.err, "Error: user 'nobody@example.com' does not exist\n");
  EXPECT_TRUE(has_password(*find_user("a@example.com"), "Tr0ub4dor&3x"));
}

TEST_F(ProgramTest, LoadsDumpsAndCleans) {
  const auto sample = std::string(EASYJWT_TESTS_DIR "/data/dumpdata.json");
  const auto loaded = in_project({"loaddata", sample});
  EXPECT_EQ(loaded.out, "Installed 16 object(s) from 1 fixture(s)\n") << loaded.err;
  EXPECT_EQ(in_project({"dumpdata"}).out, read_whole(sample));
  EXPECT_EQ(in_project({"dumpdata", "auth.nope"}).code, 1);
  const auto broken = folder_.write("broken.json", "[{}]");
  const auto refused = in_project({"loaddata", sample, broken});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.err, "Error: " + broken + ": entry 1: \"model\" is missing\n");

  const auto old = folder_.write("old.json", R"([
      {"model": "sessions.session", "pk": "s", "fields": {"expire_date": "2000-01-01T00:00:00Z"}},
      {"model": "token_blacklist.outstandingtoken", "pk": 100, "fields": {
         "jti": "old", "expires_at": "2000-01-01T00:00:00Z"}},
      {"model": "token_blacklist.blacklistedtoken", "pk": 100, "fields": {"token": 100}}])");
  ASSERT_EQ(in_project({"loaddata", old}).code, 0);
  EXPECT_EQ(in_project({"clearsessions"}).out, "1 expired sessions deleted.\n");
  EXPECT_EQ(in_project({"clearsessions"}).out, "0 expired sessions deleted.\n");
  const auto flushed = in_project({"flushexpiredtokens"});
  EXPECT_EQ(flushed.code, 0);
  EXPECT_EQ(in_project({"flushexpiredtokens"}).out, "0 expired tokens deleted.\n");
  EXPECT_EQ(in_project({"dumpdata"}).out.find("\"old\""), std::string::npos);
}

/// Someone at a terminal.
class Terminal {
 public:
  Terminal(const Arguments& arguments, const Arguments& environment) {
    child_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
    if (child_ == 0) execute(arguments, environment);
  }
  ~Terminal() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Reads until `prompt` has been shown; false at the end or after 20 s.
  bool sees(const std::string& prompt) {
    while (rest_.find(prompt) == rest_.npos) {
      if (!read_more()) return false;
    }
    rest_.erase(0, rest_.find(prompt) + prompt.size());
    return true;
  }
  void types(const std::string& line) {
    // A password must not be typed before its prompt has turned the echo off.
    std::this_thread::sleep_for(50ms);
    ASSERT_EQ(::write(fd_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  bool echoes() const {
    termios mode{};
    return ::tcgetattr(fd_, &mode) == 0 && (mode.c_lflag & ECHO) != 0;
  }
  int ends() {
    while (read_more()) {
    }
    return exit_code(std::exchange(child_, 0));
  }
  const std::string& shown() const { return shown_; }

 private:
  bool read_more() {
    pollfd ready{fd_, POLLIN, 0};
    char buffer[1024];
    if (::poll(&ready, 1, 20'000) <= 0) return false;
    const auto got = ::read(fd_, buffer, sizeof buffer);  // EIO: the other end is closed
    if (got <= 0) return false;
    shown_.append(buffer, static_cast<std::size_t>(got));
    rest_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_ = -1;
  pid_t child_ = -1;
  std::string shown_;
  std::string rest_;
};

TEST_F(ProgramTest, CreatesuperuserAsksOnATerminal) {
  const Arguments arguments{"--config", project() + "/easyjwt.toml", "createsuperuser"};
  const Arguments environment{R"(EASYJWT_PASSWORD_HASHERS=["pbkdf2_sha256"])"};
  Terminal terminal(arguments, environment);
  ASSERT_TRUE(terminal.sees("Email address: ")) << terminal.shown();
  terminal.types("not an address\n");
  ASSERT_TRUE(terminal.sees("Error: Enter a valid email address."));
  ASSERT_TRUE(terminal.sees("Email address: "));
  terminal.types("Boss@Example.com\n");
  ASSERT_TRUE(terminal.sees("Password: "));
  terminal.types("first-secret\n");
  ASSERT_TRUE(terminal.sees("Password (again): "));
  terminal.types("other-secret\n");
  ASSERT_TRUE(terminal.sees("Error: Your passwords didn't match."));
  ASSERT_TRUE(terminal.sees("Password: "));
  terminal.types("12345\n");
  ASSERT_TRUE(terminal.sees("Password (again): "));
  terminal.types("12345\n");
  ASSERT_TRUE(terminal.sees("This password is too short."));
  ASSERT_TRUE(terminal.sees("Bypass password validation and create user anyway? [y/N]: "));
  terminal.types("n\n");
  ASSERT_TRUE(terminal.sees("Password: "));
  terminal.types("54321\n");
  ASSERT_TRUE(terminal.sees("Password (again): "));
  terminal.types("54321\n");
  ASSERT_TRUE(terminal.sees("Bypass password validation and create user anyway? [y/N]: "));
  terminal.types("y\n");
  ASSERT_TRUE(terminal.sees("Superuser created successfully."));
  EXPECT_EQ(terminal.ends(), 0);
  for (const auto* secret : {"first-secret", "other-secret", "12345", "54321"}) {
    EXPECT_EQ(terminal.shown().find(secret), std::string::npos) << "echoed";
  }
  const auto user = find_user("boss@example.com");
  ASSERT_TRUE(user);
  EXPECT_TRUE(has_password(*user, "54321"));

  Terminal again(arguments, environment);
  ASSERT_TRUE(again.sees("Email address: "));
  again.types("boss@example.com\n");
  ASSERT_TRUE(again.sees("Error: That email address is already taken."));
  EXPECT_EQ(again.ends(), 1);
}

TEST_F(ProgramTest, BreakingOffGivesTheTerminalItsEchoBack) {
  in_project({"migrate"});
  Terminal terminal(
      {"--config", project() + "/easyjwt.toml", "createsuperuser", "--email", "a@example.com"}, {});
  ASSERT_TRUE(terminal.sees("Password: ")) << terminal.shown();
  for (int i = 0; i < 100 && terminal.echoes(); ++i) std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(terminal.echoes());
  terminal.types("\x03");
  ASSERT_TRUE(terminal.sees("Error: Operation cancelled."));
  EXPECT_TRUE(terminal.echoes());
  EXPECT_EQ(terminal.ends(), 1);
  EXPECT_FALSE(find_user("a@example.com"));
}

/// A service that was started, and what it wrote.
class Service {
 public:
  Service(const Arguments& arguments, const Arguments& environment, std::string log)
      : log_(std::move(log)) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      if (std::freopen(log_.c_str(), "w", stderr) == nullptr) ::_exit(126);
      execute(arguments, environment);
    }
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
  }
  ~Service() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::fclose(out_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::string first_line() {
    char line[256] = "";
    return std::fgets(line, sizeof line, out_) == nullptr ? "" : line;
  }
  void signal(int number) const { ::kill(child_, number); }
  int ends() { return exit_code(std::exchange(child_, 0)); }
  bool ended_within(std::chrono::milliseconds time) const {
    std::this_thread::sleep_for(time);
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  }
  std::string log() const { return read_whole(log_); }

 private:
  std::string log_;
  pid_t child_ = -1;
  std::FILE* out_ = nullptr;
};

TEST_F(ProgramTest, RunserverServesUntilItIsTold) {
  for (const int number : {SIGTERM, SIGINT}) {
    Service service({"--config", project() + "/easyjwt.toml", "runserver", "127.0.0.1:0"}, {},
                    folder_.path("log"));
    const auto line = service.first_line();
    ASSERT_TRUE(line.starts_with("listening on http://127.0.0.1:")) << line << service.log();
    service.signal(SIGHUP);
    service.signal(number);
    EXPECT_EQ(service.ends(), 0) << service.log();
  }
}

/// A request whose body never comes holds the draining up; a second signal does not wait for it.
TEST_F(ProgramTest, ASecondSignalEndsItAtOnce) {
  Service service({"--config", project() + "/easyjwt.toml", "runserver", "127.0.0.1:0"}, {},
                  folder_.path("log"));
  const auto line = service.first_line();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1))));
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  constexpr std::string_view head =
      "POST /auth/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{";
  ASSERT_EQ(::write(client, head.data(), head.size()), static_cast<ssize_t>(head.size()));
  std::this_thread::sleep_for(100ms);
  service.signal(SIGTERM);
  EXPECT_FALSE(service.ended_within(300ms));
  const auto start = std::chrono::steady_clock::now();
  service.signal(SIGTERM);
  EXPECT_EQ(service.ends(), 128 + SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  ::close(client);
}

TEST_F(ProgramTest, RunserverSaysInOneLineWhyItCannot) {
  Service service({"--config", project() + "/easyjwt.toml", "runserver", "127.0.0.1:0"}, {},
                  folder_.path("log"));
  const auto line = service.first_line();
  const auto address = line.substr(std::string("listening on http://").size());
  const auto taken = in_project({"runserver", address.substr(0, address.size() - 1)});
  EXPECT_EQ(taken.code, 1);
  EXPECT_EQ(std::count(taken.err.begin(), taken.err.end(), '\n'), 1) << taken.err;

  for (const auto& environment : std::vector<Arguments>{
           {"EASYJWT_DATABASE__URL=sqlite:////proc/none/x.sqlite3"},
           {"EASYJWT_SERVER__TLS_CERTIFICATE=none.pem", "EASYJWT_SERVER__TLS_KEY=none.pem"},
           {"EASYJWT_SERVER__LISTEN=nonsense"},
           {R"(EASYJWT_INSTALLED_APPS=["easyjwt_client", "easyjwt_user"])"}}) {
    const auto outcome = in_project({"runserver"}, "", environment);
    EXPECT_EQ(outcome.code, 1) << environment.front();
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

}  // namespace
}  // namespace easyjwt
