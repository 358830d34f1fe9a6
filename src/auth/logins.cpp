#include "easyjwt/auth/logins.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <vector>

#include "easyjwt/core/pause.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds period{2};
constexpr std::chrono::hours between_cleanings{1};
/// What one transaction does: some milliseconds of SQLite's one writer.
constexpr std::size_t batch_size = 100;
constexpr std::int64_t kept_refusals = 20;  ///< of a user and an hour
constexpr std::size_t most_refusals = 1000;
constexpr std::size_t most_successes = 10'000;
constexpr std::size_t longest_email = 254;  ///< of the column

/// Never empty.
std::string words_of(const Error& error) {
  return error.reason.empty() ? std::string(describe(error.code).text) : error.reason;
}

Time hour_of(Time at) { return std::chrono::floor<std::chrono::hours>(at); }

}  // namespace

void Logins::Batch::count(Time at, std::string_view what, LoginHow how) {
  ++counts[{hour_of(at), what, how}];
}

void Logins::Batch::trim() {
  while (successes.size() > most_successes) successes.pop_front();
  while (refusals.size() > most_refusals) refusals.pop_front();
}

Logins::Logins(db::Database& database, std::chrono::seconds kept, Clock clock, Log log)
    : database_(database),
      kept_(kept),
      clock_(std::move(clock)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Logins::succeeded(std::int64_t user_id, Time at, LoginHow how) {
  const std::lock_guard lock(mutex_);
  waiting_.count(at, LoginCount::succeeded, how);
  waiting_.successes.push_back({user_id, at, how});
  waiting_.trim();
}

void Logins::refused(std::string_view email, LoginHow how, const Visitor& visitor) {
  const auto at = clock_();
  const std::lock_guard lock(mutex_);
  waiting_.count(at, LoginCount::refused, how);
  if (email.size() > longest_email) return;
  waiting_.refusals.push_back({Secret(std::string(email)), at, how, visitor});
  waiting_.trim();
}

void Logins::run(const std::stop_token& stop) {
  auto cleaned = steady_clock::time_point::min();
  while (pause(stop, period)) {
    write();
    if (const auto now = steady_clock::now(); cleaned + between_cleanings < now) {
      cleaned = now;
      clean(stop);
    }
  }
  write();
}

void Logins::write() {
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    std::swap(batch, waiting_);
  }
  if (batch.empty()) return;
  std::string failure;
  try {
    auto done = write_refusals(batch);
    if (done) done = find_first_logins(batch);
    if (done) done = write_counts(batch);
    if (!done) failure = words_of(done.error());
    // What the database does not take now it never takes.
    if (!done && done.error().code != Errc::unavailable) batch.refusals.clear();
  } catch (const std::exception& fault) {
    failure = fault.what();
  }
  tell(failure);
  if (failure.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto put_before = [](auto& newer, auto& older) {
    newer.insert(newer.begin(), std::move_iterator(older.begin()), std::move_iterator(older.end()));
  };
  put_before(waiting_.successes, batch.successes);
  put_before(waiting_.refusals, batch.refusals);
  waiting_.trim();
  for (const auto& [hour, n] : batch.counts) waiting_.counts[hour] += n;
}

Result<void> Logins::write_refusals(Batch& batch) {
  auto& refusals = batch.refusals;
  while (!refusals.empty()) {
    const auto size = std::min(batch_size, refusals.size());
    const auto end = refusals.begin() + static_cast<std::ptrdiff_t>(size);
    // By users and hours, the newest first.
    std::map<std::pair<std::int64_t, Time>, std::vector<const Refusal*>> of_users;
    const auto found = database_.read([&](db::Transaction& transaction) -> Result<void> {
      of_users.clear();
      for (auto refusal = end; refusal != refusals.begin();) {
        --refusal;
        const auto user = UserStore(transaction).find_by_email(refusal->email.view());
        if (!user) return fail(user.error());
        if (!*user) continue;
        auto& of_user = of_users[{(*user)->id, hour_of(refusal->at)}];
        if (of_user.size() < kept_refusals) of_user.push_back(&*refusal);
      }
      return {};
    });
    if (!found) return found;
    if (!of_users.empty()) {
      const auto written = database_.write([&](db::Transaction& transaction) -> Result<void> {
        LoginStore store(transaction);
        for (const auto& [of, rows] : of_users) {
          const auto& [user_id, hour] = of;
          for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
            const auto added = store.add({.user_id = user_id,
                                          .at = (*row)->at,
                                          .succeeded = false,
                                          .how = std::string(to_string((*row)->how)),
                                          .address = (*row)->visitor.address,
                                          .user_agent = (*row)->visitor.user_agent});
            if (!added) return added;
          }
          const auto trimmed =
              store.trim_refused(user_id, hour, hour + std::chrono::hours{1}, kept_refusals);
          if (!trimmed) return trimmed;
        }
        return {};
      });
      if (!written) return written;
    }
    refusals.erase(refusals.begin(), end);
  }
  return {};
}

Result<void> Logins::find_first_logins(Batch& batch) {
  using Day = std::chrono::sys_days;
  std::map<std::pair<std::int64_t, Day>, const Success*> earliest;
  for (const auto& success : batch.successes) {
    auto& known = earliest[{success.user_id, std::chrono::floor<std::chrono::days>(success.at)}];
    if (known == nullptr || success.at < known->at) known = &success;
  }
  if (earliest.empty()) return {};
  std::vector<const Success*> first;
  const auto found = database_.read([&](db::Transaction& transaction) -> Result<void> {
    first.clear();
    for (const auto& [of, success] : earliest) {
      const auto earlier =
          LoginStore(transaction).has_logged_in(of.first, Time(of.second), success->at);
      if (!earlier) return fail(earlier.error());
      if (!*earlier) first.push_back(success);
    }
    return {};
  });
  if (!found) return found;
  for (const auto* success : first) batch.count(success->at, LoginCount::first, success->how);
  batch.successes.clear();
  return {};
}

Result<void> Logins::write_counts(Batch& batch) {
  if (batch.counts.empty()) return {};
  // In one order on all nodes: nobody waits in a circle.
  const auto written = database_.write([&](db::Transaction& transaction) -> Result<void> {
    for (const auto& [of, n] : batch.counts) {
      const auto& [hour, what, how] = of;
      const auto added = LoginStore(transaction)
                             .add_count({.hour = hour,
                                         .what = std::string(what),
                                         .how = std::string(to_string(how)),
                                         .n = n});
      if (!added) return added;
    }
    return {};
  });
  if (written) batch.counts.clear();
  return written;
}

void Logins::clean(const std::stop_token& stop) {
  const auto old = clock_() - kept_;
  std::string failure;
  try {
    for (const auto flush : {&LoginStore::flush, &LoginStore::flush_counts}) {
      for (;;) {
        const auto begun = steady_clock::now();
        const auto deleted = database_.write([&](db::Transaction& transaction) {
          return (LoginStore(transaction).*flush)(old, batch_size);
        });
        if (!deleted) failure = words_of(deleted.error());
        if (!deleted || *deleted < static_cast<std::int64_t>(batch_size)) break;
        // Requests wait for half of the time at most.
        if (!pause(stop, steady_clock::now() - begun)) return;
      }
    }
  } catch (const std::exception& fault) {
    failure = fault.what();
  }
  if (!failure.empty()) {
    log_(LogLevel::warning, "old logins were not all deleted", {{"reason", failure}});
  }
}

void Logins::tell(const std::string& failure) {
  if (failure == told_) return;
  told_ = failure;
  if (failure.empty()) {
    log_(LogLevel::info, "logins are recorded again", {});
  } else {
    log_(LogLevel::warning, "logins cannot be recorded", {{"reason", failure}});
  }
}

}  // namespace easyjwt
