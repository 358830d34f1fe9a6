#include "db/postgresql_address.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "db/libpq.hpp"

namespace easyjwt::db {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { pq.PQconninfoFree(options); }
};
struct FreeText {
  void operator()(char* text) const noexcept { pq.PQfreemem(text); }
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == list.npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

/// The i-th of a list that has one entry for all, or one for each.
std::string entry(const std::vector<std::string>& list, std::size_t i) {
  if (list.empty()) return {};
  return list.size() == 1 ? list.front() : list[i];
}

}  // namespace

Result<PostgresqlAddress> PostgresqlAddress::parse(const std::string& url) {
  if (auto loaded = load_libpq(); !loaded) return fail(loaded.error());
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      pq.PQconninfoParse(url.c_str(), &words));
  const std::unique_ptr<char, FreeText> freed(words);
  if (!options) {
    // libpq's words may quote the URL, and the password with it.
    const std::string_view text = words != nullptr ? words : "";
    const bool quotes = text.find('@') != text.npos || text.find("://") != text.npos ||
                        text.find("percent-encoded") != text.npos;
    std::string reason = "DATABASE URL: not a PostgreSQL URL";
    if (!quotes && !text.empty()) reason += ": " + std::string(text.substr(0, text.find('\n')));
    return fail(Errc::refused, {}, std::move(reason));
  }

  std::vector<std::string> hosts, host_addresses, ports;
  std::vector<std::pair<std::string, std::string>> others;
  std::string target, database;
  PostgresqlAddress address;
  for (auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword, value = option->val;
    if (keyword == "host") {
      hosts = split(value);
    } else if (keyword == "hostaddr") {
      host_addresses = split(value);
    } else if (keyword == "port") {
      ports = split(value);
    } else if (keyword == "target_session_attrs") {
      target = value;
    } else if (keyword == "connect_timeout") {
      int seconds = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (ec != std::errc{} || end != value.data() + value.size()) {
        return fail(Errc::refused, {}, "DATABASE URL: connect_timeout is not a number");
      }
      if (seconds > 0) address.connect_timeout_ = std::chrono::seconds(seconds);
    } else {
      if (keyword == "dbname") database = value;
      others.emplace_back(keyword, value);
    }
  }
  // "pa/ss" for a password makes a port of "pa" and a name of "ss@host": neither may be repeated.
  const bool is_cut = database.find('@') != database.npos ||
                      std::ranges::any_of(ports, [](const std::string& port) {
                        return port.find_first_not_of("0123456789") != port.npos;
                      });
  if (is_cut) {
    return fail(Errc::refused, {},
                "DATABASE URL: the port is not a number, or the name has an @; in a user or a "
                "password write / as %2F, @ as %40, : as %3A");
  }
  const auto count = std::max<std::size_t>({hosts.size(), host_addresses.size(), 1});
  for (const auto* list : {&hosts, &host_addresses, &ports}) {
    if (list->size() > 1 && list->size() != count) {
      return fail(Errc::refused, {}, "DATABASE URL: not as many ports as hosts");
    }
  }

  // Whatever the session's default is, texts are UTF-8 here.
  others.emplace_back("client_encoding", "UTF8");
  others.emplace_back("fallback_application_name", "easyjwt");
  const bool prefers_standby = target == "prefer-standby";
  for (const std::string& wanted : prefers_standby ? std::vector<std::string>{"standby", "any"}
                                                   : std::vector<std::string>{target}) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& parameters = address.attempts_.emplace_back().parameters;
      parameters = others;
      const auto add = [&](const char* keyword, const std::string& value) {
        if (!value.empty()) parameters.emplace_back(keyword, value);
      };
      add("host", entry(hosts, i));
      add("hostaddr", entry(host_addresses, i));
      add("port", entry(ports, i));
      add("target_session_attrs", wanted);
    }
  }
  auto host = entry(hosts, 0);
  if (host.empty()) host = entry(host_addresses, 0);
  const auto port = entry(ports, 0);
  address.name_ = host + (port.empty() ? "" : ":" + port) + "/" + database;
  return address;
}

}  // namespace easyjwt::db
