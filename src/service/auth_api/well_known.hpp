#pragma once

#include "easyjwt/http/router.hpp"
#include "easyjwt/service/settings.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt {

/// GET /.well-known/jwks.json: the public halves of the codec's keys as a JWK Set (RFC 7517 section
/// 5); none of a shared secret, which has no public half. `codec` must outlive it.
http::Handler key_set_view(const TokenCodec& codec);

/// GET /.well-known/openid-configuration and oauth-authorization-server: of their fields (OpenID
/// Connect Discovery 1.0 section 3, RFC 8414 section 2) those that are true of us. Where ISSUER is
/// not set the issuer is the origin that was asked.
http::Handler metadata_view(const ServiceSettings& settings, const TokenCodec& codec);

}  // namespace easyjwt
