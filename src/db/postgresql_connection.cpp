#include "db/postgresql_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>

namespace easyjwt::db {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// How often a wait looks whether it is still wanted, and after how much it tells the watch.
constexpr std::chrono::milliseconds glance = 100ms;
constexpr std::chrono::milliseconds suspicious = 300ms;

// Types of pg_type, whose numbers never change (src/include/catalog/pg_type.dat).
constexpr Oid bool_type = 16, char_type = 18, name_type = 19, int8_type = 20, int2_type = 21,
              int4_type = 23, text_type = 25, oid_type = 26, float8_type = 701, unknown_type = 705,
              bpchar_type = 1042, varchar_type = 1043, timestamp_type = 1114,
              timestamptz_type = 1184;

/// 2000-01-01, from which PostgreSQL counts.
constexpr Time epoch{std::chrono::seconds{946'684'800}};

class PostgresqlRow final : public Row {
 public:
  PostgresqlRow(const PGresult* result, std::string_view sql) : result_(result), sql_(sql) {}
  void move_to(int row) noexcept { row_ = row; }

  bool is_null(int column) const override {
    if (column < 0 || column >= pq.PQnfields(result_)) wrong(column, "no such column");
    return pq.PQgetisnull(result_, row_, column) != 0;
  }
  std::int64_t integer(int column) const override {
    switch (type(column)) {
      case int2_type: return big_endian<std::int16_t>(column);
      case int4_type: return big_endian<std::int32_t>(column);
      case int8_type: return big_endian<std::int64_t>(column);
      case oid_type: return big_endian<std::uint32_t>(column);
      default: wrong(column, "not an integer");
    }
  }
  bool boolean(int column) const override {
    if (type(column) != bool_type) return integer(column) != 0;
    return *value(column) != 0;
  }
  double real(int column) const override {
    if (type(column) != float8_type) wrong(column, "not a double");
    return std::bit_cast<double>(big_endian<std::int64_t>(column));
  }
  std::string_view text(int column) const override {
    switch (type(column)) {
      case text_type:
      case varchar_type:
      case bpchar_type:
      case name_type:
      case char_type:
      case unknown_type: break;
      default: wrong(column, "not a text");
    }
    return {value(column), static_cast<std::size_t>(pq.PQgetlength(result_, row_, column))};
  }
  Time time(int column) const override {
    const auto type_ = type(column);
    if (type_ != timestamptz_type && type_ != timestamp_type) wrong(column, "not a date and time");
    const auto since = big_endian<std::int64_t>(column);
    // 'infinity', and what is beyond the years 1 to 9999.
    constexpr std::int64_t most = 8'000LL * 366 * 86'400 * 1'000'000;
    if (since > most || since < -most) wrong(column, "not a date and time");
    return epoch + std::chrono::microseconds{since};
  }

 private:
  Oid type(int column) const {
    if (is_null(column)) wrong(column, "null");
    return pq.PQftype(result_, column);
  }
  const char* value(int column) const { return pq.PQgetvalue(result_, row_, column); }
  template <class Integer>
  Integer big_endian(int column) const {
    if (pq.PQgetlength(result_, row_, column) != sizeof(Integer))
      wrong(column, "of another length");
    std::array<unsigned char, sizeof(Integer)> bytes;
    std::memcpy(bytes.data(), value(column), bytes.size());
    if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(bytes);
    return std::bit_cast<Integer>(bytes);
  }
  [[noreturn]] void wrong(int column, const char* what) const {
    // The value is left out: it may be a secret.
    const char* name = pq.PQfname(result_, column);
    throw Fault(std::string("column ") + (name != nullptr ? name : "") + " (" +
                std::to_string(column) + "): " + what + ", in: " + std::string(sql_));
  }

  const PGresult* result_;
  std::string_view sql_;
  int row_ = 0;
};

std::string first_line(const char* words) {
  std::string_view text = words != nullptr ? words : "";
  text = text.substr(0, text.find('\n'));
  return text.empty() ? "no reason given" : std::string(text);
}

/// Waits until the socket is ready or the deadline is over (false).
bool poll_until(int socket, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left <= 0ms) return false;
    pollfd ready{socket, events, 0};
    const int count =
        poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

/// "user.email" of the detail "Key (email)=(...) already exists.", as SQLite says it.
std::string conflicting_columns(const PGresult* answer) {
  const auto field = [&](int code) -> std::string_view {
    const char* text = pq.PQresultErrorField(answer, code);
    return text != nullptr ? text : "";
  };
  const auto table = std::string(field(PG_DIAG_TABLE_NAME));
  const auto detail = field(PG_DIAG_MESSAGE_DETAIL);
  // In whatever language: the columns stand between the first "(" and ")=".
  const auto open = detail.find('('), close = detail.find(")=");
  if (open == detail.npos || close == detail.npos || close < open) {
    return table + "." + std::string(field(PG_DIAG_CONSTRAINT_NAME));
  }
  std::string out;
  auto columns = detail.substr(open + 1, close - open - 1);
  while (!columns.empty()) {
    const auto comma = columns.find(", ");
    out += (out.empty() ? "" : ", ") + table + "." + std::string(columns.substr(0, comma));
    columns.remove_prefix(comma == columns.npos ? columns.size() : comma + 2);
  }
  return out;
}

}  // namespace

PostgresqlConnection::PostgresqlConnection(std::unique_ptr<PGconn, Finish> handle,
                                           const PostgresqlSettings& settings, std::size_t host,
                                           bool has_other_hosts)
    : handle_(std::move(handle)),
      is_pooled_(settings.is_pooled),
      host_(host),
      has_other_hosts_(has_other_hosts) {}

Result<std::unique_ptr<PostgresqlConnection>> PostgresqlConnection::connect(
    const PostgresqlAddress& address, const PostgresqlSettings& settings, Deadline deadline,
    std::size_t& first, bool& was_silent) {
  was_silent = false;
  std::string reason;
  const auto& attempts = address.attempts();
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const std::size_t index = (first + i) % attempts.size();
    // What is left is shared by the hosts that are left.
    const auto now = steady_clock::now();
    auto until = now + (deadline - now) / static_cast<std::int64_t>(attempts.size() - i);
    if (const auto limit = address.connect_timeout()) until = std::min(until, now + *limit);

    std::vector<const char*> keywords, values;
    for (const auto& [keyword, value] : attempts[index].parameters) {
      keywords.push_back(keyword.c_str());
      values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    std::unique_ptr<PGconn, Finish> handle(
        pq.PQconnectStartParams(keywords.data(), values.data(), 0));
    if (!handle) return fail(Errc::unavailable, {}, "out of memory");
    pq.PQsetNoticeProcessor(
        handle.get(), [](void*, const char*) {}, nullptr);
    auto next = PGRES_POLLING_WRITING;
    bool silent = false;
    while (pq.PQstatus(handle.get()) != CONNECTION_BAD &&
           (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING)) {
      const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
      if (!poll_until(pq.PQsocket(handle.get()), events, until)) {
        silent = true;
        break;
      }
      next = pq.PQconnectPoll(handle.get());
    }
    if (silent) {
      was_silent = true;
      reason = "no answer within the time that there is for connecting";
      continue;
    }
    if (pq.PQstatus(handle.get()) != CONNECTION_OK || next != PGRES_POLLING_OK) {
      reason = first_line(pq.PQerrorMessage(handle.get()));
      continue;
    }
    if (pq.PQsetnonblocking(handle.get(), 1) != 0 || pq.PQenterPipelineMode(handle.get()) != 1) {
      reason = first_line(pq.PQerrorMessage(handle.get()));
      continue;
    }
    std::unique_ptr<PostgresqlConnection> connection(
        new PostgresqlConnection(std::move(handle), settings, index, attempts.size() > 1));
    if (auto error = connection->set_session(settings, until)) {
      reason = error->reason;
      continue;
    }
    first = index;
    return connection;
  }
  return fail(Error::unavailable(std::move(reason)));
}

std::optional<Error> PostgresqlConnection::set_session(const PostgresqlSettings& settings,
                                                       Deadline deadline) {
  // Also the first proof that the server does more than accept connections.
  if (settings.is_pooled) return ping(deadline);
  // What the operator has set for the role or in the URL stays. Without these, a transaction that
  // we have given up would hold its locks for as long as it waits for others'.
  static constexpr Sql limits{
      "SELECT CASE WHEN current_setting('statement_timeout', true) = '0' "
      "THEN set_config('statement_timeout', $1, false) END, "
      "CASE WHEN current_setting('idle_in_transaction_session_timeout', true) = '0' "
      "THEN set_config('idle_in_transaction_session_timeout', $2, false) END, "
      "CASE WHEN current_setting('client_connection_check_interval', true) = '0' "
      "THEN set_config('client_connection_check_interval', '1s', false) END"};
  const auto statement = std::to_string(settings.statement_timeout.count());
  const auto idle = std::to_string(settings.statement_timeout.count() + 10'000);
  const std::array<Value, 2> values{Value{std::string_view(statement)},
                                    Value{std::string_view(idle)}};
  Statement statements[] = {{limits, values}};
  if (auto done = run(statements, deadline); !done) return std::move(done.error());
  return std::nullopt;
}

std::optional<Error> PostgresqlConnection::ping(Deadline deadline) {
  static constexpr Sql one{"SELECT 1"};
  Statement statements[] = {{one, {}}};
  if (auto done = run(statements, deadline); !done) return std::move(done.error());
  return std::nullopt;
}

bool PostgresqlConnection::has_news() const noexcept {
  pollfd ready{pq.PQsocket(handle_.get()), POLLIN, 0};
  return poll(&ready, 1, 0) != 0;
}

Error PostgresqlConnection::broken(std::string reason) {
  is_broken_ = true;
  may_fare_better_ = true;
  return Error::unavailable(std::move(reason));
}

Error PostgresqlConnection::lost() {
  if (error_) return *std::exchange(error_, std::nullopt);
  return broken("the connection to the database is lost");
}

std::optional<Error> PostgresqlConnection::wait(bool for_writing, Deadline deadline) {
  const short events = for_writing ? POLLIN | POLLOUT : POLLIN;
  const auto begun = steady_clock::now();
  bool told = false;
  for (;;) {
    const auto now = steady_clock::now();
    if (now >= deadline) return broken("no answer within the deadline");
    if (watch_ != nullptr) {
      if (watch_->abandoned.load(std::memory_order_relaxed)) {
        return broken("given up, since the server answers nobody");
      }
      if (!told && now - begun >= suspicious) {
        told = true;
        watch_->slow();
      }
    }
    if (poll_until(pq.PQsocket(handle_.get()), events, std::min(deadline, now + glance))) {
      return std::nullopt;
    }
  }
}

/// Null at the end of a command's results, and where the connection is lost.
PostgresqlConnection::Answer PostgresqlConnection::next_result(Deadline deadline) {
  while (pq.PQisBusy(handle_.get()) != 0) {
    const int unsent = pq.PQflush(handle_.get());
    if (unsent < 0) {
      error_ = broken(first_line(pq.PQerrorMessage(handle_.get())));
      return nullptr;
    }
    if (auto error = wait(unsent > 0, deadline)) {
      error_ = std::move(error);
      return nullptr;
    }
    if (pq.PQconsumeInput(handle_.get()) == 0) {
      error_ = broken(first_line(pq.PQerrorMessage(handle_.get())));
      return nullptr;
    }
  }
  return Answer(pq.PQgetResult(handle_.get()));
}

PostgresqlConnection::Answer PostgresqlConnection::read_answer(Deadline deadline) {
  auto answer = next_result(deadline);
  if (!answer) {
    if (!error_) error_ = broken("the server said less than it was asked");
    return nullptr;
  }
  // Each command has one result here, and then a null.
  if (next_result(deadline) || error_) {
    if (!error_) error_ = broken("the server said more than it was asked");
    return nullptr;
  }
  if (pq.PQstatus(handle_.get()) == CONNECTION_BAD) {
    // The result is libpq's own words on how the connection ended.
    error_ = broken(first_line(pq.PQresultErrorMessage(answer.get())));
    return nullptr;
  }
  return answer;
}

bool PostgresqlConnection::read_sync(Deadline deadline) {
  const auto answer = next_result(deadline);
  if (answer && pq.PQresultStatus(answer.get()) == PGRES_PIPELINE_SYNC) return true;
  if (!error_) error_ = broken("the connection to the database is lost");
  return false;
}

void PostgresqlConnection::send_control(const char* text) {
  pq.PQsendQueryParams(handle_.get(), text, 0, nullptr, nullptr, nullptr, nullptr, 1);
}

void PostgresqlConnection::bind(std::span<const Value> values) {
  values_.clear();
  lengths_.clear();
  formats_.clear();
  digits_.resize(std::max(digits_.size(), values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& digits = digits_[i];
    const char* text = digits.data();
    int length = 0;
    int format = 0;
    if (std::holds_alternative<std::nullptr_t>(values[i])) {
      text = nullptr;
    } else if (const auto* boolean = std::get_if<bool>(&values[i])) {
      text = *boolean ? "t" : "f";
    } else if (const auto* integer = std::get_if<std::int64_t>(&values[i])) {
      *std::to_chars(digits.data(), digits.data() + digits.size() - 1, *integer).ptr = '\0';
    } else if (const auto* real = std::get_if<double>(&values[i])) {
      // The shortest digits that read back the same.
      *std::to_chars(digits.data(), digits.data() + digits.size() - 1, *real).ptr = '\0';
    } else if (const auto* view = std::get_if<std::string_view>(&values[i])) {
      // The one type whose text and binary forms are the same; with a length, so that a NUL is
      // refused by the server and ends nothing early.
      if (view->size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw Fault("a text of more than 2 GiB");
      }
      text = view->data() != nullptr ? view->data() : "";
      length = static_cast<int>(view->size());
      format = 1;
    } else {
      const auto written = to_sql_time(std::get<Time>(values[i])) + "+00";
      std::memcpy(digits.data(), written.c_str(), written.size() + 1);
    }
    values_.push_back(text);
    lengths_.push_back(length);
    formats_.push_back(format);
  }
}

void PostgresqlConnection::send(const Statement& statement, int& before) {
  const auto& sql = statement.sql;
  before = 0;
  if (begins_ && !in_transaction_) {
    send_control("BEGIN");
    in_transaction_ = true;
    ++before;
  }
  bind(statement.values);
  const int count = static_cast<int>(values_.size());
  if (is_pooled_) {
    pq.PQsendQueryParams(handle_.get(), std::string(sql.text).c_str(), count, nullptr,
                         values_.data(), lengths_.data(), formats_.data(), 1);
    return;
  }
  auto& prepared = prepared_[&sql];
  // A text made at run time may stand where another one stood before.
  if (prepared.name.empty() || prepared.text != sql.text) {
    prepared.name = "s" + std::to_string(names_++);
    prepared.text = sql.text;
    pq.PQsendPrepare(handle_.get(), prepared.name.c_str(), prepared.text.c_str(), 0, nullptr);
    ++before;
  }
  pq.PQsendQueryPrepared(handle_.get(), prepared.name.c_str(), count, values_.data(),
                         lengths_.data(), formats_.data(), 1);
}

Result<void> PostgresqlConnection::run(std::span<Statement> statements, Deadline deadline) {
  may_fare_better_ = false;
  if (is_broken_) return fail(lost());
  if (has_failed_) return fail(Errc::internal, {}, "the transaction has failed before");
  std::vector<int> before(statements.size());
  std::vector<Answer> answers(statements.size());
  for (std::size_t i = 0; i < statements.size(); ++i) send(statements[i], before[i]);
  if (pq.PQpipelineSync(handle_.get()) != 1) {
    return fail(broken(first_line(pq.PQerrorMessage(handle_.get()))));
  }

  // All answers first, so that `each` may run statements too.
  std::optional<Error> failure;
  const auto take = [&](std::size_t i, Answer& answer) {
    answer = read_answer(deadline);
    if (!answer) return false;
    const auto status = pq.PQresultStatus(answer.get());
    if (failure || status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return true;
    failure = error(answer.get(), statements[i].sql.text);
    return true;
  };
  for (std::size_t i = 0; i < statements.size(); ++i) {
    for (int j = 0; j < before[i]; ++j) {
      Answer ignored;
      if (!take(i, ignored)) return fail(lost());
      if (failure) prepared_.erase(&statements[i].sql);  // its preparation is skipped as well
    }
    if (!take(i, answers[i])) return fail(lost());
  }
  if (!read_sync(deadline)) return fail(lost());
  if (failure) {
    has_failed_ = in_transaction_;
    if (is_fault_) throw Fault(failure->reason);
    return fail(*std::move(failure));
  }

  for (std::size_t i = 0; i < statements.size(); ++i) {
    const auto* answer = answers[i].get();
    PostgresqlRow row(answer, statements[i].sql.text);
    const int rows = pq.PQntuples(answer);
    for (int j = 0; j < rows; ++j) {
      row.move_to(j);
      statements[i].each(row);
    }
    const std::string_view count = pq.PQcmdTuples(const_cast<PGresult*>(answer));
    statements[i].rows = rows;
    std::from_chars(count.data(), count.data() + count.size(), statements[i].rows);
  }
  return {};
}

std::optional<Error> PostgresqlConnection::exchange(const char* control, Deadline deadline,
                                                    Answer& answer) {
  send_control(control);
  if (pq.PQpipelineSync(handle_.get()) != 1) {
    return broken(first_line(pq.PQerrorMessage(handle_.get())));
  }
  answer = read_answer(deadline);
  if (!answer || !read_sync(deadline)) return lost();
  const auto status = pq.PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK) return std::nullopt;
  return error(answer.get(), control);
}

Result<void> PostgresqlConnection::run_script(std::string_view text, Deadline deadline) {
  may_fare_better_ = false;
  if (is_broken_) return fail(lost());
  if (begins_ && !in_transaction_) {
    Answer answer;
    if (auto error = exchange("BEGIN", deadline, answer)) return fail(*std::move(error));
    in_transaction_ = true;
  }
  // Several statements in one text are the simple protocol's, which a pipeline does not have.
  if (pq.PQexitPipelineMode(handle_.get()) != 1 ||
      pq.PQsendQuery(handle_.get(), std::string(text).c_str()) != 1) {
    return fail(broken(first_line(pq.PQerrorMessage(handle_.get()))));
  }
  std::optional<Error> failure;
  while (auto answer = next_result(deadline)) {
    const auto status = pq.PQresultStatus(answer.get());
    const bool good =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (good || failure) continue;
    failure = error(answer.get(), "a script");
  }
  if (error_) return fail(lost());
  if (pq.PQstatus(handle_.get()) == CONNECTION_BAD || pq.PQenterPipelineMode(handle_.get()) != 1) {
    return fail(broken(failure ? failure->reason : "the connection to the database is lost"));
  }
  if (!failure) return {};
  has_failed_ = in_transaction_;
  return fail(*std::move(failure));
}

std::optional<Error> PostgresqlConnection::commit(Deadline deadline) {
  may_fare_better_ = false;
  begins_ = false;
  if (is_broken_) return lost();
  if (!in_transaction_) return std::nullopt;
  in_transaction_ = has_failed_ = false;
  Answer answer;
  auto error = exchange("COMMIT", deadline, answer);
  if (error) {
    if (is_broken_) error->reason = "whether a COMMIT stands is unknown: " + error->reason;
    return error;
  }
  if (std::string_view(pq.PQcmdStatus(answer.get())) == "COMMIT") return std::nullopt;
  return Error{Errc::internal, {}, "a COMMIT was answered with a rollback"};
}

void PostgresqlConnection::roll_back(Deadline deadline) noexcept {
  begins_ = false;
  has_failed_ = false;
  if (is_broken_ || !std::exchange(in_transaction_, false)) return;
  try {
    Answer answer;
    if (exchange("ROLLBACK", deadline, answer)) is_broken_ = true;
  } catch (...) {
    is_broken_ = true;
  }
}

Error PostgresqlConnection::error(const PGresult* answer, std::string_view text) {
  is_fault_ = false;
  const auto field = [&](int code) -> std::string {
    const char* words = pq.PQresultErrorField(answer, code);
    return words != nullptr ? words : "";
  };
  const auto state = field(PG_DIAG_SQLSTATE);
  const auto kind = state.substr(0, std::min<std::size_t>(2, state.size()));
  if (state == "23505") return {Errc::conflict, {}, conflicting_columns(answer)};
  // Data exceptions quote the data, which may be a secret.
  if (kind == "22") {
    return {Errc::bad_request,
            {"The database cannot store this value.", {}},
            "SQLSTATE " + state + ", in: " + std::string(text)};
  }
  const auto reason = field(PG_DIAG_MESSAGE_PRIMARY) + " (" + state + ")";
  if (kind == "23") {
    // Another transaction may have deleted, or have begun to refer to, what this one believed in.
    may_fare_better_ = state == "23503";
    return {Errc::internal, {}, reason + ", in: " + std::string(text)};
  }
  const auto unavailable = [&](bool breaks) {
    is_broken_ = is_broken_ || breaks;
    // Others of these stay as they are however often they are asked.
    may_fare_better_ = state == "40001" || state == "40P01" || state == "0A000" ||
                       state == "26000" || state == "42P05" || kind == "08" ||
                       (kind == "57" && state != "57014");
    return Error::unavailable(reason);
  };
  // Lost to another, locked, too slow, full, not allowed: nothing is wrong with the connection.
  if (state == "40001" || state == "40P01" || state == "55P03" || state == "57014" ||
      state == "53100" || state == "53200" || state == "42501") {
    return unavailable(false);
  }
  // Read-only: has another host become the primary? The only one is as it is.
  if (state == "25006") return unavailable(has_other_hosts_);
  // A plan or a prepared statement that is no more is made anew with the connection.
  if (state == "0A000" || state == "26000" || state == "42P05" || kind == "08" || kind == "53" ||
      kind == "57" || kind == "58" || kind == "25" || kind == "28" || kind == "XX" ||
      state.empty()) {
    auto error = unavailable(true);
    if (state == "26000" || state == "42P05") {
      error.reason += "; where URL is a transaction-mode pooler, set DATABASE.LISTEN_URL";
    }
    return error;
  }
  is_fault_ = true;
  return {Errc::internal, {}, reason + ", in: " + std::string(text)};
}

}  // namespace easyjwt::db
