#include "db/test_database.hpp"

#include <libpq-fe.h>
#include <stdlib.h>

#include <cstdlib>
#include <fstream>
#include <ostream>
#include <random>
#include <stdexcept>

namespace easyjwt::db {
namespace {

/// The URL of the server's own database, "postgresql://...:PORT/postgres".
std::string server_url() {
  const char* file = std::getenv("EASYJWT_TEST_POSTGRESQL");
  std::string url;
  if (file) std::getline(std::ifstream(file), url);
  if (url.empty()) {
    throw std::runtime_error(
        "this test needs a PostgreSQL: run it with ctest, or with tests/postgresql.py run");
  }
  return url;
}

void command(const std::string& text) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(server_url().c_str()),
                                                              PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      PQexec(connection.get(), text.c_str()), PQclear);
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "easyjwt-db-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
  path_ = name;
}

const char* name_of(Place place) {
  switch (place) {
    case Place::memory: return "memory";
    case Place::file: return "file";
    case Place::postgresql: return "postgresql";
  }
  return "?";
}

void PrintTo(Place place, std::ostream* out) { *out << name_of(place); }

TestDatabase::TestDatabase(Place place, bool is_migrated) : place_(place) {
  switch (place) {
    case Place::memory: url_ = "sqlite://:memory:"; break;
    case Place::file: url_ = "sqlite:///" + (dir_ / "test.sqlite3"); break;
    case Place::postgresql: {
      std::random_device random;
      name_ = "test_" + std::to_string(random()) + "_" + std::to_string(random());
      command("CREATE DATABASE " + name_ + " TEMPLATE " +
              (is_migrated ? "easyjwt_template" : "template0"));
      url_ = server_url();
      url_.replace(url_.rfind('/') + 1, std::string::npos, name_);
      break;
    }
  }
}

TestDatabase::~TestDatabase() {
  if (name_.empty()) return;
  try {
    command("DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::exception& fault) {
    ADD_FAILURE() << fault.what();
  }
}

std::unique_ptr<Database> TestDatabase::open(Log log) const {
  auto opened = Database::open({.url = url_}, std::move(log));
  if (!opened) throw std::runtime_error(opened.error().reason);
  return *std::move(opened);
}

}  // namespace easyjwt::db
