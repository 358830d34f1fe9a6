#pragma once

#include <string_view>
#include <utility>

#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt {

/// The view of one of the registered serializers ("TokenObtainPairSerializer"), and the lane in
/// which it waits. Throws SettingsError for a name that is not registered.
std::pair<http::Lane, http::Handler> token_view(std::string_view serializer, Tokens& tokens);

}  // namespace easyjwt
