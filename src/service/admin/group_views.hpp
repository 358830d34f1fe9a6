#pragma once

#include <vector>

#include "easyjwt/http/router.hpp"
#include "easyjwt/user/group_store.hpp"
#include "service/admin/log_views.hpp"
#include "service/admin/picker.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// /admin/auth/group/: groups, what they may do, who is in them (django.contrib.auth.admin). Nobody
/// but a superuser gives a group a permission, or a user to a group that has one, which they do not
/// have themselves (docs/admin.md).
class GroupViews {
 public:
  GroupViews(const Site& site, const LogViews& log) : site_(site), log_(log) {}

  http::Reply list(const Visit& visit) const;
  /// What is sent from the list: the chosen ones are deleted.
  http::Reply act(const Visit& visit) const;
  /// These answer GET and POST.
  http::Reply add(const Visit& visit) const;
  http::Reply change(const Visit& visit) const;
  http::Reply users(const Visit& visit) const;
  http::Reply remove(const Visit& visit) const;

  http::Reply history(const Visit& visit) const;

 private:
  struct Stored;
  struct Lists;

  /// Of the id in the path. Errc::not_found.
  Result<Group> find(const Visit& visit) const;
  Result<Stored> read(const Group& group) const;
  http::Reply show(const Visit& visit, const Group& group, const std::string& name,
                   const Picker& picker, const Error& wrong) const;
  Result<std::int64_t> save(const Visit& visit, const Group& group, const std::string& name,
                            const Picker& picker) const;
  Result<Lists> find_users(const Group& group, const std::string& search, std::int64_t page) const;
  Result<void> change_members(const Visit& visit, const Group& group,
                              const std::vector<std::int64_t>& users, bool adds) const;
  Result<void> judge(db::Transaction& transaction, const Visit& visit, const Group& group) const;
  http::Reply confirm(const Visit& visit, const std::vector<Group>& groups) const;
  Result<void> drop(const Visit& visit, const Group& group) const;

  const Site& site_;
  const LogViews& log_;
};

}  // namespace easyjwt::admin
