#pragma once

#include "easyjwt/http/router.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// Where a user is logged in and has been: live sessions of browsers, families of tokens, the
/// history of logins. For who may see users.
class UserSessions {
 public:
  explicit UserSessions(const Site& site) : site_(site) {}

  http::Reply show(const Visit& visit) const;

 private:
  const Site& site_;
};

}  // namespace easyjwt::admin
