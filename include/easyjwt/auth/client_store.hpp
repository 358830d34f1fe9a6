#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// What an OAuth client may do here.
enum class ClientScope {
  introspect,  ///< ask about tokens (RFC 7662)
  revoke,      ///< end them (RFC 7009)
  feed,        ///< follow what is revoked
};
std::string_view to_string(ClientScope scope) noexcept;  ///< "introspect"
std::optional<ClientScope> parse_client_scope(std::string_view name) noexcept;

/// An OAuth client, a service or a gateway. What it proves itself by is not in here.
struct Client {
  std::string client_id;
  std::string name;    ///< for operators
  std::string scopes;  ///< apart by spaces (RFC 6749 section 3.3)
  Time created_at{};

  bool may(ClientScope scope) const noexcept;
};

/// The table easyjwt_client. Made for the length of a transaction.
class ClientStore {
 public:
  struct Found {
    Client client;
    std::string secret_sha256;  ///< in hex
  };

  explicit ClientStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// Errc::conflict: another client has its id or its name.
  Result<void> add(const Client& client, std::string_view secret_sha256);
  Result<std::optional<Found>> find(std::string_view client_id);
  /// By name.
  Result<void> list(FunctionRef<void(const Client&)> each);
  /// The one with that id, else the one with that name. Returns whether there was one.
  Result<bool> remove(std::string_view id_or_name);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
