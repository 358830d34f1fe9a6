#include "easyjwt/db/database.hpp"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <optional>

#include "db/support.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view tables = R"(
  CREATE TABLE person (id integer PRIMARY KEY AUTOINCREMENT, name text UNIQUE, is_tall bool,
                       born datetime, notes text);
  CREATE TABLE pet (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL CHECK (name <> 'Rex'),
                    owner_id bigint REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED))";
constexpr Sql add_person{"INSERT INTO person (name) VALUES ($1)"};
constexpr Sql add_pet{"INSERT INTO pet (name, owner_id) VALUES ($1, $2)"};
constexpr Sql count_people{"SELECT count(*) FROM person"};

/// Everything that a file and a database in memory have in common.
class EveryDatabase : public testing::TestWithParam<bool> {
 protected:
  EveryDatabase()
      : path_(GetParam() ? ":memory:" : dir_ / "test.sqlite3"), database_(open_or_die(path_)) {
    run_script(*database_, tables);
  }

  Result<std::int64_t> add(std::string_view name) {
    return database_->write([&](Transaction& t) { return t.run(add_person, {name}); });
  }
  std::int64_t people() { return integer(*database_, count_people); }

  TempDir dir_;
  std::string path_;
  std::unique_ptr<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryDatabase, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "memory" : "file"; });

TEST_P(EveryDatabase, KeepsEveryKindOfValue) {
  const Time born{std::chrono::microseconds{1790000000123456}};
  const std::string_view name("a\0b", 3);
  const auto written = database_->write([&](Transaction& t) {
    static constexpr Sql add{"INSERT INTO person VALUES ($1, $2, $3, $4, $5)"};
    return t.run(add, {std::int64_t{1} << 62, name, true, born, nullptr});
  });
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, 1);
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql all{"SELECT id, name, is_tall, born, notes FROM person"};
    return t.run(all, {}, [&](const Row& row) {
      EXPECT_EQ(row.integer(0), std::int64_t{1} << 62);
      EXPECT_EQ(row.text(1), name);
      EXPECT_TRUE(row.boolean(2));
      EXPECT_EQ(row.integer(2), 1);
      EXPECT_EQ(row.time(3), born);
      EXPECT_EQ(row.text(3), "2026-09-21 14:13:20.123456");
      EXPECT_TRUE(row.is_null(4));
      EXPECT_EQ(row.maybe_text(4), std::nullopt);
    });
  });
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, 1);
}

TEST_P(EveryDatabase, AnEmptyTextIsNotNull) {
  ASSERT_TRUE(add(std::string_view{}));
  static constexpr Sql count{"SELECT count(*) FROM person WHERE name = ''"};
  EXPECT_EQ(integer(*database_, count), 1);
}

TEST_P(EveryDatabase, InvalidUtf8ComesBackAsItIs) {
  ASSERT_TRUE(add("\xff\xc0"));
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql names{"SELECT name FROM person"};
    return t.run(names, {}, [](const Row& row) { EXPECT_EQ(row.text(0), "\xff\xc0"); });
  });
  EXPECT_EQ(read.value(), 1);
}

TEST_P(EveryDatabase, NumbersParametersByTheirDigits) {
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql backwards{"SELECT $2, $1, $2"};
    return t.run(backwards, {std::int64_t{1}, std::int64_t{2}}, [](const Row& row) {
      EXPECT_EQ(row.integer(0), 2);
      EXPECT_EQ(row.integer(1), 1);
      EXPECT_EQ(row.integer(2), 2);
    });
  });
  EXPECT_TRUE(read);
}

TEST_P(EveryDatabase, CountsRowsChangedAndRowsRead) {
  const auto result = database_->write([&](Transaction& t) -> Result<std::vector<std::int64_t>> {
    static constexpr Sql three{"INSERT INTO person (name) VALUES ('a'), ('b'), ('c') RETURNING id"};
    static constexpr Sql update{"UPDATE person SET is_tall = $1 WHERE name < $2"};
    static constexpr Sql none{"DELETE FROM person WHERE id = 99"};
    static constexpr Sql select{"SELECT id FROM person"};
    static constexpr Sql create{"CREATE TABLE other (id integer)"};
    int returned = 0;
    std::vector<std::int64_t> counts;
    counts.push_back(t.run(three, {}, [&](const Row&) { ++returned; }).value());
    counts.push_back(returned);
    counts.push_back(t.run(update, {false, std::string_view("c")}).value());
    counts.push_back(t.run(create).value());
    counts.push_back(t.run(none).value());
    counts.push_back(t.run(select).value());
    return counts;
  });
  EXPECT_EQ(result.value(), (std::vector<std::int64_t>{3, 3, 2, 0, 0, 3}));
}

TEST_P(EveryDatabase, AnErrorRollsBack) {
  const auto result = database_->write([&](Transaction& t) -> Result<int> {
    must(t.run(add_person, {std::string_view("a")}).map([](auto) {}));
    return fail(Errc::token_not_valid, {}, "mine");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::token_not_valid);
  EXPECT_EQ(result.error().reason, "mine");
  EXPECT_EQ(people(), 0);
  EXPECT_EQ(database_->counters().writes, 2u);
  EXPECT_EQ(database_->counters().commits, 1u);  // that of the fixture
}

TEST_P(EveryDatabase, AnExceptionRollsBackAndReachesTheCaller) {
  const auto thrower = [&](Transaction& t) -> Result<int> {
    must(t.run(add_person, {std::string_view("a")}).map([](auto) {}));
    throw std::out_of_range("mine");
  };
  EXPECT_THROW(static_cast<void>(database_->write(thrower)), std::out_of_range);
  EXPECT_EQ(people(), 0);
  EXPECT_TRUE(add("a"));
  const auto reader = [](Transaction&) -> Result<int> { throw std::out_of_range("mine"); };
  EXPECT_THROW(static_cast<void>(database_->read(reader)), std::out_of_range);
  EXPECT_EQ(people(), 1);
}

TEST_P(EveryDatabase, AnExceptionOutOfTheRowsLeavesTheStatementUsable) {
  ASSERT_TRUE(add("a"));
  static constexpr Sql names{"SELECT name FROM person"};
  const auto thrower = [&](Transaction& t) {
    return t.run(names, {}, [](const Row& row) { static_cast<void>(row.integer(0)); });
  };
  EXPECT_THROW(static_cast<void>(database_->read(thrower)), Fault);
  const auto again = database_->read([&](Transaction& t) { return t.run(names); });
  EXPECT_EQ(again.value(), 1);
}

TEST_P(EveryDatabase, AUniqueConstraintIsAConflictAndTheTransactionGoesOn) {
  ASSERT_TRUE(add("taken"));
  const auto result = database_->write([&](Transaction& t) -> Result<std::string> {
    const auto first = t.run(add_person, {std::string_view("taken")});
    EXPECT_TRUE(t.run(add_person, {std::string_view("free")}));
    EXPECT_EQ(first.error().code, Errc::conflict);
    return first.error().reason;
  });
  EXPECT_EQ(result.value(), "person.name");
  EXPECT_EQ(people(), 2);
}

TEST_P(EveryDatabase, OtherConstraintsAreFaultsOfOurs) {
  const auto add_one = [&](Value name, Value owner) {
    const Value values[] = {name, owner};
    const auto result = database_->write([&](Transaction& t) {
      return t.run(add_pet, std::span<const Value>(values), [](const Row&) {});
    });
    return result ? Errc::conflict : result.error().code;
  };
  EXPECT_EQ(add_one(nullptr, nullptr), Errc::internal);                           // NOT NULL
  EXPECT_EQ(add_one(std::string_view("Rex"), nullptr), Errc::internal);           // CHECK
  EXPECT_EQ(add_one(std::string_view("Tom"), std::int64_t{99}), Errc::internal);  // deferred
  static constexpr Sql pets{"SELECT count(*) FROM pet"};
  EXPECT_EQ(integer(*database_, pets), 0);
}

TEST_P(EveryDatabase, AReferenceMayBeDanglingUntilTheEnd) {
  const auto result = database_->write([&](Transaction& t) -> Result<void> {
    static constexpr Sql add_seven{"INSERT INTO person (id) VALUES (7)"};
    must(t.run(add_pet, {std::string_view("Tom"), std::int64_t{7}}).map([](auto) {}));
    return t.run(add_seven).map([](auto) {});
  });
  EXPECT_TRUE(result);
}

TEST_P(EveryDatabase, AWrongStatementIsAFault) {
  ASSERT_TRUE(add("a"));
  const auto is_fault = [&](const Sql& sql, std::initializer_list<Value> values = {}) {
    try {
      static_cast<void>(database_->write([&](Transaction& t) { return t.run(sql, values); }));
      return false;
    } catch (const Fault&) {
      return true;
    }
  };
  static constexpr Sql texts[] = {{"SELECT nothing FROM person"},
                                  {"SELECT 1; SELECT 2"},
                                  {"SELECT \"a string\""},
                                  {""},
                                  {"SELECT ?"},
                                  {"SELECT :name"},
                                  {"SELECT $1"},
                                  {"SELEC 1"},
                                  {"ATTACH ':memory:' AS other"}};
  for (const auto& sql : texts) EXPECT_TRUE(is_fault(sql)) << sql.text;
  EXPECT_TRUE(is_fault(count_people, {nullptr}));
  EXPECT_EQ(people(), 1);
}

TEST_P(EveryDatabase, ARowOfAnotherTypeIsAFaultThatDoesNotTellTheValue) {
  ASSERT_TRUE(add("s3cret"));
  static constexpr Sql names{"SELECT name, id FROM person"};
  const auto words = [&](auto&& take) {
    try {
      static_cast<void>(database_->read([&](Transaction& t) { return t.run(names, {}, take); }));
    } catch (const Fault& fault) {
      return std::string(fault.what());
    }
    return std::string("no fault");
  };
  for (const auto& text : {words([](const Row& row) { static_cast<void>(row.integer(0)); }),
                           words([](const Row& row) { static_cast<void>(row.time(0)); }),
                           words([](const Row& row) { static_cast<void>(row.boolean(0)); })}) {
    EXPECT_NE(text.find("column name"), text.npos) << text;
    EXPECT_EQ(text.find("s3cret"), text.npos) << text;
  }
  EXPECT_NE(words([](const Row& row) { static_cast<void>(row.text(1)); }), "no fault");
  EXPECT_NE(words([](const Row& row) { static_cast<void>(row.maybe_text(2)); }), "no fault");
}

TEST_P(EveryDatabase, AStatementInItsOwnRowsIsAFaultAndAnotherOneIsNot) {
  ASSERT_TRUE(add("a"));
  static constexpr Sql names{"SELECT name FROM person"};
  const auto itself = [&](Transaction& t) {
    return t.run(names, {}, [&](const Row&) { static_cast<void>(t.run(names)); });
  };
  EXPECT_THROW(static_cast<void>(database_->read(itself)), Fault);
  const auto other = database_->read([&](Transaction& t) {
    return t.run(names, {}, [&](const Row&) { EXPECT_EQ(t.run(count_people).value(), 1); });
  });
  EXPECT_TRUE(other);
}

TEST_P(EveryDatabase, ATextMadeAtRunTimeIsNotTakenForTheOneBeforeIt) {
  for (const std::int64_t expected : {1, 2, 3}) {
    const auto text = "SELECT " + std::to_string(expected);
    const Sql sql{text};
    EXPECT_EQ(integer(*database_, sql), expected);
  }
}

TEST_P(EveryDatabase, WouldWaitWhereWaitingIsNotAllowed) {
  bool ran = false;
  {
    const NoWaiting here;
    const auto result = database_->write([&](Transaction&) -> Result<void> {
      ran = true;
      return {};
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::would_wait);
    EXPECT_EQ(people(), 0);  // a read is not waiting
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(database_->counters().writes, 1u);  // that of the fixture
  EXPECT_TRUE(add("a"));
}

TEST_P(EveryDatabase, ATransactionInsideAWriteIsAFaultAndNoDeadlock) {
  const auto nested = [&](Transaction&) { return add("a"); };
  EXPECT_THROW(static_cast<void>(database_->write(nested)), Fault);
  EXPECT_TRUE(add("a"));
}

TEST_P(EveryDatabase, ManyThreadsEachGetTheirOwnAnswer) {
  std::atomic<int> conflicts = 0;
  write_together(*database_, 64, [&](int i) {
    const auto name = std::to_string(i / 2);  // every name twice
    const auto added = add(name);
    if (!added) {
      EXPECT_EQ(added.error().code, Errc::conflict) << added.error().reason;
      EXPECT_EQ(added.error().reason, "person.name");
      ++conflicts;
    }
  });
  EXPECT_EQ(conflicts, 32);
  EXPECT_EQ(people(), 32);
}

class FileDatabase : public testing::Test {
 protected:
  FileDatabase() : path_(dir_ / "test.sqlite3"), database_(open_or_die(path_)) {
    run_script(*database_, tables);
  }
  Result<std::int64_t> add(std::string_view name) {
    return database_->write([&](Transaction& t) { return t.run(add_person, {name}); });
  }

  TempDir dir_;
  std::string path_;
  std::unique_ptr<Database> database_;
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
}

TEST_F(FileDatabase, IsReadableByItsOwnerAlone) {
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(mode_of(path_ + "-wal"), 0600U);
  EXPECT_EQ(mode_of(path_ + "-shm"), 0600U);
}

TEST_F(FileDatabase, LeavesOneFileBehind) {
  ASSERT_TRUE(add("a"));
  EXPECT_EQ(integer(*database_, count_people), 1);
  database_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(path_ + "-shm"));
  EXPECT_EQ(Raw(path_).value("SELECT name FROM person"), "a");
}

TEST_F(FileDatabase, TheSettingsThatSafetyRestsOn) {
  const auto pragmas = [](Transaction& t) -> Result<std::vector<std::int64_t>> {
    static constexpr Sql all{
        "SELECT foreign_keys, synchronous, trusted_schema, cell_size_check, journal_mode = 'wal'"
        " FROM pragma_foreign_keys, pragma_synchronous, pragma_trusted_schema,"
        " pragma_cell_size_check, pragma_journal_mode"};
    std::vector<std::int64_t> values;
    const auto done = t.run(all, {}, [&](const Row& row) {
      for (int i = 0; i < 5; ++i) values.push_back(row.integer(i));
    });
    if (!done) return fail(done.error());
    return values;
  };
  const std::vector<std::int64_t> expected{1, 2, 0, 1, 1};
  EXPECT_EQ(database_->write(pragmas).value(), expected);
  EXPECT_EQ(database_->read(pragmas).value(), expected);
}

TEST_F(FileDatabase, AReadCannotWrite) {
  const auto sneak = [](Transaction& t) { return t.run(add_person, {std::string_view("a")}); };
  EXPECT_THROW(static_cast<void>(database_->read(sneak)), Fault);
  const auto script = database_->read(
      [](Transaction& t) { return t.run_script("INSERT INTO person (name) VALUES ('a')"); });
  EXPECT_FALSE(script);
  EXPECT_EQ(integer(*database_, count_people), 0);
}

TEST_F(FileDatabase, IsCommittedWhenTheCallerReturns) {
  Raw other(path_);
  for (int i = 0; i < 20; ++i) {
    const auto name = std::to_string(i);
    ASSERT_TRUE(add(name));
    EXPECT_EQ(other.value("SELECT count(*) FROM person"), std::to_string(i + 1));
  }
}

TEST_F(FileDatabase, SixtyFourWritersTakeFewCommits) {
  const auto before = database_->counters();
  write_together(*database_, 64, [&](int i) {
    const auto name = std::to_string(i);
    EXPECT_TRUE(add(name));
  });
  const auto after = database_->counters();
  EXPECT_EQ(after.writes - before.writes, 65u);
  // One for the write that kept them waiting. A thread that came late may add one.
  EXPECT_LE(after.commits - before.commits, 4u);
  EXPECT_EQ(integer(*database_, count_people), 64);
}

TEST_F(FileDatabase, AFailingOneDoesNotDisturbTheOthersOfItsBatch) {
  std::atomic<int> faults = 0;
  std::atomic<int> dangling = 0;
  std::atomic<int> refused = 0;
  const auto before = database_->counters();
  write_together(*database_, 60, [&](int i) {
    const auto name = std::to_string(i);
    const auto f = [&](Transaction& t) -> Result<void> {
      must(t.run(add_person, {std::string_view(name)}).map([](auto) {}));
      if (i % 4 == 1) return fail(Errc::refused);
      if (i % 4 == 2) throw std::out_of_range(name);
      if (i % 4 == 3) {
        return t.run(add_pet, {std::string_view("Tom"), std::int64_t{9999}}).map([](auto) {});
      }
      return {};
    };
    try {
      const auto result = database_->write(f);
      if (i % 4 == 0) {
        EXPECT_TRUE(result);
      }
      if (i % 4 == 1) refused += !result && result.error().code == Errc::refused;
      if (i % 4 == 3) dangling += !result && result.error().code == Errc::internal;
    } catch (const std::out_of_range& fault) {
      EXPECT_EQ(fault.what(), name);
      ++faults;
    }
  });
  EXPECT_EQ(refused, 15);
  EXPECT_EQ(faults, 15);
  EXPECT_EQ(dangling, 15);
  EXPECT_LE(database_->counters().commits - before.commits, 4u);
  static constexpr Sql good{"SELECT count(*) FROM person WHERE CAST(name AS integer) % 4 = 0"};
  EXPECT_EQ(integer(*database_, good), 15);
  EXPECT_EQ(integer(*database_, count_people), 15);
  static constexpr Sql pets{"SELECT count(*) FROM pet"};
  EXPECT_EQ(integer(*database_, pets), 0);
}

TEST_F(FileDatabase, AReadGoesOnBesideALongWrite) {
  Latch written, seen;
  std::thread writer([&] {
    must(database_->write([&](Transaction& t) -> Result<void> {
      must(t.run(add_person, {std::string_view("a")}).map([](auto) {}));
      written.open();
      seen.wait();
      return {};
    }));
  });
  written.wait();
  {
    const NoWaiting here;
    EXPECT_EQ(integer(*database_, count_people), 0);
  }
  seen.open();
  writer.join();
  EXPECT_EQ(integer(*database_, count_people), 1);
}

TEST_F(FileDatabase, AReadSeesOneMoment) {
  const auto result = database_->read([&](Transaction& t) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> counts;
    const auto take = [&](const Row& row) { counts.push_back(row.integer(0)); };
    must(t.run(count_people, {}, take).map([](auto) {}));
    EXPECT_TRUE(add("a"));
    must(t.run(count_people, {}, take).map([](auto) {}));
    return counts;
  });
  EXPECT_EQ(result.value(), (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(integer(*database_, count_people), 1);
}

TEST_F(FileDatabase, StreamsWhileOthersWrite) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(add(std::to_string(i)));
  std::atomic<bool> is_done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      // The number of rows and the largest id move together, in each snapshot.
      while (!is_done) {
        const auto same = database_->read([&](Transaction& t) -> Result<bool> {
          static constexpr Sql names{"SELECT id FROM person ORDER BY id"};
          static constexpr Sql last{"SELECT max(id) FROM person"};
          std::int64_t largest = 0;
          const auto rows = t.run(names);
          const auto read = t.run(last, {}, [&](const Row& row) { largest = row.integer(0); });
          if (!rows || !read) return fail(rows ? read.error() : rows.error());
          return *rows == largest;
        });
        EXPECT_TRUE(same.value());
      }
    });
  }
  for (int i = 50; i < 150; ++i) EXPECT_TRUE(add(std::to_string(i)));
  is_done = true;
  for (auto& reader : readers) reader.join();
}

TEST(DatabaseUrl, FormsThatWork) {
  const TempDir dir;
  const auto absolute = Database::open({.url = "sqlite:///" + (dir / "a b%3F.sqlite3")}, no_log());
  EXPECT_TRUE(absolute) << absolute.error().reason;
  EXPECT_TRUE(std::filesystem::exists(dir / "a b?.sqlite3"));

  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir / "");
  const auto relative = Database::open({.url = "sqlite:///file:x.sqlite3"}, no_log());
  std::filesystem::current_path(before);
  EXPECT_TRUE(relative) << relative.error().reason;
  EXPECT_TRUE(std::filesystem::exists(dir / "file:x.sqlite3"));
}

TEST(DatabaseUrl, FormsThatAreRefused) {
  for (const char* url :
       {"", "sqlite", "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/path", "mysql://x/y",
        "sqlite:///:memory:", "sqlite:///a%00b", "sqlite:///a%2", "sqlite:///a%zz",
        "sqlite:////tmp/x?mode=ro", "sqlite:////tmp/x#y", "SQLITE:////tmp/x", "file:///tmp/x"}) {
    const auto opened = Database::open({.url = url}, no_log());
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code, Errc::refused) << url;
    EXPECT_NE(opened.error().reason.find("DATABASE URL"), std::string::npos) << url;
  }
  const auto postgresql = Database::open({.url = "postgresql://me:secret@host/name"}, no_log());
  ASSERT_FALSE(postgresql);
  EXPECT_EQ(postgresql.error().reason, "PostgreSQL is not supported by this version");
}

TEST(DatabaseUrl, AFileThatIsNoDatabaseIsRefusedWithItsName) {
  const TempDir dir;
  const auto path = dir / "notes.txt";
  std::ofstream(path) << std::string(4096, 'x');
  const auto opened = Database::open({.url = "sqlite:///" + path}, no_log());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::refused);
  EXPECT_NE(opened.error().reason.find(path), std::string::npos) << opened.error().reason;
  EXPECT_EQ(std::filesystem::file_size(path), 4096u);

  const auto nowhere = Database::open({.url = "sqlite:///" + (dir / "no/such/x")}, no_log());
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().reason.find(dir / "no/such/x"), std::string::npos);
  EXPECT_FALSE(Database::open({.url = "sqlite:///" + (dir / "")}, no_log()));
}

}  // namespace
}  // namespace easyjwt::db
