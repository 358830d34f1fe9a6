#include "easyjwt/user/user_store.hpp"

#include <array>
#include <deque>

#include "easyjwt/core/unicode.hpp"

namespace easyjwt {
namespace {

#define USER_COLUMNS                                                                       \
  "id, password, last_login, is_superuser, is_staff, is_active, date_joined, first_name, " \
  "last_name, location, phone, modified_date, creation_date, email"

User read_user(const db::Row& row) {
  const auto text = [&](int column) { return std::string(row.text(column)); };
  const auto maybe = [&](int column) {
    return row.is_null(column) ? std::nullopt : std::optional{text(column)};
  };
  return User{.id = row.integer(0),
              .password = text(1),
              .last_login = row.maybe_time(2),
              .is_superuser = row.boolean(3),
              .is_staff = row.boolean(4),
              .is_active = row.boolean(5),
              .date_joined = row.time(6),
              .first_name = text(7),
              .last_name = text(8),
              .location = maybe(9),
              .phone = maybe(10),
              .modified_date = row.time(11),
              .creation_date = row.time(12),
              .email = text(13)};
}

UserState read_state(const db::Row& row) {
  return {.is_active = row.boolean(0), .password = std::string(row.text(1))};
}

template <class T>
Result<std::optional<T>> find(db::Transaction& transaction, const db::Sql& sql, db::Value value,
                              T (*read)(const db::Row&)) {
  std::optional<T> found;
  const auto rows = transaction.run(sql, {value}, [&](const db::Row& row) { found = read(row); });
  if (!rows) return fail(rows.error());
  return found;
}

constexpr std::array<std::string_view, 6> orderings{"id",        "email",       "first_name",
                                                    "last_name", "date_joined", "last_login"};
constexpr std::size_t max_words = 8;
constexpr std::size_t widest_column = 254;  // of those that are searched: email

/// The statements of a list: for each number of words a count, and for each ordering both
/// directions. Made once; a Sql's address is its key.
class ListStatements {
 public:
  ListStatements() {
    for (std::size_t words = 0; words <= max_words; ++words) {
      std::string where;
      for (std::size_t i = 1; i <= words; ++i) {
        const auto pattern = "LIKE $" + std::to_string(i) + " ESCAPE '\\'";
        where += (i == 1 ? " WHERE (" : " AND (") + std::string("lower(email) ") + pattern +
                 " OR lower(first_name) " + pattern + " OR lower(last_name) " + pattern + ")";
      }
      counts_[words] = keep("SELECT count(*) FROM \"user\"" + where);
      for (std::size_t field = 0; field < orderings.size(); ++field) {
        for (const bool descending : {false, true}) {
          // The engines differ in where nulls go unless they are told.
          const auto order = std::string(orderings[field]) +
                             (descending ? " DESC NULLS LAST" : " ASC NULLS FIRST");
          pages_[words][field][descending] = keep(
              "SELECT " USER_COLUMNS " FROM \"user\"" + where + " ORDER BY " + order +
              (field == 0   ? ""
               : descending ? ", id DESC"
                            : ", id") +
              " LIMIT $" + std::to_string(words + 1) + " OFFSET $" + std::to_string(words + 2));
        }
      }
    }
  }

  const db::Sql& count(std::size_t words) const { return *counts_[words]; }
  const db::Sql& page(std::size_t words, std::string_view ordering) const {
    const bool descending = ordering.starts_with('-');
    if (descending) ordering.remove_prefix(1);
    std::size_t field = 0;
    for (std::size_t i = 0; i < orderings.size(); ++i) {
      if (orderings[i] == ordering) field = i;
    }
    return *pages_[words][field][descending];
  }

 private:
  const db::Sql* keep(std::string text) {
    texts_.push_back(std::move(text));
    return &statements_.emplace_back(db::Sql{texts_.back()});
  }

  std::deque<std::string> texts_;
  std::deque<db::Sql> statements_;
  std::array<const db::Sql*, max_words + 1> counts_{};
  std::array<std::array<std::array<const db::Sql*, 2>, orderings.size()>, max_words + 1> pages_{};
};

const ListStatements& list_statements() {
  static const ListStatements statements;
  return statements;
}

/// "%word%" for LIKE, the word's own wildcards escaped. Words beyond the eighth are left out.
std::vector<std::string> patterns(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    if (out.size() == max_words) break;
    std::string pattern = "%";
    std::size_t characters = 0;
    for (const char c : lower(word)) {
      // A word longer than any column is in none of them, and nor is this much of it. The rest
      // would only exceed SQLite's limit for patterns, which is a fault.
      const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      if (begins && ++characters > widest_column + 1) break;
      if (c == '%' || c == '_' || c == '\\') pattern += '\\';
      pattern += c;
    }
    out.push_back(pattern + "%");
  }
  return out;
}

}  // namespace

Result<std::optional<User>> UserStore::find_by_id(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE id = $1"};
  return find<User>(transaction_, sql, id, read_user);
}

Result<std::optional<User>> UserStore::find_by_email(std::string_view email) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE email = $1"};
  return find<User>(transaction_, sql, email, read_user);
}

Result<std::optional<UserState>> UserStore::find_state_by_id(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT is_active, password FROM \"user\" WHERE id = $1"};
  return find<UserState>(transaction_, sql, id, read_state);
}

Result<std::optional<UserState>> UserStore::find_state_by_email(std::string_view email) {
  static constexpr db::Sql sql{"SELECT is_active, password FROM \"user\" WHERE email = $1"};
  return find<UserState>(transaction_, sql, email, read_state);
}

Result<bool> UserStore::email_taken(std::string_view email) {
  static constexpr db::Sql sql{"SELECT 1 FROM \"user\" WHERE lower(email) = lower($1) LIMIT 1"};
  return transaction_.run(sql, {email}).map([](std::int64_t rows) { return rows > 0; });
}

Result<std::int64_t> UserStore::insert(const User& user, Time now) {
  static constexpr db::Sql sql{
      "INSERT INTO \"user\" (password, last_login, is_superuser, is_staff, is_active, date_joined, "
      "first_name, last_name, location, phone, modified_date, creation_date, email) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id"};
  std::int64_t id = 0;
  const auto done = transaction_.run(
      sql,
      {std::string_view(user.password), db::value_or_null(user.last_login), user.is_superuser,
       user.is_staff, user.is_active, user.date_joined, std::string_view(user.first_name),
       std::string_view(user.last_name), db::value_or_null(user.location),
       db::value_or_null(user.phone), now, now, std::string_view(user.email)},
      [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  return id;
}

Result<bool> UserStore::set_password(std::int64_t id, std::string_view old_encoding,
                                     std::string_view encoding, std::optional<Time> modified) {
  static constexpr db::Sql touching{
      "UPDATE \"user\" SET password = $3, modified_date = $4 WHERE id = $1 AND password = $2"};
  static constexpr db::Sql keeping{
      "UPDATE \"user\" SET password = $3 WHERE id = $1 AND password = $2"};
  const auto rows = modified ? transaction_.run(touching, {id, old_encoding, encoding, *modified})
                             : transaction_.run(keeping, {id, old_encoding, encoding});
  return rows.map([](std::int64_t n) { return n == 1; });
}

Result<void> UserStore::set_last_login(std::int64_t id, Time now) {
  static constexpr db::Sql sql{"UPDATE \"user\" SET last_login = $2 WHERE id = $1"};
  return transaction_.run(sql, {id, now}).map([](std::int64_t) {});
}

Result<std::int64_t> UserStore::count(const UserQuery& query) {
  const auto words = patterns(query.words);
  const std::vector<db::Value> values(words.begin(), words.end());
  std::int64_t n = 0;
  const auto done = transaction_.run(list_statements().count(words.size()), values,
                                     [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

Result<void> UserStore::list(const UserQuery& query, FunctionRef<void(const User&)> each) {
  const auto words = patterns(query.words);
  std::vector<db::Value> values(words.begin(), words.end());
  values.emplace_back(query.limit);
  values.emplace_back(query.offset);
  return transaction_
      .run(list_statements().page(words.size(), query.ordering), values,
           [&](const db::Row& row) { each(read_user(row)); })
      .map([](std::int64_t) {});
}

bool UserStore::is_ordering(std::string_view field) {
  if (field.starts_with('-')) field.remove_prefix(1);
  for (const auto& ordering : orderings) {
    if (ordering == field) return true;
  }
  return false;
}

Result<std::string> UserStore::sample_password(std::uint64_t pick) {
  static constexpr db::Sql sql{
      "SELECT password FROM \"user\" WHERE id >= $1 % (SELECT max(id) + 1 FROM \"user\") "
      "AND password NOT LIKE '!%' ORDER BY id LIMIT 1"};
  std::string encoding;
  const auto done = transaction_.run(sql, {static_cast<std::int64_t>(pick >> 1)},
                                     [&](const db::Row& row) { encoding = row.text(0); });
  if (!done) return fail(done.error());
  return encoding;
}

}  // namespace easyjwt
