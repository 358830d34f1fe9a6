#pragma once

#include <memory>

#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/http/router.hpp"
#include "service/auth_api/authentication.hpp"

namespace easyjwt {

/// GET /auth/sessions/: the caller's families of tokens.
http::Handler session_list_view(std::shared_ptr<const Authentication> who, Tokens& tokens);
/// DELETE /auth/sessions/: ends them all, the caller's own among them.
http::Handler end_sessions_view(std::shared_ptr<const Authentication> who, Tokens& tokens);
/// DELETE /auth/sessions/{id}/: ends one.
http::Handler end_session_view(std::shared_ptr<const Authentication> who, Tokens& tokens);

}  // namespace easyjwt
