#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

/// Of whom all that is given is true.
struct UserFilter {
  std::optional<bool> is_active{};
  std::optional<bool> is_staff{};
  std::optional<bool> is_superuser{};
  std::optional<std::int64_t> group{};  ///< the id of one that they are in

  friend bool operator==(const UserFilter&, const UserFilter&) = default;
};

/// A page of /auth/users/, or of the admin site's list.
struct UserQuery {
  std::string ordering = "id";  ///< a field, '-' before it: descending
  /// Each in e-mail, first or last name, case aside; none has white space in it.
  std::vector<std::string> words;
  UserFilter filter{};
  std::int64_t offset = 0;
  std::int64_t limit = 100;
};

/// From how many users on a search is read in another way (docs/adr/0020); tests set them lower.
struct SearchLimits {
  std::int64_t candidates = 5'000;       ///< whom parts name, and whose texts are looked up then
  std::int64_t sorted = 2'000;           ///< who are put in order, rather than met on a walk
  std::int64_t sorted_by_name = 15'000;  ///< the same by a name, where a walk may be long
  std::int64_t kept = 50'000;            ///< whose ids are kept for the page
  /// Who are not all looked for where they need not be counted; of those that one name has the
  /// page may be far on in an order of names, and is better found among all.
  std::int64_t counted = 15'000;
  std::int64_t counted_by_name = 40'000;
};

/// Lists of users and searches among them. Made for the length of a transaction.
class UserListStore {
 public:
  explicit UserListStore(db::Transaction& transaction, const SearchLimits& limits = {});
  ~UserListStore();
  UserListStore(const UserListStore&) = delete;
  UserListStore& operator=(const UserListStore&) = delete;

  static constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
  /// Of everybody, or of those whom the words and the filter leave; a list of the same then counts
  /// them no more. Those with words are counted up to `most`, beyond which frequent words need not
  /// be looked for.
  Result<std::int64_t> count(const UserQuery& query, std::int64_t most = all);
  /// Ordered, then by id. Errc::validation_error never: an unknown ordering counts as "id".
  Result<void> list(const UserQuery& query, FunctionRef<void(const User&)> each);
  static bool is_ordering(std::string_view field);

 private:
  struct Found;
  Result<void> find(const UserQuery& query, std::int64_t most);
  Result<void> list_found(const UserQuery& query, FunctionRef<void(const User&)> each);

  db::Transaction& transaction_;
  SearchLimits limits_;
  std::unique_ptr<Found> found_;
};

}  // namespace easyjwt
