#pragma once

#include <optional>
#include <string>

#include "easyjwt/http/router.hpp"
#include "service/admin/log_views.hpp"
#include "service/admin/user_deeds.hpp"

namespace easyjwt::admin {

/// The pages of one user (the original's UserAdmin): to add, to look at or change, the password, to
/// delete, the history.
class UserForms {
 public:
  UserForms(const Site& site, const LogViews& log, const UserDeeds& deeds)
      : site_(site), log_(log), deeds_(deeds) {}

  http::Reply add(const Visit& visit) const;
  http::Reply change(const Visit& visit) const;
  http::Reply password(const Visit& visit) const;
  http::Reply remove(const Visit& visit) const;
  /// Everywhere.
  http::Reply log_out(const Visit& visit) const;
  http::Reply history(const Visit& visit) const;

 private:
  struct Stored;
  struct Sent;

  /// The user whose id is in the path. Errc::not_found.
  Result<User> find(const Visit& visit) const;
  Result<Stored> read(db::Transaction& transaction, const Visit& visit, const User& user) const;
  Result<User> create(const Visit& visit, const std::string& email,
                      const std::string& password) const;
  Result<void> save(const Visit& visit, std::int64_t id, const Sent& sent) const;
  http::Reply show(const Visit& visit, const Stored& stored, const Sent& sent,
                   const Error& wrong) const;

  const Site& site_;
  const LogViews& log_;
  const UserDeeds& deeds_;
};

}  // namespace easyjwt::admin
