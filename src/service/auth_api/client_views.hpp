#pragma once

#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/token/codec.hpp"
#include "service/auth_api/client_guard.hpp"

namespace easyjwt {

/// What OAuth clients, gateways above all, ask about tokens. All arguments outlive the views.

/// RFC 7662: whether a token stands, and what it says.
http::Handler introspection_view(const ClientGuard& guard, Tokens& tokens,
                                 const TokenSettings& settings);
/// RFC 7009: ends a token.
http::Handler revocation_view(const ClientGuard& guard, Tokens& tokens);

}  // namespace easyjwt
