// clients add, list and remove: for operators.
#include "easyjwt/auth/clients.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include "service/commands/commands.hpp"
#include "service/project.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt::commands {
namespace {

/// Calls `work` with the Clients of a project, and with what is to be done once they have changed.
template <class Work>
Result<int> with_clients(const std::string& config, Work work) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  if (loaded->settings.kind != ServiceKind::auth) {
    return refuse("this is a client-service; its auth-service has the clients");
  }
  const auto database = open_ready_database(patient(loaded->settings.database), no_log());
  if (!database) return fail(database.error());
  Clients clients(**database, system_clock());
  return work(clients, [&] { return switch_feed(**database, loaded->settings.token); });
}

}  // namespace

Result<int> clients_add(const std::string& config, const std::string& name,
                        const std::vector<std::string>& scopes) {
  std::vector<ClientScope> wanted;
  for (const auto& scope : scopes) {
    const auto known = parse_client_scope(scope);
    if (!known) {
      return fail(Errc::usage, {},
                  "clients add: \"" + scope + "\" is neither introspect, revoke nor feed");
    }
    wanted.push_back(*known);
  }
  return with_clients(config, [&](Clients& clients, const auto& changed) -> Result<int> {
    const auto made = clients.add(name, wanted);
    if (!made) return fail(made.error());
    std::printf("client_id      %s\nclient_secret  %s\n", made->client.client_id.c_str(),
                std::string(made->secret.view()).c_str());
    std::fputs("Keep the secret: it is not shown again.\n", stderr);
    return changed().map([] { return 0; });
  });
}

Result<int> clients_list(const std::string& config) {
  return with_clients(config, [](Clients& clients, const auto&) -> Result<int> {
    const auto list = clients.list();
    if (!list) return fail(list.error());
    std::size_t width = std::string_view("client_id").size();
    for (const auto& client : *list) width = std::max(width, client.client_id.size());
    const auto print = [&](const std::string& id, const std::string& scopes,
                           const std::string& created, const std::string& name) {
      std::printf("%-*s  %-22s  %-20s  %s\n", static_cast<int>(width), id.c_str(), scopes.c_str(),
                  created.c_str(), name.c_str());
    };
    print("client_id", "scopes", "created", "name");
    for (const auto& client : *list) {
      const auto second = std::chrono::floor<std::chrono::seconds>(client.created_at);
      print(client.client_id, client.scopes, to_rfc3339(second), client.name);
    }
    return 0;
  });
}

Result<int> clients_remove(const std::string& config, const std::string& who) {
  return with_clients(config, [&](Clients& clients, const auto& changed) -> Result<int> {
    const auto removed = clients.remove(who);
    if (!removed) return fail(removed.error());
    if (!*removed) return refuse("there is no client \"" + who + "\"");
    std::printf("The client \"%s\" is gone.\n", who.c_str());
    return changed().map([] { return 0; });
  });
}

}  // namespace easyjwt::commands
