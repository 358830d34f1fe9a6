#include "easyjwt/auth/event_store.hpp"

#include "easyjwt/db/feed_triggers.hpp"

namespace easyjwt {
namespace {

Event read_event(const db::Row& row, bool by_email) {
  const auto kind = row.text(2);
  const auto until = from_epoch_seconds(row.integer(7));
  if (kind == to_string(Event::Type::family_revoked)) {
    return Event::family_revoked(std::string(row.text(3)), until);
  }
  const auto user = by_email ? Event::User(std::string(row.text(5))) : Event::User(row.integer(4));
  if (kind == to_string(Event::Type::user_changed)) return Event::user_changed(user);
  if (kind != to_string(Event::Type::user_void)) throw db::Fault("an event of an unknown kind");
  return Event::user_void(user, Time{std::chrono::microseconds{row.integer(6)}}, until);
}

}  // namespace

Result<std::optional<EventStore::Feed>> EventStore::feed() {
  static constexpr db::Sql sql{"SELECT epoch, token_life FROM easyjwt_feed"};
  std::optional<Feed> found;
  const auto done = transaction_.run(sql, {}, [&](const db::Row& row) {
    found = Feed{.epoch = std::string(row.text(0)), .token_life = row.integer(1)};
  });
  if (!done) return fail(done.error());
  return found;
}

Result<void> EventStore::turn_on(const Feed& feed) {
  static constexpr db::Sql sql{"INSERT INTO easyjwt_feed (epoch, token_life) VALUES ($1, $2)"};
  if (auto done = db::drop_feed_triggers(transaction_); !done) return done;
  if (auto done = transaction_.run(sql, {feed.epoch, feed.token_life}); !done) {
    return fail(done.error());
  }
  return db::add_feed_triggers(transaction_);
}

Result<void> EventStore::turn_off() { return db::drop_feed_triggers(transaction_); }

Result<void> EventStore::set_token_life(std::int64_t seconds) {
  static constexpr db::Sql sql{"UPDATE easyjwt_feed SET token_life = $1"};
  return transaction_.run(sql, {seconds}).map(db::uncounted);
}

Result<EventStore::Position> EventStore::newest() {
  static constexpr db::Sql sql{
      "SELECT xid, id FROM easyjwt_event_settled ORDER BY xid DESC, id DESC LIMIT 1"};
  Position position;
  const auto done = transaction_.run(sql, {}, [&](const db::Row& row) {
    position = {.xid = row.integer(0), .id = row.integer(1)};
  });
  if (!done) return fail(done.error());
  return position;
}

Result<void> EventStore::read(Position after, std::int64_t limit, bool by_email,
                              FunctionRef<void(Position, Event)> each) {
  static constexpr db::Sql sql{
      "SELECT xid, id, kind, family, user_id, email, void_before, live_until "
      "FROM easyjwt_event_settled WHERE (xid, id) > ($1, $2) ORDER BY xid, id LIMIT $3"};
  return transaction_
      .run(sql, {after.xid, after.id, limit},
           [&](const db::Row& row) {
             each({.xid = row.integer(0), .id = row.integer(1)}, read_event(row, by_email));
           })
      .map(db::uncounted);
}

Result<void> EventStore::list_voids(FunctionRef<void(const UserVoid&)> each) {
  static constexpr db::Sql sql{
      "SELECT user_id, email, void_before, live_until FROM easyjwt_event "
      "WHERE kind = 'user_void' ORDER BY id"};
  return transaction_
      .run(sql, {},
           [&](const db::Row& row) {
             each({.user_id = row.integer(0),
                   .email = std::string(row.text(1)),
                   .void_before = row.integer(2),
                   .live_until = row.integer(3)});
           })
      .map(db::uncounted);
}

Result<void> EventStore::add(const UserVoid& event) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_event (kind, user_id, email, void_before, live_until) "
      "VALUES ('user_void', $1, $2, $3, $4)"};
  return transaction_.run(sql, {event.user_id, event.email, event.void_before, event.live_until})
      .map(db::uncounted);
}

Result<bool> EventStore::is_behind() {
  static constexpr db::Sql sql{"SELECT id FROM easyjwt_event_unsettled LIMIT 1"};
  bool found = false;
  const auto done = transaction_.run(sql, {}, [&](const db::Row&) { found = true; });
  if (!done) return fail(done.error());
  return found;
}

Result<std::int64_t> EventStore::remove_dead(std::int64_t now_seconds, std::int64_t limit) {
  static constexpr db::Sql sql{
      "DELETE FROM easyjwt_event WHERE id IN "
      "(SELECT id FROM easyjwt_event WHERE live_until <= $1 LIMIT $2)"};
  return transaction_.run(sql, {now_seconds, limit});
}

}  // namespace easyjwt
