#include "service/auth_service.hpp"

#include <memory>

#include "service/admin/admin.hpp"
#include "service/auth_api/auth_api.hpp"
#include "service/auth_api/authentication.hpp"
#include "service/pages/pages.hpp"

namespace easyjwt {
namespace {

/// Those who verify by JWK_URL sign by their settings' key alone.
KeyRingSource follow_keys(std::optional<KeyFollower>& follower, SigningKeys& keys,
                          const ServiceSettings& settings, const Log& log) {
  if (uses_remote_keys(settings)) return {};
  return follower.emplace(keys, settings.key_rotation_interval, system_clock(), log).source();
}

}  // namespace

AuthService::AuthService(const LoadedSettings& loaded, db::Database& database, const Log& log,
                         http::Router& router, const std::vector<OwnView>& views,
                         const BoundSerializer* serializer)
    : remote_keys_(loaded.settings, log),
      signing_keys_(loaded.settings.token, loaded.settings.secret_key,
                    loaded.settings.secret_key_fallbacks, database, system_clock()),
      codec_(loaded.settings.token, remote_keys_.source(),
             follow_keys(key_follower_, signing_keys_, loaded.settings, log)),
      tools_(loaded.settings, database, log),
      logins_(make_logins(loaded.settings, database, log)),
      tokens_(loaded.settings.auth, codec_, database, tools_.accounts, system_clock(), log,
              logins_.get()),
      clients_(database, system_clock()),
      identities_(database, serializer, loaded.settings.user_model_serializer, system_clock()),
      sessions_(loaded.settings, database, system_clock(), logins_.get()),
      feed_(loaded.settings.token, loaded.settings.auth, database, system_clock()),
      catalogue_(loaded.settings),
      renderer_(loaded.settings.csrf, catalogue_.language()),
      mails_(loaded.settings, tools_.accounts, renderer_, system_clock(), log) {
  const auto& settings = loaded.settings;
  router.use(catalogue_.language());
  Welcome welcome;
  if (settings.email_verification) {
    welcome = [this](const User& user, const http::Request& request) {
      mails_.verify(request, user.email);
    };
  }
  add_auth_api(router, {settings, tokens_, tools_.accounts, logins_.get(), client_guard_, database,
                        codec_, sessions_, feed_, serializer, std::move(welcome)});
  add_pages(router, {.settings = settings,
                     .database = database,
                     .sessions = sessions_,
                     .renderer = renderer_,
                     .accounts = tools_.accounts,
                     .logins = logins_.get(),
                     .feed = &feed_,
                     .mails = &mails_,
                     .clock = system_clock(),
                     .log = log});
  admin::add_admin(router, {.loaded = loaded,
                            .settings = settings,
                            .database = database,
                            .sessions = sessions_,
                            .renderer = renderer_,
                            .identities = identities_,
                            .accounts = tools_.accounts,
                            .tokens = &tokens_,
                            .feed = &feed_,
                            .keys = uses_remote_keys(settings) ? nullptr : &signing_keys_,
                            .clock = system_clock(),
                            .log = log});
  const auto authentication = std::make_shared<const Authentication>(settings, tokens_, sessions_);
  const auto who = [this, authentication](const http::Request& request) -> IdentityResult {
    const auto user = authentication->authenticate(request);
    if (!user) return fail(user.error());
    if (!*user) return nullptr;
    return identities_.of_user(**user);
  };
  add_own_views(router, views, default_permission(settings.permission_classes), who,
                authentication->challenge());
  if (settings.flush_interval && settings.auth.token_blacklist) {
    flusher_.emplace(
        database, *settings.flush_interval, settings.token.access_lifetime,
        [&token = settings.token, now = system_clock()] { return dead_by(token, now()); }, log);
  }
}

}  // namespace easyjwt
