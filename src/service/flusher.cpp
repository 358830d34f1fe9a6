#include "service/flusher.hpp"

#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <utility>

#include "easyjwt/auth/token_store.hpp"

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

/// What one transaction deletes: some milliseconds of SQLite's one writer.
constexpr std::int64_t batch = 200;

}  // namespace

Flusher::Flusher(db::Database& database, std::chrono::seconds interval, Clock clock, Log log)
    : database_(database),
      interval_(interval),
      clock_(std::move(clock)),
      log_(std::move(log)),
      thread_([this] { run(); }) {}

Flusher::~Flusher() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Flusher::run() {
  std::random_device random;
  std::uniform_real_distribution<double> part(0, 1);
  const std::chrono::duration<double> first(interval_ * part(random));
  auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(first);
  while (pause(wait)) {
    flush();
    wait = interval_;
  }
}

void Flusher::flush() {
  std::int64_t deleted = 0;
  std::string failure;
  try {
    const auto now = clock_();
    for (auto from = Flushed{}.until;;) {
      const auto begun = steady_clock::now();
      const auto flushed = database_.write([&](db::Transaction& transaction) {
        return TokenStore(transaction).flush_expired(now, batch, from);
      });
      if (!flushed) failure = flushed.error().reason;
      if (!flushed || flushed->rows == 0) break;
      from = flushed->until;
      deleted += flushed->rows;
      if (flushed->rows < batch || !pause(steady_clock::now() - begun)) break;
    }
  } catch (const std::exception& fault) {
    failure = fault.what();
  }
  const auto count = std::to_string(deleted);
  if (!failure.empty()) {
    log_(LogLevel::warning, "expired tokens were not all deleted",
         {{"deleted", count}, {"reason", failure}});
  } else if (deleted > 0) {
    log_(LogLevel::info, "expired tokens deleted", {{"deleted", count}});
  }
}

bool Flusher::pause(std::chrono::nanoseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return is_stopping_; });
}

}  // namespace easyjwt
