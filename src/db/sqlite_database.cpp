#include "db/sqlite_database.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "db/sqlite_connection.hpp"
#include "db/sqlite_writer.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using Mode = SqliteConnection::Mode;

/// Runs work on a snapshot.
std::optional<Error> run_read(SqliteConnection& connection, Work work) {
  static constexpr Sql begin{"BEGIN"};
  static constexpr Sql commit{"COMMIT"};
  SqliteTransaction transaction(connection);
  if (auto error = connection.control(begin)) return error;
  try {
    auto error = work(transaction);
    if (!error) error = connection.control(commit);
    if (error) connection.roll_back();
    return error;
  } catch (...) {
    connection.roll_back();
    throw;
  }
}

/// Connections for reading: as many as there are reads at one time, the warmest used first.
class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  Result<std::unique_ptr<SqliteConnection>> take(std::uint64_t generation, Deadline deadline) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(generation_, generation) != generation) idle_.clear();
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        connection->set_deadline(deadline);
        return connection;
      }
    }
    return SqliteConnection::open(path_, Mode::reader, deadline);
  }

  void put_back(std::unique_ptr<SqliteConnection> connection, std::uint64_t generation) {
    if (connection->is_broken()) return;
    const std::lock_guard lock(mutex_);
    if (generation == generation_ && idle_.size() < most_idle) {
      idle_.push_back(std::move(connection));
    }
  }

 private:
  /// Each holds up to a megabyte of pages.
  static constexpr std::size_t most_idle = 16;

  const std::string path_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
};

class FileDatabase final : public Database {
 public:
  FileDatabase(std::unique_ptr<SqliteConnection> connection, const std::string& path,
               std::chrono::milliseconds busy_deadline, Log log)
      : busy_deadline_(busy_deadline),
        reading_(path, "reading", log),
        writing_(path, "writing", std::move(log)),
        writer_(std::move(connection), path, writing_),
        readers_(path) {}

  Engine engine() const noexcept override { return Engine::sqlite; }
  Counters counters() const noexcept override { return writer_.counters(); }
  bool submit(Task& task) override {
    try {
      writer_.submit(task, Patience(busy_deadline_).deadline());
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

 protected:
  std::optional<Error> perform_read(Work work) override {
    if (writer_.is_in_task()) return writer_.run_in_task(work);
    const Patience patience(busy_deadline_);
    const auto generation = writer_.generation();
    auto taken = readers_.take(generation, patience.deadline());
    if (!taken) {
      auto& error = taken.error();
      if (error.code == Errc::refused) error.code = Errc::unavailable;
      reading_.note(error);
      return std::move(error);
    }
    auto& connection = *taken;
    std::optional<Error> error;
    try {
      error = run_read(*connection, work);
    } catch (...) {
      readers_.put_back(std::move(connection), generation);
      throw;
    }
    readers_.put_back(std::move(connection), generation);
    reading_.note(error);
    return error;
  }

  std::optional<Error> perform_write(Work work) override {
    if (writer_.is_in_task()) return writer_.run_in_task(work);
    if (!may_wait()) return Error{Errc::would_wait};
    const Patience patience(busy_deadline_);
    return writer_.write(work, patience.deadline());
  }

 private:
  const std::chrono::milliseconds busy_deadline_;
  Health reading_;
  Health writing_;
  SqliteWriter writer_;
  ReaderPool readers_;  // closed first, so that the writer's connection is the one that cleans up
};

/// One connection that everybody waits for: a database in memory belongs to its connection.
class MemoryDatabase final : public Database {
 public:
  explicit MemoryDatabase(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)) {}

  Engine engine() const noexcept override { return Engine::sqlite; }
  Counters counters() const noexcept override { return {writes_.load(), commits_.load()}; }

 protected:
  std::optional<Error> perform_read(Work work) override {
    const Turn turn(*this);
    return run_read(*connection_, work);
  }

  std::optional<Error> perform_write(Work work) override {
    if (!may_wait()) return Error{Errc::would_wait};
    const Turn turn(*this);
    Job job(work);
    ++writes_;
    Batch batch(*connection_);
    batch.add(job);
    if (batch.commit()) ++commits_;
    if (job.exception) std::rethrow_exception(job.exception);
    return job.error;
  }

 private:
  class Turn {
   public:
    explicit Turn(MemoryDatabase& database) : database_(database) {
      if (database.owner_.load() == std::this_thread::get_id()) {
        throw Fault("a transaction inside a transaction of a database in memory");
      }
      database.mutex_.lock();
      database.owner_ = std::this_thread::get_id();
    }
    ~Turn() {
      database_.owner_ = std::thread::id{};
      database_.mutex_.unlock();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    MemoryDatabase& database_;
  };

  std::unique_ptr<SqliteConnection> connection_;
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
};

/// Makes a missing file ourselves so that there is no moment in which others may read it: it holds
/// password hashes. SQLite gives the -wal and -shm files beside it the same mode.
std::error_code make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
  if (file >= 0 || errno == EEXIST) return {};
  return {errno, std::generic_category()};
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite_database(const std::string& path,
                                                       const DatabaseSettings& settings, Log log) {
  const bool in_memory = path == ":memory:";
  // Absolute: a relative name that begins with "file:" would be a URI to SQLite, with options in
  // it.
  const auto file = in_memory ? path : std::filesystem::absolute(path).string();
  if (!in_memory) {
    if (const auto error = make_file(file)) {
      return fail(Errc::refused, {}, "cannot make the database " + file + ": " + error.message());
    }
  }
  auto connection =
      SqliteConnection::open(file, in_memory ? Mode::memory : Mode::writer,
                             std::chrono::steady_clock::now() + settings.busy_deadline);
  if (!connection) {
    return fail(Errc::refused, {}, "cannot open the database " + connection.error().reason);
  }
  if (in_memory) return std::make_unique<MemoryDatabase>(*std::move(connection));
  return std::make_unique<FileDatabase>(*std::move(connection), file, settings.busy_deadline,
                                        std::move(log));
}

}  // namespace easyjwt::db
