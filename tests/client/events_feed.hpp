#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/json.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/token/event.hpp"
#include "fetch/scripted_server.hpp"

namespace easyjwt::test {

/// What an auth-service answers on GET /auth/events/: a snapshot in pages, then what happens, to
/// requests that are held. Cursors are "ERA.s.PAGE" and "ERA.e.COUNT". Any thread.
class EventsFeed {
 public:
  explicit EventsFeed(const jose::Key& key, std::string kid = {})
      : key_(key), kid_(std::move(kid)) {}

  std::string respond(const std::string& request) {
    std::unique_lock lock(mutex_);
    const auto after = value_of(request, "after");
    if (after.empty()) return snapshot(0);
    const auto era = std::to_string(era_);
    if (after.substr(0, after.find('.')) != era) return answer("{}", "", "410 Gone");
    const auto number = std::stoul(after.substr(after.rfind('.') + 1));
    if (after.find(".s.") != after.npos) return snapshot(number);
    const std::chrono::seconds wait{std::stol(value_of(request, "wait"))};
    if (holds_) changed_.wait_for(lock, wait, [&] { return events_.size() > number || ended_; });
    if (ended_) return {};
    const auto end = std::min(number + page_size_, events_.size());
    return answer(page({events_.begin() + static_cast<std::ptrdiff_t>(number),
                        events_.begin() + static_cast<std::ptrdiff_t>(end)},
                       "e." + std::to_string(end), false, end < events_.size()),
                  content_type);
  }

  void happens(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    changed_.notify_all();
  }
  /// Cursors of before are gone; what counts is `pages`.
  void begin(std::vector<std::vector<Event>> pages) {
    {
      const std::lock_guard lock(mutex_);
      ++era_;
      snapshot_ = std::move(pages);
      events_.clear();
    }
    changed_.notify_all();
  }
  void set_page_size(std::size_t size) {
    const std::lock_guard lock(mutex_);
    page_size_ = size;
  }
  /// Ends what is held: those connections are closed.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
  }

  std::string sign(std::string_view payload, std::string_view typ = jose::events_typ) const {
    std::string out;
    jose::sign_compact(payload, key_, jose::make_header(key_.algorithm(), typ, kid_), out);
    return out;
  }
  static std::string payload(
      const std::vector<Event>& events, std::string_view cursor, bool is_snapshot, bool has_more,
      Time at = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now())) {
    json::array list;
    for (const auto& event : events) list.emplace_back(to_json(event));
    std::string out;
    append_json(out, json::object{{"events", std::move(list)},
                                  {"cursor", cursor},
                                  {"snapshot", is_snapshot},
                                  {"more", has_more},
                                  {"at", at.time_since_epoch().count()}});
    return out;
  }
  static constexpr std::string_view content_type = "Content-Type: application/jwt\r\n";

  static std::string value_of(const std::string& request, std::string_view name) {
    const auto line = request.substr(0, request.find(" HTTP/"));
    for (const char before : {'?', '&'}) {
      const auto at = line.find(before + std::string(name) + '=');
      if (at == line.npos) continue;
      const auto begin = at + name.size() + 2;
      return line.substr(begin, line.find('&', begin) - begin);
    }
    return {};
  }

 private:
  std::string page(const std::vector<Event>& events, const std::string& cursor, bool is_snapshot,
                   bool has_more) const {
    return sign(payload(events, std::to_string(era_) + "." + cursor, is_snapshot, has_more));
  }
  std::string snapshot(std::size_t number) const {
    if (snapshot_.empty()) return answer(page({}, "e.0", true, false), content_type);
    const bool is_last = number + 1 == snapshot_.size();
    return answer(page(snapshot_.at(number), is_last ? "e.0" : "s." + std::to_string(number + 1),
                       true, !is_last),
                  content_type);
  }

  const jose::Key& key_;
  const std::string kid_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int era_ = 1;
  std::vector<std::vector<Event>> snapshot_;
  std::vector<Event> events_;
  std::size_t page_size_ = 1000;
  bool holds_ = true;
  bool ended_ = false;
};

}  // namespace easyjwt::test
