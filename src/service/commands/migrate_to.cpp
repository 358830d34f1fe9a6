#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "easyjwt/auth/event_store.hpp"
#include "easyjwt/db/copy.hpp"
#include "easyjwt/db/migrations.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"
#include "service/revocation_feed.hpp"
#include "service/terminal.hpp"

namespace easyjwt::commands {
namespace {

using db::CopyStage;

const char* verb(CopyStage stage) {
  switch (stage) {
    case CopyStage::checking: return "Checking rows:";
    case CopyStage::copying: return "Copying rows:";
    case CopyStage::comparing: return "Comparing rows:";
  }
  return "";
}

/// The database to copy, which is left as it is: what it lacks is not added here.
Result<std::unique_ptr<db::Database>> open_source(const db::DatabaseSettings& settings) {
  if (!settings.url.starts_with("sqlite:///")) {
    return refuse("DATABASE.URL: only from a SQLite file (sqlite:///...)");
  }
  auto database = open_database(patient(settings), no_log());
  if (!database) return database;
  const auto pending = db::pending_migrations(**database);
  if (!pending) return fail(pending.error());
  if (pending->empty()) return database;
  return refuse("the database of DATABASE.URL is not up to date, or empty (" +
                pending->front().description + "): see easyjwt migrate --plan");
}

Result<std::unique_ptr<db::Database>> open_target(db::DatabaseSettings settings, std::string url) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
    // Not repeated: it may hold a password.
    return refuse("URL: must begin with postgresql://");
  }
  settings.url = std::move(url);
  settings.listen_url.clear();
  return open_database(patient(std::move(settings)), no_log());
}

void print(const db::CopyReport& report, const std::string& config) {
  std::int64_t rows = 0;
  for (const auto& table : report.tables) {
    std::printf("%12lld  %s\n", static_cast<long long>(table.rows), table.name.c_str());
    rows += table.rows;
  }
  std::printf("%12lld  rows copied and compared.\n", static_cast<long long>(rows));
  for (const auto& name : report.left_out) {
    std::printf("Warning: not copied, since it is not easyjwt's: %s\n", name.c_str());
  }
  std::printf(
      "\nTo use the copy, set URL in [DATABASE] of %s (or EASYJWT_DATABASE__URL) to the URL given\n"
      "here, and start the service. The SQLite file is as it was; keep it until you are sure.\n",
      config.c_str());
}

/// The target's revocation feed begins with what its tables say is revoked, which does not include
/// passwords that were changed.
Result<void> move_feed(db::Database& source, db::Database& target, const TokenSettings& settings) {
  std::vector<EventStore::UserVoid> voids;
  const auto listed = source.read([&](db::Transaction& transaction) {
    voids.clear();
    return EventStore(transaction).list_voids([&](const EventStore::UserVoid& event) {
      voids.push_back(event);
    });
  });
  if (!listed) return listed;
  if (auto done = switch_feed(target, settings); !done) return done;
  return target.write([&](db::Transaction& transaction) -> Result<void> {
    EventStore store(transaction);
    const auto feed = store.feed();
    if (!feed) return fail(feed.error());
    if (!*feed) return {};
    for (const auto& event : voids) {
      if (auto done = store.add(event); !done) return done;
    }
    return {};
  });
}

}  // namespace

Result<int> migrate_to(const std::string& config, const std::string& url) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto source = open_source(loaded->settings.database);
  if (!source) return fail(source.error());
  const auto target = open_target(loaded->settings.database, url);
  if (!target) return fail(target.error());

  std::optional<CopyStage> current;
  std::optional<terminal::Progress> progress;
  const auto show = [&](CopyStage stage, std::int64_t done, std::int64_t total) {
    if (std::exchange(current, stage) != stage || done == 0) progress.emplace(verb(stage), total);
    progress->at(done);
  };
  auto report = db::copy_database(**source, **target, system_clock(), show);
  progress.reset();
  if (!report) {
    auto& error = report.error();
    error.reason = "nothing was copied: " + explain(error);
    if (error.code == Errc::unavailable) {
      // It may have been lost between a COMMIT and its answer.
      error.reason += " (if it says next time that the target is in use, all of it was)";
    }
    return fail(std::move(error));
  }
  if (const auto done = move_feed(**source, **target, loaded->settings.token); !done) {
    return fail(done.error());
  }
  print(*report, config);
  return 0;
}

}  // namespace easyjwt::commands
