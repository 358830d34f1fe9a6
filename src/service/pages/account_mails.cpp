#include "service/pages/account_mails.hpp"

#include <cstdlib>
#include <exception>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/hasher.hpp"

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t longest_queue = 1000;
constexpr std::chrono::minutes between{1};
constexpr std::size_t most_remembered = 10'000;

fetch::MailerSettings mailer_settings(const ServiceSettings& settings) {
  auto mailer = settings.mailer;
  if (const char* file = std::getenv("SSL_CERT_FILE")) mailer.ca_file = file;
  return mailer;
}

/// "1 hour", "90 minutes".
Text in_words(std::chrono::seconds time) {
  const auto words = [&](std::int64_t unit, std::string_view one, std::string_view many) {
    const auto count = time.count() / unit;
    return count == 1 ? Text{one, {}} : Text{many, {std::to_string(count)}};
  };
  if (time.count() % 3600 == 0) return words(3600, "1 hour"_t, "{} hours"_t);
  return time.count() >= 60 ? words(60, "1 minute"_t, "{} minutes"_t)
                            : words(1, "1 second"_t, "{} seconds"_t);
}

}  // namespace

AccountMails::AccountMails(const ServiceSettings& settings, Accounts& accounts,
                           const html::Renderer& renderer, Clock clock, Log log)
    : settings_(settings),
      accounts_(accounts),
      renderer_(renderer),
      clock_(std::move(clock)),
      log_(std::move(log)),
      reset_tokens_(settings, "easyjwt.password_reset", settings.password_reset_timeout),
      verify_tokens_(settings, "easyjwt.email_verification", settings.email_verification_timeout),
      mailer_(mailer_settings(settings), clock_),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

bool AccountMails::can_verify(const User& user) {
  return user.is_active && put_away_password(user.password);
}

bool AccountMails::can_reset(const User& user) {
  return can_verify(user) || (user.is_active && is_password_usable(user.password));
}

void AccountMails::reset(const http::Request& request, std::string email) {
  ask(Kind::reset, request, std::move(email));
}

void AccountMails::verify(const http::Request& request, std::string email) {
  ask(Kind::verify, request, std::move(email));
}

void AccountMails::ask(Kind kind, const http::Request& request, std::string email) {
  auto origin = settings_.public_origin;
  if (origin.empty()) {
    if (request.host.empty()) {
      log_(LogLevel::warning, "a mail was not sent",
           {{"id", request.id}, {"reason", "no Host to lead to, and no PUBLIC_ORIGIN"}});
      return;
    }
    // The router lets in no host but those of ALLOWED_HOSTS.
    origin = std::string(request.scheme) + "://" + std::string(request.host);
  }
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < longest_queue) {
      queue_.push_back({kind, std::move(email), std::move(origin), renderer_.language(request)});
    } else {
      is_news = !std::exchange(was_full_, true);
    }
  }
  if (is_news) log_(LogLevel::warning, "too many mails to be sent: some are not", {});
  asked_.notify_one();
}

void AccountMails::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (asked_.wait(lock, stop, [&] { return !queue_.empty(); }) && !stop.stop_requested()) {
    const auto asked = std::move(queue_.front());
    queue_.pop_front();
    if (queue_.empty()) was_full_ = false;
    lock.unlock();
    try {
      answer(asked, stop);
    } catch (const std::exception& fault) {
      log_(LogLevel::error, "a mail was not sent", {{"reason", fault.what()}});
    }
    lock.lock();
  }
  if (!queue_.empty()) {
    log_(LogLevel::warning, "ended before mails were sent",
         {{"mails", std::to_string(queue_.size())}});
  }
}

void AccountMails::answer(const Asked& asked, const std::stop_token& stop) {
  const auto found = find(asked.email);
  if (!found) {
    log_(LogLevel::warning, "a mail was not sent", {{"reason", found.error().reason}});
    return;
  }
  if (!*found) return;
  const auto& user = **found;
  if (!(asked.kind == Kind::reset ? can_reset(user) : can_verify(user))) return;
  if (!may_have_one(asked.kind, user.id)) return;
  const auto done = mailer_.send(mail_to(user, asked), stop);
  const auto id = std::to_string(user.id);
  if (done) {
    log_(LogLevel::info,
         asked.kind == Kind::reset ? "a mail to reset a password was sent"
                                   : "a mail to confirm an address was sent",
         {{"user_id", id}});
  } else {
    sent_.erase({asked.kind, user.id});
    log_(LogLevel::warning, "a mail was not sent",
         {{"user_id", id}, {"reason", done.error().reason}});
  }
}

Result<std::optional<User>> AccountMails::find(const std::string& email) {
  auto found = accounts_.find_by_email(email);
  if (!found || *found) return found;
  // Ours are in lower case, and nobody remembers how they wrote it.
  const auto usual = lower(email);
  return usual == email ? found : accounts_.find_by_email(usual);
}

fetch::Mail AccountMails::mail_to(const User& user, const Asked& asked) const {
  using Form = html::Renderer::Form;
  const auto& [kind, email, origin, translations] = asked;
  const bool is_reset = kind == Kind::reset;
  json::object members;
  const auto site = origin.substr(origin.find("://") + 3);
  members["site"] = site;
  // Not the user's name: whoever makes an account for a stranger's address chooses it, and would
  // have us send the stranger their text.
  members["email"] = user.email;
  const auto& tokens = is_reset ? reset_tokens_ : verify_tokens_;
  members["link"] = origin + (is_reset ? "/accounts/reset/" : "/accounts/verify/") +
                    encode_uid(user.id) + '/' + tokens.make(user, clock_()) + '/';
  members["time"] =
      in_words(is_reset ? settings_.password_reset_timeout : settings_.email_verification_timeout)
          .str(translations);
  const std::string name = is_reset ? "password_reset_mail_" : "verify_mail_";
  const auto subject =
      is_reset ? Text{"A new password at {}", {site}} : Text{"Your new account at {}", {site}};
  return {.from = settings_.default_from_email,
          // As it is kept, not as it was asked for: what looks alike may be another's mailbox.
          .to = user.email,
          .subject = subject.str(translations),
          .text = renderer_.render_mail(name + "text", members, Form::text, translations),
          .html = renderer_.render_mail(name + "html", members, Form::html, translations)};
}

bool AccountMails::may_have_one(Kind kind, std::int64_t user_id) {
  const auto now = steady_clock::now();
  if (sent_.size() >= most_remembered) {
    std::erase_if(sent_, [&](const auto& one) { return now - one.second >= between; });
    if (sent_.size() >= most_remembered) return false;
  }
  const auto [place, is_first] = sent_.emplace(std::pair{kind, user_id}, now);
  if (!is_first && now - place->second < between) return false;
  place->second = now;
  return true;
}

}  // namespace easyjwt
