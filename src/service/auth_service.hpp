#pragma once

#include <memory>
#include <optional>

#include "easyjwt/auth/clients.hpp"
#include "easyjwt/auth/signing_keys.hpp"
#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/token/codec.hpp"
#include "service/auth_api/client_guard.hpp"
#include "service/browser_sessions.hpp"
#include "service/catalogue/catalogue.hpp"
#include "service/flusher.hpp"
#include "service/html/renderer.hpp"
#include "service/identities.hpp"
#include "service/key_follower.hpp"
#include "service/own_views.hpp"
#include "service/pages/account_mails.hpp"
#include "service/project.hpp"
#include "service/remote_keys.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt {

/// What an auth-service serves: the endpoints of auth_api, pages and views of its own, and what
/// they decide by. Must outlive the server.
class AuthService {
 public:
  /// Throws SettingsError. `loaded`, `database` and `serializer` (null: TokenUserSerializer) must
  /// outlive it.
  AuthService(const LoadedSettings& loaded, db::Database& database, const Log& log,
              http::Router& router, const std::vector<OwnView>& views,
              const BoundSerializer* serializer);

  const Hasher& hasher() const noexcept { return tools_.hasher; }

  /// Answers those who wait for something to happen. Any thread.
  void stop_waiting() { feed_.stop(); }

 private:
  const RemoteKeys remote_keys_;
  SigningKeys signing_keys_;
  std::optional<KeyFollower> key_follower_;
  const TokenCodec codec_;
  AccountTools tools_;
  const std::unique_ptr<Logins> logins_;
  Tokens tokens_;
  Clients clients_;
  const ClientGuard client_guard_{clients_};
  const Identities identities_;
  const BrowserSessions sessions_;
  RevocationFeed feed_;
  const Catalogue catalogue_;
  const html::Renderer renderer_;
  AccountMails mails_;
  std::optional<Flusher> flusher_;
};

}  // namespace easyjwt
