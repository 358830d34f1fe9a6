#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "client/feed_page.hpp"
#include "client/local_trust.hpp"
#include "easyjwt/client/local_settings.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/fetch/fetcher.hpp"
#include "easyjwt/token/revocations.hpp"

namespace easyjwt {

/// Follows the auth-service's revocation feed: a thread that first takes a snapshot of all that
/// counts, page by page, and then asks for what has happened since, again and again, with requests
/// that the auth-service holds until there is something. What it is told goes into Revocations, and
/// has LocalTrust forget users who have changed. Nothing is on disk: whoever starts begins with a
/// snapshot. While there is no answer, what is known counts on, and grows stale.
class FeedFollower {
 public:
  /// Begins at once. `trust`, by whose keys pages are verified, and `revocations` must outlive it.
  /// Throws SettingsError: a URL that nothing can be fetched from, half a credential, no time.
  FeedFollower(const LocalSettings& settings, LocalTrust& trust, Revocations& revocations,
               Clock clock, Log log);
  /// Ends within a second, but while a name server or, with a JWK_URL, its server hangs.
  ~FeedFollower();
  FeedFollower(const FeedFollower&) = delete;
  FeedFollower& operator=(const FeedFollower&) = delete;

  /// How long ago it was certain last what had been revoked; microseconds::max() before the first
  /// snapshot is complete. Counted from when the request was sent whose answer said that there is
  /// no more: the auth-service cannot have looked earlier, however long the answer was held, or
  /// under way. Any thread, at every request.
  std::chrono::microseconds staleness() const noexcept;

  /// The "wait" of requests, by MAX_STALENESS: so short that a feed in which nothing happens is
  /// never too old, since what one request learned is counted from its beginning and must do until
  /// the next one is answered. A second is left for the network. Zero: it polls.
  static std::chrono::seconds wait_of(std::chrono::seconds max_staleness) noexcept;

 private:
  using Duration = std::chrono::microseconds;
  /// What is told of it, at each change.
  enum class Standing { none, begins_anew, follows, unanswered, unsound, refused, has_no_feed };

  void run(const std::stop_token& stop);
  /// One request and what comes of it; how long to pause then.
  Duration ask(const std::stop_token& stop);
  std::string url() const;
  Result<FeedPage> open(std::string_view body);
  void take(const FeedPage& page, Duration sent);
  Duration retry(Standing standing, std::string_view reason);
  Duration refused(Standing standing, int status);
  void forget_expired();
  void pause(const std::stop_token& stop, Duration time);
  bool is_new(Standing standing);

  const std::string url_;
  const std::chrono::seconds wait_;
  const Duration rhythm_;  ///< from one request to the next, at least, where there is no more
  const Duration leeway_;
  LocalTrust& trust_;
  Revocations& revocations_;
  const Clock clock_;
  const Log log_;
  fetch::Fetcher fetcher_;
  std::vector<fetch::FetchedHeader> headers_;

  /// In microseconds of a clock that is never set; negative: never.
  std::atomic<std::int64_t> known_{-1};

  // Of the thread alone.
  std::string cursor_;  ///< empty: the next request begins a snapshot
  bool in_snapshot_ = false;
  Duration snapshot_sent_{};
  Duration cleaned_{};
  unsigned failures_ = 0;  ///< in a row
  Standing told_ = Standing::none;
  std::string payload_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  ///< the last: it uses all the others
};

}  // namespace easyjwt
