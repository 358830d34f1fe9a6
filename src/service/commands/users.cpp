// createsuperuser and changepassword, in the words of Django's.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/validators.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"
#include "service/terminal.hpp"

namespace easyjwt::commands {
namespace {

constexpr std::size_t max_email = 254;  // the column's
constexpr int max_tries = 3;
constexpr const char* cancelled = "Operation cancelled.";

void complain(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

/// What is wrong with an e-mail address; empty: nothing.
std::string email_problem(const std::string& email) {
  if (email.empty()) return "This field cannot be blank.";
  if (!is_utf8(email) || !is_valid_email(email)) return "Enter a valid email address.";
  if (const auto size = count_code_points(email); size > max_email) {
    return "Ensure this value has at most " + std::to_string(max_email) + " characters (it has " +
           std::to_string(size) + ").";
  }
  return {};
}

Result<std::string> usable_email(Accounts& accounts, const std::string& email) {
  if (const auto problem = email_problem(email); !problem.empty()) return refuse(problem);
  const auto taken = accounts.email_taken(email);
  if (!taken) return fail(taken.error());
  if (*taken) return refuse("That email address is already taken.");
  return lower(email);
}

Result<std::string> ask_email(Accounts& accounts) {
  for (;;) {
    const auto answer = terminal::ask("Email address: ");
    if (!answer) return refuse(cancelled);
    const std::string email(strip(*answer));
    if (const auto problem = email_problem(email); !problem.empty()) {
      complain("Error: " + problem);
      continue;
    }
    return usable_email(accounts, email);
  }
}

/// Asks twice until both are the same, not blank, and valid (or taken regardless).
Result<Secret> ask_new_password(const Accounts& accounts, const User& user) {
  for (;;) {
    auto password = terminal::ask_secret("Password: ");
    if (!password) return refuse(cancelled);
    const auto again = terminal::ask_secret("Password (again): ");
    if (!again) return refuse(cancelled);
    if (!equal_constant_time(password->view(), again->view())) {
      complain("Error: Your passwords didn't match.");
      continue;
    }
    if (!is_utf8(password->view()) || strip(password->view()).empty()) {
      complain("Error: Blank passwords aren't allowed.");
      continue;
    }
    const auto problems = accounts.validate_password(password->view(), &user);
    for (const auto& problem : problems) complain(problem.str());
    if (!problems.empty()) {
      const auto answer =
          terminal::ask("Bypass password validation and create user anyway? [y/N]: ");
      if (!answer) return refuse(cancelled);
      if (*answer != "y" && *answer != "Y") continue;
    }
    return *std::move(password);
  }
}

/// One password, asked for twice. An empty one gives up, as Django's.
struct Attempt {
  Secret password;
  std::string problem;  ///< empty: it may be set
};
Result<Attempt> attempt_password(const Accounts& accounts, const User& user) {
  auto password = terminal::ask_secret("Password: ");
  if (!password || password->empty()) return refuse("aborted");
  const auto again = terminal::ask_secret("Password (again): ");
  if (!again || again->empty()) return refuse("aborted");
  Attempt attempt{*std::move(password), {}};
  if (!equal_constant_time(attempt.password.view(), again->view())) {
    attempt.problem = "Passwords do not match. Please try again.";
  } else if (!is_utf8(attempt.password.view())) {
    attempt.problem = "The password is not UTF-8 text.";
  } else {
    for (const auto& text : accounts.validate_password(attempt.password.view(), &user)) {
      attempt.problem += (attempt.problem.empty() ? "" : "\n") + text.str();
    }
  }
  return attempt;
}

/// A project's database and what decides about its users.
struct Users {
  std::unique_ptr<db::Database> database;
  std::unique_ptr<AccountTools> tools;
};
Result<Users> open_users(const std::string& config) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  auto database = open_ready_database(patient(loaded->settings.database), no_log());
  if (!database) return fail(database.error());
  auto tools = std::make_unique<AccountTools>(loaded->settings, **database, no_log());
  return Users{*std::move(database), std::move(tools)};
}

Result<int> create(Accounts& accounts, const std::string& email, const Secret& password) {
  NewUser user;
  user.email = email;
  user.password = std::string(password.view());
  user.is_staff = user.is_superuser = true;
  const auto created = accounts.create(user);
  wipe(user.password);
  if (!created) {
    // The address may have been taken since we looked.
    if (created.error().code != Errc::validation_error) return fail(created.error());
    return refuse("That email address is already taken.");
  }
  std::puts("Superuser created successfully.");
  return 0;
}

}  // namespace

Result<int> createsuperuser(const std::string& config, std::string email, bool no_input) {
  const char* password = std::getenv("EASYJWT_SUPERUSER_PASSWORD");
  if (no_input) {
    const char* name = std::getenv("EASYJWT_SUPERUSER_EMAIL");
    if (email.empty() && name != nullptr) email = name;
    if (email.empty()) {
      return refuse("--noinput needs --email or the variable EASYJWT_SUPERUSER_EMAIL");
    }
    if (password == nullptr || *password == '\0') {
      return refuse("--noinput needs the variable EASYJWT_SUPERUSER_PASSWORD");
    }
  } else if (!terminal::is_interactive()) {
    return refuse(
        "there is no terminal to ask on: use --noinput, with the variables EASYJWT_SUPERUSER_EMAIL "
        "and EASYJWT_SUPERUSER_PASSWORD");
  }
  const auto users = open_users(config);
  if (!users) return fail(users.error());
  auto& accounts = users->tools->accounts;
  const auto address =
      email.empty() ? ask_email(accounts) : usable_email(accounts, std::string(strip(email)));
  if (!address) return fail(address.error());
  if (no_input) return create(accounts, *address, Secret(password));
  User user;
  user.email = *address;
  const auto chosen = ask_new_password(accounts, user);
  if (!chosen) return fail(chosen.error());
  return create(accounts, *address, *chosen);
}

Result<int> changepassword(const std::string& config, const std::string& email) {
  const auto users = open_users(config);
  if (!users) return fail(users.error());
  auto& accounts = users->tools->accounts;
  auto user = accounts.find_by_email(email);
  if (user && !*user) user = accounts.find_by_email(lower(email));
  if (!user) return fail(user.error());
  if (!*user) return refuse("user '" + email + "' does not exist");

  std::printf("Changing password for user '%s'\n", (*user)->email.c_str());
  std::fflush(stdout);
  const int tries = terminal::is_interactive() ? max_tries : 1;
  for (int i = 1;; ++i) {
    const auto attempt = attempt_password(accounts, **user);
    if (!attempt) return fail(attempt.error());
    if (attempt->problem.empty()) {
      const auto done = accounts.set_password(**user, attempt->password.view());
      if (!done) return fail(done.error());
      break;
    }
    complain(attempt->problem);
    if (i == tries) {
      return refuse("Aborting password change for user '" + (*user)->email + "' after " +
                    std::to_string(tries) + (tries == 1 ? " attempt" : " attempts"));
    }
  }
  std::printf("Password changed successfully for user '%s'\n", (*user)->email.c_str());
  return 0;
}

}  // namespace easyjwt::commands
