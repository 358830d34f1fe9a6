#include "db/sqlite_connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "db/sqlite_functions.hpp"
#include "db/sqlite_log_file.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}

  bool is_null(int column) const override {
    if (column < 0 || column >= sqlite3_data_count(statement_)) wrong(column, "no such column");
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  std::int64_t integer(int column) const override {
    expect(column, SQLITE_INTEGER);
    return sqlite3_column_int64(statement_, column);
  }
  bool boolean(int column) const override { return integer(column) != 0; }
  double real(int column) const override {
    expect(column, SQLITE_FLOAT);
    return sqlite3_column_double(statement_, column);
  }
  std::string_view text(int column) const override {
    expect(column, SQLITE_TEXT);
    // Text before bytes: the call for the text may convert it and so change the length.
    const auto* bytes = sqlite3_column_text(statement_, column);
    return {reinterpret_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  Time time(int column) const override {
    const auto time = parse_time(text(column));
    if (!time) wrong(column, "not a date and time");
    return *time;
  }

 private:
  void expect(int column, int type) const {
    if (sqlite3_column_type(statement_, column) != type) wrong(column, "of another type");
  }
  [[noreturn]] void wrong(int column, const char* what) const {
    // The value is left out: it may be a secret.
    const char* name = sqlite3_column_name(statement_, column);
    throw Fault(std::string("column ") + (name ? name : "") + " (" + std::to_string(column) +
                "): " + what + ", in: " + sqlite3_sql(statement_));
  }

  sqlite3_stmt* statement_;
};

/// SQLite counts the bytes it has allocated under one mutex for all connections unless told not to.
/// Nothing here asks for the count.
void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

/// Marks a statement as running and leaves it ready for its next run, whatever happens.
class SqliteConnection::Running {
 public:
  explicit Running(Statement& statement) : statement_(statement) { statement_.is_running = true; }
  ~Running() {
    sqlite3_reset(statement_.handle.get());
    // They point at memory of the caller's.
    sqlite3_clear_bindings(statement_.handle.get());
    statement_.is_running = false;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Statement& statement_;
};

SqliteConnection::SqliteConnection(std::string path, Mode mode, Deadline deadline)
    : path_(mode == Mode::memory ? ":memory:" : std::move(path)),
      mode_(mode),
      deadline_(deadline) {}

SqliteConnection::~SqliteConnection() { statements_.clear(); }

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Mode mode,
                                                                 Deadline deadline) {
  configure_library();
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path, mode, deadline));
  try {
    if (auto error = connection->connect()) return fail(*std::move(error));
  } catch (const Fault& fault) {
    return fail(Errc::refused, {}, fault.what());
  }
  return connection;
}

std::optional<Error> SqliteConnection::connect() {
  // No SQLITE_OPEN_CREATE: a file that went missing while we served must not come back empty.
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path_.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                      mode_ == Mode::writer ? gathering_vfs() : nullptr);
  handle_.reset(handle);
  if (opened != SQLITE_OK) return error(opened, "opening");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, &SqliteConnection::wait_for_lock, this);

  // The file may come from anywhere: what its schema says must not reach beyond it.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
  sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(handle, SQLITE_LIMIT_VARIABLE_NUMBER, 1000);
  sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 2000);
  sqlite3_limit(handle, SQLITE_LIMIT_TRIGGER_DEPTH, 50);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);

  add_functions(handle);

  // No mmap: a file that somebody truncates would be a SIGBUS instead of an error.
  constexpr std::string_view settings =
      "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      "PRAGMA synchronous=FULL; PRAGMA cache_size=-16384; PRAGMA journal_size_limit=33554432;";
  if (auto done = run_script(settings); !done) return std::move(done.error());
  if (mode_ == Mode::reader) {
    if (auto done = run_script("PRAGMA query_only=ON"); !done) return std::move(done.error());
  }
  if (mode_ == Mode::writer) return use_wal();
  return std::nullopt;
}

std::optional<Error> SqliteConnection::use_wal() {
  if (sqlite3_db_readonly(handle_.get(), "main") == 1) {
    return Error{Errc::refused, {}, "the database " + path_ + " is read-only for this user"};
  }
  // Django leaves files in journal_mode=delete. WAL is what lets reads and a writer go on beside
  // each other; it is a property of the file, Python's sqlite3 goes along with it by itself, and
  // what queries see is the same.
  static constexpr Sql wal{"PRAGMA journal_mode=WAL"};
  bool is_wal = false;
  const auto done = run(wal, {}, [&](const Row& row) { is_wal = row.text(0) == "wal"; });
  if (!done) return done.error();
  if (!is_wal) {
    return Error{Errc::refused, {}, "the file system of " + path_ + " does not support WAL"};
  }
  // Checkpoints are the writer thread's, between batches: never on the time of a waiting client.
  sqlite3_wal_hook(
      handle_.get(),
      [](void* pages, sqlite3*, const char*, int size) {
        *static_cast<int*>(pages) = size;
        return SQLITE_OK;
      },
      &wal_pages_);
  return std::nullopt;
}

int SqliteConnection::wait_for_lock(void* self, int count) {
  auto& connection = *static_cast<SqliteConnection*>(self);
  if (!may_wait()) return 0;
  const std::chrono::nanoseconds left = connection.deadline_ - std::chrono::steady_clock::now();
  if (left <= 0ns) return 0;
  std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, count < 4 ? 1ms : 10ms));
  return 1;
}

Result<SqliteConnection::Statement*> SqliteConnection::prepared(const Sql& sql) {
  auto& statement = statements_[&sql];
  if (statement.is_running) throw Fault("run inside its own rows: " + std::string(sql.text));
  // A text made at run time may stand where another one stood before.
  if (statement.handle && sqlite3_sql(statement.handle.get()) == sql.text) return &statement;
  statement = {};
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_.get(), sql.text.data(), static_cast<int>(sql.text.size()),
                         SQLITE_PREPARE_PERSISTENT, &handle, &rest);
  if (code != SQLITE_OK) return fail(error(code, sql.text));
  statement.handle.reset(handle);
  if (!handle || rest != sql.text.data() + sql.text.size()) {
    statement.handle.reset();
    throw Fault("not one statement: " + std::string(sql.text));
  }
  number_parameters(statement, sql);
  statement.reads_only = sqlite3_stmt_readonly(handle) != 0;
  return &statement;
}

/// SQLite takes $1 for a name and numbers parameters as they first occur, PostgreSQL by their
/// digits.
void SqliteConnection::number_parameters(Statement& statement, const Sql& sql) const {
  const int count = sqlite3_bind_parameter_count(statement.handle.get());
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement.handle.get(), i);
    const std::string_view digits = name && *name == '$' ? name + 1 : "";
    int number = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (ec != std::errc{} || end != digits.data() + digits.size() || number < 1) {
      statement.handle.reset();
      throw Fault("a parameter other than $1, $2, ... in: " + std::string(sql.text));
    }
    statement.numbers.push_back(number);
    statement.highest_number = std::max(statement.highest_number, number);
  }
}

void SqliteConnection::bind(const Statement& statement, std::span<const Value> values,
                            const Sql& sql) const {
  if (static_cast<std::size_t>(statement.highest_number) != values.size()) {
    throw Fault("wrong number of values for: " + std::string(sql.text));
  }
  for (std::size_t i = 0; i < statement.numbers.size(); ++i) {
    sqlite3_stmt* handle = statement.handle.get();
    const int at = static_cast<int>(i) + 1;
    const auto& value = values[static_cast<std::size_t>(statement.numbers[i]) - 1];
    int code = SQLITE_OK;
    if (std::holds_alternative<std::nullptr_t>(value)) {
      code = sqlite3_bind_null(handle, at);
    } else if (const auto* boolean = std::get_if<bool>(&value)) {
      code = sqlite3_bind_int(handle, at, *boolean ? 1 : 0);
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(handle, at, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      code = sqlite3_bind_double(handle, at, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      // A null pointer would be bound as NULL. Not copied: the binding is cleared before run()
      // ends.
      code = sqlite3_bind_text64(handle, at, text->data() ? text->data() : "", text->size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const auto written = to_sql_time(std::get<Time>(value));
      code = sqlite3_bind_text64(handle, at, written.data(), written.size(),
                                 SQLITE_TRANSIENT,  // NOLINT: SQLite's own cast
                                 SQLITE_UTF8);
    }
    if (code != SQLITE_OK) throw Fault("a value that cannot be bound in: " + std::string(sql.text));
  }
}

Result<std::int64_t> SqliteConnection::run(const Sql& sql, std::span<const Value> values,
                                           FunctionRef<void(const Row&)> each) {
  const auto found = prepared(sql);
  if (!found) return fail(found.error());
  auto& statement = **found;
  if (mode_ == Mode::reader && !statement.reads_only) {
    throw Fault("written in a read: " + std::string(sql.text));
  }
  const Running running(statement);
  bind(statement, values, sql);
  const auto changes_before = sqlite3_total_changes64(handle_.get());
  const SqliteRow row(statement.handle.get());
  std::int64_t rows = 0;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement.handle.get())) == SQLITE_ROW) {
    ++rows;
    each(row);
  }
  if (code != SQLITE_DONE) return fail(error(code, sql.text));
  if (statement.reads_only) return rows;
  // changes() keeps its value over statements that change no row, such as CREATE.
  const bool changed = sqlite3_total_changes64(handle_.get()) != changes_before;
  return changed ? sqlite3_changes64(handle_.get()) : 0;
}

Result<void> SqliteConnection::run_script(std::string_view text) {
  const int code =
      sqlite3_exec(handle_.get(), std::string(text).c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  if ((code & 0xff) == SQLITE_ERROR) {
    return fail(Errc::internal, {}, path_ + ": " + sqlite3_errmsg(handle_.get()));
  }
  return fail(error(code, "a script"));
}

std::optional<Error> SqliteConnection::control(const Sql& sql) {
  const auto done = run(sql, {}, ignore_rows);
  if (done) return std::nullopt;
  return done.error();
}

void SqliteConnection::roll_back() noexcept {
  if (in_transaction()) sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  if (in_transaction()) broken_ = true;
}

bool SqliteConnection::has_dangling_references() const noexcept {
  int unresolved = 0;
  int unused = 0;
  sqlite3_db_status(handle_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &unused, 0);
  return unresolved != 0;
}

bool SqliteConnection::has_moved() const noexcept {
  int moved = 0;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void SqliteConnection::checkpoint_beyond(int pages) noexcept {
  // Shorter than what was copied: it began anew.
  if (wal_pages_ < wal_pages_copied_) wal_pages_copied_ = 0;
  if (wal_pages_ - wal_pages_copied_ <= pages) return;
  // What fails here fails again, and is told, at a commit; until then the log only grows.
  sqlite3_wal_checkpoint_v2(handle_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  wal_pages_copied_ = wal_pages_;
}

Error SqliteConnection::error(int code, std::string_view text) {
  const std::string words = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const std::string reason = path_ + ": " + words + " (" + std::to_string(code) + ")";
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: {
      if (code != SQLITE_CONSTRAINT_UNIQUE && code != SQLITE_CONSTRAINT_PRIMARYKEY &&
          code != SQLITE_CONSTRAINT_ROWID) {
        return {Errc::internal, {}, reason + ", in: " + std::string(text)};
      }
      // "UNIQUE constraint failed: user.email"
      const auto colon = words.find(": ");
      return {Errc::conflict, {}, colon == words.npos ? words : words.substr(colon + 2)};
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_SCHEMA: {
      was_locked_ = (code & 0xff) != SQLITE_SCHEMA;
      if (!may_wait()) return {Errc::would_wait, {}, reason};
      return Error::unavailable(reason);
    }
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS:
    case SQLITE_NOMEM: {
      // A full disk is not the connection's fault; of the others it may remember something.
      broken_ = broken_ || (code & 0xff) != SQLITE_FULL;
      return Error::unavailable(reason);
    }
    default: throw Fault(reason + ", in: " + std::string(text));
  }
}

}  // namespace easyjwt::db
