#pragma once

#include <string>
#include <vector>

#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/http/router.hpp"
#include "service/admin/list.hpp"
#include "service/admin/log_views.hpp"
#include "service/admin/site.hpp"

namespace easyjwt::admin {

/// /admin/token_blacklist/: what tokens are outstanding and which are blacklisted. They are looked
/// at and blacklisted; none is changed, added or taken back. Their text is never shown: who has it
/// is the user.
class TokenViews {
 public:
  TokenViews(const Site& site, const LogViews& log) : site_(site), log_(log) {}

  http::Reply outstanding(const Visit& visit) const { return list(visit, false); }
  http::Reply blacklisted(const Visit& visit) const { return list(visit, true); }
  /// What is sent from the list of outstanding ones: the chosen ones are blacklisted.
  http::Reply act(const Visit& visit) const;
  http::Reply show(const Visit& visit) const;
  /// What is sent from there: that one is.
  http::Reply blacklist(const Visit& visit) const;
  http::Reply show_blacklisted(const Visit& visit) const;
  http::Reply history(const Visit& visit) const;

 private:
  http::Reply list(const Visit& visit, bool only_blacklisted) const;
  Result<TokenQuery> read(const ListQuery& query, bool only_blacklisted) const;
  Result<TokenRow> find(const Visit& visit) const;
  http::Reply show(const Visit& visit, const TokenRow& token, const Model& model) const;
  http::Reply confirm(const Visit& visit, const std::vector<std::int64_t>& ids) const;
  /// Returns how many were not blacklisted before.
  Result<std::int64_t> blacklist(const Visit& visit, const std::vector<std::int64_t>& ids) const;

  const Site& site_;
  const LogViews& log_;
};

}  // namespace easyjwt::admin
