#include "service/auth_api/user_views.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/percent.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/core/waiting.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "easyjwt/user/validators.hpp"
#include "service/body.hpp"
#include "service/revocation_feed.hpp"
#include "service/visitor.hpp"

namespace easyjwt {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::int64_t default_page_size = 100;
constexpr std::int64_t max_page_size = 1000;

/// A decimal number of at least 1 without a sign; nullopt for anything else.
std::optional<std::int64_t> positive(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

/// This list's address with another page, as REST framework's pagination writes it: parameters in
/// alphabetical order, none for the first page.
std::string page_link(const Request& request, const http::Form& query, std::int64_t page) {
  std::multimap<std::string_view, std::string_view> parameters;
  for (const auto& [name, value] : query.fields()) {
    if (name != "page") parameters.emplace(name, value);
  }
  const auto number = std::to_string(page);
  if (page > 1) parameters.emplace("page", number);
  std::string link(request.scheme);
  link += "://";
  link += request.host;
  link += "/auth/users/";
  char before = '?';
  for (const auto& [name, value] : parameters) {
    link += before + percent_encode(name) + '=' + percent_encode(value);
    before = '&';
  }
  return link;
}

void append_optional(std::string& out, const std::optional<std::string>& text) {
  if (text) {
    append_json_string(out, *text);
  } else {
    out += "null";
  }
}

Reply invalid_page() { return Error{Errc::not_found, {"Invalid page.", {}}}; }

/// What a list asks for.
struct ListRequest {
  UserQuery query;
  http::Form parameters;
  std::string page;
};

ListRequest read_list_request(http::Form parameters) {
  ListRequest wanted;
  if (const auto* size = parameters.find("page_size")) {
    wanted.query.limit = std::min(positive(*size).value_or(default_page_size), max_page_size);
  }
  if (const auto* ordering = parameters.find("ordering")) {
    if (UserListStore::is_ordering(*ordering)) wanted.query.ordering = *ordering;
  }
  if (const auto* search = parameters.find("search")) {
    std::string_view rest = strip(*search);
    while (!rest.empty()) {
      const auto end = std::min(rest.find_first_of(" ,\t"), rest.size());
      if (end > 0) wanted.query.words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  const auto* page = parameters.find("page");
  wanted.page = page != nullptr ? *page : "1";
  wanted.parameters = std::move(parameters);
  return wanted;
}

Reply list_users(const Request& request, db::Database& database, ListRequest wanted) {
  auto& query = wanted.query;
  std::int64_t count = 0;
  std::int64_t page = 0;
  std::string results;
  const auto read = database.read([&](db::Transaction& transaction) -> Result<bool> {
    results.clear();
    UserListStore users(transaction);
    const auto counted = users.count(query);
    if (!counted) return fail(counted.error());
    count = *counted;
    const auto pages = std::max<std::int64_t>((count + query.limit - 1) / query.limit, 1);
    page = wanted.page == "last" ? pages : positive(wanted.page).value_or(0);
    if (page < 1 || page > pages) return false;
    query.offset = (page - 1) * query.limit;
    const auto listed = users.list(query, [&](const User& user) {
      if (!results.empty()) results += ',';
      append_token_user(results, user);
    });
    if (!listed) return fail(listed.error());
    return true;
  });
  if (!read) return read.error();
  if (!*read) return invalid_page();
  std::string body = "{\"count\":" + std::to_string(count) + ",\"next\":";
  append_optional(body, page * query.limit < count
                            ? std::optional(page_link(request, wanted.parameters, page + 1))
                            : std::nullopt);
  body += ",\"previous\":";
  append_optional(body, page > 1 ? std::optional(page_link(request, wanted.parameters, page - 1))
                                 : std::nullopt);
  body += ",\"results\":[" + results + "]}";
  return Response::json(std::move(body));
}

}  // namespace

void append_token_user(std::string& out, const User& user) {
  const auto boolean = [](bool value) { return value ? "true" : "false"; };
  out += "{\"id\":" + std::to_string(user.id) + ",\"first_name\":";
  append_json_string(out, user.first_name);
  out += ",\"email\":";
  append_json_string(out, user.email);
  out += ",\"last_name\":";
  append_json_string(out, user.last_name);
  out += ",\"date_joined\":\"" + to_rfc3339(user.date_joined) + "\",\"last_login\":";
  append_optional(out,
                  user.last_login ? std::optional(to_rfc3339(*user.last_login)) : std::nullopt);
  out += ",\"is_active\":";
  out += boolean(user.is_active);
  out += ",\"is_staff\":";
  out += boolean(user.is_staff);
  out += ",\"is_superuser\":";
  out += boolean(user.is_superuser);
  out += '}';
}

http::Handler create_user_view(Accounts& accounts, http::Guard guard, Welcome welcome) {
  return [&accounts, guard = std::move(guard),
          welcome = std::move(welcome)](const Request& request) -> Reply {
    if (const auto allowed = guard(request); !allowed) return allowed.error();
    const auto body = read_body(request);
    if (!body) return body.error();
    FieldReader fields(*body);
    NewUser user;
    if (auto email = fields.read({.name = "email", .max_length = 254})) {
      const auto taken = accounts.email_taken(*email);
      if (!taken) return taken.error();
      if (*taken) fields.add_error("email", {"This email already exists.", {}});
      if (!is_valid_email(*email)) fields.add_error("email", {"Enter a valid email address.", {}});
      user.email = *std::move(email);
    }
    if (auto password = fields.read({.name = "password"})) {
      for (auto& text : accounts.validate_password(*password, nullptr)) {
        fields.add_error("password", std::move(text));
      }
      user.password = *password;
      wipe(*password);
    }
    const auto optional_text = [&](std::string_view name, std::size_t size, bool null) {
      return fields.read({.name = name,
                          .required = false,
                          .allow_blank = true,
                          .allow_null = null,
                          .max_length = size});
    };
    user.first_name = optional_text("first_name", 150, false).value_or("");
    user.last_name = optional_text("last_name", 150, false).value_or("");
    user.phone = optional_text("phone", 15, true);
    if (!fields.good()) {
      wipe(user.password);
      return fields.error();
    }
    user.is_verified = !welcome;
    const auto created = accounts.create(user);
    wipe(user.password);
    if (!created) return created.error();
    if (welcome) welcome(*created, request);
    std::string answer = "{\"id\":" + std::to_string(created->id) + ",\"email\":";
    append_json_string(answer, created->email);
    answer += ",\"first_name\":";
    append_json_string(answer, created->first_name);
    answer += ",\"last_name\":";
    append_json_string(answer, created->last_name);
    answer += ",\"phone\":";
    append_optional(answer, created->phone);
    return Response::json(answer + "}", 201);
  };
}

http::Handler password_change_view(Accounts& accounts, Logins* logins, RevocationFeed& feed,
                                   http::Guard guard) {
  return [&accounts, logins, &feed, guard = std::move(guard)](const Request& request) -> Reply {
    if (const auto allowed = guard(request); !allowed) return allowed.error();
    const auto body = read_body(request);
    if (!body) return body.error();
    FieldReader fields(*body);
    auto password = fields.read({.name = "password"});
    auto new_password = fields.read({.name = "new_password"});
    const auto email = fields.read({.name = "email"});
    if (!fields.good()) return fields.error();
    const auto changed = accounts.change_password(*email, *password, *new_password);
    wipe(*password);
    wipe(*new_password);
    if (!changed) {
      const auto& error = changed.error();
      // It is as good as a login for who guesses passwords.
      if (logins != nullptr && !error.fields.empty() &&
          error.fields.front().field == "non_field_errors") {
        logins->refused(*email, LoginHow::password, visitor(request));
      }
      return error;
    }
    feed.let_second_pass();
    return Response::json("{}");
  };
}

http::Handler own_user_view(std::shared_ptr<const Authentication> who, db::Database& database,
                            const BoundSerializer* serializer) {
  return [who = std::move(who), &database, serializer](const Request& request) -> Reply {
    const auto user = who->require_user(request);
    if (!user) return user.error();
    std::string body;
    if (serializer == nullptr) {
      append_token_user(body, *user);
      return Response::json(std::move(body));
    }
    const auto shown = database.read(
        [&](db::Transaction& transaction) { return serializer->to_json(transaction, *user); });
    if (!shown) return shown.error();
    append_json(body, *shown);
    return Response::json(std::move(body));
  };
}

http::Handler user_list_view(std::shared_ptr<const Authentication> who, db::Database& database) {
  return [who = std::move(who), &database](const Request& request) -> Reply {
    if (const auto staff = who->require_staff(request); !staff) return staff.error();
    // Up to a thousand rows, or a scan for a word: more than a connection's thread should do.
    if (!may_wait()) return Error{Errc::would_wait};
    auto parameters = http::parse_urlencoded(request.query);
    if (!parameters) return parameters.error();
    return list_users(request, database, read_list_request(*std::move(parameters)));
  };
}

http::Handler user_detail_view(std::shared_ptr<const Authentication> who, Accounts& accounts) {
  return [who = std::move(who), &accounts](const Request& request) -> Reply {
    const auto caller = who->require_user(request);
    if (!caller) return caller.error();
    const auto id = positive(request.params[0]);
    // A stranger learns nothing of which ids there are.
    if (!caller->is_staff && id != caller->id) return Error{Errc::permission_denied};
    if (!id) return Error{Errc::not_found};
    const auto user = accounts.find_by_id(*id);
    if (!user) return user.error();
    if (!*user) return Error{Errc::not_found};
    std::string body;
    append_token_user(body, **user);
    return Response::json(std::move(body));
  };
}

}  // namespace easyjwt
