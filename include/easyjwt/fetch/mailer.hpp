#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"

namespace easyjwt::fetch {

/// EMAIL_* of the settings.
struct MailerSettings {
  std::string host;        ///< a name or an address; empty: mails are files in `folder`
  std::int64_t port = 25;  ///< 1 to 65535
  std::string user;        ///< empty: no login
  Secret password;
  bool use_tls = false;  ///< STARTTLS, without which nothing is sent
  bool use_ssl = false;  ///< TLS from the first byte
  std::chrono::seconds timeout{10};
  std::string folder = "mail";  ///< made where it is not there
  std::string ca_file;          ///< PEM file; empty: the system's
};

struct Mail {
  std::string from;  ///< "webmaster@example.com" or "A name <webmaster@example.com>"
  std::string to;    ///< an address alone
  std::string subject;
  std::string text;  ///< the same for those who are shown no HTML
  std::string html;
};

/// What is wrong with a sender; nullopt: nothing.
std::optional<std::string> refuse_sender(std::string_view from);

/// A mail as it is sent: RFC 5322 with both forms in a multipart/alternative (RFC 2046). All lines
/// have at most 78 characters but for addresses that are longer, and end in CRLF. Whatever a mail
/// holds, it adds no header field and no part. Errc::unavailable: an address that may stand in no
/// header, which the reason does not repeat.
Result<std::string> compose(const Mail& mail, Time now);

/// Sends mails one by one: over SMTP (RFC 5321) by libcurl, or, where there is no host, into a
/// folder, a file NAME.eml each, for its owner alone and there in whole or not at all. Any thread;
/// waits.
class Mailer {
 public:
  /// Throws std::runtime_error where libcurl is needed and not there.
  Mailer(MailerSettings settings, Clock clock);

  /// Errc::unavailable: it was not sent, for the `reason`, which holds neither the password nor
  /// what was in the mail. `stop` ends it within a second.
  Result<void> send(const Mail& mail, const std::stop_token& stop = {});

 private:
  Result<void> write(const std::string& message) const;
  Result<void> transfer(const Mail& mail, const std::string& message,
                        const std::stop_token& stop) const;

  const MailerSettings settings_;
  const Clock clock_;
};

}  // namespace easyjwt::fetch
