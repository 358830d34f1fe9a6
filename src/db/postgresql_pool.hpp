#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "db/postgresql_address.hpp"
#include "db/postgresql_connection.hpp"
#include "easyjwt/core/error.hpp"

namespace easyjwt::db {

/// The connections to one PostgreSQL, made by one thread, which also finds out whether the server
/// lives: who wants a connection waits for one to be there, never for a name server or a host that
/// is silent. While the server is dead whoever asks is refused at once, whoever waits gives up, and
/// the thread tries again every quarter of a second. Any thread.
class PostgresqlPool {
 public:
  using Connection = std::unique_ptr<PostgresqlConnection>;

  PostgresqlPool(PostgresqlAddress address, PostgresqlSettings settings, std::size_t size);
  /// No connection may be taken any more.
  ~PostgresqlPool();

  /// A connection, the one that was used last. Errc::unavailable: none came free in time, or the
  /// server is dead.
  Result<Connection> take(Deadline deadline);
  void put_back(Connection connection);

 private:
  void serve();
  /// Connects once and says what became of it. The lock is held but while it connects.
  void connect(std::unique_lock<std::mutex>& lock);
  bool is_needed() const;
  void close_idle();

  const PostgresqlAddress address_;
  const PostgresqlSettings settings_;
  const std::size_t size_;

  std::mutex mutex_;
  std::condition_variable wanted_;     ///< for the thread
  std::condition_variable available_;  ///< for takers
  Watch watch_;
  std::vector<Connection> idle_;
  std::size_t living_ = 0;  ///< idle and taken
  std::size_t takers_ = 0;  ///< who wait
  std::size_t host_ = 0;    ///< where to begin
  bool is_suspected_ = false;
  bool is_stopping_ = false;
  std::optional<Error> death_;  ///< why the server is taken for dead
  std::thread thread_;
};

}  // namespace easyjwt::db
