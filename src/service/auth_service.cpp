#include "service/auth_service.hpp"

#include "service/auth_api/auth_api.hpp"

namespace easyjwt {

AuthService::AuthService(const ServiceSettings& settings, db::Database& database, const Log& log,
                         http::Router& router)
    : keys_(settings, log),
      codec_(settings.token, keys_.source()),
      tools_(settings, database, log),
      tokens_(settings.auth, codec_, database, tools_.accounts, system_clock()) {
  add_auth_api(router, {settings, tokens_, tools_.accounts, database});
  if (settings.flush_interval && settings.auth.token_blacklist) {
    flusher_.emplace(database, *settings.flush_interval, system_clock(), log);
  }
}

}  // namespace easyjwt
