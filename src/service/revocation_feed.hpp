#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "easyjwt/auth/event_store.hpp"
#include "easyjwt/auth/settings.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/token/event.hpp"
#include "easyjwt/token/settings.hpp"

namespace easyjwt {

/// Turns the feed on where a client may follow it, and off where none may: each event costs whoever
/// makes it. Tokens from before that may have been revoked are told of, too.
Result<void> switch_feed(db::Database& database, const TokenSettings& settings);

/// The revocation feed as the database has it: pages of events behind a cursor, and a thread that
/// wakes those who wait for the next. Any thread.
class RevocationFeed {
 public:
  struct Page {
    std::vector<Event> events;
    std::string cursor;  ///< behind the last of them
    bool snapshot = false;
    bool more = false;  ///< there are further ones already
    /// With no more that can be read: there are some that cannot be read yet.
    bool is_behind = false;
  };

  static constexpr std::int64_t page_size = 1000;
  static constexpr std::chrono::seconds max_wait{25};

  /// `database` must outlive it.
  RevocationFeed(const TokenSettings& token, const AuthSettings& auth, db::Database& database,
                 Clock clock);
  ~RevocationFeed();
  RevocationFeed(const RevocationFeed&) = delete;
  RevocationFeed& operator=(const RevocationFeed&) = delete;

  /// The page behind a cursor; without one the first of a snapshot, which is all that counts now.
  /// Where there is nothing yet it waits for so long. nullopt: the cursor is none of ours, or old,
  /// or of a feed that was switched off since; its owner begins with a snapshot. Errc::not_found:
  /// nobody may read the feed, so that there is none. Errc::unavailable: there are events that
  /// could not be read within a second (EventStore::is_behind()), so that nobody can say what has
  /// been revoked.
  Result<std::optional<Page>> page(std::string_view after, std::chrono::seconds wait);

  /// Nobody waits from here on.
  void stop();

  /// iat has whole seconds. Of a token from the second in which a user's tokens were declared void
  /// nobody can say whether it is from before: it is taken to be. So whoever changes a password is
  /// answered in the next second, and what they get then stands. Nothing where the feed is off.
  void let_second_pass();

 private:
  struct Cursor;
  Result<std::optional<Page>> read(std::string_view after);
  void watch();
  void look();
  void clean();

  const std::int64_t token_life_;
  const std::int64_t leeway_;
  const bool by_email_;
  db::Database& database_;
  const Clock clock_;

  std::mutex mutex_;
  std::condition_variable changed_;  ///< generation_ or is_stopping_
  std::condition_variable asked_;    ///< waiting_ or is_stopping_
  std::uint64_t generation_ = 0;
  std::size_t waiting_ = 0;
  bool is_stopping_ = false;
  EventStore::Position newest_;
  std::thread thread_;
};

}  // namespace easyjwt
