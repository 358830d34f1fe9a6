// What the disk, the file and other programs can do to the database.

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "db/sqlite_connection.hpp"
#include "db/support.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

constexpr Sql add_text{"INSERT INTO note (body) VALUES ($1)"};
constexpr Sql count_notes{"SELECT count(*) FROM note"};

/// Runs `f` in a process of its own, which may break its own limits and rights.
int in_child(const std::function<int()>& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = f();
    } catch (const std::exception& fault) {
      std::fprintf(stderr, "%s\n", fault.what());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Faults : public testing::Test {
 protected:
  void open(std::chrono::milliseconds deadline = 1500ms) {
    database_ = open_or_die(path_, log_.log(), deadline);
    run_script(*database_, "CREATE TABLE IF NOT EXISTS note (id integer PRIMARY KEY, body text)");
  }
  Result<std::int64_t> add(const std::string& body) {
    return database_->write(
        [&](Transaction& t) { return t.run(add_text, {std::string_view(body)}); });
  }

  TempDir dir_;
  std::string path_ = dir_ / "test.sqlite3";
  LogLines log_;
  std::unique_ptr<Database> database_;
};

TEST_F(Faults, ALockIsWaitedForUntilTheDeadline) {
  open(300ms);
  Raw other(path_);
  other.run("BEGIN IMMEDIATE");
  const auto start = std::chrono::steady_clock::now();
  const auto refused = add("a");
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(refused.error().retry_after, 1s);
  EXPECT_NE(refused.error().reason.find(path_ + ": database is locked"), std::string::npos)
      << refused.error().reason;
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 2s);
  EXPECT_EQ(integer(*database_, count_notes), 0);  // reads go on

  EXPECT_FALSE(add("b"));
  other.run("COMMIT");
  EXPECT_TRUE(add("c"));
  ASSERT_EQ(log_.lines.size(), 2u);  // once down, once up
  EXPECT_EQ(log_.lines[0].find("the database does not answer " + path_), 0u);
  EXPECT_EQ(log_.lines[1], "the database answers again " + path_ + " writing");
}

TEST_F(Faults, ALockHoldsUpNobodyForLongerThanTheDeadline) {
  // Who asks while others wait for the lock begins no wait of his own behind theirs.
  open(600ms);
  Raw other(path_);
  other.run("BEGIN IMMEDIATE");
  std::vector<std::thread> threads;
  std::atomic<std::int64_t> longest = 0;
  for (int i = 0; i < 80; ++i) {
    threads.emplace_back([&, i] {
      std::this_thread::sleep_for(i * 10ms);
      const auto start = std::chrono::steady_clock::now();
      EXPECT_FALSE(add("a"));
      const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
      auto seen = longest.load();
      while (took.count() > seen && !longest.compare_exchange_weak(seen, took.count())) {
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LT(std::chrono::nanoseconds(longest), 900ms);
  other.run("COMMIT");
  EXPECT_TRUE(add("b"));
  EXPECT_EQ(log_.lines.size(), 2u);
}

TEST_F(Faults, TheTransactionsOfARequestShareOneDeadline) {
  open(600ms);
  Raw other(path_);
  other.run("BEGIN IMMEDIATE");
  const auto start = std::chrono::steady_clock::now();
  {
    const DatabaseWait request(500ms);
    EXPECT_FALSE(add("a"));
    EXPECT_FALSE(add("b"));
  }
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 550ms);
}

TEST_F(Faults, ALockThatGoesAwayInTimeIsNoFailure) {
  open();
  Raw other(path_);
  other.run("BEGIN IMMEDIATE");
  std::thread release([&] {
    std::this_thread::sleep_for(100ms);
    other.run("COMMIT");
  });
  EXPECT_TRUE(add("a"));
  release.join();
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(Faults, AReadOfALockedFileWouldWait) {
  // A WAL file locks out no reader, but one that another program put back into rollback mode does.
  Raw other(path_);
  other.run("CREATE TABLE note (id integer PRIMARY KEY, body text); BEGIN EXCLUSIVE");
  const auto read = [&]() -> Result<void> {
    auto reader = SqliteConnection::open(path_, SqliteConnection::Mode::reader,
                                         std::chrono::steady_clock::now() + 200ms);
    if (!reader) return fail(reader.error());
    return (*reader)->run(count_notes, {}, [](const Row&) {}).map([](auto) {});
  };
  const auto start = std::chrono::steady_clock::now();
  {
    const NoWaiting here;
    const auto refused = read();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::would_wait);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 150ms);
  const auto refused = read();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
  other.run("COMMIT");
  EXPECT_TRUE(read());
}

TEST_F(Faults, AFullDiskFailsTheWholeBatchAndIsRecoveredFrom) {
  open();
  ASSERT_TRUE(add("before"));
  run_script(*database_, "PRAGMA max_page_count = 8");
  const std::string large(200'000, 'x');
  std::atomic<int> refused = 0;
  write_together(*database_, 16, [&](int) {
    const auto result = add(large);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
    EXPECT_GE(result.error().retry_after, 1s);
    ++refused;
  });
  EXPECT_EQ(refused, 16);
  EXPECT_EQ(integer(*database_, count_notes), 1);
  run_script(*database_, "PRAGMA max_page_count = 100000");
  EXPECT_TRUE(add(large));
  EXPECT_EQ(integer(*database_, count_notes), 2);
  ASSERT_EQ(log_.lines.size(), 2u);
  EXPECT_NE(log_.lines[0].find("full"), std::string::npos) << log_.lines[0];
}

TEST_F(Faults, WorkThatOverlooksAFullDiskIsNotCommittedInPieces) {
  open();
  run_script(*database_, "PRAGMA max_page_count = 8");
  const std::string large(200'000, 'x');
  const auto careless = [&](Transaction& t) -> Result<void> {
    static_cast<void>(t.run(add_text, {std::string_view("first")}));
    static_cast<void>(t.run(add_text, {std::string_view(large)}));
    static_cast<void>(t.run(add_text, {std::string_view("last")}));
    return {};
  };
  const auto alone = database_->write(careless);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Errc::unavailable);
  write_together(*database_, 8, [&](int) { EXPECT_FALSE(database_->write(careless)); });
  EXPECT_EQ(integer(*database_, count_notes), 0);
}

TEST_F(Faults, ADiskThatRefusesWritesIsRecoveredFrom) {
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    open();
    if (!add("before")) return 1;
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const auto unlimited = limit;
    limit.rlim_cur = 65536;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string large(300'000, 'x');
    for (int i = 0; i < 3; ++i) {
      const auto result = add(large);
      if (result || result.error().code != Errc::unavailable) return 2;
    }
    if (integer(*database_, count_notes) != 1) return 3;
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    if (!add(large) || integer(*database_, count_notes) != 2) return 4;
    if (log_.lines.size() != 2) return 5;
    database_.reset();
    return 0;
  });
  EXPECT_EQ(code, 0);
  Raw other(path_);
  EXPECT_EQ(other.value("SELECT count(*) FROM note"), "2");
  EXPECT_EQ(other.value("PRAGMA integrity_check"), "ok");
}

TEST_F(Faults, AFileThatMayNotBeWrittenIsRefused) {
  open();
  database_.reset();
  std::filesystem::permissions(path_, std::filesystem::perms{0444});
  std::filesystem::permissions(dir_ / "", std::filesystem::perms{0555});
  const int code = in_child([&] {
    // Root may write whatever its mode is.
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;
    const auto opened = Database::open({.url = "sqlite:///" + path_}, no_log());
    if (opened) return 2;
    if (opened.error().code != Errc::refused) return 3;
    return opened.error().reason.find(path_) == std::string::npos ? 4 : 0;
  });
  std::filesystem::permissions(dir_ / "", std::filesystem::perms{0755});
  EXPECT_EQ(code, 0);
}

TEST_F(Faults, AFileThatIsMovedAwayIsNoticedAndTakenUpAgain) {
  open();
  ASSERT_TRUE(add("a"));
  EXPECT_EQ(integer(*database_, count_notes), 1);
  std::filesystem::rename(path_, path_ + ".away");
  const auto refused = add("lost if this were said to be durable");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_FALSE(std::filesystem::exists(path_));  // not made anew, and empty
  std::filesystem::rename(path_ + ".away", path_);
  EXPECT_TRUE(add("b"));
  EXPECT_EQ(integer(*database_, count_notes), 2);
  EXPECT_EQ(log_.lines.size(), 2u);
}

TEST_F(Faults, ADamagedFileIsUnavailableAndNoCrash) {
  open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(add(std::string(3000, 'x')));
  database_.reset();
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 2);
    file << std::string(4096 * 20, '\xff');
  }
  database_ = open_or_die(path_, log_.log());
  const auto read = database_->read([](Transaction& t) {
    static constexpr Sql bodies{"SELECT body FROM note ORDER BY id"};
    return t.run(bodies);
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unavailable);
  EXPECT_EQ(log_.lines.size(), 1u);
}

TEST_F(Faults, TheLogIsCopiedAndDoesNotGrowForEver) {
  open();
  const std::string large(100'000, 'x');
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(add(large));
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 20u << 20);
  EXPECT_GT(std::filesystem::file_size(path_), 12u << 20);
}

}  // namespace
}  // namespace easyjwt::db
