#include "db/health.hpp"

namespace easyjwt::db {

void Health::note(const std::optional<Error>& error) {
  if (error && error->code == Errc::would_wait) return;
  const bool is_well = !error || error->code != Errc::unavailable;
  if (is_well_.load(std::memory_order_relaxed) == is_well ||
      is_well_.exchange(is_well) == is_well) {
    return;
  }
  if (is_well) {
    log_(LogLevel::info, "the database answers again", {{"database", database_}, {"when", deed_}});
  } else {
    log_(LogLevel::error, "the database does not answer",
         {{"database", database_}, {"when", deed_}, {"reason", error->reason}});
  }
}

}  // namespace easyjwt::db
