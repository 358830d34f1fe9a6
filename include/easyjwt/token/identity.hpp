#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/json.hpp"

namespace easyjwt {

/// Who a request is from, as a client-service knows them: the auth-service's word on who it is, and
/// (where the service keeps copies of users) its own word on what they may do. Never changes once
/// made, so that requests of one token share it.
struct Identity {
  std::int64_t remote_id = 0;  ///< the auth-service's id of the user
  std::int64_t id = 0;         ///< of the service's own copy; 0: it keeps none
  std::string email;
  std::string first_name;
  std::string last_name;
  bool is_active = true;
  bool is_staff = false;
  bool is_superuser = false;
  std::vector<std::string> groups;       ///< their names, sorted
  std::vector<std::string> permissions;  ///< "easyjwt_user.add_user", sorted: own and of the groups
  json::object user;                     ///< what GET /auth/user/ answered, extra data included

  /// Django's has_perm(): a superuser has every one, an inactive user none.
  bool has_perm(std::string_view permission) const;
};

}  // namespace easyjwt
