#include "easyjwt/token/event.hpp"

#include <array>
#include <optional>
#include <utility>

namespace easyjwt {
namespace {

constexpr std::array types{Event::Type::family_revoked, Event::Type::user_void,
                           Event::Type::user_changed};
constexpr std::int64_t latest = 253402300799;  // the end of year 9999
constexpr std::int64_t million = 1'000'000;

tl::unexpected<Error> wrong(std::string_view name) {
  return fail(Errc::parse_error, {}, "an event's \"" + std::string(name) + "\" is wrong");
}

std::optional<std::int64_t> whole_number(const json::object& members, std::string_view name,
                                         std::int64_t most) {
  const auto* value = members.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const auto number = value->get_int64();
  if (number < 0 || number > most) return std::nullopt;
  return number;
}

std::optional<std::string> text(const json::value* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto& string = value->get_string();
  if (string.empty() || string.size() > max_event_text) return std::nullopt;
  return std::string(string);
}

std::optional<Event::User> user(const json::object& members) {
  const auto* value = members.if_contains("user");
  if (value != nullptr && value->is_int64()) return Event::User(value->get_int64());
  if (auto id = text(value)) return Event::User(*std::move(id));
  return std::nullopt;
}

}  // namespace

Event Event::family_revoked(std::string family, Time until) {
  return {.type = Type::family_revoked, .family = std::move(family), .until = until};
}
Event Event::user_void(User user, Time before, Time until) {
  return {.type = Type::user_void, .user = std::move(user), .before = before, .until = until};
}
Event Event::user_changed(User user) {
  return {.type = Type::user_changed, .user = std::move(user)};
}

std::string_view to_string(Event::Type type) noexcept {
  switch (type) {
    case Event::Type::family_revoked: return "family_revoked";
    case Event::Type::user_void: return "user_void";
    case Event::Type::user_changed: break;
  }
  return "user_changed";
}

json::object to_json(const Event& event) {
  json::object out{{"type", to_string(event.type)}};
  if (event.type == Event::Type::family_revoked) {
    out.emplace("family", event.family);
  } else {
    std::visit([&](const auto& id) { out.emplace("user", id); }, event.user);
  }
  if (event.type == Event::Type::user_void) {
    out.emplace("before", event.before.time_since_epoch().count());
  }
  if (event.type != Event::Type::user_changed) {
    out.emplace("until",
                std::chrono::ceil<std::chrono::seconds>(event.until).time_since_epoch().count());
  }
  return out;
}

Result<Event> parse_event(const json::value& value) {
  if (!value.is_object()) return fail(Errc::parse_error, {}, "an event is no object");
  const auto& members = value.get_object();
  const auto name = text(members.if_contains("type"));
  if (!name) return wrong("type");
  std::optional<Event::Type> type;
  for (const auto each : types) {
    if (to_string(each) == *name) type = each;
  }
  if (!type) return wrong("type");

  Event event{.type = *type};
  if (*type == Event::Type::family_revoked) {
    auto family = text(members.if_contains("family"));
    if (!family) return wrong("family");
    event.family = *std::move(family);
  } else {
    auto id = user(members);
    if (!id) return wrong("user");
    event.user = *std::move(id);
  }
  if (*type == Event::Type::user_void) {
    const auto before = whole_number(members, "before", latest * million);
    if (!before) return wrong("before");
    event.before = Time{std::chrono::microseconds{*before}};
  }
  if (*type != Event::Type::user_changed) {
    const auto until = whole_number(members, "until", latest);
    if (!until) return wrong("until");
    event.until = from_epoch_seconds(*until);
  }
  return event;
}

}  // namespace easyjwt
