#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// A row of easyjwt_key. From `signs_from` until `signs_until` it signs, until `verifies_until` its
/// tokens stand; nullopt: until a rotation says so. All nodes go by these instants.
struct SigningKey {
  std::string kid;  ///< empty: the key of the settings
  std::string algorithm;
  Time created_at;
  Time signs_from;
  std::optional<Time> signs_until;
  std::optional<Time> verifies_until;
  std::string sealed;  ///< what is private of it, encrypted; empty: it is in the settings

  enum class State { published, signing, verifying, dead };
  State state(Time now) const noexcept;
};
std::string_view to_string(SigningKey::State state) noexcept;

/// The table easyjwt_key, within a transaction.
class KeyStore {
 public:
  explicit KeyStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// All rows, in the order in which they sign.
  Result<std::vector<SigningKey>> list();
  Result<void> add(const SigningKey& key);
  /// Gives the last key its end. False: it has one already.
  Result<bool> end(std::string_view kid, Time signs_until, Time verifies_until);
  /// Takes back the end at that instant. A row of the settings' key that says nothing goes.
  Result<void> reopen(Time signs_until);
  Result<void> stop_verifying(std::string_view kid, Time now);
  Result<void> remove(std::string_view kid);
  /// But for the settings': without its row that would sign.
  Result<void> remove_dead(Time now);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
