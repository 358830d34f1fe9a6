#include "service/client_service.hpp"

#include <cstdlib>

#include "service/admin/admin.hpp"
#include "service/client_api/client_api.hpp"
#include "service/forward_auth/forward_auth.hpp"
#include "service/pages/pages.hpp"

namespace easyjwt {

RemoteAuthSettings remote_settings(const ServiceSettings& settings) {
  auto remote = settings.remote;
  for (const char* name : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}) {
    const char* file = std::getenv(name);
    if (file != nullptr && remote.ca_file.empty()) remote.ca_file = file;
  }
  return remote;
}

ClientService::ClientService(const LoadedSettings& loaded, db::Database& database, const Log& log,
                             http::Router& router, const std::vector<OwnView>& views,
                             const BoundSerializer* serializer)
    : remote_(remote_settings(loaded.settings), log),
      identities_(database, serializer, loaded.settings.user_model_serializer, system_clock()),
      tools_(loaded.settings, database, log),
      logins_(make_logins(loaded.settings, database, log)),
      sessions_(loaded.settings, database, system_clock(), logins_.get()),
      catalogue_(loaded.settings),
      renderer_(loaded.settings.csrf, catalogue_.language()),
      authentication_(
          loaded.settings, remote_, log,
          [this](const json::object& user) { return identities_.of_remote_user(user); }, sessions_,
          identities_) {
  const auto& settings = loaded.settings;
  const auto admit = [this](const json::object& user) { return identities_.of_remote_user(user); };
  const auto who = [this](const http::Request& request) {
    return authentication_.identify(request);
  };
  router.use(catalogue_.language());
  add_client_api(router, {.settings = settings,
                          .remote = remote_,
                          .admit = admit,
                          .who = who,
                          .language = catalogue_.language(),
                          .log = log});
  add_pages(router, {.settings = settings,
                     .database = database,
                     .sessions = sessions_,
                     .renderer = renderer_,
                     .accounts = tools_.accounts,
                     .logins = logins_.get(),
                     .remote = &remote_,
                     .admit = admit,
                     .clock = system_clock(),
                     .log = log});
  admin::add_admin(router, {.loaded = loaded,
                            .settings = settings,
                            .database = database,
                            .sessions = sessions_,
                            .renderer = renderer_,
                            .identities = identities_,
                            .accounts = tools_.accounts,
                            .clock = system_clock(),
                            .log = log});
  add_forward_auth(router, settings, who, authentication_.challenge());
  add_own_views(router, views, default_permission(settings.permission_classes), who,
                authentication_.challenge());
}

}  // namespace easyjwt
