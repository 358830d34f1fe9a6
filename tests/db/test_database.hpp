#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// A folder that goes with the test.
class TempDir {
 public:
  TempDir();
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Where a test's database is: the last part of the name of every test that runs on each of them.
enum class Place { memory, file, postgresql };
const char* name_of(Place place);
void PrintTo(Place place, std::ostream* out);

/// INSTANTIATE_TEST_SUITE_P(Engines, Something, every_place, place_name);
inline const auto every_place = testing::Values(Place::memory, Place::file, Place::postgresql);
/// Those that several connections, or several programs, can share.
inline const auto shared_places = testing::Values(Place::file, Place::postgresql);
inline const auto place_name = [](const testing::TestParamInfo<Place>& info) {
  return std::string(name_of(info.param));
};

/// A database of a test's own, which goes with it. PostgreSQL's are made in the private server
/// whose URL stands in the file that $EASYJWT_TEST_POSTGRESQL names (tests/postgresql.py).
class TestDatabase {
 public:
  /// `is_migrated`: on PostgreSQL a copy of the migrated template, which is there in no time; the
  /// other places are empty in any case.
  explicit TestDatabase(Place place, bool is_migrated = false);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  Place place() const noexcept { return place_; }
  Engine engine() const noexcept {
    return place_ == Place::postgresql ? Engine::postgresql : Engine::sqlite;
  }
  const std::string& url() const noexcept { return url_; }
  /// Opens it; throws what it was refused with.
  std::unique_ptr<Database> open(Log log = no_log()) const;

 private:
  Place place_;
  TempDir dir_;
  std::string url_;
  std::string name_;
};

/// Passes everything on to another: for those that look at what is run.
class PassingTransaction : public Transaction {
 public:
  explicit PassingTransaction(Transaction& real) : real_(real) {}
  using Transaction::run;
  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           FunctionRef<void(const Row&)> each) override {
    return real_.run(sql, values, each);
  }
  Result<void> run_script(std::string_view text) override { return real_.run_script(text); }
  Engine engine() const noexcept override { return real_.engine(); }

 protected:
  ~PassingTransaction() = default;

 private:
  Transaction& real_;
};

}  // namespace easyjwt::db
