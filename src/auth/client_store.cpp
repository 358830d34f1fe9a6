#include "easyjwt/auth/client_store.hpp"

#include <algorithm>

namespace easyjwt {
namespace {

Client read_client(const db::Row& row) {
  return {.client_id = std::string(row.text(0)),
          .name = std::string(row.text(1)),
          .scopes = std::string(row.text(2)),
          .created_at = row.time(3)};
}

}  // namespace

std::string_view to_string(ClientScope scope) noexcept {
  switch (scope) {
    case ClientScope::introspect: return "introspect";
    case ClientScope::revoke: return "revoke";
    case ClientScope::feed: break;
  }
  return "feed";
}

std::optional<ClientScope> parse_client_scope(std::string_view name) noexcept {
  for (const auto scope : {ClientScope::introspect, ClientScope::revoke, ClientScope::feed}) {
    if (name == to_string(scope)) return scope;
  }
  return std::nullopt;
}

bool Client::may(ClientScope scope) const noexcept {
  for (std::string_view rest = scopes; !rest.empty();) {
    const auto word = rest.substr(0, rest.find(' '));
    if (word == to_string(scope)) return true;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return false;
}

Result<void> ClientStore::add(const Client& client, std::string_view secret_sha256) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_client (client_id, secret_sha256, name, scopes, created_at) "
      "VALUES ($1, $2, $3, $4, $5)"};
  return transaction_
      .run(sql, {client.client_id, secret_sha256, client.name, client.scopes, client.created_at})
      .map(db::uncounted);
}

Result<std::optional<ClientStore::Found>> ClientStore::find(std::string_view client_id) {
  static constexpr db::Sql sql{
      "SELECT client_id, name, scopes, created_at, secret_sha256 FROM easyjwt_client "
      "WHERE client_id = $1"};
  std::optional<Found> found;
  const auto done = transaction_.run(sql, {client_id}, [&](const db::Row& row) {
    found = {read_client(row), std::string(row.text(4))};
  });
  if (!done) return fail(done.error());
  return found;
}

Result<void> ClientStore::list(FunctionRef<void(const Client&)> each) {
  static constexpr db::Sql sql{
      "SELECT client_id, name, scopes, created_at FROM easyjwt_client ORDER BY name"};
  return transaction_.run(sql, {}, [&](const db::Row& row) { each(read_client(row)); })
      .map(db::uncounted);
}

Result<bool> ClientStore::remove(std::string_view id_or_name) {
  static constexpr db::Sql by_id{"DELETE FROM easyjwt_client WHERE client_id = $1"};
  static constexpr db::Sql by_name{"DELETE FROM easyjwt_client WHERE name = $1"};
  const auto gone = transaction_.run(by_id, {id_or_name});
  if (!gone) return fail(gone.error());
  if (*gone > 0) return true;
  return transaction_.run(by_name, {id_or_name}).map([](std::int64_t rows) { return rows > 0; });
}

}  // namespace easyjwt
