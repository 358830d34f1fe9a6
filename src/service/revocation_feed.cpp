#include "service/revocation_feed.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "easyjwt/auth/client_store.hpp"
#include "easyjwt/core/random.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

/// How soon those who wait hear of an event.
constexpr std::chrono::milliseconds period{100};
constexpr std::chrono::seconds cleaning{60};
constexpr std::int64_t batch = 1000;
/// For how long a transaction may hold the feed back that somebody asks for.
constexpr std::chrono::seconds patience{1};

/// For how long a cursor is good: a little less than user_changed events stay (sql/feed_on).
constexpr std::int64_t cursor_life = 3600 - 60;

}  // namespace

/// EPOCH.SECONDS.XID.ID, and of a snapshot the position where it ends: .XID.ID
struct RevocationFeed::Cursor {
  std::string_view epoch;
  std::int64_t issued = 0;
  EventStore::Position position{};
  std::optional<EventStore::Position> end{};

  static std::optional<Cursor> parse(std::string_view text) {
    Cursor cursor;
    const auto dot = text.find('.');
    if (dot == text.npos) return std::nullopt;
    cursor.epoch = text.substr(0, dot);
    std::array<std::int64_t, 5> numbers{};
    std::size_t count = 0;
    const char* at = text.data() + dot;
    const char* const last = text.data() + text.size();
    while (at != last) {
      if (*at != '.' || count == numbers.size()) return std::nullopt;
      const auto [end, ec] = std::from_chars(at + 1, last, numbers[count]);
      if (ec != std::errc() || numbers[count] < 0) return std::nullopt;
      ++count;
      at = end;
    }
    if (count != 3 && count != 5) return std::nullopt;
    cursor.issued = numbers[0];
    cursor.position = {.xid = numbers[1], .id = numbers[2]};
    if (count == 5) cursor.end = {.xid = numbers[3], .id = numbers[4]};
    return cursor;
  }

  std::string text() const {
    std::string out(epoch);
    const auto append = [&](std::int64_t number) { out += '.' + std::to_string(number); };
    append(issued);
    append(position.xid);
    append(position.id);
    if (end) {
      append(end->xid);
      append(end->id);
    }
    return out;
  }
};

Result<void> switch_feed(db::Database& database, const TokenSettings& settings) {
  return database.write([&](db::Transaction& transaction) -> Result<void> {
    bool is_wanted = false;
    const auto listed = ClientStore(transaction).list([&](const Client& client) {
      is_wanted = is_wanted || client.may(ClientScope::feed);
    });
    if (!listed) return listed;
    EventStore store(transaction);
    const auto feed = store.feed();
    if (!feed) return fail(feed.error());
    if (feed->has_value() == is_wanted) return {};
    if (!is_wanted) return store.turn_off();
    return store.turn_on(
        {.epoch = random_uuid_hex(), .token_life = longest_token_life(settings).count()});
  });
}

RevocationFeed::RevocationFeed(const TokenSettings& token, const AuthSettings& auth,
                               db::Database& database, Clock clock)
    : token_life_(longest_token_life(token).count()),
      leeway_(whole_leeway(token).count()),
      by_email_(auth.user_id_field == "email"),
      database_(database),
      clock_(std::move(clock)),
      thread_([this] { watch(); }) {}

RevocationFeed::~RevocationFeed() {
  stop();
  thread_.join();
}

void RevocationFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  asked_.notify_all();
}

Result<std::optional<RevocationFeed::Page>> RevocationFeed::page(std::string_view after,
                                                                 std::chrono::seconds wait) {
  const auto begun = steady_clock::now();
  const auto until = begun + std::clamp(wait, std::chrono::seconds{0}, max_wait);
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto seen = generation_;
    lock.unlock();
    auto page = read(after);
    if (!page || !*page) return page;
    // What is there and cannot be read is not to be taken for nothing.
    const bool is_behind = (*page)->is_behind;
    if (!is_behind && ((*page)->snapshot || !(*page)->events.empty())) return page;
    lock.lock();
    const auto limit = is_behind ? std::max(until, begun + patience) : until;
    if (is_stopping_ || steady_clock::now() >= limit) {
      if (!is_behind) return page;
      return fail(Error::unavailable("an open transaction holds the revocation feed back"));
    }
    const auto next = is_behind ? std::min(limit, steady_clock::now() + period) : limit;
    if (waiting_++ == 0) asked_.notify_one();
    changed_.wait_until(lock, next, [&] { return generation_ != seen || is_stopping_; });
    --waiting_;
  }
}

Result<std::optional<RevocationFeed::Page>> RevocationFeed::read(std::string_view after) {
  const auto now = epoch_seconds(clock_());
  const auto dead = now - leeway_;
  return database_.read([&](db::Transaction& transaction) -> Result<std::optional<Page>> {
    EventStore store(transaction);
    const auto feed = store.feed();
    if (!feed) return fail(feed.error());
    if (!*feed) return fail(Errc::not_found);
    std::optional<Cursor> cursor;
    if (after.empty()) {
      const auto newest = store.newest();
      if (!newest) return fail(newest.error());
      cursor = Cursor{.epoch = (*feed)->epoch, .issued = now, .position = {}, .end = *newest};
    } else {
      cursor = Cursor::parse(after);
      const bool is_good = cursor && cursor->epoch == (*feed)->epoch &&
                           cursor->issued <= now + 60 && cursor->issued + cursor_life > now;
      if (!is_good) return std::nullopt;
    }
    Page page{.events = {}, .cursor = {}, .snapshot = cursor->end.has_value(), .more = false};
    std::int64_t rows = 0;
    const auto done = store.read(
        cursor->position, page_size, by_email_, [&](EventStore::Position position, Event event) {
          ++rows;
          cursor->position = position;
          // What comes behind the end of a snapshot comes again, and what is old is not of now.
          if (page.snapshot &&
              (position > *cursor->end || event.type == Event::Type::user_changed ||
               epoch_seconds(event.until) <= dead)) {
            return;
          }
          page.events.push_back(std::move(event));
        });
    if (!done) return fail(done.error());
    page.more = rows == page_size;
    if (page.snapshot && (!page.more || cursor->position >= *cursor->end)) {
      page.more = false;
      cursor->position = *cursor->end;
      cursor->end.reset();
    }
    if (!page.more) {
      const auto behind = store.is_behind();
      if (!behind) return fail(behind.error());
      // What can be read is told at once, and the rest asked for again.
      page.more = *behind && !page.snapshot && !page.events.empty();
      page.is_behind = *behind && !page.more;
    }
    cursor->issued = now;
    page.cursor = cursor->text();
    return page;
  });
}

void RevocationFeed::let_second_pass() {
  const auto feed =
      database_.read([&](db::Transaction& transaction) { return EventStore(transaction).feed(); });
  if (!feed || !*feed) return;
  const auto now = clock_();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock,
                    std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds{1} - now,
                    [&] { return is_stopping_; });
}

void RevocationFeed::watch() {
  auto cleaned = steady_clock::time_point::min();
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    const bool is_asked = waiting_ > 0;
    lock.unlock();
    try {
      if (is_asked) look();
      if (const auto now = steady_clock::now(); cleaned + cleaning < now) {
        cleaned = now;
        clean();
      }
    } catch (const std::exception&) {
      // Whoever asks finds the same fault, and says so.
    }
    lock.lock();
    if (waiting_ > 0) {
      asked_.wait_for(lock, period, [&] { return is_stopping_; });
    } else {
      asked_.wait_for(lock, cleaning, [&] { return is_stopping_ || waiting_ > 0; });
    }
  }
}

void RevocationFeed::look() {
  const auto newest = database_.read(
      [&](db::Transaction& transaction) { return EventStore(transaction).newest(); });
  {
    const std::lock_guard lock(mutex_);
    if (newest && *newest == newest_) return;
    if (newest) newest_ = *newest;
    ++generation_;  // of a fault, too: whoever waits is to be told
  }
  changed_.notify_all();
}

void RevocationFeed::clean() {
  const auto dead = epoch_seconds(clock_()) - leeway_;
  const auto feed =
      database_.read([&](db::Transaction& transaction) { return EventStore(transaction).feed(); });
  if (!feed || !*feed) return;
  if ((*feed)->token_life != token_life_) {
    static_cast<void>(database_.write([&](db::Transaction& transaction) {
      return EventStore(transaction).set_token_life(token_life_);
    }));
  }
  for (;;) {
    const auto removed = database_.write([&](db::Transaction& transaction) {
      return EventStore(transaction).remove_dead(dead, batch);
    });
    const std::lock_guard lock(mutex_);
    if (!removed || *removed < batch || is_stopping_) return;
  }
}

}  // namespace easyjwt
