#include "service/identities.hpp"

#include "easyjwt/user/group_store.hpp"

namespace easyjwt {
namespace {

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

/// A text that may be null.
Result<std::optional<std::string>> maybe_text(const json::value& value, const char* name) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return std::string(value.get_string());
  auto error = Error::field(name, {"Not a valid string.", {}});
  error.reason = std::string(name) + " of a remote user is neither a text nor null";
  return fail(std::move(error));
}

Result<Identity> identity_of(db::Transaction& transaction, const User& user) {
  auto grants = GroupStore(transaction).grants(user.id);
  if (!grants) return fail(grants.error());
  Identity identity;
  identity.id = user.id;
  identity.email = user.email;
  identity.first_name = user.first_name;
  identity.last_name = user.last_name;
  identity.is_active = user.is_active;
  identity.is_staff = user.is_staff;
  identity.is_superuser = user.is_superuser;
  identity.groups = std::move(grants->groups);
  identity.permissions = std::move(grants->permissions);
  return identity;
}

}  // namespace

/// What a copy holds of it. Without a serializer what the original's writes.
Result<RemoteUser> Identities::read(const json::object& object) const {
  const auto* id = object.if_contains("id");
  auto email = text_of(object, "email");
  if (id == nullptr || !id->is_int64() || !email) {
    return fail(Error::unavailable("the auth-service told of a user without an id or an e-mail"));
  }
  RemoteUser user{.id = id->get_int64(), .email = *std::move(email)};
  const auto copies = [&](std::string_view name) {
    return serializer_ == nullptr || serializer_->has_field(name);
  };
  if (copies("first_name")) user.first_name = text_of(object, "first_name");
  if (copies("last_name")) user.last_name = text_of(object, "last_name");
  const auto* active = object.if_contains("is_active");
  if (copies("is_active") && active != nullptr && active->is_bool()) {
    user.is_active = active->get_bool();
  }
  if (serializer_ == nullptr) return user;
  for (const auto& [name, member] :
       {std::pair{"phone", &RemoteUser::phone}, std::pair{"location", &RemoteUser::location}}) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !serializer_->has_field(name)) continue;
    auto text = maybe_text(*value, name);
    if (!text) return fail(text.error());
    user.*member = *std::move(text);
  }
  return user;
}

/// Where there is nothing to write.
Result<std::optional<Identity>> Identities::find(const RemoteUser& user,
                                                 const json::object& object) const {
  return database_.read([&](db::Transaction& transaction) -> Result<std::optional<Identity>> {
    RemoteUserStore store(transaction);
    const auto copy = store.find(user.id);
    if (!copy) return fail(copy.error());
    if (!*copy || !RemoteUserStore::is_current(**copy, user)) return std::nullopt;
    if (serializer_ != nullptr) {
      const auto current = serializer_->is_current(transaction, **copy, object);
      if (!current) return fail(current.error());
      if (!*current) return std::nullopt;
    }
    return identity_of(transaction, **copy);
  });
}

Result<Identity> Identities::save(const RemoteUser& user, const json::object& object) const {
  auto saved = database_.write([&](db::Transaction& transaction) -> Result<Identity> {
    RemoteUserStore store(transaction);
    bool is_new = false;
    if (serializer_ != nullptr) {
      const auto before = store.find(user.id);
      if (!before) return fail(before.error());
      is_new = !*before;
    }
    const auto copy = store.save(user, clock_());
    if (!copy) return fail(copy.error());
    if (serializer_ != nullptr) {
      const auto done = serializer_->save(transaction, *copy, is_new, object);
      if (!done) return fail(done.error());
    }
    return identity_of(transaction, *copy);
  });
  if (!saved && saved.error().code == Errc::conflict) {
    return fail(Errc::permission_denied,
                {"This e-mail address belongs to an account of this service's own.", {}},
                saved.error().reason);
  }
  return saved;
}

IdentityResult Identities::of_remote_user(const json::object& object) const {
  const auto user = read(object);
  auto known = user ? find(*user, object) : Result<std::optional<Identity>>(fail(user.error()));
  if (known && !*known) known = save(*user, object);
  if (!known && known.error().code == Errc::validation_error) {
    return fail(Errc::auth_service_refused,
                {"Integrity error with USER_MODEL_SERIALIZER: {} failed to parse the received "
                 "payload from the auth server.",
                 {name_}},
                known.error().reason);
  }
  if (!known) return fail(known.error());
  auto identity = std::make_shared<Identity>(**std::move(known));
  identity->remote_id = user->id;
  identity->user = object;
  return identity;
}

IdentityResult Identities::of_user(const User& user) const {
  auto identity = database_.read([&](db::Transaction& transaction) -> Result<Identity> {
    auto made = identity_of(transaction, user);
    if (!made || serializer_ == nullptr) return made;
    auto shown = serializer_->to_json(transaction, user);
    if (!shown) return fail(shown.error());
    made->user = *std::move(shown);
    return made;
  });
  if (!identity) return fail(identity.error());
  identity->remote_id = user.id;
  return std::make_shared<const Identity>(*std::move(identity));
}

IdentityResult Identities::of_local_user(const User& user) const {
  auto identity = database_.read([&](db::Transaction& transaction) -> Result<Identity> {
    auto made = identity_of(transaction, user);
    if (!made) return made;
    const auto remote_id = RemoteUserStore(transaction).find_remote_id(user.id);
    if (!remote_id) return fail(remote_id.error());
    made->remote_id = remote_id->value_or(0);
    return made;
  });
  if (!identity) return fail(identity.error());
  return std::make_shared<const Identity>(*std::move(identity));
}

}  // namespace easyjwt
