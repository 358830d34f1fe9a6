#include "easyjwt/auth/token_store.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "easyjwt/auth/family_store.hpp"

namespace easyjwt {

namespace {

// One row, whether or not there is such a user: the token has the first word. The token's id on its
// own: PostgreSQL would look through all tokens to join them, having planned while there were few.
#define REFRESH_STATE                                                               \
  "SELECT u.is_active, u.password, EXISTS (SELECT 1 FROM "                          \
  "token_blacklist_blacklistedtoken WHERE token_id = (SELECT id FROM "              \
  "token_blacklist_outstandingtoken WHERE jti = $2)), u.id FROM (SELECT 1) AS one " \
  "LEFT JOIN \"user\" u ON "

const db::Sql& refresh_state(const UserKey& user) {
  static constexpr db::Sql by_id{REFRESH_STATE "u.id = $1"};
  static constexpr db::Sql by_email{REFRESH_STATE "u.email = $1"};
  return std::holds_alternative<std::int64_t>(user) ? by_id : by_email;
}

db::Value to_value(const UserKey& user) {
  return std::visit([](auto key) { return db::Value(key); }, user);
}

void read_state(const db::Row& row, RefreshState& state) {
  if (!row.is_null(0)) {
    state.is_active = row.boolean(0);
    state.password = row.text(1);
    state.user_id = row.integer(3);
  }
  state.is_blacklisted = row.boolean(2);
}

constexpr db::Sql add_once{
    "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (jti) DO NOTHING"};
// The unique constraint on token_id decides which of several calls did it, whatever process they
// come from.
constexpr db::Sql mark_once{
    "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
    "SELECT $2, id FROM token_blacklist_outstandingtoken WHERE jti = $1 "
    "ON CONFLICT (token_id) DO NOTHING"};

// What of several rotations with one token comes second finds another one there.
constexpr db::Sql move_family{
    "UPDATE easyjwt_session SET current_jti = $3, expires_at = $4, last_used_at = $5 "
    "WHERE id = $1 AND current_jti = $2 AND ended_at IS NULL"};

/// The values of the two before.
struct Blacklisting {
  Blacklisting(const OutstandingToken& token, Time now)
      : row{token.jti, token.token, db::value_or_null(token.user_id),
            db::value_or_null(token.created_at), token.expires_at},
        mark{token.jti, now} {}
  const std::array<db::Value, 5> row;
  const std::array<db::Value, 2> mark;
};

// ---- lists

// Of which rows, `wanted`, the rest is then read.
#define TOKEN_ROWS(SOME)                                                       \
  "SELECT o.id, o.jti, o.user_id, u.email, o.created_at, o.expires_at, b.id, " \
  "b.blacklisted_at FROM (" SOME                                               \
  ") AS wanted JOIN token_blacklist_outstandingtoken o ON o.id = wanted.id "   \
  "LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id "         \
  "LEFT JOIN \"user\" u ON u.id = o.user_id "
#define PAGE " LIMIT $1 OFFSET $2"
// What is skipped is read in an index alone. In the order of the enum Order, each descending first.
#define TOKEN_LISTS(WHERE)                                                                      \
  {                                                                                             \
    {TOKEN_ROWS("SELECT id FROM token_blacklist_outstandingtoken " WHERE                        \
                "ORDER BY id DESC" PAGE) "ORDER BY o.id DESC"},                                 \
        {TOKEN_ROWS("SELECT id FROM token_blacklist_outstandingtoken " WHERE                    \
                    "ORDER BY id" PAGE) "ORDER BY o.id"},                                       \
        {TOKEN_ROWS(                                                                            \
            "SELECT id FROM token_blacklist_outstandingtoken " WHERE                            \
            "ORDER BY expires_at DESC, id DESC" PAGE) "ORDER BY o.expires_at DESC, o.id DESC"}, \
        {TOKEN_ROWS("SELECT id FROM token_blacklist_outstandingtoken " WHERE                    \
                    "ORDER BY expires_at, id" PAGE) "ORDER BY o.expires_at, o.id"},             \
  }
#define MARKED                                                   \
  "SELECT token_id AS id FROM token_blacklist_blacklistedtoken " \
  "JOIN token_blacklist_outstandingtoken o ON o.id = token_id "
#define BLACKLISTED_LISTS(SOME)                                                                  \
  {                                                                                              \
    {TOKEN_ROWS(SOME                                                                             \
                "ORDER BY token_blacklist_blacklistedtoken.id DESC" PAGE) "ORDER BY b.id DESC"}, \
        {TOKEN_ROWS(SOME "ORDER BY token_blacklist_blacklistedtoken.id" PAGE) "ORDER BY b.id"},  \
  }
#define COUNT(SOME) \
  { "SELECT count(*) FROM (" SOME " LIMIT $1) AS wanted" }

// Between the jti's first digits and what comes after all that begin so. The last condition is for
// a database whose language orders otherwise.
#define JTI(N, M) "jti >= " N " AND jti < " M " AND substr(jti, 1, length(" N ")) = " N " "
#define USERS_SQLITE(N) "user_id IN (SELECT value FROM json_each(" N ")) "
#define USERS_POSTGRESQL(N) "user_id = ANY (CAST(CAST(" N " AS text) AS bigint[])) "

constexpr std::size_t orders = 4;
struct Lists {
  db::Sql outstanding[orders];
  db::Sql blacklisted[2];
  db::Sql count, count_blacklisted;
};
constexpr Lists all_tokens{
    TOKEN_LISTS(""),
    BLACKLISTED_LISTS("SELECT token_id AS id FROM token_blacklist_blacklistedtoken "),
    COUNT("SELECT 1 FROM token_blacklist_outstandingtoken"),
    COUNT("SELECT 1 FROM token_blacklist_blacklistedtoken")};
#define LISTS_WHERE(WHERE, COUNTED)                                             \
  {                                                                             \
    TOKEN_LISTS("WHERE " WHERE), BLACKLISTED_LISTS(MARKED "WHERE " WHERE),      \
        COUNT("SELECT 1 FROM token_blacklist_outstandingtoken WHERE " COUNTED), \
        COUNT(MARKED "WHERE " COUNTED)                                          \
  }
constexpr Lists tokens_by_jti = LISTS_WHERE(JTI("$3", "$4"), JTI("$2", "$3"));
constexpr Lists tokens_by_users_sqlite = LISTS_WHERE(USERS_SQLITE("$3"), USERS_SQLITE("$2"));
constexpr Lists tokens_by_users_postgresql =
    LISTS_WHERE(USERS_POSTGRESQL("$3"), USERS_POSTGRESQL("$2"));

TokenRow read_token(const db::Row& row) {
  return {.id = row.integer(0),
          .jti = std::string(row.text(1)),
          .user_id = row.maybe_integer(2),
          .user_email = std::string(row.maybe_text(3).value_or("")),
          .created_at = row.maybe_time(4),
          .expires_at = row.time(5),
          .blacklist_id = row.maybe_integer(6),
          .blacklisted_at = row.maybe_time(7)};
}

/// What a query is asked by.
struct TokenSearch {
  TokenSearch(const TokenQuery& query, db::Engine engine) {
    const bool is_sqlite = engine == db::Engine::sqlite;
    if (query.users) {
      lists = is_sqlite ? &tokens_by_users_sqlite : &tokens_by_users_postgresql;
      for (const auto id : *query.users) first += (first.empty() ? "" : ",") + std::to_string(id);
      first = (is_sqlite ? '[' : '{') + first + (is_sqlite ? ']' : '}');
    } else if (!query.jti.empty()) {
      lists = &tokens_by_jti;
      first = query.jti;
      last = query.jti + 'g';  // after every hexadecimal digit
    }
  }
  void add_to(std::vector<db::Value>& values) const {
    if (lists != &all_tokens) values.emplace_back(std::string_view(first));
    if (lists == &tokens_by_jti) values.emplace_back(std::string_view(last));
  }

  const Lists* lists = &all_tokens;
  std::string first, last;
};

}  // namespace

Result<void> TokenStore::list(const TokenQuery& query, FunctionRef<void(const TokenRow&)> each) {
  const TokenSearch search(query, transaction_.engine());
  const std::size_t way = query.descending ? 0 : 1;
  const auto& sql =
      query.only_blacklisted
          ? search.lists->blacklisted[way]
          : search.lists->outstanding[2 * static_cast<std::size_t>(query.order) + way];
  std::vector<db::Value> values{query.limit, query.offset};
  search.add_to(values);
  return transaction_.run(sql, values, [&](const db::Row& row) { each(read_token(row)); })
      .map(db::uncounted);
}

Result<std::int64_t> TokenStore::count(const TokenQuery& query, std::int64_t most) {
  const TokenSearch search(query, transaction_.engine());
  std::vector<db::Value> values{most};
  search.add_to(values);
  std::int64_t n = 0;
  const auto done = transaction_.run(
      query.only_blacklisted ? search.lists->count_blacklisted : search.lists->count, values,
      [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

Result<std::optional<TokenRow>> TokenStore::find(std::int64_t id) {
  static constexpr db::Sql sql{
      TOKEN_ROWS("SELECT id FROM token_blacklist_outstandingtoken WHERE id = $1")};
  std::optional<TokenRow> found;
  const auto done =
      transaction_.run(sql, {id}, [&](const db::Row& row) { found = read_token(row); });
  if (!done) return fail(done.error());
  return found;
}

Result<std::optional<std::int64_t>> TokenStore::find_id(std::string_view jti) {
  static constexpr db::Sql sql{"SELECT id FROM token_blacklist_outstandingtoken WHERE jti = $1"};
  std::optional<std::int64_t> id;
  const auto done = transaction_.run(sql, {jti}, [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<std::optional<std::int64_t>> TokenStore::find_id_of_blacklisted(std::int64_t blacklist_id) {
  static constexpr db::Sql sql{
      "SELECT token_id FROM token_blacklist_blacklistedtoken WHERE id = $1"};
  std::optional<std::int64_t> id;
  const auto done =
      transaction_.run(sql, {blacklist_id}, [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<std::string> TokenStore::find_text(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT token FROM token_blacklist_outstandingtoken WHERE id = $1"};
  std::string text;
  const auto done = transaction_.run(sql, {id}, [&](const db::Row& row) { text = row.text(0); });
  if (!done) return fail(done.error());
  return text;
}

Result<bool> TokenStore::is_blacklisted(std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT 1 FROM token_blacklist_outstandingtoken o "
      "JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = $1"};
  return transaction_.run(sql, {jti}).map([](std::int64_t rows) { return rows > 0; });
}

Result<RefreshState> TokenStore::find_refresh_state(UserKey user, std::string_view jti) {
  RefreshState state;
  const auto done = transaction_.run(refresh_state(user), {to_value(user), jti},
                                     [&](const db::Row& row) { read_state(row, state); });
  if (!done) return fail(done.error());
  return state;
}

Result<void> TokenStore::add(const OutstandingToken& token) {
  static constexpr db::Sql sql{
      "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) "
      "VALUES ($1, $2, $3, $4, $5)"};
  return transaction_
      .run(sql, {token.jti, token.token, db::value_or_null(token.user_id),
                 db::value_or_null(token.created_at), token.expires_at})
      .map(db::uncounted);
}

Result<bool> TokenStore::blacklist(const OutstandingToken& token, Time now) {
  const Blacklisting values(token, now);
  db::Statement statements[] = {{add_once, values.row}, {mark_once, values.mark}};
  if (auto done = transaction_.run_together(statements); !done) return fail(done.error());
  return statements[1].rows == 1;
}

Result<void> TokenStore::blacklist_of_user(std::int64_t user_id, Time now) {
  static constexpr db::Sql sql{
      "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) "
      "SELECT $2, id FROM token_blacklist_outstandingtoken WHERE user_id = $1 "
      "ON CONFLICT (token_id) DO NOTHING"};
  return transaction_.run(sql, {user_id, now}).map(db::uncounted);
}

Result<void> TokenStore::keep_until(std::string_view jti, Time expires_at) {
  static constexpr db::Sql sql{
      "UPDATE token_blacklist_outstandingtoken SET expires_at = $2 "
      "WHERE jti = $1 AND expires_at < $2"};
  return transaction_.run(sql, {jti, expires_at}).map(db::uncounted);
}

Result<bool> TokenStore::use_up(UserKey user, const OutstandingToken& token, Time now,
                                FunctionRef<Result<void>(const RefreshState&)> judge,
                                const Succession* next) {
  // Where it was not this token's turn: a Django beside us rotates and does not know of families.
  // What it made is good as long as it is not blacklisted.
  const auto move_all_the_same = [&] {
    return FamilyStore(transaction_).use(next->family, next->jti, next->expires_at, now);
  };
  const auto step =
      next ? std::array<db::Value, 5>{next->family, token.jti, next->jti, next->expires_at, now}
           : std::array<db::Value, 5>{};
  if (transaction_.engine() != db::Engine::postgresql) {
    const auto state = find_refresh_state(user, token.jti);
    if (!state) return fail(state.error());
    if (const auto good = judge(*state); !good) return fail(good.error());
    if (next) {
      auto moved = transaction_.run(move_family, step, db::ignore_rows).map([](std::int64_t rows) {
        return rows == 1;
      });
      if (moved && !*moved) moved = move_all_the_same();
      if (!moved || !*moved) return moved;
    }
    return blacklist(token, now);
  }
  RefreshState state;
  const std::array<db::Value, 2> key{to_value(user), token.jti};
  const auto read = [&](const db::Row& row) { read_state(row, state); };
  const Blacklisting values(token, now);
  db::Statement statements[] = {{move_family, step},
                                {refresh_state(user), key, read},
                                {add_once, values.row},
                                {mark_once, values.mark}};
  const auto& [moved, judged, added, marked] = statements;
  const auto needed = std::span(statements).subspan(next ? 0 : 1);
  if (auto done = transaction_.run_together(needed); !done) return fail(done.error());
  if (const auto good = judge(state); !good) return fail(good.error());
  if (marked.rows != 1) return false;
  if (next && moved.rows != 1) return move_all_the_same();
  return true;
}

Result<std::optional<Time>> TokenStore::find_blacklisting(std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT b.blacklisted_at FROM token_blacklist_outstandingtoken o "
      "JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = $1"};
  std::optional<Time> at;
  const auto done = transaction_.run(sql, {jti}, [&](const db::Row& row) { at = row.time(0); });
  if (!done) return fail(done.error());
  return at;
}

Result<bool> TokenStore::is_good(std::string_view jti) {
  static constexpr db::Sql sql{
      "SELECT 1 FROM token_blacklist_outstandingtoken o WHERE o.jti = $1 AND NOT EXISTS "
      "(SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)"};
  return transaction_.run(sql, {jti}).map([](std::int64_t rows) { return rows > 0; });
}

Result<Flushed> TokenStore::flush_expired(Time now, std::int64_t limit, Time from) {
  static constexpr db::Sql blacklisted{
      "DELETE FROM token_blacklist_blacklistedtoken WHERE token_id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at BETWEEN $3 AND $1 "
      "ORDER BY expires_at, id LIMIT $2)"};
  static constexpr db::Sql outstanding{
      "DELETE FROM token_blacklist_outstandingtoken WHERE id IN (SELECT id FROM "
      "token_blacklist_outstandingtoken WHERE expires_at BETWEEN $3 AND $1 "
      "ORDER BY expires_at, id LIMIT $2) RETURNING expires_at"};
  Flushed flushed{.until = from};
  if (auto gone = transaction_.run(blacklisted, {now, limit, from}); !gone) {
    return fail(gone.error());
  }
  const auto done = transaction_.run(outstanding, {now, limit, from}, [&](const db::Row& row) {
    flushed.until = std::max(flushed.until, row.time(0));
    ++flushed.rows;
  });
  if (!done) return fail(done.error());
  return flushed;
}

Result<std::int64_t> TokenStore::count_expired(Time now) {
  static constexpr db::Sql sql{
      "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE expires_at <= $1"};
  std::int64_t n = 0;
  const auto done = transaction_.run(sql, {now}, [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

}  // namespace easyjwt
