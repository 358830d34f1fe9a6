#include "easyjwt/auth/clients.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/random.hpp"
#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

/// "API gateway" is "api-gateway-", and six characters that nobody takes for others.
std::string make_id(std::string_view name) {
  std::string id;
  for (const char c : name.substr(0, 40)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_plain) {
      id += c;
    } else if (c >= 'A' && c <= 'Z') {
      id += static_cast<char>(c - 'A' + 'a');
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  if (id.empty()) id = "client";
  if (id.back() != '-') id += '-';
  return id + random_string(6, "abcdefghjkmnpqrstuvwxyz23456789");
}

/// Whether a terminal and a table can show it.
bool is_name(std::string_view name) {
  const bool has_controls = std::any_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  return !name.empty() && !has_controls && is_utf8(name) && count_code_points(name) <= 100;
}

/// 256 random bits need no slow hash: nobody can try them.
std::string digest_of(std::string_view secret) { return hex(sha256(secret)); }

}  // namespace

Clients::Clients(db::Database& database, Clock clock)
    : database_(database), clock_(std::move(clock)) {}

Result<Clients::New> Clients::add(std::string_view name, const std::vector<ClientScope>& scopes) {
  name = strip(name);
  if (!is_name(name)) {
    return fail(Error::field("name", {"A name has 1 to 100 characters that can be shown.", {}}));
  }
  New made;
  made.client = {
      .client_id = make_id(name), .name = std::string(name), .scopes = {}, .created_at = clock_()};
  for (const auto scope : scopes) {
    if (made.client.may(scope)) continue;
    if (!made.client.scopes.empty()) made.client.scopes += ' ';
    made.client.scopes += to_string(scope);
  }
  std::string bits(32, '\0');
  random_bytes(bits.data(), bits.size());
  made.secret = Secret(base64url(bits));
  wipe(bits);
  const auto added = database_.write([&](db::Transaction& transaction) {
    return ClientStore(transaction).add(made.client, digest_of(made.secret.view()));
  });
  if (!added && added.error().code == Errc::conflict) {
    return fail(Error::field("name", {"There is a client \"{}\" already.", {made.client.name}}));
  }
  if (!added) return fail(added.error());
  return made;
}

Result<Client> Clients::authenticate(std::string_view client_id, std::string_view secret) {
  // PostgreSQL's texts have no NUL, and it refuses one instead of not finding it.
  if (client_id.find('\0') != client_id.npos) client_id = {};
  auto found = database_.read(
      [&](db::Transaction& transaction) { return ClientStore(transaction).find(client_id); });
  if (!found) return fail(found.error());
  // No digest is that.
  static const std::string nobodys(64, '-');
  const bool is_right =
      equal_constant_time(*found ? (*found)->secret_sha256 : nobodys, digest_of(secret));
  if (is_right) return std::move((*found)->client);
  return fail(Errc::not_authenticated, {}, *found ? "a wrong client secret" : "no such client");
}

Result<std::vector<Client>> Clients::list() {
  return database_.read([&](db::Transaction& transaction) -> Result<std::vector<Client>> {
    std::vector<Client> clients;
    const auto done =
        ClientStore(transaction).list([&](const Client& client) { clients.push_back(client); });
    if (!done) return fail(done.error());
    return clients;
  });
}

Result<bool> Clients::remove(std::string_view id_or_name) {
  return database_.write(
      [&](db::Transaction& transaction) { return ClientStore(transaction).remove(id_or_name); });
}

}  // namespace easyjwt
