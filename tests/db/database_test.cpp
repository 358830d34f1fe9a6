#include "easyjwt/db/database.hpp"

#include <atomic>
#include <optional>

#include "db/support.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

// As Django's: what each engine calls the types that stores are written for.
constexpr std::string_view sqlite_tables = R"(
  CREATE TABLE person (id integer PRIMARY KEY AUTOINCREMENT, name text UNIQUE, is_tall bool,
                       born datetime, notes text, UNIQUE (born, notes));
  CREATE TABLE pet (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL CHECK (name <> 'Rex'),
                    owner_id bigint REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED))";
constexpr std::string_view postgresql_tables = R"(
  CREATE TABLE person (id bigserial PRIMARY KEY, name text UNIQUE, is_tall boolean,
                       born timestamp with time zone, notes text, UNIQUE (born, notes));
  CREATE TABLE pet (id bigserial PRIMARY KEY, name text NOT NULL CHECK (name <> 'Rex'),
                    owner_id bigint REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED))";
constexpr Sql add_person{"INSERT INTO person (name) VALUES ($1)"};
constexpr Sql add_pet{"INSERT INTO pet (name, owner_id) VALUES ($1, $2)"};
constexpr Sql count_people{"SELECT count(*) FROM person"};

/// The contract of database.hpp, wherever the database is.
class EveryDatabase : public testing::TestWithParam<Place> {
 protected:
  EveryDatabase() { run_script(*database_, is_postgresql() ? postgresql_tables : sqlite_tables); }

  bool is_postgresql() const { return place_.engine() == Engine::postgresql; }
  Result<std::int64_t> add(std::string_view name) {
    return database_->write([&](Transaction& t) { return t.run(add_person, {name}); });
  }
  std::int64_t people() { return integer(*database_, count_people); }

  TestDatabase place_{GetParam()};
  std::unique_ptr<Database> database_ = place_.open();
};

INSTANTIATE_TEST_SUITE_P(Engines, EveryDatabase, every_place, place_name);

/// What takes more than one connection to see.
class SharedDatabase : public EveryDatabase {};

INSTANTIATE_TEST_SUITE_P(Engines, SharedDatabase, shared_places, place_name);

TEST_P(EveryDatabase, SaysWhichEngineItIs) {
  EXPECT_EQ(database_->engine(), place_.engine());
  const auto inside = [](Transaction& t) -> Result<Engine> { return t.engine(); };
  EXPECT_EQ(database_->read(inside).value(), place_.engine());
  EXPECT_EQ(database_->write(inside).value(), place_.engine());
}

TEST_P(EveryDatabase, KeepsEveryKindOfValue) {
  const Time born{std::chrono::microseconds{1790000000123456}};
  const std::string_view name = "O'Hara \\ \"$1\" \xc3\xa4\xf0\x9f\x98\x80\n";
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
      EXPECT_EQ(row.time(3), born);
      EXPECT_TRUE(row.is_null(4));
      EXPECT_EQ(row.maybe_text(4), std::nullopt);
    });
  });
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, 1);
}

/// Each of them comes back as it went in, and finds its own row.
TEST_P(EveryDatabase, KeepsInstants) {
  for (const auto* text :
       {"0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z",
        "2000-02-29T12:00:00.000001Z", "2026-11-23T16:22:33.110Z", "9999-12-31T23:59:59.999999Z"}) {
    const auto time = *parse_time(text);
    const auto found = database_->write([&](Transaction& t) -> Result<Time> {
      static constexpr Sql add{"INSERT INTO person (born) VALUES ($1) RETURNING born"};
      static constexpr Sql find{"SELECT born FROM person WHERE born = $1"};
      Time kept;
      const auto take = [&](const Row& row) { kept = row.time(0); };
      must(t.run(add, {time}, take).map([](auto) {}));
      EXPECT_EQ(kept, time) << text;
      EXPECT_EQ(t.run(find, {time}, take).value(), 1) << text;
      return kept;
    });
    EXPECT_EQ(found.value(), time) << text;
  }
}

TEST_P(EveryDatabase, AnEmptyTextIsNotNull) {
  ASSERT_TRUE(add(std::string_view{}));
  static constexpr Sql count{"SELECT count(*) FROM person WHERE name = ''"};
  EXPECT_EQ(integer(*database_, count), 1);
}

TEST_P(EveryDatabase, NumbersParametersByTheirDigits) {
  const auto read = database_->read([&](Transaction& t) {
    static constexpr Sql backwards{
        "SELECT CAST($2 AS bigint), CAST($1 AS bigint), CAST($2 AS bigint)"};
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

TEST_P(EveryDatabase, AUniqueConstraintIsAConflictThatNamesItsColumns) {
  ASSERT_TRUE(add("taken"));
  const auto result = database_->write([&](Transaction& t) -> Result<void> {
    must(t.run(add_person, {std::string_view("free")}).map([](auto) {}));
    return t.run(add_person, {std::string_view("taken")}).map([](auto) {});
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::conflict);
  EXPECT_EQ(result.error().reason, "person.name");
  EXPECT_EQ(people(), 1);
  const auto twins = database_->write([&](Transaction& t) -> Result<void> {
    static constexpr Sql two{
        "INSERT INTO person (born, notes) VALUES ($1, 'a, (b)=(c)'), ($1, 'a, (b)=(c)')"};
    return t.run(two, {Time{}}).map([](auto) {});
  });
  ASSERT_FALSE(twins);
  EXPECT_EQ(twins.error().code, Errc::conflict);
  EXPECT_EQ(twins.error().reason, "person.born, person.notes");
  EXPECT_TRUE(add("free"));
}

TEST_P(EveryDatabase, SeveralStatementsGoTogether) {
  const Value names[] = {std::string_view("a"), std::string_view("b")};
  std::int64_t seen = -1;
  const auto ignore = [](const Row&) {};
  const auto take = [&](const Row& row) { seen = row.integer(0); };
  const auto counts = database_->write([&](Transaction& t) -> Result<std::vector<std::int64_t>> {
    Statement all[] = {{add_person, std::span(names, 1), ignore},
                       {add_person, std::span(names + 1, 1), ignore},
                       {count_people, {}, take}};
    must(t.run_together(all));
    return std::vector{all[0].rows, all[1].rows, all[2].rows};
  });
  EXPECT_EQ(counts.value(), (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(seen, 2);
  // One that fails takes the others with it.
  const auto refused = database_->write([&](Transaction& t) {
    const Value fresh[] = {std::string_view("c")};
    Statement all[] = {{add_person, fresh, ignore}, {add_person, names, ignore}};
    all[1].values = std::span(names, 1);
    return t.run_together(all);
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(people(), 2);
}

TEST_P(EveryDatabase, AScriptIsDoneAsAWhole) {
  const auto result = database_->write([&](Transaction& t) {
    return t.run_script(
        "INSERT INTO person (name) VALUES ('a;b'); SELECT 1; -- ;\n"
        "INSERT INTO person (name) VALUES ('c'); INSERT INTO nothing VALUES (1)");
  });
  EXPECT_FALSE(result);
  EXPECT_EQ(people(), 0);
  run_script(*database_, "INSERT INTO person (name) VALUES ('a;b'); SELECT 1; -- ;\n");
  EXPECT_EQ(people(), 1);
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
  static constexpr Sql texts[] = {{"SELECT nothing FROM person"},
                                  {"SELECT 1; SELECT 2"},
                                  {"SELECT \"a string\""},
                                  {"SELECT ?"},
                                  {"SELECT :name"},
                                  {"SELEC 1"},
                                  {"ATTACH ':memory:' AS other"}};
  for (const auto& sql : texts) {
    const auto run = [&](Transaction& t) { return t.run(sql); };
    EXPECT_THROW(static_cast<void>(database_->write(run)), Fault) << sql.text;
  }
  EXPECT_EQ(people(), 1);
}

TEST_P(EveryDatabase, AWrongNumberOfValuesIsNeverRun) {
  const auto is_done = [&](const Sql& sql, std::initializer_list<Value> values) {
    try {
      return database_->write([&](Transaction& t) { return t.run(sql, values); }).has_value();
    } catch (const Fault&) {
      return false;
    }
  };
  static constexpr Sql none{""};
  EXPECT_FALSE(is_done(none, {}));
  EXPECT_FALSE(is_done(add_person, {}));
  EXPECT_FALSE(is_done(add_person, {nullptr, nullptr}));
  EXPECT_FALSE(is_done(count_people, {nullptr}));
  EXPECT_EQ(people(), 0);
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

TEST_P(EveryDatabase, AnotherStatementMayBeRunInTheRowsOfOne) {
  ASSERT_TRUE(add("a"));
  const auto other = database_->read([&](Transaction& t) {
    static constexpr Sql names{"SELECT name FROM person"};
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
    const auto read = database_->read([&](Transaction& t) { return t.run(count_people); });
    // SQLite's is not waiting; PostgreSQL's goes over a network.
    EXPECT_EQ(read ? Errc::internal : read.error().code,
              is_postgresql() ? Errc::would_wait : Errc::internal);
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

TEST_P(SharedDatabase, IsCommittedWhenTheCallerReturns) {
  const auto other = place_.open();
  for (int i = 0; i < 20; ++i) {
    const auto name = std::to_string(i);
    ASSERT_TRUE(add(name));
    EXPECT_EQ(integer(*other, count_people), i + 1);
  }
}

TEST_P(SharedDatabase, AFailingOneDoesNotDisturbTheOthersOfItsBatch) {
  std::atomic<int> faults = 0;
  std::atomic<int> dangling = 0;
  std::atomic<int> refused = 0;
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
  static constexpr Sql good{"SELECT count(*) FROM person WHERE CAST(name AS integer) % 4 = 0"};
  EXPECT_EQ(integer(*database_, good), 15);
  EXPECT_EQ(people(), 15);
  static constexpr Sql pets{"SELECT count(*) FROM pet"};
  EXPECT_EQ(integer(*database_, pets), 0);
}

TEST_P(SharedDatabase, AReadGoesOnBesideALongWrite) {
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
  EXPECT_EQ(people(), 0);
  seen.open();
  writer.join();
  EXPECT_EQ(people(), 1);
}

TEST_P(SharedDatabase, StreamsWhileOthersWrite) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(add(std::to_string(i)));
  std::atomic<bool> is_done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      // The number of rows and the largest id move together, in each statement's moment.
      while (!is_done) {
        const auto same = database_->read([&](Transaction& t) -> Result<bool> {
          static constexpr Sql names{
              "SELECT id, (SELECT max(id) FROM person) FROM person ORDER BY id"};
          std::int64_t largest = 0;
          const auto rows = t.run(names, {}, [&](const Row& row) { largest = row.integer(1); });
          if (!rows) return fail(rows.error());
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

}  // namespace
}  // namespace easyjwt::db
