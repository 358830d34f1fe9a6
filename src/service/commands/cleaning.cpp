// flushexpiredtokens and clearsessions.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/user/login_store.hpp"
#include "easyjwt/user/session_store.hpp"
#include "service/commands/commands.hpp"
#include "service/flusher.hpp"
#include "service/project.hpp"
#include "service/terminal.hpp"

namespace easyjwt::commands {
namespace {

using std::chrono::steady_clock;

// Short transactions with pauses as long as they took: a service that runs beside us waits for one
// at most, and half of the time is its own. It looks for SQLite's lock every 10 ms: what lasts no
// longer it would hardly ever find free.
constexpr std::int64_t batch = 500;
constexpr std::chrono::nanoseconds shortest_pause = std::chrono::milliseconds(10);

Result<std::unique_ptr<db::Database>> open(const LoadedSettings& loaded) {
  return open_ready_database(patient(loaded.settings.database), no_log());
}

/// Runs `flush` (of a transaction, a limit, and where the batch before ended) until it finds no
/// more.
template <class Flush>
Result<std::int64_t> flush_all(db::Database& database, std::string what, std::int64_t total,
                               const Flush& flush) {
  terminal::Progress progress("Deleting expired " + std::move(what) + ':', total);
  auto from = Flushed{}.until;
  for (std::int64_t done = 0;;) {
    const auto begun = steady_clock::now();
    const Result<Flushed> flushed = database.write(
        [&](db::Transaction& transaction) { return flush(transaction, batch, from); });
    if (!flushed) return fail(flushed.error());
    done += flushed->rows;
    if (flushed->rows < batch) return done;
    from = flushed->until;
    progress.at(done);
    std::this_thread::sleep_for(std::max(shortest_pause, steady_clock::now() - begun));
  }
}

}  // namespace

Result<int> flushexpiredtokens(const std::string& config) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto database = open(*loaded);
  if (!database) return fail(database.error());
  const auto now = dead_by(loaded->settings.token, system_clock()());
  const auto expired = (*database)->read(
      [&](db::Transaction& transaction) { return TokenStore(transaction).count_expired(now); });
  if (!expired) return fail(expired.error());
  const auto flushed = flush_all(**database, "tokens", *expired,
                                 [&](db::Transaction& transaction, std::int64_t limit, Time from) {
                                   return TokenStore(transaction).flush_expired(now, limit, from);
                                 });
  if (!flushed) return fail(flushed.error());
  std::printf("%lld expired tokens deleted.\n", static_cast<long long>(*flushed));
  const auto dead = now - loaded->settings.token.access_lifetime;
  const auto families = flush_all(
      **database, "families of tokens", 0,
      [&](db::Transaction& transaction, std::int64_t limit, Time) {
        return FamilyStore(transaction).flush_expired(dead, limit).map([](std::int64_t rows) {
          return Flushed{.rows = rows};
        });
      });
  if (!families) return fail(families.error());
  // As the original where there are none.
  if (*families > 0) {
    std::printf("%lld expired families of tokens deleted.\n", static_cast<long long>(*families));
  }
  return 0;
}

Result<int> clearsessions(const std::string& config) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  const auto database = open(*loaded);
  if (!database) return fail(database.error());
  const auto now = system_clock()();
  const auto cleared = flush_all(
      **database, "sessions", 0, [&](db::Transaction& transaction, std::int64_t limit, Time) {
        return SessionStore(transaction).flush_expired(now, limit).map([](std::int64_t rows) {
          return Flushed{.rows = rows};
        });
      });
  if (!cleared) return fail(cleared.error());
  std::printf("%lld expired sessions deleted.\n", static_cast<long long>(*cleared));
  // Without a history nothing is left of one.
  const auto& kept = loaded->settings.login_history;
  const auto old = kept ? now - *kept : now;
  for (const auto flush : {&LoginStore::flush, &LoginStore::flush_counts}) {
    const bool is_counts = flush == &LoginStore::flush_counts;
    const auto flushed =
        flush_all(**database, is_counts ? "counts of logins" : "logins", 0,
                  [&](db::Transaction& transaction, std::int64_t limit, Time) {
                    return (LoginStore(transaction).*flush)(old, limit).map([](std::int64_t rows) {
                      return Flushed{.rows = rows};
                    });
                  });
    if (!flushed) return fail(flushed.error());
    if (*flushed > 0 && !is_counts) {
      std::printf("%lld old logins deleted.\n", static_cast<long long>(*flushed));
    }
  }
  return 0;
}

}  // namespace easyjwt::commands
