#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/libpq.hpp"
#include "db/patience.hpp"
#include "db/postgresql_address.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/db/value.hpp"

namespace easyjwt::db {

/// Whom a connection tells that it is waiting, and who may tell it to stop. Outlives it.
struct Watch {
  /// Called from a wait that takes suspiciously long.
  std::function<void()> slow;
  /// Set when the server was found dead: whoever waits for it gives up.
  std::atomic<bool> abandoned = false;
};

struct PostgresqlSettings {
  /// No prepared statements and no settings of the session: the server behind a transaction-mode
  /// pooler is another one each time.
  bool is_pooled = false;
  /// The server ends what we no longer wait for.
  std::chrono::milliseconds statement_timeout{2000};
};

/// One connection with its prepared statements, always in libpq's pipeline mode. One thread at a
/// time. Never waits beyond a deadline.
class PostgresqlConnection {
 public:
  /// Tries `first`, then the other hosts. Errc::unavailable with the reason of the last; was_silent
  /// says whether any of them gave no answer at all. `first` becomes the one that answered.
  static Result<std::unique_ptr<PostgresqlConnection>> connect(const PostgresqlAddress& address,
                                                               const PostgresqlSettings& settings,
                                                               Deadline deadline,
                                                               std::size_t& first,
                                                               bool& was_silent);
  PostgresqlConnection(const PostgresqlConnection&) = delete;
  PostgresqlConnection& operator=(const PostgresqlConnection&) = delete;

  /// Makes the statements that follow one transaction, which begins with the first of them.
  /// Without it each is one by itself.
  void begin() noexcept { begins_ = true; }
  /// As Transaction's.
  Result<void> run(std::span<Statement> statements, Deadline deadline);
  Result<void> run_script(std::string_view text, Deadline deadline);
  /// Ends the transaction. Where its answer does not come nobody knows whether it stands; the
  /// connection is then broken.
  std::optional<Error> commit(Deadline deadline);
  void roll_back(Deadline deadline) noexcept;

  /// A question that touches no table.
  std::optional<Error> ping(Deadline deadline);

  /// Whether the server has said or done something since the last answer, which of an idle
  /// connection can only be its end.
  bool has_news() const noexcept;
  bool is_broken() const noexcept { return is_broken_; }
  bool in_transaction() const noexcept { return in_transaction_; }
  /// Why the last Error was one: the work lost to another transaction, or its connection, and may
  /// be run again.
  bool may_fare_better() const noexcept { return may_fare_better_; }
  /// Which of the address's attempts it came from.
  std::size_t host() const noexcept { return host_; }

  void set_watch(Watch* watch) noexcept { watch_ = watch; }

 private:
  struct Finish {
    void operator()(PGconn* handle) const noexcept { pq.PQfinish(handle); }
  };
  struct Clear {
    void operator()(PGresult* handle) const noexcept { pq.PQclear(handle); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;
  struct Prepared {
    std::string name;
    std::string text;
  };

  PostgresqlConnection(std::unique_ptr<PGconn, Finish> handle, const PostgresqlSettings& settings,
                       std::size_t host, bool has_other_hosts);

  std::optional<Error> set_session(const PostgresqlSettings& settings, Deadline deadline);
  /// BEGIN, COMMIT and their like, in the pipeline.
  void send_control(const char* text);
  /// Sends one statement; what it puts before it (BEGIN, its preparation) is counted in `before`.
  void send(const Statement& statement, int& before);
  void bind(std::span<const Value> values);
  /// The answer to the next command; null where the connection is lost (then error_ is set).
  Answer read_answer(Deadline deadline);
  Answer next_result(Deadline deadline);
  bool read_sync(Deadline deadline);
  std::optional<Error> wait(bool for_writing, Deadline deadline);
  std::optional<Error> exchange(const char* control, Deadline deadline, Answer& answer);
  /// What an answer's SQLSTATE means to the caller; sets is_fault_ for those that only a wrong
  /// statement gets.
  Error error(const PGresult* answer, std::string_view text);
  Error broken(std::string reason);
  Error lost();

  std::unique_ptr<PGconn, Finish> handle_;
  const bool is_pooled_;
  const std::size_t host_;
  const bool has_other_hosts_;
  Watch* watch_ = nullptr;
  bool begins_ = false;
  bool in_transaction_ = false;
  bool has_failed_ = false;  ///< the transaction was aborted by the server
  bool is_broken_ = false;
  bool may_fare_better_ = false;
  bool is_fault_ = false;
  std::optional<Error> error_;  ///< why the connection is lost
  std::unordered_map<const Sql*, Prepared> prepared_;
  std::size_t names_ = 0;

  // What is bound, kept for its memory.
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::array<char, 48>> digits_;
};

}  // namespace easyjwt::db
