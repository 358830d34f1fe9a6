// What an auth-service tells of a user beside the user, on its way into a client-service's tables.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/core/json.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/related_store.hpp"
#include "easyjwt/user/user_store.hpp"

namespace {

using namespace easyjwt;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Tables {
  Tables() {
    const Time now = from_epoch_seconds(1'795'450'953);
    require(db::migrate(*database, [now] { return now; }).has_value());
    const auto made = database->write([&](db::Transaction& transaction) -> Result<void> {
      User user;
      user.email = "a@example.com";
      const auto id = UserStore(transaction).insert(user, now);
      if (!id) return fail(id.error());
      user_id = *id;
      return transaction.run_script(
          R"(CREATE TABLE thing (user_id bigint NOT NULL REFERENCES "user" (id), t varchar(8),
               i integer, b bool, r real, d decimal(8,2), at datetime, day date))");
    });
    require(made.has_value());
    auto found = RelatedTables::find(
        *database,
        {{.table = "thing", .fields = {"t", "i", "b", "r", "d", "at", "day"}, .many = true}},
        RelatedTables::Use::writing);
    require(found.has_value());
    tables.emplace(*std::move(found));
  }

  std::unique_ptr<db::Database> database =
      *db::Database::open({.url = "sqlite://:memory:"}, no_log());
  std::int64_t user_id = 0;
  std::optional<RelatedTables> tables;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Tables fixture;
  auto& database = fixture.database;
  const auto rows = parse_json({reinterpret_cast<const char*>(data), size});
  if (!rows) return 0;
  const auto set = [&](db::Transaction& transaction) {
    return RelatedStore(transaction, *fixture.tables, true).set("thing", fixture.user_id, &*rows);
  };
  const auto done = database->write(set);
  if (!done) {
    require(done.error().code == Errc::validation_error);
    return 0;
  }
  // What has been written is what was wanted, and is not written again.
  const auto again = database->read([&](db::Transaction& transaction) {
    return RelatedStore(transaction, *fixture.tables, false).set("thing", fixture.user_id, &*rows);
  });
  require(again.has_value());
  // And it can be told to others, who tell the same.
  const auto shown = database->read([&](db::Transaction& transaction) {
    return RelatedStore(transaction, *fixture.tables, false).get("thing", fixture.user_id);
  });
  require(shown.has_value());
  std::string text;
  append_json(text, *shown);
  require(parse_json(text).has_value());
  return 0;
}
