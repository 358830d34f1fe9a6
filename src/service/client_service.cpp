#include "service/client_service.hpp"

#include <cstdlib>

#include "service/client_api/client_api.hpp"

namespace easyjwt {

RemoteAuthSettings remote_settings(const ServiceSettings& settings) {
  auto remote = settings.remote;
  for (const char* name : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}) {
    const char* file = std::getenv(name);
    if (file != nullptr && remote.ca_file.empty()) remote.ca_file = file;
  }
  return remote;
}

ClientService::ClientService(const ServiceSettings& settings, const Log& log, http::Router& router)
    : remote_(remote_settings(settings), log) {
  // No copies of users yet: whoever keeps them gives an Admit here.
  add_client_api(router, {.settings = settings, .remote = remote_, .admit = {}, .log = log});
}

}  // namespace easyjwt
