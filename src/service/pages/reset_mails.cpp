#include "service/pages/reset_mails.hpp"

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

ResetMails::ResetMails(const ServiceSettings& settings, Accounts& accounts,
                       const html::Renderer& renderer, Clock clock, Log log)
    : settings_(settings),
      accounts_(accounts),
      renderer_(renderer),
      clock_(std::move(clock)),
      log_(std::move(log)),
      tokens_(settings),
      mailer_(mailer_settings(settings), clock_),
      thread_([this] { run(); }) {}

ResetMails::~ResetMails() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stop_.request_stop();
  changed_.notify_one();
  thread_.join();
}

void ResetMails::ask(std::string email, std::string origin, const Translations* translations) {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < longest_queue) {
      queue_.push_back({std::move(email), std::move(origin), translations});
    } else {
      is_news = !std::exchange(was_full_, true);
    }
  }
  if (is_news) log_(LogLevel::warning, "too many mails to be sent: some are not", {});
  changed_.notify_one();
}

void ResetMails::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_stopping_ || !queue_.empty(); });
    if (is_stopping_) break;
    const auto asked = std::move(queue_.front());
    queue_.pop_front();
    if (queue_.empty()) was_full_ = false;
    lock.unlock();
    try {
      answer(asked);
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

void ResetMails::answer(const Asked& asked) {
  const auto found = find(asked.email);
  if (!found) {
    log_(LogLevel::warning, "a mail was not sent", {{"reason", found.error().reason}});
    return;
  }
  if (!*found || !(*found)->is_active || !is_password_usable((*found)->password)) return;
  const auto& user = **found;
  if (!may_have_one(user.id)) return;
  const auto done = mailer_.send(mail_to(user, asked), stop_.get_token());
  const auto id = std::to_string(user.id);
  if (done) {
    log_(LogLevel::info, "a mail to reset a password was sent", {{"user_id", id}});
  } else {
    sent_.erase(user.id);
    log_(LogLevel::warning, "a mail was not sent",
         {{"user_id", id}, {"reason", done.error().reason}});
  }
}

Result<std::optional<User>> ResetMails::find(const std::string& email) {
  auto found = accounts_.find_by_email(email);
  if (!found || *found) return found;
  // Ours are in lower case, and nobody remembers how they wrote it.
  const auto usual = lower(email);
  return usual == email ? found : accounts_.find_by_email(usual);
}

fetch::Mail ResetMails::mail_to(const User& user, const Asked& asked) const {
  using Form = html::Renderer::Form;
  const auto& [email, origin, translations] = asked;
  json::object members;
  const auto site = origin.substr(origin.find("://") + 3);
  members["site"] = site;
  // Not the user's name: whoever makes an account for a stranger's address chooses it, and would
  // have us send the stranger their text.
  members["email"] = user.email;
  members["link"] =
      origin + "/accounts/reset/" + encode_uid(user.id) + '/' + tokens_.make(user, clock_()) + '/';
  members["time"] = in_words(settings_.password_reset_timeout).str(translations);
  return {
      .from = settings_.default_from_email,
      // As it is kept, not as it was asked for: what looks alike may be another's mailbox.
      .to = user.email,
      .subject = Text{"A new password at {}", {site}}.str(translations),
      .text = renderer_.render_mail("password_reset_mail_text", members, Form::text, translations),
      .html = renderer_.render_mail("password_reset_mail_html", members, Form::html, translations)};
}

bool ResetMails::may_have_one(std::int64_t user_id) {
  const auto now = steady_clock::now();
  if (sent_.size() >= most_remembered) {
    std::erase_if(sent_, [&](const auto& one) { return now - one.second >= between; });
    if (sent_.size() >= most_remembered) return false;
  }
  const auto [place, is_first] = sent_.emplace(user_id, now);
  if (!is_first && now - place->second < between) return false;
  place->second = now;
  return true;
}

}  // namespace easyjwt
