#pragma once

#include <cstdint>
#include <vector>

#include "easyjwt/http/router.hpp"
#include "service/admin/list.hpp"
#include "service/admin/user_deeds.hpp"

namespace easyjwt::admin {

/// The list of users (the original's UserAdmin), and what is done to several of them at once.
class UserList {
 public:
  UserList(const Site& site, const UserDeeds& deeds) : site_(site), deeds_(deeds) {}

  http::Reply show(const Visit& visit) const;
  /// An action; to delete is asked for first.
  http::Reply act(const Visit& visit) const;

 private:
  http::Reply ask_to_delete(const Visit& visit, const std::vector<std::int64_t>& ids) const;

  const Site& site_;
  const UserDeeds& deeds_;
};

}  // namespace easyjwt::admin
