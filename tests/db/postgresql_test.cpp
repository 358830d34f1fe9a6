// What the PostgreSQL driver promises beyond the contract of every database.

#include <libpq-fe.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "db/postgresql_address.hpp"
#include "db/support.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr Sql add_note{"INSERT INTO note (id, body) VALUES ($1, $2)"};
constexpr Sql append{"UPDATE note SET body = body || 'x' WHERE id = $1"};
constexpr Sql count_notes{"SELECT count(*) FROM note"};
constexpr Sql own_pid{"SELECT pg_backend_pid()"};

/// A connection of somebody else's.
class Other {
 public:
  explicit Other(const std::string& url) : handle_(PQconnectdb(url.c_str()), PQfinish) {}
  /// Runs it and returns the first value.
  std::string run(const std::string& sql) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(handle_.get(), sql.c_str()),
                                                                PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(handle_.get()));
    }
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

/// A port of 127.0.0.1, taken until the end.
class Port {
 public:
  /// One that is not listened at refuses connections; one that is takes them and never answers.
  explicit Port(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || (listens && ::listen(socket_, 16) != 0) ||
        ::getsockname(socket_, generic, &size) != 0) {
      throw std::runtime_error("no port");
    }
    number_ = ntohs(address.sin_port);
  }
  ~Port() { ::close(socket_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  std::string host() const { return "127.0.0.1:" + std::to_string(number_); }

 private:
  int socket_;
  int number_ = 0;
};

class Postgresql : public testing::TestWithParam<Place> {
 protected:
  Postgresql() { other_.run("CREATE TABLE note (id bigint PRIMARY KEY, body varchar(20))"); }

  /// `parameters`: of the URL.
  Result<std::unique_ptr<Database>> try_open(const std::string& parameters,
                                             DatabaseSettings settings = {}) {
    settings.url = place_.url() + (parameters.empty() ? "" : "?" + parameters);
    return Database::open(settings, log_.log());
  }
  void open(const std::string& parameters = {}, DatabaseSettings settings = {}) {
    auto opened = try_open(parameters, std::move(settings));
    if (!opened) throw std::runtime_error(opened.error().reason);
    database_ = *std::move(opened);
  }
  Result<std::int64_t> add(std::int64_t id, std::string_view body = "text") {
    return database_->write([&](Transaction& t) { return t.run(add_note, {id, body}); });
  }
  std::int64_t notes() { return integer(*database_, count_notes); }
  std::int64_t pid() { return integer(*database_, own_pid); }
  /// The URL with the first host before its own: postgresql://user:password@host:port/name
  std::string with_host_before(const Port& port) const {
    auto url = place_.url();
    return url.insert(url.find('@') + 1, port.host() + ",");
  }
  void end_all_connections() {
    other_.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  }

  TestDatabase place_{GetParam()};
  Other other_{place_.url()};
  LogLines log_;
  std::unique_ptr<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Driver, Postgresql, testing::Values(Place::postgresql), place_name);

/// Runs it, and returns how long that took.
template <class F>
steady_clock::duration time_of(F f) {
  const auto start = steady_clock::now();
  f();
  return steady_clock::now() - start;
}

TEST_P(Postgresql, ALockIsWaitedForUntilTheDeadlineOnBothSides) {
  open({}, {.busy_deadline = 400ms});
  other_.run("BEGIN; LOCK TABLE note");
  Result<std::int64_t> refused = 0;
  const auto took = time_of([&] { refused = add(1); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(refused.error().retry_after, 1s);
  EXPECT_GE(took, 400ms);
  EXPECT_LT(took, 900ms);
  // The statement does not stay behind in the server, to be done when nobody waits for it.
  const std::string waiting =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
      "AND wait_event_type = 'Lock'";
  Other observer(place_.url());
  const auto end = steady_clock::now() + 5s;
  while (observer.run(waiting) != "0" && steady_clock::now() < end) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(observer.run(waiting), "0");
  other_.run("COMMIT");
  EXPECT_TRUE(add(2));
  EXPECT_EQ(notes(), 1);
  ASSERT_EQ(log_.lines.size(), 2u);  // once down, once up
  EXPECT_NE(log_.lines[0].find("the database does not answer"), std::string::npos);
  EXPECT_NE(log_.lines[1].find("the database answers again"), std::string::npos);
}

TEST_P(Postgresql, TheTransactionsOfARequestShareOneDeadline) {
  open({}, {.busy_deadline = 1500ms});
  other_.run("BEGIN; LOCK TABLE note");
  const auto took = time_of([&] {
    const DatabaseWait request(0ms);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(add(1));
  });
  EXPECT_GE(took, 1500ms);
  EXPECT_LT(took, 3s);
  const auto late = time_of([&] {
    const DatabaseWait request(10s);
    EXPECT_FALSE(add(1));
  });
  EXPECT_LT(late, 1s);
  other_.run("COMMIT");
  // Who came late through a queue is served all the same where nothing is wrong.
  const DatabaseWait request(10s);
  EXPECT_TRUE(add(1));
}

TEST_P(Postgresql, AConnectionThatWasEndedWhileIdleIsReplaced) {
  open();
  ASSERT_TRUE(add(1));
  const auto before = pid();
  end_all_connections();
  EXPECT_TRUE(add(2));
  EXPECT_NE(pid(), before);
  EXPECT_EQ(notes(), 2);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_P(Postgresql, WorkThatLostItsConnectionIsRunAgain) {
  open();
  int runs = 0;
  const auto written = database_->write([&](Transaction& t) -> Result<std::int64_t> {
    if (auto added = t.run(add_note, {std::int64_t{1}, std::string_view("a")}); !added) {
      return added;
    }
    if (++runs == 1) end_all_connections();
    return t.run(add_note, {std::int64_t{2}, std::string_view("b")});
  });
  EXPECT_TRUE(written) << written.error().reason;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(notes(), 2);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_P(Postgresql, AnUnknownCommitIsToldAndNotRunAgain) {
  open();
  int runs = 0;
  // Ended by its own COMMIT: a deferred trigger stands for a server that dies in the middle of it.
  other_.run(
      "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION die()");
  const auto written = database_->write([&](Transaction& t) {
    ++runs;
    return t.run(add_note, {std::int64_t{1}, std::string_view("a")});
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::unavailable);
  EXPECT_NE(written.error().reason.find("unknown"), std::string::npos) << written.error().reason;
  EXPECT_EQ(runs, 1);
}

TEST_P(Postgresql, WhatLostADeadlockIsRunAgain) {
  open("options=-c%20deadlock_timeout%3D50ms");
  ASSERT_TRUE(add(1, ""));
  ASSERT_TRUE(add(2, ""));
  std::atomic<int> runs = 0, first = 0;
  const auto cross = [&](std::int64_t from, std::int64_t to) {
    const auto done = database_->write([&](Transaction& t) -> Result<std::int64_t> {
      ++runs;
      if (auto one = t.run(append, {from}); !one) return one;
      ++first;
      while (first < 2) std::this_thread::sleep_for(1ms);
      return t.run(append, {to});
    });
    EXPECT_TRUE(done) << done.error().reason;
  };
  std::thread beside([&] { cross(2, 1); });
  cross(1, 2);
  beside.join();
  EXPECT_GE(runs, 3);
  EXPECT_EQ(other_.run("SELECT string_agg(body, ',') FROM note"), "xx,xx");
}

TEST_P(Postgresql, WhatCouldNotBeSerializedIsRunAgain) {
  open("options=-c%20default_transaction_isolation%3Dserializable");
  std::atomic<int> runs = 0, first = 0;
  const auto count_and_add = [&](std::int64_t id) {
    const auto done = database_->write([&](Transaction& t) -> Result<std::int64_t> {
      ++runs;
      std::string seen;
      const auto counted =
          t.run(count_notes, {}, [&](const Row& row) { seen = std::to_string(row.integer(0)); });
      if (!counted) return counted;
      ++first;
      while (first < 2) std::this_thread::sleep_for(1ms);
      return t.run(add_note, {id, std::string_view(seen)});
    });
    EXPECT_TRUE(done) << done.error().reason;
  };
  std::thread beside([&] { count_and_add(2); });
  count_and_add(1);
  beside.join();
  EXPECT_GE(runs, 3);
  // As if the one had come after the other.
  EXPECT_EQ(other_.run("SELECT string_agg(body, ',' ORDER BY body) FROM note"), "0,1");
}

TEST_P(Postgresql, ATransactionWithAFailedStatementIsNeverTakenForCommitted) {
  open({}, {.pool_size = 1});
  ASSERT_TRUE(add(1));
  const auto careless = database_->write([&](Transaction& t) -> Result<void> {
    EXPECT_TRUE(t.run(add_note, {std::int64_t{2}, std::string_view("a")}));
    const auto conflict = t.run(add_note, {std::int64_t{1}, std::string_view("a")});
    EXPECT_EQ(conflict.error().code, Errc::conflict);
    EXPECT_FALSE(t.run(add_note, {std::int64_t{3}, std::string_view("a")}));
    return {};
  });
  ASSERT_FALSE(careless);
  EXPECT_EQ(careless.error().code, Errc::internal);
  EXPECT_EQ(notes(), 1);
  EXPECT_TRUE(add(2));
}

TEST_P(Postgresql, ATextThatCannotBeStoredIsABadRequest) {
  open();
  const std::string_view nul("se\0cret", 7);
  for (const auto body : {nul, std::string_view("a secret of more than twenty characters"),
                          std::string_view("secret \xff")}) {
    const auto refused = add(1, body);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_request);
    EXPECT_EQ(describe(refused.error().code).status, 400);
    EXPECT_EQ(refused.error().reason.find("secret"), std::string::npos) << refused.error().reason;
  }
  EXPECT_EQ(notes(), 0);
  EXPECT_TRUE(add(1, "12345678901234567890"));
  EXPECT_TRUE(log_.lines.empty());
}

TEST_P(Postgresql, AnInstantThatIsNoneIsAFault) {
  open();
  for (const std::string text : {"infinity", "-infinity", "12026-01-01 00:00+00"}) {
    const std::string select = "SELECT timestamptz '" + text + "'";
    const Sql sql{select};
    EXPECT_THROW(static_cast<void>(database_->read([&](Transaction& t) {
                   return t.run(sql, {}, [](const Row& row) { static_cast<void>(row.time(0)); });
                 })),
                 Fault)
        << text;
  }
  EXPECT_EQ(notes(), 0);
}

TEST_P(Postgresql, ConnectionsAreTakenInTurnUpToTheLimit) {
  open({}, {.pool_size = 1, .busy_deadline = 2000ms});
  std::mutex mutex;
  std::set<std::int64_t> pids;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      const auto seen = pid();
      const std::lock_guard lock(mutex);
      pids.insert(seen);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pids.size(), 1u);
}

TEST_P(Postgresql, NoneThatComesFreeInTimeIsAnError) {
  open({}, {.pool_size = 1, .busy_deadline = 300ms});
  Latch taken, done;
  std::thread holder([&] {
    must(database_->read([&](Transaction&) -> Result<void> {
      taken.open();
      done.wait();
      return {};
    }));
  });
  taken.wait();
  Result<std::int64_t> refused = 0;
  const auto took = time_of([&] { refused = add(1); });
  done.open();
  holder.join();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 800ms);
  EXPECT_TRUE(add(1));
}

TEST_P(Postgresql, AMissingRightIsUnavailableAndAskedForOnce) {
  const auto role = "role_" + std::to_string(std::random_device{}());
  other_.run("CREATE ROLE " + role);
  open("options=-c%20role%3D" + role, {.pool_size = 1});
  const auto before = pid();
  int runs = 0;
  const auto refused = database_->write([&](Transaction& t) {
    ++runs;
    return t.run(add_note, {std::int64_t{1}, std::string_view("a")});
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().reason.find("permission denied for table note"), std::string::npos);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(pid(), before);
  other_.run("GRANT ALL ON note TO " + role);
  EXPECT_TRUE(add(1));
  database_.reset();
  other_.run("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_P(Postgresql, NoTransactionInsideAnother) {
  open();
  const auto inside = [&](Transaction&) -> Result<void> {
    return database_->read([](Transaction&) -> Result<void> { return {}; });
  };
  EXPECT_THROW(static_cast<void>(database_->read(inside)), Fault);
  EXPECT_THROW(static_cast<void>(database_->write(inside)), Fault);
  EXPECT_TRUE(add(1));
}

TEST_P(Postgresql, PreparedStatementsSurviveARollback) {
  open({}, {.pool_size = 1});
  const auto undone = database_->write([&](Transaction& t) -> Result<void> {
    EXPECT_TRUE(t.run(add_note, {std::int64_t{1}, std::string_view("a")}));
    return fail(Errc::conflict);
  });
  EXPECT_EQ(undone.error().code, Errc::conflict);
  EXPECT_TRUE(add(1));
  EXPECT_TRUE(add(2));
  static constexpr Sql prepared{
      "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'"};
  EXPECT_EQ(integer(*database_, prepared), 1);
  // What was to be prepared behind a failure is not taken for prepared.
  static constexpr Sql other{"UPDATE note SET body = $2 WHERE id = $1"};
  const std::array<Value, 2> first{std::int64_t{1}, std::string_view("a")};
  const auto nothing = [](const Row&) {};
  for (const auto expected : {false, true}) {
    const auto done = database_->write([&](Transaction& t) -> Result<void> {
      if (expected) return t.run(other, first, nothing).map([](auto) {});
      Statement statements[] = {{add_note, first, nothing}, {other, first, nothing}};
      return t.run_together(statements);
    });
    EXPECT_EQ(done.has_value(), expected);
  }
}

TEST_P(Postgresql, AnErrorAmongSeveralLeavesTheConnectionUsable) {
  open({}, {.pool_size = 1});
  const auto before = pid();
  const std::array<Value, 2> row{std::int64_t{1}, std::string_view("a")};
  const auto nothing = [](const Row&) {};
  for (const bool writes : {true, false}) {
    const auto twice = [&](Transaction& t) -> Result<void> {
      Statement statements[] = {
          {add_note, row, nothing}, {add_note, row, nothing}, {count_notes, {}, nothing}};
      return t.run_together(statements);
    };
    const auto refused = writes ? database_->write(twice) : database_->read(twice);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_EQ(refused.error().reason, "note.id");
    EXPECT_EQ(notes(), 0);
  }
  EXPECT_EQ(pid(), before);
}

TEST_P(Postgresql, ManyRowsAndStatementsInsideThem) {
  open();
  other_.run("INSERT INTO note SELECT i, 'note ' || i FROM generate_series(1, 5000) i");
  static constexpr Sql all{"SELECT id, body FROM note ORDER BY id"};
  static constexpr Sql one{"SELECT body FROM note WHERE id = $1"};
  std::int64_t next = 1, inside = 0;
  const auto read = database_->read([&](Transaction& t) {
    return t.run(all, {}, [&](const Row& row) {
      EXPECT_EQ(row.integer(0), next);
      if (next++ % 100 != 0) return;
      must(t.run(one, {row.integer(0)}, [&](const Row& same) {
              EXPECT_EQ(same.text(0), row.text(1));
              ++inside;
            }).map([](auto) {}));
    });
  });
  EXPECT_EQ(read, 5000);
  EXPECT_EQ(inside, 50);
}

TEST_P(Postgresql, SessionsHaveLimitsUnlessTheOperatorSetsThem) {
  const auto setting = [&](const char* name) {
    const std::string select = std::string("SELECT current_setting('") + name + "')";
    const Sql sql{select};
    std::string value;
    must(database_
             ->read([&](Transaction& t) {
               return t.run(sql, {}, [&](const Row& row) { value = row.text(0); });
             })
             .map([](auto) {}));
    return value;
  };
  open({}, {.busy_deadline = 1500ms});
  EXPECT_EQ(setting("statement_timeout"), "2s");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "12s");
  open("options=-c%20statement_timeout%3D7s");
  EXPECT_EQ(setting("statement_timeout"), "7s");
  // Behind a pooler nothing is left in a session.
  open({}, {.listen_url = place_.url(), .pool_size = 1});
  EXPECT_EQ(setting("statement_timeout"), "0");
  EXPECT_TRUE(add(1));
  static constexpr Sql prepared{"SELECT count(*) FROM pg_prepared_statements"};
  EXPECT_EQ(integer(*database_, prepared), 0);
}

TEST_P(Postgresql, AHostThatRefusesOrIsSilentIsPassedOver) {
  for (const bool silent : {false, true}) {
    const Port first(silent);
    const auto took = time_of([&] {
      auto opened = Database::open({.url = with_host_before(first)}, no_log());
      ASSERT_TRUE(opened) << opened.error().reason;
      EXPECT_EQ(integer(**opened, count_notes), 0);
    });
    EXPECT_LT(took, 1500ms);
  }
}

TEST_P(Postgresql, ADatabaseThatDoesNotAnswerIsRefusedInTimeWithoutItsPassword) {
  for (const bool silent : {false, true}) {
    const Port port(silent);
    const auto took = time_of([&] {
      const auto opened =
          Database::open({.url = "postgresql://me:s3cret-pw@" + port.host() + "/name"}, no_log());
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error().code, Errc::refused);
      EXPECT_NE(opened.error().reason.find(port.host() + "/name"), std::string::npos);
      EXPECT_EQ(opened.error().reason.find("s3cret"), std::string::npos);
    });
    EXPECT_LT(took, 2s);
  }
}

TEST_P(Postgresql, TargetSessionAttrs) {
  const std::string read_only = "options=-c%20default_transaction_read_only%3Don&";
  const auto refused = try_open(read_only + "target_session_attrs=read-write");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().reason.find("read-only"), std::string::npos) << refused.error().reason;
  EXPECT_FALSE(try_open("target_session_attrs=standby"));
  EXPECT_TRUE(try_open("target_session_attrs=primary"));
  EXPECT_TRUE(try_open("target_session_attrs=prefer-standby"));

  open(read_only + "target_session_attrs=read-only", {.pool_size = 1});
  const auto before = pid();
  int runs = 0;
  const auto written = database_->write([&](Transaction& t) {
    ++runs;
    return t.run(add_note, {std::int64_t{1}, std::string_view("a")});
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::unavailable);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(pid(), before);
}

TEST(PostgresqlAddress, UrlsThatAreRefusedAreNotRepeated) {
  for (const std::string url :
       {"postgresql://me:s3cret-pw@host:port:5432/name", "postgresql://me:s3cret-pw@[::1/name",
        "postgresql://me:s3cret-pw@host/name?nonsense=1", "postgresql://me:s3cret%zzpw@host/name",
        "postgresql://me:s3cret%00pw@host/name",
        "postgresql://me:s3cret-pw@/name?host=a,b&port=1,2,3",
        "postgresql:///name?host=a,b&port=1,2,3&password=s3cret-pw",
        "postgresql:///name?host=a,b&hostaddr=127.0.0.1,127.0.0.2,127.0.0.3&password=s3cret-pw",
        "postgresql://me:s3cret-pw@host/name?connect_timeout=soon",
        "postgresql://me:s3cret-pw@host/name?sslmode", "postgresql://me:s3cret pw@host/na me?x"}) {
    const auto parsed = PostgresqlAddress::parse(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Errc::refused) << url;
    EXPECT_EQ(parsed.error().reason.find("DATABASE URL: "), 0u) << parsed.error().reason;
    EXPECT_EQ(parsed.error().reason.find("s3cret"), std::string::npos) << parsed.error().reason;
  }
}

TEST(PostgresqlAddress, HostsAreTakenApart) {
  const auto address = PostgresqlAddress::parse(
      "postgresql://me:s3cret-pw@a:1,b:2/name?target_session_attrs=prefer-standby&"
      "connect_timeout=3&sslmode=verify-full");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name(), "a:1/name");
  EXPECT_EQ(address->connect_timeout(), 3s);
  std::string attempts;
  for (const auto& attempt : address->attempts()) {
    for (const auto& [keyword, value] : attempt.parameters) {
      if (keyword == "host" || keyword == "port" || keyword == "target_session_attrs") {
        attempts += value + " ";
      }
    }
  }
  EXPECT_EQ(attempts, "a 1 standby b 2 standby a 1 any b 2 any ");
}

}  // namespace
}  // namespace easyjwt::db
