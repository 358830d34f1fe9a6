#pragma once

#include <memory>

#include "easyjwt/client/jwks.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/fetch/fetcher.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt {

/// Whether tokens are verified by the keys of JWK_URL: it is set and ALGORITHM is asymmetric.
bool uses_remote_keys(const ServiceSettings& settings);

/// What follows JWK_URL, if it is of use. Nothing is fetched before the first token comes.
class RemoteKeys {
 public:
  /// Throws SettingsError: a JWK_URL that cannot be fetched from.
  RemoteKeys(const ServiceSettings& settings, Log log);

  /// Empty where JWK_URL is of no use. The object must outlive it.
  KeySource source() const;

 private:
  std::unique_ptr<fetch::Fetcher> fetcher_;
  std::unique_ptr<Jwks> jwks_;
};

}  // namespace easyjwt
