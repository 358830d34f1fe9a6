#include "db/health.hpp"

namespace easyjwt::db {
namespace {

using Clock = std::chrono::steady_clock;

/// An outage that goes on so soon after it seemed to be over is the same: connections notice the
/// beginning one after the other.
constexpr std::chrono::seconds same_outage{1};

}  // namespace

void Health::note(const std::optional<Error>& error) {
  if (error && error->code == Errc::would_wait) return;
  const bool is_well = !error || error->code != Errc::unavailable;
  if (is_well_.load(std::memory_order_relaxed) == is_well) return;
  const auto ended = is_well ? ended_.exchange(Clock::now().time_since_epoch()) : ended_.load();
  if (is_well_.exchange(is_well) == is_well) return;
  if (is_well) {
    log_(LogLevel::info, "the database answers again", {{"database", database_}, {"when", deed_}});
  } else if (ended == ended.zero() || Clock::now().time_since_epoch() - ended >= same_outage) {
    log_(LogLevel::error, "the database does not answer",
         {{"database", database_}, {"when", deed_}, {"reason", error->reason}});
  }
}

}  // namespace easyjwt::db
