#include "service/admin/token_views.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/user_list_store.hpp"
#include "service/admin/form.hpp"
#include "service/admin/picker.hpp"

namespace easyjwt::admin {
namespace {

/// Of ten million tokens nobody wants to know how many there are exactly, nor read the last page.
constexpr std::int64_t most_counted = 10'000;
/// Users whose e-mails begin as somebody says: of more, the first.
constexpr std::int64_t most_users = 1000;
/// From so many digits on it is a jti that somebody looks for, and no e-mail.
constexpr std::size_t least_of_jti = 8;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string page_of(const Model& model, std::int64_t id, std::string_view page) {
  return model.path() + std::to_string(id) + '/' + std::string(page) + '/';
}

std::string shown(const std::optional<Time>& time) { return time ? shown_time(*time) : "—"; }

Cell user_cell(const Visit& visit, const TokenRow& token) {
  if (token.user_email.empty()) return {.text = "—"};
  Cell cell{.text = token.user_email};
  if (visit.may(Verb::view, user_model)) cell.path = page_of(user_model, *token.user_id, "change");
  return cell;
}

/// As Django names it.
std::string name_of(const TokenRow& token) {
  const auto whose = token.user_email.empty() ? "None" : token.user_email;
  return "Token for " + whose + " (" + token.jti + ')';
}

bool may_blacklist(const Visit& visit) { return visit.may(Verb::add, blacklisted_model); }

std::string blacklisted_message(const TokenRow& token) {
  json::object what;
  what["name"] = "blacklisted token";
  what["object"] = token.jti;
  json::object part;
  part["added"] = std::move(what);
  std::string text;
  append_json(text, json::array{std::move(part)});
  return text;
}

}  // namespace

/// What somebody looks for: a jti, or the beginning of one; else the user whose e-mail it is, or
/// those whose e-mails begin so.
Result<TokenQuery> TokenViews::read(const ListQuery& query, bool only_blacklisted) const {
  TokenQuery wanted{.only_blacklisted = only_blacklisted};
  auto order = query.get("o");
  wanted.descending = order.empty() || order.starts_with('-');
  if (order.starts_with('-')) order.erase(0, 1);
  if (order == "expires") wanted.order = TokenQuery::Order::expires_at;
  wanted.offset = (query.page() - 1) * List::page_size;
  const auto search = lower(strip(query.search()));
  if (search.empty()) return wanted;
  if (search.size() >= least_of_jti && is_hex(search)) {
    wanted.jti = search;
    return wanted;
  }
  wanted.users.emplace();
  if (search.find('\0') != search.npos) return wanted;
  const auto done = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    const std::string whole(strip(query.search()));
    const auto known = TokenStore(transaction).find_id(whole);
    if (!known) return fail(known.error());
    if (*known) {  // another program's: ours are hexadecimal digits
      wanted.users.reset();
      wanted.jti = whole;
      return {};
    }
    wanted.users.emplace();
    UserStore users(transaction);
    // Whole it is found at once, among however many that begin alike.
    const auto exact = users.find_by_email(whole);
    if (!exact) return fail(exact.error());
    if (*exact) {
      wanted.users->push_back((*exact)->id);
      return {};
    }
    return UserListStore(transaction)
        .list({.ordering = "email", .words = words_of(search), .limit = most_users},
              [&](const User& user) {
                if (lower(user.email).starts_with(search)) {
                  wanted.users->push_back(user.id);
                }
              });
  });
  if (!done) return fail(done.error());
  return wanted;
}

http::Reply TokenViews::list(const Visit& visit, bool only_blacklisted) const {
  const auto& model = only_blacklisted ? blacklisted_model : outstanding_model;
  const ListQuery query(visit.request);
  const auto wanted = read(query, only_blacklisted);
  if (!wanted) return wanted.error();
  const std::string order = wanted->order == TokenQuery::Order::id ? "id" : "expires";
  List list{.columns = {{Text{"jti"}}, {Text{"User"}}},
            .search_label = Text{"E-mail address of the user, or the jti: whole, or how it begins"},
            .order = (wanted->descending ? "-" : "") + (only_blacklisted ? "id" : order)};
  if (only_blacklisted) {
    list.columns.push_back({Text{"Blacklisted"}, "id"});
    list.columns.push_back({Text{"Expires"}});
  } else {
    list.columns.push_back({Text{"Created"}, "id"});
    list.columns.push_back({Text{"Expires"}, "expires"});
    list.columns.push_back({Text{"Blacklisted"}});
    if (may_blacklist(visit)) {
      list.actions.push_back({"blacklist", Text{"Blacklist the chosen tokens"}});
    }
  }
  if (wanted->offset >= most_counted) return Error{Errc::not_found};
  const auto done = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    list.rows.clear();
    TokenStore store(transaction);
    const auto count = store.count(*wanted, most_counted + 1);
    if (!count) return fail(count.error());
    list.is_more = *count > most_counted;
    list.count = std::min(*count, most_counted);
    return store.list(*wanted, [&](const TokenRow& token) {
      const auto id = only_blacklisted ? *token.blacklist_id : token.id;
      ListRow row{.id = std::to_string(id),
                  .name = token.jti,
                  .cells = {{.text = token.jti, .path = page_of(model, id, "change")},
                            user_cell(visit, token)}};
      if (only_blacklisted) {
        row.cells.push_back({.text = shown(token.blacklisted_at)});
        row.cells.push_back({.text = shown_time(token.expires_at)});
      } else {
        row.cells.push_back({.text = shown(token.created_at)});
        row.cells.push_back({.text = shown_time(token.expires_at)});
        row.cells.push_back(Cell::flag(token.blacklisted_at.has_value()));
      }
      list.rows.push_back(std::move(row));
    });
  });
  if (!done) return done.error();
  return site_.render(visit, "admin_list", to_json(list, query, site_, visit),
                      {.title = {model.titles, {}}});
}

http::Reply TokenViews::act(const Visit& visit) const {
  const auto form = html::read_form(visit.request);
  const auto ids = read_ids(form, "chosen");
  if (html::value_of(form, "action") != "blacklist" || ids.empty()) {
    return site_.done(visit, outstanding_model.path(),
                      Text{"Choose some of the list and what is to be done with them."});
  }
  if (!may_blacklist(visit)) return Error{Errc::permission_denied};
  if (html::value_of(form, "sure").empty()) return confirm(visit, ids);
  const auto n = blacklist(visit, ids);
  if (!n) return n.error();
  return site_.done(visit, outstanding_model.path(),
                    {"Tokens that were blacklisted: {}", {std::to_string(*n)}});
}

http::Reply TokenViews::show(const Visit& visit) const {
  const auto token = find(visit);
  if (!token) return token.error();
  return show(visit, *token, outstanding_model);
}

http::Reply TokenViews::blacklist(const Visit& visit) const {
  const auto token = find(visit);
  if (!token) return token.error();
  if (!may_blacklist(visit)) return Error{Errc::permission_denied};
  if (html::value_of(html::read_form(visit.request), "sure").empty()) {
    return confirm(visit, {token->id});
  }
  const auto n = blacklist(visit, {token->id});
  if (!n) return n.error();
  return site_.done(
      visit, page_of(outstanding_model, token->id, "change"),
      *n > 0 ? Text{"The token was blacklisted."} : Text{"The token had been blacklisted before."});
}

http::Reply TokenViews::show_blacklisted(const Visit& visit) const {
  const auto id = read_id(visit.request.params[0]);
  if (!id) return Error{Errc::not_found};
  const auto token = site_.tools().database.read(
      [&](db::Transaction& transaction) -> Result<std::optional<TokenRow>> {
        TokenStore store(transaction);
        const auto token_id = store.find_id_of_blacklisted(*id);
        if (!token_id) return fail(token_id.error());
        if (!*token_id) return std::nullopt;
        return store.find(**token_id);
      });
  if (!token) return token.error();
  if (!*token) return Error{Errc::not_found};
  return show(visit, **token, blacklisted_model);
}

http::Reply TokenViews::history(const Visit& visit) const {
  const auto token = find(visit);
  if (!token) return token.error();
  return log_.of_object(visit, outstanding_model, name_of(*token));
}

Result<TokenRow> TokenViews::find(const Visit& visit) const {
  const auto id = read_id(visit.request.params[0]);
  if (!id) return fail(Errc::not_found);
  const auto token = site_.tools().database.read(
      [&](db::Transaction& transaction) { return TokenStore(transaction).find(*id); });
  if (!token) return fail(token.error());
  if (!*token) return fail(Errc::not_found);
  return **token;
}

http::Reply TokenViews::show(const Visit& visit, const TokenRow& token, const Model& model) const {
  const bool is_outstanding = &model == &outstanding_model;
  std::vector<html::Field> fields;
  const auto add = [&](std::string_view name, Text label, std::string value) {
    fields.push_back({.name = name,
                      .label = std::move(label),
                      .kind = html::Field::Kind::read_only,
                      .value = std::move(value)});
  };
  add("jti", Text{"jti"}, token.jti);
  add("user", Text{"User"}, token.user_email.empty() ? "—" : token.user_email);
  add("created_at", Text{"Created"}, shown(token.created_at));
  add("expires_at", Text{"Expires"}, shown_time(token.expires_at));
  add("blacklisted_at", Text{"Blacklisted"},
      token.blacklisted_at ? shown_time(*token.blacklisted_at) : site_.text(visit, Text{"No"}));
  add("token", Text{"Token"},
      site_.text(visit, Text{"Not shown: whoever has it can do what the user can."}));
  FormPage page{.fieldsets = {{.fields = std::move(fields)}}};
  if (const auto cell = user_cell(visit, token); !cell.path.empty()) {
    page.tools.push_back({Text{"User"}, cell.path});
  }
  if (is_outstanding) {
    page.tools.push_back({Text{"History"}, page_of(model, token.id, "history")});
    if (may_blacklist(visit) && !token.blacklisted_at) page.save = Text{"Blacklist"};
  } else if (visit.may(Verb::view, outstanding_model)) {
    page.tools.push_back(
        {Text{"Outstanding token"}, page_of(outstanding_model, token.id, "change")});
  }
  return site_.render(
      visit, "admin_form", to_json(page, {}, site_, visit),
      {.title = is_outstanding ? Text{"Outstanding token"} : Text{"Blacklisted token"},
       .path = {{{model.titles, {}}, model.path()}}});
}

http::Reply TokenViews::confirm(const Visit& visit, const std::vector<std::int64_t>& ids) const {
  DeletePage page{.question = Text{"Blacklist these tokens? They cannot be used again, and what "
                                   "their logins began ends: all tokens that were made from them. "
                                   "This cannot be undone."},
                  .back = outstanding_model.path(),
                  .parts_title = Text{"Tokens"},
                  .yes = Text{"Yes, blacklist"}};
  const auto done = site_.tools().database.read([&](db::Transaction& transaction) -> Result<void> {
    page.parts.clear();
    for (const auto id : ids) {
      const auto token = TokenStore(transaction).find(id);
      if (!token) return fail(token.error());
      if (*token && !(*token)->blacklisted_at) page.parts.push_back({"{}", {name_of(**token)}});
    }
    return {};
  });
  if (!done) return done.error();
  if (visit.request.params[0].empty()) {
    page.hidden.emplace_back("action", "blacklist");
    for (const auto id : ids) page.hidden.emplace_back("chosen", std::to_string(id));
  } else {
    page.back = page_of(outstanding_model, ids[0], "change");
  }
  return site_.render(visit, "admin_delete", to_json(page, site_, visit),
                      {.title = Text{"Are you sure?"},
                       .path = {{{outstanding_model.titles, {}}, outstanding_model.path()}}});
}

Result<std::int64_t> TokenViews::blacklist(const Visit& visit,
                                           const std::vector<std::int64_t>& ids) const {
  std::int64_t n = 0;
  for (const auto id : ids) {
    // One by one: each takes locks of its own family, which logins and rotations take, too.
    const auto done =
        site_.tools().database.write([&](db::Transaction& transaction) -> Result<bool> {
          const auto token = TokenStore(transaction).find(id);
          if (!token) return fail(token.error());
          if (!*token) return false;
          const auto first = site_.tools().tokens->blacklist(transaction, id);
          if (!first || !*first) return first;
          const auto recorded =
              site_.record(transaction, visit, outstanding_model, std::to_string(id),
                           name_of(**token), AdminAction::change, blacklisted_message(**token));
          if (!recorded) return fail(recorded.error());
          return true;
        });
    if (!done) return fail(done.error());
    n += *done ? 1 : 0;
  }
  return n;
}

}  // namespace easyjwt::admin
