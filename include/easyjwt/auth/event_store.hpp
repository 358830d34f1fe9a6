#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/event.hpp"

namespace easyjwt {

/// The tables of the revocation feed, easyjwt_feed and easyjwt_event, within a transaction.
/// Triggers write the events (easyjwt/db/feed_triggers.hpp).
class EventStore {
 public:
  explicit EventStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// Between two events. On PostgreSQL they are ordered by their transactions' numbers first.
  struct Position {
    std::int64_t xid = 0;
    std::int64_t id = 0;
    auto operator<=>(const Position&) const = default;
  };
  struct Feed {
    std::string epoch;            ///< which feed it is: positions in another mean nothing
    std::int64_t token_life = 0;  ///< seconds
  };

  /// nullopt: it is off.
  Result<std::optional<Feed>> feed();
  Result<void> turn_on(const Feed& feed);
  Result<void> turn_off();
  Result<void> set_token_life(std::int64_t seconds);

  /// What the newest event is behind of that can be read by now.
  Result<Position> newest();
  /// Up to `limit` events after a position, in order, of which none can come any more that is
  /// before the last of them. `by_email`: users are named by their e-mail, else by their id.
  Result<void> read(Position after, std::int64_t limit, bool by_email,
                    FunctionRef<void(Position, Event)> each);
  /// A user_void as it is kept: by either of its names.
  struct UserVoid {
    std::int64_t user_id = 0;
    std::string email;
    std::int64_t void_before = 0;  ///< microseconds
    std::int64_t live_until = 0;   ///< seconds
  };
  Result<void> list_voids(FunctionRef<void(const UserVoid&)> each);
  Result<void> add(const UserVoid& event);

  /// Whether there are events that are true and cannot be read yet, for a transaction that is older
  /// and open.
  Result<bool> is_behind();

  /// Deletes at most `limit` events that are about dead tokens. Returns how many.
  Result<std::int64_t> remove_dead(std::int64_t now_seconds, std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
