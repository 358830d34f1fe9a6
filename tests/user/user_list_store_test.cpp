#include "easyjwt/user/user_list_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "easyjwt/core/unicode.hpp"
#include "user/users_test.hpp"

namespace easyjwt {
namespace {

/// Lists and searches.
class UserListStoreTest : public UsersTest {
 protected:
  /// Everybody whose text has every word, one after the other: what a search must find.
  Emails scan(const std::vector<std::string>& words) {
    static constexpr db::Sql texts{
        "SELECT email, lower(email), lower(first_name), lower(last_name) FROM \"user\" ORDER BY "
        "id"};
    Emails emails;
    const auto done = database_->read([&](db::Transaction& transaction) {
      emails.clear();
      return transaction.run(texts, {}, [&](const db::Row& row) {
        const auto has = [&](const std::string& word) {
          for (int i = 1; i < 4; ++i) {
            if (row.text(i).find(lower(word)) != std::string_view::npos) return true;
          }
          return false;
        };
        if (std::ranges::all_of(words, has)) emails.emplace_back(row.text(0));
      });
    });
    EXPECT_TRUE(done) << done.error().reason;
    return emails;
  }
  void expect_as_scanned(const std::vector<std::string>& words) {
    std::string said;
    for (const auto& word : words) said += " [" + word + "]";
    SCOPED_TRACE("search" + said);
    const auto expected = scan(words);
    const UserQuery query{.words = words, .limit = 100'000};
    EXPECT_EQ(count(query), static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(list(query), expected);
  }
  /// What the engine says that it will do; PostgreSQL is not to be put off by how small this is.
  std::string plan(const UserQuery& query, bool of_count = false, const SearchLimits& limits = {}) {
    Explained explained(*database_);
    return explained.of(query, of_count, limits);
  }

 private:
  /// Has the statements of a UserListStore explained rather than run.
  class Explained {
   public:
    explicit Explained(db::Database& database) : database_(database) {}
    std::string of(const UserQuery& query, bool of_count, const SearchLimits& limits);

   private:
    db::Database& database_;
  };
};

class ExplainingTransaction final : public db::PassingTransaction {
 public:
  using PassingTransaction::PassingTransaction;
  using PassingTransaction::run;
  Result<std::int64_t> run(const db::Sql& sql, std::span<const db::Value> values,
                           FunctionRef<void(const db::Row&)> each) override {
    // The page is of interest, and what decides how it is looked for is needed.
    const bool is_page = sql.text.find("password") != sql.text.npos;
    if (of_count || is_page) {
      const bool is_sqlite = engine() == db::Engine::sqlite;
      const auto text = (is_sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + std::string(sql.text);
      const db::Sql explained{text};
      auto done = PassingTransaction::run(explained, values, [&](const db::Row& row) {
        plan += std::string(row.text(is_sqlite ? 3 : 0)) + "\n";
      });
      if (!done || is_page) return done;
    }
    return PassingTransaction::run(sql, values, each);
  }

  std::string plan;
  bool of_count = false;
};

std::string UserListStoreTest::Explained::of(const UserQuery& query, bool of_count,
                                             const SearchLimits& limits) {
  const auto plan = database_.write([&](db::Transaction& real) -> Result<std::string> {
    ExplainingTransaction transaction(real);
    if (real.engine() == db::Engine::postgresql) {
      if (auto done = real.run_script("SET LOCAL enable_seqscan = off"); !done) {
        return fail(done.error());
      }
    }
    transaction.of_count = of_count;
    UserListStore store(transaction, limits);
    if (of_count) {
      if (const auto done = store.count(query); !done) return fail(done.error());
    } else if (const auto done = store.list(query, [](const User&) {}); !done) {
      return fail(done.error());
    }
    return transaction.plan;
  });
  EXPECT_TRUE(plan) << plan.error().reason;
  return plan.value_or("");
}

INSTANTIATE_TEST_SUITE_P(Engines, UserListStoreTest, db::every_place, db::place_name);

TEST_P(UserListStoreTest, SearchesFindWhatAScanFinds) {
  const std::vector<User> users = {
      user("anna.schmidt1234@example.com", "Anna", "Schmidt"),
      user("hanna.schmidt1234@example.com", "Hanna", "von der Schmidt-Hanna"),
      user("bob@example.com", "100%", "under_score"),
      user("bob2@example.com", "100 percent", "underXscore"),
      user("back@example.com", "back\\slash", "O'Brien"),
      user("quotes@example.com", "\"quoted\"", "a\"\"b"),
      user("fts@example.com", "AND OR NOT NEAR", "text: ^star* (x)"),
      user("minus@example.com", "-minus", "a+b{c}"),
      user("umlaut@example.com", "J\xc3\xbcrgen", "\xc3\x84RGER"),
      user("umlaut2@example.com", "j\xc3\xbcrgen", "\xc3\xa4rger und noch mehr \xc3\xa4rger"),
      user("kelvin@example.com",
           "\xe2\x84\xaa"
           "elvin",
           "\xc5\xbf"
           "charf"),
      user("cjk@example.com", "\xe7\xbe\x8e\xe5\x92\xb2", "\xe4\xbd\x90\xe8\x97\xa4\xe7\xbe\x8e"),
      user("emoji@example.com", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
           "\xf4\x8f\xbf\xbf"
           "abcdefgh\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf"),
      user("spaces@example.com", "Maria del Carmen", "de la Cruz"),
      user("tab@example.com", "before\tafter", "line\nbreak"),
      user("long@example.com", std::string(150, 'x'), "ab" + std::string(148, 'y')),
      user("repeats@example.com", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababab"),
      user("empty@example.com", "", ""),
  };
  add(users);
  std::vector<std::string> words = {"%",
                                    "_",
                                    "\\",
                                    "%%",
                                    "\\%",
                                    "'",
                                    "\"",
                                    "\"\"",
                                    "''",
                                    "a\"\"b",
                                    "a\"b",
                                    "100%",
                                    "r_s",
                                    "rxs",
                                    "under_score",
                                    "under%score",
                                    "back\\slash",
                                    "o'brien",
                                    "\"quoted\"",
                                    "AND",
                                    "OR",
                                    "NEAR",
                                    "NOT",
                                    "*",
                                    "^",
                                    ":",
                                    "(",
                                    ")",
                                    "-",
                                    "-minus",
                                    "text:",
                                    "^star*",
                                    "star*",
                                    "(x)",
                                    "a+b{c}",
                                    "NEAR(anna",
                                    "\"anna\" OR \"bob\"",
                                    "anna*",
                                    "text:anna",
                                    "rowid",
                                    "easyjwt_user_search",
                                    "j\xc3\xbcrgen",
                                    "J\xc3\x9cRGEN",
                                    "\xc3\xa4rger",
                                    "\xc3\x84RGER",
                                    "\xc3\xa4",
                                    "\xc3\x84",
                                    "\xc3",
                                    "kelvin",
                                    "\xe2\x84\xaa",
                                    "schar",
                                    "\xc5\xbf"
                                    "charf",
                                    "\xe7\xbe\x8e",
                                    "\xe4\xbd\x90\xe8\x97\xa4",
                                    "\xe4\xbd\x90\xe8\x97\xa4\xe7\xbe\x8e",
                                    "\xf0\x9f\x98\x80",
                                    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
                                    "abcdefgh",
                                    "bcdefgh",
                                    "a",
                                    "an",
                                    "ann",
                                    "anna",
                                    "schmidt1234@ex",
                                    "hanna.sch",
                                    "SCHMIDT-hanna",
                                    "carmen",
                                    "e",
                                    "@",
                                    "example.com",
                                    "anna.schmidt1234@example.com",
                                    "1234@example.comx",
                                    std::string(150, 'x'),
                                    std::string(151, 'x'),
                                    std::string(16, 'x'),
                                    std::string(254, 'x'),
                                    std::string(255, 'x'),
                                    std::string(5000, 'x'),
                                    std::string(1000, '%'),
                                    std::string(300, '\xc3'),
                                    std::string(32, 'a'),
                                    std::string(33, 'a'),
                                    std::string(13, 'a'),
                                    "babababab",
                                    "abababababababab",
                                    "yyyyyyyyyyyy",
                                    "b" + std::string(20, 'y')};
  std::erase_if(words, [](const std::string& word) { return !is_utf8(word); });
  for (const auto& word : words) expect_as_scanned({word});
  expect_as_scanned({"anna", "schmidt1234"});
  expect_as_scanned({"a", "schmidt"});
  expect_as_scanned({"a", "e", "schmidt1234"});
  expect_as_scanned({"anna", "bob"});
  expect_as_scanned({"a", "n"});
  expect_as_scanned({"hanna.schmidt", "schmidt-hanna", "von", "der", "h", "an", "1234", "@"});
  expect_as_scanned({"anna", "anna", "anna"});
  // In the e-mail's end and the name's beginning together it is in neither.
  EXPECT_EQ(count({.words = {"comanna"}}), 0);
  EXPECT_EQ(count({.words = {std::string("an\0na", 5)}}), 0);
  EXPECT_EQ(list({.words = {std::string("\0", 1)}}), Emails{});
}

TEST_P(UserListStoreTest, EveryPieceOfEveryTextIsFoundWhereverItStands) {
  std::mt19937 random(7);  // NOLINT: the same at every run
  std::vector<User> users;
  const std::string letters = "ab.\xc3\xbc";
  const auto text = [&](std::size_t length) {
    std::string out;
    for (std::size_t i = 0; i < length; ++i) {
      const auto pick = random() % 4;
      out += pick == 3 ? "\xc3\xbc" : std::string(1, letters[pick]);
    }
    return out;
  };
  for (int i = 0; i < 40; ++i) {
    users.push_back(user(std::to_string(i) + text(random() % 30), text(random() % 12), text(14)));
  }
  add(users);
  for (int i = 0; i < 300; ++i) {
    const auto& one = users[random() % users.size()];
    const auto& field = i % 3 == 0 ? one.last_name : one.email;
    const auto points = code_points(field);
    const auto begin = random() % points.size();
    const auto length = 1 + random() % (points.size() - begin);
    std::string word;
    std::size_t at = 0;
    for (std::size_t byte = 0; byte < field.size(); ++byte) {
      if ((static_cast<unsigned char>(field[byte]) & 0xc0) != 0x80) ++at;
      if (at > begin && at <= begin + length) word += field[byte];
    }
    expect_as_scanned({word});
  }
}

TEST_P(UserListStoreTest, WhoeverWritesChangesWhatIsFound) {
  add({user("one@example.com", "First", "Person"), user("two@example.com", "Second", "Person")});
  const auto insert = [](const std::string& email, const std::string& first) {
    return "INSERT INTO \"user\" (password, is_superuser, is_staff, is_active, date_joined, "
           "first_name,"
           " last_name, email, modified_date, creation_date) VALUES ('!', false, false, true,"
           " '2026-01-01 00:00:00', '" +
           first + "', 'x', '" + email + "', '2026-01-01 00:00:00', '2026-01-01 00:00:00')";
  };
  script(insert("three@example.com", "Thirdperson"));
  EXPECT_EQ(count({}), 3);
  expect_as_scanned({"thirdperson"});
  expect_as_scanned({"person"});
  script(
      "UPDATE \"user\" SET first_name = 'Renamed-at-length', email = email WHERE email LIKE 't%'");
  EXPECT_EQ(count({.words = {"thirdperson"}}), 0);
  EXPECT_EQ(count({.words = {"third"}}), 0);
  EXPECT_EQ(count({.words = {"renamed-at-length"}}), 2);
  EXPECT_EQ(count({.words = {"renamed"}}), 2);
  script("UPDATE \"user\" SET id = id + 1000 WHERE email = 'one@example.com'");
  for (const auto* word : {"on", "one", "one@example.com", "person"}) expect_as_scanned({word});
  script(insert("four@example.com", "Fourth") +
         " ON CONFLICT (email) DO UPDATE SET first_name = 'no'");
  script(insert("four@example.com", "Fifth") +
         " ON CONFLICT (email) DO UPDATE SET first_name = excluded.first_name");
  EXPECT_EQ(count({}), 4);
  for (const auto* word : {"fifth", "fourth", "four@example.com"}) expect_as_scanned({word});
  script("DELETE FROM \"user\" WHERE email LIKE 't%'");
  EXPECT_EQ(count({}), 2);
  for (const auto* word : {"renamed", "renamed-at-length", "person", "e"})
    expect_as_scanned({word});
  script("DELETE FROM \"user\"");
  EXPECT_EQ(count({}), 0);
  for (const auto* table : {"easyjwt_user_search", "easyjwt_user_part"}) {
    const auto text = "SELECT 1 FROM " + std::string(table);
    const db::Sql rows{text};
    const auto left = database_->read([&](db::Transaction& t) { return t.run(rows); });
    ASSERT_TRUE(left);
    EXPECT_EQ(*left, 0) << table;
  }
  if (place_.engine() == db::Engine::postgresql) {
    add({user("one@example.com", "First", "Person")});
    script("TRUNCATE \"user\" CASCADE");
    EXPECT_EQ(count({}), 0);
    EXPECT_EQ(count({.words = {"person"}}), 0);
  }
}

TEST_P(UserListStoreTest, ATransactionThatFailsCountsNobody) {
  add({user("one@example.com", "First", "Person")});
  const auto twice = database_->write([&](db::Transaction& transaction) -> Result<std::int64_t> {
    UserStore store(transaction);
    if (auto id = store.insert(user("two@example.com", "", ""), now); !id) return id;
    return store.insert(user("two@example.com", "", ""), now);
  });
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::conflict);
  EXPECT_EQ(count({}), 1);
  EXPECT_EQ(count({.words = {"two@example.com"}}), 0);
}

/// Enough that some searches find more than what a search keeps.
std::vector<User> many_users() {
  std::vector<User> users;
  for (int i = 0; i < 1600; ++i) {
    User one;
    one.email = "user" + std::to_string(i * 7 % 1600) + "@example.com";
    one.first_name = i % 3 ? "Ann" : "Zed";
    one.last_name = i % 2 ? "Smith" : "Jones";
    if (i % 4 != 0) one.last_login = now + std::chrono::seconds(i * 11 % 8);
    one.date_joined = now + std::chrono::seconds(i * 5 % 7);
    users.push_back(one);
  }
  return users;
}

TEST_P(UserListStoreTest, EveryOrderIsTotalAndNobodyIsLeftOut) {
  const auto users = many_users();
  add(users);
  const auto key = [](const User& user, const std::string& field) -> std::string {
    if (field == "email") return user.email;
    if (field == "first_name") return user.first_name;
    if (field == "last_name") return user.last_name;
    if (field == "date_joined") return to_rfc3339(user.date_joined);
    if (field == "last_login") return user.last_login ? to_rfc3339(*user.last_login) : "";
    return "";
  };
  for (const std::string field :
       {"id", "email", "first_name", "last_name", "date_joined", "last_login"}) {
    for (const auto& [words, has_them] :
         {std::pair<std::vector<std::string>, bool (*)(const User&)>{
              {}, [](const User&) { return true; }},
          {{"ann"}, [](const User& user) { return user.first_name == "Ann"; }},
          {{"user1", "s", "example.com"},
           [](const User& user) { return user.email.find("user1") != std::string::npos; }},
          {{"example.com"}, [](const User&) { return true; }}}) {
      SCOPED_TRACE(field + " " + (words.empty() ? "" : words.front()));
      std::vector<User> chosen;
      std::ranges::copy_if(users, std::back_inserter(chosen), has_them);
      std::ranges::stable_sort(
          chosen, [&](const User& a, const User& b) { return key(a, field) < key(b, field); });
      Emails expected;
      for (const auto& user : chosen) expected.push_back(user.email);
      EXPECT_EQ(count({.words = words}), static_cast<std::int64_t>(expected.size()));
      for (const bool descending : {false, true}) {
        if (descending) std::ranges::reverse(expected);
        const auto ordering = (descending ? "-" : "") + field;
        EXPECT_EQ(list({.ordering = ordering, .words = words, .limit = 5000}), expected);
        for (const std::size_t offset : {0u, 10u, 990u, 1060u, 1590u, 1700u}) {
          const auto begin =
              expected.begin() + static_cast<std::ptrdiff_t>(std::min(offset, expected.size()));
          const Emails page(begin, begin + std::min<std::ptrdiff_t>(10, expected.end() - begin));
          EXPECT_EQ(list({.ordering = ordering,
                          .words = words,
                          .offset = static_cast<std::int64_t>(offset),
                          .limit = 10}),
                    page);
        }
      }
    }
  }
}

TEST_P(UserListStoreTest, FiltersLeaveWhomTheyMean) {
  auto users = many_users();
  std::mt19937 random(7);
  std::string members;
  for (std::size_t i = 0; i < users.size(); ++i) {
    users[i].is_active = random() % 10 != 0;
    users[i].is_staff = random() % 20 == 0;
    users[i].is_superuser = random() % 50 == 0;
  }
  add(users);
  script("INSERT INTO auth_group (name) VALUES ('half'), ('few')");
  script("INSERT INTO user_groups (user_id, group_id) SELECT id, 1 FROM \"user\" WHERE id % 2 = 0");
  script(
      "INSERT INTO user_groups (user_id, group_id) SELECT id, 2 FROM \"user\" WHERE id % 100 = 3");
  using Flag = std::optional<bool>;
  const Flag flags[] = {std::nullopt, true, false};
  for (const auto active : flags) {
    for (const auto staff : flags) {
      for (const auto superuser : flags) {
        for (const std::optional<std::int64_t> group :
             {std::optional<std::int64_t>{}, {1}, {2}, {3}}) {
          for (const std::vector<std::string>& words :
               {std::vector<std::string>{}, {"ann"}, {"user12"}, {"user1234@"}}) {
            const UserFilter filter{active, staff, superuser, group};
            SCOPED_TRACE(std::to_string(active ? *active : -1) +
                         std::to_string(staff ? *staff : -1) +
                         std::to_string(superuser ? *superuser : -1) + " group " +
                         std::to_string(group.value_or(0)) + (words.empty() ? "" : words[0]));
            Emails expected;
            for (std::size_t i = 0; i < users.size(); ++i) {
              const auto id = i + 1;
              const auto& user = users[i];
              const bool is_member =
                  !group || (*group == 1 && id % 2 == 0) || (*group == 2 && id % 100 == 3);
              const auto text = lower(user.email + '\t' + user.first_name);
              if (active.value_or(user.is_active) == user.is_active &&
                  staff.value_or(user.is_staff) == user.is_staff &&
                  superuser.value_or(user.is_superuser) == user.is_superuser && is_member &&
                  (words.empty() || text.find(words[0]) != text.npos)) {
                expected.push_back(user.email);
              }
            }
            UserQuery query{.words = words, .filter = filter, .limit = 5000};
            EXPECT_EQ(count(query), static_cast<std::int64_t>(expected.size()));
            EXPECT_EQ(list(query), expected);
            query.ordering = "-id";
            std::ranges::reverse(expected);
            for (const std::int64_t limit : {7, 3000}) {
              query.limit = limit;
              for (const std::size_t offset :
                   {std::size_t{0}, expected.size() / 2 + 1, expected.size()}) {
                query.offset = static_cast<std::int64_t>(std::min(offset, expected.size()));
                const auto begin = expected.begin() + query.offset;
                EXPECT_EQ(list(query),
                          Emails(begin, begin + std::min(limit, expected.end() - begin)));
              }
            }
          }
        }
      }
    }
  }
}

/// Notes what is run.
class NotingTransaction final : public db::PassingTransaction {
 public:
  NotingTransaction(db::Transaction& real, std::set<std::string>& texts)
      : PassingTransaction(real), texts_(texts) {}
  using PassingTransaction::run;
  Result<std::int64_t> run(const db::Sql& sql, std::span<const db::Value> values,
                           FunctionRef<void(const db::Row&)> each) override {
    texts_.emplace(sql.text);
    return PassingTransaction::run(sql, values, each);
  }

 private:
  std::set<std::string>& texts_;
};

/// By all ways in which a search is read, which so few users are enough for.
TEST_P(UserListStoreTest, EverySearchFindsWhatItMustInEveryOrderAndOnEveryPage) {
  constexpr SearchLimits limits{.candidates = 60,
                                .sorted = 30,
                                .sorted_by_name = 50,
                                .kept = 500,
                                .counted = 200,
                                .counted_by_name = 400};
  constexpr std::int64_t most = 100;
  constexpr std::size_t page_size = 20;
  std::mt19937 random(7);  // NOLINT: the same at every run
  const char* const names[] = {"Anna", "Bob", "anton", "Hanna", "Zed", "Zoe"};
  std::vector<User> users;
  for (std::int64_t i = 1; i <= 2500; ++i) {
    User one;
    one.id = i;
    one.first_name = names[random() % 6];
    // Who is last in the order of names has what nobody else has.
    one.last_name = i % 4 == 0 ? "Zwilling" : i % 2 ? "Smith" : "Jones";
    one.email = one.first_name + std::to_string(random() % 10'000) + "." + std::to_string(i) + "@" +
                (i % 3 ? "example.com" : "shop.example");
    // Some have it elsewhere: before and after those.
    if (i % 90 == 1) one.first_name = "Zwilling";
    if (i % 180 == 1) one.last_name = "Zz";
    one.is_active = random() % 10 != 0;
    one.is_staff = random() % 100 == 0;
    if (i % 4 != 0) one.last_login = now + std::chrono::seconds(random() % 50);
    one.date_joined = now + std::chrono::seconds(random() % 50);
    users.push_back(one);
  }
  add(users);
  script(
      "INSERT INTO auth_group (name) VALUES ('most'), ('some'), ('none'), ('all'), ('all but "
      "one')");
  script("INSERT INTO user_groups (user_id, group_id) SELECT id, 1 FROM \"user\" WHERE id % 8 > 0");
  script(
      "INSERT INTO user_groups (user_id, group_id) SELECT id, 2 FROM \"user\" WHERE id % 25 = 3");
  script("INSERT INTO user_groups (user_id, group_id) SELECT id, 4 FROM \"user\"");
  // Whom no sample has.
  script("INSERT INTO user_groups (user_id, group_id) SELECT id, 5 FROM \"user\" WHERE id <> 140");
  script("ANALYZE");

  const auto is_before = [](const User& a, const User& b, std::string_view field) {
    if (field == "email") return a.email < b.email;
    if (field == "first_name") return std::tie(a.first_name, a.id) < std::tie(b.first_name, b.id);
    if (field == "last_name") return std::tie(a.last_name, a.id) < std::tie(b.last_name, b.id);
    if (field == "date_joined")
      return std::tie(a.date_joined, a.id) < std::tie(b.date_joined, b.id);
    if (field == "last_login") return std::tie(a.last_login, a.id) < std::tie(b.last_login, b.id);
    return a.id < b.id;
  };
  std::set<std::string> texts;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"zq"},
                                                {"an"},
                                                {"HANNA"},
                                                {"com"},
                                                {"zwilling"},
                                                {"zwil"},
                                                {"example.com"},
                                                {users[41].email},
                                                {"9", "zed"},
                                                {"anna", "com"}}) {
    for (const UserFilter& filter :
         {UserFilter{}, UserFilter{.is_active = true}, UserFilter{.is_active = false},
          UserFilter{.is_staff = true}, UserFilter{.group = 1}, UserFilter{.group = 2},
          UserFilter{.is_active = true, .group = 1}, UserFilter{.is_active = false, .group = 2},
          UserFilter{.is_active = true, .group = 4}, UserFilter{.group = 5}}) {
      std::vector<User> found;
      for (const auto& user : users) {
        const auto text = lower(user.email + '\t' + user.first_name + '\t' + user.last_name);
        const bool is_member = !filter.group || (*filter.group == 1 && user.id % 8 > 0) ||
                               (*filter.group == 2 && user.id % 25 == 3) || *filter.group == 4 ||
                               (*filter.group == 5 && user.id != 140);
        if (filter.is_active.value_or(user.is_active) == user.is_active &&
            filter.is_staff.value_or(user.is_staff) == user.is_staff && is_member &&
            std::ranges::all_of(words, [&](const std::string& word) {
              return text.find(lower(word)) != text.npos;
            })) {
          found.push_back(user);
        }
      }
      const auto all = static_cast<std::int64_t>(found.size());
      for (const std::string ordering :
           {"id", "-email", "last_name", "-last_name", "-last_login"}) {
        const bool descends = ordering.starts_with('-');
        std::ranges::sort(found, [&](const User& a, const User& b) {
          const auto field = std::string_view(ordering).substr(descends ? 1 : 0);
          return descends ? is_before(b, a, field) : is_before(a, b, field);
        });
        for (const bool is_exact : {true, false}) {
          const auto seen = is_exact ? found.size() : std::min<std::size_t>(found.size(), most);
          for (const std::size_t offset :
               {std::size_t{0}, seen / 2, seen > page_size ? seen - page_size : seen, seen}) {
            UserQuery query{.ordering = ordering,
                            .words = words,
                            .filter = filter,
                            .offset = static_cast<std::int64_t>(offset),
                            .limit = static_cast<std::int64_t>(page_size)};
            Emails expected;
            for (auto i = offset; i < std::min(offset + page_size, found.size()); ++i) {
              expected.push_back(found[i].email);
            }
            Emails emails;
            std::int64_t n = 0;
            const auto done = database_->read([&](db::Transaction& real) -> Result<void> {
              emails.clear();
              NotingTransaction transaction(real, texts);
              UserListStore store(transaction, limits);
              const auto counted = is_exact ? store.count(query) : store.count(query, most);
              if (!counted) return fail(counted.error());
              n = *counted;
              return store.list(query, [&](const User& user) { emails.push_back(user.email); });
            });
            ASSERT_TRUE(done) << done.error().reason;
            const auto what = words[0] + ", by " + ordering + " from " + std::to_string(offset) +
                              ", group " + std::to_string(filter.group.value_or(0)) +
                              (is_exact ? "" : ", not counted");
            ASSERT_EQ(n, is_exact ? all : std::min(all, most)) << what;
            ASSERT_EQ(emails, expected) << what;
          }
        }
      }
    }
  }

  const bool is_sqlite = place_.engine() == db::Engine::sqlite;
  if (!is_sqlite) {
    // More memory for one statement, and for no other.
    static constexpr db::Sql memory{"SELECT current_setting('work_mem')"};
    std::vector<std::string> sizes;
    const auto done = database_->read([&](db::Transaction& transaction) -> Result<void> {
      const auto note = [&](const db::Row& row) { sizes.emplace_back(row.text(0)); };
      sizes.clear();
      if (auto read = transaction.run(memory, {}, note); !read) return fail(read.error());
      const auto n =
          UserListStore(transaction, limits).count({.words = {"com"}, .filter = {.group = 1}});
      if (!n) return fail(n.error());
      return transaction.run(memory, {}, note).map(db::uncounted);
    });
    ASSERT_TRUE(done) << done.error().reason;
    ASSERT_EQ(sizes.size(), 2u);
    EXPECT_EQ(sizes[0], sizes[1]);
  }
  const std::string by_texts = "SELECT id FROM easyjwt_user_search WHERE ";
  for (const std::string& part :
       {std::string("BETWEEN lowest AND highest"), std::string("AS sample"),
        std::string(") AS walked WHERE"), std::string(" LIMIT 100"), std::string("last_name < $2"),
        std::string("WHERE last_name = $"),
        std::string(is_sqlite ? "NOT easyjwt_among" : "IS NOT TRUE"),
        std::string("count(*) FROM (S"), std::string(is_sqlite ? "count(*)" : "'work_mem'"),
        std::string(is_sqlite ? "easyjwt_among(id, $1)" : "unnest(CAST(CAST($1 AS text)"),
        std::string(is_sqlite ? ") AS walked WHERE easyjwt_among" : ") AS walked WHERE (id IN (SE"),
        std::string(is_sqlite ? "json_each($1)" : "id = ANY (CAST(CAST($1 AS text)"),
        by_texts + (is_sqlite ? "easyjwt_has" : "\"text\" LIKE"),
        by_texts + (is_sqlite ? "easyjwt_has" : "(\"text\" || '') LIKE"),
        by_texts + (is_sqlite ? "id IN (" : "id = ANY (ARRAY(") + "SELECT user_id FROM user_groups",
        by_texts + (is_sqlite ? "id IN (" : "id = ANY (ARRAY(") + "SELECT id FROM \"user\""}) {
    EXPECT_TRUE(std::ranges::any_of(
        texts, [&](const std::string& text) { return text.find(part) != text.npos; }))
        << "No search was read by: " << part;
  }
}

TEST_P(UserListStoreTest, FiltersUseTheirIndex) {
  auto users = many_users();
  for (std::size_t i = 0; i < users.size(); ++i) users[i].is_active = i % 40 != 0;
  add(users);
  script("ANALYZE");
  for (const auto& query :
       {UserQuery{.filter = {.is_active = false}},
        UserQuery{.filter = {.is_staff = false}, .offset = 100, .limit = 5000},
        UserQuery{.filter = {.is_staff = false}, .offset = 1400, .limit = 5000}}) {
    for (const bool of_count : {false, true}) {
      const auto found = plan(query, of_count);
      EXPECT_NE(found.find("easyjwt_user_special"), found.npos) << found;
    }
  }
}

TEST_P(UserListStoreTest, IndexesAreUsed) {
  add(many_users());
  script("ANALYZE");
  const bool is_sqlite = place_.engine() == db::Engine::sqlite;
  const auto has = [](const std::string& plan, std::string_view words) {
    return plan.find(words) != plan.npos;
  };
  for (const std::string field : {"first_name", "last_name", "date_joined", "last_login"}) {
    for (const auto* sign : {"", "-"}) {
      const auto first = plan({.ordering = sign + field, .limit = 10});
      EXPECT_TRUE(has(first, "easyjwt_user_" + field)) << first;
      EXPECT_FALSE(has(first, "TEMP B-TREE") || has(first, "Sort")) << first;
      const auto all = plan({.ordering = sign + field, .offset = 1000});
      EXPECT_TRUE(has(all, "easyjwt_user_" + field)) << all;
      EXPECT_TRUE(has(all, is_sqlite ? "COVERING INDEX" : "Index Only Scan")) << all;
      constexpr SearchLimits low{.sorted = 10, .kept = 100, .counted = 50, .counted_by_name = 50};
      const auto walked =
          plan({.ordering = sign + field, .words = {"user"}, .limit = 10}, false, low);
      EXPECT_TRUE(has(walked, "easyjwt_user_" + field)) << walked;
      EXPECT_TRUE(has(walked, "walked")) << walked;
      const auto met = plan({.ordering = sign + field, .words = {"9"}, .limit = 10}, false,
                            {.sorted = 10, .sorted_by_name = 10});
      EXPECT_TRUE(has(met, "easyjwt_user_" + field)) << met;
      EXPECT_TRUE(has(met, is_sqlite ? "COVERING INDEX" : "Index Only Scan")) << met;
    }
  }
  // PostgreSQL takes Django's until a VACUUM has told it that ours will do alone.
  const auto by_email = plan({.ordering = "-email", .offset = 1000});
  EXPECT_TRUE(
      has(by_email, is_sqlite ? "COVERING INDEX sqlite_autoindex_user_1" : "Scan Backward using "))
      << by_email;
  const auto parts = plan({.words = {"user123@", "x"}}, true);
  EXPECT_TRUE(has(
      parts, is_sqlite ? "SEARCH easyjwt_user_part USING PRIMARY KEY" : "easyjwt_user_part_pkey"))
      << parts;
  EXPECT_TRUE(has(parts, is_sqlite ? "SEARCH user USING INTEGER PRIMARY KEY" : "user_pkey"))
      << parts;
  const auto three = plan({.words = {"r12"}}, true);
  EXPECT_TRUE(has(three, is_sqlite ? "SCAN easyjwt_user_search" : "easyjwt_user_search_trigram"))
      << three;
  const auto two = plan({.words = {"r1"}}, true);
  EXPECT_FALSE(has(two, "trigram")) << two;
  // Few whose ids are known, and a page far within many.
  for (const UserQuery& query :
       {UserQuery{.words = {"user123@"}}, UserQuery{.words = {"example"}, .offset = 1500}}) {
    const auto found = plan(query);
    EXPECT_TRUE(has(found, is_sqlite ? "SEARCH user USING INTEGER PRIMARY KEY" : "user_pkey"))
        << found;
  }
}

}  // namespace
}  // namespace easyjwt
