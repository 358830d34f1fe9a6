#include "service/admin/site.hpp"

#include <charconv>
#include <utility>

#include "easyjwt/core/waiting.hpp"
#include "easyjwt/http/cookies.hpp"
#include "service/html/next_url.hpp"

namespace easyjwt::admin {
namespace {

constexpr std::string_view home = "/admin/";

/// Carries a note from what was done to the page after it.
http::CookieSettings note_cookie(const http::Request& request) {
  return {.name = "easyjwt_note",
          .age = 60,
          .secure = request.scheme == "https",
          .http_only = true,
          .same_site = "Lax",
          .path = std::string(home)};
}

}  // namespace

std::string Model::permission(Verb verb) const {
  constexpr std::string_view verbs[] = {"view", "add", "change", "delete"};
  return std::string(name.app) + '.' + std::string(verbs[static_cast<std::size_t>(verb)]) + '_' +
         std::string(name.model);
}

bool Visit::may(Verb verb, const Model& model) const {
  return identity.has_perm(model.permission(verb)) ||
         (verb == Verb::view && identity.has_perm(model.permission(Verb::change)));
}

Site::Site(const AdminTools& tools) : tools_(tools), mac_(tools.settings, "easyjwt.admin.note") {}

http::Handler Site::for_staff(View view) const {
  return [this, view = std::move(view)](const http::Request& request) -> http::Reply {
    if (!may_wait()) return Error{Errc::would_wait};
    const auto session = tools_.sessions.find(request);
    if (!session) return session.error();
    if (!*session) {
      auto next = std::string(request.path);
      if (request.method != http::Method::post && !request.query.empty()) {
        next += '?' + std::string(request.query);
      }
      return html::redirect(html::with_next("/auth/login/", next));
    }
    const auto& user = (*session)->user;
    if (!user.is_staff) {
      return Error{Errc::permission_denied,
                   {"You are logged in as {}, who may not see this page.", {user.email}}};
    }
    if (request.method == http::Method::post) {
      if (auto own = tools_.renderer.csrf().check(request); !own) return own.error();
    }
    const auto identity = tools_.identities.of_local_user(user);
    if (!identity) return identity.error();
    return view({request, user, **identity});
  };
}

http::Handler Site::for_staff(Verb verb, const Model& model, View view) const {
  return for_staff([verb, &model, view = std::move(view)](const Visit& visit) -> http::Reply {
    if (!visit.may(verb, model)) return Error{Errc::permission_denied};
    return view(visit);
  });
}

http::Response Site::render(const Visit& visit, std::string_view name, json::object data,
                            Page page) const {
  html::Frame frame{.title = std::move(page.title),
                    .user = visit.user.email,
                    .links = {{Text{"Administration"}, std::string(home)}},
                    .messages = take_notes(visit),
                    .path = {},
                    .status = page.status};
  for (const auto* model : {&user_model, &group_model, &outstanding_model, &blacklisted_model}) {
    const bool is_here = model == &user_model || model == &group_model || has_tokens();
    if (is_here && visit.may(Verb::view, *model)) {
      frame.links.push_back({{model->titles, {}}, model->path()});
    }
  }
  frame.links.push_back({Text{"Account"}, "/accounts/profile/"});
  if (visit.request.path != home) {
    frame.path.push_back({Text{"Administration"}, std::string(home)});
    for (auto& link : page.path) frame.path.push_back(std::move(link));
  }
  auto response = tools_.renderer.render(name, std::move(data), frame, visit.request);
  if (!frame.messages.empty()) http::delete_cookie(response, note_cookie(visit.request));
  return response;
}

http::Response Site::done(const Visit& visit, std::string_view path, const Text& note) const {
  auto response = html::redirect(path);
  json::array parts{json::string(note.id)};
  for (const auto& argument : note.args) parts.emplace_back(json::string(argument));
  std::string written;
  append_json(written, parts);
  const auto text = base64url(written);
  http::set_cookie(response, note_cookie(visit.request),
                   text + '.' + mac_.make(std::to_string(visit.user.id) + '.' + text));
  return response;
}

std::vector<Text> Site::take_notes(const Visit& visit) const {
  const auto cookie = http::find_cookie(visit.request, note_cookie(visit.request).name);
  if (!cookie) return {};
  // Signed: what another site of the domain put here would stand on our page.
  const auto dot = cookie->find('.');
  if (dot == cookie->npos) return {};
  const auto text = cookie->substr(0, dot);
  if (!mac_.check(std::to_string(visit.user.id) + '.' + std::string(text),
                  cookie->substr(dot + 1))) {
    return {};
  }
  const auto decoded = decode_base64url(text);
  const auto parts = decoded ? parse_json(*decoded) : Result<json::value>(fail(Errc::parse_error));
  if (!parts || !parts->is_array() || parts->get_array().empty()) return {};
  // Looked up here: a Text's id is a literal's, and this one goes with `parts`.
  std::vector<std::string> texts;
  for (const auto& part : parts->get_array()) texts.emplace_back(part.as_string());
  const Text note{texts.front(), {texts.begin() + 1, texts.end()}};
  return {{"{}", {tools_.renderer.text(note, visit.request)}}};
}

Result<void> Site::record(db::Transaction& transaction, const Visit& visit, const Model& model,
                          std::string object_id, std::string object_name, AdminAction action,
                          std::string message) const {
  return AdminLogStore(transaction)
      .add({.at = tools_.clock(),
            .user_id = visit.user.id,
            .app = std::string(model.name.app),
            .model = std::string(model.name.model),
            .object_id = std::move(object_id),
            .object_name = std::move(object_name),
            .action = action,
            .message = std::move(message),
            .user_email = {}});
}

std::string added_message() { return R"([{"added": {}}])"; }

std::string changed_message(const std::vector<std::string_view>& fields) {
  if (fields.empty()) return "[]";
  std::string out = R"([{"changed": {"fields": [)";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_string(out, fields[i]);
  }
  return out + "]}}]";
}

std::string shown_time(Time time) {
  return to_sql_time(std::chrono::floor<std::chrono::seconds>(time));
}

std::optional<std::int64_t> read_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace easyjwt::admin
