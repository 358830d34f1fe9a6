#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/fetch/mailer.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/html/renderer.hpp"
#include "service/pages/reset_tokens.hpp"

namespace easyjwt {

/// Sends the mails with a link to a new password, in a thread of its own that looks up the user,
/// too: who asks for a mail learns nothing from the time that it takes. At most one mail per user
/// and minute, as far as this process knows. One that cannot be sent is lost and logged; asked for
/// again it is tried again.
class ResetMails {
 public:
  /// All must outlive it.
  ResetMails(const ServiceSettings& settings, Accounts& accounts, const html::Renderer& renderer,
             Clock clock, Log log);
  ~ResetMails();
  ResetMails(const ResetMails&) = delete;
  ResetMails& operator=(const ResetMails&) = delete;

  const ResetTokens& tokens() const noexcept { return tokens_; }

  /// Sends a mail to who has that address, if that is somebody who may log in with a password.
  /// `origin`: where the link leads; `translations`: the language of who asks (null: English).
  /// Never waits; with a thousand to be sent nothing happens. Any thread.
  void ask(std::string email, std::string origin, const Translations* translations);

 private:
  struct Asked {
    std::string email;
    std::string origin;
    const Translations* translations;
  };
  void run();
  void answer(const Asked& asked);
  Result<std::optional<User>> find(const std::string& email);
  fetch::Mail mail_to(const User& user, const Asked& asked) const;
  /// Whether there has been no mail for a minute; there is one now.
  bool may_have_one(std::int64_t user_id);

  const ServiceSettings& settings_;
  Accounts& accounts_;
  const html::Renderer& renderer_;
  const Clock clock_;
  const Log log_;
  const ResetTokens tokens_;
  fetch::Mailer mailer_;
  std::unordered_map<std::int64_t, std::chrono::steady_clock::time_point> sent_;  ///< the thread's

  std::mutex mutex_;
  std::condition_variable changed_;  ///< queue_ or is_stopping_
  std::deque<Asked> queue_;
  bool was_full_ = false;
  bool is_stopping_ = false;
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace easyjwt
