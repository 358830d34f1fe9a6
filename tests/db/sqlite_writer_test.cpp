// Commits of a disk that is slow.

#include <sys/syscall.h>
#include <unistd.h>

#include "db/support.hpp"

namespace {
std::atomic<unsigned> slowness = 0;  ///< us that a sync takes longer
}

/// The program's own goes before the C library's, for SQLite as well.
extern "C" __attribute__((visibility("default"))) int fdatasync(int file) {
  if (const unsigned more = slowness) ::usleep(more);
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

constexpr Sql add_person{"INSERT INTO person (name) VALUES ($1)"};

class SlowDisk : public testing::Test {
 protected:
  SlowDisk() : database_(open_or_die(path_)) {
    run_script(*database_, "CREATE TABLE person (name text UNIQUE)");
    slowness = 20'000;
  }
  ~SlowDisk() override { slowness = 0; }

  /// Threads that ask again as soon as they are answered; `ask` gets a number that nobody else has.
  template <class Ask>
  static void ask_again_and_again(int threads, int times, Ask ask) {
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([=] {
        for (int turn = 0; turn < times; ++turn) ask(turn * threads + i);
      });
    }
    for (auto& thread : all) thread.join();
  }

  TempDir dir_;
  const std::string path_ = dir_ / "test.sqlite3";
  std::unique_ptr<Database> database_;
};

TEST_F(SlowDisk, WhoAsksAgainIsWaitedFor) {
  const auto before = database_->counters();
  ask_again_and_again(8, 50, [&](int i) {
    // A client takes a moment to ask again: unless it is waited for, the next commit has begun.
    std::this_thread::sleep_for(1ms);
    const auto name = std::to_string(i);
    EXPECT_TRUE(database_->write(
        [&](Transaction& t) { return t.run(add_person, {std::string_view(name)}); }));
  });
  const auto after = database_->counters();
  EXPECT_EQ(after.writes - before.writes, 400u);
  // Who comes while a commit is on its way goes into the next one: without a wait, four.
  EXPECT_LT(after.commits - before.commits, 400u / 5);
}

TEST_F(SlowDisk, AFailureIsUndoneAloneWhenItCameLate) {
  slowness = 5'000;
  std::atomic<int> good = 0;
  ask_again_and_again(16, 15, [&](int i) {
    const auto name = std::to_string(i);
    const auto done = database_->write([&](Transaction& t) -> Result<void> {
      if (const auto added = t.run(add_person, {std::string_view(name)}); !added) {
        return fail(added.error());
      }
      if (i % 9 == 4) return fail(Errc::token_not_valid);
      return {};
    });
    EXPECT_EQ(done.has_value(), i % 9 != 4) << i;
    if (done) {
      ++good;
    } else {
      EXPECT_EQ(done.error().code, Errc::token_not_valid);
    }
  });
  Raw other(path_);
  EXPECT_EQ(other.value("SELECT count(*) FROM person"), std::to_string(good));
  EXPECT_EQ(other.value("SELECT count(*) FROM person WHERE CAST(name AS integer) % 9 = 4"), "0");
}

TEST_F(SlowDisk, NobodyIsLeftBehindAtTheEnd) {
  ask_again_and_again(8, 3, [&](int i) {
    const auto name = std::to_string(i);
    EXPECT_TRUE(database_->write(
        [&](Transaction& t) { return t.run(add_person, {std::string_view(name)}); }));
  });
  // Eight are expected, and one comes.
  EXPECT_TRUE(database_->write(
      [&](Transaction& t) { return t.run(add_person, {std::string_view("last")}); }));
  database_.reset();
  EXPECT_EQ(Raw(path_).value("SELECT count(*) FROM person"), "25");
}

}  // namespace
}  // namespace easyjwt::db
