#include "easyjwt/user/user_store.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <map>
#include <mutex>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "user/user_row.hpp"

namespace easyjwt {
namespace {

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

// As in sql/0003_users: how long a part is, and how far apart they begin.
constexpr std::size_t part_length = 12;
constexpr std::size_t part_stride = 4;

/// How those that have all the words are found; docs/adr/0020 has what each costs.
enum class Finder {
  parts,     ///< a long word: the table of parts names those who have it and few others
  trigrams,  ///< PostgreSQL alone: a word of three characters and more
  scan,      ///< the text of every user is read: 0.1 s for a million on SQLite
};

struct Search {
  Finder finder = Finder::scan;
  std::vector<std::string> patterns;   ///< of the words, for LIKE
  std::vector<std::string> arguments;  ///< what the finder's statement takes after them
  bool is_vain = false;                ///< a word is in no text at all
};

std::string like_pattern(std::string_view word) {
  std::string pattern = "%";
  for (const char c : word) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

/// From which text to which a part of every text with this word is, for each way in which parts can
/// lie on it. Taken from before its '@', or its end: people's e-mails begin alike, and behind the
/// '@' they are the same.
std::vector<std::string> part_ranges(std::string_view word) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((static_cast<unsigned char>(word[i]) & 0xc0) != 0x80) starts.push_back(i);
  }
  const auto characters = starts.size();
  starts.push_back(word.size());
  constexpr auto most = part_length + part_stride - 1;
  const auto at = static_cast<std::size_t>(
      std::ranges::lower_bound(starts, std::min(word.find('@'), word.size())) - starts.begin());
  const auto first = at > most ? at - most : 0;
  std::string highest;
  for (std::size_t i = 0; i < part_length; ++i) highest += "\xf4\x8f\xbf\xbf";  // U+10FFFF
  std::vector<std::string> ranges;
  for (auto i = first; i < first + part_stride; ++i) {
    const auto end = starts[std::min(i + part_length, characters)];
    ranges.emplace_back(word.substr(starts[i], end - starts[i]));
    ranges.push_back(ranges.back() + highest);
  }
  return ranges;
}

/// For a word of three characters or more that is in too many texts, or too short, to be looked for
/// by its parts.
Finder finder_without_parts(db::Engine engine) {
  return engine == db::Engine::postgresql ? Finder::trigrams : Finder::scan;
}

/// Words beyond the eighth are left out.
Search read_words(db::Engine engine, const std::vector<std::string>& words) {
  constexpr std::size_t trigram = 3;
  constexpr std::size_t least_for_parts = 8;
  std::vector<std::pair<std::size_t, std::string>> sorted;
  Search search;
  for (const auto& word : words) {
    if (sorted.size() == max_words) break;
    auto text = lower(word);
    const auto characters = count_code_points(text);
    // A column has no room for it, PostgreSQL no NUL, and to SQLite a pattern would end there.
    search.is_vain |= characters > widest_column || text.find('\0') != text.npos;
    sorted.emplace_back(characters, std::move(text));
  }
  if (sorted.empty() || search.is_vain) return search;
  std::ranges::sort(sorted);
  for (const auto& [characters, text] : sorted) search.patterns.push_back(like_pattern(text));
  const auto& [most, longest] = sorted.back();
  if (most >= least_for_parts) {
    search.finder = Finder::parts;
    search.arguments = part_ranges(longest);
  } else if (most >= trigram) {
    search.finder = finder_without_parts(engine);
  }
  return search;
}

std::string parameter(std::size_t number) { return "$" + std::to_string(number); }

/// "AND `column` LIKE $1 AND ...", for `count` patterns.
std::string likes(std::string_view column, std::size_t count, std::string_view before) {
  std::string text;
  for (std::size_t i = 1; i <= count; ++i) {
    text += std::string(i == 1 ? before : " AND ") + std::string(column) + " LIKE " + parameter(i) +
            " ESCAPE '\\'";
  }
  return text;
}

/// Those of a subquery. PostgreSQL would guess how many these are, and read whole tables for them.
std::string among(db::Engine engine, const std::string& ids) {
  return engine == db::Engine::sqlite ? " IN (" + ids + ")" : " = ANY (ARRAY(" + ids + "))";
}

/// What a user's text is made of, as sql/0003_users does.
constexpr std::string_view text_of_user = "lower(email || '\t' || first_name || '\t' || last_name)";

/// The statement that gives the ids of those who have a part in one of the ranges, whose parameters
/// come after so many words.
std::string candidates(std::size_t words) {
  // The ranges as rows: of values in the statement itself PostgreSQL would make a plan each time,
  // which takes longer than to find somebody.
  std::string ranges;
  for (std::size_t i = 0; i < part_stride; ++i) {
    const auto number = words + 1 + 2 * i;
    ranges += (i == 0 ? "SELECT CAST(" : " UNION ALL SELECT CAST(") + parameter(number) +
              " AS text) AS lowest, CAST(" + parameter(number + 1) + " AS text) AS highest";
  }
  return "SELECT user_id FROM (" + ranges +
         ") AS ranges CROSS JOIN easyjwt_user_part WHERE part BETWEEN lowest AND highest";
}

/// Most users are usual: active, and neither staff nor superusers. Of the others there is an index
/// (sql/0011_admin), whose condition this is.
#define IS_SPECIAL "(NOT is_active OR is_staff OR is_superuser)"

/// Whom a filter's flags leave.
enum class Flags {
  any,      ///< it has none
  special,  ///< special users alone, whom the index names
  usual,    ///< the usual ones, and of the special ones some: all but those whom the index names
};

Flags flags_of(const UserFilter& filter) {
  if (!filter.is_active && !filter.is_staff && !filter.is_superuser) return Flags::any;
  const bool are_usual = filter.is_active.value_or(true) && !filter.is_staff.value_or(false) &&
                         !filter.is_superuser.value_or(false);
  return are_usual ? Flags::usual : Flags::special;
}

/// A filter in a statement, which takes three parameters for flags, and one for a group.
struct FilterText {
  Flags flags = Flags::any;
  bool group = false;
  std::size_t first = 0;  ///< of its parameters

  bool empty() const { return flags == Flags::any && !group; }
  std::size_t parameters() const { return (flags == Flags::any ? 0u : 3u) + (group ? 1u : 0u); }

  /// By a user's own row.
  std::string by_row(std::string_view table, std::string_view before) const {
    std::string text;
    if (flags != Flags::any) text = std::string(before) + wanted();
    if (group) text += std::string(text.empty() ? before : " AND ") + is_member(table);
    return text;
  }
  /// By the id alone.
  std::string by_id(std::string_view table, std::string_view before) const {
    std::string text;
    // Not as a join, in which PostgreSQL would leave the order that is walked.
    if (flags == Flags::special) {
      text = std::string(before) + "(id IN (" + special(wanted()) + ")) IS TRUE";
    } else if (flags == Flags::usual) {
      text = std::string(before) + "id NOT IN (" + special("NOT (" + wanted() + ")") + ")";
    }
    if (group) text += std::string(text.empty() ? before : " AND ") + is_member(table);
    return text;
  }
  /// The statement that gives the ids; not of usual users in no group.
  std::string ids() const {
    if (flags == Flags::special) {
      return special(wanted() + (group ? " AND " + is_member("\"user\"") : ""));
    }
    return "SELECT user_id FROM user_groups WHERE " + in_group() +
           (flags == Flags::any
                ? ""
                : " AND user_id NOT IN (" + special("NOT (" + wanted() + ")") + ")");
  }
  std::string in_group() const {
    const auto number = first + (flags == Flags::any ? 0 : 3);
    return "group_id = CAST(" + parameter(number) + " AS bigint)";
  }
  std::string wanted() const {
    std::string text;
    auto number = first;
    for (const char* column : {"is_active", "is_staff", "is_superuser"}) {
      const auto value = "CAST(" + parameter(number++) + " AS bigint)";
      text +=
          (text.empty() ? "(" : " AND (") + value + " < 0 OR " + column + " = (" + value + " = 1))";
    }
    return text;
  }
  static std::string special(const std::string& condition) {
    return "SELECT id FROM \"user\" WHERE " IS_SPECIAL " AND " + condition;
  }

 private:
  std::string is_member(std::string_view table) const {
    return "EXISTS (SELECT 1 FROM user_groups g WHERE g.user_id = " + std::string(table) +
           ".id AND g." + in_group() + ") IS TRUE";
  }
};

void append_values(std::vector<db::Value>& values, const UserFilter& filter) {
  if (flags_of(filter) != Flags::any) {
    for (const auto& flag : {filter.is_active, filter.is_staff, filter.is_superuser}) {
      values.emplace_back(std::int64_t{flag ? *flag : -1});
    }
  }
  if (filter.group) values.emplace_back(*filter.group);
}

/// The statement that gives the ids of a search for so many words.
std::string ids_of(db::Engine engine, Finder finder, std::size_t words, const FilterText& filter) {
  if (finder == Finder::parts) {
    // By the user's own row, which is needed next.
    return "SELECT id FROM \"user\" WHERE id" + among(engine, candidates(words)) +
           likes(text_of_user, words, " AND ") + filter.by_row("\"user\"", " AND ");
  }
  // As an expression, so that PostgreSQL's index of trigrams is not thought of.
  const std::string text =
      finder == Finder::trigrams || engine == db::Engine::sqlite ? "\"text\"" : "(\"text\" || '')";
  return "SELECT id FROM easyjwt_user_search WHERE " + likes(text, words, "") +
         filter.by_id("easyjwt_user_search", " AND ");
}

/// With an index for each, walked in either direction. The engines differ in where nulls go unless
/// they are told, and PostgreSQL then wants to be told of an index, too.
std::string order_by(std::size_t field, bool descending) {
  const std::string_view name = orderings[field];
  const std::string direction = descending ? " DESC" : "";
  std::string text = " ORDER BY " + std::string(name) + direction;
  if (name == "last_login") text += descending ? " NULLS LAST" : " NULLS FIRST";
  if (name != "id" && name != "email") text += ", id" + direction;
  return text;
}

enum class Shape {
  candidates,  ///< how many have a part of a word, up to `most_candidates`
  ids,         ///< what a search finds: all of it, and the first `most_kept`
  counted,     ///< how many of the special users, or of those in the group, a filter means
  all,         ///< a page of everybody, or of those of a filter
  first,       ///< the same, not far from the beginning
  kept,        ///< a page of those whose ids are given
  found,       ///< a page of what a search or a filter finds, which is put in order
  walked,      ///< of a search: the same by reading everybody in order
};

constexpr std::int64_t most_kept = 1000;
constexpr std::int64_t most_candidates = 5000;

struct ListStatement {
  db::Engine engine = db::Engine::sqlite;
  Shape shape = Shape::all;
  Finder finder = Finder::scan;
  std::size_t words = 0;
  std::size_t arguments = 0;
  Flags flags = Flags::any;
  bool group = false;
  std::size_t field = 0;
  bool descending = false;
  bool from_end = false;  ///< of `all`: walked from the other end

  auto operator<=>(const ListStatement&) const = default;

  std::string text() const {
    const bool is_sqlite = engine == db::Engine::sqlite;
    if (shape == Shape::candidates) {
      return "SELECT count(*) FROM (" + candidates(words) + " LIMIT " +
             std::to_string(most_candidates) + ") AS found";
    }
    const FilterText filter{.flags = flags, .group = group, .first = words + arguments + 1};
    if (shape == Shape::counted) {
      if (flags == Flags::any) return "SELECT count(*) FROM user_groups WHERE " + filter.in_group();
      // Of usual users those who are not meant: whoever else there is, is.
      const auto ids = FilterText::special(
          flags == Flags::special ? filter.wanted() : "NOT (" + filter.wanted() + ")");
      return "SELECT count(*) FROM " +
             (group ? "user_groups WHERE " + filter.in_group() + " AND user_id IN (" + ids + ")"
                    : "(" + ids + ") AS found");
    }
    if (shape == Shape::ids) {
      const auto ids = ids_of(engine, finder, words, filter);
      // Rows cost SQLite nothing, but PostgreSQL has to send them.
      if (is_sqlite) return ids;
      return "SELECT count(*), CAST((array_agg(id))[1:" + std::to_string(most_kept) +
             "] AS text) FROM (" + ids + ") AS found";
    }
    const auto order = order_by(field, descending);
    const auto taken = words + arguments + (shape == Shape::kept ? 0 : filter.parameters());
    const auto page = " LIMIT " + parameter(taken + 1) + " OFFSET " + parameter(taken + 2);
    const std::string from = "SELECT " USER_COLUMNS " FROM \"user\" WHERE id";
    if (shape == Shape::kept) {
      return from +
             (is_sqlite ? " IN (SELECT value FROM json_each($1))"
                        : " = ANY (CAST(CAST($1 AS text) AS bigint[]))") +
             order + page;
    }
    if (shape == Shape::found) {
      return from +
             among(engine, words == 0 ? filter.ids() : ids_of(engine, finder, words, filter)) +
             order + page;
    }
    if (shape == Shape::first) {
      return "SELECT " USER_COLUMNS " FROM \"user\"" + filter.by_row("\"user\"", " WHERE ") +
             order + page;
    }
    if (shape == Shape::all) {
      // What is skipped is read in the index alone.
      return from +
             among(engine, "SELECT id FROM \"user\"" + filter.by_id("\"user\"", " WHERE ") +
                               order_by(field, descending != from_end) + page) +
             order;
    }
    return "SELECT " USER_COLUMNS " FROM (SELECT " USER_COLUMNS " FROM \"user\"" + order +
           // Keeps PostgreSQL from another way than in this order; SQLite has no such fence and
           // needs none.
           (is_sqlite ? "" : " OFFSET 0") + ") AS everybody" +
           likes(text_of_user, words, " WHERE ") + filter.by_row("everybody", " AND ") + order +
           page;
  }
};

/// A Sql's address is its key, so that each is made once and stays.
const db::Sql& prepared(const ListStatement& wanted) {
  struct Kept {
    std::string text;
    db::Sql sql;
  };
  static std::mutex mutex;
  static std::map<ListStatement, Kept> statements;
  const std::lock_guard lock(mutex);
  auto [kept, is_new] = statements.try_emplace(wanted);
  if (is_new) {
    kept->second.text = wanted.text();
    kept->second.sql.text = kept->second.text;
  }
  return kept->second.sql;
}

std::vector<db::Value> values_of(const Search& search, const UserFilter& filter) {
  std::vector<db::Value> values(search.patterns.begin(), search.patterns.end());
  values.insert(values.end(), search.arguments.begin(), search.arguments.end());
  append_values(values, filter);
  return values;
}

/// What a search finds.
struct Found {
  std::int64_t count = 0;
  std::string ids;  ///< as Shape::kept takes them; of the first `most_kept` alone
};

Result<Found> find_ids(db::Transaction& transaction, Search& search, const UserFilter& filter) {
  const auto engine = transaction.engine();
  const auto statement = [&](Shape shape) -> const db::Sql& {
    return prepared({.engine = engine,
                     .shape = shape,
                     .finder = search.finder,
                     .words = shape == Shape::candidates ? 0 : search.patterns.size(),
                     .arguments = search.arguments.size(),
                     .flags = shape == Shape::candidates ? Flags::any : flags_of(filter),
                     .group = shape != Shape::candidates && filter.group.has_value()});
  };
  if (search.finder == Finder::parts) {
    std::int64_t n = 0;
    const std::vector<db::Value> ranges(search.arguments.begin(), search.arguments.end());
    const auto done = transaction.run(statement(Shape::candidates), ranges,
                                      [&](const db::Row& row) { n = row.integer(0); });
    if (!done) return fail(done.error());
    if (n == most_candidates) {  // "@example.com": to read every text is less than to look each up
      search.finder = finder_without_parts(engine);
      search.arguments.clear();
    }
  }
  const auto& sql = statement(Shape::ids);
  Found found;
  const auto done = transaction.run(sql, values_of(search, filter), [&](const db::Row& row) {
    if (engine == db::Engine::postgresql) {
      found.count = row.integer(0);
      if (found.count > 0) found.ids = row.text(1);
    } else if (++found.count <= most_kept) {
      found.ids += (found.count == 1 ? "[" : ",") + std::to_string(row.integer(0));
    }
  });
  if (!done) return fail(done.error());
  if (engine == db::Engine::sqlite && found.count > 0) found.ids += ']';
  return found;
}

Result<std::int64_t> count_everybody(db::Transaction& transaction) {
  static constexpr db::Sql sql{
      "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM easyjwt_user_count"};
  std::int64_t n = 0;
  const auto done = transaction.run(sql, {}, [&](const db::Row& row) { n = row.integer(0); });
  if (!done) return fail(done.error());
  return n;
}

Result<std::int64_t> count_filtered(db::Transaction& transaction, const UserFilter& filter) {
  std::int64_t n = 0;
  const auto run = [&](Flags flags) {
    const auto& sql = prepared({.engine = transaction.engine(),
                                .shape = Shape::counted,
                                .flags = flags,
                                .group = filter.group.has_value()});
    auto wanted = filter;
    if (flags == Flags::any) wanted = {.group = filter.group};
    return transaction.run(sql, values_of({}, wanted),
                           [&](const db::Row& row) { n = row.integer(0); });
  };
  const auto flags = flags_of(filter);
  if (flags == Flags::any && !filter.group) return count_everybody(transaction);
  if (const auto done = run(flags); !done) return fail(done.error());
  if (flags != Flags::usual) return n;
  const auto others = n;
  if (filter.group) {
    if (const auto done = run(Flags::any); !done) return fail(done.error());
  } else {
    const auto everybody = count_everybody(transaction);
    if (!everybody) return fail(everybody.error());
    n = *everybody;
  }
  return std::max(n - others, std::int64_t{0});
}

/// How a page of those of a filter, `count` of them, is read.
Result<Shape> shape_of(db::Transaction& transaction, const UserQuery& query, std::int64_t count) {
  const auto everybody = count_everybody(transaction);
  if (!everybody) return fail(everybody.error());
  const auto steps_for = [&](std::int64_t users) {
    return static_cast<double>(users) * static_cast<double>(*everybody) /
           static_cast<double>(count);
  };
  if (steps_for(query.offset + query.limit) <= 2 * most_kept) return Shape::first;
  // From the nearer end.
  const auto steps = steps_for(std::min(query.offset + query.limit, count - query.offset));
  // To collect and sort all of them takes longer for each than a step in an index: three times, or
  // twice where each step looks somebody up in the group.
  const bool has_ids = flags_of(query.filter) == Flags::special || query.filter.group;
  if (has_ids && static_cast<double>(count) * (query.filter.group ? 2 : 3) <= steps) {
    return Shape::found;
  }
  return Shape::all;
}

/// Whether a page of a search that finds `count` is better looked for in order.
Result<bool> is_walk_shorter(db::Transaction& transaction, const Search& search,
                             const UserQuery& query, std::int64_t count) {
  const auto everybody = count_everybody(transaction);
  if (!everybody) return fail(everybody.error());
  const auto steps = (query.offset + query.limit) * (*everybody / count + 1);
  // To scan again is cheaper for each user than to walk, but it is all of them.
  const auto scan = search.finder == Finder::scan ? *everybody / 16 : 0;
  return steps < count + scan;
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
  return transaction_.run(sql, {id, now}).map(db::uncounted);
}

Result<std::optional<User>> UserStore::hold(std::int64_t id) {
  static constexpr db::Sql sql{"SELECT " USER_COLUMNS " FROM \"user\" WHERE id = $1 FOR UPDATE"};
  if (transaction_.engine() == db::Engine::sqlite) return find_by_id(id);  // one writer at a time
  return find<User>(transaction_, sql, id, read_user);
}

Result<void> UserStore::update(const User& user, Time now) {
  static constexpr db::Sql sql{
      "UPDATE \"user\" SET email = $2, first_name = $3, last_name = $4, phone = $5, location = $6, "
      "is_active = $7, is_staff = $8, is_superuser = $9, modified_date = $10 WHERE id = $1"};
  return transaction_
      .run(sql, {user.id, std::string_view(user.email), std::string_view(user.first_name),
                 std::string_view(user.last_name), db::value_or_null(user.phone),
                 db::value_or_null(user.location), user.is_active, user.is_staff, user.is_superuser,
                 now})
      .map(db::uncounted);
}

Result<bool> UserStore::remove(std::int64_t id) {
  static constexpr db::Sql statements[] = {
      {"UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = $1"},
      {"DELETE FROM user_groups WHERE user_id = $1"},
      {"DELETE FROM user_user_permissions WHERE user_id = $1"},
      {"DELETE FROM django_admin_log WHERE user_id = $1"},
      {"DELETE FROM django_session WHERE session_key IN "
       "(SELECT session_key FROM easyjwt_browser_session WHERE user_id = $1)"},
      {"DELETE FROM \"user\" WHERE id = $1"}};
  std::int64_t rows = 0;
  for (const auto& sql : statements) {
    const auto done = transaction_.run(sql, {id});
    if (!done) return fail(done.error());
    rows = *done;
  }
  return rows == 1;
}

Result<bool> UserStore::hold_other_superuser(std::int64_t id) {
  // All of them, in one order: of two who would each take it from the other one comes second.
#define OTHER_SUPERUSERS \
  "SELECT id FROM \"user\" WHERE " IS_SPECIAL " AND is_superuser AND is_active ORDER BY id"
  static constexpr db::Sql reading{OTHER_SUPERUSERS};
  static constexpr db::Sql holding{OTHER_SUPERUSERS " FOR UPDATE"};
#undef OTHER_SUPERUSERS
  bool found = false;
  const auto done =
      transaction_.run(transaction_.engine() == db::Engine::sqlite ? reading : holding, {},
                       [&](const db::Row& row) { found |= row.integer(0) != id; });
  if (!done) return fail(done.error());
  return found;
}

Result<UserStore::Belongings> UserStore::count_belongings(std::int64_t id) {
  static constexpr db::Sql sql{
      "SELECT (SELECT count(*) FROM token_blacklist_outstandingtoken WHERE user_id = $1), "
      "(SELECT count(*) FROM user_groups WHERE user_id = $1), "
      "(SELECT count(*) FROM user_user_permissions WHERE user_id = $1), "
      "(SELECT count(*) FROM easyjwt_browser_session WHERE user_id = $1), "
      "(SELECT count(*) FROM django_admin_log WHERE user_id = $1)"};
  Belongings found;
  const auto done = transaction_.run(sql, {id}, [&](const db::Row& row) {
    found = {.tokens = row.integer(0),
             .groups = row.integer(1),
             .permissions = row.integer(2),
             .sessions = row.integer(3),
             .log_entries = row.integer(4)};
  });
  if (!done) return fail(done.error());
  return found;
}

Result<std::int64_t> UserStore::count(const UserQuery& query) {
  auto search = read_words(transaction_.engine(), query.words);
  if (search.is_vain) return 0;
  if (search.patterns.empty()) {
    auto n = count_filtered(transaction_, query.filter);
    if (!n) return n;
    found_words_ = query.words;
    found_filter_ = query.filter;
    found_count_ = *n;
    return n;
  }
  auto found = find_ids(transaction_, search, query.filter);
  if (!found) return fail(found.error());
  found_words_ = query.words;
  found_filter_ = query.filter;
  found_count_ = found->count;
  found_ids_ = std::move(found->ids);
  return found_count_;
}

Result<void> UserStore::list(const UserQuery& query, FunctionRef<void(const User&)> each) {
  auto search = read_words(transaction_.engine(), query.words);
  if (search.is_vain) return {};
  auto shape = query.offset < most_kept ? Shape::first : Shape::all;
  auto filter = query.filter;
  const bool is_narrowed = !search.patterns.empty() || filter != UserFilter{};
  if (is_narrowed) {
    if (found_words_ != query.words || found_filter_ != filter) {
      if (const auto counted = count(query); !counted) return fail(counted.error());
    }
    if (found_count_ == 0) return {};
  }
  if (is_narrowed && search.patterns.empty()) {
    const auto chosen = shape_of(transaction_, query, found_count_);
    if (!chosen) return fail(chosen.error());
    shape = *chosen;
  } else if (is_narrowed) {
    const auto walk = is_walk_shorter(transaction_, search, query, found_count_);
    if (!walk) return fail(walk.error());
    // More than are kept may be more than are looked up one by one.
    if (found_count_ > most_kept && search.finder == Finder::parts) {
      search.finder = finder_without_parts(transaction_.engine());
      search.arguments.clear();
    }
    shape = found_count_ <= most_kept ? Shape::kept : *walk ? Shape::walked : Shape::found;
  }
  if (shape != Shape::found) search.arguments.clear();
  if (shape == Shape::walked) search.finder = Finder::scan;
  if (shape == Shape::kept) {
    search = {.arguments = {found_ids_}};
    filter = {};
  }
  auto ordering = std::string_view(query.ordering);
  const bool descending = ordering.starts_with('-');
  if (descending) ordering.remove_prefix(1);
  const auto field = std::ranges::find(orderings, ordering);
  auto limit = query.limit;
  auto offset = query.offset;
  const bool from_end = shape == Shape::all && is_narrowed && offset > found_count_ / 2;
  if (from_end) {
    limit = std::clamp(found_count_ - offset, std::int64_t{0}, limit);
    offset = found_count_ - offset - limit;
    if (limit == 0) return {};
  }
  const auto& sql = prepared(
      {.engine = transaction_.engine(),
       .shape = shape,
       .finder = search.finder,
       .words = search.patterns.size(),
       .arguments = search.arguments.size(),
       .flags = flags_of(filter),
       .group = filter.group.has_value(),
       .field = field == orderings.end() ? 0 : static_cast<std::size_t>(field - orderings.begin()),
       .descending = descending,
       .from_end = from_end});
  auto values = values_of(search, filter);
  values.emplace_back(limit);
  values.emplace_back(offset);
  return transaction_.run(sql, values, [&](const db::Row& row) { each(read_user(row)); })
      .map(db::uncounted);
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
