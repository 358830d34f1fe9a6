#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/auth/client_store.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// Decides about OAuth clients: who is one. Any thread.
class Clients {
 public:
  struct New {
    Client client;
    Secret secret;  ///< kept nowhere: it is shown once, or lost
  };

  /// `database` must outlive it.
  Clients(db::Database& database, Clock clock);

  /// Makes an id that can be read, from the name, and a secret of 256 bits. Errc::validation_error
  /// on `name`: empty, longer than 100 code points, with control characters, or another client's.
  Result<New> add(std::string_view name, const std::vector<ClientScope>& scopes);
  /// The client that proves itself. Errc::not_authenticated for an id that is nobody's and for a
  /// wrong secret, after as much time.
  Result<Client> authenticate(std::string_view client_id, std::string_view secret);
  /// By name.
  Result<std::vector<Client>> list();
  /// By id or name; false: there is none. What it asks from then on is refused.
  Result<bool> remove(std::string_view id_or_name);

 private:
  db::Database& database_;
  Clock clock_;
};

}  // namespace easyjwt
