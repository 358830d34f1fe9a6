// What only SQLite has: a file, its rights, its log, the one writer.

#include "db/sqlite_database.hpp"

#include <sys/stat.h>

#include <fstream>

#include "db/support.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

constexpr std::string_view tables =
    "CREATE TABLE person (id integer PRIMARY KEY AUTOINCREMENT, name text UNIQUE, is_tall bool,"
    " born datetime)";
constexpr Sql add_person{"INSERT INTO person (name) VALUES ($1)"};
constexpr Sql count_people{"SELECT count(*) FROM person"};

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

TEST_F(FileDatabase, InvalidUtf8ComesBackAsItIs) {
  ASSERT_TRUE(add("\xff\xc0"));
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql names{"SELECT name FROM person"};
    return t.run(names, {}, [](const Row& row) { EXPECT_EQ(row.text(0), "\xff\xc0"); });
  });
  EXPECT_EQ(read.value(), 1);
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

TEST_F(FileDatabase, KeepsTextsOfAnyBytes) {
  const std::string_view name("a\0b", 3);
  ASSERT_TRUE(add(name));
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql names{"SELECT name FROM person"};
    return t.run(names, {}, [&](const Row& row) { EXPECT_EQ(row.text(0), name); });
  });
  EXPECT_EQ(read.value(), 1);
}

/// As Django writes them.
TEST_F(FileDatabase, WritesTruthAndInstantsAsDjangoDoes) {
  const Time born{std::chrono::microseconds{1790000000123456}};
  ASSERT_TRUE(database_->write([&](Transaction& t) {
    static constexpr Sql add{"INSERT INTO person (is_tall, born) VALUES ($1, $2)"};
    return t.run(add, {true, born});
  }));
  EXPECT_EQ(Raw(path_).value("SELECT is_tall, typeof(is_tall), born FROM person"),
            "1|integer|2026-09-21 14:13:20.123456");
}

TEST_F(FileDatabase, AStatementInItsOwnRowsIsAFault) {
  ASSERT_TRUE(add("a"));
  static constexpr Sql names{"SELECT name FROM person"};
  const auto itself = [&](Transaction& t) {
    return t.run(names, {}, [&](const Row&) { static_cast<void>(t.run(names)); });
  };
  EXPECT_THROW(static_cast<void>(database_->read(itself)), Fault);
}

TEST_F(FileDatabase, AReadBesideALongWriteIsNotWaiting) {
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
}

}  // namespace
}  // namespace easyjwt::db
