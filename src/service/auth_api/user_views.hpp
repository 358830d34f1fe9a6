#pragma once

#include <functional>
#include <memory>

#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/logins.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/user/serializer.hpp"
#include "service/auth_api/authentication.hpp"

namespace easyjwt {

class RevocationFeed;

/// Has a new account's owner show that its e-mail reaches them. Empty: none need to.
using Welcome = std::function<void(const User& user, const http::Request& request)>;

/// POST /auth/create-user/. `guard` judges the caller first.
http::Handler create_user_view(Accounts& accounts, http::Guard guard, Welcome welcome);
/// POST /auth/password-change/.
http::Handler password_change_view(Accounts& accounts, Logins* logins, RevocationFeed& feed,
                                   http::Guard guard);
/// GET /auth/user/. `serializer`: null for TokenUserSerializer.
http::Handler own_user_view(std::shared_ptr<const Authentication> who, db::Database& database,
                            const BoundSerializer* serializer);
/// GET /auth/users/.
http::Handler user_list_view(std::shared_ptr<const Authentication> who, db::Database& database);
/// GET /auth/users/{id}/.
http::Handler user_detail_view(std::shared_ptr<const Authentication> who, Accounts& accounts);

/// Appends a user as TokenUserSerializer writes it.
void append_token_user(std::string& out, const User& user);

}  // namespace easyjwt
