// Tasks that the one writer of a file does: many by one commit.

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <vector>

#include "db/support.hpp"
#include "easyjwt/core/task.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

constexpr Sql add_person{"INSERT INTO person (name) VALUES ($1)"};
constexpr Sql count_people{"SELECT count(*) FROM person"};

class TestTask final : public Task {
 public:
  explicit TestTask(std::function<void()> work) : work_(std::move(work)) {}
  void run() noexcept override {
    ++runs;
    work_();
  }
  void done(const Error* error) noexcept override {
    done_.set_value(error != nullptr ? std::optional(*error) : std::nullopt);
  }
  std::optional<Error> wait() { return done_.get_future().get(); }

  std::atomic<int> runs = 0;

 private:
  std::function<void()> work_;
  std::promise<std::optional<Error>> done_;
};

class Tasks : public testing::Test {
 protected:
  Tasks() : path_(dir_ / "test.sqlite3"), database_(open_or_die(path_)) {
    run_script(*database_, "CREATE TABLE person (name text UNIQUE)");
  }
  Result<std::int64_t> add(std::string_view name) {
    return database_->write([&](Transaction& t) { return t.run(add_person, {name}); });
  }
  /// Submits all of them while the writer is at something else, so that they share a commit.
  void submit_together(std::vector<TestTask*> tasks) {
    std::promise<void> inside;
    std::promise<void> go_on;
    TestTask first([&] {
      inside.set_value();
      go_on.get_future().wait();
    });
    ASSERT_TRUE(database_->submit(first));
    inside.get_future().wait();
    for (auto* task : tasks) ASSERT_TRUE(database_->submit(*task));
    go_on.set_value();
    EXPECT_FALSE(first.wait());
  }

  TempDir dir_;
  std::string path_;
  std::unique_ptr<Database> database_;
};

TEST_F(Tasks, ManyAreDoneByOneCommitAndDurableThen) {
  std::vector<std::unique_ptr<TestTask>> tasks;
  std::vector<TestTask*> all;
  for (int i = 0; i < 30; ++i) {
    tasks.push_back(std::make_unique<TestTask>([this, i] { EXPECT_TRUE(add(std::to_string(i))); }));
    all.push_back(tasks.back().get());
  }
  const auto before = database_->counters();
  submit_together(all);
  for (auto* task : all) EXPECT_FALSE(task->wait());
  EXPECT_EQ(Raw(path_).value("SELECT count(*) FROM person"), "30");
  EXPECT_LE(database_->counters().commits - before.commits, 2u);
  for (auto* task : all) EXPECT_EQ(task->runs, 1);
}

TEST_F(Tasks, SeeWhatTheyWroteAndNobodyElseDoes) {
  std::promise<void> written;
  std::promise<void> looked;
  std::int64_t inside = 0;
  TestTask task([&] {
    EXPECT_TRUE(add("a"));
    inside = integer(*database_, count_people);
    written.set_value();
    looked.get_future().wait();
  });
  ASSERT_TRUE(database_->submit(task));
  written.get_future().wait();
  EXPECT_EQ(integer(*database_, count_people), 0);
  looked.set_value();
  EXPECT_FALSE(task.wait());
  EXPECT_EQ(inside, 1);
  EXPECT_EQ(integer(*database_, count_people), 1);
}

TEST_F(Tasks, OneThatFailsIsUndoneAloneAndItsAnswerStands) {
  bool failed = false;
  TestTask good([&] { EXPECT_TRUE(add("good")); });
  TestTask bad([&] {
    const auto done = database_->write([&](Transaction& t) -> Result<void> {
      EXPECT_TRUE(t.run(add_person, {std::string_view("half")}));
      return fail(Errc::token_not_valid);
    });
    failed = !done && done.error().code == Errc::token_not_valid;
  });
  TestTask refused([&] { EXPECT_EQ(add("good").error().code, Errc::conflict); });
  TestTask after([&] { EXPECT_TRUE(add("after")); });
  submit_together({&good, &bad, &refused, &after});
  for (auto* task : {&good, &bad, &refused, &after}) EXPECT_FALSE(task->wait());
  EXPECT_TRUE(failed);
  EXPECT_EQ(Raw(path_).value("SELECT group_concat(name) FROM (SELECT name FROM person ORDER BY 1)"),
            "after,good");
  EXPECT_EQ(good.runs, 2);  // all were undone and each done again with a savepoint
}

TEST_F(Tasks, AnExceptionUndoesWhatWasWritten) {
  TestTask task([&] {
    EXPECT_THROW(static_cast<void>(database_->write([&](Transaction& t) -> Result<void> {
                   EXPECT_TRUE(t.run(add_person, {std::string_view("half")}));
                   throw std::runtime_error("a fault");
                 })),
                 std::runtime_error);
  });
  ASSERT_TRUE(database_->submit(task));
  EXPECT_FALSE(task.wait());
  EXPECT_EQ(integer(*database_, count_people), 0);
}

TEST_F(Tasks, MayNotWaitForAnythingElse) {
  bool may = true;
  TestTask task([&] { may = may_wait(); });
  ASSERT_TRUE(database_->submit(task));
  EXPECT_FALSE(task.wait());
  EXPECT_FALSE(may);
}

TEST_F(Tasks, StandBesideThoseThatAreWaitedFor) {
  TestTask task([&] { EXPECT_TRUE(add("task")); });
  submit_together({&task});
  write_together(*database_, 8, [&](int i) { EXPECT_TRUE(add(std::to_string(i))); });
  EXPECT_FALSE(task.wait());
  EXPECT_EQ(integer(*database_, count_people), 9);
}

TEST_F(Tasks, AreNotRunWhereTheFileIsLockedForTooLong) {
  database_ = open_or_die(path_, no_log(), 150ms);
  Raw other(path_);
  other.run("BEGIN IMMEDIATE");
  TestTask task([&] { FAIL(); });
  ASSERT_TRUE(database_->submit(task));
  const auto error = task.wait();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::unavailable);
  EXPECT_EQ(task.runs, 0);
  other.run("ROLLBACK");
  TestTask again([&] { EXPECT_TRUE(add("a")); });
  ASSERT_TRUE(database_->submit(again));
  EXPECT_FALSE(again.wait());
}

TEST_F(Tasks, WhoIsNotCommittedIsTold) {
  // Found by COMMIT alone.
  run_script(*database_,
             "CREATE TABLE parent (id integer PRIMARY KEY);"
             "CREATE TABLE child (parent integer REFERENCES parent (id)"
             " DEFERRABLE INITIALLY DEFERRED)");
  static constexpr Sql orphan{"INSERT INTO child VALUES (1)"};
  TestTask task(
      [&] { EXPECT_TRUE(database_->write([](Transaction& t) { return t.run(orphan); })); });
  ASSERT_TRUE(database_->submit(task));
  const auto error = task.wait();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Errc::internal);
  EXPECT_EQ(Raw(path_).value("SELECT count(*) FROM child"), "0");
}

TEST(TasksInMemory, AreNotTaken) {
  const auto database = Database::open({.url = "sqlite://:memory:"}, no_log());
  ASSERT_TRUE(database) << database.error().reason;
  TestTask task([] { FAIL(); });
  EXPECT_FALSE((*database)->submit(task));
}

}  // namespace
}  // namespace easyjwt::db
