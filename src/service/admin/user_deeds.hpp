#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/user/user_store.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

enum class UserDeed { activate, deactivate, remove, log_out };

/// What is done to users beside writing what is in a form, and who may do what to whom. What is
/// refused is an Errc::validation_error whose text says why.
///
/// Nobody gets by way of an account what they don't have: one of a superuser, in a group that one
/// is not in or with a permission that one does not have is a superuser's to change
/// (docs/security.md).
class UserDeeds {
 public:
  explicit UserDeeds(const Site& site) : site_(site) {}

  static Verb verb(UserDeed deed) { return deed == UserDeed::remove ? Verb::remove : Verb::change; }

  Result<bool> may_touch(db::Transaction& transaction, const Visit& visit, const User& user) const;
  /// What may_touch() denies as a refusal.
  Result<void> check(db::Transaction& transaction, const Visit& visit, const User& user) const;
  /// Before a user loses these: neither oneself nor the last superuser.
  Result<void> check_loss(db::Transaction& transaction, const Visit& visit, const User& before,
                          const User& after) const;

  /// What is deleted with a user, or ended, in words.
  Result<std::vector<Text>> belongings(db::Transaction& transaction, std::int64_t id) const;

  /// All of it or nothing; whoever is no more is left out. Returns how many it was done to.
  Result<std::int64_t> perform(const Visit& visit, UserDeed deed,
                               std::vector<std::int64_t> ids) const;
  /// The same within a transaction, to a user who is held.
  Result<void> perform(db::Transaction& transaction, const Visit& visit, UserDeed deed,
                       User user) const;

 private:
  Result<void> remove(db::Transaction& transaction, const Visit& visit, const User& user) const;

  const Site& site_;
};

/// Of a form as a whole.
Error refusal(Text why);
/// A refusal's text.
Text reason_of(const Error& refusal);

}  // namespace easyjwt::admin
