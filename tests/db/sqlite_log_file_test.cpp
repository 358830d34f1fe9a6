#include "db/sqlite_log_file.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "db/support.hpp"

namespace easyjwt::db {
namespace {

class GatheringLog : public testing::Test {
 protected:
  GatheringLog() {
    Raw(path_).run(
        "PRAGMA journal_mode=WAL; CREATE TABLE note (id integer PRIMARY KEY, body text)");
    ours_.run("PRAGMA synchronous=FULL; PRAGMA cache_size=2");
  }
  /// More pages than its cache has: some are in the log long before there is a commit.
  static std::string add(int count, char letter) {
    return "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
           std::to_string(count) +
           ") INSERT INTO note (body) SELECT replace(hex(zeroblob(1000)), " + "'0', '" + letter +
           "') FROM n";
  }
  static std::string counts(Raw& connection) {
    if (connection.value("PRAGMA integrity_check") != "ok") return "corrupt";
    std::string all;
    for (const auto& row :
         connection.rows("SELECT substr(body, 1, 1) || count(*) FROM note WHERE body = "
                         "replace(hex(zeroblob(1000)), '0', substr(body, 1, 1)) GROUP BY body")) {
      all += row + " ";
    }
    return all;
  }

  TempDir dir_;
  const std::string path_ = dir_ / "test.sqlite3";
  Raw ours_{path_, gathering_vfs()};
};

TEST_F(GatheringLog, ACommitIsInTheFilesAsItReturns) {
  for (const int size : {1, 1, 20, 300}) {
    ours_.run(add(size, 'a'));
    // What is left of a process that dies here.
    const auto copy = dir_ / "copy.sqlite3";
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::copy_file(path_ + suffix, copy + suffix,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    std::filesystem::remove(copy + "-shm");
    Raw left(copy);
    EXPECT_EQ(counts(left), counts(ours_));
    Raw other(path_);
    EXPECT_EQ(counts(other), counts(ours_));
  }
  EXPECT_EQ(counts(ours_), "a322 ");
}

TEST_F(GatheringLog, ATransactionReadsWhatItHasWritten) {
  ours_.run("BEGIN");
  for (int i = 0; i < 5; ++i) {
    ours_.run(add(60, 'a'));
    EXPECT_EQ(counts(ours_), "a" + std::to_string(60 * (i + 1)) + " ");
  }
  Raw other(path_);
  EXPECT_EQ(counts(other), "");
  ours_.run("COMMIT");
  EXPECT_EQ(counts(other), "a300 ");
}

TEST_F(GatheringLog, AnUndoneTransactionWritesNothingOverAnothers) {
  Raw other(path_);
  for (int i = 1; i <= 3; ++i) {
    ours_.run("BEGIN; " + add(20, 'a') + "; ROLLBACK");
    other.run(add(40, 'b'));
    ours_.run(add(5, 'c'));
    const auto expected = "b" + std::to_string(40 * i) + " c" + std::to_string(5 * i) + " ";
    EXPECT_EQ(counts(ours_), expected);
    Raw third(path_);
    EXPECT_EQ(counts(third), expected);
  }
}

TEST_F(GatheringLog, ASavepointIsUndoneAlone) {
  ours_.run("BEGIN; " + add(20, 'a') + "; SAVEPOINT s; " + add(20, 'b') + "; ROLLBACK TO s; " +
            add(10, 'c') + "; COMMIT");
  Raw other(path_);
  EXPECT_EQ(counts(other), "a20 c10 ");
}

TEST_F(GatheringLog, WhatCouldNotBeWrittenIsNotCommitted) {
  ours_.run(add(1, 'a'));
  // In a process of its own, which may limit itself.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    Raw mine(path_, gathering_vfs());
    mine.run("PRAGMA synchronous=FULL; PRAGMA cache_size=2");
    const auto is_refused = [&](const std::string& script) {
      try {
        mine.run(script);
      } catch (const std::runtime_error&) {
        return true;
      }
      return false;
    };
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto limit_files = [&](rlim_t size) {
      const rlimit limit{size, before.rlim_max};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    // On the way, and by its commit.
    limit_files(100'000);
    mine.run("BEGIN");
    if (!is_refused(add(400, 'b')) || !is_refused("COMMIT")) ::_exit(1);
    is_refused("ROLLBACK");  // where SQLite has not done that by itself
    if (!is_refused(add(400, 'b'))) ::_exit(2);
    // As it is read back, after which there is room again.
    limit_files(4096);
    mine.run("BEGIN; " + add(20, 'b'));
    if (!is_refused("SELECT sum(length(body)) FROM note")) ::_exit(3);
    limit_files(before.rlim_cur);
    if (!is_refused("COMMIT")) ::_exit(4);
    is_refused("ROLLBACK");
    if (counts(mine) != "a1 ") ::_exit(5);
    mine.run(add(3, 'c'));
    ::_exit(counts(mine) == "a1 c3 " ? 0 : 6);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  Raw other(path_);
  EXPECT_EQ(counts(other), "a1 c3 ");
}

TEST_F(GatheringLog, TheLogBeginsAnewAfterACheckpoint) {
  for (int i = 1; i <= 4; ++i) {
    ours_.run(add(30, 'a') + "; PRAGMA wal_checkpoint(TRUNCATE)");
    ours_.run(add(1, 'a'));
    Raw other(path_);
    EXPECT_EQ(counts(other), "a" + std::to_string(31 * i) + " ");
  }
}

}  // namespace
}  // namespace easyjwt::db
