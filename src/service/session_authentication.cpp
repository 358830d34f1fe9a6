#include "service/session_authentication.hpp"

#include <utility>

namespace easyjwt {

Result<std::optional<User>> SessionAuthentication::authenticate(
    const http::Request& request) const {
  auto session = sessions_.find(request);
  if (!session) return fail(session.error());
  if (!*session) return std::nullopt;
  if (auto own = csrf_.check(request); !own) return fail(own.error());
  return std::move((*session)->user);
}

}  // namespace easyjwt
