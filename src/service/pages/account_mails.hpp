#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/fetch/mailer.hpp"
#include "easyjwt/service/settings.hpp"
#include "service/html/renderer.hpp"
#include "service/pages/mail_tokens.hpp"

namespace easyjwt {

/// Sends the mails with a link to a new password, and those by which a new account's address is
/// confirmed, in a thread of its own that looks up the user, too: who asks for a mail learns
/// nothing from the time that it takes. At most one mail of a kind per user and minute, as far as
/// this process knows. One that cannot be sent is lost and logged; asked for again it is tried
/// again.
class AccountMails {
 public:
  /// All must outlive it.
  AccountMails(const ServiceSettings& settings, Accounts& accounts, const html::Renderer& renderer,
               Clock clock, Log log);

  /// Whom a link to a new password is for: it confirms the address, too.
  static bool can_reset(const User& user);
  /// Whose address waits to be confirmed.
  static bool can_verify(const User& user);

  const MailTokens& reset_tokens() const noexcept { return reset_tokens_; }
  const MailTokens& verify_tokens() const noexcept { return verify_tokens_; }

  /// Sends a link to a new password to who has that address, if that is somebody who may log in
  /// with a password. It leads to PUBLIC_ORIGIN, else to the request's host, and the mail is in the
  /// request's language. Never waits; with a thousand to be sent nothing happens. Any thread.
  void reset(const http::Request& request, std::string email);
  /// Has the owner of a new account show that its address reaches them. Otherwise as reset().
  void verify(const http::Request& request, std::string email);

 private:
  enum class Kind { reset, verify };
  struct Asked {
    Kind kind;
    std::string email;
    std::string origin;
    const Translations* translations;
  };
  void ask(Kind kind, const http::Request& request, std::string email);
  void run(const std::stop_token& stop);
  void answer(const Asked& asked, const std::stop_token& stop);
  Result<std::optional<User>> find(const std::string& email);
  fetch::Mail mail_to(const User& user, const Asked& asked) const;
  /// Whether there has been none for a minute; there is one now.
  bool may_have_one(Kind kind, std::int64_t user_id);

  const ServiceSettings& settings_;
  Accounts& accounts_;
  const html::Renderer& renderer_;
  const Clock clock_;
  const Log log_;
  const MailTokens reset_tokens_;
  const MailTokens verify_tokens_;
  fetch::Mailer mailer_;
  /// The thread's.
  std::map<std::pair<Kind, std::int64_t>, std::chrono::steady_clock::time_point> sent_;

  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::deque<Asked> queue_;
  bool was_full_ = false;
  std::jthread thread_;
};

}  // namespace easyjwt
