#pragma once

#include "easyjwt/http/router.hpp"
#include "easyjwt/token/codec.hpp"
#include "service/auth_api/client_guard.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt {

/// GET /auth/events/?after=CURSOR&wait=SECONDS, for clients with the scope "feed": a page of the
/// revocation feed as a compact JWS of typ "events+jwt", so that who follows it need not trust what
/// is in between. 404: nobody may follow; 410: the cursor is worth nothing any more. All of it must
/// outlive the handler.
http::Handler feed_view(const ClientGuard& clients, RevocationFeed& feed, const TokenCodec& codec,
                        Clock clock);

}  // namespace easyjwt
