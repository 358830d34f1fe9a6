#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/signing_keys.hpp"
#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/token/identity.hpp"
#include "service/admin/models.hpp"
#include "service/browser_sessions.hpp"
#include "service/html/renderer.hpp"
#include "service/identities.hpp"
#include "service/secret_mac.hpp"

namespace easyjwt {
class RevocationFeed;
}

namespace easyjwt::admin {

/// What the admin site acts on. All of it outlives the router.
struct AdminTools {
  const LoadedSettings& loaded;
  const ServiceSettings& settings;
  db::Database& database;
  const BrowserSessions& sessions;
  const html::Renderer& renderer;
  const Identities& identities;
  Accounts& accounts;
  Tokens* tokens = nullptr;        ///< null: a client-service, which has none
  RevocationFeed* feed = nullptr;  ///< the same
  SigningKeys* keys = nullptr;     ///< null, too: it signs by its settings' key alone
  Clock clock;
  Log log;
};

/// A request of somebody who is staff.
struct Visit {
  const http::Request& request;
  const User& user;
  const Identity& identity;

  /// Whoever may change something may see it, as in Django's admin.
  bool may(Verb verb, const Model& model) const;
};

/// What a page has around it.
struct Page {
  Text title;
  std::vector<html::NavLink> path{};  ///< the pages between the site's first and this one
  int status = 200;
};

/// What all pages of the admin site go through: who may see them, what is around them, the log of
/// what is done. Any thread.
class Site {
 public:
  using View = std::function<http::Reply(const Visit&)>;

  explicit Site(const AdminTools& tools);

  /// For staff alone: strangers are sent to the login, others are refused. A POST must come from a
  /// page of ours. Runs where waiting is allowed: a page reads more than a connection's thread
  /// should.
  http::Handler for_staff(View view) const;
  /// And of staff for those who may do that.
  http::Handler for_staff(Verb verb, const Model& model, View view) const;

  const AdminTools& tools() const noexcept { return tools_; }
  /// Whether there are outstanding and blacklisted tokens here.
  bool has_tokens() const noexcept {
    return tools_.tokens != nullptr && tools_.settings.auth.token_blacklist;
  }

  http::Response render(const Visit& visit, std::string_view name, json::object data,
                        Page page) const;
  std::string text(const Visit& visit, const Text& text) const {
    return tools_.renderer.text(text, visit.request);
  }
  /// After something was done: to `path`, where the next page says so.
  http::Response done(const Visit& visit, std::string_view path, const Text& note) const;

  /// Notes in django_admin_log what a transaction does. `message`: AdminLogEntry's.
  Result<void> record(db::Transaction& transaction, const Visit& visit, const Model& model,
                      std::string object_id, std::string object_name, AdminAction action,
                      std::string message) const;

 private:
  std::vector<Text> take_notes(const Visit& visit) const;

  const AdminTools tools_;
  const SecretMac mac_;
};

/// [{"added": {}}] and [{"changed": {"fields": ["Email address"]}}], which Django shows in words.
std::string added_message();
std::string changed_message(const std::vector<std::string_view>& fields);

/// "2026-11-30 12:48:03", in UTC.
std::string shown_time(Time time);

/// A number in a path or a query; nullopt: it is none.
std::optional<std::int64_t> read_id(std::string_view text);

}  // namespace easyjwt::admin
