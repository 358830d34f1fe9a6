#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

/// What a user may do in this service, each list sorted by bytes.
struct Grants {
  std::vector<std::string> groups;  ///< their names
  std::vector<std::string>
      permissions;  ///< "easyjwt_user.add_user": its own and those of its groups
};

/// A row of auth_group, with how many of each it has.
struct Group {
  std::int64_t id = 0;
  std::string name;
  std::int64_t members = 0;  ///< counted to GroupStore::most_counted
  std::int64_t permissions = 0;
};

/// A row of auth_permission with its content type.
struct PermissionRow {
  std::int64_t id = 0;
  std::string app;
  std::string model;
  std::string codename;  ///< "add_user"
  std::string name;      ///< "Can add user"

  /// "easyjwt_user.add_user"
  std::string key() const { return app + '.' + codename; }
};

struct GroupQuery {
  std::string word{};       ///< in the name, case aside (ASCII's); empty: all
  bool descending = false;  ///< by name
  std::int64_t offset = 0;
  std::int64_t limit = 100;
};

/// Groups and permissions (django.contrib.auth): auth_group, auth_permission, and who has them.
/// Made for the length of a transaction.
class GroupStore {
 public:
  /// More members than this are "more than this": to count a million of each of many groups takes
  /// seconds.
  static constexpr std::int64_t most_counted = 10'000;

  explicit GroupStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// That a superuser has all permissions, and somebody inactive none, is not said here.
  Result<Grants> grants(std::int64_t user_id);

  Result<std::int64_t> count(const GroupQuery& query);
  Result<void> list(const GroupQuery& query, FunctionRef<void(const Group&)> each);
  /// Without the numbers.
  Result<std::optional<Group>> find(std::int64_t id);
  /// Returns the id. Errc::conflict: there is one of that name.
  Result<std::int64_t> insert(std::string_view name);
  /// Errc::conflict as insert(). False: there is no such group.
  Result<bool> rename(std::int64_t id, std::string_view name);
  /// With its permissions and memberships, which of a large group take a while: drop_members()
  /// before. False: there is no such group.
  Result<bool> remove(std::int64_t id);

  /// All permissions, by app, model and codename.
  Result<std::vector<PermissionRow>> all_permissions();
  Result<std::vector<std::int64_t>> permissions_of(std::int64_t id);
  /// Errc::internal for one that is not there.
  Result<void> set_permissions(std::int64_t id, std::span<const std::int64_t> permissions);

  /// All of them.
  Result<std::int64_t> count_members(std::int64_t id);
  /// As they came to be members.
  Result<void> list_members(std::int64_t id, std::int64_t offset, std::int64_t limit,
                            FunctionRef<void(const User&)> each);
  /// Which of these users are members, in their order.
  Result<std::vector<bool>> are_members(std::int64_t id, std::span<const std::int64_t> users);
  /// False: the user is one already, or there is no such user.
  Result<bool> add_member(std::int64_t id, std::int64_t user);
  /// False: the user is none.
  Result<bool> remove_member(std::int64_t id, std::int64_t user);
  /// Of a user, by id.
  Result<std::vector<std::int64_t>> groups_of(std::int64_t user);
  Result<void> set_groups(std::int64_t user, std::span<const std::int64_t> groups);
  /// Not those of their groups.
  Result<std::vector<std::int64_t>> own_permissions(std::int64_t user);
  Result<void> set_own_permissions(std::int64_t user, std::span<const std::int64_t> permissions);
  /// By name, without the numbers.
  Result<std::vector<Group>> all_groups();
  /// Takes out the members among the next `limit` memberships, of whatever groups, of users behind
  /// `after`. Returns the last of these users; nullopt: that was all of them.
  Result<std::optional<std::int64_t>> drop_members(std::int64_t id, std::int64_t after,
                                                   std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
