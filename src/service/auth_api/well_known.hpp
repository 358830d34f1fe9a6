#pragma once

#include "easyjwt/http/router.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/service/settings.hpp"

namespace easyjwt {

/// GET /.well-known/jwks.json: the public half of `key` as a JWK Set (RFC 7517 section 5); none of
/// a shared secret, which has no public half.
http::Handler key_set_view(const jose::Key& key);

/// GET /.well-known/openid-configuration and oauth-authorization-server: of their fields (OpenID
/// Connect Discovery 1.0 section 3, RFC 8414 section 2) those that are true of us. Where ISSUER is
/// not set the issuer is the origin that was asked.
http::Handler metadata_view(const ServiceSettings& settings);

}  // namespace easyjwt
