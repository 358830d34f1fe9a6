#include "client/breaker.hpp"

#include <algorithm>

namespace easyjwt {
namespace {

Breaker::Settings within_bounds(Breaker::Settings settings) {
  settings.failures = std::max(settings.failures, 1U);
  settings.max_calls = std::max<std::size_t>(settings.max_calls, 1);
  settings.crowd = std::clamp<std::size_t>(settings.crowd, 1, settings.max_calls);
  return settings;
}

}  // namespace

Breaker::Breaker(Settings settings) : settings_(within_bounds(settings)) {}

Breaker::Ticket Breaker::begin_call(Time now) {
  if (const auto refused = admit(now); refused != Admission::admitted) return {refused, 0};
  if (calls_ == settings_.max_calls) return {Admission::full, 0};
  ++calls_;
  return count_one_more(now);
}

Breaker::Ticket Breaker::begin_waiting(Time now) {
  if (const auto refused = admit(now); refused != Admission::admitted) return {refused, 0};
  return count_one_more(now);
}

void Breaker::end_waiting(std::uint64_t number) noexcept {
  if (number > recovered_) --waiting_;
}

Breaker::Admission Breaker::admit(Time now) noexcept {
  if (open_) return Admission::open;
  if (waiting_ >= settings_.crowd && now - moved_ >= settings_.patience) {
    open(Cause::standstill);
    return Admission::opened;
  }
  return Admission::admitted;
}

/// What came before a crowd says nothing of it: after an idle hour nothing stands still.
Breaker::Ticket Breaker::count_one_more(Time now) noexcept {
  if (++waiting_ == settings_.crowd) moved_ = now;
  return {Admission::admitted, ++begun_};
}

Breaker::Change Breaker::end_call(std::uint64_t number, Outcome outcome, Time now) {
  --calls_;
  end_waiting(number);
  if (outcome == Outcome::unknown) return Change::none;
  moved_ = now;
  if (outcome == Outcome::answered) {
    answered_ = std::max(answered_, number);
    // A later one failed: the service was well, and is no more.
    if (number < failed_) return Change::none;
    failures_ = 0;
    if (!open_) return Change::none;
    open_ = false;
    return Change::closed;
  }
  // A timeout of a call that began before the service came back is no news.
  if (number <= answered_) return Change::none;
  failed_ = std::max(failed_, number);
  if (++failures_ < settings_.failures || open_) return Change::none;
  open(Cause::failures);
  return Change::opened;
}

Breaker::Change Breaker::recover() {
  failures_ = 0;
  waiting_ = 0;
  recovered_ = answered_ = begun_;
  if (!open_) return Change::none;
  open_ = false;
  return Change::closed;
}

void Breaker::open(Cause cause) noexcept {
  open_ = true;
  cause_ = cause;
}

}  // namespace easyjwt
