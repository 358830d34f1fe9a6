#include "service/admin/service_views.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/group_store.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "service/settings_table.hpp"
#include "service/system_checks.hpp"

namespace easyjwt::admin {
namespace {

/// As many bullets as no secret: a length is something to know of one.
constexpr std::string_view hidden = "••••••";
constexpr std::int64_t most_counted = 10'000;

std::string up_to(std::int64_t n) {
  return n > most_counted ? "> " + std::to_string(most_counted) : std::to_string(n);
}

/// "2 d 03:04:05"
std::string shown_duration(std::chrono::seconds time) {
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto seconds = time.count();
  return std::to_string(seconds / 86400) + " d " + two(seconds / 3600 % 24) + ':' +
         two(seconds / 60 % 60) + ':' + two(seconds % 60);
}

/// What the process has in memory; nullopt: the system does not say.
std::optional<std::int64_t> resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t all = 0;
  std::int64_t resident = 0;
  if (!(file >> all >> resident)) return std::nullopt;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// A URL, quoted or not, without who logs in there and by what: both may be in its query, too.
std::string without_credentials(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  const auto start = scheme + 3;
  const auto query = std::min(url.find('?'), url.size());
  const auto at = url.rfind('@');
  const std::string before(url.substr(0, start));
  if (at == url.npos) {
    return query == url.size() ? std::string(url)
                               : std::string(url.substr(0, query + 1)) + std::string(hidden);
  }
  // Where a password has a '?' that is not escaped nobody knows what is what.
  if (at > query) return before + std::string(hidden);
  return before + std::string(hidden) + std::string(url.substr(at, query - at)) +
         (query == url.size() ? "" : "?" + std::string(hidden));
}

std::string shown_value(const SettingRow& row, const ServiceSettings& settings, bool is_set) {
  const auto value = row.show(settings);
  if (!row.secret) return value.find('@') == value.npos ? value : without_credentials(value);
  // A database's address is more than its password: which it is people want to know.
  if (row.key.starts_with("DATABASE.")) return without_credentials(value);
  return is_set ? std::string(hidden) : std::string("—");
}

json::object fact(std::string name, std::string value) {
  json::object out;
  out["name"] = std::move(name);
  out["value"] = std::move(value);
  return out;
}

std::string shown(const std::optional<Time>& time) { return time ? shown_time(*time) : "—"; }

}  // namespace

http::Reply ServiceViews::service(const Visit& visit) const {
  if (!visit.user.is_superuser) return Error{Errc::permission_denied};
  bool is_behind = false;
  auto steps = migrations(visit, is_behind);
  if (!steps) return steps.error();
  auto found = facts(visit);
  if (!found) return found.error();
  json::object data;
  data["facts"] = *std::move(found);
  data["is_behind"] = is_behind;
  data["migrations"] = *std::move(steps);
  json::array warnings;
  const auto& loaded = site_.tools().loaded;
  for (const auto& warning : loaded.warnings) warnings.emplace_back(warning.str());
  for (const auto& [id, problem] : system_checks(loaded, !loaded.settings.debug)) {
    warnings.emplace_back('(' + id + ") " + problem.str());
  }
  data["has_warnings"] = !warnings.empty();
  data["warnings"] = std::move(warnings);
  data["settings"] = settings(visit);
  return site_.render(visit, "admin_service", std::move(data), {.title = Text{"Service"}});
}

Result<json::array> ServiceViews::facts(const Visit& visit) const {
  const auto& tools = site_.tools();
  const auto text = [&](std::string_view english) { return site_.text(visit, {english, {}}); };
  const auto now = tools.clock();
  json::array out;
  const auto add = [&](std::string_view name, std::string value) {
    out.push_back(fact(text(name), std::move(value)));
  };
  add("Version"_t, "easyjwt " EASYJWT_VERSION);
  add("Kind"_t, tools.settings.kind == ServiceKind::auth ? "auth-service" : "client-service");
  add("Settings"_t, tools.loaded.file);
  add("Started"_t, shown_time(started_));
  add("Up for"_t, shown_duration(std::chrono::duration_cast<std::chrono::seconds>(now - started_)));
  if (const auto bytes = resident_bytes()) {
    add("Memory"_t, std::to_string(*bytes / (1024 * 1024)) + " MiB");
  }
  add("Database"_t, tools.database.engine() == db::Engine::sqlite ? "SQLite" : "PostgreSQL");
  const auto written = tools.database.counters();
  add("Writes, and commits that carried them"_t,
      std::to_string(written.writes) + ", " + std::to_string(written.commits));
  struct Counts {
    std::int64_t users = 0, groups = 0, outstanding = 0, blacklisted = 0;
  };
  const bool has_tokens = site_.has_tokens();
  const auto counts = tools.database.read([&](db::Transaction& transaction) -> Result<Counts> {
    const auto users = UserListStore(transaction).count({});
    if (!users) return fail(users.error());
    const auto groups = GroupStore(transaction).count({});
    if (!groups) return fail(groups.error());
    Counts found{.users = *users, .groups = *groups};
    if (!has_tokens) return found;
    TokenStore tokens(transaction);
    const auto outstanding = tokens.count({}, most_counted + 1);
    if (!outstanding) return fail(outstanding.error());
    const auto blacklisted = tokens.count({.only_blacklisted = true}, most_counted + 1);
    if (!blacklisted) return fail(blacklisted.error());
    found.outstanding = *outstanding;
    found.blacklisted = *blacklisted;
    return found;
  });
  if (!counts) return fail(counts.error());
  add("Users"_t, std::to_string(counts->users));
  add("Groups"_t, std::to_string(counts->groups));
  if (has_tokens) {
    add("Outstanding tokens"_t, up_to(counts->outstanding));
    add("Blacklisted tokens"_t, up_to(counts->blacklisted));
  }
  return out;
}

Result<json::array> ServiceViews::migrations(const Visit& visit, bool& is_behind) const {
  auto& database = site_.tools().database;
  const auto applied = db::applied_migrations(database);
  if (!applied) return fail(applied.error());
  const auto pending = db::pending_migrations(database);
  if (!pending && pending.error().code != Errc::refused) return fail(pending.error());
  is_behind = !pending || !pending->empty();
  json::array out;
  for (const auto& [name, at] : *applied) out.push_back(fact(name, shown_time(at)));
  if (!pending) {  // somebody has changed the schema beneath us
    out.push_back(fact("—", pending.error().reason));
    return out;
  }
  for (const auto& step : *pending) {
    out.push_back(fact(step.name, site_.text(visit, Text{"not applied"})));
  }
  return out;
}

json::array ServiceViews::settings(const Visit& visit) const {
  const auto& loaded = site_.tools().loaded;
  const bool is_client = loaded.settings.kind == ServiceKind::client;
  json::array out;
  for (const auto& row : settings_table()) {
    const auto others = is_client ? SettingRow::Audience::auth : SettingRow::Audience::client;
    if (row.audience == others && !(is_client && row.judging)) continue;
    const auto place = loaded.places.find(row.key);
    const bool is_set = place != loaded.places.end();
    json::object one;
    one["key"] = row.key;
    one["value"] = shown_value(row, loaded.settings, is_set);
    one["text"] = row.text;
    one["place"] = is_set ? place->second : site_.text(visit, Text{"default"});
    out.push_back(std::move(one));
  }
  return out;
}

http::Reply ServiceViews::keys(const Visit& visit) const {
  if (!visit.user.is_superuser) return Error{Errc::permission_denied};
  const auto keys = site_.tools().keys->list();
  if (!keys) return keys.error();
  const auto now = site_.tools().clock();
  json::array rows;
  for (const auto& key : *keys) {
    const bool is_settings = key.kid.empty();
    json::object one;
    one["kid"] = is_settings ? site_.text(visit, Text{"of the settings"}) : key.kid;
    one["algorithm"] = key.algorithm;
    one["state"] = site_.text(visit, {to_string(key.state(now)), {}});
    one["created"] = is_settings ? "—" : shown_time(key.created_at);
    one["signs_from"] = is_settings ? "—" : shown_time(key.signs_from);
    one["signs_until"] = shown(key.signs_until);
    one["verifies_until"] = shown(key.verifies_until);
    rows.push_back(std::move(one));
  }
  json::object data;
  data["keys"] = std::move(rows);
  const auto& interval = site_.tools().settings.key_rotation_interval;
  data["rotation"] = site_.text(
      visit, interval ? Text{"The service makes a new key by itself, this long after the last one: "
                             "{} (KEY_ROTATION_INTERVAL).",
                             {shown_duration(*interval)}}
                      : Text{"New keys are made by hand: “easyjwt keys rotate” "
                             "(KEY_ROTATION_INTERVAL is not set)."});
  return site_.render(visit, "admin_keys", std::move(data), {.title = Text{"Keys"}});
}

}  // namespace easyjwt::admin
