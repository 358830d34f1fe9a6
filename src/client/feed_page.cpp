#include "client/feed_page.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "easyjwt/core/json.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t max_cursor = 200;

tl::unexpected<Error> wrong(std::string_view name) {
  return fail(Errc::parse_error, {}, "a page's \"" + std::string(name) + "\" is wrong");
}

/// It goes into a URL as it is.
bool is_cursor(std::string_view text) {
  return !text.empty() && text.size() <= max_cursor &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::optional<bool> flag(const json::object& members, std::string_view name) {
  const auto* value = members.if_contains(name);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

}  // namespace

Result<FeedPage> parse_feed_page(std::string_view payload) {
  const auto value = parse_json(payload);
  if (!value || !value->is_object()) {
    return fail(Errc::parse_error, {}, "a page is no JSON object");
  }
  const auto& members = value->get_object();
  FeedPage page;
  const auto* cursor = members.if_contains("cursor");
  if (cursor == nullptr || !cursor->is_string() || !is_cursor(cursor->get_string())) {
    return wrong("cursor");
  }
  page.cursor = cursor->get_string();
  const auto is_snapshot = flag(members, "snapshot"), has_more = flag(members, "more");
  if (!is_snapshot) return wrong("snapshot");
  if (!has_more) return wrong("more");
  page.is_snapshot = *is_snapshot;
  page.has_more = *has_more;
  const auto* at = members.if_contains("at");
  if (at == nullptr || !at->is_int64() || at->get_int64() < 0) return wrong("at");
  page.at = Time{std::chrono::microseconds{at->get_int64()}};
  const auto* events = members.if_contains("events");
  if (events == nullptr || !events->is_array()) return wrong("events");
  page.events.reserve(events->get_array().size());
  for (const auto& each : events->get_array()) {
    auto event = parse_event(each);
    if (!event) return fail(std::move(event).error());
    page.events.push_back(*std::move(event));
  }
  return page;
}

}  // namespace easyjwt
