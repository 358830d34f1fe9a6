#pragma once

#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/user/admin_log_store.hpp"

namespace easyjwt::admin {

/// Django's permissions of a model.
enum class Verb { view, add, change, remove };

/// A model that the site shows, as Django's admin names it.
struct Model {
  ModelName name;
  std::string_view title;   ///< in English, of one: "User"
  std::string_view titles;  ///< of several

  /// "/admin/easyjwt_user/user/"
  std::string path() const {
    return "/admin/" + std::string(name.app) + '/' + std::string(name.model) + '/';
  }
  /// "easyjwt_user.view_user"
  std::string permission(Verb verb) const;
};

inline constexpr Model user_model{{"easyjwt_user", "user"}, "User"_t, "Users"_t};
inline constexpr Model group_model{{"auth", "group"}, "Group"_t, "Groups"_t};
inline constexpr Model outstanding_model{
    {"token_blacklist", "outstandingtoken"}, "Outstanding token"_t, "Outstanding tokens"_t};
inline constexpr Model blacklisted_model{
    {"token_blacklist", "blacklistedtoken"}, "Blacklisted token"_t, "Blacklisted tokens"_t};

}  // namespace easyjwt::admin
