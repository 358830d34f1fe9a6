#include "service/admin/user_forms.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/group_store.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/remote_user_store.hpp"
#include "easyjwt/user/validators.hpp"
#include "service/admin/form.hpp"
#include "service/html/fields.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt::admin {
namespace {

using Kind = html::Field::Kind;

constexpr std::size_t longest_email = 254;
constexpr std::size_t longest_name = 150;
constexpr std::size_t longest_phone = 15;
constexpr std::size_t longest_location = std::size_t{64} * 1024;  // the column has no limit

bool is_post(const Visit& visit) { return visit.request.method == http::Method::post; }

std::string page_of(std::int64_t id, std::string_view page) {
  return user_model.path() + std::to_string(id) + '/' + std::string(page) + '/';
}

html::NavLink list_link() { return {{user_model.titles, {}}, user_model.path()}; }
html::NavLink user_link(const User& user) {
  return {{"{}", {user.email}}, page_of(user.id, "change")};
}

void add_error(Error& wrong, std::string_view field, Text text) {
  wrong.code = Errc::validation_error;
  wrong.fields.push_back({std::string(field), {std::move(text)}});
}

/// Control characters have no business in what is shown, mailed and logged; of several lines only
/// what ends them.
void check_text(Error& wrong, std::string_view field, std::string_view text, std::size_t longest,
                bool has_lines = false) {
  const auto is_control = [&](char c) {
    if (has_lines && (c == '\n' || c == '\r' || c == '\t')) return false;
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  if (std::ranges::any_of(text, is_control)) {
    add_error(wrong, field, Text{"Control characters are not allowed."});
  }
  if (const auto size = count_code_points(text); size > longest) {
    add_error(wrong, field,
              {"Ensure this value has at most {} characters (it has {}).",
               {std::to_string(longest), std::to_string(size)}});
  }
}

void check_email(Error& wrong, const std::string& email) {
  if (email.empty()) return add_error(wrong, "email", {html::required_field, {}});
  const auto before = wrong.fields.size();
  check_text(wrong, "email", email, longest_email);
  if (wrong.fields.size() == before && !is_valid_email(email)) {
    add_error(wrong, "email", Text{"Enter a valid email address."});
  }
}

/// Django's AdminPasswordChangeForm and UserCreationForm.
void check_passwords(Error& wrong, const Secret& first, const Secret& second,
                     const Accounts& accounts, const User& user) {
  const auto before = wrong.fields.size();
  for (const auto& [name, value] : {std::pair{"password1", &first}, {"password2", &second}}) {
    if (value->empty()) add_error(wrong, name, {html::required_field, {}});
  }
  if (wrong.fields.size() > before) return;
  if (first.view().find('\0') != std::string_view::npos) {
    return add_error(wrong, "password1", Text{"Null characters are not allowed."});
  }
  if (!equal_constant_time(first.view(), second.view())) {
    return add_error(wrong, "password2", Text{"The two password fields didn’t match."});
  }
  if (auto texts = accounts.validate_password(first.view(), &user); !texts.empty()) {
    wrong.code = Errc::validation_error;
    wrong.fields.push_back({"password2", std::move(texts)});
  }
}

std::vector<html::Field> password_fields() {
  return {{.name = "password1",
           .label = Text{"Password"},
           .type = "password",
           .autocomplete = "new-password"},
          {.name = "password2",
           .label = Text{"Password confirmation"},
           .type = "password",
           .autocomplete = "new-password",
           .help = Text{"Enter the same password as before, for verification."}}};
}

/// What `seen` is: of a row that somebody else has changed it is another one.
std::string state_of(const User& user) {
  return std::to_string(user.modified_date.time_since_epoch().count());
}

std::string text_of(const std::optional<std::string>& text) { return text.value_or(""); }

/// null stays null where nothing was typed.
std::optional<std::string> optional_of(const std::string& typed,
                                       const std::optional<std::string>& before) {
  if (typed.empty() && (!before || !before->empty())) return std::nullopt;
  return typed;
}

}  // namespace

/// A user as the form shows them, and what can be done there.
struct UserForms::Stored {
  User user;
  bool is_copy = false;
  bool can_change = false;  ///< anything
  bool is_beyond = false;   ///< it may do what who looks may not
  std::vector<std::int64_t> groups, permissions;
  std::vector<Group> all_groups;
  std::vector<PermissionRow> all_permissions;

  /// What the auth-service says of a copy is written anew at the next request.
  bool can_name() const { return can_change && !is_copy; }
};

/// What is in the form.
struct UserForms::Sent {
  explicit Sent(const Stored& stored)
      : seen(state_of(stored.user)),
        email(stored.user.email),
        first_name(stored.user.first_name),
        last_name(stored.user.last_name),
        phone(text_of(stored.user.phone)),
        location(text_of(stored.user.location)),
        is_active(stored.user.is_active),
        is_staff(stored.user.is_staff),
        is_superuser(stored.user.is_superuser) {
    groups.set_chosen(stored.groups);
    permissions.set_chosen(stored.permissions);
  }

  /// Whether it is to be saved. What cannot be changed is not read.
  bool read(const http::Form& form, const Stored& stored, bool is_superusers) {
    const auto text = [&](std::string_view name) {
      return std::string(strip(html::value_of(form, name)));
    };
    const auto flag = [&](std::string_view name) { return !html::value_of(form, name).empty(); };
    seen = html::value_of(form, "seen");
    if (stored.can_name()) {
      email = text("email");
      first_name = text("first_name");
      last_name = text("last_name");
      is_active = flag("is_active");
    }
    phone = text("phone");
    location = text("location");
    if (!is_superusers) return true;
    is_staff = flag("is_staff");
    is_superuser = flag("is_superuser");
    const bool shows_groups = groups.read(form);
    const bool shows_permissions = permissions.read(form);
    return !shows_groups && !shows_permissions;
  }

  void offer(const Stored& stored) {
    std::vector<PickerOption> options;
    for (const auto& group : stored.all_groups) options.push_back({group.id, group.name});
    groups.offer(options);
    options.clear();
    for (const auto& one : stored.all_permissions) {
      options.push_back({one.id, one.app + " | " + one.model + " | " + one.name});
    }
    permissions.offer(options);
  }

  Error check() const {
    Error wrong;
    check_email(wrong, email);
    check_text(wrong, "first_name", first_name, longest_name);
    check_text(wrong, "last_name", last_name, longest_name);
    check_text(wrong, "phone", phone, longest_phone);
    check_text(wrong, "location", location, longest_location, true);
    return wrong;
  }

  std::string seen, email, first_name, last_name, phone, location;
  bool is_active, is_staff, is_superuser;
  Picker groups{"groups", Text{"Groups"},
                Text{"A user gets all permissions granted to each of their groups."}};
  Picker permissions{"user_permissions", Text{"User permissions"},
                     Text{"Specific permissions for this user."}};
};

Result<User> UserForms::find(const Visit& visit) const {
  const auto id = read_id(visit.request.params[0]);
  if (!id) return fail(Errc::not_found);
  auto user = site_.tools().accounts.find_by_id(*id);
  if (!user) return fail(user.error());
  if (!*user) return fail(Errc::not_found);
  return **std::move(user);
}

Result<UserForms::Stored> UserForms::read(db::Transaction& transaction, const Visit& visit,
                                          const User& user) const {
  Stored stored{.user = user};
  const auto remote_id = RemoteUserStore(transaction).find_remote_id(user.id);
  if (!remote_id) return fail(remote_id.error());
  stored.is_copy = remote_id->has_value();
  const auto may = deeds_.may_touch(transaction, visit, user);
  if (!may) return fail(may.error());
  stored.is_beyond = !*may;
  stored.can_change = *may && visit.may(Verb::change, user_model);
  GroupStore groups(transaction);
  auto own_groups = groups.groups_of(user.id);
  if (!own_groups) return fail(own_groups.error());
  stored.groups = *std::move(own_groups);
  auto own_permissions = groups.own_permissions(user.id);
  if (!own_permissions) return fail(own_permissions.error());
  stored.permissions = *std::move(own_permissions);
  auto permissions = groups.all_permissions();
  if (!permissions) return fail(permissions.error());
  stored.all_permissions = *std::move(permissions);
  auto all = groups.all_groups();
  if (!all) return fail(all.error());
  stored.all_groups = *std::move(all);
  return stored;
}

// ---- adding

http::Reply UserForms::add(const Visit& visit) const {
  std::string email;
  Error wrong;
  if (is_post(visit)) {
    const auto form = html::read_form(visit.request);
    email = strip(html::value_of(form, "email"));
    const Secret first(html::value_of(form, "password1"));
    const Secret second(html::value_of(form, "password2"));
    check_email(wrong, email);
    User user;
    user.email = email;
    check_passwords(wrong, first, second, site_.tools().accounts, user);
    if (wrong.fields.empty()) {
      std::string password(first.view());
      const auto created = create(visit, email, password);
      wipe(password);
      if (created) {
        return site_.done(
            visit,
            visit.may(Verb::view, user_model) ? page_of(created->id, "change") : user_model.path(),
            {"The user {} was added. More can be said of them here.", {created->email}});
      }
      if (created.error().code != Errc::validation_error) return created.error();
      wrong = created.error();
    }
  }
  FormPage page{.intro = Text{"First an email address and a password. The rest comes after it."},
                .fieldsets = {{.fields = {{.name = "email",
                                           .label = Text{"Email address"},
                                           .type = "email",
                                           .value = email}}}},
                .save = Text{"Add"}};
  for (auto& field : password_fields()) page.fieldsets[0].fields.push_back(std::move(field));
  return site_.render(visit, "admin_form", to_json(page, wrong, site_, visit),
                      {.title = Text{"Add a user"}, .path = {list_link()}});
}

Result<User> UserForms::create(const Visit& visit, const std::string& email,
                               const std::string& password) const {
  NewUser user;
  user.email = email;
  user.password = password;
  auto created =
      site_.tools().accounts.create(user, [&](db::Transaction& transaction, const User& made) {
        return site_.record(transaction, visit, user_model, std::to_string(made.id), made.email,
                            AdminAction::add, added_message());
      });
  wipe(user.password);
  return created;
}

// ---- changing

http::Reply UserForms::change(const Visit& visit) const {
  const auto user = find(visit);
  if (!user) return user.error();
  const auto stored = site_.tools().database.read(
      [&](db::Transaction& transaction) { return read(transaction, visit, *user); });
  if (!stored) return stored.error();
  Sent sent(*stored);
  Error wrong;
  if (is_post(visit)) {
    if (!stored->can_change) return Error{Errc::permission_denied};
    const bool saves = sent.read(html::read_form(visit.request), *stored, visit.user.is_superuser);
    sent.offer(*stored);
    if (saves) {
      wrong = sent.check();
      if (wrong.fields.empty()) {
        const auto done = save(visit, user->id, sent);
        if (done) return site_.done(visit, user_model.path(), {"{} was changed.", {user->email}});
        if (done.error().code != Errc::validation_error) return done.error();
        wrong = done.error();
      }
    }
  } else {
    sent.offer(*stored);
  }
  return show(visit, *stored, sent, wrong);
}

Result<void> UserForms::save(const Visit& visit, std::int64_t id, const Sent& sent) const {
  const auto& tools = site_.tools();
  const auto taken = [] {
    return fail(Error::field("email", {"User with this Email address already exists.", {}}));
  };
  const auto write = [&](db::Transaction& transaction) -> Result<void> {
    UserStore users(transaction);
    const auto found = users.hold(id);
    if (!found) return fail(found.error());
    if (!*found) return fail(Errc::not_found);
    const auto& before = **found;
    const auto stored = read(transaction, visit, before);
    if (!stored) return fail(stored.error());
    if (!stored->can_change) return fail(Errc::permission_denied);
    if (sent.seen != state_of(before)) {
      return fail(refusal(
          {"Somebody else has changed this user meanwhile. Open the page again to see what is "
           "there now; nothing was saved.",
           {}}));
    }
    auto after = before;
    std::vector<std::string_view> changed;
    const auto set = [&](auto& value, const auto& wanted, std::string_view name) {
      if (value == wanted) return;
      value = wanted;
      changed.push_back(name);
    };
    // Accounts::create() would write it so; what stands there already is left as it is.
    if (sent.email != before.email) {
      set(after.email, normalize_email(lower(sent.email)), "Email address");
    }
    set(after.first_name, sent.first_name, "First name");
    set(after.last_name, sent.last_name, "Last name");
    set(after.phone, optional_of(sent.phone, before.phone), "Phone");
    set(after.location, optional_of(sent.location, before.location), "Location");
    set(after.is_active, sent.is_active, "Active");
    set(after.is_staff, sent.is_staff, "Staff status");
    set(after.is_superuser, sent.is_superuser, "Superuser status");
    if (lower(after.email) != lower(before.email)) {
      const auto is_taken = users.email_taken(after.email);
      if (!is_taken) return fail(is_taken.error());
      if (*is_taken) return taken();
    }
    if (auto good = deeds_.check_loss(transaction, visit, before, after); !good) return good;
    if (visit.user.is_superuser) {
      GroupStore groups(transaction);
      if (sent.groups.chosen() != stored->groups) {
        changed.push_back("Groups");
        const auto done = groups.set_groups(id, sent.groups.chosen());
        if (!done) return done;
      }
      if (sent.permissions.chosen() != stored->permissions) {
        changed.push_back("User permissions");
        const auto done = groups.set_own_permissions(id, sent.permissions.chosen());
        if (!done) return done;
      }
    }
    if (!changed.empty()) {
      if (auto done = users.update(after, tools.clock()); !done) return done;
    }
    if (before.is_active && !after.is_active) {
      if (auto done = tools.accounts.end_logins(transaction, before); !done) return done;
    }
    return site_.record(transaction, visit, user_model, std::to_string(id), after.email,
                        AdminAction::change, changed_message(changed));
  };
  auto done = tools.database.write(write);
  if (!done && done.error().code == Errc::conflict) return taken();
  return done;
}

http::Reply UserForms::show(const Visit& visit, const Stored& stored, const Sent& sent,
                            const Error& wrong) const {
  const auto& user = stored.user;
  const auto text = [&](Text one) { return site_.text(visit, one); };
  const auto input = [&](std::string_view name, Text label, const std::string& value, bool can,
                         bool required = false) {
    return html::Field{.name = name,
                       .label = std::move(label),
                       .kind = can ? Kind::input : Kind::read_only,
                       .value = value,
                       .required = required};
  };
  const auto flag = [&](std::string_view name, Text label, bool value, bool can, Text help) {
    return html::Field{.name = name,
                       .label = std::move(label),
                       .kind = can ? Kind::checkbox : Kind::read_only,
                       .value = can ? (value ? "on" : "") : text(value ? Text{"Yes"} : Text{"No"}),
                       .required = false,
                       .help = std::move(help)};
  };
  const auto shown = [&](std::string_view name, Text label, std::string value) {
    return html::Field{.name = name,
                       .label = std::move(label),
                       .kind = Kind::read_only,
                       .value = std::move(value)};
  };
  const bool can = stored.can_change, can_name = stored.can_name();
  const bool can_grant = can && visit.user.is_superuser;
  FormPage page;
  if (stored.is_copy) {
    page.intro = Text{
        "This user is the authentication service's, which says what their email address and names "
        "are, and whether they are active."};
  }
  if (stored.is_beyond && visit.may(Verb::change, user_model)) {
    page.intro = Text{"This user may do what you may not: only a superuser can change them."};
  }
  auto email = input("email", Text{"Email address"}, sent.email, can_name, true);
  email.type = "email";
  auto phone = input("phone", Text{"Phone"}, sent.phone, can);
  phone.type = "tel";
  auto location = input("location", Text{"Location"}, sent.location, can);
  if (can) location.kind = Kind::textarea;
  page.fieldsets.push_back(
      {.fields = {std::move(email),
                  shown("password", Text{"Password"},
                        text(is_password_usable(user.password) && !user.password.empty()
                                 ? Text{"Is set. Nobody can see it."}
                                 : Text{"None: nobody can log in with one."}))}});
  page.fieldsets.push_back(
      {.title = Text{"Personal info"},
       .fields = {input("first_name", Text{"First name"}, sent.first_name, can_name),
                  input("last_name", Text{"Last name"}, sent.last_name, can_name), std::move(phone),
                  std::move(location)}});
  page.fieldsets.push_back(
      {.title = Text{"Permissions"},
       .fields = {flag("is_active", Text{"Active"}, sent.is_active, can_name,
                       Text{"Whether this user can log in. Unselect this instead of deleting "
                            "accounts."}),
                  flag("is_staff", Text{"Staff status"}, sent.is_staff, can_grant,
                       Text{"Whether the user can log into this admin site."}),
                  flag("is_superuser", Text{"Superuser status"}, sent.is_superuser, can_grant,
                       Text{"That this user has all permissions without each being given."})}});
  if (can_grant) {
    page.pickers = {&sent.groups, &sent.permissions};
  } else {
    auto& fields = page.fieldsets.back().fields;
    fields.push_back(shown("groups", Text{"Groups"}, sent.groups.chosen_text()));
    fields.push_back(
        shown("user_permissions", Text{"User permissions"}, sent.permissions.chosen_text()));
  }
  page.fieldsets.push_back(
      {.title = Text{"Important dates"},
       .fields = {shown("last_login", Text{"Last login"},
                        user.last_login ? shown_time(*user.last_login) : std::string("—")),
                  shown("date_joined", Text{"Joined"}, shown_time(user.date_joined)),
                  shown("id", Text{"ID"}, std::to_string(user.id))}});
  if (can) {
    page.save = Text{"Save"};
    page.hidden = {{"seen", sent.seen}};
    if (!stored.is_copy) {
      page.tools.push_back({Text{"Set the password"}, page_of(user.id, "password")});
    }
  }
  page.tools.push_back({Text{"Logins"}, page_of(user.id, "sessions")});
  page.tools.push_back({Text{"History"}, page_of(user.id, "history")});
  if (!stored.is_beyond && visit.may(Verb::remove, user_model)) {
    page.delete_path = page_of(user.id, "delete");
  }
  return site_.render(visit, "admin_form", to_json(page, wrong, site_, visit),
                      {.title = {"User {}", {user.email}}, .path = {list_link()}});
}

// ---- the password

http::Reply UserForms::password(const Visit& visit) const {
  const auto user = find(visit);
  if (!user) return user.error();
  const auto& tools = site_.tools();
  // Whoever sits down at somebody's open browser does not know the old one.
  if (user->id == visit.user.id) {
    return html::redirect(tools.tokens != nullptr ? "/accounts/password_change/"
                                                  : "/auth/password-change/");
  }
  const auto stored = tools.database.read(
      [&](db::Transaction& transaction) { return read(transaction, visit, *user); });
  if (!stored) return stored.error();
  if (!stored->can_name()) return Error{Errc::permission_denied};
  Error wrong;
  std::string usable = "yes";
  if (is_post(visit)) {
    const auto form = html::read_form(visit.request);
    usable = html::value_of(form, "usable_password") == "no" ? "no" : "yes";
    const Secret first(html::value_of(form, "password1"));
    const Secret second(html::value_of(form, "password2"));
    if (usable == "yes") check_passwords(wrong, first, second, tools.accounts, *user);
    if (wrong.fields.empty()) {
      // What is judged here holds when it is written: another's password is another row.
      const auto also = [&](db::Transaction& transaction, const User& whose) -> Result<void> {
        if (auto good = deeds_.check(transaction, visit, whose); !good) return good;
        if (auto done = tools.accounts.end_logins(transaction, whose); !done) return done;
        return site_.record(transaction, visit, user_model, std::to_string(whose.id), whose.email,
                            AdminAction::change, changed_message({"Password"}));
      };
      const auto done = usable == "yes" ? tools.accounts.set_password(*user, first.view(), also)
                                        : tools.accounts.disable_password(*user, also);
      if (done) {
        if (tools.feed != nullptr) tools.feed->let_second_pass();
        return site_.done(
            visit, page_of(user->id, "change"),
            usable == "yes"
                ? Text{"{} has a new password, and is logged out everywhere.", {user->email}}
                : Text{"{} has no password any more, and is logged out everywhere.",
                       {user->email}});
      }
      if (done.error().code == Errc::conflict) {
        add_error(wrong, "", Text{"Somebody else has changed this password meanwhile."});
      } else if (done.error().code == Errc::validation_error) {
        wrong = done.error();
      } else {
        return done.error();
      }
    }
  }
  FormPage page{.intro = {"A new password for {}. They are logged out everywhere.", {user->email}},
                .fieldsets = {{.fields = password_fields()}},
                .save = Text{"Set the password"}};
  page.fieldsets[0].fields.insert(
      page.fieldsets[0].fields.begin(),
      html::Field{.name = "usable_password",
                  .label = Text{"Logging in with a password"},
                  .kind = Kind::select,
                  .value = usable,
                  .options = {{"yes", site_.text(visit, Text{"Possible, with this one"})},
                              {"no", site_.text(visit, Text{"Impossible: takes it away"})}}});
  for (auto& field : page.fieldsets[0].fields) field.required = false;
  return site_.render(visit, "admin_form", to_json(page, wrong, site_, visit),
                      {.title = Text{"Set the password"}, .path = {list_link(), user_link(*user)}});
}

// ---- deleting, and the rest

http::Reply UserForms::remove(const Visit& visit) const {
  const auto user = find(visit);
  if (!user) return user.error();
  if (is_post(visit)) {
    const auto done = deeds_.perform(visit, UserDeed::remove, {user->id});
    if (done) return site_.done(visit, user_model.path(), {"{} was deleted.", {user->email}});
    if (done.error().code != Errc::validation_error) return done.error();
    return site_.done(visit, page_of(user->id, "change"),
                      {"Nothing was done. {}", {site_.text(visit, reason_of(done.error()))}});
  }
  const auto parts = site_.tools().database.read(
      [&](db::Transaction& transaction) { return deeds_.belongings(transaction, user->id); });
  if (!parts) return parts.error();
  const DeletePage page{
      .question = {"Are you sure that the user {} is to be deleted?", {user->email}},
      .parts = *parts,
      .back = page_of(user->id, "change")};
  return site_.render(visit, "admin_delete", to_json(page, site_, visit),
                      {.title = Text{"Delete a user"}, .path = {list_link(), user_link(*user)}});
}

http::Reply UserForms::log_out(const Visit& visit) const {
  const auto user = find(visit);
  if (!user) return user.error();
  const auto done = deeds_.perform(visit, UserDeed::log_out, {user->id});
  if (done) {
    return site_.done(visit, page_of(user->id, "sessions"),
                      {"{} is logged out everywhere.", {user->email}});
  }
  if (done.error().code != Errc::validation_error) return done.error();
  return site_.done(visit, page_of(user->id, "sessions"),
                    {"Nothing was done. {}", {site_.text(visit, reason_of(done.error()))}});
}

http::Reply UserForms::history(const Visit& visit) const {
  const auto user = find(visit);
  if (!user) return user.error();
  return log_.of_object(visit, user_model, user->email);
}

}  // namespace easyjwt::admin
