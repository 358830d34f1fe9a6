#include "service/flusher.hpp"

#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <utility>

#include "easyjwt/auth/family_store.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/core/pause.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

/// What one transaction deletes: some milliseconds of SQLite's one writer.
constexpr std::int64_t batch = 200;

}  // namespace

Time dead_by(const TokenSettings& settings, Time now) { return now - whole_leeway(settings); }

Flusher::Flusher(db::Database& database, std::chrono::seconds interval,
                 std::chrono::seconds afterlife, Clock clock, Log log)
    : database_(database),
      interval_(interval),
      afterlife_(afterlife),
      clock_(std::move(clock)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Flusher::run(const std::stop_token& stop) {
  std::random_device random;
  std::uniform_real_distribution<double> part(0, 1);
  const std::chrono::duration<double> first(interval_ * part(random));
  auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(first);
  while (pause(stop, wait)) {
    flush(stop);
    wait = interval_;
  }
}

template <class Flush>
void Flusher::flush_all(const std::stop_token& stop, const std::string& what, const Flush& flush) {
  std::int64_t deleted = 0;
  std::string failure;
  try {
    for (auto from = Flushed{}.until;;) {
      const auto begun = steady_clock::now();
      const Result<Flushed> flushed =
          database_.write([&](db::Transaction& transaction) { return flush(transaction, from); });
      if (!flushed) failure = flushed.error().reason;
      if (!flushed || flushed->rows == 0) break;
      from = flushed->until;
      deleted += flushed->rows;
      if (flushed->rows < batch || !pause(stop, steady_clock::now() - begun)) break;
    }
  } catch (const std::exception& fault) {
    failure = fault.what();
  }
  const auto count = std::to_string(deleted);
  if (!failure.empty()) {
    log_(LogLevel::warning, "expired " + what + " were not all deleted",
         {{"deleted", count}, {"reason", failure}});
  } else if (deleted > 0) {
    log_(LogLevel::info, "expired " + what + " deleted", {{"deleted", count}});
  }
}

void Flusher::flush(const std::stop_token& stop) {
  const auto now = clock_();
  flush_all(stop, "tokens", [&](db::Transaction& transaction, Time from) {
    return TokenStore(transaction).flush_expired(now, batch, from);
  });
  flush_all(stop, "families of tokens", [&](db::Transaction& transaction, Time) {
    return FamilyStore(transaction).flush_expired(now - afterlife_, batch).map([](auto rows) {
      return Flushed{.rows = rows};
    });
  });
}

}  // namespace easyjwt
